/** A dataset as it lay on the disk when a run was made: enough to tell later whether two runs saw the same rows. */
import * as z from "zod";
import { Instant } from "./json.ts";

export const DatasetState = z.object({
  /** The param that names it. */
  param: z.string(),
  /** Absolute. */
  path: z.string(),
  kind: z.enum(["file", "folder"]),
  /** Of a folder: files at any depth. The figures of one with more than could be looked at are of those that were; `complete` is then false. */
  files: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  /** Newest change of any of its files. */
  modified: Instant.nullable(),
  /** SHA-256 of names, sizes and bytes sampled over the content, the same wherever the data lies; null where time ran out. */
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  complete: z.boolean(),
});
export type DatasetState = z.infer<typeof DatasetState>;
