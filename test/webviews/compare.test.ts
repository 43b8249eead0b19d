/** The comparison's arithmetic: directions, replicates, means with their spread, differences, where curves part. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import { flatten } from "../../protocol/configuration.ts";
import { SeriesColumns } from "../../webviews/charts/columns.ts";
import { overlayCsv, type PointLine } from "../../webviews/charts/overlay-table.ts";
import type { RunPoints } from "../../webviews/charts/run-points.ts";
import { withinFences } from "../../webviews/charts/overlay-view.ts";
import { type CurveSource, meanCurve, partingStep, runCurve } from "../../webviews/compare/curves.ts";
import { differences, differingParams, settingText } from "../../webviews/compare/differences.ts";
import { isBetter, knownDirection, nextDirection } from "../../webviews/compare/direction.ts";
import { commonName, type Entry, makeEntries, replicateSets } from "../../webviews/compare/entries.ts";
import { legendValues } from "../../webviews/compare/legend-values.ts";
import { loggedLines, MOST_LOGGED_POINTS } from "../../webviews/compare/logged-points.ts";

let next = 0;
function run(part: Partial<RunDetail>): RunDetail {
  const base: Partial<RunDetail> = {
    id: `run_${String(next++).padStart(17, "0")}`,
    project: "p",
    recipe: "script",
    name: "run",
    seed: null,
    params: {},
    metrics: {},
    environment: null,
    git: null,
    attempts: [],
    progress: null,
  };
  return { ...base, ...part } as RunDetail;
}

function summary(last: number, min = last, max = last): RunDetail["metrics"][string] {
  return { last, last_step: 10, min, min_step: 1, max, max_step: 2, count: 10, first: last };
}

function source(points: readonly (readonly [step: number, value: number])[], origin = 0): CurveSource {
  const columns = new SeriesColumns();
  for (const [step, value] of points) columns.append(step, origin + 1000 * step, value, 1);
  return { columns, origin };
}

describe("the direction of a metric", () => {
  it("is known from the name's convention", () => {
    for (const name of ["loss", "train/loss", "eval_loss", "val/perplexity", "test.error", "eval/wer", "mae", "reward_loss"])
      expect([name, knownDirection(name)]).toEqual([name, "lower"]);
    for (const name of [
      "accuracy",
      "eval/f1",
      "f1_macro",
      "exact_match",
      "rewards/accuracies",
      "mean_token_accuracy",
      "reward",
      "valAccuracy",
    ])
      expect([name, knownDirection(name)]).toEqual([name, "higher"]);
  });

  it("is never assumed", () => {
    for (const name of [
      "learning_rate",
      "grad_norm",
      "rewards/margins",
      "reward_std",
      "loss_scale",
      "kl",
      "entropy",
      "match",
      "accuracy_top5",
      "neg_mean_squared_error",
      "test/neg_log_loss",
      "inverse_accuracy",
      "",
    ])
      expect([name, knownDirection(name)]).toEqual([name, null]);
    expect(isBetter(-1, null)).toBeNull();
    expect(isBetter(Number.NaN, "lower")).toBeNull();
  });

  it("goes round by clicks and comes back to what the name says", () => {
    const unknown = nextDirection("kl", {});
    expect(unknown).toEqual({ kl: "lower" });
    expect(nextDirection("kl", unknown)).toEqual({ kl: "higher" });
    expect(nextDirection("kl", { kl: "higher" })).toEqual({});
    expect(nextDirection("loss", {})).toEqual({ loss: "higher" });
    expect(nextDirection("loss", { loss: "higher" })).toEqual({});
  });
});

describe("replicates", () => {
  const seeded = (seed: number, lr = 1): RunDetail => run({ name: `lr / seed ${String(seed)}`, params: { lr, trainer: { seed } } });

  it("differ by their seed alone", () => {
    const [a, b, c, other] = [seeded(1), seeded(2), seeded(3), seeded(1, 2)];
    expect(replicateSets([a, other, b, c])).toEqual([[a, b, c], [other]]);
  });

  it("need seeds that are known and differ", () => {
    const blank = [run({}), run({})];
    expect(replicateSets(blank)).toHaveLength(2);
    expect(replicateSets([seeded(1), seeded(1)])).toHaveLength(2);
    const recorded = [run({ seed: 1 }), run({ seed: 2 })];
    expect(replicateSets(recorded)).toEqual([recorded]);
  });

  it("are one entry with a common name and the first one's slot", () => {
    const runs = [run({ name: "base" }), seeded(13), seeded(42)];
    const entries = makeEntries(runs, new Map(runs.map((each, i) => [each.id, i])), true);
    expect(entries.map((entry) => [entry.name, entry.slot, entry.runs.length])).toEqual([
      ["base", 0, 1],
      ["lr", 1, 2],
    ]);
    expect(makeEntries(runs, new Map(), false)).toHaveLength(3);
    expect(commonName(["abc", "xyz"])).toBe("abc");
    expect(commonName(["spirals 16", "spirals 17"])).toBe("spirals");
    expect(commonName(["spirals 4", "spirals 5"])).toBe("spirals");
    expect(commonName(["lora s=1", "lora s=2"])).toBe("lora");
    expect(commonName(["gpt2", "gpt2"])).toBe("gpt2");
  });
});

describe("the mean curve", () => {
  it("has the mean, the sample deviation and the range at each common step", () => {
    const sources = [1, 2, 6].map((value) => source([[0, value], [1, value]])); // prettier-ignore
    const std = meanCurve(sources, "step", 0, "std");
    expect([...std.ys]).toEqual([3, 3]);
    expect(std.band?.high[0]).toBeCloseTo(3 + Math.sqrt(7), 12);
    const range = meanCurve(sources, "step", 0, "range");
    expect([range.band?.low[1], range.band?.high[1]]).toEqual([1, 6]);
  });

  it("covers the replicates that reached a step, reading between the points of one with other steps", () => {
    const curve = meanCurve([source([[0, 0], [10, 10]]), source([[0, 2], [5, 7], [20, 22]])], "step", 0, "std"); // prettier-ignore
    expect([...curve.steps]).toEqual([0, 5, 10, 20]);
    expect([...(curve.counts ?? [])]).toEqual([2, 2, 2, 1]);
    expect([...curve.ys]).toEqual([1, 6, 11, 22]);
  });

  it("is what its definition says at unequal steps, of values that are not finite too", () => {
    type Run = readonly (readonly [number, number])[];
    /** A run's value at a step, as one would look it up in a table. */
    const valueAt = (run: Run, step: number): number => {
      const exact = run.find(([at]) => at === step);
      if (exact !== undefined) return exact[1];
      const before = run.findLast(([at]) => at < step);
      const after = run.find(([at]) => at > step);
      if (before === undefined || after === undefined) return Number.NaN;
      return before[1] + ((after[1] - before[1]) * (step - before[0])) / (after[0] - before[0]);
    };
    const value = fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: -9, max: 9, noNaN: true }) },
      fc.constantFrom(NaN, Infinity, -Infinity),
    );
    const points = fc.uniqueArray(fc.tuple(fc.nat(20), value), { selector: ([step]) => step, minLength: 1 });
    fc.assert(
      fc.property(fc.array(points, { minLength: 1, maxLength: 4 }), fc.constantFrom("std" as const, "range" as const), (drawn, spread) => {
        const runs = drawn.map((each) => each.toSorted(([a], [b]) => a - b));
        const curve = meanCurve(runs.map((run) => source(run)), "step", 0, spread); // prettier-ignore
        expect([...curve.steps]).toEqual([...new Set(runs.flat().map(([step]) => step))].sort((a, b) => a - b));
        for (const [i, step] of curve.steps.entries()) {
          const values = runs.map((run) => valueAt(run, step)).filter(Number.isFinite);
          expect(curve.counts?.[i]).toBe(values.length);
          const band = [curve.band?.low[i] ?? 0, curve.band?.high[i] ?? 0];
          if (values.length === 0) {
            expect([curve.ys[i], ...band]).toEqual([NaN, NaN, NaN]);
            continue;
          }
          const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
          const variance = values.length < 2 ? 0 : values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (values.length - 1);
          const wanted =
            spread === "std" ? [mean - Math.sqrt(variance), mean + Math.sqrt(variance)] : [Math.min(...values), Math.max(...values)];
          expect(curve.ys[i]).toBeCloseTo(mean, 9);
          wanted.forEach((end, k) => {
            expect(band[k]).toBeCloseTo(end, 6);
          });
        }
      }),
    );
  });

  it("counts relative time from each run's own start", () => {
    const curve = meanCurve([source([[1, 1]], 5000), source([[1, 3]], 90_000)], "relative", 0, "std");
    expect([...curve.xs]).toEqual([1000]);
    expect([...runCurve(source([[2, 1]], 7000), "relative", 0).xs]).toEqual([2000]);
  });
});

