/** The store's trash: run folders as they were, moved aside. A removal for good starts with a rename, so that no half of a run is ever offered. */
import { lstat, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RunRecord } from "../../protocol/run.ts";
import { runOfTrash, TrashId, type Trash, type TrashedRun } from "../../protocol/trash.ts";
import { makeFolder } from "./atomic.ts";
import { isAbsent, systemCode, writeError } from "./fs-errors.ts";
import { readJsonFile } from "./json-file.ts";
import { RUN_FILE, RUNS_FOLDER, TRASH_FOLDER } from "./paths.ts";
import { mapLimited } from "./run-index.ts";
import type { TrashedRuns } from "./types.ts";

/** Names of what is on its way out. */
const DOOMED = ".removed-";
/** Runs whose files are counted at the same time. */
const PARALLEL_RUNS = 4;

export class TrashFolder implements TrashedRuns {
  readonly #root: string;
  readonly #ensureProject: (project: string) => Promise<unknown>;

  /** @param ensureProject makes a project's folder that is gone */
  constructor(root: string, ensureProject: (project: string) => Promise<unknown>) {
    this.#root = root;
    this.#ensureProject = ensureProject;
  }

  async put(dir: string): Promise<TrashId> {
    const project = path.basename(path.dirname(path.dirname(dir)));
    // The time keeps apart what was thrown away twice.
    const trash = `${project}/${path.basename(dir)}.${new Date().toISOString().replace(/[:.]/g, "-")}`;
    const target = this.place(trash);
    await makeFolder(path.dirname(target));
    await moveFolder(dir, target);
    return trash;
  }

  place(trash: TrashId): string {
    return path.join(this.#root, TRASH_FOLDER, trash);
  }

  async list(): Promise<Trash> {
    const names: TrashId[] = [];
    let unfinished = 0;
    for (const project of await namesIn(path.join(this.#root, TRASH_FOLDER))) {
      const folder = path.join(this.#root, TRASH_FOLDER, project);
      for (const name of await namesIn(folder)) {
        const trash = TrashId.safeParse(`${project}/${name}`);
        if (trash.success) names.push(trash.data);
        else if (name.startsWith(DOOMED)) unfinished += (await contents(path.join(folder, name))).bytes;
      }
    }
    const runs = (await mapLimited(names, (trash) => this.#read(trash), PARALLEL_RUNS)).filter((run) => run !== null);
    runs.sort((a, b) => (a.trashed_at < b.trashed_at || (a.trashed_at === b.trashed_at && a.id < b.id) ? 1 : -1));
    return { runs, size_bytes: runs.reduce((sum, run) => sum + run.size_bytes, 0), unfinished_bytes: unfinished };
  }

  async restore(trash: TrashId): Promise<RunId> {
    const { project, run } = parts(trash);
    const from = this.place(trash);
    if (!(await isThere(from))) throw gone(trash);
    await this.#ensureProject(project);
    const to = path.join(this.#root, project, RUNS_FOLDER, run);
    await makeFolder(path.dirname(to));
    // A rename would take the place of an empty folder without a word.
    if (await isThere(to))
      throw new TrainyardError(
        "conflict",
        `the store has a run folder ${to} again`,
        "Throw that one away first, or leave this one in the trash.",
      );
    await moveFolder(from, to);
    return run;
  }

  async remove(trash: readonly TrashId[]): Promise<void> {
    for (const each of trash) {
      const place = this.place(each);
      const doomed = path.join(path.dirname(place), `${DOOMED}${path.basename(place)}`);
      await moveFolder(place, doomed).catch((error: unknown) => {
        // Somebody else removed it or brought it back meanwhile.
        if (!(error instanceof TrainyardError) || error.code !== "not_found") throw error;
      });
    }
    for (const project of await namesIn(path.join(this.#root, TRASH_FOLDER))) {
      const folder = path.join(this.#root, TRASH_FOLDER, project);
      for (const name of (await namesIn(folder)).filter((each) => each.startsWith(DOOMED))) {
        try {
          await rm(path.join(folder, name), { recursive: true, force: true });
        } catch (error) {
          throw writeError(error, `remove ${path.join(folder, name)}`, folder);
        }
      }
    }
  }

  /** null for one that went meanwhile. */
  async #read(trash: TrashId): Promise<TrashedRun | null> {
    const { project, run, time } = parts(trash);
    const place = this.place(trash);
    const { bytes, files, unread } = await contents(place);
    let record: RunRecord | null = null;
    let problem = unread;
    try {
      record = await readJsonFile(path.join(place, RUN_FILE), RunRecord);
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      problem = error.message;
    }
    if (record === null && problem === null) {
      if (!(await isThere(place))) return null;
      problem = `it has no ${RUN_FILE}`;
    }
    const known = { name: record?.name ?? run, state: record?.state ?? null };
    return { id: trash, run, project, ...known, trashed_at: time, size_bytes: bytes, files, problem };
  }
}

/** @param trash `<project>/<run id>.2026-01-31T12-00-00-123Z` */
function parts(trash: TrashId): { project: string; run: RunId; time: string } {
  const time = trash.slice(trash.lastIndexOf(".") + 1).replace(/T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z$/, "T$1:$2:$3.$4Z");
  return { project: trash.slice(0, trash.indexOf("/")), run: runOfTrash(trash), time };
}

function gone(trash: TrashId): TrainyardError {
  return new TrainyardError(
    "not_found",
    `${trash} is not in the trash`,
    "It may have been brought back or removed: look at the trash again.",
  );
}

async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (isAbsent(error)) throw new TrainyardError("not_found", `${from} is gone`, "Refresh the list of runs.");
    if (systemCode(error) === "EXDEV")
      throw new TrainyardError(
        "conflict",
        `${from} lies on another disk than ${path.dirname(to)}, so that it cannot be moved there at once`,
        "Move or delete the folder by hand.",
      );
    throw writeError(error, `move ${from} to ${to}`, to);
  }
}

async function isThere(place: string): Promise<boolean> {
  try {
    await lstat(place);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw writeError(error, `read ${folder}`, folder);
  }
}

/** What a folder holds; links count as themselves, for that is what a removal takes. */
async function contents(folder: string): Promise<{ bytes: number; files: number; unread: string | null }> {
  const sum = { bytes: 0, files: 0, unread: null as string | null };
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      const info = await lstat(next);
      if (info.isDirectory()) {
        for (const name of await readdir(next)) waiting.push(path.join(next, name));
      } else {
        sum.bytes += info.size;
        sum.files++;
      }
    } catch (error) {
      if (!isAbsent(error)) sum.unread ??= `${next} cannot be read (${systemCode(error) ?? String(error)})`;
    }
  }
  return sum;
}
