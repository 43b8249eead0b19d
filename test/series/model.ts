/** Metric files made for tests, and the joined curve as its definition says it, without any of the cleverness. */
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";

export interface Row {
  time: number;
  step: number;
  values: Record<string, number>;
}

export interface Point {
  attempt: number;
  step: number;
  time: number;
  value: number;
}

/** A metric file with one set per distinct list of names. */
export function encodeRows(rows: readonly Row[]): Buffer {
  const sets = new Map<string, number>();
  const parts = [fileHeader()];
  for (const row of rows) {
    const names = Object.keys(row.values);
    const key = JSON.stringify(names);
    let set = sets.get(key);
    if (set === undefined) {
      set = sets.size;
      sets.set(key, set);
      parts.push(setRecord(set, names));
    }
    parts.push(rowRecord(set, row.time, row.step, Object.values(row.values)));
  }
  return Buffer.concat(parts);
}

/** A later attempt's first step, or the step after the checkpoint it came from, replaces what earlier ones have from there on. */
export function naiveJoined(attempts: readonly { rows: readonly Row[]; resumedFromStep: number | null }[], name: string): Point[] {
  const cuts = attempts.map(({ rows, resumedFromStep }) => {
    const first = rows.find((row) => Object.keys(row.values).some((key) => !key.startsWith("_")));
    if (first === undefined) return Infinity;
    return resumedFromStep === null ? first.step : Math.min(resumedFromStep + 1, first.step);
  });
  const points = attempts.flatMap(({ rows }, i) =>
    naiveAttempt(rows, name, i + 1).filter((point) => cuts.slice(i + 1).every((cut) => point.step < cut)),
  );
  return stableByStep(points);
}

export function naiveAttempt(rows: readonly Row[], name: string, attempt: number): Point[] {
  return rows.flatMap((row) => {
    const value = row.values[name];
    return value === undefined ? [] : [{ attempt, step: row.step, time: row.time, value }];
  });
}

export function stableByStep(points: readonly Point[]): Point[] {
  return points.toSorted((a, b) => a.step - b.step);
}
