/** The `sweep:` section of a run document: which runs one document stands for. What becomes of it: sweep.ts. */
import * as z from "zod";
import { JsonValue } from "./json.ts";

export const MOST_SWEEP_RUNS = 1000;

const pair = z.tuple([z.number(), z.number()]);
const rising = (what: string): { message: string } => ({
  message: `the range is empty or reversed: ${what} is [low, high] with low below high`,
});

const Uniform = z.object({ uniform: pair.refine(([low, high]) => low < high, rising("uniform")) }).strict();
const LogUniform = z
  .object({
    loguniform: pair
      .refine(([low, high]) => low < high, rising("loguniform"))
      .refine(([low]) => low > 0, { message: "a logarithmic range starts above 0" }),
  })
  .strict();
const IntRange = z
  .object({
    int: z
      .tuple([z.number().int(), z.number().int()])
      .refine(([low, high]) => low <= high, { message: "the range is reversed: int is [low, high], both included" }),
  })
  .strict();
const Values = z.array(JsonValue).min(1, "the list is empty: give at least one value").max(MOST_SWEEP_RUNS);

/** Bounds are included; `loguniform` spreads its draws evenly over the orders of magnitude. */
export const SweepRange = z.union([Values, IntRange, Uniform, LogUniform], {
  error: "give a list of values, or one of int, uniform and loguniform with [low, high]",
});
export type SweepRange = z.infer<typeof SweepRange>;

const common = {
  seeds: z
    .array(z.number().int())
    .min(1, "the list is empty: give at least one seed, or leave it out")
    .max(MOST_SWEEP_RUNS)
    .refine((seeds) => new Set(seeds).size === seeds.length, { message: "a seed is named twice" })
    .optional()
    .describe("Each combination is run once with each of these seeds; they take the place of the document's own seed."),
  objective: z
    .object({ metric: z.string().min(1).max(500), direction: z.enum(["min", "max"]) })
    .strict()
    .optional()
    .describe("The metric that says which run is best, and whether less of it is better or more."),
  concurrency: z.number().int().min(1).max(64).default(1).describe("How many of its runs may live at the same time."),
};

const GridSweep = z
  .object({
    method: z.literal("grid"),
    params: z
      .record(z.string().min(1), z.union([Values, IntRange], { error: "a grid takes a list of values, or int with [low, high]" }))
      .refine(isNotEmpty, { message: "name at least one param" })
      .describe("Params of the recipe with the values to try, every one with every other."),
    ...common,
  })
  .strict();

const RandomSweep = z
  .object({
    method: z.literal("random"),
    n: z.number().int().min(1).max(MOST_SWEEP_RUNS).describe("How many combinations are drawn."),
    seed: z.number().int().min(0).max(0xffffffff).describe("The same seed draws the same combinations."),
    params: z
      .record(z.string().min(1), SweepRange)
      .refine(isNotEmpty, { message: "name at least one param" })
      .describe("Params of the recipe with what to draw from: a list, uniform, loguniform or int."),
    ...common,
  })
  .strict();

const Pruner = z
  .discriminatedUnion("kind", [
    z
      .object({
        kind: z.literal("median"),
        startup_trials: z.number().int().min(1).default(5).describe("Runs that complete before the first one is judged."),
        warmup_steps: z.number().int().min(0).default(0).describe("Steps of each run that are not judged."),
      })
      .strict(),
    z
      .object({
        kind: z.literal("asha"),
        min_steps: z.number().int().min(1).default(1).describe("The step at which a run is judged first."),
        reduction_factor: z
          .number()
          .int()
          .min(2)
          .max(64)
          .default(3)
          .describe("One run in so many goes on past each rung; each rung lies so many times higher than the last."),
      })
      .strict(),
  ])
  .describe("Ends runs that do badly: `median` those below the median of the others at the same step, `asha` by successive halving.");

const OptunaSweep = z
  .object({
    method: z.literal("optuna"),
    n: z.number().int().min(1).max(MOST_SWEEP_RUNS).describe("How many runs are made."),
    seed: z.number().int().min(0).max(0xffffffff).describe("The same seed begins with the same draws."),
    sampler: z.enum(["tpe", "gp", "random"]).default("tpe").describe("How the next params are chosen. gp needs torch and scipy."),
    startup_trials: z
      .number()
      .int()
      .min(1)
      .max(MOST_SWEEP_RUNS)
      .default(10)
      .describe("So many runs are random draws, before results count."),
    params: RandomSweep.shape.params,
    objective: common.objective.unwrap(),
    pruner: Pruner.optional(),
    concurrency: common.concurrency,
  })
  .strict();

export const SweepSpec = z.discriminatedUnion("method", [GridSweep, RandomSweep, OptunaSweep]).superRefine((sweep, context) => {
  const combinations = combinationCount(sweep.params);
  if (sweep.method === "random" && sweep.n > combinations)
    context.addIssue({ code: "custom", path: ["n"], message: `there are only ${combinations} combinations to draw: use method grid` });
  const runs = sweepRunCount(sweep);
  if (runs > MOST_SWEEP_RUNS)
    context.addIssue({
      code: "custom",
      path: [],
      message: `it makes ${runs} runs; ${MOST_SWEEP_RUNS} is the most that one sweep may have`,
    });
});
export type SweepSpec = z.infer<typeof SweepSpec>;
export type OptunaSweep = Extract<SweepSpec, { method: "optuna" }>;

export function sweepRunCount(sweep: SweepSpec): number {
  return (sweep.method === "grid" ? combinationCount(sweep.params) : sweep.n) * (seedsOf(sweep)?.length ?? 1);
}

/** Replicates of each combination; a search has none, since it takes each run for a point of its own. */
export function seedsOf(sweep: SweepSpec): readonly number[] | undefined {
  return sweep.method === "optuna" ? undefined : sweep.seeds;
}

/** Infinity as soon as one param is drawn from an interval. */
function combinationCount(params: Readonly<Record<string, SweepRange>>): number {
  return Object.values(params).reduce((product, range) => product * valueCount(range), 1);
}

function valueCount(range: SweepRange): number {
  if (Array.isArray(range)) return range.length;
  return "int" in range ? range.int[1] - range.int[0] + 1 : Infinity;
}

function isNotEmpty(params: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(params).length > 0;
}
