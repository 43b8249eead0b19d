/** The long table in pieces of typed columns: what Parquet and Arrow files are written from. */
import type { ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import { ALL_POINTS, type ExportJob } from "./job.ts";

/** Rows of a piece: a row group of Parquet, a record batch of Arrow. */
const PIECE_ROWS = 100_000;

export interface LongPiece {
  readonly run: ExportedRun;
  readonly metric: string;
  readonly attempts: Int32Array;
  readonly steps: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** One metric after the other, in pieces of at most 100,000 rows. */
export async function* longPieces(job: ExportJob): AsyncGenerator<LongPiece> {
  for (const run of job.runs) {
    for (const { name, attempts, steps, times, values } of await job.points(run.id, ALL_POINTS)) {
      for (let from = 0; from < steps.length; from += PIECE_ROWS) {
        const to = Math.min(steps.length, from + PIECE_ROWS);
        const cut = { attempts: attempts.subarray(from, to), steps: steps.subarray(from, to) };
        yield { run, metric: name, ...cut, times: times.subarray(from, to), values: values.subarray(from, to) };
      }
    }
  }
}

/** Small pieces put together, so that a run of many short metrics does not become a file of many row groups. */
export async function* longBatches(job: ExportJob): AsyncGenerator<{ pieces: readonly LongPiece[]; rows: number }> {
  let pieces: LongPiece[] = [];
  let rows = 0;
  for await (const piece of longPieces(job)) {
    if (rows > 0 && rows + piece.steps.length > PIECE_ROWS) {
      yield { pieces, rows };
      [pieces, rows] = [[], 0];
    }
    pieces.push(piece);
    rows += piece.steps.length;
  }
  if (rows > 0) yield { pieces, rows };
}

/** The columns of the numbers of a batch, each in one array. */
export function numberColumns(pieces: readonly LongPiece[], rows: number): Omit<LongPiece, "run" | "metric"> {
  const columns = {
    attempts: new Int32Array(rows),
    steps: new Float64Array(rows),
    times: new Float64Array(rows),
    values: new Float64Array(rows),
  };
  let at = 0;
  for (const piece of pieces) {
    columns.attempts.set(piece.attempts, at);
    columns.steps.set(piece.steps, at);
    columns.times.set(piece.times, at);
    columns.values.set(piece.values, at);
    at += piece.steps.length;
  }
  return columns;
}

/** Provenance and records as the key/value metadata of a file. */
export function fileMetadata({ provenance, runs }: ExportJob): Map<string, string> {
  const { version, store, exported_at: at, query, metrics }: ExportProvenance = provenance;
  return new Map([
    ["trainyard.version", version],
    ["trainyard.store", store],
    ["trainyard.exported_at", at],
    ["trainyard.query", JSON.stringify(query)],
    ["trainyard.metrics", JSON.stringify(metrics)],
    ["trainyard.runs", JSON.stringify(runs)],
  ]);
}
