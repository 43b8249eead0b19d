/** Where the runs of a store lie, and their run.json as last read: a folder is read again only when its run.json changed. */
import { readdir, stat } from "node:fs/promises";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { RunId, Slug } from "../../protocol/ids.ts";
import { RunRecord } from "../../protocol/run.ts";
import { isAbsent, outOfFiles, unreadable } from "./fs-errors.ts";
import { readJsonFile } from "./json-file.ts";
import { RUN_FILE, RUNS_FOLDER, runPaths } from "./paths.ts";
import type { DamagedRun, RunFolder, RunPlace, StoreScan } from "./types.ts";

/** Files read at the same time during a scan. */
const PARALLEL_READS = 32;
/** Run folders that a scan hands on at once: nobody has to hold the records of a large store together. */
const SCAN_BATCH = 256;
const FIND_BATCH = 2 * PARALLEL_READS;

interface Known {
  /** Where it lies: a hundred thousand paths would be 20 MB. */
  readonly project: string;
  /** Size and times of run.json when it was last read or written here; "" before. */
  signature: string;
  record: RunRecord | null;
  /** The newest look at all folders that came by it, or during which it was noted. */
  look: number;
}

export interface FoundFolder extends RunPlace {
  /** Of its run.json. */
  readonly signature: string;
}

