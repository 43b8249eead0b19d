/** Curves of a comparison as plain columns: one run's, the mean of replicates, and where two of them part. Pure. */
import type { XAxis } from "../charts/chart-sync.ts";
import { drawnColumns, xColumn } from "../charts/chart-window.ts";
import type { SeriesColumns } from "../charts/columns.ts";
import { ascendingOrder, lowerBound } from "../charts/scale.ts";

export interface CurveSource {
  readonly columns: SeriesColumns;
  /** Time of the run's first point, ms since the epoch; relative time counts from here. */
  readonly origin: number;
}

/** Columns in the units of the axis, sorted by x: steps, ms since the epoch, ms since each run's own first point, or what each run's counter counts. */
export interface Curve {
  readonly xs: Float64Array;
  readonly steps: Float64Array;
  /** Smoothed values. */
  readonly ys: Float64Array;
  /** Values as they were logged; null for a mean. */
  readonly raw: Float64Array | null;
  /** Spread of replicates at each point. */
  readonly band: { readonly low: Float64Array; readonly high: Float64Array } | null;
  /** How many replicates a point covers; null for one run. */
  readonly counts: Uint16Array | null;
}

/** How the spread of replicates is drawn: mean ± sample standard deviation, or from the lowest to the highest. */
export type Spread = "std" | "range";

export function runCurve(source: CurveSource, axis: XAxis, smoothing: number): Curve {
  return curveOf(drawnColumns(source.columns, axis), source.origin, axis, smoothing);
}

function curveOf(columns: SeriesColumns, origin: number, axis: XAxis, smoothing: number): Curve {
  return {
    xs: axis === "relative" ? columns.times.map((time) => time - origin) : xColumn(columns, axis),
    steps: columns.steps,
    ys: columns.smoothed(smoothing),
    raw: columns.values,
    band: null,
    counts: null,
  };
}

/**
 * The mean over replicates at every step that any of them logged; of smoothed ones that hold fewer points than there are, at the steps that they
 * have in common. A replicate that logged other steps is read between its neighbours; outside its own first and last step it does not count, nor where it or a neighbour is not finite, so the mean
 * covers those that have a value there. Where none has, there is a gap.
 * Time is the mean time at which they reached it, and so is what a counter counted.
 */
