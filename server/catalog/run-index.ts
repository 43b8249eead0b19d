/** The catalogue's database: entity, attribute, value with integer keys, in sql.js. Runs inside the worker. */
import { createHash } from "node:crypto";
import type { Database, SqlJsStatic, SqlValue, Statement } from "sql.js";
import type { RunSummary } from "../../protocol/run.ts";
import { toEntry, type Entry } from "./entry.ts";
import type { CatalogQuery } from "./types.ts";

/** Counts up with each change of the tables or of what `toEntry` keeps; another version's snapshot is thrown away. */
export const INDEX_VERSION = 1;
/** "TRYD": tells a snapshot from any other SQLite file. */
const APPLICATION_ID = 0x54525944;

const TABLES = `
  CREATE TABLE runs (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,
    project TEXT NOT NULL, state TEXT NOT NULL, archived INTEGER NOT NULL, search TEXT NOT NULL);
  CREATE TABLE fields (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE cells (
    field INTEGER NOT NULL, run INTEGER NOT NULL, number REAL, text TEXT,
    PRIMARY KEY (field, run)) WITHOUT ROWID;
  CREATE INDEX cells_of_run ON cells (run);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${INDEX_VERSION};`;

type OpenDatabase = new (data: Uint8Array | null, options: { useOldExtensionFunctions: boolean }) => Database;

export class RunIndex {
  readonly #db: Database;
  readonly #statements = new Map<string, Statement>();
  readonly #fields = new Map<string, number>();
  /** Was the snapshot taken over? Otherwise the index starts empty. */
  readonly restored: boolean;

  constructor(sql: SqlJsStatic, snapshot: Uint8Array | null) {
    // The published types leave out the second argument.
    const open = sql.Database as unknown as OpenDatabase;
    const restored = snapshot === null ? null : openSnapshot(open, snapshot);
    this.restored = restored !== null;
    this.#db = restored ?? new open(null, { useOldExtensionFunctions: false });
    if (restored === null) this.#db.exec(TABLES);
    for (const [name, key] of this.#rows("SELECT name, key FROM fields")) this.#fields.set(String(name), Number(key));
  }

  /** Makes the index hold exactly `runs`; returns how many entries it had to write or remove. */
  sync(runs: readonly RunSummary[]): number {
    return this.#transaction(() => {
      const known = new Map<string, string>();
      for (const [id, hash] of this.#rows("SELECT id, hash FROM runs")) known.set(String(id), String(hash));
      let changes = 0;
      for (const run of runs) {
        const entry = toEntry(run);
        const hash = hashOf(entry);
        if (known.get(run.id) !== hash) {
          this.#write(entry, hash);
          changes++;
        }
        known.delete(run.id);
      }
      for (const id of known.keys()) this.#remove(id);
      return changes + known.size;
    });
  }

