/** Points placed on a counter, against the rule as it is written: the newest count of the step up to the row, else the step's first, else the newest before. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { createRunSeries } from "../../server/series/run-series.ts";
import type { RunSeries } from "../../server/series/types.ts";
import { countedAttempt, countedRows, numbered } from "./counted-runs.ts";
import { encodeRows, naiveJoined, type Point, type Row } from "./model.ts";

let dir: string;
let files = 0;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "trainyard-counter-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface AttemptRows {
  readonly rows: readonly Row[];
  readonly resumedFromStep: number | null;
}

async function seriesOf(attempts: readonly AttemptRows[]): Promise<RunSeries> {
  const base = path.join(dir, String(files++));
  const sources = attempts.map(({ resumedFromStep }, i) => ({ attempt: i + 1, file: `${base}-${String(i + 1)}`, resumedFromStep }));
  for (const [i, { rows }] of attempts.entries()) await writeFile(sources[i]!.file, encodeRows(rows));
  const series = createRunSeries(newRunId(), () => Promise.resolve(sources));
  await series.poll();
  return series;
}

function logged(a: Point, b: Point): number {
  return a.attempt - b.attempt || a.time - b.time;
}

function naivePlace(counts: readonly Point[], point: Point): number {
  const here = counts.filter((count) => count.step === point.step);
  const sameOrEarlier = here.filter((count) => logged(count, point) <= 0);
  const before = counts.filter((count) => count.step < point.step);
  return (sameOrEarlier.at(-1) ?? here[0] ?? before.at(-1))?.value ?? NaN;
}

function naiveFalls(counts: readonly Point[]): boolean {
  return counts.some(({ value }, i) => !Number.isFinite(value) || (i > 0 && value < counts[i - 1]!.value));
}

describe("points on a counter", () => {
  it("stand where the rule says, or the reason is named", async () => {
    let [placed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(countedAttempt, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 2, max: 40 }),
        async (inputs, maxPoints) => {
          const attempts = inputs.map((input) => ({ rows: countedRows(input), resumedFromStep: input.resumedFromStep }));
          const series = await seriesOf(attempts);
          const counts = naiveJoined(attempts, "tokens");
          const points = naiveJoined(attempts, "loss");
          const problem = series.counterProblem("tokens");
          expect(problem === null).toBe(counts.length > 0 && !naiveFalls(counts));
          const [window] = series.window({ metrics: ["loss"], maxPoints, counter: "tokens" });
          expect(window === undefined).toBe(points.length === 0);
          if (problem !== null || window === undefined) {
            refused++;
            expect(window?.xs).toBeUndefined();
            return;
          }
          placed++;
          const xs = [...window.xs!];
          // Thinned or not: each point that is left stands where it would among all.
          const places = new Map(points.map((point) => [`${String(point.attempt)}:${String(point.time)}`, naivePlace(counts, point)]));
          expect(xs).toEqual(xs.map((_, i) => places.get(`${String(window.attempts[i])}:${String(window.times[i])}`)));
          const known = xs.filter((x) => !Number.isNaN(x));
          expect(known).toEqual(known.toSorted((a, b) => a - b));
          // Points without a place are those before the counter's first, so they stand at the beginning.
          expect(xs.findLastIndex((x) => Number.isNaN(x))).toBe(xs.length - known.length - 1);
        },
      ),
      { numRuns: 300 },
    );
    expect(placed).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(20);
  });

  it("keep every spike of a long curve, each at its own count", async () => {
    const spikes = new Set(Array.from({ length: 300 }, (_, i) => i * 199 + 7));
    const rows = Array.from({ length: 60_000 }, (_, step) => ({
      step,
      // Batches of uneven length: the count is no multiple of the step.
      values: { loss: spikes.has(step) ? 1000 + step : Math.sin(step), tokens: step * 512 + (step % 7) },
    }));
    const series = await seriesOf([{ rows: numbered(rows), resumedFromStep: null }]);
    const [window] = series.window({ metrics: ["loss"], maxPoints: 2000, counter: "tokens" });
    const shown = new Map([...window!.steps].map((step, i) => [step, window!.xs![i]!]));
    expect(window!.downsampled).toBe(true);
    expect([...spikes].filter((step) => shown.get(step) !== step * 512 + (step % 7))).toEqual([]);
  });

  it("say what is wrong and where", async () => {
    const count = (from: number, to: number, base: number): Row[] =>
      numbered(Array.from({ length: to - from }, (_, i) => ({ step: from + i, values: { loss: 1, tokens: base + 10 * i } })));
    const fresh = [
      { rows: count(0, 100, 0), resumedFromStep: null },
      { rows: count(51, 100, 0), resumedFromStep: 50 },
    ];
    const series = await seriesOf(fresh);
    expect(series.counterProblem("tokens")).toBe("tokens falls from 500 to 0 at step 51, and a counter never falls");
    // Each attempt by itself counts well.
    expect([1, 2].map((number) => series.counterProblem("tokens", number))).toEqual([null, null]);
    expect(series.counterProblem("samples")).toBe("the run has no point of samples");
    const resumed = await seriesOf([fresh[0]!, { rows: count(51, 100, 510), resumedFromStep: 50 }]);
    expect(resumed.counterProblem("tokens")).toBeNull();
    const broken = await seriesOf([{ rows: numbered([{ step: 4, values: { tokens: NaN } }]), resumedFromStep: null }]);
    expect(broken.counterProblem("tokens")).toBe("tokens is NaN at step 4, and a counter never falls");
  });
});
