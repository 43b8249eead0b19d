/** What the catalogue is compared with: the same runs in SQLite, and in MLflow's store where that is installed. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import type { JsonValue } from "../../protocol/json.ts";
import { summaryOf } from "./many-runs.ts";
import { medianMs } from "./result.ts";

/** Medians in ms; left out where the reference has no such question. */
export interface Reference {
  readonly what: string;
  readonly page_ms: number;
  readonly fields_ms?: number;
  readonly group_ms?: number;
}

/** MLflow takes 20 ms to store a run. */
const MOST_IN_MLFLOW = 1_000;
const INDEXED = ["p_optim", "p_learning_rate", "m_loss", "min_eval/loss"];

/** What is used of better-sqlite3. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: readonly unknown[]): unknown; get(): unknown; all(): readonly unknown[] };
  transaction(work: () => void): () => void;
}

export async function references(folder: string, size: number, rounds: number): Promise<readonly Reference[]> {
  const file = path.join(folder, "runs.jsonl");
  await writeFile(file, Array.from({ length: size }, (_, n) => JSON.stringify(plainRun(n))).join("\n"));
  const open = betterSqlite();
  const sqlite = open === null ? ((await inPython("sqlite_runs.py", file, rounds)) as Reference) : await inNode(open(), size, rounds);
  const mlflow = size <= MOST_IN_MLFLOW ? ((await inPython("mlflow_search.py", file, rounds)) as Reference | null) : null;
  return mlflow === null ? [sqlite] : [sqlite, mlflow];
}

interface PlainRun {
  readonly name: string;
  readonly state: string;
  readonly params: Readonly<Record<string, JsonValue>>;
  /** Last and least value. */
  readonly metrics: Readonly<Record<string, readonly [number, number]>>;
}

function plainRun(n: number): PlainRun {
  const { name, state, params, metrics } = summaryOf(n);
  const values = Object.entries(metrics).map(([key, one]) => [key, [Number(one.last), Number(one.min)]] as const);
  return { name, state, params, metrics: Object.fromEntries(values) };
}

async function inPython(script: string, file: string, rounds: number): Promise<unknown> {
  const command = process.env["TRAINYARD_PYTHON"] ?? "python3";
  const { stdout } = await promisify(execFile)(command, [path.resolve("bench/lib", script), file, String(rounds)]);
  return JSON.parse(stdout);
}

/** null where it is not installed: it is compiled when it is, so that it is no dependency of the project. */
function betterSqlite(): (() => Database) | null {
  try {
    const Constructor = createRequire(path.resolve("package.json"))("better-sqlite3") as new (file: string) => Database;
    return () => new Constructor(":memory:");
  } catch {
    return null;
  }
}

/** The table and the questions of sqlite_runs.py. */
async function inNode(database: Database, size: number, rounds: number): Promise<Reference> {
  const first = columnsOf(plainRun(0));
  const names = [...first.keys()].map((name) => `"${name}"`);
  database.exec(`CREATE TABLE runs (id INTEGER PRIMARY KEY, ${names.join(", ")})`);
  const insert = database.prepare(`INSERT INTO runs (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`);
  database.transaction(() => {
    for (let n = 0; n < size; n++) insert.run(...columnsOf(plainRun(n)).values());
  })();
  for (const name of INDEXED) database.exec(`CREATE INDEX "by ${name}" ON runs ("${name}")`);
  database.exec("ANALYZE");
  const where = "WHERE p_optim = 'adamw' AND m_loss < 2";
  const page = database.prepare(
    `SELECT name, state, p_optim, m_loss, "min_eval/loss" FROM runs ${where} ORDER BY "min_eval/loss" LIMIT 50`,
  );
  const total = database.prepare(`SELECT count(*) FROM runs ${where}`);
  const group = database.prepare(
    `SELECT p_optim, p_learning_rate, count(*), avg("m_eval/loss"),
      avg("m_eval/loss" * "m_eval/loss") - avg("m_eval/loss") * avg("m_eval/loss") FROM runs GROUP BY 1, 2`,
  );
  const fields = names.map((name) => database.prepare(`SELECT count(${name}), min(${name}), max(${name}) FROM runs`));
  const few = Math.max(1, Math.floor(rounds / 5));
  const { version } = database.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  return {
    what: `better-sqlite3, SQLite ${version}, table with indexes`,
    page_ms: await medianMs(rounds, () => [page.all(), total.get()], "wall"),
    fields_ms: await medianMs(few, () => fields.map((field) => field.get()), "wall"),
    group_ms: await medianMs(few, () => group.all(), "wall"),
  };
}

/** A column per param and metric; a param within another one by its path. */
function columnsOf({ name, state, params, metrics }: PlainRun): Map<string, unknown> {
  const columns = new Map<string, unknown>([
    ["name", name],
    ["state", state],
  ]);
  const add = (prefix: string, values: Readonly<Record<string, JsonValue>>): void => {
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) add(`${prefix}${key}.`, value);
      else columns.set(prefix + key, typeof value === "boolean" ? Number(value) : value);
    }
  };
  add("p_", params);
  for (const [key, [last, least]] of Object.entries(metrics)) columns.set(`m_${key}`, last).set(`min_${key}`, least);
  return columns;
}
