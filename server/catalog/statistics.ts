/** Statistics over a group of numbers. Pure. */
import type { Statistics } from "../../protocol/analysis.ts";

/**
 * @param numbers finite, ascending
 * @param rest what else the group holds
 */
export function statisticsOf(numbers: Float64Array, rest: { readonly missing: number; readonly nonFinite: number }): Statistics {
  const count = numbers.length;
  const counts = { count, missing: rest.missing, non_finite: rest.nonFinite };
  if (count === 0)
    return { ...counts, sum: null, mean: null, median: null, min: null, max: null, std: null, sem: null, ci95: null, q1: null, q3: null };
  const mean = meanOf(numbers);
  // In units of the largest difference: squares of tiny ones would vanish, and those of large ones overflow.
  const largest = Math.max(mean - (numbers[0] ?? mean), (numbers[count - 1] ?? mean) - mean);
  let squares = 0;
  if (largest > 0) for (const number of numbers) squares += ((number - mean) / largest) ** 2;
  const std = count < 2 ? null : finite(largest * Math.sqrt(squares / (count - 1)));
  const sem = std === null ? null : std / Math.sqrt(count);
  const half = sem === null ? null : sem * studentQuantile(0.975, count - 1);
  return {
    ...counts,
    sum: finite(mean * count),
    mean,
    median: quantile(numbers, 0.5),
    min: numbers[0] ?? null,
    max: numbers[count - 1] ?? null,
    std,
    sem,
    ci95: half === null || finite(mean - half) === null || finite(mean + half) === null ? null : [mean - half, mean + half],
    q1: quantile(numbers, 0.25),
    q3: quantile(numbers, 0.75),
  };
}

/** Each number's share first where the sum itself would overflow. */
function meanOf(numbers: Float64Array): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  if (Number.isFinite(sum)) return sum / numbers.length;
  let mean = 0;
  for (const number of numbers) mean += number / numbers.length;
  return mean;
}

/** @param sorted ascending, not empty. By linear interpolation between the two nearest. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const [a, b] = [sorted[low] ?? NaN, sorted[Math.min(low + 1, sorted.length - 1)] ?? NaN];
  const part = at - low;
  // Not a + (b − a) × part: the difference of two large numbers may overflow.
  return part === 0 ? a : a * (1 - part) + b * part;
}

function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}

const quantiles = new Map<string, number>();

/** The value that Student's t with `degrees` degrees of freedom stays below with probability `share` (above one half). */
export function studentQuantile(share: number, degrees: number): number {
  const key = `${share} ${degrees}`;
  const known = quantiles.get(key);
  if (known !== undefined) return known;
  let [low, high] = [0, 2];
  while (studentBelow(high, degrees) < share) high *= 2;
  for (let i = 0; i < 100 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentBelow(middle, degrees) < share) low = middle;
    else high = middle;
  }
  const found = (low + high) / 2;
  if (quantiles.size < 10_000) quantiles.set(key, found);
  return found;
}

/** @param t not negative */
function studentBelow(t: number, degrees: number): number {
  return 1 - incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/** The regularised incomplete beta function, by Lentz's continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on this side of the mean; beyond it the other tail is computed.
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const change = d * c;
    result *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return result;
}

/** Lanczos, g = 7. @param x above 0 */
function logGamma(x: number): number {
  const coefficients = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const base = x + 6.5;
  let sum = coefficients[0] ?? 0;
  for (let i = 1; i < coefficients.length; i++) sum += (coefficients[i] ?? 0) / (x - 1 + i);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}
