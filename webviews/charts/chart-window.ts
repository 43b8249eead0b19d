/** Windows of the x axis, and how the units of the axis relate to the columns of a series. Pure. */
import type { Annotations } from "./annotations.ts";
import type { ChartSettings, XAxis, XWindow } from "./chart-sync.ts";
import type { SeriesColumns } from "./columns.ts";
import { windowRange } from "./scale.ts";
import type { SeriesStore } from "./series-store.ts";

/** The x column of a series in the units of the axis. Relative time stays absolute here; the scale carries the offset. */
export function xColumn(columns: SeriesColumns, axis: XAxis): Float64Array {
  return axis === "step" ? columns.steps : columns.times;
}

/** From a value of `xColumn` to the units of the axis. */
export function xOffset(axis: XAxis, origin: number): number {
  return axis === "relative" && Number.isFinite(origin) ? origin : 0;
}

/** Everything there is; the charts of a page share the run's span so that their axes agree. */
export function fullWindow(
  columns: SeriesColumns | undefined,
  store: Pick<SeriesStore, "newest" | "origin">,
  { attempts }: Annotations,
  settings: ChartSettings,
): XWindow {
  const axis = settings.xAxis;
  const { newest, origin } = store;
  const first = columns === undefined ? undefined : xColumn(columns, axis)[0];
  if (newest === null || first === undefined)
    return axis === "wall" ? [Date.now() - 60_000, Date.now()] : [0, axis === "step" ? 100 : 60_000];
  if (axis === "step") {
    // Steps that a newer attempt has yet to go over again are part of the picture.
    const discarded = settings.attempts ? attempts.map((span) => span.replayed?.[1] ?? 0) : [];
    return [0, Math.max(1, newest.step, ...discarded)];
  }
  const offset = xOffset(axis, origin);
  const start = Number.isFinite(origin) ? origin : first;
  return [start - offset, Math.max(newest.time, start + 1000) - offset];
}

/** The steps that a window of any axis shows, one point further on each side. */
export function stepWindow(columns: SeriesColumns, axis: XAxis, window: XWindow, origin: number): XWindow {
  if (axis === "step") return window;
  const offset = xOffset(axis, origin);
  const [from, to] = windowRange(columns.times, [window[0] + offset, window[1] + offset]);
  const first = columns.steps[from] ?? 0;
  return [first, columns.steps[to - 1] ?? first];
}

export function sameWindow(a: XWindow, b: XWindow): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
