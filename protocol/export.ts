/** Points as files for other programs, and artifacts as previews. */
import * as z from "zod";
import { RunId } from "./ids.ts";
import { Instant, JsonObject, JsonValue, WireNumber } from "./json.ts";
import { MetricNames } from "./metric-names.ts";
import { queryInt } from "./query-number.ts";
import { EnvironmentSnapshot, RunSummary } from "./run.ts";

/**
 * `long`: CSV with one point per line. `wide`: CSV with one logged row per line and a column per metric.
 * `jsonl`: a line with all that is known of the run, then one point per line. `parquet`, `arrow`: the long table with its provenance and
 * all that is known of the runs as metadata of the file. `tensorboard`: an event file of one run. `html`: a report that opens offline.
 * `archive`: a zip of the run folders themselves, to be imported elsewhere.
 */
export const ExportFormat = z.enum(["long", "wide", "jsonl", "parquet", "arrow", "tensorboard", "html", "archive"]);
export type ExportFormat = z.infer<typeof ExportFormat>;

/** What a file's name ends in, by format. */
export const EXPORT_EXTENSIONS: Readonly<Record<ExportFormat, string>> = {
  long: "csv",
  wide: "csv",
  jsonl: "jsonl",
  parquet: "parquet",
  arrow: "arrow",
  tensorboard: "tfevents",
  html: "html",
  archive: "zip",
};

/** A run as exports carry it: all that is known of it besides its points and files. */
export const ExportedRun = RunSummary.extend({
  environment: EnvironmentSnapshot.nullable(),
  /** spec.yaml as the user wrote it. */
  spec_source: z.string(),
});
export type ExportedRun = z.infer<typeof ExportedRun>;

/** Where the points of a file come from. In Parquet and Arrow each field is a key of the metadata, after `trainyard.`. */
export const ExportProvenance = z.object({
  /** Of the Trainyard that wrote the file. */
  version: z.string(),
  /** Folder of the store. */
  store: z.string(),
  exported_at: Instant,
  query: z.object({ runs: z.array(RunId), metrics: z.array(z.string()) }),
  /** Every metric of the file, in the order of the wide form's columns. */
  metrics: z.array(z.string()),
});
export type ExportProvenance = z.infer<typeof ExportProvenance>;

/** A point in JSON lines. */
export const ExportedPoint = z.object({
  run: z.string(),
  metric: z.string(),
  attempt: z.number().int(),
  step: z.number(),
  /** ms since the epoch. */
  time: z.number(),
  value: WireNumber,
});
export type ExportedPoint = z.infer<typeof ExportedPoint>;

export const ExportQuery = z.object({
  /** Comma-separated run ids. */
  runs: z
    .string()
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .pipe(z.array(RunId).min(1).max(1000)),
  format: ExportFormat.default("long"),
  metrics: MetricNames.prefault("*"),
});
export type ExportQuery = z.infer<typeof ExportQuery>;

export const PreviewQuery = z.object({
  /** As the list of artifacts shows it. */
  path: z.string().min(1).max(4096),
  /** Most lines of a text, rows of a table. */
  rows: queryInt(1, 1000).default(200),
  /** Rows that are passed over first, where a file can be read from any place (Parquet). */
  offset: queryInt(0).default(0),
});
export type PreviewQuery = z.infer<typeof PreviewQuery>;

const shared = { size_bytes: z.number().int().nonnegative(), truncated: z.boolean() };

export const ParquetPreview = z.object({
  kind: z.literal("parquet"),
  ...shared,
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  /** Cells as texts, in the order of the columns; null where there is no value. */
  rows: z.array(z.array(z.string().nullable())),
  /** Number of the first row, from 0. */
  offset: z.number().int().nonnegative(),
  row_count: z.number().int().nonnegative(),
  row_groups: z.number().int().nonnegative(),
  metadata: z.record(z.string(), z.string()),
  /** Why no rows are shown, or null. */
  problem: z.string().nullable(),
});
export type ParquetPreview = z.infer<typeof ParquetPreview>;

/** What can be shown of a file without running, unpickling or loading anything. `truncated`: there is more than is shown. */
export const ArtifactPreview = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), ...shared, text: z.string() }),
  z.object({ kind: z.literal("json"), ...shared, value: JsonValue }),
  z.object({ kind: z.literal("table"), ...shared, columns: z.array(z.string()), rows: z.array(z.array(z.string())) }),
  z.object({
    kind: z.literal("safetensors"),
    ...shared,
    tensors: z.array(z.object({ name: z.string(), dtype: z.string(), shape: z.array(z.number().int()), size_bytes: z.number().int() })),
    /** Of all tensors, also those that are not listed. */
    tensor_count: z.number().int(),
    parameter_count: z.number().int(),
    metadata: JsonObject,
  }),
  z.object({ kind: z.literal("numpy"), ...shared, dtype: z.string(), shape: z.array(z.number().int()), fortran_order: z.boolean() }),
  /** An image or a sound, in base64; `data` is null when the file is larger than is sent. */
  z.object({ kind: z.literal("media"), ...shared, media_type: z.string(), data: z.string().nullable() }),
  ParquetPreview,
  /** Nothing that is known: its first bytes in hexadecimal. `problem`: what it claims to be, and why it is not. */
  z.object({ kind: z.literal("binary"), ...shared, head: z.string(), problem: z.string().nullable() }),
]);
export type ArtifactPreview = z.infer<typeof ArtifactPreview>;
