/** Points as files for other programs, and artifacts as previews. */
import * as z from "zod";
import { RunId } from "./ids.ts";
import { JsonObject, JsonValue } from "./json.ts";

/**
 * `long`: CSV with one point per line. `wide`: CSV with one logged row per line and a column per metric.
 * `jsonl`: a line with all that is known of the run, then one point per line.
 */
export const ExportFormat = z.enum(["long", "wide", "jsonl"]);
export type ExportFormat = z.infer<typeof ExportFormat>;

export const ExportQuery = z.object({
  /** Comma-separated run ids. */
  runs: z
    .string()
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .pipe(z.array(RunId).min(1).max(1000)),
  format: ExportFormat.default("long"),
  /** Comma-separated names; a name may end in "*". */
  metrics: z
    .string()
    .default("*")
    .transform((text) => text.split(",").filter((name) => name !== ""))
    .pipe(z.array(z.string()).min(1).max(10_000)),
});
export type ExportQuery = z.infer<typeof ExportQuery>;

export const PreviewQuery = z.object({
  /** As the list of artifacts shows it. */
  path: z.string().min(1).max(4096),
  /** Most lines of a text, rows of a table. */
  rows: z.coerce.number().int().min(1).max(1000).default(200),
});
export type PreviewQuery = z.infer<typeof PreviewQuery>;

const shared = { size_bytes: z.number().int().nonnegative(), truncated: z.boolean() };

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
  /** Nothing that is known: its first bytes in hexadecimal. */
  z.object({ kind: z.literal("binary"), ...shared, head: z.string() }),
]);
export type ArtifactPreview = z.infer<typeof ArtifactPreview>;
