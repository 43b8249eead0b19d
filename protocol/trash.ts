/** Runs that were thrown away: what lies in the store's trash, how it comes back, and what goes for good. */
import * as z from "zod";
import { ApiError } from "./errors.ts";
import { RunId, Slug } from "./ids.ts";
import { Instant } from "./json.ts";
import { RunState } from "./states.ts";

/** What is in the trash, by its place there: `<project>/<run id>.<time>`. A run that was thrown away twice has two. */
export const TrashId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}\/run_[0-9a-hjkmnp-tv-z]{17}\.\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z$/,
    "not the name of something in the trash (GET /api/trash lists them)",
  );
export type TrashId = z.infer<typeof TrashId>;

export function runOfTrash(trash: TrashId): RunId {
  return trash.slice(trash.indexOf("/") + 1, trash.lastIndexOf("."));
}

export const TrashedRun = z.object({
  id: TrashId,
  run: RunId,
  project: Slug,
  /** The run's id where its run.json cannot be read. */
  name: z.string(),
  state: RunState.nullable(),
  trashed_at: Instant,
  /** Of all its files, checkpoints included. */
  size_bytes: z.number().int().nonnegative(),
  files: z.number().int().nonnegative(),
  /** Why it cannot be read, or not in full; null when all is well. */
  problem: z.string().nullable(),
});
export type TrashedRun = z.infer<typeof TrashedRun>;

export const Trash = z.object({
  /** The newest first. */
  runs: z.array(TrashedRun),
  size_bytes: z.number().int().nonnegative(),
  /** What removals that were cut short left behind; the next removal finishes them. */
  unfinished_bytes: z.number().int().nonnegative(),
});
export type Trash = z.infer<typeof Trash>;

export const RestoreTrash = z.object({ trash: z.array(TrashId).min(1).max(1000) }).strict();
export type RestoreTrash = z.infer<typeof RestoreTrash>;

/** Each by itself: that one is refused keeps no other from coming back. */
export const Restored = z.object({
  restored: z.array(z.object({ trash: TrashId, run: RunId })),
  failed: z.array(z.object({ trash: TrashId, error: ApiError.shape.error })),
});
export type Restored = z.infer<typeof Restored>;

export const EmptyTrash = z
  .object({
    /** Left out: all that is in the trash. */
    trash: z.array(TrashId).min(1).max(100_000).optional(),
    /** Only what has lain there for so many days. */
    older_than_days: z.number().nonnegative().max(100_000).optional(),
    /** false shows what would go. */
    apply: z.boolean().default(false),
  })
  .strict();
export type EmptyTrash = z.infer<typeof EmptyTrash>;

export const EmptiedTrash = Trash.extend({
  /** Was it done, or only looked at? */
  applied: z.boolean(),
});
export type EmptiedTrash = z.infer<typeof EmptiedTrash>;
