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

function tracePlain(path: LinePath, { xs, ys, from, to }: LineData, x: Scale, y: Scale): void {
  let pen = false;
  for (let i = from; i < to; i++) {
    const py = y.at(ys[i] ?? Number.NaN);
    if (!Number.isFinite(py)) {
      pen = false;
      continue;
    }
    const px = x.at(xs[i] ?? 0);
    if (pen) path.lineTo(px, py);
    else path.moveTo(px, py);
    pen = true;
  }
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
      const py = y.at(ys[i] ?? Number.NaN);
      if (!Number.isFinite(py)) continue;
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
    if (pen) path.lineTo(px, first);
    else path.moveTo(px, first);
    pen = true;
    if (low < high) {
      path.lineTo(px, low);
      path.lineTo(px, high);
    }
    if (last !== high) path.lineTo(px, last);
  }
}
