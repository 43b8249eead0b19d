/** The run folder's JSON files: run.json, attempts/<n>/{attempt,process,stop,exit}.json. Documented in docs/run-folder.md. */
import * as z from "zod";
import { LONGEST_DESCRIPTION, LONGEST_NOTES, RUN_FOLDER_VERSION } from "./constants.ts";
import { RunId, Slug, SweepId } from "./ids.ts";
import { Instant, JsonObject, WireNumber } from "./json.ts";
import { FinalState, RunState } from "./states.ts";
import { StoreOrigin } from "./stores.ts";

export { RUN_FOLDER_VERSION };

export const GitSnapshot = z.object({
  root: z.string(),
  commit: z.string(),
  branch: z.string().nullable(),
  remote: z.string().nullable(),
  /** Number of files with uncommitted changes; their diff lies in git.patch beside run.json. */
  dirty_files: z.number().int().nonnegative(),
});
export type GitSnapshot = z.infer<typeof GitSnapshot>;

export const EnvironmentSnapshot = z.object({
  hostname: z.string(),
  platform: z.string(),
  cpu_count: z.number().int().positive(),
  memory_bytes: z.number().int().positive(),
  gpus: z.array(z.string()),
  python: z.string().nullable(),
  python_version: z.string().nullable(),
  packages: z.record(z.string(), z.string()),
});
export type EnvironmentSnapshot = z.infer<typeof EnvironmentSnapshot>;

export const FailureClass = z.enum([
  "out_of_memory_gpu",
  "out_of_memory_host",
  "nan_loss",
  "disk_full",
  "nccl",
  "killed",
  "segfault",
  "import_error",
  "missing_file",
  "bad_argument",
  "exception",
  "launch_error",
  "unknown",
]);
export type FailureClass = z.infer<typeof FailureClass>;

export const Failure = z.object({
  class: FailureClass,
  /** One sentence: what happened and where. */
  message: z.string(),
  /** The log lines that prove it, in order, at most 20. */
  evidence: z.array(z.string()).max(20),
  /** What to do next. */
  advice: z.string(),
});
export type Failure = z.infer<typeof Failure>;

export const RunParent = z.object({
  run: RunId,
  /** Name of the checkpoint the fork started from; null when it was cloned from the spec alone. */
  checkpoint: z.string().nullable(),
  step: z.number().int().nonnegative().nullable(),
});
export type RunParent = z.infer<typeof RunParent>;

/** The exports that hold every bit of every point; `archive` holds everything else as well. */
export const ImportFormat = z.enum(["long", "wide", "jsonl", "parquet", "arrow", "archive"]);
export type ImportFormat = z.infer<typeof ImportFormat>;

/** Where an imported run comes from. What the file does not say is null. */
export const ImportSource = z.object({
  format: ImportFormat,
  /** Absolute path of the file. */
  file: z.string(),
  imported_at: Instant,
  /** The run's id in the store that it was exported from. */
  run: z.string(),
  store: z.string().nullable(),
  exported_at: Instant.nullable(),
  /** Of the Trainyard that exported it. */
  version: z.string().nullable(),
});
export type ImportSource = z.infer<typeof ImportSource>;

/** Of an ended run that waits in the queue to go on: what was asked for, and what it is again when nothing comes of that. */
export const QueuedResume = z.object({
  /** Id of the checkpoint that it goes on from. */
  checkpoint: z.string(),
  /** Those that it goes on with in the place of its own. */
  params: JsonObject,
  before: z.object({ state: FinalState, state_reason: z.string().nullable(), failure: Failure.nullable() }),
});
export type QueuedResume = z.infer<typeof QueuedResume>;

/** A run's newest time in the queue. */
export const QueueStay = z.object({
  queued_at: Instant,
  /** null while it waits. */
  left_at: Instant.nullable(),
  /** How it left: its turn came (or somebody started it ahead of it), it was taken out, stopped, or could not be started. */
  left: z.enum(["started", "removed", "cancelled", "failed"]).nullable(),
  /** The attempt that it was started as: it takes one of the queue's places while that lives. */
  attempt: z.number().int().positive().nullable(),
  /** Absent for a run that had never begun. */
  resume: QueuedResume.optional(),
});
export type QueueStay = z.infer<typeof QueueStay>;

