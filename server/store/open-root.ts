/** Opening a store's root: made when it is new, recognised as read-only when it cannot be written. */
import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { RUN_FOLDER_VERSION } from "../../protocol/constants.ts";
import type { StoreRecord } from "../../protocol/project.ts";
import { makeFolders, writeJsonAtomic } from "./atomic.ts";
import { isAbsent, isUnwritable, systemCode, writeError } from "./fs-errors.ts";
import { parseVersioned, readTextFile } from "./json-file.ts";
import { RUNS_FOLDER, STORE_FILE } from "./paths.ts";

export interface OpenedRoot {
  readonly root: string;
  readonly readOnly: boolean;
  /** What tells the folder from another one that may lie at its path later. */
  readonly identity: string;
}

/** Of a folder with more subfolders than this, the others are not looked at for runs. */
const MOST_PROJECTS = 500;

/**
 * Is the folder a store? A server marks it with store.json; one that only the SDK has written to is known by the runs in it.
 * @throws Error of the system when that cannot be seen
 */
export async function isStore(folder: string): Promise<boolean> {
  try {
    if ((await stat(path.join(folder, STORE_FILE))).isFile()) return true;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  const projects = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  for (const { name } of projects.slice(0, MOST_PROJECTS)) {
    const runs = await readdir(path.join(folder, name, RUNS_FOLDER)).catch(() => []);
    if (runs.some((run) => run.startsWith("run_"))) return true;
  }
  return false;
}

/**
 * Opens a store to look at it: nothing in it is made or changed, whoever might.
 * @throws TrainyardError not_found | corrupt_record (store.json is of a newer version) | forbidden
 */
export async function openToRead(root: string): Promise<OpenedRoot> {
  try {
    const real = await realpath(path.resolve(root));
    const identity = identityOf(await stat(real));
    const text = await readTextFile(path.join(real, STORE_FILE));
    if (text !== null) refuseNewer(text, path.join(real, STORE_FILE));
    else if (!(await isStore(real)))
      throw new TrainyardError("not_found", `there is no store at ${root}`, "A store is a folder with a store.json, or with runs in it.");
    return { root: real, readOnly: true, identity };
  } catch (error) {
    if (isAbsent(error))
      throw new TrainyardError("not_found", `there is no folder ${root}`, "It may have been moved, or its disk is not mounted.");
    if (isUnwritable(error)) throw new TrainyardError("forbidden", `the folder ${root} may not be read`, "Ask its owner for access.");
    throw error;
  }
}

/** As {@link isInPlace}, without holding up the thread: a disk in the network may not answer. */
export async function isStillInPlace({ root, identity }: OpenedRoot): Promise<boolean> {
  try {
    return identityOf(await stat(root)) === identity;
  } catch {
    return false;
  }
}

/** Does the store still lie where it was opened? It may have been moved away, unmounted, or replaced by another folder. */
export function isInPlace(opened: OpenedRoot): boolean {
  try {
    return identityOf(statSync(opened.root)) === opened.identity;
  } catch {
    return false;
  }
}

function identityOf(stats: { dev: number; ino: number }): string {
  return `${stats.dev} ${stats.ino}`;
}

/**
 * @param root the store's folder; made when it is missing and `create` is true
 * @throws TrainyardError store_unwritable (cannot be made) | not_found (may not be made) | corrupt_record (store.json is of a newer version)
 */
export async function openRoot(root: string, create: boolean): Promise<OpenedRoot> {
  const absolute = path.resolve(root);
  await makeRoot(absolute, create);
  const real = await realpath(absolute);
  const identity = identityOf(await stat(real));
  const file = path.join(real, STORE_FILE);
  // A damaged store.json must not lock people out of their runs; only a newer version must, for it says "do not touch".
  // No schema for it: this is read before the server's port opens, and nothing but the version is of interest.
  const text = await readTextFile(file).catch(() => "");
  const isNew = text === null;
  if (!isNew) refuseNewer(text, file);
  if (!(await canWrite(real))) return { root: real, readOnly: true, identity };
  if (isNew) await writeJsonAtomic(file, { version: RUN_FOLDER_VERSION, created_at: new Date().toISOString() } satisfies StoreRecord);
  await keepOutOfGit(real);
  return { root: real, readOnly: false, identity };
}

/** @throws TrainyardError corrupt_record */
function refuseNewer(text: string, file: string): void {
  try {
    parseVersioned(text, file);
  } catch (error) {
    if (error instanceof TrainyardError && error.message.includes("newer Trainyard")) throw error;
  }
}

export function noStore(root: string): TrainyardError {
  return new TrainyardError("not_found", `there is no store at ${root}`, "Check the path, or start a run to make one.");
}

async function makeRoot(root: string, create: boolean): Promise<void> {
  const found = await stat(root).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw writeError(error, `open the store ${root}`, root);
  });
  if (found?.isDirectory() === true) return;
  if (found !== null) throw new TrainyardError("store_unwritable", `${root} is a file, not a folder`, "Choose a folder for the store.");
  if (!create) throw noStore(root);
  try {
    await makeFolders(root);
  } catch (error) {
    throw writeError(error, `make the store ${root}`, root);
  }
}

/** Tried, not asked: permission bits say nothing about read-only mounts or about root. */
async function canWrite(root: string): Promise<boolean> {
  const probe = path.join(root, `.write-probe.${randomUUID()}`);
  try {
    await writeFile(probe, "", { flag: "wx" });
    await rm(probe);
    return true;
  } catch (error) {
    if (isUnwritable(error)) return false;
    throw writeError(error, `write to the store ${root}`, root);
  }
}

/** A store in a workspace must not end in somebody's commit. An existing .gitignore is theirs. */
async function keepOutOfGit(root: string): Promise<void> {
  try {
    await writeFile(path.join(root, ".gitignore"), "*\n", { flag: "wx" });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw writeError(error, `write ${path.join(root, ".gitignore")}`, root);
  }
}
