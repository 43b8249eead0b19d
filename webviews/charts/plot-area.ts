/** Where a chart is drawn: Vega's frame with a canvas for the lines and one for the crosshair above it, and how data map to their pixels. */
import { formatClock, formatCount, formatDuration, formatInteger } from "../components/format.ts";
import type { Theme } from "../components/theme.ts";
import { type Brush, drawBrush, drawFlag, type Plot } from "./canvas-marks.ts";
import type { Shown, Stroke } from "./chart-export.ts";
import { type ChartSettings, counterOf, type XAxis, type XWindow } from "./chart-sync.ts";
import { type Domain, growDomain, linearScale, logScale } from "./scale.ts";
import { linearFormat, logFormat, tickLabels, tickStep, tickValues } from "./ticks.ts";
import { LABEL_PADDING, LABEL_SIZE, PLOT_PADDING, VegaFrame } from "./vega-frame.ts";

/** What every drawing of a chart needs, whatever its lines are. */
export interface PlotInput {
  readonly settings: ChartSettings;
  /** What the x axis shows, in its units: the zoom, or everything. */
  readonly window: XWindow;
  /** What the y axis shows when it was zoomed; null for what the lines need. */
  readonly yWindow: Domain | null;
  readonly live: boolean;
  readonly theme: Theme;
  /** Room for the y labels. */
  readonly gutter: number;
  /** Of the whole chart in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** Between the page and the y labels. */
const EDGE_PX = 8;

/** About how many labels fit on the y axis of a chart of this height. */
export function yTickCount(height: number): number {
  return Math.max(2, Math.floor((height - PLOT_PADDING.top - PLOT_PADDING.bottom) / 44));
}

export class PlotArea {
  readonly #frame: VegaFrame;
  readonly #lines: HTMLCanvasElement;
  readonly #overlay: HTMLCanvasElement;
  #plot: Plot | null = null;
  #labelWidth = 0;
  #range: Domain | null = null;
  #rangeKey = "";

  constructor(frameHost: HTMLElement, lines: HTMLCanvasElement, overlay: HTMLCanvasElement) {
    this.#frame = new VegaFrame(frameHost);
    this.#lines = lines;
    this.#overlay = overlay;
  }

  get plot(): Plot | null {
    return this.#plot;
  }

  /** Room that the y labels of the last drawing need, in CSS pixels. */
  get labelWidth(): number {
    return this.#labelWidth;
  }

  /** The range that the lines need: while a run is live, new points may not shrink it. @param shown what is shown: any change of it starts afresh */
  grow(needed: Domain, live: boolean, shown: unknown): Domain {
    const key = JSON.stringify(shown);
    const grown = live && key === this.#rangeKey ? growDomain(this.#range, needed) : needed;
    this.#rangeKey = key;
    this.#range = grown;
    return grown;
  }

