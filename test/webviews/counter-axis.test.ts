/** The x axis by a counter: what a chart holds of it while points come, and how windows, neighbours and exports read its columns. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { encodeArrow } from "../../server/series/arrow.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import { NO_ANNOTATIONS } from "../../webviews/charts/annotations.ts";
import { counterAxis, counterOf, DEFAULT_SETTINGS } from "../../webviews/charts/chart-sync.ts";
import { fullWindow, stepPlace, stepWindow } from "../../webviews/charts/chart-window.ts";
import { SeriesColumns } from "../../webviews/charts/columns.ts";
import { toCsv } from "../../webviews/charts/describe.ts";
import { overlayCsv } from "../../webviews/charts/overlay-table.ts";
import { indexBeside, nearestIndex, windowRange } from "../../webviews/charts/scale.ts";
import { SeriesStore } from "../../webviews/charts/series-store.ts";
import { meanCurve } from "../../webviews/compare/curves.ts";
import { countedAttempt, countedRows } from "../series/counted-runs.ts";
import { encodeRows, type Row } from "../series/model.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-axis-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const AXIS = counterAxis("tokens");

function columnsOf(points: readonly (readonly [step: number, value: number, x?: number])[]): SeriesColumns {
  const columns = new SeriesColumns();
  for (const [step, value, x] of points) columns.append(step, 1000 * step, value, 1, x);
  return columns;
}

/** Places as a counter gives them: they never fall, stand still now and then, and the first points may have none. */
const places = fc.tuple(fc.nat({ max: 3 }), fc.array(fc.constantFrom(0, 0, 1, 1, 7), { maxLength: 30 })).map(([without, gains]) => {
  let x = 0;
  return Float64Array.from([...Array<number>(without).fill(-Infinity), ...gains.map((gain) => (x += gain))]);
});

describe("a chart that follows a live run", () => {
  it("holds each point where the whole run has it in the end, in whatever pieces it came", async () => {
    let [run, placed] = [0, 0];
    const pieces = fc.array(fc.record({ attempt: fc.constantFrom(0, 0, 0, 1), rows: fc.integer({ min: 1, max: 6 }) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(countedAttempt, { minLength: 2, maxLength: 2 }), pieces, async (inputs, script) => {
        const base = path.join(dir, String(run++));
        const all = inputs.map(countedRows);
        const sources = inputs.map(({ resumedFromStep }, i) => ({ attempt: i + 1, file: `${base}-${String(i + 1)}`, resumedFromStep }));
        const series = createRunSeries(newRunId(), () => Promise.resolve(sources));
        const written: Row[][] = [[], []];
        const store = new SeriesStore();
        let cursor = {};
        for (const { attempt, rows } of script) {
          written[attempt] = all[attempt]!.slice(0, written[attempt]!.length + rows);
          await writeFile(sources[attempt]!.file, encodeRows(written[attempt]));
          await series.poll();
          const { windows, reset, cursor: next } = series.since(cursor, ["*"], 5000, { counter: "tokens" });
          cursor = next;
          const header = {
            type: "series",
            id: 1,
            run: series.run,
            series: windows.map((window) => window.name),
            downsampled: windows.map((window) => window.downsampled),
            cursor,
            reset,
            x: { metric: "tokens", problem: series.counterProblem("tokens") },
          } as const;
          store.apply(header, encodeArrow(windows));
        }
        if (store.counter?.problem !== null) return;
        placed++;
        for (const { name, xs } of series.window({ metrics: ["*"], maxPoints: 5000, counter: "tokens" }))
          expect([...store.get(name)!.xs]).toEqual(Array.from(xs!, (x) => (Number.isNaN(x) ? -Infinity : x)));
      }),
      { numRuns: 120 },
    );
    expect(placed).toBeGreaterThan(20);
  });

  it("offers what rises and never falls, and no constant", () => {
    const store = new SeriesStore();
    const series = ["tokens", "loss", "gpus", "broken"];
    const values = [1, 2, 2, 5, 9, 8, 4, 4, 1, NaN, 3];
    const of = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3];
    const windows = series.map((name, i) => {
      const own = Float64Array.from(values.filter((_, k) => of[k] === i));
      const steps = own.map((_, k) => k);
      return { name, steps, times: steps, values: own, attempts: new Int32Array(own.length).fill(1), downsampled: false };
    });
    const downsampled = series.map(() => false);
    const header = { type: "series", id: 1, run: newRunId(), series, downsampled, cursor: {}, reset: true } as const;
    store.apply(header, encodeArrow(windows));
    expect(store.counters).toEqual(["tokens"]);
    expect([counterOf(AXIS), counterOf("wall")]).toEqual(["tokens", null]);
  });
});

