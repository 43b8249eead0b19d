/** All series of one run, fed by the stream's Arrow frames. Names that start with "_" are the SDK's own and left out. */
import { tableFromIPC } from "apache-arrow/ipc/serialization";
import type { SeriesFrameHeader } from "../../protocol/frames.ts";
import { SeriesColumns } from "./columns.ts";

/** A stretch of points that a later attempt went over again. */
export interface DiscardedTail {
  readonly attempt: number;
  readonly columns: SeriesColumns;
}

export class SeriesStore {
  readonly #series = new Map<string, SeriesColumns>();
  readonly #discarded = new Map<string, DiscardedTail[]>();
  readonly #listeners = new Set<() => void>();
  #newest: { step: number; time: number } | null = null;
  /** Time of the run's first point, ms since the epoch; NaN before it. Relative time counts from here. */
  origin = Number.NaN;

  /** Names in the order in which they appeared. */
  get names(): readonly string[] {
    return [...this.#series.keys()];
  }

  get newest(): { readonly step: number; readonly time: number } | null {
    return this.#newest;
  }

  get(name: string): SeriesColumns | undefined {
    return this.#series.get(name);
  }

  discarded(name: string): readonly DiscardedTail[] {
    return this.#discarded.get(name) ?? [];
  }

  setDiscarded(tails: ReadonlyMap<string, DiscardedTail[]>): void {
    this.#discarded.clear();
    for (const [name, list] of tails) this.#discarded.set(name, list);
    this.#changed();
  }

  apply(header: SeriesFrameHeader, body: Uint8Array): void {
    if (header.reset) {
      for (const columns of this.#series.values()) columns.clear();
      this.origin = Number.NaN;
      this.#newest = null;
    }
    const targets = header.series.map((name, i) => {
      if (name.startsWith("_")) return null;
      let columns = this.#series.get(name);
      if (columns === undefined) this.#series.set(name, (columns = new SeriesColumns()));
      if (header.downsampled[i] === true) columns.downsampled = true;
      return columns;
    });
    forEachPoint(body, (series, step, time, value, attempt) => {
      // NaN never compares, so the first point sets the origin.
      if (!(time >= this.origin)) this.origin = time;
      if (this.#newest === null || step >= this.#newest.step) this.#newest = { step, time };
      targets[series]?.append(step, time, value, attempt);
    });
    this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The points of an Arrow answer of one attempt, by series name. */
export function readSeries(header: SeriesFrameHeader, body: Uint8Array): Map<string, SeriesColumns> {
  const columns = header.series.map((name, i) => {
    const of = new SeriesColumns();
    of.downsampled = header.downsampled[i] ?? false;
    return [name, of] as const;
  });
  forEachPoint(body, (series, step, time, value, attempt) => columns[series]?.[1].append(step, time, value, attempt));
  return new Map(columns);
}

type PointVisitor = (series: number, step: number, time: number, value: number, attempt: number) => void;

/** Reads whole column chunks: `vector.get(i)` in a loop is about thirty times slower. */
function forEachPoint(body: Uint8Array, visit: PointVisitor): void {
  if (body.length === 0) return;
  const table = tableFromIPC(body);
  for (const batch of table.batches) {
    const column = (name: string): Float64Array | Int32Array => {
      const values: unknown = batch.getChild(name)?.data[0]?.values;
      if (values instanceof Float64Array || values instanceof Int32Array) return values;
      throw new TypeError(`series frame without a numeric column ${name}`);
    };
    const [series, steps, times, values, attempts] = ["series", "step", "time", "value", "attempt"].map(column);
    for (let i = 0; i < batch.numRows; i++)
      visit(series?.[i] ?? 0, steps?.[i] ?? 0, times?.[i] ?? 0, values?.[i] ?? Number.NaN, attempts?.[i] ?? 0);
  }
}
