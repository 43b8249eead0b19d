/** Drafts, comparisons and searches over logs. */
import * as z from "zod";
import { RunId, Slug } from "./ids.ts";
import { JsonObject, JsonValue, WireNumber } from "./json.ts";
import { queryInt } from "./query-number.ts";
import { LogLevel, LogLine } from "./queries.ts";
import { RunState } from "./states.ts";

export const CloneRun = z
  .object({
    name: z.string().min(1).max(200).optional(),
    /** Params that differ from those of the run. */
    params: JsonObject.default({}),
    /** Start it at once instead of leaving a draft. */
    start: z.boolean().default(false),
    /** Put it into the queue instead; `start` does not matter then. */
    queue: z.boolean().optional(),
  })
  .strict();
export type CloneRun = z.infer<typeof CloneRun>;

export const CheckNameQuery = z.object({ project: Slug.default("default"), name: z.string().min(1).max(200) });
/** Names need not be unique; two runs of one name are hard to tell apart. */
export const CheckedName = z.object({ available: z.boolean(), suggestion: z.string() });
export type CheckedName = z.infer<typeof CheckedName>;

export const CompareQuery = z.object({
  /** Comma-separated run ids, the baseline first. */
  runs: z
    .string()
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .pipe(z.array(RunId).min(2).max(100)),
});
export const Comparison = z.object({
  runs: z.array(z.object({ id: RunId, name: z.string(), state: RunState })),
  /** What is not the same in all runs (params, recipe, seed, code, environment); null where a run has none. */
  differences: z.array(z.object({ field: z.string(), values: z.array(JsonValue.nullable()) })),
  /** Fields that are the same in all of them. */
  same: z.number().int(),
  metrics: z.array(
    z.object({
      name: z.string(),
      last: z.array(WireNumber.nullable()),
      min: z.array(WireNumber.nullable()),
      max: z.array(WireNumber.nullable()),
      /** Last value minus that of the first run. Whether more is better is not guessed. */
      difference: z.array(WireNumber.nullable()),
    }),
  ),
});
export type Comparison = z.infer<typeof Comparison>;

export const LogSearchQuery = z.object({
  search: z.string().min(1).max(500),
  /** In one run, or in all runs of a project, newest first; all runs without either. */
  run: RunId.optional(),
  project: Slug.optional(),
  level: LogLevel.optional(),
  /** Lines before and after each. */
  context: queryInt(0, 20).default(2),
  limit: queryInt(1, 500).default(50),
});
export type LogSearchQuery = z.infer<typeof LogSearchQuery>;
export const LogMatches = z.object({
  matches: z.array(z.object({ run: RunId, name: z.string(), line: LogLine, before: z.array(LogLine), after: z.array(LogLine) })),
  /** Matching lines in the attempts that were read; there may be more in those that were not. */
  total: z.number().int(),
  /** Not everything was looked at: the limit was reached first. */
  truncated: z.boolean(),
});
export type LogMatches = z.infer<typeof LogMatches>;
