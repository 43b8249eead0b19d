/** Runs in Chromium for the benchmark `charts`: the same series drawn in three ways. */
import uPlot from "uplot";
import { parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import { tracePath } from "../../webviews/charts/draw-line.ts";
import { lineStyle } from "../../webviews/charts/palette.ts";
import { linearScale, niceDomain } from "../../webviews/charts/scale.ts";
import { PLOT_PADDING, VegaFrame } from "../../webviews/charts/vega-frame.ts";
import type { Theme } from "../../webviews/components/theme.ts";

export interface ChartTimes {
  /** Medians, ms. */
  readonly first: number;
  readonly append: number;
}

export type Kind = "trainyard" | "uplot" | "vega-lite";

const WIDTH = 900;
const HEIGHT = 420;
const GUTTER = 56;
const THEME: Theme = {
  kind: "dark",
  foreground: "#cccccc",
  background: "#1f1f1f",
  blue: "#3794ff",
  green: "#89d185",
  error: "#f48771",
  fontFamily: "sans-serif",
};

/** Series that share their steps; room for the points that are appended. */
interface Data {
  readonly xs: Float64Array;
  readonly ys: readonly Float64Array[];
  length: number;
}

interface Drawn {
  /** Draws the points up to data.length. */
  update(data: Data): Promise<void>;
  remove(): void;
}

type Draw = (host: HTMLElement, data: Data) => Promise<Drawn>;

function makeData(series: number, points: number, room: number): Data {
  const xs = Float64Array.from({ length: points + room }, (_, i) => i);
  const ys = Array.from({ length: series }, (_, s) =>
    xs.map((x) => Math.exp(-x / 700) + 0.1 * Math.sin(x / 20 + s) + 0.05 * Math.random() + s / 50),
  );
  return { xs, ys, length: points };
}

/** Reading a pixel waits until everything before it was rasterised. */
function settle(canvas: HTMLCanvasElement | null | undefined): void {
  canvas?.getContext("2d")?.getImageData(0, 0, 1, 1);
}

/** As webviews/charts/line-view.ts draws: axes and grid by the compiled frame, lines on a canvas above it. */
const trainyard: Draw = async (host, data) => {
  const frameHost = host.appendChild(document.createElement("div"));
  const canvas = host.appendChild(document.createElement("canvas"));
  canvas.width = WIDTH * devicePixelRatio;
  canvas.height = HEIGHT * devicePixelRatio;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  const frame = new VegaFrame(frameHost);
  const width = WIDTH - GUTTER - PLOT_PADDING.right;
  const height = HEIGHT - PLOT_PADDING.top - PLOT_PADDING.bottom;
  const update = ({ xs, ys, length }: Data): Promise<void> => {
    let low = Infinity;
    let high = -Infinity;
    for (const values of ys) {
      for (let i = 0; i < length; i++) {
        const value = values[i] ?? 0;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    const yDomain = niceDomain([low, high]);
    const xDomain = [xs[0] ?? 0, xs[length - 1] ?? 1] as const;
    frame.draw(
      {
        xAxis: "step",
        xTitle: "",
        xFormat: ",d",
        xLeast: 1,
        logY: false,
        x: xDomain,
        y: yDomain,
        yFormat: ".3~g",
        yTicks: 6,
        left: GUTTER,
        width,
        height,
      },
      THEME,
    );
    const x = linearScale(xDomain, [GUTTER, GUTTER + width]);
    const y = linearScale(yDomain, [PLOT_PADDING.top + height, PLOT_PADDING.top]);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    for (const [slot, values] of ys.entries()) {
      context.beginPath();
      tracePath(context, { xs, ys: values, from: 0, to: length }, x, y, width);
      context.strokeStyle = lineStyle(slot, "dark").color;
      context.stroke();
    }
    settle(frame.canvas);
    settle(canvas);
    return Promise.resolve();
  };
  await update(data);
  return {
    update,
    remove: () => {
      frame.dispose();
    },
  };
};

const uplot: Draw = async (host, data) => {
  const shown = ({ xs, ys, length }: Data): uPlot.AlignedData => [
    xs.subarray(0, length),
    ...ys.map((values) => values.subarray(0, length)),
  ];
  const series = data.ys.map((_, slot) => ({ stroke: lineStyle(slot, "dark").color }));
  const options: uPlot.Options = {
    width: WIDTH,
    height: HEIGHT,
    series: [{}, ...series],
    scales: { x: { time: false } },
    legend: { show: false },
  };
  const plot = new uPlot(options, shown(data), host);
  await Promise.resolve(); // It draws in a microtask.
  settle(plot.ctx.canvas);
  return {
    async update(now) {
      plot.setData(shown(now));
      await Promise.resolve();
      settle(plot.ctx.canvas);
    },
    remove: () => {
      plot.destroy();
    },
  };
};

const vegaLite: Draw = async (host, data) => {
  const rows = (from: number, { xs, ys, length }: Data): object[] => {
    const made: object[] = [];
    for (const [run, values] of ys.entries())
      for (let i = from; i < length; i++) made.push({ step: xs[i], value: values[i], run: String(run) });
    return made;
  };
  const spec: TopLevelSpec = {
    width: WIDTH,
    height: HEIGHT,
    data: { name: "points", values: rows(0, data) },
    mark: "line",
    encoding: {
      x: { field: "step", type: "quantitative" },
      y: { field: "value", type: "quantitative" },
      color: { field: "run", type: "nominal", legend: null },
    },
  };
  const runtime = parse(compile(spec).spec, undefined, { ast: true });
  const view = new View(runtime, { expr: expressionInterpreter, renderer: "canvas", hover: false }).initialize(host);
  await view.runAsync();
  settle(host.querySelector("canvas"));
  let shown = data.length;
  return {
    async update(now) {
      const fresh = rows(shown, now);
      shown = now.length;
      await view.insert("points", fresh).runAsync();
      settle(host.querySelector("canvas"));
    },
    remove: () => {
      view.finalize();
    },
  };
};

const DRAWERS: Readonly<Record<Kind, Draw>> = { trainyard, uplot, "vega-lite": vegaLite };

export async function measure(kind: Kind, series: number, points: number, rounds: number): Promise<ChartTimes> {
  const first: number[] = [];
  const append: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const data = makeData(series, points, rounds + 1);
    const host = document.body.appendChild(document.createElement("div"));
    const start = performance.now();
    const drawn = await DRAWERS[kind](host, data);
    if (round > 0) first.push(performance.now() - start);
    // Appends are measured on one chart that stays: the last.
    for (let i = 0; round === rounds && i <= rounds; i++) {
      data.length++;
      const before = performance.now();
      await drawn.update(data);
      if (i > 0) append.push(performance.now() - before);
      await new Promise(requestAnimationFrame);
    }
    drawn.remove();
    host.remove();
    await new Promise(requestAnimationFrame);
  }
  return { first: middle(first), append: middle(append) };
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

(globalThis as unknown as { measureChart: typeof measure }).measureChart = measure;
