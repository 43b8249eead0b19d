/** Questions over many runs: filters, fields, aggregates, histograms. Grammar and meaning of filters: docs/query-language.md. */
import * as z from "zod";
import { RunId, Slug } from "./ids.ts";
import { JsonValue, WireNumber } from "./json.ts";
import { queryInt } from "./query-number.ts";

const Filter = z.string().max(4000);
/** `record.state`, `params.lora.r`, `metrics.eval/loss`, `metrics.eval/loss:min`, `derived.gap` */
const Field = z.string().min(3).max(1000);

/** Which runs are meant; all of them without either. */
export const AnalysisScope = z.object({ project: Slug.optional(), filter: Filter.optional() });
export type AnalysisScope = z.infer<typeof AnalysisScope>;

export const FieldType = z.enum(["numeric", "string", "boolean", "list", "mixed"]);
export type FieldType = z.infer<typeof FieldType>;

export const FieldInfo = z.object({
  name: z.string(),
  type: FieldType,
  /** Runs of the scope that have a value, and those that have none. */
  count: z.number().int(),
  missing: z.number().int(),
  /** Range of the finite numbers, null without any. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** NaN and infinities. */
  non_finite: z.number().int(),
  /** Different values; null when there are more than 100. */
  unique: z.number().int().nullable(),
  /** Those values, most frequent first; empty when there are more than 100. */
  values: z.array(z.object({ value: JsonValue, count: z.number().int() })),
});
export type FieldInfo = z.infer<typeof FieldInfo>;

export const FieldIndex = z.object({ fields: z.array(FieldInfo), runs: z.number().int() });
export type FieldIndex = z.infer<typeof FieldIndex>;

export const FieldValuesQuery = AnalysisScope.extend({
  field: Field,
  /** Only values that contain this, whatever the case. */
  search: z.string().max(500).optional(),
  limit: queryInt(1, 1000).default(100),
});
export type FieldValuesQuery = z.infer<typeof FieldValuesQuery>;

export const FieldValues = z.object({
  /** Most frequent first. */
  values: z.array(z.object({ value: JsonValue, count: z.number().int() })),
  /** Different values, also those beyond the limit. */
  total: z.number().int(),
});
export type FieldValues = z.infer<typeof FieldValues>;

export const QueryRuns = AnalysisScope.extend({
  fields: z.array(Field).min(1).max(200),
  /** A leading "-" sorts downwards. */
  sort: z.array(z.string().min(3).max(1000)).max(8).default(["-record.created_at"]),
  limit: z.number().int().min(1).max(10_000).default(100),
  offset: z.number().int().min(0).max(10_000_000).default(0),
}).strict();
export type QueryRuns = z.infer<typeof QueryRuns>;

export const QueryResult = z.object({
  fields: z.array(z.string()),
  /** One row per run, in the order of `fields`; null where the run has no value, NaN and infinities as strings. */
  rows: z.array(z.object({ id: RunId, values: z.array(JsonValue) })),
  total: z.number().int(),
});
export type QueryResult = z.infer<typeof QueryResult>;

export const Aggregate = AnalysisScope.extend({
  /** Runs with the same values of all of these are one group; none of them: one group of all. */
  group_by: z.array(Field).max(8).default([]),
  values: z.array(Field).min(1).max(32),
  /** Most groups in the answer. */
  limit: z.number().int().min(1).max(100_000).default(10_000),
}).strict();
export type Aggregate = z.infer<typeof Aggregate>;

/** Over the finite numbers of a group. null where there are too few: none, or for what needs a spread fewer than two. */
export const Statistics = z.object({
  count: z.number().int(),
  /** Runs of the group without a number there: no value, a text, a truth. */
  missing: z.number().int(),
  non_finite: z.number().int(),
  sum: z.number().nullable(),
  mean: z.number().nullable(),
  median: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Of the sample (n − 1). */
  std: z.number().nullable(),
  /** Standard error of the mean. */
  sem: z.number().nullable(),
  /** 95 % interval of the mean by Student's t. */
  ci95: z.tuple([z.number(), z.number()]).nullable(),
  /** Quartiles by linear interpolation. */
  q1: z.number().nullable(),
  q3: z.number().nullable(),
});
export type Statistics = z.infer<typeof Statistics>;

export const AggregateResult = z.object({
  groups: z.array(
    z.object({
      /** Values of the fields of group_by, in their order; null for runs without one. */
      key: z.array(JsonValue),
      runs: z.number().int(),
      values: z.record(z.string(), Statistics),
    }),
  ),
  /** Groups that there are, also those beyond the limit. */
  total: z.number().int(),
});
export type AggregateResult = z.infer<typeof AggregateResult>;

export const Histogram = AnalysisScope.extend({
  field: Field,
  bins: z.number().int().min(1).max(1000).default(20),
  /** Default: the range of the values. Values outside are counted apart. */
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, "it is empty: give the lower end first")
    .optional(),
}).strict();
export type Histogram = z.infer<typeof Histogram>;

export const HistogramResult = z.object({
  /** bins + 1 edges; each bin holds its lower edge, the last one its upper edge as well. Empty without numbers, unless a range was given. */
  edges: z.array(z.number()),
  counts: z.array(z.number().int()),
  /** Finite numbers, and how many of them lie outside of the range. */
  count: z.number().int(),
  outside: z.number().int(),
  non_finite: z.number().int(),
  missing: z.number().int(),
  /** Values that are no numbers, most frequent first, at most 100. */
  categories: z.array(z.object({ value: JsonValue, count: z.number().int() })),
});
export type HistogramResult = z.infer<typeof HistogramResult>;

const Counts = z.record(z.string(), z.number().int());
export const RunStatistics = z.object({
  runs: z.number().int(),
  states: Counts,
  projects: Counts,
  recipes: Counts,
  archived: z.number().int(),
  starred: z.number().int(),
  checkpoints: z.number().int(),
  /** Points of all metrics. */
  points: z.number().int(),
  /** Added up over the runs. */
  training_seconds: z.number(),
  newest: z.string().nullable(),
});
export type RunStatistics = z.infer<typeof RunStatistics>;

export const Evaluate = AnalysisScope.extend({
  expression: Filter.min(1),
  limit: z.number().int().min(1).max(10_000).default(100),
}).strict();
export type Evaluate = z.infer<typeof Evaluate>;
export const EvaluateResult = z.object({
  values: z.array(z.object({ id: RunId, name: z.string(), value: z.union([WireNumber, z.boolean(), z.string()]).nullable() })),
  /** Runs in the scope, and how many of them have a value. */
  total: z.number().int(),
  present: z.number().int(),
});
export type EvaluateResult = z.infer<typeof EvaluateResult>;
