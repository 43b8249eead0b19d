/** What the benchmark `catalogue` is compared with, over the same runs: SQLite from Python, better-sqlite3 and MLflow where they are installed. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { flatten } from "../../protocol/configuration.ts";
import { summaryOf } from "./many-runs.ts";
import { medianMs } from "./result.ts";

/** Medians in ms; left out of what the other has no question for. */
export interface Reference {
  readonly what: string;
  readonly page_ms: number;
  readonly fields_ms?: number;
  readonly group_ms?: number;
}

/** More runs take MLflow's client minutes. */
const MOST_OF_MLFLOW = 10_000;

/** A run as one flat object: its params (`p_`), and last and least values of its metrics (`m_`, `min_`). */
type Row = Readonly<Record<string, string | number | null>>;

/** @param folder for the runs on their way */
export async function references(folder: string, size: number, rounds: number): Promise<Reference[]> {
  const file = path.join(folder, "runs.jsonl");
  await writeFile(file, Array.from({ length: size }, (_, n) => JSON.stringify(rowOf(n))).join("\n"));
  const python = async (program: string): Promise<Reference | null> => {
    const command = process.env["TRAINYARD_PYTHON"] ?? "python3";
    const { stdout } = await promisify(execFile)(command, [path.resolve("bench/lib", program), file, String(rounds)]);
    // Libraries may say something first.
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "null") as Reference | null;
  };
  const found = [
    await python("sqlite_runs.py"),
    await betterSqlite(size, rounds),
    size > MOST_OF_MLFLOW ? null : await python("mlflow_runs.py"),
  ];
  return found.filter((reference) => reference !== null);
}

function rowOf(n: number): Row {
  const { name, state, params, metrics } = summaryOf(n);
  const row: Record<string, string | number | null> = { name, state };
  // SQLite has no truths.
  for (const [key, value] of flatten(params)) row[`p_${key}`] = typeof value === "boolean" ? Number(value) : (value as string | number);
  for (const [key, { last, min }] of Object.entries(metrics)) {
    row[`m_${key}`] = last;
    row[`min_${key}`] = min;
  }
  return row;
}

/** What is used of better-sqlite3, which is no dependency: it is built on the machine. */
interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): unknown; get(): unknown; all(): unknown[] };
  close(): unknown;
}

async function betterSqlite(size: number, rounds: number): Promise<Reference | null> {
  const require = createRequire(path.resolve("package.json"));
  let Database: new (file: string) => Sqlite;
  try {
    Database = require("better-sqlite3") as typeof Database;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
  const asked = JSON.parse(readFileSync(path.resolve("bench/lib/sqlite-questions.json"), "utf8")) as {
    readonly indexes: readonly string[];
    readonly [question: string]: string | readonly string[];
  };
  const names = Object.keys(rowOf(0));
  const columns = names.map((name) => `"${name}"`).join(", ");
  const database = new Database(":memory:");
  try {
    database.exec(`CREATE TABLE runs (id INTEGER PRIMARY KEY, ${columns})`);
    const insert = database.prepare(`INSERT INTO runs (${columns}) VALUES (${names.map(() => "?").join(", ")})`);
    database.exec("BEGIN");
    for (let n = 0; n < size; n++) insert.run(...Object.values(rowOf(n)));
    database.exec("COMMIT");
    for (const name of asked.indexes) database.exec(`CREATE INDEX "by ${name}" ON runs ("${name}")`);
    database.exec("ANALYZE");
    const [page, total, group] = ["page", "total", "group"].map((question) => database.prepare(String(asked[question])));
    const fields = names.map((name) => database.prepare(String(asked["field"]).replaceAll("{}", name)));
    const few = Math.max(1, Math.floor(rounds / 5));
    const { version } = database.prepare("SELECT sqlite_version() AS version").get() as { readonly version: string };
    const page_ms = await medianMs(
      rounds,
      () => {
        if (page?.all().length !== 50) throw new Error("the page of better-sqlite3 is not whole");
        total?.get();
      },
      "wall",
    );
    const fields_ms = await medianMs(few, () => fields.map((field) => field.get()), "wall");
    const group_ms = await medianMs(few, () => group?.all(), "wall");
    return { what: `better-sqlite3 (SQLite ${version}), table with indexes`, page_ms, fields_ms, group_ms };
  } finally {
    database.close();
  }
}
