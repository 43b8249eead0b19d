/** The archive of run folders: a zip with each folder as it lies in the store, and a list of what has to be in it. */
import * as z from "zod";
import { ExportProvenance } from "./export.ts";
import { RunId, Slug } from "./ids.ts";

/** The last entry of the zip. */
export const ARCHIVE_MANIFEST = "trainyard-archive.json";
export const ARCHIVE_VERSION = 1;

/** Below the run folder, with `/` between its parts. */
const ArchivedPath = z.string().min(1).max(4096);

const ArchivedFile = z.object({
  path: ArchivedPath,
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** ms since the epoch; a zip by itself knows two seconds and no time zone. */
  modified: z.number(),
});
export type ArchivedFile = z.infer<typeof ArchivedFile>;

const ArchivedRun = z.object({
  id: RunId,
  project: Slug,
  /** Absolute path of the run folder when it was exported: what its records name in it is found again by this. */
  folder: z.string(),
  files: z.array(ArchivedFile),
  /** Folders with nothing in them. */
  folders: z.array(ArchivedPath),
  links: z.array(z.object({ path: ArchivedPath, target: ArchivedPath })),
  /** What could not be taken along, with the reason. */
  left_out: z.array(z.string()),
});
export type ArchivedRun = z.infer<typeof ArchivedRun>;

export const ArchiveManifest = ExportProvenance.pick({ store: true, exported_at: true }).extend({
  archive: z.literal(ARCHIVE_VERSION),
  /** Of the Trainyard that wrote it. */
  version: z.string(),
  runs: z.array(ArchivedRun),
});
export type ArchiveManifest = z.infer<typeof ArchiveManifest>;

/** Folder of a run in the zip: the same as in a store, so that unpacking it into one by hand works as well. */
export function archivedFolder({ project, id }: { readonly project: string; readonly id: string }): string {
  return `${project}/runs/${id}`;
}

/** A path as a zip may spell it: a backslash, which file names may hold here, would be taken for a separator elsewhere. */
export function archivedName(path: string): string {
  return path.replaceAll("\\", "%5C");
}