describe("where two curves part", () => {
  const curve = (points: readonly (readonly [number, number])[]) => runCurve(source(points), "step", 0);

  it("is the first common step beyond the threshold", () => {
    const a = curve([[0, 1], [1, 1], [2, 1], [3, 1]]); // prettier-ignore
    const b = curve([[0, 1], [1, 1.04], [2, 1.2], [3, 2]]); // prettier-ignore
    expect(partingStep(a, b)).toBe(2);
    expect(partingStep(a, b, 0.01)).toBe(1);
    expect(partingStep(a, a)).toBeNull();
  });

  it("is unknown for curves without a common step, and for zeros that agree", () => {
    expect(partingStep(curve([[0, 1]]), curve([[5, 9]]))).toBeNull();
    expect(partingStep(curve([[0, 0]]), curve([[0, 0]]))).toBeNull();
  });
});

describe("differences", () => {
  it("flattens settings by path and keeps lists whole", () => {
    expect([...flatten({ a: { b: 1, c: { d: [1, 2] } }, e: {}, f: null })]).toEqual([["a.b", 1], ["a.c.d", [1, 2]], ["e", {}], ["f", null]]); // prettier-ignore
    expect([settingText(1e-4), settingText(0.05), settingText("x"), settingText(0), settingText(true)]).toEqual([
      "1e-4",
      "0.05",
      "x",
      "0",
      "true",
    ]);
  });

  it("tells apart what differs, what is missing and what is the same", () => {
    const columns = [[run({ params: { lr: 1, only: true, same: 2 } })], [run({ params: { lr: 3, same: 2 } })]];
    expect(differingParams(columns).map((row) => [row.path, row.values])).toEqual([
      ["lr", ["1", "3"]],
      ["only", ["true", null]],
    ]);
    const [params, ...others] = differences(columns, null);
    expect([params?.differing, params?.rows.length]).toEqual([2, 4]);
    // What the folders tell is left out while they were not read, rather than shown as missing.
    expect(others).toEqual([]);
  });

  it("names every value of replicates, and the code they ran", () => {
    const git = { root: "/r", commit: "a".repeat(40), branch: "main", remote: null, dirty_files: 0 };
    const columns = [[run({ git, seed: 1 }), run({ git, seed: 2 })], [run({ git: { ...git, dirty_files: 2 }, seed: 1 })]];
    const sections = differences(columns, columns);
    const row = (path: string) => sections.flatMap((section) => section.rows).find((each) => each.path === path);
    expect(row("seed")?.values).toEqual(["1, 2", "1"]);
    expect(row("uncommitted")).toEqual({ path: "uncommitted", values: ["none", "2 files"], differs: true });
    expect(row("git branch")?.differs).toBe(false);
  });

  it("tell datasets apart by what was recorded of them", () => {
    const state = { param: "train", path: "/data/a.jsonl", kind: "file", files: 1, bytes: 16, modified: null, complete: true };
    const of = (digit: string) => run({ resolved: { datasets: [{ ...state, fingerprint: digit.repeat(64) }] } });
    const rows = (columns: ReturnType<typeof run>[][]) =>
      differences(columns, columns).find((section) => section.title === "Dataset")?.rows;
    expect(rows([[of("a")], [of("b")], [run({ resolved: { datasets: "damaged" } })]])).toEqual([
      { path: "train", values: ["/data/a.jsonl", "/data/a.jsonl", null], differs: true },
      { path: "train bytes", values: ["16", "16", null], differs: true },
      { path: "train content", values: ["aaaaaaaaaaaa", "bbbbbbbbbbbb", null], differs: true },
    ]);
    expect(rows([[run({ resolved: null })]])).toBeUndefined();
  });
});

