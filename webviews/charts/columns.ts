/** The points of one series in typed columns that grow; reading costs no allocation. */
import { ascendingOrder } from "./scale.ts";
import { Smoother } from "./smoothing.ts";

const FIRST_CAPACITY = 256;

export interface PointBlock {
  readonly steps: Float64Array;
  /** ms since the epoch */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly attempts: Int32Array;
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
  #smoothed = new Float64Array(0);
  #smoother: Smoother | null = null;
  #smoothedLength = 0;
  #clockFalls = false;
  #byTime: SeriesColumns | null = null;
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
    const order = appends ? [...times.keys()].slice(from) : (ascendingOrder(times) ?? []);
    for (const i of order) sorted.append(this.#steps[i] ?? 0, times[i] ?? 0, this.#values[i] ?? Number.NaN, this.#attempts[i] ?? 0);
    sorted.downsampled = this.downsampled;
    this.#byTime = sorted;
    return sorted;
  }

  /** @param x place on the counter of the x axis, NaN for none */
  append(step: number, time: number, value: number, attempt: number, x = Number.NaN): void {
    if (this.#length === this.#steps.length) this.#grow();
    const at = this.#length++;
    if (at > 0 && time < (this.#times[at - 1] ?? 0)) this.#clockFalls = true;
    if (!Number.isFinite(value) || (at > 0 && value < (this.#values[at - 1] ?? 0))) this.#falls = true;
    this.#xs[at] = Number.isNaN(x) ? -Infinity : x;
    this.#steps[at] = step;
    this.#times[at] = time;
    this.#values[at] = value;
    this.#attempts[at] = attempt;
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
    this.#smoother = null;
    this.#smoothedLength = 0;
    this.downsampled = false;
  }

  /** Values under the moving average, kept up as points come. Weight 0 gives the values themselves. */
  smoothed(weight: number): Float64Array {
    if (weight === 0) return this.values;
    if (this.#smoother?.weight !== weight) {
      this.#smoother = new Smoother(weight);
      this.#smoothedLength = 0;
    }
    if (this.#smoothed.length < this.#length) {
      const grown = new Float64Array(this.#steps.length);
      grown.set(this.#smoothed.subarray(0, this.#smoothedLength));
      this.#smoothed = grown;
    }
    for (; this.#smoothedLength < this.#length; this.#smoothedLength++)
      this.#smoothed[this.#smoothedLength] = this.#smoother.next(this.#values[this.#smoothedLength] ?? Number.NaN);
    return this.#smoothed.subarray(0, this.#length);
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
    const attempts = new Int32Array(capacity);
    attempts.set(this.#attempts);
    this.#attempts = attempts;
  }
}
