/** What differs between the code of two runs: their commits with their uncommitted changes laid over. */
import * as z from "zod";
import { RunId } from "./ids.ts";

/** One file that differs. */
export const CodeChange = z.object({
  /** Relative to the top of the repository; of a renamed file the new place. */
  path: z.string(),
  /** Of a renamed file the old place. */
  from: z.string().nullable(),
  change: z.enum(["added", "deleted", "modified", "renamed"]),
  /** Lines; null of a file that is no text. */
  added: z.number().int().nonnegative().nullable(),
  removed: z.number().int().nonnegative().nullable(),
  /** Unified diff of this file without its heading; null where it is no text or went beyond the size of an answer. */
  hunks: z.string().nullable(),
});
export type CodeChange = z.infer<typeof CodeChange>;

export const CodeDifference = z.object({
  baseline: RunId,
  run: RunId,
  /** `unknown`: a commit or a patch could not be read; `reason` says which, and the patches are all there is. */
  state: z.enum(["same", "different", "unknown"]),
  reason: z.string().nullable(),
  /** By path; more than 1,000 are left out and counted in `left_out`. */
  files: z.array(CodeChange),
  left_out: z.number().int().nonnegative(),
  /** Either run had uncommitted changes, of which only those to files that git tracks were kept. */
  untracked_unknown: z.boolean(),
  /** git.patch of each run, "" where it had none; set where `state` is `unknown` alone. Cut at 256 KiB. */
  patches: z.object({ baseline: z.string(), run: z.string() }).nullable(),
});
export type CodeDifference = z.infer<typeof CodeDifference>;

export const CodeDifferenceQuery = z.object({ baseline: RunId });
