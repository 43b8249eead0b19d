/** First, last, least and greatest value of a curve, and the first that is not finite. */
import { toWireNumber } from "../../protocol/wire-number.ts";
import type { MetricSummary } from "../../protocol/run.ts";
import { lowerBound } from "./columns.ts";
import { countPoints, type Segment } from "./points.ts";
import { noExtremes } from "./pyramid.ts";

/**
 * NaN counts as a point, and as last or first value where it stands there, but never as least or greatest; an infinity is what it is.
 * Where nothing but NaN was logged, least and greatest are NaN at the first step. Of equal values the first stands.
 * @returns null for a curve without points
 */
export function summarise(segments: readonly Segment[]): MetricSummary | null {
  const first = segments[0];
  const last = segments.at(-1);
  if (first === undefined || last === undefined) return null;
  let least: { value: number; step: number } | null = null;
  let greatest: { value: number; step: number } | null = null;
  for (const { points, from, to } of segments) {
    const { gaps } = points;
    const found = noExtremes();
    points.extremes(from, to, found);
    const negative = gaps.firstNegative >= from && gaps.firstNegative < to ? gaps.firstNegative : found.least;
    const positive = gaps.firstPositive >= from && gaps.firstPositive < to ? gaps.firstPositive : found.greatest;
    // A curve of infinities alone has no finite extreme.
    const low = negative >= 0 ? negative : positive;
    const high = positive >= 0 ? positive : negative;
    const [lowest, highest] = [low < 0 ? NaN : points.valueAt(low), high < 0 ? NaN : points.valueAt(high)];
    if (low >= 0 && (least === null || lowest < least.value)) least = { value: lowest, step: points.stepAt(low) };
    if (high >= 0 && (greatest === null || highest > greatest.value)) greatest = { value: highest, step: points.stepAt(high) };
  }
  const firstStep = first.points.stepAt(first.from);
  const end = last.to - 1;
  return {
    first: toWireNumber(first.points.valueAt(first.from)),
    last: toWireNumber(last.points.valueAt(end)),
    last_step: last.points.stepAt(end),
    min: toWireNumber(least?.value ?? NaN),
    min_step: least?.step ?? firstStep,
    max: toWireNumber(greatest?.value ?? NaN),
    max_step: greatest?.step ?? firstStep,
    count: countPoints(segments),
    ...firstGap(segments),
  };
}

function firstGap(segments: readonly Segment[]): Pick<MetricSummary, "not_finite"> {
  for (const { points, from, to, attempt, attempts } of segments) {
    const { indexes } = points.gaps;
    const at = lowerBound(indexes.data, indexes.length, from);
    const index = indexes.data[at];
    if (at >= indexes.length || index === undefined || index >= to) continue;
    return {
      not_finite: {
        step: points.stepAt(index),
        time: points.timeAt(index),
        attempt: attempts?.[index] ?? attempt,
        value: toWireNumber(points.valueAt(index)),
      },
    };
  }
  return {};
}
