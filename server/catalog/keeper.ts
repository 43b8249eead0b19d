/** The index and the columns together with their snapshot, opened once and saved seldom. What the worker's messages are carried out on. */
import { randomUUID } from "node:crypto";
import { readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import initSqlJs, { type SqlJsStatic } from "sql.js";
import type { RunSummary } from "../../protocol/run.ts";
import { readWholeSync, writeWholeSync } from "../store/open-file.ts";
import { Analysis } from "./analysis.ts";
import { readColumns, writeColumns } from "./column-file.ts";
import { listRuns } from "./list.ts";
import { RunIndex } from "./run-index.ts";
import { RunTable } from "./table.ts";
import type { AnswerTo, CatalogRequest, Operation, RunState } from "./types.ts";

export interface KeeperOptions {
  /** Folder that holds sql-wasm.wasm. */
  readonly wasmFolder: string;
  /** The snapshot's database; its columns lie beside it. null keeps all in memory alone (a store that cannot be written). */
  readonly snapshot: string | null;
}

/** Saving writes everything: never more often than this, and so seldom that it takes at most a hundredth of the time. */
const SAVE_INTERVAL_MS = 20_000;
const SAVE_SHARE = 1 / 100;
/** Runs from which on the first question of a worker would be noticeably slower than the next one. */
const LARGE_TABLE = 500;

export class IndexKeeper {
  readonly #index: RunIndex;
  readonly #table: RunTable;
  readonly #analysis: Analysis;
  readonly #snapshot: string | null;
  #unsaved = false;
  #timer: NodeJS.Timeout | null = null;
  #saveMs = 0;
  #warmed = false;

  private constructor(index: RunIndex, table: RunTable, snapshot: string | null) {
    this.#index = index;
    this.#table = table;
    this.#analysis = new Analysis(table);
    this.#snapshot = snapshot;
  }

  static async open({ wasmFolder, snapshot }: KeeperOptions): Promise<IndexKeeper> {
    const sql = await initSqlJs({ locateFile: (name) => path.join(wasmFolder, name) });
    const restored = snapshot === null ? null : restore(sql, snapshot);
    const keeper = new IndexKeeper(restored?.index ?? new RunIndex(sql, null), restored?.table ?? new RunTable(), snapshot);
    keeper.#warmOnce();
    return keeper;
  }

  /** Asks what a window asks first, while nobody waits: code is compiled by then and the orders of rows are made. */
  #warmOnce(): void {
    if (this.#warmed || this.#table.size < LARGE_TABLE) return;
    this.#warmed = true;
    this.#analysis.fields({});
    const filter = "record.archived = false and record.attempt >= 0";
    this.#analysis.query({ fields: ["record.name"], filter, sort: ["-record.created_at"], limit: 50, offset: 0 });
    this.#analysis.aggregate({ group_by: ["record.state"], values: ["record.attempt"], limit: 100 });
  }

  /** @throws TrainyardError bad_request for a question that cannot be answered as it stands */
  carryOut(request: CatalogRequest): AnswerTo<Operation> {
    switch (request.op) {
      case "compare":
        return this.#compare(request.ids, request.stamps);
      case "change":
        this.#change(request.upserts, request.removed);
        return null;
      case "list":
        return listRuns(this.#table, request.query, (text) => this.#index.search(text));
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
        this.#changed();
        return null;
      case "close":
        this.#close();
        return null;
    }
  }

  /** Forgets the runs that there are no more. @returns those that are not here as they are now */
  #compare(ids: readonly string[], stamps: readonly string[]): string[] {
    const present = new Set(ids);
    const gone: string[] = [];
    for (let row = 0; row < this.#table.size; row++) if (!present.has(this.#table.id(row))) gone.push(this.#table.id(row));
    if (gone.length > 0) this.#change([], gone);
    return ids.filter((id, n) => stamps[n] === "" || this.#table.stampOf(id) !== stamps[n]);
  }

  #change(upserts: readonly RunState[], removed: readonly string[]): void {
    const states = upserts.map(({ json, stamp }) => ({ run: JSON.parse(json) as RunSummary, stamp }));
    this.#index.change(states, removed);
    for (const id of removed) this.#table.remove(id);
    for (const { run, stamp } of states) this.#table.upsert(run, stamp);
    this.#warmOnce();
    this.#changed();
  }

  #changed(): void {
    this.#unsaved = true;
    if (this.#snapshot === null) return;
    this.#timer ??= setTimeout(
      () => {
        this.#timer = null;
        this.#save();
      },
      Math.max(SAVE_INTERVAL_MS, this.#saveMs / SAVE_SHARE),
    );
  }

  #close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#save();
    this.#index.close();
  }

  /** A snapshot that cannot be written is no loss: the next server builds the index anew. */
  #save(): void {
    if (this.#snapshot === null || !this.#unsaved) return;
    const started = performance.now();
    const temporary = `${this.#snapshot}.${process.pid}.tmp`;
    const generation = randomUUID();
    try {
      this.#unsaved = false;
      // The columns first: only the database that names them makes them count.
      writeColumns(columnFile(this.#snapshot, generation), this.#table, generation);
      writeWholeSync(temporary, this.#index.export(generation));
      renameSync(temporary, this.#snapshot);
      removeColumns(this.#snapshot, generation);
    } catch {
      this.#unsaved = true;
      remove(temporary);
      remove(columnFile(this.#snapshot, generation));
    }
    this.#saveMs = performance.now() - started;
  }
}

/** null unless database and columns are whole and belong together. */
function restore(sql: SqlJsStatic, snapshot: string): { index: RunIndex; table: RunTable } | null {
  let bytes: Uint8Array;
  try {
    bytes = readWholeSync(snapshot);
  } catch {
    return null; // Not there (yet), or no file: it is built anew, and takes the place of whatever lies there.
  }
  const index = new RunIndex(sql, bytes);
  const columns = index.generation === null ? null : readColumns(columnFile(snapshot, index.generation), index.generation);
  if (columns !== null) {
    const stamps = index.stamps();
    if (stamps.size === columns.ids.length) {
      const inOrder = columns.ids.map((id) => stamps.get(id) ?? "");
      return { index, table: RunTable.restore(columns.ids, inOrder, columns.columns, columns.definitions) };
    }
  }
  index.close();
  return null;
}

function columnFile(snapshot: string, generation: string): string {
  return `${snapshot}.${generation}.columns`;
}

/** Takes away the columns of other generations. */
function removeColumns(snapshot: string, except: string): void {
  const [folder, name] = [path.dirname(snapshot), path.basename(snapshot)];
  for (const file of readdirSync(folder)) {
    const isOld = file.startsWith(`${name}.`) && file.endsWith(".columns") && file !== path.basename(columnFile(snapshot, except));
    if (isOld) remove(path.join(folder, file));
  }
}

/** Whatever it is, if it is there. */
function remove(place: string): void {
  rmSync(place, { force: true, recursive: true });
}
