import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import { encodeArrow } from "../../server/series/arrow.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import type { RunSeries, SeriesSource, SeriesWindow } from "../../server/series/types.ts";
import {
  anyRows,
  attemptsArbitrary,
  encodeRows,
  metricValue,
  naiveAttempt,
  naiveJoined,
  stableByStep,
  toRows,
  type Point,
  type Row,
} from "./model.ts";

let dir: string;
let sources: SeriesSource[];
let series: RunSeries;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-series-"));
  sources = [];
  series = createRunSeries(newRunId(), () => Promise.resolve(sources));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function writeAttempt(attempt: number, rows: Row[], resumedFromStep: number | null = null): Promise<void> {
  const file = path.join(dir, String(attempt));
  await writeFile(file, encodeRows(rows));
  if (!sources.some((source) => source.attempt === attempt)) sources.push({ attempt, file, resumedFromStep });
}

function pointsOf(window: SeriesWindow | undefined): Point[] {
  if (window === undefined) return [];
  return [...window.steps].map((step, i) => ({
    attempt: window.attempts[i]!,
    step,
    time: window.times[i]!,
    value: window.values[i]!,
  }));
}

function line(from: number, to: number, value: (step: number) => number, name = "loss"): Row[] {
  return Array.from({ length: to - from }, (_, i) => ({
    time: 1e12 + (from + i) * 1000,
    step: from + i,
    values: { [name]: value(from + i) },
  }));
}

