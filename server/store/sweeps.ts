/** sweeps/<id>.json of each project: the plans of sweeps. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { SweepId } from "../../protocol/ids.ts";
import { SweepRecord } from "../../protocol/sweep.ts";
import { makeFolder, writeJsonAtomic } from "./atomic.ts";
import { isAbsent } from "./fs-errors.ts";
import { readJsonFile } from "./json-file.ts";
import { SWEEPS_FOLDER } from "./paths.ts";
import type { SweepDocuments } from "./types.ts";

const ENDING = ".json";

export class SweepFiles implements SweepDocuments {
  readonly #root: string;
  readonly #ensureProject: (project: string) => Promise<unknown>;
  readonly #projects: () => Promise<string[]>;

  constructor(root: string, ensureProject: (project: string) => Promise<unknown>, projects: () => Promise<string[]>) {
    this.#root = root;
    this.#ensureProject = ensureProject;
    this.#projects = projects;
  }

  async all(): Promise<{ sweeps: SweepRecord[]; problems: Problem[] }> {
    const sweeps: SweepRecord[] = [];
    const problems: Problem[] = [];
    for (const project of await this.#projects()) {
      for (const id of await this.#ids(project)) {
        try {
          const sweep = await readJsonFile(this.#file(project, id), SweepRecord);
          // The folder's place decides, as it does for runs.
          if (sweep !== null) sweeps.push({ ...sweep, id, project });
        } catch (error) {
          if (!(error instanceof TrainyardError)) throw error;
          problems.push({ severity: "error", field: "", message: error.message, hint: error.hint });
        }
      }
    }
    return { sweeps: sweeps.sort((a, b) => (a.id < b.id ? -1 : 1)), problems };
  }

  async write(sweep: SweepRecord): Promise<void> {
    const checked = SweepRecord.parse(sweep);
    await this.#ensureProject(checked.project);
    const file = this.#file(checked.project, checked.id);
    await makeFolder(path.dirname(file));
    await writeJsonAtomic(file, checked);
  }

  #file(project: string, id: SweepId): string {
    return path.join(this.#root, project, SWEEPS_FOLDER, `${id}${ENDING}`);
  }

  async #ids(project: string): Promise<SweepId[]> {
    try {
      const names = await readdir(path.join(this.#root, project, SWEEPS_FOLDER));
      return names
        .filter((name) => name.endsWith(ENDING))
        .map((name) => name.slice(0, -ENDING.length))
        .filter((name) => SweepId.safeParse(name).success);
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }
}
