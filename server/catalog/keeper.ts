/** The index together with its snapshot file, opened once and saved seldom, and the columns beside it. What the worker's messages are carried out on. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import initSqlJs from "sql.js";
import { Analysis } from "./analysis.ts";
import { listFiltered, needsColumns } from "./list-filtered.ts";
import { RunIndex } from "./run-index.ts";
import { RunTable } from "./table.ts";
import type { AnswerTo, CatalogRequest, Operation } from "./types.ts";

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
  readonly #table = new RunTable();
  readonly #analysis = new Analysis(this.#table);
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

  /** @throws TrainyardError bad_request for a question that cannot be answered as it stands */
  async carryOut(request: CatalogRequest): Promise<AnswerTo<Operation>> {
    switch (request.op) {
      case "sync":
        this.#table.sync(request.runs);
        if (this.#index.sync(request.runs) > 0) this.#changed();
        return null;
      case "change":
        for (const id of request.removed) this.#table.remove(id);
        for (const run of request.upserts) this.#table.upsert(run);
        this.#index.change(request.upserts, request.removed);
        this.#changed();
        return null;
      case "list":
        return needsColumns(this.#table, request.query) ? listFiltered(this.#table, request.query) : this.#index.list(request.query);
      case "fields":
        return this.#analysis.fields(request.query);
      case "fieldValues":
        return this.#analysis.fieldValues(request.query);
      case "query":
        return this.#analysis.query(request.query);
      case "aggregate":
        return this.#analysis.aggregate(request.query);
      case "histogram":
        return this.#analysis.histogram(request.query);
      case "statistics":
        return this.#analysis.statistics(request.query);
      case "evaluate":
        return this.#analysis.evaluate(request.query);
      case "define":
        this.#table.define(request.definitions);
        return null;
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
      await writeFile(temporary, this.#index.export(), { mode: 0o600 });
      await rename(temporary, this.#snapshot);
    } catch {
      this.#unsaved = true;
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
