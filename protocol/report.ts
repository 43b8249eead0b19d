/**
 * attempts/<n>/report.jsonl: what the SDK inside the training process says besides numbers. One writer (rank 0), append only,
 * one JSON object per line. The Python side is tested against the JSON Schema generated from here.
 */
import * as z from "zod";
import { ArtifactKind, CheckpointKind } from "./artifact.ts";
import { JsonObject, WireNumber } from "./json.ts";

/** Seconds since the epoch, as Python's time.time() gives them. */
const EpochSeconds = z.number().positive();

export const ReportRecord = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    time: EpochSeconds,
    pid: z.number().int().positive(),
    sdk_version: z.string(),
    /** Of the interpreter that trains: one of the two. */
    python_version: z.string().optional(),
    node_version: z.string().optional(),
    argv: z.array(z.string()),
  }),
  /**
   * A framework was attached. `graceful_stop`: it ends by itself, with a checkpoint, once stop.json is there. `resumes`: started again,
   * it goes on from the checkpoint that resolved.json names.
   */
  z.object({
    type: z.literal("framework"),
    time: EpochSeconds,
    name: z.string(),
    version: z.string().nullable(),
    graceful_stop: z.boolean(),
    resumes: z.boolean().default(false),
  }),
  /** Params merge in order; a later value of the same key wins. */
  z.object({ type: z.literal("params"), time: EpochSeconds, params: JsonObject }),
  /** How long the training means to run. `first_step` is the step it starts after (resume). */
  z.object({
    type: z.literal("plan"),
    time: EpochSeconds,
    first_step: z.number().int().nonnegative(),
    max_steps: z.number().int().positive().nullable(),
    max_epochs: z.number().positive().nullable(),
  }),
  z.object({
    type: z.literal("checkpoint"),
    time: EpochSeconds,
    step: z.number().int().nonnegative(),
    /** Absolute, or relative to the run folder. */
    path: z.string(),
    kind: CheckpointKind,
    framework: z.string(),
    metrics: z.record(z.string(), WireNumber),
    final: z.boolean(),
  }),
  z.object({
    type: z.literal("artifact"),
    time: EpochSeconds,
    path: z.string(),
    name: z.string(),
    kind: ArtifactKind,
    metadata: JsonObject,
  }),
  z.object({
    type: z.literal("message"),
    time: EpochSeconds,
    level: z.enum(["info", "warning", "error"]),
    text: z.string(),
  }),
  /** Points that were not written, counted since the last such record. */
  z.object({ type: z.literal("dropped"), time: EpochSeconds, count: z.number().int().positive(), reason: z.string() }),
  z.object({
    type: z.literal("end"),
    time: EpochSeconds,
    status: z.enum(["completed", "failed", "cancelled"]),
    step: z.number().int().nonnegative().nullable(),
    reason: z.string().nullable(),
    error: z.object({ type: z.string(), message: z.string(), traceback: z.string() }).nullable(),
  }),
]);
export type ReportRecord = z.infer<typeof ReportRecord>;
