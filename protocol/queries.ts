/** Requests and answers of the REST interface that are not already shapes of their own. */
import * as z from "zod";
import { Artifact, Checkpoint, CheckpointTag, CheckpointTagRecord } from "./artifact.ts";
import { RunEvent } from "./events.ts";
import { RunId, Slug } from "./ids.ts";
import { Instant, JsonObject, JsonValue } from "./json.ts";
import { ProjectRecord, ProjectChanges, ProjectRevision } from "./project.ts";
import { AttemptRecord, ExitRecord, MetricSummary, ProcessRecord, RunRecord, RunSummary } from "./run.ts";
import { MetricNames } from "./metric-names.ts";
import { decimal, queryInt, queryNumber } from "./query-number.ts";
import { SmoothingWeight } from "./smoothing.ts";
import { RunSpec } from "./spec.ts";
import { RunState } from "./states.ts";

/** Query strings are text: booleans are read from it. */
const flag = z
  .enum(["true", "false", "1", "0"])
  .transform((v) => v === "true" || v === "1")
  .optional();

export const ServerInfo = z.object({
  version: z.string(),
  protocol: z.number().int(),
  store: z.string(),
  pid: z.number().int(),
  started_at: Instant,
  runs: z.number().int().nonnegative(),
  live_runs: z.number().int().nonnegative(),
  read_only: z.boolean(),
});
export type ServerInfo = z.infer<typeof ServerInfo>;

export const Project = ProjectRecord.omit({ version: true }).extend({
  /** draft until a run of it has started, then active; archived when somebody said so. */
  status: z.enum(["draft", "active", "archived"]),
  run_counts: z.partialRecord(RunState, z.number().int()),
  run_count: z.number().int(),
});
export type Project = z.infer<typeof Project>;

export const RunBrief = RunRecord.pick({ id: true, name: true, state: true, created_at: true, started_at: true, ended_at: true }).extend({
  /** 0–1, null when the end is not known. */
  progress: z.number().nullable(),
});
export type RunBrief = z.infer<typeof RunBrief>;

/** `runs`: the newest 100. */
export const ProjectDetail = Project.extend({ runs: z.array(RunBrief) });
export type ProjectDetail = z.infer<typeof ProjectDetail>;

export const EditProject = ProjectChanges.strict();
export type EditProject = z.infer<typeof EditProject>;

/** Without a name one is made from the title: `Text Summarization` → `text-summarization`. The name is the project's id. */
export const CreateProject = EditProject.extend({ name: Slug.optional() }).strict();
export type CreateProject = z.infer<typeof CreateProject>;

/** Derived metrics of one run, null where it lacks what they are computed from. */
export const DerivedValues = z.object({ derived: z.record(z.string(), JsonValue) });

export const ProjectRevisions = z.object({ revisions: z.array(ProjectRevision) });

export const RunsQuery = z.object({
  project: Slug.optional(),
  state: z
    .string()
    .transform((s) => s.split(","))
    .pipe(z.array(RunState))
    .optional(),
  /** Text found in name, tags, notes or id. */
  search: z.string().max(500).optional(),
  archived: flag,
  /** An expression: `metrics.eval/loss < 0.4 and params.optim = "adamw"` (docs/query-language.md). */
  filter: z.string().max(4000).optional(),
  /** A field: created_at, started_at, name, state, params.<key>, metrics.<key>. A leading "-" sorts downwards. */
  sort: z.string().max(200).default("-created_at"),
  limit: queryInt(1, 1000).default(100),
  offset: queryInt(0, 10_000_000).default(0),
});
export type RunsQuery = z.infer<typeof RunsQuery>;

export const RunsPage = z.object({ runs: z.array(RunSummary), total: z.number().int() });
export type RunsPage = z.infer<typeof RunsPage>;

export const AttemptDetail = AttemptRecord.extend({
  process: ProcessRecord.nullable(),
  exit: ExitRecord.nullable(),
  /** Steps that this attempt's points cover; null before the first. */
  first_step: z.number().nullable(),
  last_step: z.number().nullable(),
  log_bytes: z.number().int().nonnegative(),
});
export type AttemptDetail = z.infer<typeof AttemptDetail>;

