/** Bringing exported runs back into a store. */
import * as z from "zod";
import { RunId, Slug } from "./ids.ts";
import { ImportFormat } from "./run.ts";

export const ImportRequest = z.object({
  /** Absolute path of the file, on the server's machine. */
  path: z.string().min(1).max(4096),
  /** Project for the runs. Default: the one that the file names, else `imported`. */
  project: Slug.optional(),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

export const ImportReport = z.object({
  format: ImportFormat,
  runs: z.array(
    z.object({
      id: RunId,
      name: z.string(),
      project: Slug,
      /** The id that it has in the file. */
      source_run: z.string(),
      points: z.number().int().nonnegative(),
    }),
  ),
});
export type ImportReport = z.infer<typeof ImportReport>;
