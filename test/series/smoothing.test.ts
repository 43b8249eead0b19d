/** The moving average of a curve: at each point the same, whatever the window, however the curve came about and wherever its points lie. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { CompactFiles } from "../../server/series/compact-files.ts";
import { Axis, Curve } from "../../server/series/curve.ts";
import { CurvePoints, type Segment } from "../../server/series/points.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { SmoothedCurves } from "../../server/series/smoothed-curve.ts";
import { BLOCK, SpillFile } from "../../server/series/spill.ts";
import type { RunSeries, SeriesSource, SeriesWindow } from "../../server/series/types.ts";
import { countedAttempt, countedRows } from "./counted-runs.ts";
import {
  anyRows,
  attemptsArbitrary,
  encodeRows,
  metricValue,
  naiveAttempt,
  naiveJoined,
  oddRows,
  stableByStep,
  toRows,
  type Point,
  type Row,
} from "./model.ts";

const run = newRunId();
let dir: string;
let sources: SeriesSource[];
let count = 0;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-smoothing-"));
  sources = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const weights = fc.oneof(fc.constantFrom(0, 0.5, 0.8, 0.99, 0.9999), fc.double({ min: 0, max: 0.9999, noNaN: true }));

async function runOf(attempts: readonly { rows: readonly Row[]; resumedFromStep: number | null }[]): Promise<RunSeries> {
  const name = String(count++);
  sources = attempts.map(({ resumedFromStep }, i) => ({ attempt: i + 1, file: path.join(dir, `${name}-${String(i)}`), resumedFromStep }));
  for (const [i, { rows }] of attempts.entries()) await writeFile(sources[i]!.file, encodeRows(rows));
  const series = createRunSeries(run, () => Promise.resolve(sources));
  await series.poll();
  return series;
}

/** By its definition as a mean: each finite value so far weighs the less the more of them came after it. */
function naiveAverages(points: readonly Point[], weight: number): Map<string, number> {
  const averages = new Map<string, number>();
  let [sum, whole] = [0, 0];
  for (const point of points) {
    if (Number.isFinite(point.value)) {
      sum = sum * weight + point.value;
      whole = whole * weight + 1;
    }
    averages.set(key(point), Number.isFinite(point.value) ? sum / whole : NaN);
  }
  return averages;
}

const key = ({ attempt, step, time }: Pick<Point, "attempt" | "step" | "time">): string => [attempt, step, time].join(" ");

function expectAverages(window: SeriesWindow, of: ReadonlyMap<string, number>, largest: number): void {
  expect(window.smoothed).toHaveLength(window.steps.length);
  window.smoothed!.forEach((average, i) => {
    const wanted = of.get(key({ attempt: window.attempts[i]!, step: window.steps[i]!, time: window.times[i]! }));
    expect(wanted, "a point that is not of the curve").toBeDefined();
    if (Number.isNaN(wanted)) expect(average).toBeNaN();
    else expect(Math.abs(average - wanted!)).toBeLessThanOrEqual(1e-10 * largest);
  });
}

