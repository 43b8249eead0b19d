/** Points put together into the rows that they were logged in. */
import type { SeriesWindow } from "../series/types.ts";

/** What was logged in one call: the same attempt, step and time. */
export interface LoggedRow {
  readonly attempt: number;
  readonly step: number;
  readonly time: number;
  /** In the order of the windows; undefined where the metric has no point in this row. */
  readonly values: readonly (number | undefined)[];
}

/** The points of a run put together row by row. The order within each metric is kept. */
export function* loggedRows(windows: readonly SeriesWindow[]): Generator<LoggedRow> {
  const at = windows.map(() => 0);
  for (;;) {
    let head: readonly [number, number, number] | null = null;
    for (const [w, { steps, times, attempts }] of windows.entries()) {
      const i = at[w] ?? 0;
      if (i >= steps.length) continue;
      const key = [steps[i] ?? 0, times[i] ?? 0, attempts[i] ?? 0] as const;
      if (head === null || before(key, head)) head = key;
    }
    if (head === null) return;
    const [step, time, attempt] = head;
    const values = windows.map((window, w) => {
      const i = at[w] ?? 0;
      // Object.is: -0 and 0 are different bits, and each has to come back as it was.
      if (!Object.is(window.steps[i], step) || !Object.is(window.times[i], time) || window.attempts[i] !== attempt) return undefined;
      at[w] = i + 1;
      return window.values[i];
    });
    yield { attempt, step, time, values };
  }
}

function before(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
}
