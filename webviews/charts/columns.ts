/** The points of one series in typed columns that grow; reading costs no allocation. */
import { newAverage, smoothInto } from "../../protocol/smoothing.ts";
import { ascendingOrder } from "./scale.ts";

const FIRST_CAPACITY = 256;

export interface PointBlock {
  readonly steps: Float64Array;
  /** ms since the epoch */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly attempts: Int32Array;
}

/** A moving average over points that are all here, kept up as points come. */
interface OwnAverages {
  readonly weight: number;
  readonly state: ReturnType<typeof newAverage>;
  values: Float64Array;
  length: number;
}

export class SeriesColumns {
  #steps = new Float64Array(FIRST_CAPACITY);
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #attempts = new Int32Array(FIRST_CAPACITY);
  #xs = new Float64Array(FIRST_CAPACITY);
  #length = 0;
  #falls = false;
  #revision = 0;
  #own: OwnAverages | null = null;
  /** Averages that came with the points. */
  #served: { readonly weight: number; values: Float64Array<ArrayBuffer> } | null = null;
  #lacksPoints = false;
  #clockFalls = false;
  #byTime: SeriesColumns | null = null;
  /** The points that these are in another order, and where each stands among them. */
  #ordered: { readonly of: SeriesColumns; readonly places: number[] } | null = null;
  #orderedAverages: { readonly key: string; readonly values: Float64Array } | null = null;
  /** Does it hold fewer points than there are? */
  downsampled = false;

