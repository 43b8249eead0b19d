/** All series of one run, fed by the stream's Arrow frames. Names that start with "_" are the SDK's own and left out. */
import { tableFromIPC } from "apache-arrow/ipc/serialization";
import type { SeriesFrameHeader } from "../../protocol/frames.ts";
import type { CounterAxis } from "../../protocol/queries.ts";
import { SeriesColumns } from "./columns.ts";

/** A stretch of points that a later attempt went over again. */
export interface DiscardedTail {
  readonly attempt: number;
  readonly columns: SeriesColumns;
}

/** Over the points of all metrics: lowest and highest step, latest time in ms since the epoch. */
export interface StoreSpan {
  readonly firstStep: number;
  readonly lastStep: number;
  readonly lastTime: number;
}

export class SeriesStore {
  readonly #series = new Map<string, SeriesColumns>();
  readonly #discarded = new Map<string, DiscardedTail[]>();
  readonly #listeners = new Set<() => void>();
  #span: StoreSpan | null = null;
  #counter: CounterAxis | null = null;
  /** Time of the run's first point, ms since the epoch; NaN before it. Relative time counts from here. */
  origin = Number.NaN;

  /** Names in the order in which they appeared. */
  get names(): readonly string[] {
    return [...this.#series.keys()];
  }

  /** From where to where the points reach; null before the first. */
  get span(): StoreSpan | null {
    return this.#span;
  }

  /** The metric that the points are placed on, and why they cannot be; null while nothing is known of any. */
  get counter(): CounterAxis | null {
    return this.#counter;
  }

  /** Metrics that may serve as the x axis. */
  get counters(): readonly string[] {
    return this.names.filter((name) => this.#series.get(name)?.counts);
  }

  get(name: string): SeriesColumns | undefined {
    return this.#series.get(name);
  }

  /** Are there series of which not all points are here? */
  get lacksPoints(): boolean {
    return [...this.#series.values()].some((columns) => columns.lacksPoints);
  }

  discarded(name: string): readonly DiscardedTail[] {
    return this.#discarded.get(name) ?? [];
  }

  setDiscarded(tails: ReadonlyMap<string, DiscardedTail[]>): void {
    this.#discarded.clear();
    for (const [name, list] of tails) this.#discarded.set(name, list);
    this.#changed();
  }

  /** The points are on no counter until the next frames come. */
  forgetPlaces(): void {
    this.#counter = null;
    for (const columns of this.#series.values()) columns.placeFrom(-Infinity, true, -Infinity);
    this.#discarded.clear();
    this.#changed();
  }

  apply(header: SeriesFrameHeader, body: Uint8Array): void {
    this.#counter = header.x ?? null;
    if (header.reset) {
      for (const [name, columns] of this.#series)
        if (header.series.includes(name)) columns.clear();
        else this.#series.delete(name);
      this.origin = Number.NaN;
      this.#span = null;
    }
    const targets = header.series.map((name, i) => {
      if (name.startsWith("_")) return null;
      let columns = this.#series.get(name);
      if (columns === undefined) this.#series.set(name, (columns = new SeriesColumns()));
      if (header.downsampled[i] === true) {
        columns.downsampled = true;
        columns.lackPoints(header.smoothing ?? null);
      }
      return columns;
    });
    const batches = readBatches(body);
    this.#placeEarlier(header, batches);
    let { firstStep, lastStep, lastTime } = this.#span ?? { firstStep: Infinity, lastStep: -Infinity, lastTime: -Infinity };
    forEachPoint(batches, (series, step, time, value, attempt, x, average) => {
      // NaN never compares, so the first point sets the origin.
      if (!(time >= this.origin)) this.origin = time;
      if (step < firstStep) firstStep = step;
      if (step > lastStep) lastStep = step;
      if (time > lastTime) lastTime = time;
      targets[series]?.append(step, time, value, attempt, x, average);
    });
    if (firstStep <= lastStep) this.#span = { firstStep, lastStep, lastTime };
    this.#changed();
  }

  /**
   * A count that was logged after other metrics of its step came without it: the points from its step on that are here already move to it. The
   * server's rule (server/series/counter.ts) for points that it sent before it could know.
   */
  #placeEarlier({ x, series: names }: SeriesFrameHeader, batches: readonly Batch[]): void {
    const counter = x?.problem === null ? names.indexOf(x.metric) : -1;
    if (x === undefined || counter < 0) return;
    let last = this.#series.get(x.metric)?.steps.at(-1) ?? -Infinity;
    forEachPoint(batches, (series, step, _time, value) => {
      if (series !== counter) return;
      // Where its step had a count before, the points of the step stand at that.
      for (const columns of this.#series.values()) columns.placeFrom(step, step > last, value);
      last = step;
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The points of an Arrow answer, by series name: of a stretch of the series, of one attempt, or fewer than there are. */
export function readSeries(header: SeriesFrameHeader, body: Uint8Array): Map<string, SeriesColumns> {
  const columns = header.series.map((name, i) => {
    const of = new SeriesColumns();
    of.downsampled = header.downsampled[i] ?? false;
    of.lackPoints(header.smoothing ?? null);
    return [name, of] as const;
  });
  forEachPoint(readBatches(body), (series, step, time, value, attempt, x, average) =>
    columns[series]?.[1].append(step, time, value, attempt, x, average),
  );
  return new Map(columns);
}

type PointVisitor = (series: number, step: number, time: number, value: number, attempt: number, x: number, average: number) => void;
type Batch = Readonly<Record<"series" | "step" | "time" | "value" | "attempt", Column>> & {
  readonly rows: number;
  readonly x: Column | null;
  readonly smoothed: Column | null;
};
type Column = Float64Array | Int32Array;

/** Reads whole column chunks: `vector.get(i)` in a loop is about thirty times slower. */
function readBatches(body: Uint8Array): Batch[] {
  if (body.length === 0) return [];
  return tableFromIPC(body).batches.map((batch) => {
    const optional = (name: string): Column | null => {
      const values: unknown = batch.getChild(name)?.data[0]?.values;
      return values instanceof Float64Array || values instanceof Int32Array ? values : null;
    };
    const column = (name: string): Column => {
      const values = optional(name);
      if (values === null) throw new TypeError(`series frame without a numeric column ${name}`);
      return values;
    };
    const [series, step, time] = [column("series"), column("step"), column("time")];
    const [x, smoothed] = [optional("x"), optional("smoothed")];
    return { rows: batch.numRows, series, step, time, value: column("value"), attempt: column("attempt"), x, smoothed };
  });
}

function forEachPoint(batches: readonly Batch[], visit: PointVisitor): void {
  const none = Number.NaN;
  for (const { rows, series, step, time, value, attempt, x, smoothed } of batches)
    for (let i = 0; i < rows; i++)
      visit(series[i] ?? 0, step[i] ?? 0, time[i] ?? 0, value[i] ?? none, attempt[i] ?? 0, x?.[i] ?? none, smoothed?.[i] ?? none);
}
