/** A plot as a Vega-Lite specification, which anybody can take along: nothing in it but the data and the marks. Pure. */
import type { PlotSettings } from "../../protocol/saved.ts";
import { lineStyle, SLOT_COUNT, type ThemeKind } from "../charts/palette.ts";
import { type Field, fieldTitle } from "../explore/fields.ts";
import { axesOf } from "./parallel-scale.ts";
import { category, isDiscrete, isNominal, isNumber, type Known, NO_COLOR, type ParallelLine, type PlotRow } from "./plot-data.ts";

/** As JSON; vega-lite's own types are wider than what is written here and change with each of its versions. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;

export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

type Json = Readonly<Record<string, unknown>>;

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";
const SPREAD_WORDS = {
  none: "",
  std: " ± standard deviation",
  sem: " ± standard error",
  ci95: ", 95 % interval of the mean",
  quartiles: ", quartiles",
} as const;
/** The least width that a part of a faceted plot is drawn in. */
const FACET_PX = 200;
/** Below this width the legend stands above the plot. */
const NARROW_PX = 420;
const Y_AXIS_PX = 90;
/** Vega's own limit of the labels of a legend. */
const LABEL_PX = 160;
const SMALLEST_PLAIN = 1e-3;
const LARGEST_PLAIN = 1e6;
/** Its ends are not rounded: the marks at them would stand on the axes. */
const LOG_PADDING_PX = 12;
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"];

export function plotSpec(settings: PlotSettings, rows: readonly PlotRow[], known: Known, theme: ThemeKind, size: PlotSize): VegaLiteSpec {
  const facets = settings.facet === null ? [] : [...new Set(rows.map(({ facet }) => facet))];
  const columns = Math.max(1, Math.min(facets.length, Math.floor(size.width / FACET_PX)));
  const lines = Math.max(1, Math.ceil(facets.length / columns));
  // The y axis with its title, and the legend where colours mean something.
  const narrow = size.width < NARROW_PX;
  const beside = Y_AXIS_PX + (settings.color === null || narrow ? 0 : legendWidth(settings.color, rows));
  const above = settings.color === null || !narrow ? 70 : 120;
  const part: PlotSize =
    facets.length === 0
      ? { width: size.width - beside, height: size.height - above }
      : { width: (size.width - beside) / columns - 20, height: Math.max(120, (size.height - above) / lines - 40) };
  const width = Math.max(80, Math.round(part.width));
  const drawn = settings.log_y ? rows.map(clipped(rows)) : rows;
  const values = isScaled(settings, known) ? drawn.map(withoutText) : drawn;
  const body = { width, height: Math.max(80, Math.round(part.height)), ...marks(settings, drawn, known, theme, width) };
  const whole =
    settings.facet === null
      ? body
      : {
          facet: {
            field: "facet",
            type: nominalOr(settings.facet, known),
            header: { title: fieldTitle(settings.facet) },
            sort: "ascending",
          },
          columns,
          spec: body,
        };
  return {
    $schema: SCHEMA,
    background: "transparent",
    data: { values },
    config: {
      ...(narrow && { legend: { orient: "top", columns: 3 } }),
      // All have a place on the axes; those without a colour of the scale would be left out.
      mark: { invalid: "show" },
      scale: { invalid: { color: { value: NO_COLOR } } },
    },
    ...whole,
  };
}

/** As wide as its longest label, which Vega cuts. */
function legendWidth(color: Field, rows: readonly PlotRow[]): number {
  const longest = rows.reduce((most, row) => Math.max(most, String(row.color ?? "").length), fieldTitle(color).length);
  return 40 + Math.min(LABEL_PX, longest * 7);
}

function isScaled({ color }: PlotSettings, known: Known): boolean {
  return color !== null && !isNominal(color, known);
}

/** A scale of colours goes from the least to the greatest number: "Infinity" would be one. */
function withoutText({ color, ...row }: PlotRow): Omit<PlotRow, "color"> & { readonly color: number | null } {
  return { ...row, color: typeof color === "number" ? color : null };
}

/** Spreads that reach zero or less end at the lowest place of a logarithmic axis. */
function clipped(rows: readonly PlotRow[]): (row: PlotRow) => PlotRow {
  const positive = rows.flatMap(({ y, low }) => [y, low].filter((value): value is number => typeof value === "number" && value > 0));
  const least = positive.reduce((low, value) => Math.min(low, value), Infinity);
  const clip = (value: number): number => Math.max(least, value);
  return (row) => ({
    ...row,
    ...(row.low !== undefined && { low: clip(row.low) }),
    ...(row.q1 !== undefined && { q1: clip(row.q1) }),
  });
}