describe("the legend", () => {
  const entries = makeEntries(
    [run({ metrics: { loss: summary(2, 1, 3) } }), run({ metrics: { loss: summary(1.5, 0.5, 4) } }), run({})],
    new Map(),
    false,
  );

  it("has last, best by direction and the signed difference to the baseline", () => {
    const [a, b, none] = [...legendValues(entries, "loss", "lower", entries[0]?.id ?? null).values()];
    expect([a?.last, a?.best, a?.difference]).toEqual([2, 1, null]);
    expect([b?.last, b?.best, b?.difference]).toEqual([1.5, 0.5, -0.5]);
    expect([none?.last, none?.best, none?.difference]).toEqual([null, null, null]);
    expect([...legendValues(entries, "loss", "higher", null).values()][1]).toMatchObject({ best: 4, difference: null });
  });

  it("calls nothing the best while the direction is unknown", () => {
    expect([...legendValues(entries, "loss", null, null).values()].map((of) => of.best)).toEqual([null, null, null]);
  });
});

describe("the overlay", () => {
  it("leaves out what lies far from the middle half, and nothing of an even spread", () => {
    const even = Float64Array.from({ length: 100 }, (_, i) => i);
    expect(withinFences(even, 0, 100, [0, 99])).toEqual([0, 99]);
    const spiked = Float64Array.of(...even, 1e6);
    expect(withinFences(spiked, 0, 101, [0, 1e6])[1]).toBeLessThan(200);
  });

  it("has every logged point of each run, and the mean of replicates, for its CSV", async () => {
    const columnsOf = (points: readonly (readonly [number, number])[]): SeriesColumns => source(points).columns;
    const drawn = columnsOf([[1, 5], [4, 2]]); // prettier-ignore
    drawn.downsampled = true;
    const asked: unknown[] = [];
    const pieces = [columnsOf([[1, 5], [2, 9]]), columnsOf([[3, 4], [4, 2]])]; // prettier-ignore
    const known: Readonly<Record<string, unknown>> = {
      a: { store: { get: () => drawn, origin: 0 }, all: (...args: unknown[]) => (asked.push(args), Promise.resolve(pieces)) },
      b: { store: { get: () => columnsOf([[2, 1]]), origin: 0 } }, // prettier-ignore
      c: { store: { get: () => undefined } },
    };
    const counted = (id: string, count: number): RunDetail => run({ id, name: id, metrics: { loss: { ...summary(1), count } } });
    const entry = (id: string, ...runs: Entry["runs"]): Entry => ({ id, name: id, slot: 0, runs });
    const lines = (entries: Entry[]) => loggedLines(entries, (id) => known[id] as RunPoints, "loss", "step", "std");
    const found = await lines([entry("set", counted("a", 4), counted("b", 1)), entry("c", counted("c", 0))]);
    expect(asked).toEqual([["loss", [1, 4]]]);
    expect(overlayCsv(found, null).join("")).toBe("step,a,b,set (mean)\n1,5,,5\n2,9,1,5\n3,4,,4\n4,2,,2\n");
    await expect(lines([entry("a", counted("a", MOST_LOGGED_POINTS + 1))])).rejects.toThrow("points of loss");
  });

  it("writes every step of every line as CSV", () => {
    const line = (name: string, points: readonly (readonly [number, number])[]): PointLine => {
      const steps = Float64Array.from(points, ([step]) => step);
      return { name, steps, xs: steps, values: Float64Array.from(points, ([, value]) => value) };
    };
    const lines = [line("a", [[1, 5], [3, 6]]), line('b,"', [[2, 7], [3, 8]]), line("a", [[3, 9]])]; // prettier-ignore
    expect(overlayCsv(lines, null).join("")).toBe('step,a,"b,""",a (2)\n1,5,,\n2,,7,\n3,6,8,9\n');
  });
});
