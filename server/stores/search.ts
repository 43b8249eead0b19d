/** Finds stores in a folder and up to two levels below it: a workspace keeps its store in a folder of its own. */
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { isAbsent, isUnwritable, systemCode } from "../store/fs-errors.ts";
import { isStore } from "../store/open-root.ts";

export interface StoreSearch {
  /** Real path of the folder that was searched. */
  readonly folder: string;
  /** Real paths, in the order of their names. */
  readonly stores: readonly string[];
  /** Folders that were looked at. */
  readonly folders: number;
  readonly truncated: boolean;
  readonly problems: readonly Problem[];
}

const LEVELS = 2;
/** Somebody may name their home, or the root of a disk. */
const MOST_FOLDERS = 20_000;

/** @throws TrainyardError not_found | forbidden | bad_request: of the folder itself; what lies below it and cannot be read is a problem */
export async function searchStores(folder: string, most = MOST_FOLDERS): Promise<StoreSearch> {
  const top = await realFolder(folder);
  const stores: string[] = [];
  const problems: Problem[] = [];
  const seen = new Set([top]);
  let level = [top];
  let truncated = false;
  for (let depth = 0; depth <= LEVELS; depth++) {
    const next: string[] = [];
    for (const each of level) {
      try {
        if (await isStore(each)) stores.push(each);
        else if (depth < LEVELS) next.push(...(await subfolders(each)));
      } catch (error) {
        if (depth === 0) throw refused(each, error);
        // Gone meanwhile is as if it had never been there.
        if (!isAbsent(error)) problems.push({ severity: "warning", field: "", message: refused(each, error).message, hint: null });
      }
    }
    level = [];
    for (const each of next) {
      const real = await realpath(each).catch(() => null);
      if (real === null || seen.has(real)) continue;
      truncated ||= seen.size >= most;
      if (truncated) break;
      seen.add(real);
      level.push(real);
    }
  }
  return { folder: top, stores: stores.sort(), folders: seen.size, truncated, problems };
}

/** @throws TrainyardError bad_request (no absolute path, or no folder) | not_found | forbidden */
export async function realFolder(folder: string): Promise<string> {
  if (!path.isAbsolute(folder) || folder.includes("\0"))
    throw new TrainyardError("bad_request", `${JSON.stringify(folder)} is no absolute path`, "Give the whole path.");
  try {
    const real = await realpath(folder);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    throw refused(folder, error);
  }
  throw new TrainyardError("bad_request", `${folder} is a file, not a folder`, "Name a store, or a folder that holds stores.");
}

/** Links to folders are followed: people keep stores on large disks that way. */
async function subfolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    const isFolder = entry.isSymbolicLink()
      ? await stat(place).then(
          (stats) => stats.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    if (isFolder) found.push(place);
  }
  return found;
}

function refused(folder: string, error: unknown): TrainyardError {
  if (isAbsent(error)) return new TrainyardError("not_found", `there is no folder ${folder}`, "Check the path.");
  if (isUnwritable(error)) return new TrainyardError("forbidden", `the folder ${folder} may not be read`, "Ask its owner for access.");
  const code = systemCode(error) ?? (error instanceof Error ? error.message : String(error));
  return new TrainyardError("bad_request", `the folder ${folder} cannot be read: ${code}`, "Check the disk that holds it.");
}
