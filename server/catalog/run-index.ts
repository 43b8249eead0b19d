/** The catalogue's database, in sql.js: which runs are indexed, in which state of each, and their words. The values lie in the columns beside it. */
import type { Database, SqlJsStatic, SqlValue, Statement } from "sql.js";
import type { RunSummary } from "../../protocol/run.ts";

/** Counts up with each change of the tables, or of the fields beside them; another version's snapshot is thrown away. */
export const INDEX_VERSION = 3;
/** "TRYD": tells a snapshot from any other SQLite file. */
const APPLICATION_ID = 0x54525944;

const TABLES = `
  CREATE TABLE runs (id TEXT PRIMARY KEY, stamp TEXT NOT NULL, search TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE snapshot (generation TEXT NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${INDEX_VERSION};`;

type OpenDatabase = new (data: Uint8Array | null, options: { useOldExtensionFunctions: boolean }) => Database;

export class RunIndex {
  readonly #db: Database;
  readonly #statements = new Map<string, Statement>();
  /** Of the snapshot that was taken over: the columns of the same generation belong to it. null for an index that starts empty. */
  readonly generation: string | null;

  constructor(sql: SqlJsStatic, snapshot: Uint8Array | null) {
    // The published types leave out the second argument.
    const open = sql.Database as unknown as OpenDatabase;
    const restored = snapshot === null ? null : openSnapshot(open, snapshot);
    this.#db = restored ?? new open(null, { useOldExtensionFunctions: false });
    if (restored === null) this.#db.exec(TABLES);
    const generation = this.#rows("SELECT generation FROM snapshot")[0]?.[0];
    this.generation = typeof generation === "string" ? generation : null;
  }

  /** Every run's stamp. */
  stamps(): Map<string, string> {
    const stamps = new Map<string, string>();
    for (const line of this.#lines("SELECT group_concat(id || ' ' || stamp, char(10)) FROM runs")) {
      const space = line.indexOf(" ");
      stamps.set(line.slice(0, space), line.slice(space + 1));
    }
    return stamps;
  }

  change(upserts: readonly { readonly run: RunSummary; readonly stamp: string }[], removed: readonly string[]): void {
    this.#transaction(() => {
      for (const id of removed) this.#rows("DELETE FROM runs WHERE id = ?", [id]);
      for (const { run, stamp } of upserts) {
        this.#rows(
          `INSERT INTO runs (id, stamp, search) VALUES (?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, search = excluded.search`,
          [run.id, stamp, searchText(run)],
        );
      }
    });
  }

  /** Ids of the runs whose name, tags, notes or id hold the text, whatever the case. */
  search(text: string): Set<string> {
    return new Set(this.#lines("SELECT group_concat(id, char(10)) FROM runs WHERE instr(search, ?) > 0", [text.toLowerCase()]));
  }

  /** The database as a file's bytes. @param generation of the columns that are saved with it */
  export(generation: string): Uint8Array {
    this.#db.exec("DELETE FROM snapshot");
    this.#rows("INSERT INTO snapshot (generation) VALUES (?)", [generation]);
    // sql.js finalises every statement when it exports.
    this.#statements.clear();
    return this.#db.export();
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** One text of many lines: fetching rows one by one takes ten times as long. */
  #lines(sql: string, values: SqlValue[] = []): string[] {
    const all = this.#rows(sql, values)[0]?.[0];
    return typeof all === "string" ? all.split("\n") : [];
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

/** Everything that the text search looks at. The separator keeps a search from matching across the end of one text and the start of the next. */
function searchText(run: RunSummary): string {
  return [run.id, run.name, ...run.tags, run.notes].join("\u0001").toLowerCase();
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
