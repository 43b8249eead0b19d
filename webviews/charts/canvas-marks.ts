/** The marks of a chart besides its lines: attempts, single points, values that are not finite, checkpoints, the crosshair's flag. */
import type { Theme } from "../components/theme.ts";
import { type Annotations, spacedMarks } from "./annotations.ts";
import type { Domain, Scale } from "./scale.ts";
import { PLOT_PADDING } from "./vega-frame.ts";

/** Where the plot lies in the chart, CSS pixels, and how data map to it. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Scale;
  readonly y: Scale;
}

/** A stretch that is being dragged for a zoom: pixels along the axis that it will zoom, the lower end first. */
export interface Brush {
  readonly axis: "x" | "y";
  readonly span: Domain;
}

export function drawBrush(context: CanvasRenderingContext2D, { axis, span }: Brush, plot: Plot, theme: Theme): void {
  const size = span[1] - span[0];
  context.globalAlpha = 0.16;
  context.fillStyle = theme.blue;
  if (axis === "x") context.fillRect(span[0], plot.top, size, plot.height);
  else context.fillRect(plot.left, span[0], plot.width, size);
  context.globalAlpha = 1;
}

/** Up to so many points in the window get a dot each, while they keep this distance: a sparse curve is read by its points. */
const DOTS_UP_TO = 60;
const DOTS_APART_PX = 7;

export function drawAttempts(
  context: CanvasRenderingContext2D,
  { attempts }: Annotations,
  plot: Plot,
  stepX: (step: number) => number,
  theme: Theme,
): void {
  const bottom = plot.top + plot.height;
  for (const span of attempts) {
    if (span.to === null) continue;
    const from = stepX(span.from);
    const to = stepX(span.to);
    context.fillStyle = theme.foreground;
    context.globalAlpha = 0.055;
    context.fillRect(from, plot.top, to - from, plot.height);
    const end = span.replayed === null ? to : stepX(span.replayed[1]);
    if (span.replayed !== null) {
      context.globalAlpha = 0.11;
      context.fillRect(to, plot.top, end - to, plot.height);
    }
    context.globalAlpha = 0.5;
    context.strokeStyle = theme.foreground;
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    for (const x of new Set([to, end])) {
      context.moveTo(Math.round(x) + 0.5, plot.top);
      context.lineTo(Math.round(x) + 0.5, bottom);
    }
    context.stroke();
    context.setLineDash([]);
  }
  context.globalAlpha = 1;
}

/** Is a line of so many points in the window read by them? */
export function hasDots(count: number, plot: Plot): boolean {
  return count <= Math.min(DOTS_UP_TO, plot.width / DOTS_APART_PX);
}

export function drawPoints(
  context: CanvasRenderingContext2D,
  xs: Float64Array,
  ys: Float64Array,
  plot: Plot,
  from: number,
  to: number,
  color: string,
): void {
  if (!hasDots(to - from, plot)) return;
  context.fillStyle = color;
  for (let i = from; i < to; i++) {
    const y = plot.y.at(ys[i] ?? Number.NaN);
    if (!Number.isFinite(y)) continue;
    context.beginPath();
    context.arc(plot.x.at(xs[i] ?? 0), y, 2, 0, 2 * Math.PI);
    context.fill();
  }
}

/** NaN and infinite values have no place on the curve: each leaves a gap, and a mark at the top says where. */
export function drawNonFinite(
  context: CanvasRenderingContext2D,
  xs: Float64Array,
  values: Float64Array,
  plot: Plot,
  from: number,
  to: number,
  color: string,
): void {
  context.fillStyle = color;
  for (let i = from; i < to; i++) {
    if (Number.isFinite(values[i] ?? 0)) continue;
    const x = plot.x.at(xs[i] ?? 0);
    context.beginPath();
    context.moveTo(x - 4, plot.top);
    context.lineTo(x + 4, plot.top);
    context.lineTo(x, plot.top + 7);
    context.fill();
  }
}

/** A dotted line over the height of the plot, in the context's own colour. */
export function drawUpright(context: CanvasRenderingContext2D, x: number, plot: Plot): void {
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, plot.top);
  context.lineTo(Math.round(x) + 0.5, plot.top + plot.height);
  context.stroke();
  context.setLineDash([]);
}

/** Names the mark where the curve broke first; those of later values bear no name. */
export function drawFirstNotFinite(context: CanvasRenderingContext2D, x: number, label: string, plot: Plot, theme: Theme): void {
  if (!(x >= plot.left && x <= plot.left + plot.width)) return;
  context.font = `11px ${theme.fontFamily}`;
  const width = context.measureText(label).width + 4;
  const left = x + 6 + width <= plot.left + plot.width ? x + 6 : Math.max(plot.left, x - 6 - width);
  context.fillStyle = theme.background;
  context.fillRect(left, plot.top, width, 14);
  context.fillStyle = theme.error;
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillText(label, left + 2, plot.top + 1);
  context.globalAlpha = 0.6;
  context.strokeStyle = theme.error;
  drawUpright(context, x, plot);
  context.globalAlpha = 1;
}

export function drawCheckpoints(
  context: CanvasRenderingContext2D,
  { checkpoints }: Annotations,
  plot: Plot,
  stepX: (step: number) => number,
  theme: Theme,
): void {
  const y = plot.top + plot.height;
  context.lineWidth = 1;
  for (const mark of spacedMarks(checkpoints, ({ step }) => stepX(step))) {
    const x = stepX(mark.step);
    if (!(x >= plot.left - 1 && x <= plot.left + plot.width + 1)) continue;
    context.beginPath();
    context.moveTo(x, y - 4);
    context.lineTo(x + 4, y);
    context.lineTo(x, y + 4);
    context.lineTo(x - 4, y);
    context.closePath();
    context.fillStyle = mark.final ? theme.blue : theme.background;
    context.strokeStyle = mark.final ? theme.blue : theme.foreground;
    context.fill();
    context.stroke();
  }
}

/**
 * The crosshair's place on the x axis; it hides the tick labels under it.
 * @param tickLabels where the labels of the axis stand, in pixels
 */
export function drawFlag(
  context: CanvasRenderingContext2D,
  x: number,
  plot: Plot,
  label: string,
  tickLabels: readonly (readonly [number, string])[],
  theme: Theme,
): void {
  context.font = `600 11px ${theme.fontFamily}`;
  const width = context.measureText(label).width + 12;
  const left = Math.min(plot.left + plot.width + PLOT_PADDING.right - width, Math.max(0, x - width / 2));
  const top = plot.top + plot.height + 5;
  // A tick label that the flag would cut is hidden whole.
  context.fillStyle = theme.background;
  context.fillRect(left - 2, top, width + 4, 16);
  for (const [at, text] of tickLabels) {
    const size = context.measureText(text).width + 4;
    const from = Math.min(plot.left + plot.width + 2 - size, Math.max(plot.left - 2, at - size / 2));
    if (from < left + width && from + size > left) context.fillRect(from, top, size, 16);
  }
  context.fillStyle = theme.foreground;
  context.beginPath();
  context.roundRect(left, top, width, 16, 2);
  context.fill();
  context.fillStyle = theme.background;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(label, left + width / 2, top + 8.5);
}

export function drawDot(context: CanvasRenderingContext2D, x: number, y: number, radius: number, fill: string, ring: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = ring;
  context.lineWidth = 1;
  context.stroke();
}
