/** Windows of series as they travel: an Arrow frame or JSON. */
import { encodeFrame, type SeriesFrameHeader } from "../../protocol/frames.ts";
import type { RunId } from "../../protocol/ids.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import type { SeriesCursor, SeriesJson } from "../../protocol/queries.ts";
import type { RunSeries, SeriesWindow, WindowExtras } from "../series/types.ts";

/** What an answer says of what its points come with. */
export type SaidExtras = Pick<SeriesFrameHeader, "x" | "smoothing">;

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
  said: SaidExtras,
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
    ...said,
  } as const;
  return encodeFrame(header, encodeArrow(windows));
}

/** As a client asks for them. */
export function extrasOf({ x, smoothing }: { readonly x?: string | undefined; readonly smoothing?: number | undefined }): WindowExtras {
  return { ...(x !== undefined && { counter: x }), ...(smoothing !== undefined && { smoothing }) };
}

/** @param attempt left out for the joined curve */
export function sayExtras(series: RunSeries, { counter, smoothing }: WindowExtras, attempt?: number): SaidExtras {
  return {
    ...(counter !== undefined && { x: { metric: counter, problem: series.counterProblem(counter, attempt) } }),
    ...(smoothing !== undefined && { smoothing }),
  };
}

export function seriesJson(windows: readonly SeriesWindow[], cursor: SeriesCursor, said: SaidExtras): SeriesJson {
  return {
    series: windows.map((window) => ({
      name: window.name,
      steps: [...window.steps],
      times: [...window.times],
      values: Array.from(window.values, toWireNumber),
      attempts: [...window.attempts],
      ...(window.xs !== undefined && { xs: Array.from(window.xs, (value) => (Number.isNaN(value) ? null : value)) }),
      ...(window.smoothed !== undefined && { smoothed: Array.from(window.smoothed, toWireNumber) }),
      downsampled: window.downsampled,
    })),
    cursor,
    ...said,
  };
}
