/** Tick steps and tick labels: as many digits as tell neighbouring ticks apart, and no more. */
import type { Domain } from "./scale.ts";

const MINUS = "\u2212";
/** Smaller values are written with an exponent, as everywhere on the page. */
const SMALLEST_PLAIN = 1e-3;
/** Larger ones with a prefix: 12.5k. */
const LARGEST_PLAIN = 10_000;
/** Beyond it the prefixes end, and a label would be as long as the number. */
const LARGEST_PREFIXED = 1e15;

/** The step of about `count` round ticks over a linear domain, as Vega (d3-array) chooses it: 1, 2 or 5 times a power of ten. */
export function tickStep([low, high]: Domain, count: number): number {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const error = rough / power;
  return power * (error >= Math.sqrt(50) ? 10 : error >= Math.sqrt(10) ? 5 : error >= Math.SQRT2 ? 2 : 1);
}

/** No axis has more. */
const MOST_TICKS = 200;

/** The multiples of a step within a domain. Counted from the first one: from 2^53 on, adding one to a number may change nothing. */
export function tickValues([low, high]: Domain, step: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.min(MOST_TICKS, Math.floor(high / step + 1e-9) - first + 1);
  return count > 0 ? Array.from({ length: count }, (_, i) => (first + i) * step) : [];
}

/** Power of ten of a positive number; a hair below a power counts as that power (0.1 * 3 / 3). */
function exponent(value: number): number {
  return Math.floor(Math.log10(value) + 1e-9);
}

/** The d3 format that all ticks of a linear axis share. */
export function linearFormat(domain: Domain, count: number): string {
  const size = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
  const step = exponent(tickStep(domain, count));
  const further = Math.max(0, exponent(size) - step);
  if (size >= LARGEST_PREFIXED) return `.${String(further)}~e`;
  if (size >= LARGEST_PLAIN) return `.${String(further + 1)}~s`;
  if (size < SMALLEST_PLAIN) return `.${String(further)}~e`;
  return `${size >= 1000 ? "," : ""}.${String(Math.max(0, -step))}f`;
}

/** Within one power of ten the ticks of a log axis may lie as close as those of a linear one. */
function isNarrow([low, high]: Domain): boolean {
  return high / low < 10;
}

/** The d3 format of a log axis: plain while its ends read well without an exponent. */
export function logFormat(domain: Domain, count: number): string {
  if (isNarrow(domain)) return linearFormat(domain, count);
  const [low, high] = domain;
  return low >= SMALLEST_PLAIN && high < LARGEST_PLAIN ? "~g" : ".0e";
}

/** Makes a formatter of a d3 format. */
export type MakeFormat = (specifier: string) => (value: number) => string;

/** A label as the axis shows it; the expression in build-frames.mjs says the same to Vega. */
function tickLabel(value: number, format: (value: number) => string): string {
  if (value === 0) return "0";
  const text = format(value);
  return text.replaceAll("-", MINUS).replaceAll("+", "");
}

/** Labels of the ticks of a domain; for a log domain of several powers of ten those of the powers. */
export function tickLabels(domain: Domain, count: number, logY: boolean, makeFormat: MakeFormat): string[] {
  const values: number[] = [];
  if (logY && !isNarrow(domain)) {
    for (let power = exponent(domain[0]); power <= exponent(domain[1]) + 1; power++) values.push(10 ** power);
    const format = makeFormat(logFormat(domain, count));
    return values.map((value) => tickLabel(value, format));
  }
  const format = makeFormat(linearFormat(domain, count));
  return tickValues(domain, tickStep(domain, count)).map((value) => tickLabel(value, format));
}
