/** Exports that are text: CSV in both forms and JSON lines. */
import { createReadStream } from "node:fs";
import type { z } from "zod";
import type { TrainyardError } from "../../protocol/errors.ts";
import { ExportedPoint, ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import { parseJson } from "../../protocol/parse-json.ts";
import { CsvRows } from "./csv.ts";
import type { ImportPiece } from "./points.ts";
import { cannotImport, messageOf } from "./refused.ts";

export const LONG_COLUMNS = ["run", "name", "metric", "attempt", "step", "time", "value"] as const;
export const WIDE_COLUMNS = ["run", "name", "attempt", "step", "time"] as const;
/** A line of a file of ours is a record of a run at most. */
const MAX_LINE = 64 * 1024 * 1024;

export async function* readLong(file: string): AsyncGenerator<ImportPiece> {
  for await (const { cells, number } of csvRows(file, LONG_COLUMNS.length)) {
    const [run = "", name = "", metric = "", ...numbers] = cells;
    const [attempt = NaN, step = NaN, time = NaN, value = NaN] = numbers.map((text) => csvNumber(text, file, number));
    yield { type: "point", run, name, metric, attempt, step, time, value };
  }
}

export async function* readWide(file: string): AsyncGenerator<ImportPiece> {
  let metrics: string[] = [];
  for await (const { cells, number, head } of csvRows(file, null)) {
    if (metrics.length === 0) metrics = head.slice(WIDE_COLUMNS.length);
    const [run = "", name = "", ...rest] = cells;
    const [attempt = NaN, step = NaN, time = NaN] = rest.slice(0, 3).map((text) => csvNumber(text, file, number));
    for (const [i, metric] of metrics.entries()) {
      const text = rest[i + 3] ?? "";
      // Nothing was logged for this metric in this call.
      if (text !== "") yield { type: "point", run, name, metric, attempt, step, time, value: csvNumber(text, file, number) };
    }
  }
}

export async function* readJsonLines(file: string): AsyncGenerator<ImportPiece> {
  for await (const { text, number } of lines(file)) {
    if (text.trim() === "") continue;
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      throw atLine(file, number, messageOf(error));
    }
    const type = typeof value === "object" && value !== null && "type" in value ? value.type : null;
    if (type === "point") {
      const point = parse(ExportedPoint, value, file, number);
      yield { type: "point", ...point, name: null, value: fromWireNumber(point.value) };
    } else if (type === "run") {
      yield { type: "run", run: parse(ExportedRun, (value as { run?: unknown }).run, file, number) };
    } else if (type === "export") yield { type: "provenance", provenance: parse(ExportProvenance.partial(), value, file, number) };
    else throw atLine(file, number, "it is no line of an export");
  }
}

function parse<S extends z.ZodType>(schema: S, value: unknown, file: string, line: number): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw atLine(file, line, issue === undefined ? "it has another shape" : `${issue.path.join(".")}: ${issue.message}`);
}

/** @param width cells that a row has; null: as many as the head */
async function* csvRows(file: string, width: number | null): AsyncGenerator<{ cells: string[]; number: number; head: string[] }> {
  const csv = new CsvRows();
  let head: string[] | null = null;
  let number = 0;
  const check = function* (rows: string[][]): Generator<{ cells: string[]; number: number; head: string[] }> {
    for (const cells of rows) {
      number++;
      if (head === null) {
        head = cells;
        continue;
      }
      const wanted = width ?? head.length;
      if (cells.length !== wanted) throw atLine(file, number, `it has ${cells.length} cells where ${wanted} are needed`, "row");
      yield { cells, number, head };
    }
  };
  for await (const text of createReadStream(file, { encoding: "utf8", highWaterMark: 1024 * 1024 }) as AsyncIterable<string>)
    yield* check(csv.push(text));
  yield* check(csv.end());
}

function csvNumber(text: string, file: string, row: number): number {
  const value = Number(text);
  if (text.trim() === "" || (Number.isNaN(value) && text !== "NaN"))
    throw atLine(file, row, `${JSON.stringify(text.slice(0, 40))} is no number`, "row");
  return value;
}

async function* lines(file: string): AsyncGenerator<{ text: string; number: number }> {
  let rest = "";
  let number = 0;
  for await (const piece of createReadStream(file, { encoding: "utf8", highWaterMark: 1024 * 1024 }) as AsyncIterable<string>) {
    const parts = (rest + piece).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > MAX_LINE) throw atLine(file, number + parts.length + 1, "it is longer than any line of an export");
    for (const text of parts) yield { text, number: ++number };
  }
  yield { text: rest, number: number + 1 };
}

function atLine(file: string, number: number, what: string, unit = "line"): TrainyardError {
  return cannotImport(file, `${unit} ${number}: ${what}`);
}
