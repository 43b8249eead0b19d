/** Points on their way into a store: gathered per run, attempt and metric as a file names them, in its order. */
import type { TrainyardError } from "../../protocol/errors.ts";
import type { ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import type { SeriesWindow } from "../series/types.ts";
import { cannotImport } from "./refused.ts";

/** What a file says, piece by piece. Runs come before their points. */
export type ImportPiece =
  | { readonly type: "provenance"; readonly provenance: Origin }
  | { readonly type: "run"; readonly run: ExportedRun }
  | ({ readonly type: "point" } & ImportedPoint);

/** What the file says of the export that wrote it. */
export type Origin = { readonly [Key in "version" | "store" | "exported_at"]?: ExportProvenance[Key] | undefined };

export interface ImportedPoint {
  /** The run's id in the file, and its name where the file tells it. */
  readonly run: string;
  readonly name: string | null;
  readonly metric: string;
  readonly attempt: number;
  readonly step: number;
  /** ms since the epoch. */
  readonly time: number;
  readonly value: number;
}

/** More attempts than any run has: a file that names so many is none of ours. */
const MAX_ATTEMPT = 100_000;

export class GatheredRun {
  name: string | null = null;
  known: ExportedRun | null = null;
  count = 0;
  /** Attempt → metric → columns. */
  readonly attempts = new Map<number, Map<string, Columns>>();

  add({ attempt, metric, step, time, value }: ImportedPoint): void {
    const metrics = this.attempts.get(attempt) ?? new Map<string, Columns>();
    this.attempts.set(attempt, metrics);
    let columns = metrics.get(metric);
    if (columns === undefined) metrics.set(metric, (columns = new Columns()));
    columns.push(step, time, value);
    this.count++;
  }

  /** The points of one attempt as the windows that they were exported from. */
  windows(attempt: number): SeriesWindow[] {
    return [...(this.attempts.get(attempt) ?? [])].map(([name, columns]) => columns.window(name, attempt));
  }
}

/** Three columns that grow. */
class Columns {
  #data = new Float64Array(3 * 256);
  #length = 0;

  push(step: number, time: number, value: number): void {
    if (3 * this.#length === this.#data.length) {
      const larger = new Float64Array(2 * this.#data.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    const at = 3 * this.#length++;
    this.#data[at] = step;
    this.#data[at + 1] = time;
    this.#data[at + 2] = value;
  }

  window(name: string, attempt: number): SeriesWindow {
    const column = (offset: number): Float64Array => Float64Array.from({ length: this.#length }, (_, i) => this.#data[3 * i + offset] ?? 0);
    const attempts = new Int32Array(this.#length).fill(attempt);
    return { name, steps: column(0), times: column(1), values: column(2), attempts, downsampled: false };
  }
}

export interface Gathered {
  readonly provenance: Origin;
  /** By the id in the file, in its order. */
  readonly runs: ReadonlyMap<string, GatheredRun>;
}

/** @throws TrainyardError bad_request for points that no metric file can hold */
export async function gather(pieces: AsyncIterable<ImportPiece>): Promise<Gathered> {
  const runs = new Map<string, GatheredRun>();
  const runOf = (id: string): GatheredRun => {
    let run = runs.get(id);
    if (run === undefined) runs.set(id, (run = new GatheredRun()));
    return run;
  };
  let provenance: Origin = {};
  for await (const piece of pieces) {
    if (piece.type === "provenance") provenance = piece.provenance;
    else if (piece.type === "run") runOf(piece.run.id).known = piece.run;
    else {
      check(piece);
      const run = runOf(piece.run);
      run.name ??= piece.name;
      run.add(piece);
    }
  }
  return { provenance, runs };
}

function check({ attempt, step, time, metric, run }: ImportedPoint): void {
  const where = `a point of the metric ${JSON.stringify(metric.slice(0, 100))} of the run ${run.slice(0, 100)}`;
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > MAX_ATTEMPT) throw wrong(`${where} is of the attempt ${attempt}`);
  if (!Number.isFinite(step) || !Number.isFinite(time)) throw wrong(`${where} has no finite step or time`);
  if (Buffer.byteLength(metric) > 65_535) throw wrong(`${where} has a name of more than 65,535 bytes`);
}

function wrong(what: string): TrainyardError {
  return cannotImport("the file", what);
}
