/** The curve of the training loss beside its value, in the rows on the screen: asked for once scrolling rests, a few at a time, and kept. */
import { splitField } from "../../protocol/expression/tokens.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { TableColumn } from "../../protocol/saved.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { loadSeries } from "../charts/run-points.ts";
import { extent } from "../charts/scale.ts";
import type { Transport } from "../transport/transport.ts";
import { type Field, sparkField } from "./fields.ts";
import { type Row, sparkCount } from "./scope.ts";

/** The box that a curve is drawn in. */
export const SPARK_WIDTH = 52;
export const SPARK_HEIGHT = 14;
/** About two for each pixel: the lowest and the highest. */
const POINTS = 104;
/** A longer curve would cost the server more to read than a glance at it is worth. */
const LONGEST = 200_000;
/** A curve that grew by less than this share looks the same. */
const GROWTH = 0.05;
const SETTLE_MS = 150;
const AT_ONCE = 3;
/** Curves that are kept: many screens of rows. */
const MOST_KEPT = 2000;

interface Wanted {
  readonly id: RunId;
  /** Points that the metric has. */
  readonly count: number;
}

interface Spark {
  readonly count: number;
  /** Of an SVG path; "" while it is on its way, and where there is nothing to draw. */
  path: string;
}

export class Sparklines {
  readonly #transport: Transport;
  readonly #onChange: () => void;
  #field: Field | null = null;
  #sparks = new Map<RunId, Spark>();
  #queue: Wanted[] = [];
  #running = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onChange a curve came, or another column has them */
  constructor(transport: Transport, onChange: () => void) {
    this.#transport = transport;
    this.#onChange = onChange;
  }

  /** The line of a run's curve, "" while there is none; null for a field whose column has no curves. */
  path(field: Field, run: RunId): string | null {
    return field === this.#field ? (this.#sparks.get(run)?.path ?? "") : null;
  }

  /** The rows on the screen now, undefined for one that is not loaded; those that were before and have no curve yet need none. */
  show(columns: readonly TableColumn[], rows: readonly (Row | undefined)[]): void {
    const field = sparkField(columns);
    if (field !== this.#field) {
      this.#sparks = new Map();
      this.#field = field;
      this.#onChange();
    }
    clearTimeout(this.#timer);
    this.#queue = field === null ? [] : rows.flatMap((row) => (row === undefined ? [] : this.#wanted(row, field)));
    if (this.#queue.length === 0 || field === null) return;
    this.#timer = setTimeout(() => {
      while (this.#running < AT_ONCE && this.#queue.length > 0) void this.#work(field);
    }, SETTLE_MS);
  }

  #wanted({ id, values }: Row, field: Field): Wanted[] {
    const count = Number(values[sparkCount(field)] ?? 0);
    const known = this.#sparks.get(id)?.count ?? 0;
    const changed = count > known * (1 + GROWTH) || count < known;
    return changed && count > 1 && count <= LONGEST ? [{ id, count }] : [];
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  async #work(field: Field): Promise<void> {
    this.#running++;
    try {
      for (let row = this.#queue.shift(); row !== undefined && field === this.#field; row = this.#queue.shift())
        await this.#load(field, row);
    } finally {
      this.#running--;
    }
  }

  async #load(field: Field, { id, count }: Wanted): Promise<void> {
    const sparks = this.#sparks;
    const spark = { count, path: sparks.get(id)?.path ?? "" };
    // The oldest goes first; one that is asked for again is the newest.
    sparks.delete(id);
    sparks.set(id, spark);
    if (sparks.size > MOST_KEPT) sparks.delete(sparks.keys().next().value ?? id);
    const metric = splitField(field).name;
    try {
      const columns = (await loadSeries(this.#transport, id, { metrics: [metric], max_points: POINTS })).get(metric);
      if (columns !== undefined) spark.path = sparkPath(columns.steps, columns.values);
    } catch (error) {
      // A run that was deleted meanwhile, or a server that is away: the row stands without its curve.
      if (!(error instanceof TrainyardError)) throw error;
      sparks.delete(id);
      return;
    }
    if (sparks === this.#sparks) this.#onChange();
  }
}

/** The curve in its box, from its lowest to its highest value; a value that is not finite leaves a gap. */
export function sparkPath(steps: Float64Array, values: Float64Array): string {
  const domain = extent(values, 0, values.length, false);
  const [first, last] = [steps[0] ?? 0, steps.at(-1) ?? 0];
  if (domain === null || first === last) return "";
  const [low, high] = domain;
  let path = "";
  let pen = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    const drawn = Number.isFinite(value);
    if (drawn) {
      const x = (((steps[i] ?? 0) - first) / (last - first)) * SPARK_WIDTH;
      const y = high === low ? SPARK_HEIGHT / 2 : 1 + ((high - value) / (high - low)) * (SPARK_HEIGHT - 2);
      path += `${pen ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`;
    }
    pen = drawn;
  }
  return path;
}
