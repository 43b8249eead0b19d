/** A chart in words (its accessible name) and as a table. */
import { counted } from "../../protocol/counted.ts";
import { csvText } from "../../protocol/csv.ts";
import { formatInteger, formatValue } from "../components/format.ts";
import type { Annotations } from "./annotations.ts";
import type { SeriesColumns } from "./columns.ts";
import { lowerBound } from "./scale.ts";

/** Steps that "in the last … steps" looks back over. */
const LOOK_BACK_STEPS = 200;

export function describeChart(metric: string, columns: SeriesColumns | undefined, annotations: Annotations): string {
  if (columns === undefined || columns.length === 0) return `${metric}, no points yet`;
  const last = columns.length - 1;
  const value = columns.values[last] ?? Number.NaN;
  const step = columns.steps[last] ?? 0;
  const parts = [`${metric}, ${formatValue(value)} at step ${formatInteger(step)}`];
  const from = lowerBound(columns.steps, step - LOOK_BACK_STEPS);
  const before = columns.values[from] ?? Number.NaN;
  if (from < last && Number.isFinite(before) && Number.isFinite(value)) {
    const change = value - before;
    const over = step - (columns.steps[from] ?? 0);
    parts.push(
      `${change === 0 ? "unchanged" : `${change < 0 ? "down" : "up"} ${formatValue(Math.abs(change))}`} in the last ${counted(over, "step")}`,
    );
  }
  const missing = columns.values.reduce((sum, v) => sum + (Number.isFinite(v) ? 0 : 1), 0);
  if (missing > 0) parts.push(`${counted(missing, "value")} not finite`);
  const broken = annotations.notFinite[metric];
  if (broken !== undefined) parts.push(`the first at step ${formatInteger(broken.step)}`);
  const attempts = annotations.attempts.length;
  if (attempts > 1) parts.push(`${String(attempts)} attempts`);
  const checkpoints = annotations.checkpoints.length;
  if (checkpoints > 0) parts.push(counted(checkpoints, "checkpoint"));
  return parts.join(", ");
}

/** Runs may have one name; in a file or a specification their lines would be one. */
export function distinctNames(lines: readonly { readonly name: string }[]): string[] {
  const seen = new Map<string, number>();
  return lines.map(({ name }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${String(count)})`;
  });
}

/** A place on a counter; empty for none. */
export function csvPlace(x = -Infinity): string {
  return x === -Infinity ? "" : String(x);
}

/** A time as CSV has it; one that no calendar knows in ms since the epoch. */
function csvTime(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

/**
 * Every point as CSV, values in full precision.
 * @param pieces of one series, in their order
 * @param counter the metric of the x axis, where the points are placed on one
 * @returns the file in pieces: together they may be longer than a text can be
 */
export function toCsv(metric: string, pieces: readonly SeriesColumns[], counter: string | null): string[] {
  const titles = ["step", "time", "attempt", ...(counter === null ? [] : [csvText(counter)]), csvText(metric)];
  const texts = pieces.map((columns) => {
    const { steps, times, attempts, xs, values } = columns;
    const lines: string[] = [];
    for (let i = 0; i < columns.length; i++) {
      const place = counter === null ? "" : `${csvPlace(xs[i])},`;
      lines.push(`${String(steps[i])},${csvTime(times[i] ?? 0)},${String(attempts[i])},${place}${String(values[i])}\n`);
    }
    return lines.join("");
  });
  return [`${titles.join(",")}\n`, ...texts];
}
