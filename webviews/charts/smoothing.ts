/**
 * Bias-corrected exponential moving average: s_n = w s_{n-1} + (1 - w) v_n, shown as s_n / (1 - w^n), so that the first points are
 * not pulled to zero. A value that is not finite leaves a gap and does not enter the average.
 */
export class Smoother {
  readonly weight: number;
  #sum = 0;
  #count = 0;

  /** @param weight 0 (off) up to, not including, 1 */
  constructor(weight: number) {
    if (!(weight >= 0 && weight < 1)) throw new RangeError(`smoothing weight ${String(weight)} is not in [0, 1)`);
    this.weight = weight;
  }

  /** The average after `value`, or NaN when the value is not finite. */
  next(value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    this.#sum = this.weight * this.#sum + (1 - this.weight) * value;
    this.#count++;
    return this.#sum / (1 - this.weight ** this.#count);
  }
}
