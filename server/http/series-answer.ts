/** Windows of series as they travel: an Arrow frame or JSON. */
import { encodeFrame } from "../../protocol/frames.ts";
import type { RunId } from "../../protocol/ids.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import type { CounterAxis, SeriesCursor, SeriesJson } from "../../protocol/queries.ts";
import type { RunSeries, SeriesWindow } from "../series/types.ts";

export const FRAME_TYPE = "application/vnd.trainyard.frame";

/**
 * One frame for all windows.
 * @param id of the subscription, null for an HTTP answer
 */
export async function seriesFrame(
  id: number | null,
  run: RunId,
  windows: readonly SeriesWindow[],
  cursor: SeriesCursor,
  reset: boolean,
  x: CounterAxis | null,
): Promise<Uint8Array<ArrayBuffer>> {
  // Arrow is a third of the bundle and needed only once somebody looks at points.
  const { encodeArrow } = await import("../series/arrow.ts");
  const header = {
    type: "series",
    id,
    run,
    series: windows.map((window) => window.name),
    downsampled: windows.map((window) => window.downsampled),
    cursor,
    reset,
    ...(x !== null && { x }),
  } as const;
  return encodeFrame(header, encodeArrow(windows));
}

/** What an answer says of the counter that was asked for; null when none was. */
export function counterAxis(series: RunSeries, metric: string | undefined, attempt?: number): CounterAxis | null {
  return metric === undefined ? null : { metric, problem: series.counterProblem(metric, attempt) };
}

export function seriesJson(windows: readonly SeriesWindow[], cursor: SeriesCursor, x: CounterAxis | null): SeriesJson {
  return {
    series: windows.map((window) => ({
      name: window.name,
      steps: [...window.steps],
      times: [...window.times],
      values: Array.from(window.values, toWireNumber),
      attempts: [...window.attempts],
      ...(window.xs !== undefined && { xs: Array.from(window.xs, (value) => (Number.isNaN(value) ? null : value)) }),
      downsampled: window.downsampled,
    })),
    cursor,
    ...(x !== null && { x }),
  };
}