function largestOf(points: readonly Point[]): number {
  return points.reduce((most, { value }) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
}

describe("the average at a point", () => {
  it("is over all of the curve before it: any window, attempts in any order, rewound steps, steps that go back, gaps", async () => {
    await fc.assert(
      fc.asyncProperty(
        attemptsArbitrary,
        weights,
        fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 })),
        fc.integer({ min: 2, max: 40 }),
        async (inputs, smoothing, [a, b], maxPoints) => {
          const attempts = inputs.map((input) => ({ rows: toRows(input), resumedFromStep: input.resumedFromStep }));
          const series = await runOf(attempts);
          const query = { maxPoints, smoothing, fromStep: Math.min(a, b), toStep: Math.max(a, b) };
          for (const name of ["loss", "lr", "eval"]) {
            const joined = naiveJoined(attempts, name);
            const [window] = series.window({ ...query, metrics: [name] });
            if (window !== undefined) expectAverages(window, naiveAverages(joined, smoothing), largestOf(joined));
            for (const [i, { rows }] of attempts.entries()) {
              const own = stableByStep(naiveAttempt(rows, name, i + 1));
              const [alone] = series.window({ ...query, metrics: [name], attempt: i + 1 });
              if (alone !== undefined) expectAverages(alone, naiveAverages(own, smoothing), largestOf(own));
            }
          }
          series.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  it("goes on with each append, and anew where a later attempt replaces steps, for a reader that has the points piece by piece", async () => {
    const script = fc.array(fc.record({ attempt: fc.integer({ min: 1, max: 3 }), rows: anyRows, sorted: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(script, weights, async (pieces, smoothing) => {
        const written = [1, 2, 3].map((): Row[] => []);
        const series = await runOf(written.map((rows) => ({ rows, resumedFromStep: null })));
        const held = new Map<string, number>();
        let cursor = {};
        let time = 1e12;
        for (const piece of pieces) {
          written[piece.attempt - 1]!.push(...toRows(piece).map((row) => ({ ...row, time: time++ })));
          for (const [i, rows] of written.entries()) await writeFile(sources[i]!.file, encodeRows(rows));
          await series.poll();
          const update = series.since(cursor, ["loss"], 50, { smoothing });
          ({ cursor } = update);
          if (update.reset) held.clear();
          for (const window of update.windows) {
            const points = naiveJoined(
              written.map((rows) => ({ rows, resumedFromStep: null })),
              "loss",
            );
            const averages = naiveAverages(points, smoothing);
            expectAverages(window, averages, largestOf(points));
            window.smoothed!.forEach((value, i) =>
              held.set(key({ attempt: window.attempts[i]!, step: window.steps[i]!, time: window.times[i]! }), value),
            );
            // What came before still stands where it stood.
            for (const [point, value] of held)
              if (Number.isFinite(value)) expect(Math.abs(value - averages.get(point)!)).toBeLessThanOrEqual(1e-10 * largestOf(points));
          }
        }
        series.close();
      }),
      { numRuns: 100 },
    );
  });

  it("is the same where points are placed on a counter", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(countedAttempt, { minLength: 1, maxLength: 3 }),
        weights,
        fc.integer({ min: 2, max: 40 }),
        async (inputs, smoothing, maxPoints) => {
          const attempts = inputs.map((input) => ({ rows: countedRows(input), resumedFromStep: input.resumedFromStep }));
          const series = await runOf(attempts);
          const points = naiveJoined(attempts, "loss");
          for (const window of series.window({ metrics: ["loss"], maxPoints, smoothing, counter: "tokens" }))
            expectAverages(window, naiveAverages(points, smoothing), largestOf(points));
          series.close();
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("a window with a point beside", () => {
  it("has the nearest points before and behind its steps, and is otherwise the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        attemptsArbitrary,
        fc.tuple(fc.integer({ min: -2, max: 32 }), fc.integer({ min: -2, max: 32 })),
        async (inputs, [a, b]) => {
          const attempts = inputs.map((input) => ({ rows: toRows(input), resumedFromStep: input.resumedFromStep }));
          const series = await runOf(attempts);
          const [fromStep, toStep] = [Math.min(a, b) - 0.5, Math.max(a, b)];
          const joined = naiveJoined(attempts, "loss");
          const first = joined.filter(({ step }) => step < fromStep).length;
          const end = joined.filter(({ step }) => step <= toStep).length;
          const expected = joined.slice(Math.max(0, first - 1), end + 1);
          const windows = series.window({ metrics: ["loss"], maxPoints: 1000, fromStep, toStep, beside: true, smoothing: 0.5 });
          expect(windows).toHaveLength(expected.length > 0 ? 1 : 0);
          for (const window of windows) {
            expect([...window.times]).toEqual(expected.map(({ time }) => time));
            expect([...window.steps]).toEqual(expected.map(({ step }) => step));
            expectAverages(window, naiveAverages(joined, 0.5), largestOf(joined));
          }
          series.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a window with averages", () => {
  it("holds where they are least and greatest, the first and the last point, within the limit", async () => {
    const values = fc.array(metricValue, { minLength: 1, maxLength: 1500 });
    const places = fc.tuple(fc.nat({ max: 1500 }), fc.nat({ max: 1500 }), fc.nat({ max: 1500 }));
    await fc.assert(
      fc.asyncProperty(values, places, fc.integer({ min: 2, max: 300 }), weights, async (logged, [a, b, split], maxPoints, smoothing) => {
        const rows = logged.map((value, step) => ({ time: step, step, values: { m: value } }));
        const attempts = [rows.slice(0, split), rows.slice(split)].map((part) => ({ rows: part, resumedFromStep: null }));
        const series = await runOf(attempts);
        const [fromStep, toStep] = [Math.min(a, b), Math.max(a, b)];
        const points = naiveJoined(attempts, "m");
        const averages = naiveAverages(points, smoothing);
        const inside = points.filter(({ step }) => step >= fromStep && step <= toStep);
        const [window] = series.window({ metrics: ["m"], maxPoints, fromStep, toStep, smoothing });
        series.close();
        if (inside.length === 0) {
          expect(window).toBeUndefined();
          return;
        }
        const { steps, values: shown, smoothed } = window!;
        expect(steps.length).toBeLessThanOrEqual(maxPoints);
        expect(steps.every((step, i) => i === 0 || step > steps[i - 1]!)).toBe(true);
        expectAverages(window!, averages, largestOf(points));
        if (maxPoints >= 6) expect([steps[0], steps.at(-1)]).toEqual([inside[0]!.step, inside.at(-1)!.step]);
        const finite = inside.filter(({ value }) => Number.isFinite(value));
        if (finite.length === 0) return;
        const range = (of: Iterable<number>): [number, number] => {
          const numbers = [...of].filter(Number.isFinite);
          return [Math.min(...numbers), Math.max(...numbers)];
        };
        expect(range(shown)).toEqual(range(finite.map(({ value }) => value)));
        if (maxPoints < 10) return;
        const [low, high] = range(finite.map((point) => averages.get(key(point))!));
        const room = 1e-10 * largestOf(points);
        expect(Math.abs(range(smoothed!)[0] - low)).toBeLessThanOrEqual(room);
        expect(Math.abs(range(smoothed!)[1] - high)).toBeLessThanOrEqual(room);
      }),
      { numRuns: 150 },
    );
  });

  it("is the same of a run in memory, of one that lets go of its values, of one with compact files, and of one read anew", async () => {
    const rows = 5 * BLOCK + 777;
    const attempts = [
      { rows: oddRows(0, rows), resumedFromStep: null },
      { rows: oddRows(rows - 2 * BLOCK, rows + 2 * BLOCK), resumedFromStep: rows - 2 * BLOCK - 1 },
    ];
    const kept = await runOf(attempts);
    const letting = createRunSeries(run, () => Promise.resolve(sources));
    const spill = new SpillFile(dir);
    letting.letGo(spill);
    await letting.poll();
    const files = new CompactFiles(path.join(dir, "columns"), { leastSourceBytes: 0 });
    const writer = createRunSeries(run, () => Promise.resolve(sources), files);
    await writer.poll();
    await writer.compact();
    const compact = createRunSeries(run, () => Promise.resolve(sources), files);
    await compact.poll();
    expect(compact.bytes).toBeLessThan(kept.bytes / 4);
    fc.assert(
      fc.property(
        fc.tuple(fc.nat({ max: rows }), fc.nat({ max: rows })),
        fc.oneof(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 2, max: 6000 })),
        fc.constantFrom(undefined, 1, 2),
        fc.constantFrom(0.8, 0.995),
        ([a, b], maxPoints, attempt, smoothing) => {
          const range = { fromStep: Math.min(a, b), toStep: Math.max(a, b), ...(attempt !== undefined && { attempt }) };
          const query = { metrics: ["*"], maxPoints, smoothing, ...range };
          const windows = kept.window(query);
          for (const other of [letting, compact]) expect(other.window(query)).toEqual(windows);
        },
      ),
      { numRuns: 25 },
    );
    const all = { metrics: ["loss"], maxPoints: 100_000, smoothing: 0.8 };
    expectAverages(kept.window(all)[0]!, naiveAverages(naiveJoined(attempts, "loss"), 0.8), 20);
    for (const series of [kept, letting, writer, compact]) series.close();
    spill.close();
  });
});

describe("the averages that a run keeps", () => {
  it("take no more memory than they may, the newest looked at stay, and those that went are the same when asked for again", () => {
    const points = 20_000;
    const rows = Float64Array.from({ length: 3 * points }, (_, i) => (i % 3 === 2 ? Math.sin(i) : i));
    const axis = new Axis();
    axis.append(rows, 0, 3, points, 0);
    const curve = new Curve("loss", axis);
    curve.append(rows, 2, 3, points);
    const segments: Segment[] = [{ points: new CurvePoints(curve), from: 0, to: points, attempt: 1, attempts: null }];
    const curves = new SmoothedCurves(100_000);
    const first = curves.get("loss", 0.01, segments);
    const last = first.valueAt(points - 1);
    expect(curves.get("loss", 0.01, segments)).toBe(first);
    for (let i = 0; i < 50; i++) {
      curves.get("loss", i / 50, segments);
      expect(curves.bytes).toBeLessThanOrEqual(100_000);
    }
    const newest = curves.get("loss", 49 / 50, segments);
    expect(curves.get("loss", 49 / 50, segments)).toBe(newest);
    const again = curves.get("loss", 0.01, segments);
    expect(again).not.toBe(first);
    expect(again.valueAt(points - 1)).toBe(last);
    curves.clear();
    expect(curves.bytes).toBe(0);
  });
});
