/** Which points a page of charts asks for: all there are, or those of the charts on the screen where all would be too many. Pure. */
import type { MetricSummary } from "../../protocol/run.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";

export type Summaries = Readonly<Record<string, MetricSummary>>;

/** A page of more series than this asks for those on the screen alone: each may bring thousands of points at once. */
const ALL_UP_TO = 200;

/** @param runs what each run of the page has logged */
export function asksForAll(runs: readonly Summaries[]): boolean {
  return runs.reduce((sum, metrics) => sum + Object.keys(metrics).length, 0) <= ALL_UP_TO;
}

/**
 * @param near metrics of the charts on the screen and beside it
 * @returns those, and what tells where the run begins and ends: the metric that was logged first (relative time counts from its first point)
 *   and the one that reaches furthest. Empty while nothing is on the screen.
 */
export function wantedMetrics(metrics: Summaries, near: readonly string[]): string[] {
  if (near.length === 0) return [];
  const names = Object.keys(metrics);
  const furthest = names.reduce<string | null>(
    (best, name) => (best === null || lastStep(metrics, name) > lastStep(metrics, best) ? name : best),
    null,
  );
  return [...new Set([...near, ...names.slice(0, 1), ...(furthest === null ? [] : [furthest])])];
}

function lastStep(metrics: Summaries, name: string): number {
  return metrics[name]?.last_step ?? -Infinity;
}

/** May other metrics be placed on it, as far as its summary tells? It begins at its lowest value and ends at its highest. */
export function mayCount(summary: MetricSummary): boolean {
  const [first, last, min, max] = [summary.first, summary.last, summary.min, summary.max].map(fromWireNumber);
  return summary.not_finite === undefined && first === min && last === max && (min ?? 0) < (max ?? 0);
}
