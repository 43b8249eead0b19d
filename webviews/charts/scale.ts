/** Scales between data and pixels, and the rules for the y range. */
export type Domain = readonly [number, number];

export interface Scale {
  /** Data to pixel. */
  at(value: number): number;
  /** Pixel to data. */
  invert(pixel: number): number;
}

/** Values beyond it are drawn out of the frame: the width of a domain must be a number too. */
const LARGEST = 4e307;
/** The least positive value that the drawing still works with: below it doubles lose their digits. */
const SMALLEST = 1e-300;
/** Of the larger end: a narrower window has too few doubles in it to place ticks and points. */
const NARROWEST_SHARE = 1e-14;

export function linearScale(domain: Domain, range: Domain): Scale {
  const span = domain[1] - domain[0];
  const size = range[1] - range[0];
  return {
    at: (value) => range[0] + ((value - domain[0]) / span) * size,
    invert: (pixel) => domain[0] + ((pixel - range[0]) / size) * span,
  };
}

/** Can a window be drawn and zoomed on from? Wheels and pinches go on for as long as the hand does. */
export function isDrawable([low, high]: Domain, log: boolean): boolean {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (!(high - low > Math.max(SMALLEST, NARROWEST_SHARE * size)) || size > LARGEST) return false;
  return !log || low >= SMALLEST;
}

/** @param domain both ends above zero */
export function logScale(domain: Domain, range: Domain): Scale {
  const inner = linearScale([Math.log(domain[0]), Math.log(domain[1])], range);
  return {
    at: (value) => (value > 0 ? inner.at(Math.log(value)) : Number.NaN),
    invert: (pixel) => Math.exp(inner.invert(pixel)),
  };
}

/** Widens to round numbers with at most about `ticks` of them; a flat line gets room around it. */
export function niceDomain(domain: Domain, ticks = 5): Domain {
  let [low, high] = domain.map((end) => Math.min(LARGEST, Math.max(-LARGEST, end))) as [number, number];
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Differences below what a double can tell apart are a flat line too.
  if (high - low <= size * 1e-12 || high - low < SMALLEST) {
    const room = size < SMALLEST ? 1 : size * 0.1;
    low -= room;
    high += room;
  }
  const step = niceStep((high - low) / ticks);
  // Whole multiples of the step: dividing and multiplying again would leave 0.30000000000000004.
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const whole = (multiple: number): number => (digits > MOST_DIGITS ? multiple * step : Number((multiple * step).toFixed(digits)));
  return [whole(Math.floor(low / step)), whole(Math.ceil(high / step))];
}

/** What `toFixed` can write. */
const MOST_DIGITS = 100;

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const part = rough / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/** A little room on both sides of positive data, so that the line does not lie on the frame. */
export function logDomain(domain: Domain): Domain {
  const [low, high] = domain.map((end) => Math.min(LARGEST, Math.max(SMALLEST, end))) as [number, number];
  // By logarithms: the quotient of two doubles need not be one.
  const room = low === high ? Math.LN2 : 0.04 * (Math.log(high) - Math.log(low));
  return [Math.max(SMALLEST / 2, low * Math.exp(-room)), Math.min(2 * LARGEST, high * Math.exp(room))];
}

/** The union of what was shown and what is needed: while live the range grows and never jumps back. */
export function growDomain(shown: Domain | null, needed: Domain): Domain {
  return shown === null ? needed : [Math.min(shown[0], needed[0]), Math.max(shown[1], needed[1])];
}

/** Smallest and largest finite value in [from, to), above zero if `positive`; null when there is none. */
export function extent(values: Float64Array, from: number, to: number, positive: boolean): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (let i = from; i < to; i++) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? null : [low, high];
}

/** Index of the first element >= x in a sorted column. */
export function lowerBound(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first element > x in a sorted column. */
export function upperBound(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Indexes in the order of the values, equal ones as they stand; null when that is how they stand. */
export function ascendingOrder(values: Float64Array): number[] | null {
  if (values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0))) return null;
  return [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
}

/** How many points at the beginning of a sorted column have no place: -Infinity. */
export function withoutPlace(sorted: Float64Array): number {
  return sorted[0] === -Infinity ? upperBound(sorted, -Infinity) : 0;
}

/** The points to draw for a window: those inside and one neighbour on each side, so that lines reach the frame; never one without a place. */
export function windowRange(sorted: Float64Array, window: Domain): readonly [number, number] {
  const from = Math.max(withoutPlace(sorted), lowerBound(sorted, window[0]) - 1);
  const to = Math.min(sorted.length, upperBound(sorted, window[1]) + 1);
  return [from, Math.max(from, to)];
}

/** Index of the point nearest to x, the first where several stand at one place; -1 when none has a place. */
export function nearestIndex(sorted: Float64Array, x: number): number {
  if (withoutPlace(sorted) === sorted.length) return -1;
  const right = Math.min(lowerBound(sorted, x), sorted.length - 1);
  const left = Math.max(0, right - 1);
  if (Math.abs((sorted[left] ?? 0) - x) > Math.abs((sorted[right] ?? 0) - x)) return right;
  return lowerBound(sorted, sorted[left] ?? 0);
}

/**
 * Index of the point `by` points beside one, and beyond all that stand at its own place: counts may stand still over many steps.
 * @returns null where there is none on that side
 */
export function indexBeside(sorted: Float64Array, index: number, by: number): number | null {
  const first = withoutPlace(sorted);
  const last = sorted.length - 1;
  const at = sorted[index];
  let next = Math.min(last, Math.max(first, index + by));
  if (at !== undefined && sorted[next] === at) next = by > 0 ? upperBound(sorted, at) : lowerBound(sorted, at) - 1;
  return next < first || next > last ? null : next;
}
