/** The index together with its snapshot file: opened once, saved seldom. What the worker's messages are carried out on. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import initSqlJs from "sql.js";
import type { RunSummary } from "../../protocol/run.ts";
import { RunIndex } from "./run-index.ts";
import type { CatalogQuery } from "./types.ts";

/** What is asked of the worker. `list` answers with a page, all others with null. */
export type CatalogRequest =
  | { readonly op: "sync"; readonly runs: readonly RunSummary[] }
  | { readonly op: "change"; readonly upserts: readonly RunSummary[]; readonly removed: readonly string[] }
  | { readonly op: "list"; readonly query: CatalogQuery }
  | { readonly op: "close" };

export interface KeeperOptions {
  /** Folder that holds sql-wasm.wasm. */
  readonly wasmFolder: string;
  /** The snapshot; null keeps the index in memory alone (a store that cannot be written). */
  readonly snapshot: string | null;
}

/** Exporting copies the whole database: never more often than this. */
const SAVE_INTERVAL_MS = 20_000;

export class IndexKeeper {
  readonly #index: RunIndex;
  readonly #snapshot: string | null;
  #unsaved: boolean;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(index: RunIndex, snapshot: string | null) {
    this.#index = index;
    this.#snapshot = snapshot;
    this.#unsaved = !index.restored;
  }

  static async open(options: KeeperOptions): Promise<IndexKeeper> {
    const sql = await initSqlJs({ locateFile: (name) => path.join(options.wasmFolder, name) });
    const bytes = options.snapshot === null ? null : await readFile(options.snapshot).catch(() => null);
    return new IndexKeeper(new RunIndex(sql, bytes), options.snapshot);
  }

  async carryOut(request: CatalogRequest): Promise<{ ids: string[]; total: number } | null> {
    switch (request.op) {
      case "sync":
        if (this.#index.sync(request.runs) > 0) this.#changed();
        return null;
      case "change":
        this.#index.change(request.upserts, request.removed);
        this.#changed();
        return null;
      case "list":
        return this.#index.list(request.query);
      case "close":
        await this.#close();
        return null;
    }
  }

  #changed(): void {
    this.#unsaved = true;
    if (this.#snapshot === null) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#saving = this.#saving.then(() => this.#save());
    }, SAVE_INTERVAL_MS);
  }

  async #close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#saving;
    await this.#save();
    this.#index.close();
  }

  /** A snapshot that cannot be written is no loss: the next server builds the index anew. */
  async #save(): Promise<void> {
    if (this.#snapshot === null || !this.#unsaved) return;
    const temporary = `${this.#snapshot}.${process.pid}.tmp`;
    try {
      this.#unsaved = false;
      await mkdir(path.dirname(this.#snapshot), { recursive: true });
      await writeFile(temporary, this.#index.export(), { mode: 0o600 });
      await rename(temporary, this.#snapshot);
    } catch {
      this.#unsaved = true;
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
