/**
 * The bias-corrected exponential moving average of a series, over all its finite values in their order: s_n = w s_{n-1} + (1 - w) v_n, shown
 * as s_n / (1 - w^n), so that the first points are not pulled to zero. A value that is not finite leaves a gap and does not enter.
 *
 * One definition for the server, which smooths long series, and for pages, which smooth those that they hold every point of.
 */
import { decimal } from "./query-number.ts";

/** The weight of what came before. 0 gives the values themselves. */
export const SmoothingWeight = decimal.min(0).lt(1);

/** Where an average stands: it goes on from here exactly as if it had never stopped. */
export interface AverageState {
  /** s_n */
  sum: number;
  /** w^n, and 0 once it makes no difference. */
  rest: number;
}

export function newAverage(): AverageState {
  return { sum: 0, rest: 1 };
}

/** Less than this changes nothing in 1 - w^n; on its way to zero it would become too small a number to be multiplied quickly. */
const NO_REST = 2 ** -60;

/** Writes the averages after `values` at [from, to) to `target` from `at` on, NaN for a gap, and moves `state` on. */
export function smoothInto(
  state: AverageState,
  weight: number,
  values: Float64Array,
  from: number,
  to: number,
  target: Float64Array,
  at: number,
): void {
  let { sum, rest } = state;
  for (let i = from; i < to; i++) {
    const value = values[i] ?? Number.NaN;
    if (value - value !== 0) {
      target[at + i - from] = Number.NaN;
      continue;
    }
    sum = weight * sum + (1 - weight) * value;
    rest *= weight;
    if (rest < NO_REST) rest = 0;
    target[at + i - from] = sum / (1 - rest);
  }
  state.sum = sum;
  state.rest = rest;
}
