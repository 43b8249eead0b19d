/** Lines on a canvas. Beyond a few points per pixel each pixel column is drawn by its first, lowest, highest and last point: no spike is lost. */
import type { Scale } from "./scale.ts";

/** More points per pixel than this are reduced before they reach the canvas. */
const DENSE = 3;

export interface LineData {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** Points drawn: [from, to). */
  readonly from: number;
  readonly to: number;
}

export interface LinePath {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** Adds the line to a path; a value that cannot be drawn (NaN, or not positive on a log axis) leaves a gap. */
export function tracePath(path: LinePath, data: LineData, x: Scale, y: Scale, widthPx: number): void {
  if (data.to - data.from > widthPx * DENSE) traceDense(path, data, x, y);
  else tracePlain(path, data, x, y);
}

/** Further out of the frame than this a canvas may lose a line, and nobody sees how steep it is. */
const FARTHEST_PX = 1e6;

/** Where a value is drawn; NaN where it cannot be. */
function pixelOf(value: number | undefined, y: Scale): number {
  return Number.isFinite(value) ? Math.min(FARTHEST_PX, Math.max(-FARTHEST_PX, y.at(value ?? 0))) : Number.NaN;
}

/** A point between two gaps is no line: half of the dash that stands for it, CSS pixels. */
const LONE_PX = 1;

function tracePlain(path: LinePath, { xs, ys, from, to }: LineData, x: Scale, y: Scale): void {
  const at = (i: number): number => (i < to ? pixelOf(ys[i], y) : Number.NaN);
  let pen = false;
  let py = at(from);
  for (let i = from; i < to; i++) {
    const next = at(i + 1);
    const drawn = !Number.isNaN(py);
    if (drawn) {
      const px = x.at(xs[i] ?? 0);
      if (pen) path.lineTo(px, py);
      else if (!Number.isNaN(next)) path.moveTo(px, py);
      else {
        path.moveTo(px - LONE_PX, py);
        path.lineTo(px + LONE_PX, py);
      }
    }
    pen = drawn;
    py = next;
  }
}

export interface BandData {
  readonly xs: Float64Array;
  /** NaN where there is a gap. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Points drawn: [from, to). */
  readonly from: number;
  readonly to: number;
}

/** Adds an outline for each stretch of a band without a gap, to be filled. */
export function traceBand(path: LinePath, { xs, low, high, from, to }: BandData, { x, y, top, height }: BandPlot): void {
  // A mean minus its deviation may fall to zero or below, which a log axis cannot show: the band reaches down to the frame there.
  const edge = (value: number | undefined): number => {
    const at = pixelOf(value, y);
    return Number.isNaN(at) ? top + height : at;
  };
  for (let i = from; i < to;) {
    const first = i;
    for (; i < to && !Number.isNaN(low[i]); i++)
      if (i === first) path.moveTo(x.at(xs[i] ?? 0), edge(high[i]));
      else path.lineTo(x.at(xs[i] ?? 0), edge(high[i]));
    for (let k = i - 1; k >= first; k--) path.lineTo(x.at(xs[k] ?? 0), edge(low[k]));
    if (i === first) i++;
  }
}

interface BandPlot {
  readonly x: Scale;
  readonly y: Scale;
  readonly top: number;
  readonly height: number;
}

function traceDense(path: LinePath, { xs, ys, from, to }: LineData, x: Scale, y: Scale): void {
  let pen = false;
  let i = from;
  while (i < to) {
    const column = Math.floor(x.at(xs[i] ?? 0));
    let first = Number.NaN;
    let last = Number.NaN;
    let low = Infinity;
    let high = -Infinity;
    for (; i < to && Math.floor(x.at(xs[i] ?? 0)) === column; i++) {
      const py = pixelOf(ys[i], y);
      if (Number.isNaN(py)) continue;
      if (Number.isNaN(first)) first = py;
      last = py;
      if (py < low) low = py;
      if (py > high) high = py;
    }
    if (Number.isNaN(first)) {
      pen = false;
      continue;
    }
    const px = column + 0.5;
    // From the edge of the column, so that one which stands alone is seen.
    if (!pen) path.moveTo(column, first);
    path.lineTo(px, first);
    pen = true;
    if (low < high) {
      path.lineTo(px, low);
      path.lineTo(px, high);
    }
    if (last !== high) path.lineTo(px, last);
  }
}
