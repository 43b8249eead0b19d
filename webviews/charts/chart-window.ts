/** Windows of the x axis, and how the units of the axis relate to the columns of a series. Pure. */
import type { Annotations } from "./annotations.ts";
import { type ChartSettings, counterOf, type XAxis, type XWindow } from "./chart-sync.ts";
import type { SeriesColumns } from "./columns.ts";
import { nearestIndex, upperBound, windowRange } from "./scale.ts";
import type { SeriesStore } from "./series-store.ts";

/** A series in the order in which an axis draws it: by step, or by time. */
export function drawnColumns(columns: SeriesColumns, axis: XAxis): SeriesColumns {
  return axis === "wall" || axis === "relative" ? columns.byTime : columns;
}

/** The x column of such a series in the units of the axis. Relative time stays absolute here; the scale carries the offset. */
export function xColumn(columns: SeriesColumns, axis: XAxis): Float64Array {
  if (axis === "step") return columns.steps;
  return counterOf(axis) === null ? columns.times : columns.xs;
}

/** From a value of `xColumn` to the units of the axis. */
export function xOffset(axis: XAxis, origin: number): number {
  return axis === "relative" && Number.isFinite(origin) ? origin : 0;
}

/**
 * Where a step stands on the axis, in the units of `xColumn`: for marks that belong to no point.
 * @param columns of the chart @param counter of the axis, where it is one
 */
export function stepPlace(step: number, columns: SeriesColumns, axis: XAxis, counter: SeriesColumns | undefined): number {
  if (axis === "step") return step;
  const nearest = nearestIndex(columns.steps, step);
  if (counterOf(axis) === null) return columns.times[nearest] ?? Number.NaN;
  if (columns.steps[nearest] === step) return columns.xs[nearest] ?? Number.NaN;
  return counter?.values[Math.max(0, upperBound(counter.steps, step) - 1)] ?? Number.NaN;
}

/** Everything that a run's counter counted, from zero unless it began far from it; null without points. */
export function counterSpan(store: Pick<SeriesStore, "get">, counter: string): XWindow | null {
  const values = store.get(counter)?.values;
  const first = values?.[0];
  const last = values?.at(-1);
  if (first === undefined || last === undefined || !Number.isFinite(first + last)) return null;
  return [axisStart(first, last), last];
}

/** From zero, unless the axis would be blank for the most part. One value alone says nothing of where it is going. */
export function axisStart(first: number, last: number): number {
  return first > 0 && (first === last || first <= last - first) ? 0 : first;
}

/** Everything there is; the charts of a page share the run's span so that their axes agree. */
export function fullWindow(
  columns: SeriesColumns | undefined,
  store: Pick<SeriesStore, "get" | "span" | "origin">,
  { attempts }: Annotations,
  settings: ChartSettings,
): XWindow {
  const axis = settings.xAxis;
  const { span, origin } = store;
  const counter = counterOf(axis);
  if (counter !== null) return widened(counterSpan(store, counter) ?? [0, 1]);
  if (span === null || columns === undefined || columns.length === 0) return emptyWindow(axis);
  if (axis === "step") {
    // Steps that a newer attempt has yet to go over again are part of the picture.
    const discarded = settings.attempts ? attempts.map(({ replayed }) => replayed?.[1] ?? -Infinity) : [];
    const last = Math.max(span.lastStep, ...discarded);
    return widened([axisStart(span.firstStep, last), last]);
  }
  const offset = xOffset(axis, origin);
  return [origin - offset, Math.max(span.lastTime, origin + 1000) - offset];
}

/** What an axis shows before the first point. */
export function emptyWindow(axis: XAxis): XWindow {
  if (axis === "wall") return [Date.now() - 60_000, Date.now()];
  return [0, axis === "step" ? 100 : axis === "relative" ? 60_000 : 1];
}

/** An axis needs two ends that a double tells apart, also where a counter has counted nothing yet. */
export function widened([from, to]: XWindow): XWindow {
  return [from, to > from ? to : from + Math.max(1, Math.abs(from) * 1e-6)];
}

/** The steps that a window of any axis shows, one point further on each side. */
export function stepWindow(columns: SeriesColumns, axis: XAxis, window: XWindow, origin: number): XWindow {
  if (axis === "step") return window;
  const offset = xOffset(axis, origin);
  const drawn = drawnColumns(columns, axis);
  const [from, to] = windowRange(xColumn(drawn, axis), [window[0] + offset, window[1] + offset]);
  const steps = drawn.steps.subarray(from, to);
  return steps.reduce<XWindow>(([low, high], step) => [Math.min(low, step), Math.max(high, step)], [steps[0] ?? 0, steps[0] ?? 0]);
}

export function sameWindow(a: XWindow, b: XWindow): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
