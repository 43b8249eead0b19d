// Compiles the Vega-Lite frame of the line charts (axes, scales, grid; no marks) for each kind of axis into frames.json, so that
// vega-lite itself need not be shipped. Run after a change here: `node webviews/charts/build-frames.mjs`; a test holds the two together.
import { realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "vega-lite";

/** As everywhere on the page: the minus is U+2212, and no sign stands before an exponent. */
function numberLabel(format) {
  return `datum.value === 0 ? '0' : replace(replace(format(datum.value, ${format}), regexp('-', 'g'), '\u2212'), '+', '')`;
}

/**
 * Which ticks of a log axis are labelled, as far as there is room: of three powers of ten and more only those, of fewer their double and fivefold
 * too. Ticks within one power of ten all are.
 */
function logLabel() {
  const power = (value) => `log(${value}) / LN10`;
  const powers = `floor(${power("y1")} + 1e-9) - ceil(${power("y0")} - 1e-9)`;
  const digit = `round(datum.value / pow(10, floor(${power("datum.value")} + 1e-9)))`;
  return `y1 / y0 < 10 || indexof(${powers} >= 2 ? [1] : [1, 2, 5], ${digit}) >= 0 ? ${numberLabel("yFormat")} : ''`;
}

const X_AXES = {
  // Steps, or what a counter counts: its name stands at the end of the axis, within the plot.
  number: {
    type: "quantitative",
    scale: {},
    axis: {
      labelExpr: numberLabel("xFormat"),
      tickMinStep: { expr: "xLeast" },
      titleAnchor: "end",
      titleAlign: "right",
      titleBaseline: "bottom",
      titleX: { expr: "width" },
      titleY: -4,
    },
  },
  wall: {
    type: "temporal",
    scale: {},
    axis: { labelExpr: "timeFormat(datum.value, x1 - x0 > 172800000 ? '%b %d' : x1 - x0 > 600000 ? '%H:%M' : '%H:%M:%S')" },
  },
  // ms since the start, read as a UTC clock so that ticks fall on whole minutes and hours.
  relative: {
    type: "temporal",
    scale: { type: "utc" },
    axis: {
      labelExpr:
        "x1 - x0 > 172800000 ? format(datum.value / 86400000, '.3~f') + ' d' : x1 > 7200000 ? floor(datum.value / 3600000) + ':' + utcFormat(datum.value, '%M') + ' h' : floor(datum.value / 60000) + ':' + utcFormat(datum.value, '%S')",
    },
  },
};
const Y_SCALES = {
  linear: { scale: { zero: false, nice: false }, axis: {} },
  log: {
    scale: { type: "log", nice: false },
    axis: { labelExpr: logLabel(), labelOverlap: "greedy", tickCount: { expr: "max(4, yTicks)" } },
  },
};

function source(x, y) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: 300,
    height: 200,
    autosize: "none",
    background: "transparent",
    params: [
      { name: "x0", value: 0 },
      { name: "x1", value: 1 },
      { name: "xTitle", value: "" },
      { name: "xFormat", value: ",d" },
      { name: "xLeast", value: 1 },
      { name: "y0", value: 0.001 },
      { name: "y1", value: 1 },
      { name: "yFormat", value: "~g" },
      { name: "yTicks", value: 4 },
    ],
    data: { values: [{}] },
    mark: { type: "point", opacity: 0 },
    encoding: {
      x: {
        datum: 0,
        type: x.type,
        scale: { ...x.scale, domainMin: { expr: "x0" }, domainMax: { expr: "x1" }, nice: false, zero: false },
        axis: {
          title: null,
          grid: false,
          tickCount: { expr: "max(2, floor(width / 90))" },
          labelFlush: true,
          labelOverlap: true,
          ...x.axis,
        },
      },
      y: {
        datum: 1,
        type: "quantitative",
        scale: { ...y.scale, domainMin: { expr: "y0" }, domainMax: { expr: "y1" } },
        axis: {
          title: null,
          grid: true,
          tickCount: { expr: "yTicks" },
          labelOverlap: true,
          labelExpr: numberLabel("yFormat"),
          ...y.axis,
        },
      },
    },
  };
}

export function compileFrames() {
  const frames = {};
  for (const [xName, x] of Object.entries(X_AXES))
    for (const [yName, y] of Object.entries(Y_SCALES)) {
      const { spec } = compile(source(x, y));
      // The frame has no data of its own: the canvas above it draws the lines.
      const frame = Object.fromEntries(Object.entries(spec).filter(([key]) => !["$schema", "data", "marks"].includes(key)));
      for (const scale of frame.scales) {
        scale.domain = scale.name === "x" ? [{ signal: "x0" }, { signal: "x1" }] : [{ signal: "y0" }, { signal: "y1" }];
        delete scale.domainMin;
        delete scale.domainMax;
        delete scale.domainRaw;
      }
      // Vega-Lite takes no expression for a title.
      if (xName === "number") for (const axis of frame.axes) if (axis.scale === "x") axis.title = { signal: "xTitle" };
      frames[`${xName}-${yName}`] = frame;
    }
  return frames;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const target = path.join(path.dirname(fileURLToPath(import.meta.url)), "frames.json");
  await writeFile(target, JSON.stringify(compileFrames(), null, 1) + "\n");
}