  change(upserts: readonly RunSummary[], removed: readonly string[]): void {
    this.#transaction(() => {
      for (const id of removed) this.#remove(id);
      for (const run of upserts) {
        const entry = toEntry(run);
        this.#write(entry, hashOf(entry));
      }
    });
  }

  /** @returns ids of the page in order, and how many runs pass the filters */
  list(query: CatalogQuery): { ids: string[]; total: number } {
    const conditions: string[] = [];
    const values: SqlValue[] = [];
    const where = (condition: string, ...bound: SqlValue[]): void => {
      conditions.push(condition);
      values.push(...bound);
    };
    if (query.project !== undefined) where("r.project = ?", query.project);
    if (query.state !== undefined) where(`r.state IN (${query.state.map(() => "?").join(", ")})`, ...query.state);
    if (query.archived !== undefined) where("r.archived = ?", Number(query.archived));
    if (query.search !== undefined && query.search !== "") where("instr(r.search, ?) > 0", query.search.toLowerCase());
    const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;

    const down = query.sort.startsWith("-");
    const direction = down ? "DESC" : "ASC";
    const field = this.#fields.get(down ? query.sort.slice(1) : query.sort) ?? -1;
    // Runs without the field come last in both directions; ids sort by creation and make the order total.
    const ids = this.#rows(
      `SELECT r.id FROM runs r LEFT JOIN cells c ON c.field = ? AND c.run = r.key ${filter}
       ORDER BY c.run IS NULL, c.number IS NULL, c.number ${direction}, c.text COLLATE NOCASE ${direction}, c.text ${direction}, r.id ${direction}
       LIMIT ? OFFSET ?`,
      [field, ...values, query.limit, query.offset],
    );
    const [count] = this.#rows(`SELECT count(*) FROM runs r ${filter}`, values);
    return { ids: ids.map(([id]) => String(id)), total: Number(count?.[0] ?? 0) };
  }

  /** All that is indexed, in an order of its own: two indexes over the same runs give the same. */
  contents(): { runs: SqlValue[][]; cells: SqlValue[][] } {
    return {
      runs: this.#rows("SELECT id, hash, project, state, archived, search FROM runs ORDER BY id"),
      cells: this.#rows(
        `SELECT r.id, f.name, c.number, c.text FROM cells c JOIN runs r ON r.key = c.run JOIN fields f ON f.key = c.field
         ORDER BY r.id, f.name`,
      ),
    };
  }

  /** The database as a file's bytes. */
  export(): Uint8Array {
    // sql.js finalises every statement when it exports.
    this.#statements.clear();
    return this.#db.export();
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #write(entry: Entry, hash: string): void {
    this.#rows(
      `INSERT INTO runs (id, hash, project, state, archived, search) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, project = excluded.project, state = excluded.state,
         archived = excluded.archived, search = excluded.search`,
      [entry.id, hash, entry.project, entry.state, Number(entry.archived), entry.search],
    );
    const [row] = this.#rows("SELECT key FROM runs WHERE id = ?", [entry.id]);
    const key = Number(row?.[0]);
    this.#rows("DELETE FROM cells WHERE run = ?", [key]);
    for (const [name, cell] of entry.cells) {
      this.#rows("INSERT INTO cells (field, run, number, text) VALUES (?, ?, ?, ?)", [this.#field(name), key, cell.number, cell.text]);
    }
  }

  #remove(id: string): void {
    this.#rows("DELETE FROM cells WHERE run = (SELECT key FROM runs WHERE id = ?)", [id]);
    this.#rows("DELETE FROM runs WHERE id = ?", [id]);
  }

  #field(name: string): number {
    const known = this.#fields.get(name);
    if (known !== undefined) return known;
    this.#rows("INSERT INTO fields (name) VALUES (?)", [name]);
    const [row] = this.#rows("SELECT key FROM fields WHERE name = ?", [name]);
    const key = Number(row?.[0]);
    this.#fields.set(name, key);
    return key;
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      // Fields that were interned inside it are gone again.
      this.#fields.clear();
      for (const [name, key] of this.#rows("SELECT name, key FROM fields")) this.#fields.set(String(name), Number(key));
      throw error;
    }
  }

  #rows(sql: string, values: SqlValue[] = []): SqlValue[][] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    const rows: SqlValue[][] = [];
    try {
      statement.bind(values);
      while (statement.step()) rows.push(statement.get());
    } finally {
      statement.reset();
    }
    return rows;
  }
}

/** null when the bytes are no whole snapshot of this version. */
function openSnapshot(open: OpenDatabase, snapshot: Uint8Array): Database | null {
  let db: Database | null = null;
  try {
    db = new open(snapshot, { useOldExtensionFunctions: false });
    const pragma = (name: string): SqlValue | undefined => db?.exec(`PRAGMA ${name}`)[0]?.values[0]?.[0];
    if (pragma("application_id") === APPLICATION_ID && pragma("user_version") === INDEX_VERSION && pragma("quick_check") === "ok")
      return db;
  } catch {
    // Damaged in a way that SQLite notices at once.
  }
  db?.close();
  return null;
}

function hashOf(entry: Entry): string {
  return createHash("sha1")
    .update(JSON.stringify({ ...entry, cells: [...entry.cells] }))
    .digest("base64");
}
