/** Draws one chart: works out the domains, lets Vega draw the frame, and puts lines and crosshair on two canvases above it. */
import { formatClock, formatDuration, formatInteger } from "../components/format.ts";
import type { Theme } from "../components/theme.ts";
import type { Annotations } from "./annotations.ts";
import { xColumn, xOffset } from "./chart-window.ts";
import type { ChartSettings, XAxis, XWindow } from "./chart-sync.ts";
import type { SeriesColumns } from "./columns.ts";
import {
  type Brush,
  drawAttempts,
  drawBrush,
  drawCheckpoints,
  drawDot,
  drawFlag,
  drawNonFinite,
  drawPoints,
  type Plot,
} from "./canvas-marks.ts";
import type { Shown, Stroke } from "./chart-export.ts";
import { tracePath } from "./draw-line.ts";
import { lineStyle } from "./palette.ts";
import { type Domain, extent, growDomain, linearScale, logDomain, logScale, nearestIndex, niceDomain, windowRange } from "./scale.ts";
import type { DiscardedTail } from "./series-store.ts";
import { linearFormat, logFormat, tickLabels, tickStep } from "./ticks.ts";
import { LABEL_PADDING, LABEL_SIZE, PLOT_PADDING, VegaFrame } from "./vega-frame.ts";

export interface ChartData {
  readonly columns: SeriesColumns;
  /** The same series in the zoomed window with more points, where the whole curve holds fewer than there are. */
  readonly detail: SeriesColumns | null;
  readonly discarded: readonly DiscardedTail[];
  /** ms since the epoch that relative time counts from. */
  readonly origin: number;
  readonly slot: number;
}

export interface ChartInput {
  readonly metric: string;
  readonly data: ChartData;
  readonly settings: ChartSettings;
  /** What the x axis shows: the zoom, or everything. */
  readonly window: XWindow;
  /** What the y axis shows when it was zoomed; null for what the lines need. */
  readonly yWindow: Domain | null;
  readonly annotations: Annotations;
  readonly live: boolean;
  readonly theme: Theme;
  /** Room for the y labels. */
  readonly gutter: number;
  /** Of the whole chart in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Reading {
  readonly index: number;
  readonly step: number;
  readonly time: number;
  readonly raw: number;
  readonly smoothed: number;
  readonly attempt: number;
  /** Position in the chart; y is null where the value cannot be drawn. */
  readonly px: number;
  readonly py: number | null;
}

/** Between the page and the y labels. */
const EDGE_PX = 8;

/** About how many labels fit on the y axis of a plot of this height. */
function tickCount(height: number): number {
  return Math.max(2, Math.floor(height / 44));
}

export class LineView {
  readonly #lines: HTMLCanvasElement;
  readonly #overlay: HTMLCanvasElement;
  readonly #frame: VegaFrame;
  #shown: Domain | null = null;
  #shownKey = "";
  #input: ChartInput | null = null;
  #plot: Plot | null = null;
  #labelWidth = 0;

  constructor(frameHost: HTMLElement, lines: HTMLCanvasElement, overlay: HTMLCanvasElement) {
    this.#frame = new VegaFrame(frameHost);
    this.#lines = lines;
    this.#overlay = overlay;
  }

  /** Room that the y labels of the last drawing need, in CSS pixels. */
  get labelWidth(): number {
    return this.#labelWidth;
  }

  get plot(): Plot | null {
    return this.#plot;
  }

  draw(input: ChartInput): void {
    this.#input = input;
    const { settings, window, theme } = input;
    const width = Math.max(10, input.width - input.gutter - PLOT_PADDING.right);
    const height = Math.max(10, input.height - PLOT_PADDING.top - PLOT_PADDING.bottom);
    const y = this.#yDomain(input);
    const yTicks = tickCount(height);
    const yFormat = settings.logY ? logFormat(y) : linearFormat(y, yTicks);
    const frame = { xAxis: settings.xAxis, logY: settings.logY, x: window, y, yFormat, yTicks, left: input.gutter, width, height };
    this.#frame.draw(frame, theme);
    this.#labelWidth = this.#measureLabels(y, yTicks, settings.logY, theme);
    const offset = xOffset(settings.xAxis, input.data.origin);
    const left = input.gutter;
    const { top } = PLOT_PADDING;
    const xDomain: Domain = [window[0] + offset, window[1] + offset];
    const yRange: Domain = [top + height, top];
    this.#plot = {
      left,
      top,
      width,
      height,
      x: linearScale(xDomain, [left, left + width]),
      y: settings.logY ? logScale(y, yRange) : linearScale(y, yRange),
    };
    const context = prepare(this.#lines, input.width, input.height);
    if (context !== null) this.#drawLines(context, input, this.#plot);
  }