function marks(settings: PlotSettings, rows: readonly PlotRow[], known: Known, theme: ThemeKind, width: number): Json {
  switch (settings.kind) {
    case "histogram":
      return histogram(settings, known, theme);
    case "box":
      return box(settings, rows, known, theme, width);
    case "scatter":
    case "line":
    case "bar":
      return layered(settings, rows, known, theme);
    case "parallel":
      return {};
  }
}

function layered(settings: PlotSettings, rows: readonly PlotRow[], known: Known, theme: ThemeKind): Json {
  const { kind, spread_mark: mark } = settings;
  const grouped = settings.aggregate !== "none" || kind === "bar";
  const spread = grouped && settings.spread !== "none" && rows.some(({ low }) => low !== undefined);
  const x = xEncoding(settings, rows, known);
  const y = yEncoding(settings, rows, known);
  const color = colorEncoding(settings, known, theme);
  const offset = kind === "bar" && settings.color !== null ? { xOffset: { field: "color", type: "nominal" } } : {};
  const shape =
    kind === "scatter" && settings.color !== null && isNominal(settings.color, known) ? { shape: shapeEncoding(settings, known) } : {};
  const shared = { x, ...color, ...offset };
  const hair = { y: { field: "low", type: "quantitative", ...title(yTitle(settings)) }, y2: { field: "high" } };
  const own = lineStyle(0, theme).color;
  const layer: Json[] = [];
  if (spread && mark === "band" && kind !== "bar")
    layer.push({
      mark: { type: "area", opacity: 0.22, ...(settings.color === null && { color: own }) },
      encoding: { ...shared, ...hair },
    });
  if (kind === "bar")
    layer.push({ mark: { type: "bar", cursor: "pointer", ...(settings.color === null && { color: own }) }, encoding: { ...shared, y } });
  if (kind === "line")
    layer.push({
      mark: { type: "line", strokeWidth: 2, ...(settings.color === null && { color: own }) },
      encoding: { ...shared, y },
    });
  if (spread && (mark === "bars" || kind === "bar"))
    layer.push({
      mark: { type: "rule", strokeWidth: 1.5, ...errorColor(settings, own) },
      encoding: { ...(kind === "bar" ? { x, ...offset } : shared), ...hair },
    });
  if (kind !== "bar")
    layer.push({
      mark: {
        type: "point",
        filled: true,
        size: kind === "line" ? 36 : 50,
        opacity: 0.85,
        cursor: "pointer",
        ...(settings.color === null && { color: own }),
      },
      encoding: { ...shared, ...shape, y },
    });
  return { layer };
}

/** An error bar over a filled bar is drawn against it, else it has the colour of its mark. */
function errorColor({ kind, color }: PlotSettings, own: string): Json {
  if (kind === "bar") return { color: NO_COLOR };
  return color === null ? { color: own } : {};
}

function histogram(settings: PlotSettings, known: Known, theme: ThemeKind): Json {
  const name = settings.x === null ? "" : fieldTitle(settings.x);
  return {
    mark: { type: "bar", binSpacing: 1, cursor: "pointer", ...(settings.color === null && { color: lineStyle(0, theme).color }) },
    encoding: {
      x: { field: "start", type: "quantitative", bin: { binned: true }, scale: { zero: false }, ...title(name) },
      x2: { field: "end" },
      y: { field: "runs", type: "quantitative", axis: { tickMinStep: 1, format: ",d" }, ...title("runs") },
      ...colorEncoding(settings, known, theme),
    },
  };
}

