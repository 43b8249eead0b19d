/** How long a step takes now. */

const MAX_KEPT = 200;
/** Of a long block of rows only the newest matter. */
export const RATE_ROWS = 512;

/** Advances that the clock takes for shorter are no measurement: what lies between is taken together with the next. */
const LEAST_MS = 1;

/**
 * Collects (step, time) of rows in the order of the file, times in ms; the time between two rows of one step (an evaluation) counts for no
 * step. Of rows that were all written in one millisecond nothing is known.
 */
export class StepRate {
  readonly #seconds: number[] = [];
  readonly #steps: number[] = [];
  #next = 0;
  #lastStep = NaN;
  #lastTime = NaN;

  add(step: number, time: number): void {
    const steps = step - this.#lastStep;
    const ms = time - this.#lastTime;
    if (steps > 0 && ms >= 0) {
      if (ms < LEAST_MS) return;
      this.#seconds[this.#next] = ms / 1000 / steps;
      this.#steps[this.#next] = steps;
      this.#next = (this.#next + 1) % MAX_KEPT;
    }
    this.#lastStep = step;
    this.#lastTime = time;
  }

  /** Rows were left out: the next one starts afresh. */
  skip(): void {
    this.#lastStep = NaN;
  }

  /** Median seconds per step, each advance weighing as many steps as it covers; null before two advances. */
  median(): number | null {
    if (this.#seconds.length < 2) return null;
    const order = [...this.#seconds.keys()].sort((a, b) => (this.#seconds[a] ?? 0) - (this.#seconds[b] ?? 0));
    const half = this.#steps.reduce((sum, n) => sum + n, 0) / 2;
    let weight = 0;
    for (const i of order) {
      weight += this.#steps[i] ?? 0;
      if (weight >= half) return this.#seconds[i] ?? null;
    }
    return null;
  }
}
