/** A sweep in the store: its plan as a file, and what the run folders say of it. */
import * as z from "zod";
import { RUN_FOLDER_VERSION } from "./constants.ts";
import { Problem } from "./errors.ts";
import { RunId, Slug, SweepId } from "./ids.ts";
import { Instant, JsonObject, WireNumber } from "./json.ts";
import { CreateRun } from "./queries.ts";
import { RunSpec } from "./spec.ts";
import { RunState } from "./states.ts";
import { SearchAnswer } from "./sweep-search.ts";
import { SweepSpec } from "./sweep-spec.ts";

/** One run that is to be made. Its id is given beforehand, so that it cannot be made twice. */
export const SweepPoint = z.object({
  run: RunId,
  params: JsonObject,
  seed: z.number().int().nullable(),
  /** Set before the run is stopped because it did badly: the value that was judged. It may have ended by itself meanwhile. */
  pruned: z.object({ at: Instant, step: z.number(), value: z.number() }).optional(),
});
export type SweepPoint = z.infer<typeof SweepPoint>;

/** <project>/sweeps/<id>.json. In which state the runs are stands in their folders alone. */
export const SweepRecord = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  id: SweepId,
  project: Slug,
  name: z.string(),
  /** The document, with its `sweep`. */
  spec: RunSpec,
  /** Absolute; null for the server's own. */
  base_dir: z.string().nullable(),
  created_at: Instant,
  /** In the order in which they are made; those that a search has not chosen yet are not among them. */
  points: z.array(SweepPoint).min(1),
  /** How many were made: one of them whose folder is gone was deleted, and is not made again. */
  made: z.number().int().nonnegative(),
  /** Set while no further run is made: somebody stopped it, or the server could not make the next one. */
  stopped: z.object({ at: Instant, reason: z.string(), by: z.enum(["user", "server"]).default("user") }).nullable(),
});
export type SweepRecord = z.infer<typeof SweepRecord>;

/** `waiting`: not made yet. `deleted`: made, and its folder is gone. */
export const SweepRunState = z.enum([...RunState.options, "waiting", "deleted"]);
export type SweepRunState = z.infer<typeof SweepRunState>;

const Objective = z.object({ metric: z.string(), direction: z.enum(["min", "max"]) }).nullable();

export const SweepSummary = SweepRecord.pick({ id: true, project: true, name: true, created_at: true, stopped: true }).extend({
  recipe: z.string(),
  /** `stopped` holds while runs that were made before still end. */
  state: z.enum(["running", "stopped", "finished"]),
  concurrency: z.number().int(),
  objective: Objective,
  run_count: z.number().int(),
  /** How many runs are in which state; states without a run are left out. */
  counts: z.partialRecord(SweepRunState, z.number().int()),
});
export type SweepSummary = z.infer<typeof SweepSummary>;

export const SweepDetail = SweepSummary.extend({
  /** What the document says of it: which params vary, and how. */
  sweep: SweepSpec,
  runs: z.array(
    SweepPoint.extend({
      index: z.number().int(),
      state: SweepRunState,
      /** The best value of the objective that the run reached. */
      objective: WireNumber.nullable(),
    }),
  ),
  /** Of the runs that completed, the one with the best value of the objective; null without an objective or such a run. */
  best: RunId.nullable(),
});
export type SweepDetail = z.infer<typeof SweepDetail>;

/** How one param goes along with the objective over the runs that completed, by their ranks. */
export const ParamCorrelation = z.object({
  param: z.string(),
  /** 0: not at all; 1: the order of the one is the order of the other. */
  strength: z.number().min(0).max(1),
  /** Does a greater value of the param go with a greater one of the objective? null where its values have no order. */
  sign: z.enum(["rising", "falling"]).nullable(),
});
export type ParamCorrelation = z.infer<typeof ParamCorrelation>;

export const SweepImportance = z.object({
  /** Runs that completed with a value of the objective. */
  runs: z.number().int(),
  /** The strongest first. */
  correlations: z.array(ParamCorrelation),
  /** The share of each param in how much the objective differs, by Optuna in the document's Python; null without. */
  shares: SearchAnswer.shape.importance.unwrap().nullable(),
  /** Why there are no shares. */
  note: z.string().nullable(),
});
export type SweepImportance = z.infer<typeof SweepImportance>;

export const CreateSweep = CreateRun.pick({ spec: true, base_dir: true });
export type CreateSweep = z.infer<typeof CreateSweep>;

/** What a sweep would run; nothing was made. */
export const SweepPlan = z.object({
  name: z.string(),
  project: Slug,
  recipe: z.string(),
  concurrency: z.number().int(),
  objective: Objective,
  run_count: z.number().int(),
  /** All of them; of a search the first draws, since the others follow from what these reach. */
  runs: z.array(SweepPoint.omit({ run: true, pruned: true })),
  /** What is worth a look but keeps no run from starting. */
  warnings: z.array(Problem),
});
export type SweepPlan = z.infer<typeof SweepPlan>;

/** Problems are sweeps whose file cannot be read. */
export const SweepList = z.object({ sweeps: z.array(SweepSummary), problems: z.array(Problem) });
export const SweepParam = z.object({ sweep: SweepId });
export const SweepQuery = z.object({ project: Slug.optional() });

export const StopSweep = z.object({
  /** Stop its live runs too, each with a final checkpoint where it can. */
  cancel_runs: z.boolean().default(false),
  reason: z.string().min(1).max(1000).default("asked for by the user"),
});
export type StopSweep = z.infer<typeof StopSweep>;
