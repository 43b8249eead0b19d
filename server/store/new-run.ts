/** How a run folder comes to be: filled in its place, or put together aside and moved there as a whole. */
import { mkdtemp, rename } from "node:fs/promises";
import path from "node:path";
import type { RunRecord } from "../../protocol/run.ts";
import { makeFolder, writeFileAtomic, writeJsonAtomic } from "./atomic.ts";
import { writeError } from "./fs-errors.ts";
import { RUN_FILE, RUNS_FOLDER, STAGING_FOLDER } from "./paths.ts";
import { appendJsonl } from "./jsonl.ts";
import type { RunFiles, RunPaths } from "./types.ts";

export async function fillRunFolder(paths: RunPaths, record: RunRecord, { specYaml, resolved, gitPatch, event }: RunFiles): Promise<void> {
  await Promise.all([makeFolder(paths.attempts), makeFolder(paths.artifacts), makeFolder(paths.checkpoints)]);
  await writeFileAtomic(paths.specYaml, specYaml);
  await writeJsonAtomic(paths.resolvedJson, resolved);
  if (gitPatch !== undefined && gitPatch !== "") await writeFileAtomic(paths.gitPatch, gitPatch);
  if (event !== undefined) await appendJsonl(paths.eventsJsonl, event);
  // Last: a folder without run.json is no run.
  await writeJsonAtomic(paths.runJson, record);
}

/** @param root of the store */
export async function stagingFolder(root: string): Promise<string> {
  const folder = path.join(root, STAGING_FOLDER);
  await makeFolder(folder);
  return mkdtemp(path.join(folder, "run-"));
}

/** Writes run.json into the folder and moves it to its place. @returns the place */
export async function moveIntoStore(root: string, folder: string, record: RunRecord): Promise<string> {
  const dir = path.join(root, record.project, RUNS_FOLDER, record.id);
  await makeFolder(path.dirname(dir));
  await writeJsonAtomic(path.join(folder, RUN_FILE), record);
  try {
    await rename(folder, dir);
  } catch (error) {
    throw writeError(error, `move ${folder} to ${dir}`, dir);
  }
  return dir;
}
