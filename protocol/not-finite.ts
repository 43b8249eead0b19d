/** Where the values of a run went wrong first. */
import type { MetricSummary, NotFinite } from "./run.ts";

export interface FirstNotFinite extends NotFinite {
  readonly metric: string;
}

/** Of several metrics the one that was logged first; null while all values are finite. */
export function firstNotFinite(metrics: Readonly<Record<string, MetricSummary>>): FirstNotFinite | null {
  let first: FirstNotFinite | null = null;
  for (const [metric, { not_finite: found }] of Object.entries(metrics))
    if (found !== undefined && (first === null || found.time < first.time)) first = { metric, ...found };
  return first;
}

/** `loss became NaN at step 37` */
export function notFiniteSentence({ metric, value, step }: FirstNotFinite): string {
  return `${metric} became ${value} at step ${step}`;
}
