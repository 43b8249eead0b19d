/** The section `sweep` of a run document: what it may say, and the runs that it stands for. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandSweep } from "../../protocol/expand-sweep.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { MOST_SWEEP_RUNS, type OptunaSweep, SweepSpec, sweepRunCount } from "../../protocol/sweep-spec.ts";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const interval = fc.tuple(finite, finite).filter(([low, high]) => low < high);
const positive = fc.double({ noNaN: true, min: 1e-12, max: 1e6 });
const list = fc.uniqueArray(fc.oneof(fc.integer(), fc.string(), fc.boolean()), { minLength: 1, maxLength: 4 });
const ints = fc.tuple(fc.integer({ min: -20, max: 20 }), fc.nat(4)).map(([low, more]) => ({ int: [low, low + more] }));
const names = fc.stringMatching(/^[a-z_]{1,8}$/);
const seeds = fc.option(fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 3 }), { nil: undefined });
const gridInput = fc.record({
  method: fc.constant("grid"),
  params: fc.dictionary(names, fc.oneof(list, ints), { minKeys: 1, maxKeys: 3 }),
  seeds,
});
const randomInput = fc.record({
  method: fc.constant("random"),
  n: fc.integer({ min: 1, max: 40 }),
  seed: fc.integer({ min: 0, max: 0xffffffff }),
  params: fc
    .tuple(
      fc.dictionary(
        names,
        fc.oneof(
          list,
          ints,
          interval.map((uniform) => ({ uniform })),
          fc
            .tuple(positive, positive)
            .filter(([low, high]) => low < high)
            .map((loguniform) => ({ loguniform })),
        ),
        { maxKeys: 3 },
      ),
      // So that there is always enough to draw from.
      fc.constant({ free: { uniform: [0, 1] } }),
    )
    .map(([some, free]) => ({ ...some, ...free })),
  seeds,
});

/** A sweep whose runs follow from the document alone. */
function listed(input: unknown): Exclude<SweepSpec, OptunaSweep> {
  const sweep = SweepSpec.parse(input);
  if (sweep.method === "optuna") throw new Error("a search has no list of runs");
  return sweep;
}

describe("expandSweep", () => {
  it("runs every combination of a grid once with each seed", () => {
    fc.assert(
      fc.property(gridInput, (input) => {
        const sweep = listed(input);
        const runs = expandSweep(sweep);
        expect(runs).toHaveLength(sweepRunCount(sweep));
        expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBe(runs.length);
        for (const { params, seed } of runs) {
          expect(Object.keys(params)).toEqual(Object.keys(sweep.params));
          for (const [name, range] of Object.entries(input.params))
            if (Array.isArray(range)) expect(range).toContainEqual(params[name]);
            else expect(params[name]).toSatisfy((value) => Number.isInteger(value) && value >= range.int[0]! && value <= range.int[1]!);
          if (input.seeds === undefined) expect(seed).toBeNull();
          else expect(input.seeds).toContain(seed);
        }
      }),
    );
  });

  it("draws distinct combinations within their ranges, the same for the same seed", () => {
    fc.assert(
      fc.property(randomInput, (input) => {
        const sweep = listed(input);
        const runs = expandSweep(sweep);
        expect(runs).toHaveLength(input.n * (input.seeds?.length ?? 1));
        expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBe(runs.length);
        expect(expandSweep(listed(JSON.parse(JSON.stringify(input))))).toEqual(runs);
        for (const { params } of runs)
          for (const [name, range] of Object.entries<unknown[] | Record<string, readonly number[]>>(input.params)) {
            if (Array.isArray(range)) expect(range).toContainEqual(params[name]);
            else {
              const [low, high] = Object.values(range)[0]!;
              expect(params[name]).toSatisfy((value) => typeof value === "number" && value >= low! && value <= high!);
              if ("int" in range) expect(Number.isInteger(params[name])).toBe(true);
            }
          }
      }),
    );
  });

  it("draws other combinations for another seed, and spreads loguniform over the orders of magnitude", () => {
    const draw = (seed: number): number[] =>
      expandSweep(listed({ method: "random", n: 600, seed, params: { lr: { loguniform: [1e-6, 1] } } })).map(({ params }) =>
        Number(params["lr"]),
      );
    expect(draw(1)).not.toEqual(draw(2));
    for (let decade = -6; decade < 0; decade++) {
      const share = draw(3).filter((value) => Math.floor(Math.log10(value)) === decade).length / 600;
      expect(share).toBeGreaterThan(0.1);
      expect(share).toBeLessThan(0.24);
    }
  });
});