  /**
   * Draws the frame.
   * @param xOffset from the units of the x axis to those of the columns
   * @returns where the lines go, on an empty canvas; null where there is none to be had
   */
  layOut(input: PlotInput, y: Domain, xOffset = 0): { readonly context: CanvasRenderingContext2D; readonly plot: Plot } | null {
    const { settings, window, theme, gutter: left } = input;
    const { top } = PLOT_PADDING;
    const width = Math.max(10, input.width - left - PLOT_PADDING.right);
    const height = Math.max(10, input.height - top - PLOT_PADDING.bottom);
    const yTicks = yTickCount(input.height);
    const yFormat = settings.logY ? logFormat(y, yTicks) : linearFormat(y, yTicks);
    const { xAxis, logY } = settings;
    const x = { xAxis, x: window, xTitle: counterOf(xAxis) ?? "", xFormat: xFormat(xAxis, window, width), xLeast: leastStep(xAxis) };
    this.#frame.draw({ ...x, logY, y, yFormat, yTicks, left, width, height }, theme);
    this.#labelWidth = this.#measureLabels(y, yTicks, settings.logY, theme);
    const yRange: Domain = [top + height, top];
    const plot: Plot = {
      left,
      top,
      width,
      height,
      x: linearScale([window[0] + xOffset, window[1] + xOffset], [left, left + width]),
      y: settings.logY ? logScale(y, yRange) : linearScale(y, yRange),
    };
    this.#plot = plot;
    const context = prepare(this.#lines, input.width, input.height);
    return context === null ? null : { context, plot };
  }

  /** Empties the canvas of the crosshair and shows the stretch being dragged for a zoom. */
  beginOverlay({ width, height, theme }: PlotInput, brush: Brush | null): CanvasRenderingContext2D | null {
    const context = prepare(this.#overlay, width, height);
    if (context !== null && brush !== null && this.#plot !== null) drawBrush(context, brush, this.#plot, theme);
    return context;
  }

  /** The line of the crosshair at a pixel, with the value of the x axis on a flag. @returns whether it is within the plot */
  drawCrosshair(context: CanvasRenderingContext2D, input: PlotInput, px: number, label: string): boolean {
    const plot = this.#plot;
    if (plot === null || px < plot.left - 1 || px > plot.left + plot.width + 1) return false;
    const x = Math.round(px) + 0.5;
    context.strokeStyle = input.theme.foreground;
    context.globalAlpha = 0.6;
    context.beginPath();
    context.moveTo(x, plot.top);
    context.lineTo(x, plot.top + plot.height);
    context.stroke();
    context.globalAlpha = 1;
    drawFlag(context, x, plot, label, this.#numberLabels(input, plot), input.theme);
    return true;
  }

  /** What the chart shows, for an export; null before the first drawing. */
  shown({ settings, theme }: PlotInput, strokes: readonly Stroke[], xOffset = 0): Shown | null {
    if (this.#plot === null) return null;
    return { frame: this.#frame, lines: this.#lines, plot: this.#plot, strokes, settings, xOffset, background: theme.background };
  }

  dispose(): void {
    this.#frame.dispose();
  }

  /** The labels of an axis of numbers as Vega places them; labels of time are short and stand far apart. */
  #numberLabels({ settings: { xAxis }, window }: PlotInput, plot: Plot): [number, string][] {
    const { makeFormat } = this.#frame;
    if (xAxis === "wall" || xAxis === "relative" || makeFormat === null) return [];
    const step = Math.max(leastStep(xAxis), tickStep(window, xTickCount(plot.width)));
    const format = makeFormat(xFormat(xAxis, window, plot.width));
    return tickValues(window, step).map((value) => [plot.x.at(value), format(value)]);
  }

  #measureLabels(y: Domain, count: number, logY: boolean, theme: Theme): number {
    const context = this.#overlay.getContext("2d");
    const { makeFormat } = this.#frame;
    if (context === null || makeFormat === null) return 0;
    context.font = `${String(LABEL_SIZE)}px ${theme.fontFamily}`;
    const widest = tickLabels(y, count, logY, makeFormat).reduce((most, label) => Math.max(most, context.measureText(label).width), 0);
    return Math.ceil(widest) + LABEL_PADDING + EDGE_PX;
  }
}

/** Sizes the canvas for the screen's pixel density and clears it. */
function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** About how many labels fit on the x axis; build-frames.mjs says the same to Vega. */
function xTickCount(width: number): number {
  return Math.max(2, Math.floor(width / 90));
}

/** Steps are whole numbers; what is counted may be epochs. */
function leastStep(axis: XAxis): number {
  return axis === "step" ? 1 : 0;
}

/** The d3 format of an axis of numbers. */
function xFormat(axis: XAxis, window: XWindow, width: number): string {
  return axis === "step" ? ",d" : linearFormat(window, xTickCount(width));
}

/** @param x in the units of the axis */
export function xLabel(axis: XAxis, x: number): string {
  if (axis === "step") return formatInteger(Math.round(x));
  if (axis === "wall") return formatClock(x);
  return axis === "relative" ? formatDuration(x / 1000) : formatCount(x);
}