export const RunDetail = RunSummary.extend({
  environment: RunRecord.shape.environment,
  run_dir: z.string(),
  spec: RunSpec.nullable(),
  resolved: JsonObject.nullable(),
  attempts: z.array(AttemptDetail),
});
export type RunDetail = z.infer<typeof RunDetail>;

export const CreateRun = z.object({
  spec: RunSpec,
  /** The document as the user wrote it, kept verbatim as spec.yaml (comments and all). */
  source: z.string().max(1_000_000).optional(),
  start: z.boolean().default(true),
  /** Wait in the queue for a place instead of starting at once; `start` does not matter then. */
  queue: z.boolean().optional(),
  /** Folder that relative paths of the spec refer to. Default: the folder that holds the store. */
  base_dir: z.string().optional(),
});
export type CreateRun = z.infer<typeof CreateRun>;

export const EditRun = RunRecord.pick({ name: true, description: true, notes: true, tags: true, starred: true, archived: true })
  .extend({ experiment: Slug.nullable() })
  .partial()
  .strict();
export type EditRun = z.infer<typeof EditRun>;

export const CancelRun = z.object({
  force: z.boolean().default(false),
  grace_seconds: z.number().nonnegative().max(86_400).optional(),
  reason: z.string().max(1000).default("asked for by the user"),
});
export type CancelRun = z.infer<typeof CancelRun>;

export const ResumeRun = z.object({
  mode: z.enum(["continue", "fork"]),
  /** Name or id of the checkpoint. Default: the newest complete one that can be resumed. */
  checkpoint: z.string().optional(),
  /** Overridden params. A continued attempt may change them too; the change is recorded with the attempt. */
  params: JsonObject.default({}),
  name: z.string().min(1).max(200).optional(),
  /** Put it into the queue instead of starting it at once. */
  queue: z.boolean().optional(),
});
export type ResumeRun = z.infer<typeof ResumeRun>;

export const SeriesInfo = MetricSummary.extend({ name: z.string(), attempts: z.array(z.number().int()) });
export type SeriesInfo = z.infer<typeof SeriesInfo>;

/** Where a reader stands: rows read so far of each attempt's metric file. */
export const SeriesCursor = z.record(z.string().regex(/^\d+$/), z.number().int().nonnegative());
export type SeriesCursor = z.infer<typeof SeriesCursor>;

export const SeriesQuery = z
  .object({
    metrics: MetricNames,
    from_step: queryNumber(decimal).optional(),
    to_step: queryNumber(decimal).optional(),
    /** One point more on each side of the steps: a line that is drawn in their window then reaches its edges. */
    beside: flag,
    /** Most points per series; beyond it, the minimum and maximum of each bucket are kept, so that no spike is lost: of the values and of their averages. */
    max_points: queryInt(2, 1_000_000).default(2000),
    /** One attempt with everything it wrote; without it the joined curve, where a later attempt replaces the steps it went over again. */
    attempt: queryInt(1).optional(),
    /** A metric that never falls (tokens, samples): the points are placed on it besides their steps. */
    x: z.string().min(1).optional(),
    /** Weight of a moving average: each point comes with its value under it, over all points of the series however few are shown. */
    smoothing: queryNumber(SmoothingWeight).optional(),
    format: z.enum(["arrow", "json"]).default("arrow"),
  })
  .refine(({ from_step = -Infinity, to_step = Infinity }) => from_step <= to_step, {
    path: ["to_step"],
    message: "it lies before from_step",
  });
export type SeriesQuery = z.infer<typeof SeriesQuery>;

/** The metric that the points of an answer are placed on. */
export const CounterAxis = z.object({
  metric: z.string(),
  /** Why they are not: the run has none, or it falls somewhere. null when they are. */
  problem: z.string().nullable(),
});
export type CounterAxis = z.infer<typeof CounterAxis>;

/** The JSON form of a series answer. NaN and infinities stand as strings. */
export const SeriesJson = z.object({
  series: z.array(
    z.object({
      name: z.string(),
      steps: z.array(z.number()),
      times: z.array(z.number()),
      values: z.array(z.union([z.number(), z.string()])),
      attempts: z.array(z.number().int()),
      /** Where `x` was asked for: its value at each point, ascending; null before its first. */
      xs: z.array(z.number().nullable()).optional(),
      /** Where `smoothing` was asked for: the moving average at each point, "NaN" where its value is not finite. */
      smoothed: z.array(z.union([z.number(), z.string()])).optional(),
      downsampled: z.boolean(),
    }),
  ),
  cursor: SeriesCursor,
  x: CounterAxis.optional(),
  smoothing: SmoothingWeight.optional(),
});
export type SeriesJson = z.infer<typeof SeriesJson>;

