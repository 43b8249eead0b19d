/** Files that are either the old ones or the new ones, never something between, whatever dies meanwhile. */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { systemCode, writeError } from "./fs-errors.ts";

let counter = 0;

/**
 * Writes a whole file: a temporary neighbour, fsync, rename, fsync of the folder.
 * @throws TrainyardError disk_full | store_unwritable
 */
export async function writeFileAtomic(file: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${path.basename(file)}.${String(process.pid)}.${String(counter++)}.tmp`);
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(error, `write ${file}`, file);
  }
  await syncFolder(folder);
}

/** {@link writeFileAtomic} of a JSON document, indented so that a person can read it. */
export async function writeJsonAtomic(file: string, value: unknown, mode?: number): Promise<void> {
  return writeFileAtomic(file, JSON.stringify(value, null, 2) + "\n", mode);
}

/**
 * Makes a folder and those above it. Not by Node's own recursive form: it tries for ever where the system refuses a folder as if the one above
 * it were missing, as it does below /proc.
 * @returns the topmost folder that was made; null when all were there
 * @throws Error of the system
 */
export async function makeFolders(folder: string): Promise<string | null> {
  const above = path.dirname(folder);
  let made: string | null = null;
  for (let tries = 0; ; tries++) {
    try {
      await mkdir(folder);
      return made ?? folder;
    } catch (error) {
      if ((await stat(folder).catch(() => null))?.isDirectory() === true) return made;
      if (systemCode(error) !== "ENOENT" || above === folder || tries > 0) throw error;
    }
    made = await makeFolders(above);
  }
}

/** {@link makeFolders}, told as a TrainyardError when it fails. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw writeError(error, `make the folder ${folder}`, folder);
  }
}

/** Makes a rename in `folder` last through a power cut. Some file systems refuse to sync folders: then it is as good as it gets. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is in place and synced; only its name may be lost in a power cut.
  }
}