/** Box from the first to the third quartile with the median, whiskers to the lowest and the highest run. */
function box(settings: PlotSettings, rows: readonly PlotRow[], known: Known, theme: ThemeKind, width: number): Json {
  const x = settings.x === null ? {} : { x: xEncoding(settings, rows, known) };
  const color = colorEncoding(settings, known, theme);
  const offset = settings.color === null || settings.color === settings.x ? {} : { xOffset: { field: "color", type: "nominal" } };
  const own = settings.color === null ? { color: lineStyle(0, theme).color } : {};
  const y = yEncoding(settings, rows, known);
  const places =
    new Set(rows.map(({ x: value }) => value)).size * ("xOffset" in offset ? new Set(rows.map(({ color: part }) => part)).size : 1);
  const size = Math.max(2, Math.min(40, Math.round((width * 0.7) / Math.max(1, places))));
  return {
    layer: [
      {
        mark: { type: "rule", ...own },
        encoding: { ...x, ...offset, ...color, y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        mark: { type: "bar", size, fillOpacity: 0.35, strokeWidth: 1, cursor: "pointer", ...own },
        encoding: { ...x, ...offset, ...color, y: { ...y, field: "q1" }, y2: { field: "q3" } },
      },
      {
        mark: { type: "tick", size, thickness: 2, ...own },
        encoding: { ...x, ...offset, ...color, y: { ...y, field: "median" } },
      },
    ],
  };
}

/**
 * Parallel coordinates to take along; on the page they are drawn on a canvas of their own (parallel-plot.ts).
 * @param shown of the lines, those that are drawn: the axes are those of all
 */
export function parallelSpec(
  settings: PlotSettings,
  lines: readonly ParallelLine[],
  shown: readonly ParallelLine[],
  known: Known,
  theme: ThemeKind,
  size: PlotSize,
): VegaLiteSpec {
  const axes = axesOf(settings.axes, lines);
  const values = shown.flatMap((line) =>
    axes.map((axis, index) => {
      const value = line.values[index] ?? null;
      return {
        run: line.name,
        id: line.id,
        axis: fieldTitle(axis.field),
        place: axis.place(value),
        value: category(value),
        color: category(line.color),
      };
    }),
  );
  const line = (color: Json): Json => ({
    mark: { type: "line", opacity: 0.5, tooltip: { content: "data" } },
    encoding: { detail: { field: "id", type: "nominal" }, ...color },
  });
  const labels = axes.flatMap(({ field, ticks }) => ticks.map(({ at, label }) => ({ axis: fieldTitle(field), place: at, label })));
  return {
    $schema: SCHEMA,
    background: "transparent",
    width: Math.round(size.width),
    height: Math.round(size.height),
    data: { values },
    encoding: {
      x: {
        field: "axis",
        type: "nominal",
        sort: settings.axes.map(fieldTitle),
        scale: { type: "point" },
        axis: { labelAngle: 0, grid: true },
        ...title(""),
      },
      y: { field: "place", type: "quantitative", axis: null },
    },
    layer: [
      ...(isScaled(settings, known)
        ? [
            { transform: [{ filter: "isNumber(datum.color)" }], ...line(colorEncoding(settings, known, theme)) },
            { transform: [{ filter: "!isNumber(datum.color)" }], ...line({ color: { value: NO_COLOR } }) },
          ]
        : [line(settings.color === null ? { color: { value: lineStyle(0, theme).color } } : colorEncoding(settings, known, theme))]),
      {
        data: { values: labels },
        mark: { type: "text", align: "right", dx: -6, color: NO_COLOR },
        encoding: { text: { field: "label", type: "nominal" } },
      },
    ],
  };
}

function xEncoding(settings: PlotSettings, rows: readonly PlotRow[], known: Known): Json {
  const { x, log_x: log } = settings;
  const name = title(x === null ? "" : fieldTitle(x));
  if (x === null) return { value: 0 };
  const discrete = isDiscrete(settings);
  if (isTime(x) && !discrete) return { field: "x", type: "temporal", axis: { format: CLOCK_LABELS }, ...name };
  const numbers = numbersOf(rows.map((row) => row.x));
  if (discrete || !isNumber(x, known))
    return {
      field: "x",
      type: isNumber(x, known) ? "ordinal" : "nominal",
      axis: {
        labelAngle: 0,
        labelOverlap: true,
        labelLimit: 120,
        ...(isNumber(x, known) && numbers.length === rows.length && { formatType: "number", ...labels(exponents(numbers)) }),
      },
      ...name,
    };
  return { field: "x", type: "quantitative", ...numberScale(numbers, log, false), ...name };
}

function yEncoding(settings: PlotSettings, rows: readonly PlotRow[], known: Known): Json {
  const { y, log_y: log, kind } = settings;
  if (y !== null && isTime(y)) return { field: "y", type: "temporal", axis: { format: CLOCK_LABELS }, ...title(yTitle(settings)) };
  if (y !== null && !isNumber(y, known)) return { field: "y", type: "nominal", ...title(yTitle(settings)) };
  const numbers = numbersOf(rows.flatMap((row) => [row.y, row.low, row.high]));
  return { field: "y", type: "quantitative", ...numberScale(numbers, log, kind === "bar"), ...title(yTitle(settings)) };
}

function numbersOf(values: readonly (number | string | undefined)[]): number[] {
  return values.filter((value) => typeof value === "number");
}

/** Of time axes: Vega's own have twelve hours, and do not say which half of the day. Days and longer stay as they are. */
export const CLOCK_LABELS = { hours: "%H:%M", minutes: "%H:%M", seconds: "%H:%M:%S" } as const;

/** @param exponent of all labels; on a logarithmic axis of those alone that read badly without: 1e−4, 0.01, 1 */
function labels(exponent: boolean, log = false): Json {
  if (!exponent) return { format: "~r" };
  const plain = log ? `abs(datum.value) > ${String(SMALLEST_PLAIN)} && abs(datum.value) < ${String(LARGEST_PLAIN)}` : "datum.value === 0";
  // d3 writes the sign of a number as a minus, that of its exponent as a hyphen or a plus.
  const written = "replace(replace(datum.label, 'e-', 'e\u2212'), 'e+', 'e')";
  return { format: "~e", labelExpr: `${plain} ? format(datum.value, '~r') : ${written}` };
}

/** Are they so small or so large that they read best as 2e−5? */
function exponents(numbers: readonly number[]): boolean {
  const sizes = numbers.map(Math.abs).filter((size) => size > 0);
  return sizes.some((size) => size < SMALLEST_PLAIN || size >= LARGEST_PLAIN);
}

/** A logarithmic scale has no zero to begin at, and labels at its powers of ten; where it has fewer than two of them, at more of its values. */
function numberScale(numbers: readonly number[], log: boolean, fromZero: boolean): Json {
  if (!log) {
    const small = numbers.length > 0 && numbers.every((value) => Math.abs(value) < SMALLEST_PLAIN);
    const format = small || numbers.some((value) => Math.abs(value) >= LARGEST_PLAIN) ? { axis: labels(true) } : {};
    return { scale: { type: "linear", zero: fromZero }, ...format };
  }
  const [low, high] = numbers.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const powers = Math.floor(Math.log10(high)) - Math.ceil(Math.log10(low)) + 1;
  const ticks = powers < 2 ? { labelOverlap: "greedy" } : { values: powersWithin(low, high), grid: true };
  return { scale: { type: "log", nice: false, padding: LOG_PADDING_PX }, axis: { ...labels(exponents(numbers), true), ...ticks } };
}

function powersWithin(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(high) + 1e-9) - first + 1) }, (_, index) =>
    Number(`1e${String(first + index)}`),
  );
}

