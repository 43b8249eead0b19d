/** What the user keeps under names in folders of the workspace, one file each: presets and templates. */
import { readdir, unlink } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { Slug } from "../../protocol/ids.ts";
import { makeFolder, writeFileAtomic } from "../store/atomic.ts";
import { isAbsent, writeError } from "../store/fs-errors.ts";

export interface OwnFile {
  /** The file's name without its ending. */
  readonly name: string;
  readonly file: string;
}

/** The files of a folder that end so, in the order of their names; none where there is no such folder. */
export async function ownFiles(folder: string, suffix: string): Promise<OwnFile[]> {
  const files = await readdir(folder).catch((): string[] => []);
  return files
    .filter((one) => one.endsWith(suffix) && one !== suffix)
    .sort()
    .map((one) => ({ name: one.slice(0, -suffix.length), file: path.join(folder, one) }));
}

/** Each of `names` is the name of one folder or file: no way leads out of `folder`. @throws ZodError for any other */
export function ownFile(folder: string, names: readonly string[], suffix: string): string {
  return `${path.join(folder, ...names.map((name) => Slug.parse(name)))}${suffix}`;
}

/** Writes a file, in the place of one that has its name. @throws TrainyardError disk_full | store_unwritable */
export async function writeOwnFile(file: string, text: string): Promise<void> {
  try {
    await makeFolder(path.dirname(file));
    await writeFileAtomic(file, text);
  } catch (error) {
    throw writeError(error, `write ${file}`, file);
  }
}

/** @param what is said not to be there: "template x" @throws TrainyardError not_found | store_unwritable */
export async function removeOwnFile(file: string, what: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (isAbsent(error)) throw new TrainyardError("not_found", `there is no ${what}`, `It would be ${file}.`);
    throw writeError(error, `remove ${file}`, file);
  }
}