export class RunIndex {
  readonly #root: string;
  readonly #known = new Map<string, Known>();
  /** How many looks at all folders there were. */
  #looks = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Every folder below `<project>/runs/` that has a run.json, with the signature of that file, a few at a time: what a look at a whole store
   * holds together outlives two collections, and an idle server would keep it until it collects everything.
   * @param look its number, for `missed`
   */
  async *find(look: number): AsyncGenerator<FoundFolder[]> {
    for (const project of await this.projectNames()) {
      const runs = path.join(this.#root, project, RUNS_FOLDER);
      const names = await subfolders(runs);
      for (let start = 0; start < names.length; start += FIND_BATCH) {
        const places = names.slice(start, start + FIND_BATCH).map((name) => ({ project, name, dir: path.join(runs, name) }));
        const found = await withRunFile(places);
        for (const { name } of found) {
          const known = this.#known.get(name);
          if (known?.project === project) known.look = Math.max(known.look, look);
        }
        yield found;
      }
    }
  }

  /** Begins a look at all folders. */
  newLook(): number {
    return ++this.#looks;
  }

  /** Where runs were known to lie before a look at all folders, which did not come by them. */
  missed(look: number): RunPlace[] {
    const places: RunPlace[] = [];
    for (const [name, known] of this.#known)
      if (known.look < look) places.push({ project: known.project, name, dir: this.#dirOf(known.project, name) });
    return places;
  }

  /** Is a run known to lie there? */
  knows({ project, name }: RunPlace): boolean {
    return this.#known.get(name)?.project === project;
  }

  /** Those of these folders that have a run.json now, with its signature. */
  async look(places: readonly RunPlace[]): Promise<FoundFolder[]> {
    return withRunFile(places);
  }

  /** The folders that may hold runs, by their names alone: nothing in them is looked at. */
  async folders(): Promise<RunPlace[]> {
    const folders: RunPlace[] = [];
    for (const project of await this.projectNames()) {
      const runs = path.join(this.#root, project, RUNS_FOLDER);
      for (const name of await subfolders(runs)) folders.push({ project, name, dir: path.join(runs, name) });
    }
    return folders;
  }

  /**
   * Every run and every folder that should be one, a batch at a time.
   * @param except runs that are known well enough
   * @param places where runs may lie, if that is known already
   */
  async *scan(except: ReadonlySet<string> = new Set(), places?: readonly RunPlace[]): AsyncGenerator<StoreScan> {
    const folders = (places ?? (await this.folders())).filter(({ name }) => !except.has(name));
    // In the order of ids: who keeps them in that order has nothing to sort. A run in two places is that of the first project.
    folders.sort((a, b) => (a.name === b.name ? Number(a.dir > b.dir) : a.name < b.name ? -1 : 1));
    const seen = new Map<string, string>();
    for (let start = 0; start < folders.length; start += SCAN_BATCH)
      yield await this.#scanBatch(folders.slice(start, start + SCAN_BATCH), seen);
    for (const id of this.#known.keys()) if (!seen.has(id) && !except.has(id)) this.#known.delete(id);
  }

  /** @param seen run → its folder, of the batches before and this one */
  async #scanBatch(folders: readonly RunPlace[], seen: Map<string, string>): Promise<StoreScan> {
    const found = await withRunFile(folders);
    const runs: RunFolder[] = [];
    const damaged: DamagedRun[] = [];
    const outcomes = await mapLimited(found, async (folder) => ({ folder, outcome: await this.#load(folder) }));
    for (const { folder, outcome } of outcomes) {
      if ("problem" in outcome) {
        damaged.push({ id: folder.name, project: folder.project, dir: folder.dir, problem: outcome.problem });
        continue;
      }
      const first = seen.get(folder.name);
      if (first !== undefined) {
        const problem = failure(
          `${folder.dir} holds the same run as ${first}`,
          "Move one of the two folders out of the store, then refresh.",
        );
        damaged.push({ id: folder.name, project: folder.project, dir: folder.dir, problem });
        continue;
      }
      seen.set(folder.name, folder.dir);
      this.#note(folder.name, folder.project, folder.signature, outcome.record);
      runs.push({ paths: runPaths(folder.dir), record: outcome.record });
    }
    return { runs, damaged };
  }

  /** The folder of a run. @throws TrainyardError not_found | forbidden | unavailable | corrupt_record */
  dir(id: RunId): string {
    const known = this.#known.get(id);
    if (known !== undefined) return this.#dirOf(known.project, id);
    // A folder that may not be looked into is not one without the run; but the run may lie in another one.
    let closed: TrainyardError | null = null;
    if (RunId.safeParse(id).success) {
      for (const project of projectNamesSync(this.#root)) {
        const dir = path.join(this.#root, project, RUNS_FOLDER, id);
        try {
          if (!statSync(path.join(dir, RUN_FILE)).isFile()) continue;
        } catch (error) {
          closed ??= unreadable(error);
          continue;
        }
        this.#note(id, project, "", null);
        return dir;
      }
    }
    if (closed !== null) throw closed;
    throw new TrainyardError("not_found", `there is no run ${id} in the store ${this.#root}`, "Refresh the list of runs.");
  }

  /** run.json of one run. @throws TrainyardError not_found | corrupt_record */
  async read(id: RunId): Promise<RunRecord> {
    const dir = this.dir(id);
    const file = path.join(dir, RUN_FILE);
    const signature = await signatureOf(file);
    if (signature === null) {
      this.#known.delete(id);
      throw new TrainyardError("not_found", `the folder of the run ${id} is gone from ${dir}`, "Refresh the list of runs.");
    }
    const project = path.basename(path.dirname(path.dirname(dir)));
    const known = this.#known.get(id);
    if (known?.record != null && known.signature === signature) return known.record;
    const record = await readRunRecord({ project, name: id, dir, signature });
    this.#note(id, project, signature, record);
    return record;
  }

  /** Notes what was just written here, so that a watcher does not take it for somebody else's change. */
  async wrote(id: RunId, dir: string, record: RunRecord): Promise<void> {
    const signature = (await signatureOf(path.join(dir, RUN_FILE))) ?? "";
    this.#note(id, record.project, signature, record);
  }

  /** The signature of run.json as this index last saw it; undefined for a run it does not know. */
  signature(id: string): string | undefined {
    return this.#known.get(id)?.signature;
  }

  /** Takes over where a run lies and what its run.json was like, without reading it. */
  recall(id: RunId, project: string, signature: string): void {
    this.#note(id, project, signature, null);
  }

  /** Lets go of the record of a run that is seldom looked at. */
  release(id: RunId): void {
    const known = this.#known.get(id);
    if (known !== undefined) known.record = null;
  }

  forget(id: RunId): void {
    this.#known.delete(id);
  }

  #note(id: string, project: string, signature: string, record: RunRecord | null): void {
    this.#known.set(id, { project, signature, record, look: this.#looks });
  }

  #dirOf(project: string, id: string): string {
    return [this.#root, project, RUNS_FOLDER, id].join(path.sep);
  }

  async projectNames(): Promise<string[]> {
    const names = (await subfolders(this.#root)).filter((name) => Slug.safeParse(name).success);
    return names.sort();
  }

  async #load(folder: FoundFolder): Promise<{ record: RunRecord } | { problem: Problem }> {
    const known = this.#known.get(folder.name);
    if (known?.record != null && known.project === folder.project && known.signature === folder.signature) return { record: known.record };
    try {
      return { record: await readRunRecord(folder) };
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code === "unavailable") throw error;
      return { problem: failure(error.message, error.hint) };
    }
  }
}

export async function allOf(batches: AsyncIterable<StoreScan>): Promise<StoreScan> {
  const runs: RunFolder[] = [];
  const damaged: DamagedRun[] = [];
  for await (const batch of batches) {
    runs.push(...batch.runs);
    damaged.push(...batch.damaged);
  }
  return { runs, damaged };
}

/** Those that have a run.json, with its signature. */
async function withRunFile(places: readonly RunPlace[]): Promise<FoundFolder[]> {
  const found = await mapLimited(places, async (place) => {
    const signature = await signatureOf(path.join(place.dir, RUN_FILE));
    return signature === null ? null : { ...place, signature };
  });
  return found.filter((folder) => folder !== null);
}

/** The folder's place decides the project: a person may move run folders between projects. */
async function readRunRecord(folder: FoundFolder): Promise<RunRecord> {
  const file = path.join(folder.dir, RUN_FILE);
  const record = await readJsonFile(file, RunRecord);
  if (record === null) throw new TrainyardError("not_found", `${file} is gone`, "Refresh the list of runs.");
  if (record.id !== folder.name)
    throw new TrainyardError(
      "corrupt_record",
      `${file} belongs to the run ${record.id}, but its folder is called ${folder.name}`,
      "A copied run needs the id of its folder: rename the folder, or change the id in run.json.",
    );
  return record.project === folder.project ? record : { ...record, project: folder.project };
}

function failure(message: string, hint: string | null): Problem {
  return { severity: "error", field: "", message, hint };
}

/** Changes whenever the file does; null when it is not there. */
async function signatureOf(file: string): Promise<string | null> {
  try {
    const s = await stat(file);
    return s.isFile() ? `${String(s.ino)} ${String(s.size)} ${String(s.mtimeMs)} ${String(s.ctimeMs)}` : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    return "unreadable";
  }
}

/** Names of the folders in a folder, links to folders included; none when it is not there or may not be read. @throws TrainyardError unavailable */
async function subfolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((e) => !e.name.startsWith(".") && (e.isDirectory() || e.isSymbolicLink())).map((e) => e.name);
  } catch (error) {
    const shortage = outOfFiles(error);
    if (shortage !== null) throw shortage;
    return [];
  }
}

function projectNamesSync(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => Slug.safeParse(name).success);
  } catch {
    return [];
  }
}

export async function mapLimited<T, R>(items: readonly T[], work: (item: T) => Promise<R>, limit = PARALLEL_READS): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
