/** The axes of parallel coordinates: where a value stands on its axis, which lines pass the brushes, which line is near a point. Pure. */
import type { JsonValue } from "../../protocol/json.ts";
import type { Field } from "../explore/fields.ts";
import { category } from "./plot-data.ts";
import type { ParallelLine } from "./plot-model.ts";

export interface ParallelAxis {
  readonly field: Field;
  /** 0 at the bottom, 1 at the top; null for a run without a value. */
  readonly place: (value: JsonValue) => number | null;
  /** Labels at their places. */
  readonly ticks: readonly { readonly at: number; readonly value: number | string }[];
}

/** Of the whole height, from the bottom; by field. */
export type Brushes = ReadonlyMap<Field, readonly [number, number]>;

const MOST_CATEGORIES = 12;
const LOG_RATIO = 10;

export function axesOf(fields: readonly Field[], lines: readonly ParallelLine[]): ParallelAxis[] {
  return fields.map((field, index) => {
    const values = lines.map((line) => line.values[index] ?? null).filter((value) => value !== null);
    if (values.length > 0 && values.every((value) => typeof value === "number")) return numericAxis(field, values);
    const names = [...new Set(values.map(category))].sort((a, b) => (a < b ? -1 : 1));
    const last = Math.max(1, names.length - 1);
    const every = Math.ceil(names.length / MOST_CATEGORIES);
    const at = (value: number | string): number => (names.length === 1 ? 0.5 : names.indexOf(value) / last);
    return {
      field,
      place: (value) => (value === null ? null : at(category(value))),
      ticks: names.filter((_, n) => n % every === 0).map((value) => ({ at: at(value), value })),
    };
  });
}

/** Logarithmic where the values span a power of ten or more: most learning rates would lie on one spot otherwise. */
function numericAxis(field: Field, values: readonly number[]): ParallelAxis {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const log = low > 0 && high / low >= LOG_RATIO;
  const scale = log ? Math.log : (value: number): number => value;
  const unscale = log ? Math.exp : (value: number): number => value;
  const span = scale(high) - scale(low);
  const place = (value: JsonValue): number | null =>
    typeof value !== "number" ? null : span === 0 ? 0.5 : (scale(value) - scale(low)) / span;
  const ticks =
    span === 0 ? [{ at: 0.5, value: low }] : [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, value: unscale(scale(low) + at * span) }));
  return { field, place, ticks };
}

/** Does the line pass through every brush? A run without a value on a brushed axis does not. */
export function passes(line: ParallelLine, axes: readonly ParallelAxis[], brushes: Brushes): boolean {
  return axes.every((axis, index) => {
    const brush = brushes.get(axis.field);
    if (brush === undefined) return true;
    const place = axis.place(line.values[index] ?? null);
    return place !== null && place >= brush[0] && place <= brush[1];
  });
}

/** The index of the line that comes nearest to a point, no farther than `reach`; x counts axes from 0, y is of the height. */
export function nearestLine(
  lines: readonly ParallelLine[],
  axes: readonly ParallelAxis[],
  point: { readonly x: number; readonly y: number },
  reach: number,
): number | null {
  const left = Math.max(0, Math.min(axes.length - 2, Math.floor(point.x)));
  const [first, second] = [axes[left], axes[left + 1]];
  if (first === undefined || second === undefined) return null;
  let [best, distance] = [-1, reach];
  for (const [index, line] of lines.entries()) {
    const [a, b] = [first.place(line.values[left] ?? null), second.place(line.values[left + 1] ?? null)];
    if (a === null || b === null) continue;
    const away = Math.abs(a + (b - a) * (point.x - left) - point.y);
    if (away < distance) [best, distance] = [index, away];
  }
  return best < 0 ? null : best;
}

export function moveAxis(axes: readonly Field[], field: Field, by: number): Field[] {
  const from = axes.indexOf(field);
  const to = Math.max(0, Math.min(axes.length - 1, from + by));
  return from < 0 ? [...axes] : axes.toSpliced(from, 1).toSpliced(to, 0, field);
}