function yTitle(settings: PlotSettings): string {
  const { y, kind, aggregate, spread } = settings;
  if (y === null) return "";
  if (kind === "box") return fieldTitle(y);
  const grouped = aggregate !== "none" || kind === "bar";
  return grouped ? `${aggregate === "none" ? "mean" : aggregate} of ${fieldTitle(y)}${SPREAD_WORDS[spread]}` : fieldTitle(y);
}

function colorEncoding({ color }: PlotSettings, known: Known, theme: ThemeKind): Json {
  if (color === null) return {};
  if (!isNominal(color, known))
    return { color: { field: "color", type: "quantitative", scale: { scheme: "viridis" }, ...title(fieldTitle(color)) } };
  const range = Array.from({ length: SLOT_COUNT }, (_, slot) => lineStyle(slot, theme).color);
  return { color: { field: "color", type: "nominal", sort: "ascending", scale: { range }, ...title(fieldTitle(color)) } };
}

function shapeEncoding({ color }: PlotSettings, known: Known): Json {
  return {
    field: "color",
    type: color === null ? "nominal" : nominalOr(color, known),
    sort: "ascending",
    scale: { range: SHAPES },
    ...title(color === null ? "" : fieldTitle(color)),
  };
}

function nominalOr(field: Field, known: Known): "nominal" | "ordinal" {
  return isNumber(field, known) && !isNominal(field, known) ? "ordinal" : "nominal";
}

function isTime(field: Field): boolean {
  return /^record\.\w+_at$/.test(field);
}

function title(text: string): Json {
  return { title: text };
}
