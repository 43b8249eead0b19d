/** What the run's series asks of one attempt, whether its points come from the metric file or from the compact file made of that. */
import type { MetricPoints } from "./points.ts";

/** Names that start with "_" are the SDK's own. */
export function isReserved(name: string): boolean {
  return name.startsWith("_");
}

export interface AttemptPoints {
  readonly attempt: number;
  /** The metric file. */
  readonly file: string;
  resumedFromStep: number | null;
  /** Stands in for no earlier attempt (`SeriesSource.joined`). */
  joined: boolean;
  /** Rows read so far, those left out included. */
  readonly rowCount: number;
  /** Bytes that its points take in memory. */
  readonly bytes: number;
  /** The first row that is no heartbeat; null before it. */
  readonly firstMetric: { readonly row: number; readonly step: number } | null;
  /** Greatest step and newest time over all rows; null before the first. */
  readonly newest: { readonly step: number; readonly time: number } | null;
  /** Epoch of the newest row that names one. */
  readonly epoch: number | null;
  readonly secondsPerStep: number | null;
  /** Over all metrics; null before the first point of one. */
  readonly stepRange: { readonly first: number; readonly last: number } | null;
  readonly damage: string | null;
  /** In the order of their first appearance. */
  names(): Iterable<string>;
  points(name: string): MetricPoints | undefined;
  close(): void;
}

/**
 * The step from which on an attempt stands in for earlier ones: the one after the checkpoint it continued from, or its first point where
 * that is lower or nothing is known of a checkpoint. Infinity before the first point: an attempt that fails at its start hides nothing.
 */
export function cutOf({ firstMetric, joined, resumedFromStep }: AttemptPoints): number {
  if (firstMetric === null || joined) return Infinity;
  return resumedFromStep === null ? firstMetric.step : Math.min(resumedFromStep + 1, firstMetric.step);
}
