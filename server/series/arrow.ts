/** Windows as an Arrow IPC stream: the body of series frames and answers (protocol/frames.ts). */
import { tableFromArrays, tableToIPC } from "apache-arrow";
import type { SeriesWindow } from "./types.ts";

/**
 * Columns `series` (int32, place of the window in the list), `step`, `time`, `value` (float64), `attempt` (int32); one batch.
 * Where a window is placed on a counter there is also `x` (float64), and where a moving average was asked for `smoothed` (float64).
 */
export function encodeArrow(windows: readonly SeriesWindow[]): Uint8Array {
  const total = windows.reduce((sum, window) => sum + window.steps.length, 0);
  const columns = {
    series: new Int32Array(total),
    step: new Float64Array(total),
    time: new Float64Array(total),
    value: new Float64Array(total),
    attempt: new Int32Array(total),
    ...(windows.some((window) => window.xs !== undefined) && { x: new Float64Array(total).fill(NaN) }),
    ...(windows.some((window) => window.smoothed !== undefined) && { smoothed: new Float64Array(total) }),
  };
  let at = 0;
  windows.forEach((window, index) => {
    const end = at + window.steps.length;
    columns.series.fill(index, at, end);
    columns.step.set(window.steps, at);
    columns.time.set(window.times, at);
    columns.value.set(window.values, at);
    columns.attempt.set(window.attempts, at);
    if (window.xs !== undefined) columns.x?.set(window.xs, at);
    if (window.smoothed !== undefined) columns.smoothed?.set(window.smoothed, at);
    at = end;
  });
  return tableToIPC(tableFromArrays(columns), "stream");
}