describe("columns of places", () => {
  it("have windows, nearest points and neighbours as a search through all of them finds them", () => {
    fc.assert(
      fc.property(
        places,
        fc.integer({ min: -5, max: 80 }),
        fc.nat({ max: 40 }),
        fc.nat(),
        fc.constantFrom(-3, -1, 1, 3),
        (xs, low, size, pick, by) => {
          const window = [low, low + size] as const;
          const inside = [...xs.keys()].filter((i) => xs[i]! >= window[0] && xs[i]! <= window[1]);
          const [from, to] = windowRange(xs, window);
          for (const i of inside) expect(i >= from && i < to).toBe(true);
          expect([...xs.subarray(from, to)].every(Number.isFinite)).toBe(true);
          if (inside.length > 0) {
            expect(from).toBeGreaterThanOrEqual(inside[0]! - 1);
            expect(to).toBeLessThanOrEqual(inside.at(-1)! + 2);
          }
          const distances = Array.from(xs, (x) => Math.abs(x - low));
          const nearest = nearestIndex(xs, low);
          const least = Math.min(...distances);
          if (!Number.isFinite(least)) expect(nearest).toBe(-1);
          else {
            expect(distances[nearest]).toBe(least);
            expect(xs.indexOf(xs[nearest]!)).toBe(nearest);
            const index = pick % xs.length;
            const beside = indexBeside(xs, index, by);
            const beyond = [...xs].some((x) => Number.isFinite(x) && (by > 0 ? x > xs[index]! : x < xs[index]!));
            expect(beside !== null && xs[beside] !== xs[index]).toBe(beyond || (by < 0 && xs[index] === -Infinity));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("zoom to the steps of every point within", () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 0, max: 60 }), fc.nat({ max: 30 }), (xs, low, size) => {
        const columns = columnsOf(Array.from(xs, (x, i) => [3 * i, 0, x] as const));
        const [first, last] = stepWindow(columns, AXIS, [low, low + size], 0);
        for (const [i, x] of xs.entries()) if (x >= low && x <= low + size) expect(3 * i >= first && 3 * i <= last).toBe(true);
      }),
    );
  });

  it("span what was counted, from zero unless the counter began far from it", () => {
    const window = (...values: number[]): readonly [number, number] => {
      const tokens = columnsOf(values.map((value, i) => [i, value]));
      const store = { span: { firstStep: 1, lastStep: 9, lastTime: 0 }, origin: 0, get: () => tokens };
      return fullWindow(tokens, store, NO_ANNOTATIONS, { ...DEFAULT_SETTINGS, xAxis: AXIS });
    };
    expect(window(512, 1024, 4096)).toEqual([0, 4096]);
    expect(window(1e9, 1e9 + 50)).toEqual([1e9, 1e9 + 50]);
    expect(window(-4, 10)).toEqual([-4, 10]);
    expect(window(0.02, 0.5)).toEqual([0, 0.5]);
    expect(window(0, 0)).toEqual([0, 1]);
    expect(window()).toEqual([0, 1]);
  });

  it("place a step that no point has at the newest count before it", () => {
    const loss = columnsOf([[10, 0.5, 100], [20, 0.4, 205]]); // prettier-ignore
    const tokens = columnsOf([[5, 50], [10, 100], [15, 149], [20, 205]]); // prettier-ignore
    const place = (step: number): number => stepPlace(step, loss, AXIS, tokens);
    expect([place(10), place(17), place(20), place(1)]).toEqual([100, 149, 205, 50]);
    expect(stepPlace(17, loss, "step", undefined)).toBe(17);
  });
});

describe("lines by a counter elsewhere", () => {
  const a = columnsOf([[1, 5, 10], [2, 6, 20]]); // prettier-ignore
  const b = columnsOf([[1, 7], [2, 8, 26], [3, 9, 40]]); // prettier-ignore

  it("are the mean where replicates have a place, at the mean of their counts", () => {
    const sources = [a, b].map((columns) => ({ columns, origin: 0 }));
    const mean = meanCurve(sources, AXIS, 0, "range");
    expect([[...mean.xs], [...mean.ys], [...mean.counts!]]).toEqual([[10, 23, 40], [5, 7, 9], [1, 2, 1]]); // prettier-ignore
  });

  it("say in CSV where each point stands", () => {
    expect(toCsv("loss", [b], "tokens").join("").split("\n").slice(0, 3)).toEqual([
      "step,time,attempt,tokens,loss",
      "1,1970-01-01T00:00:01.000Z,1,,7",
      "2,1970-01-01T00:00:02.000Z,1,26,8",
    ]);
    const line = (name: string, { steps, xs, values }: SeriesColumns) => ({ name, steps, xs, values });
    expect(overlayCsv([line("a", a), line("b,c", b)], "tokens").join("")).toBe(
      'step,a tokens,a,"b,c tokens","b,c"\n1,10,5,,7\n2,20,6,26,8\n3,,,40,9\n',
    );
  });
});
