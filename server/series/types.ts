/** What the series room offers: the points of one run in typed columns, tailed from its metric files. */
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesCursor, SeriesInfo } from "../../protocol/queries.ts";
import type { SpillFile } from "./spill.ts";

export interface SeriesWindow {
  readonly name: string;
  readonly steps: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly attempts: Int32Array;
  /** Where a counter was asked for: its value at each point, ascending; NaN before its first. */
  readonly xs?: Float64Array;
  /** Where smoothing was asked for: the moving average over the whole curve at each point, NaN where the value is not finite. */
  readonly smoothed?: Float64Array;
  readonly downsampled: boolean;
}

/** One attempt's metric file, and what the series has to know of the attempt. */
export interface SeriesSource {
  readonly attempt: number;
  /** Absolute; need not exist yet. */
  readonly file: string;
  /** Step of the checkpoint that the attempt continues from; null for one that began anew. */
  readonly resumedFromStep: number | null;
  /** Its points are of a curve that was joined before (an import): it stands in for no earlier attempt. */
  readonly joined?: boolean;
}

/** What the points of a window come with. */
export interface WindowExtras {
  /** A metric that the points are placed on besides their steps; see `counterProblem`. */
  readonly counter?: string;
  /** Weight of a moving average, [0, 1), which is over the whole curve whatever the window (protocol/smoothing.ts). */
  readonly smoothing?: number;
}

export interface WindowQuery extends WindowExtras {
  /** Names; one may end in "*". Names that start with "_" are found by themselves or by a pattern that starts with "_". */
  readonly metrics: readonly string[];
  readonly fromStep?: number;
  readonly toStep?: number;
  /** With one point more on each side of the steps, where there are any. */
  readonly beside?: boolean;
  readonly maxPoints: number;
  /** One attempt with all it wrote; otherwise the joined curve. */
  readonly attempt?: number;
}

export interface RunSeries {
  readonly run: RunId;
  /** Reads what was appended since the last call; true when there was something. Never throws on a torn tail. */
  poll(): Promise<boolean>;
  /** From the next poll on, all values but the newest of each metric lie in `spill`, for a run that may grow for weeks. Nothing else changes. */
  letGo(spill: SpillFile): void;
  /** For a run that is over: makes compact files of its long attempts, in the background. Nothing else changes; it never fails. */
  compact(): Promise<void>;
  /** Rows read so far per attempt. */
  cursor(): SeriesCursor;
  /** Metrics of the joined curve in the order of their first appearance, without the reserved names that start with "_". */
  list(): SeriesInfo[];
  /**
   * Smooths what windows of this query will ask for and was not smoothed before, with pauses for others: many long curves take seconds. A
   * window does it by itself where this was not called, at once.
   */
  prepare(query: Pick<WindowQuery, "metrics" | "attempt" | "smoothing">): Promise<void>;
  /** One window per metric that has points in the range, in the order of `list`. Names that the run does not have are left out. */
  window(query: WindowQuery): SeriesWindow[];
  /**
   * Points appended since `cursor`, at most `maxPoints` per series. `reset`: the cursor is not of this run's files, the backlog is
   * larger than that, or a later attempt began (the joined curve changed before the cursor): the windows then hold the whole curve.
   */
  since(
    cursor: SeriesCursor,
    metrics: readonly string[],
    maxPoints: number,
    extras?: WindowExtras,
  ): { windows: SeriesWindow[]; cursor: SeriesCursor; reset: boolean };
  /** Why points of the joined curve, or of one attempt, cannot be placed on a metric: it has none, or falls somewhere. null when they can. */
  counterProblem(counter: string, attempt?: number): string | null;
  /** Newest step and time over all rows, heartbeats included; null before the first. `epoch` from the newest `_epoch` or `epoch`. */
  newest(): { step: number; time: number; epoch: number | null } | null;
  /** Lowest and highest step of an attempt's metrics, heartbeats left out; null when it has none. */
  stepRange(attempt: number): { first: number; last: number } | null;
  /** Median seconds per step over the newest rows of the newest attempt, without the long gaps of evaluation and saving; null if unknown. */
  secondsPerStep(): number | null;
  /** Bytes that the points take in memory, as they were read so far. */
  readonly bytes: number;
  /** Points that could not be read (a damaged file): where and why. */
  readonly damage: string | null;
  close(): void;
}
