/** saved.json of each project and of the store: views of the table and plots that people keep. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { type SavedItem, type SaveItem, SavedFile } from "../../protocol/saved.ts";
import { writeJsonAtomic } from "./atomic.ts";
import { readJsonFile } from "./json-file.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { SAVED_FILE } from "./paths.ts";
import { noProject } from "./projects.ts";
import type { SavedItems } from "./types.ts";

/** Far more than anybody keeps; holds the file to a size that is read at once. */
const MOST_SAVED = 1000;

export class SavedFiles implements SavedItems {
  readonly #root: string;
  readonly #queue = new KeyedQueue();

  constructor(root: string) {
    this.#root = root;
  }

  async list(project: string | null): Promise<readonly SavedItem[]> {
    return (await readJsonFile(await this.#file(project), SavedFile))?.saved ?? [];
  }

  async save(item: SaveItem): Promise<SavedItem> {
    return this.#change(item.project, (saved) => {
      const kept = saved.filter((other) => !same(other, item));
      if (kept.length >= MOST_SAVED)
        throw new TrainyardError("bad_request", `${MOST_SAVED} views and plots are saved already`, "Remove some that are not needed.");
      const written: SavedItem = { ...item, updated_at: new Date().toISOString() };
      return [[...kept, written].sort((a, b) => a.name.localeCompare(b.name)), written];
    });
  }

  async remove(item: Pick<SavedItem, "kind" | "name" | "project">): Promise<void> {
    await this.#change(item.project, (saved) => {
      const kept = saved.filter((other) => !same(other, item));
      if (kept.length === saved.length)
        throw new TrainyardError("not_found", `there is no saved ${item.kind} ${item.name}`, "List them anew.");
      return [kept, null];
    });
  }

  async #change<T>(project: string | null, change: (saved: readonly SavedItem[]) => [readonly SavedItem[], T]): Promise<T> {
    return this.#queue.run(project ?? "", async () => {
      const [saved, result] = change(await this.list(project));
      await writeJsonAtomic(await this.#file(project), { version: 1, saved: [...saved] } satisfies SavedFile);
      return result;
    });
  }

  /** @throws TrainyardError not_found */
  async #file(project: string | null): Promise<string> {
    if (project === null) return path.join(this.#root, SAVED_FILE);
    const folder = path.join(this.#root, project);
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() !== true) throw noProject(project);
    return path.join(folder, SAVED_FILE);
  }
}

function same(a: Pick<SavedItem, "kind" | "name">, b: Pick<SavedItem, "kind" | "name">): boolean {
  return a.kind === b.kind && a.name === b.name;
}
