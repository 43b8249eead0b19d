/** The axes of parallel coordinates: where a value stands on its axis, which lines pass the brushes, which line is near a point. Pure. */
import { type JsonValue, WireNumber } from "../../protocol/json.ts";
import { tickStep } from "../charts/ticks.ts";
import { formatApart } from "../components/format.ts";
import type { Field } from "../explore/fields.ts";
import { category, inOrder, type ParallelLine } from "./plot-data.ts";

interface Tick {
  /** Its place. */
  readonly at: number;
  readonly value: number | string;
  /** Told apart from those of the other ticks. */
  readonly label: string;
}

export interface ParallelAxis {
  readonly field: Field;
  /** 0 at the bottom, 1 at the top; null for a run without a value. */
  readonly place: (value: JsonValue) => number | null;
  readonly ticks: readonly Tick[];
}

/** Of the whole height, from the bottom; by field. */
export type Brushes = ReadonlyMap<Field, readonly [number, number]>;

const MOST_CATEGORIES = 12;
/** A longer one is cut. */
const LONGEST_NAME = 12;
const LOG_RATIO = 10;
const TICKS = 5;
/** Of an axis: labels that stand nearer to its ends would lie over theirs. */
const CLEAR = 0.04;

export function axesOf(fields: readonly Field[], lines: readonly ParallelLine[]): ParallelAxis[] {
  return fields.map((field, index) => {
    const values = lines.map((line) => line.values[index] ?? null).filter((value) => value !== null);
    const numbers = values.filter((value) => typeof value === "number");
    // NaN and infinities are texts on the wire; among numbers they have no place.
    if (numbers.length > 0 && values.every((value) => WireNumber.safeParse(value).success)) return numericAxis(field, numbers);
    const names = inOrder(values.map(category));
    const last = Math.max(1, names.length - 1);
    const every = Math.ceil(names.length / MOST_CATEGORIES);
    const places = new Map(names.map((name, place) => [name, names.length === 1 ? 0.5 : place / last]));
    const at = (value: number | string): number => places.get(value) ?? 0.5;
    return {
      field,
      place: (value) => (value === null ? null : at(category(value))),
      ticks: names.filter((_, n) => n % every === 0).map((value) => ({ at: at(value), value, label: nameLabel(String(value)) })),
    };
  });
}

function nameLabel(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

/** Powers of ten within; with their double and fivefold where there are few. */
function roundLog(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, index) => first + index);
  const every = Math.ceil(powers.length / MOST_CATEGORIES);
  return powers
    .filter((_, index) => index % every === 0)
    .flatMap((power) => (powers.length > 4 ? [1] : [1, 2, 5]).map((digit) => Number(`${String(digit)}e${String(power)}`)))
    .filter((value) => value > low && value < high);
}

function roundLinear(low: number, high: number): number[] {
  const step = tickStep([low, high], TICKS);
  if (!Number.isFinite(step) || step <= 0) return [];
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, index) =>
    digits > 100 ? (first + index) * step : Number(((first + index) * step).toFixed(digits)),
  );
}

/** Logarithmic where the values span a power of ten or more: most learning rates would lie on one spot otherwise. */
function numericAxis(field: Field, values: readonly number[]): ParallelAxis {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const log = low > 0 && high / low >= LOG_RATIO;
  const scale = log ? Math.log : (value: number): number => value;
  const span = scale(high) - scale(low);
  const place = (value: JsonValue): number | null =>
    typeof value !== "number" ? null : span === 0 ? 0.5 : (scale(value) - scale(low)) / span;
  const at = (value: number): { at: number; value: number } => ({ at: place(value) ?? 0.5, value });
  const round = log ? roundLog(low, high) : roundLinear(low, high);
  // The ends, and the round values between them that stand clear of both.
  const between = round.map(at).filter((tick) => tick.at > CLEAR && tick.at < 1 - CLEAR);
  const ticks = span === 0 ? [at(low)] : [at(low), ...between, at(high)];
  // Round values have no digits to line up: 0.5, not 0.5000.
  const labels = formatApart(ticks.map(({ value }) => value)).map((text) => text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
  return { field, place, ticks: ticks.map((tick, index) => ({ ...tick, label: labels[index] ?? "" })) };
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
