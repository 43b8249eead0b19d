/** project.json and history.jsonl of each project. */
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { ProjectRecord, ProjectRevision, ProjectSettings, type ProjectChanges } from "../../protocol/project.ts";
import { RUN_FOLDER_VERSION } from "../../protocol/run.ts";
import { makeFolder, writeJsonAtomic } from "./atomic.ts";
import { readJsonFile, readTextFile } from "./json-file.ts";
import { appendJsonl, readJsonl } from "./jsonl.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { PROJECT_FILE, PROJECT_HISTORY_FILE } from "./paths.ts";

/** Projects of one store. Changes of one project are made one after the other. */
export class ProjectFiles {
  readonly #root: string;
  readonly #names: () => Promise<string[]>;
  readonly #queue = new KeyedQueue();

  /** @param names the projects' folders */
  constructor(root: string, names: () => Promise<string[]>) {
    this.#root = root;
    this.#names = names;
  }

  /** A folder without project.json, or with one that cannot be read, is shown with its name alone. */
  async all(): Promise<ProjectRecord[]> {
    const names = await this.#names();
    return Promise.all(
      names.map(async (name) => {
        const record = await readJsonFile(this.#file(name), ProjectRecord).catch(() => null);
        return record === null ? blankProject(name, new Date(0)) : { ...record, name };
      }),
    );
  }

  /** @throws TrainyardError conflict */
  async create(name: string, settings: ProjectChanges): Promise<ProjectRecord> {
    return this.#queue.run(name, async () => {
      const names = await this.#names();
      // Case-insensitive file systems would take the two for one.
      const taken = names.find((other) => other.toLowerCase() === name.toLowerCase());
      if (taken !== undefined)
        throw new TrainyardError("conflict", `there is a project ${taken} already`, `${freeName(name, names)} is free.`);
      await makeFolder(path.dirname(this.#file(name)));
      return this.#write(blankProject(name, new Date()), settings);
    });
  }

  /** @throws TrainyardError not_found | corrupt_record (a project.json that cannot be read is not overwritten) */
  async edit(name: string, settings: ProjectChanges): Promise<ProjectRecord> {
    return this.#queue.run(name, async () => {
      if (!(await this.#names()).includes(name)) throw noProject(name);
      const record = (await readJsonFile(this.#file(name), ProjectRecord)) ?? blankProject(name, new Date());
      return this.#write({ ...record, name }, settings);
    });
  }

  /** Oldest first. */
  async history(name: string): Promise<ProjectRevision[]> {
    return readJsonl(path.join(path.dirname(this.#file(name)), PROJECT_HISTORY_FILE), ProjectRevision);
  }

  /** Makes the project's folder and file where they are missing. */
  async ensure(name: string): Promise<void> {
    return this.#queue.run(name, async () => {
      const file = this.#file(name);
      if ((await readTextFile(file)) !== null) return;
      await makeFolder(path.dirname(file));
      await writeJsonAtomic(file, blankProject(name, new Date()));
    });
  }

  async #write(before: ProjectRecord, settings: ProjectChanges): Promise<ProjectRecord> {
    const changed = (Object.keys(settings) as (keyof ProjectSettings)[]).filter(
      (key) => settings[key] !== undefined && JSON.stringify(settings[key]) !== JSON.stringify(before[key]),
    );
    if (changed.length === 0 && before.revision > 0) return before;
    const time = new Date().toISOString();
    const defined = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const history = await this.history(before.name);
    const after = ProjectRecord.parse({ ...before, ...defined, updated_at: time, revision: lastRevision(before, history) + 1 });
    const line: ProjectRevision = { revision: after.revision, time, changed, settings: ProjectSettings.parse(after) };
    // The history first: a crash between the two costs the change, never the knowledge of what was.
    await appendJsonl(path.join(path.dirname(this.#file(before.name)), PROJECT_HISTORY_FILE), line);
    await writeJsonAtomic(this.#file(before.name), after);
    return after;
  }

  #file(name: string): string {
    return path.join(this.#root, name, PROJECT_FILE);
  }
}

export function noProject(name: string): TrainyardError {
  return new TrainyardError("not_found", `there is no project ${name}`, "GET /api/projects lists them.");
}

function lastRevision(record: ProjectRecord, history: readonly ProjectRevision[]): number {
  return Math.max(record.revision, history.at(-1)?.revision ?? 0);
}

function blankProject(name: string, created: Date): ProjectRecord {
  return ProjectRecord.parse({
    version: RUN_FOLDER_VERSION,
    name,
    title: name,
    description: "",
    created_at: created.toISOString(),
    defaults: {},
  } satisfies Partial<ProjectRecord>);
}

/** `name`, or the first of `name-2`, `name-3`, … that is not in `taken`, whatever the case. */
export function freeName(name: string, taken: readonly string[]): string {
  const used = new Set(taken.map((one) => one.toLowerCase()));
  if (!used.has(name.toLowerCase())) return name;
  for (let number = 2; ; number++) {
    const candidate = `${name.slice(0, 70)}-${number}`;
    if (!used.has(candidate.toLowerCase())) return candidate;
  }
}
