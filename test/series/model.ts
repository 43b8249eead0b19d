/** Metric files made for tests, and the joined curve as its definition says it, without any of the cleverness. */
import fc from "fast-check";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { BLOCK } from "../../server/series/spill.ts";

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

/** Mostly finite. */
export const metricValue = fc.oneof(
  { weight: 8, arbitrary: fc.double({ noNaN: true, min: -1e6, max: 1e6 }) },
  fc.constantFrom(NaN, Infinity, -Infinity),
);
const names = fc.constantFrom(["loss"], ["loss", "lr"], ["eval"], ["_epoch"], ["lr", "loss"]);
/** Of steps in any order. */
export const anyRows = fc.array(fc.record({ step: fc.integer({ min: 0, max: 30 }), names, value: metricValue }), { maxLength: 25 });

/** Attempts as nobody would log them: metrics that come and go, steps in any order, checkpoints of any step. */
export const attemptsArbitrary = fc.array(
  fc.record({ rows: anyRows, sorted: fc.boolean(), resumedFromStep: fc.option(fc.integer({ min: 0, max: 30 })) }),
  { minLength: 1, maxLength: 4 },
);

export function toRows(input: { rows: { step: number; names: readonly string[]; value: number }[]; sorted: boolean }): Row[] {
  const rows = input.rows.map((row, i) => ({
    time: 1e12 + i,
    step: row.step,
    values: Object.fromEntries(row.names.map((name, k) => [name, row.value + k])),
  }));
  return input.sorted ? rows.toSorted((a, b) => a.step - b.step) : rows;
}

/** Two metrics that are logged together, one that is logged now and then, heartbeats between them; NaN and infinities, also at the borders of blocks. */
export function oddRows(from: number, to: number): Row[] {
  const all: Row[] = [];
  for (let step = from; step < to; step++) {
    const odd = step % BLOCK === 0 ? Infinity : step % 1009 === 0 ? NaN : step % 1511 === 0 ? -Infinity : null;
    all.push({ time: 1e12 + step * 50, step, values: { loss: odd ?? Math.sin(step / 300) * 10 + (step % 7), lr: 1 / (step + 1) } });
    if (step % 100 === 0) all.push({ time: 1e12 + step * 50, step, values: { "eval/loss": step % 300 === 0 ? NaN : step, lr: step } });
    if (step % 20 === 0) all.push({ time: 1e12 + step * 50, step, values: { _epoch: step / 1000 } });
  }
  return all;
}