describe("a document with a sweep", () => {
  const problemsOf = (sweep: string): [string, string][] =>
    readRunDocument(`recipe: command\nsweep: ${sweep}\n`).problems.map(({ problem }) => [problem.field, problem.message]);

  it("is read with its ranges, seeds and objective", () => {
    const { spec } = readRunDocument(`recipe: script
sweep:
  method: random
  n: 5
  seed: 7
  params:
    lr: { loguniform: [1.0e-5, 1.0e-3] }
    depth: { int: [1, 4] }
    act: [relu, gelu]
  seeds: [1, 2]
  objective: { metric: eval/loss, direction: min }
  concurrency: 2
`);
    expect(spec?.sweep).toMatchObject({ method: "random", concurrency: 2, objective: { metric: "eval/loss", direction: "min" } });
    expect(sweepRunCount(spec!.sweep!)).toBe(10);
  });

  it.each([
    ["{ method: grid, params: { lr: [] } }", "sweep.params.lr", "empty"],
    ["{ method: grid, params: {} }", "sweep.params", "at least one param"],
    ["{ method: grid, params: { lr: { uniform: [0, 1] } } }", "sweep.params.lr", "a grid takes"],
    ["{ method: grid, params: { lr: [1, 2], n: [1] }, seeds: [] }", "sweep.seeds", "empty"],
    ["{ method: grid, params: { lr: [1] }, seeds: [3, 3] }", "sweep.seeds", "twice"],
    ["{ method: grid, params: { lr: [1] }, concurrency: 0 }", "sweep.concurrency", ""],
    ["{ method: grid, params: { lr: [1] }, objective: { metric: loss } }", "sweep.objective.direction", ""],
    ["{ method: grid, params: { lr: { int: [4, 1] } } }", "sweep.params.lr.int", "reversed"],
    ["{ method: grid, params: { lr: [1] }, n: 3 }", "sweep.n", "not a field"],
    ["{ method: random, n: 2, seed: 1, params: { lr: { uniform: [1, 0] } } }", "sweep.params.lr.uniform", "reversed"],
    ["{ method: random, n: 2, seed: 1, params: { lr: { loguniform: [0, 1] } } }", "sweep.params.lr.loguniform", "above 0"],
    ["{ method: random, seed: 1, params: { lr: { uniform: [0, 1] } } }", "sweep.n", ""],
    ["{ method: random, n: 2, params: { lr: { uniform: [0, 1] } } }", "sweep.seed", ""],
    ["{ method: random, n: 5, seed: 1, params: { lr: [1, 2] } }", "sweep.n", "only 2 combinations"],
    ["{ method: optuna, n: 3, seed: 1, params: { lr: [1] } }", "sweep.objective", ""],
    [
      "{ method: optuna, n: 3, seed: 1, params: { lr: [1] }, objective: { metric: l, direction: min }, seeds: [1] }",
      "sweep.seeds",
      "not a field",
    ],
    [
      "{ method: optuna, n: 3, seed: 1, params: { lr: [1] }, objective: { metric: l, direction: min }, pruner: { kind: median, warmup: 1 } }",
      "sweep.pruner.warmup",
      "not a field",
    ],
    ["{ method: bayes, params: { lr: [1] } }", "sweep.method", ""],
    ["{ method: grid, params: { a: { int: [1, 100] }, b: { int: [1, 11] } } }", "sweep", "1100 runs"],
    ["{ method: grid, params: { a: { int: [1, 900000000] } }, seeds: [1, 2] }", "sweep", "1800000000 runs"],
  ])("is refused at its place: %s", (text, field, message) => {
    const found = problemsOf(text);
    expect(found.map(([where]) => where)).toContain(field);
    expect(found.find(([where]) => where === field)?.[1]).toContain(message);
  });

  it(`may stand for ${MOST_SWEEP_RUNS} runs`, () => {
    expect(problemsOf("{ method: grid, params: { a: { int: [1, 100] }, b: { int: [1, 10] } } }")).toEqual([]);
  });
});