export function meanCurve(sources: readonly CurveSource[], axis: XAxis, smoothing: number, spread: Spread): Curve {
  // By steps, whatever the axis: that is what replicates have in common.
  const curves = sources.map((source) => placedPoints(curveOf(source.columns, source.origin, axis, smoothing)));
  const all = Float64Array.from(new Set(curves.flatMap((curve) => [...curve.steps]))).sort();
  // The server keeps some points of each at the same places (server/series/window.ts).
  const thinned = sources.some(({ columns }) => columns.downsampled && columns.smoothedBy(smoothing) > 0);
  const steps = thinned ? commonSteps(curves, all) : all;
  const size = steps.length;
  const xs = new Float64Array(size);
  const ys = new Float64Array(size).fill(Number.NaN);
  const low = new Float64Array(size).fill(Number.NaN);
  const high = new Float64Array(size).fill(Number.NaN);
  const counts = new Uint16Array(size);
  for (let i = 0; i < size; i++) {
    const step = steps[i] ?? 0;
    let [n, mean, squares] = [0, 0, 0];
    let [reached, x] = [0, 0];
    let least = Infinity;
    let most = -Infinity;
    for (const curve of curves) {
      const at = position(curve.steps, step);
      if (at === null) continue;
      x += between(curve.xs, at);
      reached++;
      const value = between(curve.ys, at);
      if (!Number.isFinite(value)) continue;
      n++;
      // Welford: no loss of digits where the spread is small beside the mean.
      const off = value - mean;
      mean += off / n;
      squares += off * (value - mean);
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    xs[i] = axis === "step" ? step : x / reached;
    counts[i] = n;
    if (n === 0) continue;
    const deviation = n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
    ys[i] = mean;
    low[i] = spread === "std" ? mean - deviation : least;
    high[i] = spread === "std" ? mean + deviation : most;
  }
  return sortedByX({ xs, steps, ys, raw: null, band: { low, high }, counts }, axis);
}

/** Mean times and counts may go back where a slow replicate joins or leaves; a curve must go forward. */
function sortedByX(curve: Curve, axis: XAxis): Curve {
  if (axis === "step") return curve;
  for (let i = 1; i < curve.xs.length; i++) if ((curve.xs[i] ?? 0) < (curve.xs[i - 1] ?? 0)) curve.xs[i] = curve.xs[i - 1] ?? 0;
  return curve;
}

type Points = Pick<Curve, "xs" | "steps" | "ys">;

/** Without the points that have no place on a counter. */
function placedPoints(curve: Points): Points {
  return keptPoints(curve, (i) => Number.isFinite(curve.xs[i]));
}

/** Points with a value, in the order of their steps. */
function finiteBySteps(curve: Points): Points {
  const { xs, steps, ys } = keptPoints(curve, (i) => Number.isFinite(curve.ys[i]) && Number.isFinite(curve.xs[i]));
  const order = ascendingOrder(steps);
  if (order === null) return { xs, steps, ys };
  const sorted = (of: Float64Array): Float64Array => Float64Array.from(order, (i) => of[i] ?? Number.NaN);
  return { xs: sorted(xs), steps: sorted(steps), ys: sorted(ys) };
}

function keptPoints(curve: Points, isKept: (index: number) => boolean): Points {
  const { xs, steps, ys } = curve;
  if (ys.every((_, i) => isKept(i))) return curve;
  const keep = (of: Float64Array): Float64Array => of.filter((_, i) => isKept(i));
  return { xs: keep(xs), steps: keep(steps), ys: keep(ys) };
}

/** Of the points of the longest: a tenth of what the server sends stands at even places, half of that where one curve is longer than the other. */
const LEAST_COMMON = 1 / 20;

/** The steps at which each curve that reaches so far has a point; all of them where those are too few, as of replicates that logged other steps. */
function commonSteps(curves: readonly Points[], steps: Float64Array): Float64Array {
  const common = steps.filter((step) => curves.every((curve) => (position(curve.steps, step)?.part ?? 0) === 0));
  return common.length < LEAST_COMMON * Math.max(...curves.map((curve) => curve.steps.length)) ? steps : common;
}

interface Position {
  readonly left: number;
  readonly right: number;
  /** Weight of the right one, 0–1. */
  readonly part: number;
}

/** Where `step` lies between sorted steps; null outside them. */
function position(steps: Float64Array, step: number): Position | null {
  const right = lowerBound(steps, step);
  const at = steps[right];
  if (at === undefined) return null;
  if (at === step) return { left: right, right, part: 0 };
  if (right === 0) return null;
  const before = steps[right - 1] ?? at;
  return { left: right - 1, right, part: (step - before) / (at - before) };
}

function between(values: Float64Array, { left, right, part }: Position): number {
  const a = values[left] ?? Number.NaN;
  return part === 0 ? a : a + ((values[right] ?? Number.NaN) - a) * part;
}

/** Two curves are taken to part where they differ by this share of the larger of the two. */
export const PARTING_THRESHOLD = 0.05;

/**
 * The first common step at which two curves, as drawn (smoothed), differ by more than `threshold` of the larger absolute value; null
 * when they never do. Simple on purpose: a spike counts, and so does noise that smoothing leaves.
 */
export function partingStep(a: Curve, b: Curve, threshold = PARTING_THRESHOLD): number | null {
  const left = finiteBySteps(a);
  const right = finiteBySteps(b);
  for (const [i, step] of left.steps.entries()) {
    const at = position(right.steps, step);
    if (at === null) continue;
    const one = left.ys[i] ?? 0;
    const other = between(right.ys, at);
    if (Math.abs(one - other) > threshold * Math.max(Math.abs(one), Math.abs(other))) return step;
  }
  return null;
}
