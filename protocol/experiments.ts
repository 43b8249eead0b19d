/**
 * Experiments and their manifests. An experiment is a name that runs of a project share (`experiment` in the run document and in run.json).
 * Its manifests are the configurations that those runs had over time: read from the run folders, so that they are there for runs that were
 * copied here, and no list beside the folders can be wrong.
 */
import * as z from "zod";
import { RunId, Slug } from "./ids.ts";
import { Instant, JsonObject } from "./json.ts";
import { RunSpec } from "./spec.ts";
import { RunState } from "./states.ts";
import { SweepSpec } from "./sweep-spec.ts";

export const ExperimentsQuery = z.object({ project: Slug.optional() });

export const Experiment = z.object({
  project: Slug,
  name: z.string(),
  run_count: z.number().int(),
  run_counts: z.partialRecord(RunState, z.number().int()),
  /** When its oldest and its newest run were made. */
  first_run_at: Instant,
  last_run_at: Instant,
});
export type Experiment = z.infer<typeof Experiment>;
export const Experiments = z.object({ experiments: z.array(Experiment) });

/** What is trained. Seeds, names, and where and how a run was launched are no part of it. */
export const Configuration = z.object({
  recipe: z.string(),
  /** Effective ones, without seeds and without those that the sweep varies. Of scripts and commands also what they reported themselves. */
  params: JsonObject,
  args: z.array(z.string()),
  /** Without those that were taken over from a shell (PATH …). */
  env: z.record(z.string(), z.string()),
  sweep: SweepSpec.nullable(),
});
export type Configuration = z.infer<typeof Configuration>;

/** A configuration, from the start of the first run that had it to that of the last one before another configuration came. */
export const Manifest = z.object({
  time: Instant,
  last_time: Instant,
  configuration: Configuration,
  /** What differs from the manifest before: `params.learning_rate`, `recipe`. Empty for the first. */
  changed: z.array(z.string()),
  /** The document of its first run, or of its sweep; null where that cannot be read. */
  spec: RunSpec.nullable(),
  /** In the order in which they started; all runs of a sweep belong to the manifest in which its first one started. */
  runs: z.array(RunId),
});
export type Manifest = z.infer<typeof Manifest>;
/** Oldest first. */
export const Manifests = z.object({ manifests: z.array(Manifest) });

/** The name as run.json has it: one that was written by hand need not be a folder's name. */
export const ExperimentParam = z.object({ project: Slug, experiment: z.string().min(1).max(200) });
export const ManifestParam = ExperimentParam.extend({
  /** `latest`, or an instant: the manifest that was in force then. */
  time: z
    .string()
    .refine((text) => text === "latest" || Instant.safeParse(text).success, "write latest, or a time such as 2026-01-31T12:00:00Z"),
});