/** run.json */
export const RunRecord = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  id: RunId,
  project: Slug,
  experiment: z.string().nullable(),
  name: z.string().min(1).max(200),
  description: z.string().max(LONGEST_DESCRIPTION),
  notes: z.string().max(LONGEST_NOTES),
  tags: z.array(z.string().min(1).max(80)).max(100),
  starred: z.boolean(),
  archived: z.boolean(),
  state: RunState,
  /** One sentence: why it is in this state. */
  state_reason: z.string().nullable(),
  failure: Failure.nullable(),
  recipe: z.string(),
  seed: z.number().int().nullable(),
  parent: RunParent.nullable(),
  /** Number of the newest attempt, 0 before the first. */
  attempt: z.number().int().nonnegative(),
  created_at: Instant,
  started_at: Instant.nullable(),
  ended_at: Instant.nullable(),
  /** Who made the folder: the server, the SDK in a process that no server launched, or an import. */
  origin: z.enum(["server", "sdk", "import"]),
  /** Set when `origin` is `import`. */
  imported: ImportSource.optional(),
  /** Set on a run of a sweep: its place in it, from 0. */
  sweep: z.object({ id: SweepId, index: z.number().int().nonnegative() }).optional(),
  /** Set on a run that waits in the queue or has waited there. */
  queue: QueueStay.optional(),
  git: GitSnapshot.nullable(),
  environment: EnvironmentSnapshot.nullable(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** attempts/<n>/attempt.json, written before the process starts. */
export const AttemptRecord = z.object({
  version: z.literal(RUN_FOLDER_VERSION),
  number: z.number().int().positive(),
  /** `continue` = the same run goes on from a checkpoint. `import` = points of a curve that was joined before: it replaces no other attempt's. */
  kind: z.enum(["start", "continue", "import"]),
  resumed_from: z.object({ checkpoint: z.string(), path: z.string(), step: z.number().int().nonnegative() }).nullable(),
  launcher: z.string(),
  /** argv; the first element is the executable. */
  command: z.array(z.string()).min(1),
  cwd: z.string(),
  /** Variables set on top of the inherited environment. */
  env: z.record(z.string(), z.string()),
  python: z.string().nullable(),
  grace_seconds: z.number().nonnegative(),
  created_at: Instant,
});
export type AttemptRecord = z.infer<typeof AttemptRecord>;

/** A process beyond doubt: a pid alone may have been given to another process since. */
export const ProcessIdentity = z.object({
  pid: z.number().int().positive(),
  /** Start time as the system counts it (Linux: field 22 of /proc/<pid>/stat); compared as text. */
  start_time: z.string(),
  /** Changes with each boot (Linux: /proc/sys/kernel/random/boot_id). */
  boot_id: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** attempts/<n>/process.json, written by whoever started the process. */
export const ProcessRecord = z.object({
  process: ProcessIdentity,
  supervisor: ProcessIdentity.nullable(),
  host: z.string(),
  started_at: Instant,
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

/** attempts/<n>/stop.json: somebody asked for the end. The SDK and the supervisor both watch for it. */
export const StopRequest = z.object({
  requested_at: Instant,
  by: z.string(),
  reason: z.string(),
  grace_seconds: z.number().nonnegative(),
  force: z.boolean(),
});
export type StopRequest = z.infer<typeof StopRequest>;

/** attempts/<n>/exit.json: the supervisor's word on how the process ended. */
export const ExitRecord = z.object({
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  started_at: Instant.nullable(),
  ended_at: Instant,
  /** How far the stop had to go: nothing asked, the SDK's graceful stop, SIGTERM, SIGKILL. */
  escalation: z.enum(["none", "graceful", "sigterm", "sigkill"]),
  /** Set when the process could not be started at all. */
  launch_error: z.string().nullable(),
  peak_rss_bytes: z.number().int().nonnegative().nullable(),
  by: z.enum(["supervisor", "server", "sdk"]),
});
export type ExitRecord = z.infer<typeof ExitRecord>;

export const Progress = z.object({
  /** Whole; a script may count beyond the integers that every program knows exactly. */
  step: z.number().nonnegative(),
  max_steps: z.number().int().positive().nullable(),
  epoch: z.number().nonnegative().nullable(),
  max_epochs: z.number().positive().nullable(),
  /** 0–1, null when the end is not known. */
  fraction: z.number().min(0).max(1).nullable(),
  elapsed_seconds: z.number().nonnegative(),
  /** From the median step time of this attempt; null until it is known. */
  eta_seconds: z.number().nonnegative().nullable(),
  steps_per_second: z.number().nonnegative().nullable(),
});
export type Progress = z.infer<typeof Progress>;

/** A value that is NaN or infinite. */
export const NotFinite = z.object({
  step: z.number(),
  /** ms since the epoch. */
  time: z.number(),
  attempt: z.number().int().positive(),
  value: WireNumber,
});
export type NotFinite = z.infer<typeof NotFinite>;

/** What is kept of one metric in the catalogue. */
export const MetricSummary = z.object({
  last: WireNumber,
  last_step: z.number(),
  min: WireNumber,
  min_step: z.number(),
  max: WireNumber,
  max_step: z.number(),
  count: z.number().int().nonnegative(),
  first: WireNumber,
  /** The first value of the joined curve that is not finite; left out while all are. */
  not_finite: NotFinite.optional(),
});
export type MetricSummary = z.infer<typeof MetricSummary>;

/** All that is known of a run without a look into its folder; lists and trees show a line of it (run-line.ts). */
export const RunSummary = RunRecord.omit({ version: true, environment: true }).extend({
  progress: Progress.nullable(),
  params: JsonObject,
  metrics: z.record(z.string(), MetricSummary),
  checkpoint_count: z.number().int().nonnegative(),
  /** Is there a checkpoint to go on from, in a fork at least? */
  forkable: z.boolean(),
  /** Set when a file of the run folder cannot be read: what and where. */
  damage: z.string().nullable(),
  /** The store that it lies in; absent where a run is read without a server. */
  store: StoreOrigin.optional(),
});
export type RunSummary = z.infer<typeof RunSummary>;