export const LogLevel = z.enum(["debug", "info", "warning", "error"]);
export type LogLevel = z.infer<typeof LogLevel>;

export const LogLine = z.object({
  attempt: z.number().int(),
  /** 0-based line number within the attempt's log. */
  number: z.number().int().nonnegative(),
  /** Byte offset of the line's first byte. */
  offset: z.number().int().nonnegative(),
  /** When it was written, to the second or so (from log.idx); null when unknown. */
  time: z.number().nullable(),
  /** Guessed from the text; null when nothing says so. */
  level: LogLevel.nullable(),
  /** The line as a terminal would show it in the end: carriage returns applied, escape sequences kept. At most 10,000 characters. */
  text: z.string(),
  /** The line was cut at 10,000 characters. */
  truncated: z.boolean(),
});
export type LogLine = z.infer<typeof LogLine>;

export const LogQuery = z.object({
  attempt: queryInt(1).optional(),
  page: queryInt(1, 100_000_000).default(1),
  page_size: queryInt(1, 500).default(100),
  /** Inclusive, ms since the epoch or RFC 3339. */
  start_time: z.string().optional(),
  /** Exclusive. */
  end_time: z.string().optional(),
  level: LogLevel.optional(),
  search: z.string().max(500).optional(),
});
export type LogQuery = z.infer<typeof LogQuery>;

export const LogPage = z.object({
  lines: z.array(LogLine),
  page: z.number().int(),
  page_size: z.number().int(),
  total: z.number().int(),
  attempt: z.number().int(),
  /** Where the lines that the times let through lie in the log, in bytes, the end exclusive: what `getRawLog` and the stream take. Level and search change nothing in it. */
  stretch: z.object({ start: z.number().int().nonnegative(), end: z.number().int().nonnegative() }),
  /** Bytes of the log up to its last newline: a line that begins behind them has not ended and may still change. */
  whole_bytes: z.number().int().nonnegative(),
});
export type LogPage = z.infer<typeof LogPage>;

export const RawLogQuery = z.object({
  attempt: queryInt(1).optional(),
  offset: queryInt(0, Number.MAX_SAFE_INTEGER).default(0),
  length: queryInt(1, 16_777_216).default(1_048_576),
});
export type RawLogQuery = z.infer<typeof RawLogQuery>;

export const RecipesQuery = z.object({ python: z.string().optional(), refresh: flag });
export type RecipesQuery = z.infer<typeof RecipesQuery>;

export const SystemHistoryQuery = z.object({
  minutes: queryNumber(decimal.positive().max(24 * 60)).default(5),
  /** More samples than these are joined, each with the highest values of its stretch of time; of the free space, the lowest. */
  max_points: queryInt(2, 10_000).optional(),
});
export type SystemHistoryQuery = z.infer<typeof SystemHistoryQuery>;

export const RunIdParam = z.object({ id: RunId });
export const ProjectParam = z.object({ project: Slug });

export const Events = z.object({ events: z.array(RunEvent) });
export const Checkpoints = z.object({ checkpoints: z.array(Checkpoint) });
/** `checkpoint` is an id, a name or a path that the list of checkpoints shows. */
export const CheckpointParam = z.object({ id: RunId, checkpoint: z.string().min(1).max(4096) });
export const CheckpointTagParam = CheckpointParam.extend({ tag: CheckpointTag });
/** Applying a tag again renews its notes and time; the history keeps both. */
export const TagCheckpoint = z.object({ tag: CheckpointTag, notes: z.string().max(10_000).default("") }).strict();
export type TagCheckpoint = z.infer<typeof TagCheckpoint>;
export const TagHistory = z.object({ history: z.array(CheckpointTagRecord) });
export const Artifacts = z.object({ artifacts: z.array(Artifact) });
export const SeriesList = z.object({ series: z.array(SeriesInfo) });