  get length(): number {
    return this.#length;
  }
  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#length);
  }
  get times(): Float64Array {
    return this.#times.subarray(0, this.#length);
  }
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
  get attempts(): Int32Array {
    return this.#attempts.subarray(0, this.#length);
  }

  /** Place of each point on the counter of the x axis, ascending; -Infinity for points before its first value. */
  get xs(): Float64Array {
    return this.#xs.subarray(0, this.#length);
  }

  /** Grows when points that were there changed, not when some were added. */
  get revision(): number {
    return this.#revision;
  }

  /** May other metrics be placed on it, as far as these points tell? It rises and never falls. */
  get counts(): boolean {
    return !this.#falls && this.#length > 1 && (this.#values[0] ?? 0) < (this.#values[this.#length - 1] ?? 0);
  }

  /** The same points in the order of their times: a clock that was set back, or a value that was logged late, breaks that of the steps. */
  get byTime(): SeriesColumns {
    if (!this.#clockFalls) return this;
    const { times } = this;
    const known = this.#byTime;
    const from = known?.length ?? 0;
    const latest = known?.times.at(-1) ?? Infinity;
    // While a run is live, what is new belongs to the end as a rule.
    const appends = known !== null && times.subarray(from).every((time, i) => time >= (i === 0 ? latest : (times[from + i - 1] ?? 0)));
    const sorted = appends ? known : new SeriesColumns();
    const ordered = (appends ? sorted.#ordered : null) ?? { of: this, places: [] };
    sorted.#ordered = ordered;
    const order = appends ? [...times.keys()].slice(from) : (ascendingOrder(times) ?? []);
    for (const i of order) {
      sorted.append(this.#steps[i] ?? 0, times[i] ?? 0, this.#values[i] ?? Number.NaN, this.#attempts[i] ?? 0);
      ordered.places.push(i);
    }
    sorted.downsampled = this.downsampled;
    this.#byTime = sorted;
    return sorted;
  }

  /** Are there points of the series that are not here, so that it cannot be smoothed here? */
  get lacksPoints(): boolean {
    return this.#lacksPoints;
  }

  /**
   * Says that points are missing: the moving average, which is over all of them, comes with the points from here on.
   * @param smoothing weight of the averages that come, null where none do
   */
  lackPoints(smoothing: number | null): void {
    this.#lacksPoints = true;
    this.#served = smoothing === null ? null : { weight: smoothing, values: new Float64Array(this.#steps.length) };
  }

  /** @param x place on the counter of the x axis, NaN for none @param average under the weight that `lackPoints` was told */
  append(step: number, time: number, value: number, attempt: number, x = Number.NaN, average = Number.NaN): void {
    if (this.#length === this.#steps.length) this.#grow();
    const at = this.#length++;
    if (at > 0 && time < (this.#times[at - 1] ?? 0)) this.#clockFalls = true;
    if (!Number.isFinite(value) || (at > 0 && value < (this.#values[at - 1] ?? 0))) this.#falls = true;
    this.#xs[at] = Number.isNaN(x) ? -Infinity : x;
    this.#steps[at] = step;
    this.#times[at] = time;
    this.#values[at] = value;
    this.#attempts[at] = attempt;
    if (this.#served !== null) this.#served.values[at] = average;
  }

  /** Moves the newest points, from a step on or behind it, to a place. */
  placeFrom(step: number, inclusive: boolean, x: number): void {
    for (let i = this.#length - 1; i >= 0; i--) {
      const at = this.#steps[i] ?? 0;
      if (at < step || (at === step && !inclusive)) return;
      this.#xs[i] = x;
      this.#revision++;
    }
  }

  clear(): void {
    this.#length = 0;
    this.#falls = this.#clockFalls = false;
    this.#byTime = null;
    this.#revision++;
    this.#own = null;
    this.#served = null;
    this.#lacksPoints = false;
    this.downsampled = false;
  }

  /**
   * Values under the moving average over the whole series, in the order of its steps. Weight 0 gives the values themselves. Of a series that
   * lacks points it is that of the weight that they came with: the newest that the server was asked for.
   */
  smoothed(weight: number): Float64Array {
    if (this.smoothedBy(weight) === 0) return this.values;
    if (this.#ordered !== null) return this.#inOrder(this.#ordered, weight);
    return this.#lacksPoints ? (this.#served?.values.subarray(0, this.#length) ?? this.values) : this.#smoothedHere(weight);
  }

  /** The weight that `smoothed` is under when this one is asked for. */
  smoothedBy(weight: number): number {
    if (weight === 0) return 0;
    if (this.#ordered !== null) return this.#ordered.of.smoothedBy(weight);
    return this.#lacksPoints ? (this.#served?.weight ?? 0) : weight;
  }

  #smoothedHere(weight: number): Float64Array {
    const { values } = this;
    if (this.#own?.weight !== weight) this.#own = { weight, state: newAverage(), values: new Float64Array(this.#steps.length), length: 0 };
    const own = this.#own;
    if (own.values.length < this.#length) {
      const grown = new Float64Array(this.#steps.length);
      grown.set(own.values.subarray(0, own.length));
      own.values = grown;
    }
    smoothInto(own.state, weight, values, own.length, this.#length, own.values, own.length);
    own.length = this.#length;
    return own.values.subarray(0, this.#length);
  }

  #inOrder({ of, places }: { readonly of: SeriesColumns; readonly places: readonly number[] }, weight: number): Float64Array {
    const key = [of.smoothedBy(weight), of.revision, places.length].join(" ");
    if (this.#orderedAverages?.key !== key) {
      const averages = of.smoothed(weight);
      this.#orderedAverages = { key, values: Float64Array.from(places, (place) => averages[place] ?? Number.NaN) };
    }
    return this.#orderedAverages.values;
  }

  #grow(): void {
    const capacity = this.#steps.length * 2;
    const widen = (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(capacity);
      to.set(from);
      return to;
    };
    this.#steps = widen(this.#steps);
    this.#times = widen(this.#times);
    this.#values = widen(this.#values);
    this.#xs = widen(this.#xs);
    if (this.#served !== null) this.#served.values = widen(this.#served.values);
    const attempts = new Int32Array(capacity);
    attempts.set(this.#attempts);
    this.#attempts = attempts;
  }
}
