/** Files that a run produced. */
import * as z from "zod";
import { Instant, JsonObject, WireNumber } from "./json.ts";
import { CheckpointId } from "./ids.ts";

export const ArtifactKind = z.enum(["checkpoint", "tensorboard", "evaluation", "config", "predictions", "model", "other"]);
export type ArtifactKind = z.infer<typeof ArtifactKind>;

export const Artifact = z.object({
  /** Path inside the run's artifacts folder, or absolute when the file stays where the script wrote it. */
  path: z.string(),
  name: z.string(),
  kind: ArtifactKind,
  size_bytes: z.number().int().nonnegative(),
  modified_at: Instant,
  is_directory: z.boolean(),
  metadata: JsonObject,
});
export type Artifact = z.infer<typeof Artifact>;

/** `full` can be resumed; `weights` and `adapter` hold parameters without optimizer state and can at most start a fork. */
export const CheckpointKind = z.enum(["full", "adapter", "weights"]);
export type CheckpointKind = z.infer<typeof CheckpointKind>;

export const CheckpointStatus = z.enum([
  "complete", // validated: every file is there, sizes agree, headers parse
  "writing", // seen, not yet settled
  "torn", // something is missing or cut short; never offered
  "missing", // reported once, no longer on disk (pruned)
]);
export type CheckpointStatus = z.infer<typeof CheckpointStatus>;

/** What somebody thinks of a checkpoint. One may carry several. */
export const CheckpointTag = z.enum(["candidate", "release", "archived"]);
export type CheckpointTag = z.infer<typeof CheckpointTag>;

export const AppliedTag = z.object({ tag: CheckpointTag, notes: z.string().max(10_000), applied_at: Instant });
export type AppliedTag = z.infer<typeof AppliedTag>;

/** One line of checkpoint-tags.jsonl: append only, the newest line of a checkpoint and tag counts. */
export const CheckpointTagRecord = z.object({
  time: Instant,
  checkpoint: CheckpointId,
  /** Name that the checkpoint had, for people who read the file. */
  name: z.string(),
  action: z.enum(["add", "remove"]),
  tag: CheckpointTag,
  notes: z.string().max(10_000),
});
export type CheckpointTagRecord = z.infer<typeof CheckpointTagRecord>;

export const Checkpoint = z.object({
  id: CheckpointId,
  /** Absolute path of the folder or file. */
  path: z.string(),
  name: z.string(),
  step: z.number().int().nonnegative(),
  attempt: z.number().int().positive(),
  kind: CheckpointKind,
  framework: z.string(),
  status: CheckpointStatus,
  /** Why it is torn, or null. */
  problem: z.string().nullable(),
  size_bytes: z.number().int().nonnegative(),
  created_at: Instant,
  /** Metrics of the evaluation at this step, where there was one. */
  metrics: z.record(z.string(), WireNumber),
  /** Written because a stop was asked for. */
  final: z.boolean(),
  /** Can its run be continued from it: complete, of kind full, and the training of the run loads checkpoints? */
  resumable: z.boolean(),
  /** In the order in which they were applied. */
  tags: z.array(AppliedTag),
  /** Can a run be forked from it: complete, and of a kind that the training of the run loads? */
  forkable: z.boolean(),
});
export type Checkpoint = z.infer<typeof Checkpoint>;