describe("curves against a naive model", () => {
  it("joins attempts, keeps each one's own curve, and summarises", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(attemptsArbitrary, async (inputs) => {
        const attempts = inputs.map((input) => ({ rows: toRows(input), resumedFromStep: input.resumedFromStep }));
        const folder = path.join(dir, String(run++));
        sources = attempts.map(({ resumedFromStep }, i) => ({ attempt: i + 1, file: `${folder}-${String(i)}`, resumedFromStep }));
        series = createRunSeries(newRunId(), () => Promise.resolve(sources));
        for (const [i, { rows }] of attempts.entries()) await writeFile(sources[i]!.file, encodeRows(rows));
        await series.poll();
        for (const name of ["loss", "lr", "eval", "_epoch"]) {
          const joined = naiveJoined(attempts, name);
          const [window] = series.window({ metrics: [name], maxPoints: 1000 });
          expect(pointsOf(window)).toEqual(joined);
          for (const [i, { rows }] of attempts.entries()) {
            const [own] = series.window({ metrics: [name], maxPoints: 1000, attempt: i + 1 });
            expect(pointsOf(own)).toEqual(stableByStep(naiveAttempt(rows, name, i + 1)));
          }
          const info = series.list().find((candidate) => candidate.name === name);
          if (name.startsWith("_") || joined.length === 0) {
            expect(info).toBeUndefined();
            continue;
          }
          const numbers = joined.map((point) => point.value).filter((value) => !Number.isNaN(value));
          const least = numbers.length === 0 ? NaN : Math.min(...numbers);
          const greatest = numbers.length === 0 ? NaN : Math.max(...numbers);
          const stepOf = (value: number): number =>
            (joined.find((point) => Object.is(point.value, value) || point.value === value) ?? joined[0]!).step;
          expect(info).toMatchObject({
            count: joined.length,
            first: toWireNumber(joined[0]!.value),
            last: toWireNumber(joined.at(-1)!.value),
            last_step: joined.at(-1)!.step,
          });
          const broken = joined.find(({ value }) => !Number.isFinite(value));
          expect(info!.not_finite).toEqual(broken && { ...broken, value: toWireNumber(broken.value) });
          expect([info!.min, info!.max].map(Number)).toEqual([least, greatest].map((v) => (v === 0 ? (expect.closeTo(0) as number) : v)));
          expect([info!.min_step, info!.max_step]).toEqual([stepOf(least), stepOf(greatest)]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("gives a live reader the same curve piece by piece as a late one at once", async () => {
    let run = 0;
    const script = fc.array(fc.record({ attempt: fc.integer({ min: 1, max: 3 }), rows: anyRows, sorted: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(script, fc.constantFrom(5, 50), async (pieces, maxPoints) => {
        const folder = path.join(dir, `live-${String(run++)}`);
        const written = new Map<number, Row[]>();
        sources = [1, 2, 3].map((attempt) => ({ attempt, file: `${folder}-${String(attempt)}`, resumedFromStep: null }));
        series = createRunSeries(newRunId(), () => Promise.resolve(sources));
        let held: Point[] = [];
        let cursor = {};
        for (const piece of pieces) {
          const rows = [...(written.get(piece.attempt) ?? []), ...toRows(piece)];
          written.set(piece.attempt, rows);
          // The dictionary stands in the order of first use, so a longer file begins with the shorter one.
          await writeFile(`${folder}-${String(piece.attempt)}`, encodeRows(rows));
          await series.poll();
          const update = series.since(cursor, ["loss"], maxPoints);
          ({ cursor } = update);
          const points = pointsOf(update.windows[0]);
          const thinned = update.windows[0]?.downsampled === true;
          held = update.reset ? points : [...held, ...points];
          const all = naiveJoined(
            [1, 2, 3].map((n) => ({ rows: written.get(n) ?? [], resumedFromStep: null })),
            "loss",
          );
          if (thinned) {
            expect(points.length).toBeLessThanOrEqual(maxPoints);
            held = all; // the client now holds a thinned curve; go on from the whole one
          } else expect(held).toEqual(all);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("steps that begin anew in each epoch", () => {
  it("stay in order while the run grows, as for who reads it at once", async () => {
    const rows = (from: number, to: number): Row[] =>
      Array.from({ length: to - from }, (_, i) => from + i).map((n) => {
        const value = n % 97 === 0 ? NaN : n % 101 === 0 ? Infinity : Math.sin(n / 7) * n;
        return { time: 1e12 + n, step: n % 50, values: { loss: value, ...(n % 3 === 0 && { eval: n }) } };
      });
    await writeAttempt(1, rows(0, 300));
    for (const [attempt, to] of [
      [1, 310],
      [1, 555],
      [2, 20],
      [2, 21],
      [2, 130],
    ] as const) {
      // prettier-ignore
      await writeAttempt(attempt, rows(0, to), 30);
      await series.poll();
      const fresh = createRunSeries(newRunId(), () => Promise.resolve(sources));
      await fresh.poll();
      expect(series.list()).toEqual(fresh.list());
      for (const query of [
        { maxPoints: 10_000 },
        { maxPoints: 60 },
        { maxPoints: 9, fromStep: 7, toStep: 40 },
        { maxPoints: 40, attempt: 1 },
      ])
        expect(series.window({ metrics: ["*"], ...query })).toEqual(fresh.window({ metrics: ["*"], ...query }));
    }
  });
});

describe("windows", () => {
  it("hold the least and greatest value, every gap while there is room, in order, within the limit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(metricValue, { minLength: 1, maxLength: 1500 }),
        fc.integer({ min: 2, max: 300 }),
        fc.nat({ max: 1500 }),
        fc.nat({ max: 1500 }),
        fc.nat({ max: 1500 }),
        async (values, maxPoints, a, b, split) => {
          const rows = values.map((value, step) => ({ time: step, step, values: { m: value } }));
          const cut = Math.min(split, values.length);
          const own = path.join(dir, "window");
          await writeFile(`${own}1`, encodeRows(rows.slice(0, cut)));
          await writeFile(`${own}2`, encodeRows(rows.slice(cut)));
          const joined = createRunSeries(newRunId(), () =>
            Promise.resolve([1, 2].map((attempt) => ({ attempt, file: own + String(attempt), resumedFromStep: null }))),
          );
          await joined.poll();
          const [fromStep, toStep] = [Math.min(a, b), Math.max(a, b)];
          const [window] = joined.window({ metrics: ["m"], maxPoints, fromStep, toStep });
          const inside = rows.slice(fromStep, toStep + 1);
          if (inside.length === 0) {
            expect(window).toBeUndefined();
            return;
          }
          const points = pointsOf(window);
          expect(points.length).toBeLessThanOrEqual(maxPoints);
          expect(points.length).toBeGreaterThan(0);
          expect(window!.downsampled).toBe(inside.length > maxPoints);
          points.forEach((point, i) => {
            expect(point.value).toBe(values[point.step]);
            expect(point.attempt).toBe(point.step < cut ? 1 : 2);
            if (i > 0) expect(point.step).toBeGreaterThan(points[i - 1]!.step);
          });
          const finite = inside.map((row) => row.values.m).filter(Number.isFinite);
          if (finite.length > 0) {
            const shown = points.map((point) => point.value).filter(Number.isFinite);
            expect(Math.min(...shown)).toBe(Math.min(...finite));
            expect(Math.max(...shown)).toBe(Math.max(...finite));
          }
          const gaps = inside.filter((row) => !Number.isFinite(row.values.m)).map((row) => row.step);
          if (maxPoints >= 6 && gaps.length <= Math.floor((maxPoints - 2) / 3))
            expect(points.map((point) => point.step)).toEqual(expect.arrayContaining(gaps));
          if (maxPoints >= 6) expect([points[0]!.step, points.at(-1)!.step]).toEqual([inside[0]!.step, inside.at(-1)!.step]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("keep each of many spikes where the buckets are fine enough, over the levels of the pyramid", async () => {
    const n = 60_000;
    const spikes = new Set(Array.from({ length: 300 }, (_, i) => i * 199 + 7));
    await writeAttempt(
      1,
      line(0, n, (step) => (spikes.has(step) ? 1000 + step : Math.sin(step))),
    );
    await series.poll();
    const [window] = series.window({ metrics: ["loss"], maxPoints: 2000 });
    const shown = new Set(pointsOf(window).map((point) => point.step));
    expect([...spikes].filter((step) => !shown.has(step))).toEqual([]);
  });

  it("have beside every point of a long series one that is not below and one that is not above it, of buckets that end at nodes", async () => {
    const rows = line(0, 40_000, (step) => Math.sin(step / 900) * 5 + ((step * 7919) % 1013) / 500);
    await writeAttempt(1, rows.slice(0, 25_000));
    await writeAttempt(2, rows.slice(17_000), 16_999);
    await series.poll();
    fc.assert(
      fc.property(fc.nat({ max: 39_999 }), fc.nat({ max: 39_999 }), fc.integer({ min: 6, max: 400 }), (a, b, maxPoints) => {
        const [fromStep, toStep] = [Math.min(a, b), Math.max(a, b)];
        const [window] = series.window({ metrics: ["loss"], fromStep, toStep, maxPoints });
        const { steps, values } = window!;
        expect(steps.length).toBeLessThanOrEqual(maxPoints);
        const wanted = rows.slice(fromStep, toStep + 1).map((row) => row.values["loss"]!);
        if (wanted.length <= maxPoints) expect([...values]).toEqual(wanted);
        // Buckets are at most a third larger than equal ones, and a point of the bucket lies within it.
        const reach = Math.ceil((4 / 3) * (wanted.length / Math.floor((maxPoints - 2) / 2))) + 1;
        for (let i = 0; i < wanted.length; i += 37) {
          const near = [...values.keys()].filter((k) => Math.abs(steps[k]! - fromStep - i) <= reach);
          expect(Math.max(...near.map((k) => values[k]!))).toBeGreaterThanOrEqual(wanted[i]!);
          expect(Math.min(...near.map((k) => values[k]!))).toBeLessThanOrEqual(wanted[i]!);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("choose by pattern, leave reserved names to those who ask for them", async () => {
    await writeAttempt(1, [{ time: 1, step: 1, values: { "train/loss": 1, "train/acc": 2, "eval/loss": 3, _epoch: 0.5 } }]);
    await series.poll();
    const found = (...metrics: string[]): string[] => series.window({ metrics, maxPoints: 10 }).map((window) => window.name);
    expect(found("train/*")).toEqual(["train/loss", "train/acc"]);
    expect(found("*")).toEqual(["train/loss", "train/acc", "eval/loss"]);
    expect(found("_*")).toEqual(["_epoch"]);
    expect(found("_epoch", "none", "eval/loss")).toEqual(["eval/loss", "_epoch"]);
  });
});

describe("a continued run", () => {
  it("shows one curve in which the second attempt replaces the rewound steps", async () => {
    await writeAttempt(
      1,
      line(1, 26, (step) => step),
    );
    await series.poll();
    const cursor = series.cursor();
    expect(cursor).toEqual({ "1": 25 });
    await writeAttempt(2, [{ time: 1e12, step: 20, values: { _epoch: 1 } }], 20);
    await series.poll();
    expect(series.since(cursor, ["loss"], 100)).toMatchObject({ reset: false, windows: [] });
    expect(series.list()[0]).toMatchObject({ last_step: 25, count: 25 });
    await writeAttempt(2, [{ time: 1e12, step: 20, values: { _epoch: 1 } }, ...line(22, 24, () => -1)], 20);
    await series.poll();
    const { windows, reset } = series.since(cursor, ["loss"], 100);
    expect(reset).toBe(true);
    expect([...windows[0]!.steps]).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 22, 23]);
    expect(series.window({ metrics: ["loss"], maxPoints: 100, attempt: 1 })[0]!.steps).toHaveLength(25);
    expect(series.list()[0]).toMatchObject({ name: "loss", last: -1, last_step: 23, max: 20, count: 22, attempts: [1, 2] });
  });

  it("resets a reader whose cursor is not of these files or who is too far behind", async () => {
    await writeAttempt(
      1,
      line(0, 100, (step) => step),
    );
    await series.poll();
    expect(series.since({ "1": 500 }, ["loss"], 1000).reset).toBe(true);
    expect(series.since({ "7": 1 }, ["loss"], 1000).reset).toBe(true);
    expect(series.since({ "1": 10 }, ["loss"], 20)).toMatchObject({ reset: true });
    const near = series.since({ "1": 90 }, ["loss"], 20);
    expect(near.reset).toBe(false);
    expect([...near.windows[0]!.steps]).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect(series.since(near.cursor, ["loss"], 20)).toEqual({ windows: [], cursor: { "1": 100 }, reset: false });
  });
});

describe("what the run is at", () => {
  it("names the newest step, time and epoch, heartbeats included", async () => {
    expect(series.newest()).toBeNull();
    expect(series.secondsPerStep()).toBeNull();
    await writeAttempt(1, [
      { time: 1000, step: 10, values: { loss: 1, epoch: 0.1 } },
      { time: 2000, step: 14, values: { _epoch: 0.14 } },
      { time: 2500, step: 10, values: { late: 1 } },
    ]);
    await series.poll();
    expect(series.newest()).toEqual({ step: 14, time: 2500, epoch: 0.14 });
  });

  it("takes the median step time without evaluations, saving and the first step", async () => {
    const rows: Row[] = [];
    let time = 1e12;
    for (let step = 1; step <= 60; step++) {
      time += step === 1 ? 30_000 : 100;
      rows.push({ time, step, values: { loss: 1 } });
      if (step % 10 === 0) rows.push({ time: (time += 5000), step, values: { eval_loss: 1 } });
      if (step % 20 === 0) time += 8000;
    }
    await writeAttempt(1, rows);
    await series.poll();
    expect(series.secondsPerStep()).toBeCloseTo(0.1, 6);
  });

  it("knows no step time of rows that were written in one millisecond, and the right one of a loop that is quicker than the clock", async () => {
    const rows = (msPerStep: number): Row[] =>
      Array.from({ length: 400 }, (_, i) => ({ time: 1.7e12 + i * msPerStep, step: i, values: { loss: 1 } }));
    await writeAttempt(1, rows(0.0003));
    await series.poll();
    expect(series.secondsPerStep()).toBeNull();
    await writeAttempt(2, rows(0.05));
    await series.poll();
    expect(series.secondsPerStep()).toBeCloseTo(0.00005, 6);
  });
});

describe("damaged and odd files", () => {
  it("reads on after damage and says where it was; leaves out rows without a finite step", async () => {
    await writeAttempt(1, [
      ...line(0, 3, (step) => step),
      { time: 1, step: NaN, values: { loss: 9 } },
      { time: 5, step: 3, values: { loss: 3 } },
    ]);
    await appendFile(sources[0]!.file, Buffer.alloc(64, 0xff));
    await series.poll();
    expect([...series.window({ metrics: ["loss"], maxPoints: 10 })[0]!.steps]).toEqual([0, 1, 2, 3]);
    expect(series.damage).toContain("damaged from byte");
    expect(series.damage).toContain("left out 1 row without a finite step");
    expect(series.cursor()).toEqual({ "1": 5 });
  });

  it("starts over when a file is replaced by a shorter one", async () => {
    await writeAttempt(
      1,
      line(0, 50, (step) => step),
    );
    await series.poll();
    const cursor = series.cursor();
    await rm(sources[0]!.file);
    await writeAttempt(
      1,
      line(0, 3, () => 7),
    );
    await series.poll();
    expect(series.since(cursor, ["loss"], 100)).toMatchObject({ reset: true, cursor: { "1": 3 } });
    expect([...series.window({ metrics: ["loss"], maxPoints: 10 })[0]!.values]).toEqual([7, 7, 7]);
  });

  it("has no points of a run without files", async () => {
    sources = [{ attempt: 1, file: path.join(dir, "none"), resumedFromStep: null }];
    expect(await series.poll()).toBe(false);
    expect(series.list()).toEqual([]);
    expect(series.since({}, ["loss"], 10)).toEqual({ windows: [], cursor: {}, reset: false });
  });

  it("keeps thousands of metrics apart", async () => {
    const values = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`layer${String(i)}/norm`, i]));
    await writeAttempt(
      1,
      Array.from({ length: 5 }, (_, step) => ({ time: step, step, values })),
    );
    await series.poll();
    expect(series.list()).toHaveLength(3000);
    expect([...series.window({ metrics: ["layer2999/norm"], maxPoints: 10 })[0]!.values]).toEqual([2999, 2999, 2999, 2999, 2999]);
  });
});

describe("encodeArrow", () => {
  it("writes the documented columns, empty answers too", async () => {
    await writeAttempt(1, [...line(1, 4, (step) => (step === 2 ? NaN : step)), ...line(1, 3, (step) => -step, "eval")]);
    await series.poll();
    const table = tableFromIPC(encodeArrow(series.window({ metrics: ["loss", "eval"], maxPoints: 10 })));
    expect(table.schema.fields.map((field) => `${field.name}:${String(field.type)}`)).toEqual([
      "series:Int32",
      "step:Float64",
      "time:Float64",
      "value:Float64",
      "attempt:Int32",
    ]);
    expect([...table.getChild("series")!]).toEqual([0, 0, 0, 1, 1]);
    expect([...table.getChild("value")!]).toEqual([1, NaN, 3, -1, -2]);
    expect([...table.getChild("attempt")!]).toEqual([1, 1, 1, 1, 1]);
    expect(tableFromIPC(encodeArrow([])).numRows).toBe(0);
  });
});