  /** The values at the point nearest to x (axis units), null without points. */
  read(x: number): Reading | null {
    const input = this.#input;
    const plot = this.#plot;
    if (input === null || plot === null) return null;
    const columns = shownColumns(input);
    const xs = xColumn(columns, input.settings.xAxis);
    const index = nearestIndex(xs, x + xOffset(input.settings.xAxis, input.data.origin));
    if (index < 0) return null;
    const smoothed = columns.smoothed(input.settings.smoothing)[index] ?? Number.NaN;
    const py = plot.y.at(smoothed);
    return {
      index,
      step: columns.steps[index] ?? 0,
      time: columns.times[index] ?? 0,
      raw: columns.values[index] ?? Number.NaN,
      smoothed,
      attempt: columns.attempts[index] ?? 0,
      px: plot.x.at(xs[index] ?? 0),
      py: Number.isFinite(py) ? py : null,
    };
  }

  /** Axis units at a pixel of the chart. */
  xAt(pixel: number): number | null {
    const input = this.#input;
    if (input === null || this.#plot === null) return null;
    return this.#plot.x.invert(pixel) - xOffset(input.settings.xAxis, input.data.origin);
  }

  /** Crosshair with its dot, and the stretch being dragged for a zoom. */
  drawOverlay(reading: Reading | null, brush: Brush | null): void {
    const input = this.#input;
    const plot = this.#plot;
    if (input === null || plot === null) return;
    const context = prepare(this.#overlay, input.width, input.height);
    if (context === null) return;
    const { theme } = input;
    if (brush !== null) drawBrush(context, brush, plot, theme);
    if (reading === null || reading.px < plot.left - 1 || reading.px > plot.left + plot.width + 1) return;
    const x = Math.round(reading.px) + 0.5;
    context.strokeStyle = theme.foreground;
    context.globalAlpha = 0.6;
    context.beginPath();
    context.moveTo(x, plot.top);
    context.lineTo(x, plot.top + plot.height);
    context.stroke();
    context.globalAlpha = 1;
    drawFlag(context, x, plot, xLabel(input.settings.xAxis, reading, input.data.origin), stepLabels(input, plot), theme);
    if (reading.py !== null) drawDot(context, reading.px, reading.py, 3.5, lineStyle(input.data.slot, theme.kind).color, theme.background);
  }

  /** What the chart shows, for an export; null before the first drawing. */
  get shown(): Shown | null {
    const input = this.#input;
    const plot = this.#plot;
    if (input === null || plot === null) return null;
    const strokes = this.#strokes(input);
    return { frame: this.#frame, lines: this.#lines, plot, strokes, settings: input.settings, background: input.theme.background };
  }

  #strokes(input: ChartInput): Stroke[] {
    const { settings, data, theme } = input;
    const columns = shownColumns(input);
    const { color, dash } = lineStyle(data.slot, theme.kind);
    const common = { xs: xColumn(columns, settings.xAxis), steps: columns.steps, color };
    const smoothed = { ...common, name: input.metric, ys: columns.smoothed(settings.smoothing), dash, width: 2, alpha: 1 };
    if (settings.smoothing === 0 || !settings.raw) return [smoothed];
    return [{ ...common, name: `${input.metric} (raw)`, ys: columns.values, dash: [], width: 1, alpha: 0.32 }, smoothed];
  }

  dispose(): void {
    this.#frame.dispose();
  }

  #yDomain(input: ChartInput): Domain {
    if (input.yWindow !== null) return input.yWindow;
    const { settings, window, data } = input;
    const columns = shownColumns(input);
    const offset = xOffset(settings.xAxis, data.origin);
    const [from, to] = windowRange(xColumn(columns, settings.xAxis), [window[0] + offset, window[1] + offset]);
    const smooth = extent(columns.smoothed(settings.smoothing), from, to, settings.logY);
    const raw = settings.raw ? extent(columns.values, from, to, settings.logY) : null;
    const needed = smooth === null ? raw : raw === null ? smooth : growDomain(smooth, raw);
    if (needed === null) return settings.logY ? [0.1, 1] : [0, 1];
    // Any change of what is shown starts afresh; only new points of a live run may not shrink the range.
    const key = JSON.stringify([settings, input.live ? this.#zoomKey(input) : window]);
    const grown = input.live && key === this.#shownKey ? growDomain(this.#shown, needed) : needed;
    this.#shownKey = key;
    this.#shown = grown;
    return settings.logY
      ? logDomain(grown)
      : niceDomain(grown, Math.max(3, tickCount(input.height - PLOT_PADDING.top - PLOT_PADDING.bottom)));
  }

  #measureLabels(y: Domain, count: number, logY: boolean, theme: Theme): number {
    const context = this.#overlay.getContext("2d");
    const { makeFormat } = this.#frame;
    if (context === null || makeFormat === null) return 0;
    const labels = tickLabels(y, count, logY, makeFormat);
    context.font = `${String(LABEL_SIZE)}px ${theme.fontFamily}`;
    const widest = labels.reduce((most, label) => Math.max(most, context.measureText(label).width), 0);
    return Math.ceil(widest) + LABEL_PADDING + EDGE_PX;
  }

  /** While the run is live and nothing is zoomed, the window moves with each point and must not reset the range. */
  #zoomKey(input: ChartInput): string {
    return String(input.window[0]);
  }

  #drawLines(context: CanvasRenderingContext2D, input: ChartInput, plot: Plot): void {
    const { settings, data, theme, annotations } = input;
    const columns = shownColumns(input);
    const xs = xColumn(columns, settings.xAxis);
    const stepX = (step: number): number =>
      settings.xAxis === "step" ? plot.x.at(step) : plot.x.at(columns.times[nearestIndex(columns.steps, step)] ?? Number.NaN);
    context.save();
    context.beginPath();
    context.rect(plot.left, plot.top - 2, plot.width, plot.height + 4);
    context.clip();
    if (settings.attempts) drawAttempts(context, annotations, plot, stepX, theme);
    const { color, dash } = lineStyle(data.slot, theme.kind);
    context.lineJoin = "round";
    context.strokeStyle = color;
    context.fillStyle = color;
    const plotWindow: Domain = [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)];
    const stroke = (of: SeriesColumns, ys: Float64Array, alpha: number, width: number, dashes: readonly number[]): void => {
      const x = xColumn(of, settings.xAxis);
      const [from, to] = windowRange(x, plotWindow);
      context.globalAlpha = alpha;
      context.lineWidth = width;
      context.setLineDash([...dashes]);
      context.beginPath();
      tracePath(context, { xs: x, ys, from, to }, plot.x, plot.y, plot.width);
      context.stroke();
    };
    if (settings.attempts) for (const tail of data.discarded) stroke(tail.columns, tail.columns.values, 0.7, 1, [2, 3]);
    if (settings.smoothing > 0 && settings.raw) stroke(columns, columns.values, 0.32, 1, []);
    stroke(columns, columns.smoothed(settings.smoothing), 1, 2, dash);
    context.setLineDash([]);
    context.globalAlpha = 1;
    const [from, to] = windowRange(xs, plotWindow);
    if (settings.smoothing === 0) drawPoints(context, xs, columns.values, plot, from, to, color);
    drawNonFinite(context, xs, columns.values, plot, from, to, theme);
    context.restore();
    drawCheckpoints(context, annotations, plot, stepX, theme);
  }
}

function shownColumns(input: ChartInput): SeriesColumns {
  return input.data.detail ?? input.data.columns;
}

/** Sizes the canvas for the screen's pixel density and clears it. */
function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** The labels of a step axis as Vega places them; labels of time are short and stand far apart. */
export function stepLabels({ settings, window }: Pick<ChartInput, "settings" | "window">, plot: Plot): [number, string][] {
  if (settings.xAxis !== "step") return [];
  const step = Math.max(1, tickStep(window, Math.max(2, Math.floor(plot.width / 90))));
  const labels: [number, string][] = [];
  for (let at = Math.ceil(window[0] / step) * step; at <= window[1]; at += step) labels.push([plot.x.at(at), formatInteger(at)]);
  return labels;
}

function xLabel(axis: XAxis, reading: Reading, origin: number): string {
  if (axis === "step") return formatInteger(reading.step);
  return axis === "wall" ? formatClock(reading.time) : formatDuration((reading.time - origin) / 1000);
}
