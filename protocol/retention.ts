/** Which checkpoints of a run stay when others go to make room. */
import * as z from "zod";
import { CheckpointKind, CheckpointStatus } from "./artifact.ts";
import { CheckpointId, RunId } from "./ids.ts";

/**
 * A checkpoint stays when any of the parts says so. Always kept, whatever the rule: the last complete one, the last that the run can be
 * continued from, every tagged one, every one that a run was forked or continued from, what a live run may be writing, and what lies
 * outside of the run's `checkpoints/`.
 */
export const RetentionRule = z
  .object({
    /** The newest complete ones. */
    keep_last: z.number().int().min(1).max(10_000).optional(),
    /** The best complete ones by a metric of the evaluation at their step. */
    keep_best: z
      .object({
        metric: z.string().min(1).max(500),
        direction: z.enum(["min", "max"]),
        count: z.number().int().min(1).max(10_000).default(1),
      })
      .strict()
      .optional(),
    /** Complete ones whose step is a multiple of this. */
    keep_every: z.number().int().min(1).optional(),
    /** Torn ones go as well; they stay unless it is asked for. */
    remove_torn: z.boolean().default(false),
  })
  .strict()
  .refine((rule) => rule.keep_last !== undefined || rule.keep_best !== undefined || rule.keep_every !== undefined, {
    message: "the rule keeps nothing: give keep_last, keep_best or keep_every",
  });
export type RetentionRule = z.infer<typeof RetentionRule>;

/** What a project says about the checkpoints of its runs. */
export const ProjectRetention = z.object({
  rule: RetentionRule,
  /** Apply the rule whenever one of the project's runs has ended. Otherwise it is what a request without a rule takes. */
  automatic: z.boolean().default(false),
});
export type ProjectRetention = z.infer<typeof ProjectRetention>;

export const KeptBecause = z.enum([
  "last_complete", // the newest complete one
  "last_resumable", // the newest that the run can be continued from
  "keep_last",
  "keep_best",
  "keep_every",
  "tagged",
  "forked", // a run was forked from it
  "continued", // an attempt of the run went on from it
  "writing", // it is being written, or a live run has just written it
  "torn", // nobody asked for torn ones to go
  "outside", // it, or what it is a link to, lies outside of the run's folder of checkpoints
  "shared", // it holds, or is, or is linked to one that stays
]);
export type KeptBecause = z.infer<typeof KeptBecause>;

export const RetentionEntry = z.object({
  checkpoint: CheckpointId,
  name: z.string(),
  step: z.number().int().nonnegative(),
  attempt: z.number().int().positive(),
  kind: CheckpointKind,
  status: CheckpointStatus,
  size_bytes: z.number().int().nonnegative(),
  /** Why it stays; empty for one that goes. */
  kept_because: z.array(KeptBecause),
});
export type RetentionEntry = z.infer<typeof RetentionEntry>;

export const RetentionPlan = z.object({
  run: RunId,
  rule: RetentionRule,
  /** Newest first; those that are gone already are left out. */
  checkpoints: z.array(RetentionEntry),
  removed_count: z.number().int().nonnegative(),
  removed_bytes: z.number().int().nonnegative(),
  kept_bytes: z.number().int().nonnegative(),
  /** Was it done, or only looked at? */
  applied: z.boolean(),
});
export type RetentionPlan = z.infer<typeof RetentionPlan>;

export const RetainCheckpoints = z
  .object({
    /** Left out: the rule of the run's project. */
    rule: RetentionRule.optional(),
    /** false shows what would go. */
    apply: z.boolean().default(false),
  })
  .strict();
export type RetainCheckpoints = z.infer<typeof RetainCheckpoints>;
