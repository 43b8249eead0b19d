/** The small JSON files above the run folders: <store>/store.json, <store>/<project>/project.json and its history.jsonl. */
import * as z from "zod";
import { Slug } from "./ids.ts";
import { Instant, JsonObject } from "./json.ts";
import { ProjectRetention } from "./retention.ts";
import { RUN_FOLDER_VERSION } from "./run.ts";

export const StoreRecord = z.object({ version: z.literal(RUN_FOLDER_VERSION), created_at: Instant });
export type StoreRecord = z.infer<typeof StoreRecord>;

/** Name → expression (docs/query-language.md); read as `derived.<name>`. */
export const DerivedMetrics = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_]\w*(?:[./]\w+)*$/, "use letters, digits and _, in parts joined by . or /")
      .max(100),
    z.string().min(1).max(4000),
  )
  .refine((all) => Object.keys(all).length <= 200, "a project has at most 200 derived metrics");

/** What a person decides about a project. `defaults` are the params that its runs inherit, below the spec's own. */
export const ProjectSettings = z.object({
  title: z.string().max(200),
  description: z.string().max(10_000),
  /** What the project is for, as a sentence. */
  objective: z.string().max(10_000),
  task_type: z.string().max(200),
  base_model: z.string().max(500),
  owner: z.string().max(200),
  tags: z.array(z.string().min(1).max(80)).max(100),
  defaults: JsonObject,
  /** Metrics computed after the fact from params and metrics. */
  derived: DerivedMetrics,
  archived: z.boolean(),
  /** Which checkpoints of its runs stay; null = all of them. */
  retention: ProjectRetention.nullable(),
});
export type ProjectSettings = z.infer<typeof ProjectSettings>;
export const ProjectChanges = ProjectSettings.partial();
export type ProjectChanges = z.infer<typeof ProjectChanges>;

/** project.json. The folder's name is the project's id: a person can type it and move it. */
export const ProjectRecord = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  name: Slug,
  title: z.string(),
  description: z.string(),
  // Files of earlier versions lack what follows.
  objective: z.string().default(""),
  task_type: z.string().default(""),
  base_model: z.string().default(""),
  owner: z.string().default(""),
  tags: z.array(z.string()).default([]),
  defaults: JsonObject,
  derived: z.record(z.string(), z.string()).default({}),
  archived: z.boolean().default(false),
  retention: ProjectRetention.nullable().default(null),
  created_at: Instant,
  updated_at: Instant.nullable().default(null),
  /** Counts up with each change; 0 = nobody has decided anything yet. */
  revision: z.number().int().nonnegative().default(0),
});
export type ProjectRecord = z.infer<typeof ProjectRecord>;

/** One line of history.jsonl: the settings as they stood from `time` on. */
export const ProjectRevision = z.object({
  revision: z.number().int().nonnegative(),
  time: Instant,
  /** Settings that differ from the revision before. */
  changed: z.array(z.string()),
  settings: ProjectChanges,
});
export type ProjectRevision = z.infer<typeof ProjectRevision>;
