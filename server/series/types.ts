/** What the series room offers: the points of one run in typed columns, tailed from its metric files. */
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesCursor, SeriesInfo } from "../../protocol/queries.ts";

export interface SeriesWindow {
  readonly name: string;
  readonly steps: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly attempts: Int32Array;
  readonly downsampled: boolean;
}

export interface WindowQuery {
  /** Names; one may end in "*". */
  readonly metrics: readonly string[];
  readonly fromStep?: number;
  readonly toStep?: number;
  readonly maxPoints: number;
  /** One attempt with all it wrote; otherwise the joined curve. */
  readonly attempt?: number;
}

export interface RunSeries {
  readonly run: RunId;
  /** Reads what was appended since the last call; true when there was something. Never throws on a torn tail. */
  poll(): Promise<boolean>;
  /** Rows read so far per attempt. */
  cursor(): SeriesCursor;
  list(): SeriesInfo[];
  window(query: WindowQuery): SeriesWindow[];
  /**
   * Points appended since `cursor`, at most `maxPoints` per series. `reset`: the cursor is not of this run's files, the backlog is
   * larger than that, or a later attempt began (the joined curve changed before the cursor): the windows then hold the whole curve.
   */
  since(
    cursor: SeriesCursor,
    metrics: readonly string[],
    maxPoints: number,
  ): { windows: SeriesWindow[]; cursor: SeriesCursor; reset: boolean };
  /** Newest step and time over all rows, heartbeats included; null before the first. `epoch` from the newest `_epoch` or `epoch`. */
  newest(): { step: number; time: number; epoch: number | null } | null;
  /** Median seconds per step over the newest rows of the newest attempt, without the long gaps of evaluation and saving; null if unknown. */
  secondsPerStep(): number | null;
  /** Points that could not be read (a damaged file): where and why. */
  readonly damage: string | null;
  close(): void;
}
