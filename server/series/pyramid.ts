/**
 * Where the least and the greatest value of any stretch of a column are, without looking at each value: nodes of 64 values at the base, each
 * level above gathers four. Only complete nodes are kept, so appending never changes one; the rest is looked at when asked.
 * Values that are not finite count as neither.
 */
import { Float64Column, Int32Column } from "./columns.ts";

/** Values of a node at the base. */
export const BASE = 64;
const FACTOR = 4;

/** How many points the largest nodes have of which at least three go into a stretch of `points`; 1 where those at the base are too large. */
export function wholeNodes(points: number): number {
  if (points < 3 * BASE) return 1;
  let span = BASE;
  while (3 * span * FACTOR <= points) span *= FACTOR;
  return span;
}

/** The least and greatest finite value found so far and the indexes of the first of each; -1 when there is none. */
export interface Extremes {
  least: number;
  greatest: number;
  low: number;
  high: number;
}

/** Values of which not all may be in one array. `seek` makes the array that holds `index` the current one, without making an object. */
export interface Seekable {
  seek(index: number): void;
  /** After `seek(i)`: value `i` is `data[i - start]`, and so are those behind it up to the next multiple of 64 at least. */
  readonly data: Float64Array;
  readonly start: number;
}

/** Copies the values at [from, to), which must be there, to `target` from `at` on. */
export function copyRange(values: Seekable, from: number, to: number, target: Float64Array | Int32Array, at: number): void {
  for (let i = from; i < to;) {
    values.seek(i);
    const end = Math.min(to, values.start + values.data.length);
    target.set(values.data.subarray(i - values.start, end - values.start), at + i - from);
    i = end;
  }
}

export function noExtremes(): Extremes {
  return { least: -1, greatest: -1, low: Infinity, high: -Infinity };
}

/** Complete nodes over a column, level by level: 64 values each at level 0, four times as many at each further one. */
export interface Nodes {
  /** How many complete nodes a level has; 0 above the highest. */
  nodeCount(level: number): number;
  widenByNode(level: number, node: number, into: Extremes): void;
}

/** Widens `into` by the values at [from, to). */
export function widenByRange(nodes: Nodes, values: Seekable, from: number, to: number, into: Extremes): void {
  for (let i = from; i < to;) {
    let span = BASE;
    let level = -1;
    // The largest complete node that starts here and fits.
    for (let l = 0; i % span === 0 && i + span <= to; l++, span *= FACTOR) {
      if (i / span >= nodes.nodeCount(l)) break;
      level = l;
    }
    if (level < 0) {
      const end = Math.min(to, i - (i % BASE) + BASE);
      values.seek(i);
      scan(values.data, values.start, i, end, into);
      i = end;
    } else {
      span = BASE * FACTOR ** level;
      nodes.widenByNode(level, i / span, into);
      i += span;
    }
  }
}

/** The values stand beside the indexes: looking each up in a large column would cost a cache miss. */
export interface Level {
  readonly least: Int32Column;
  readonly greatest: Int32Column;
  readonly low: Float64Column;
  readonly high: Float64Column;
}

export class Pyramid implements Nodes {
  readonly #levels: Level[] = [newLevel()];

  /**
   * Takes in values up to `length`; earlier ones are taken in already.
   * @param first index of `values[0]`; whole nodes before it were taken in
   * @param allFinite promises that every value since the last call is finite, which is the quick case
   */
  extend(values: Float64Array, first: number, length: number, allFinite: boolean): void {
    const base = this.#levels[0]!;
    for (let start = base.least.length * BASE; start + BASE <= length; start += BASE) {
      const found = noExtremes();
      if (allFinite) scanFinite(values, first, start, start + BASE, found);
      else scan(values, first, start, start + BASE, found);
      pushNode(base, found);
      if (base.least.length % FACTOR === 0) this.#gather(0);
    }
  }

  /** Widens `into` by the values at [from, to). */
  query(values: Seekable, from: number, to: number, into: Extremes): void {
    widenByRange(this, values, from, to, into);
  }

  /** Bytes that it takes in memory. */
  get bytes(): number {
    return this.#levels.reduce(
      (sum, { least, greatest, low, high }) =>
        sum + least.data.byteLength + greatest.data.byteLength + low.data.byteLength + high.data.byteLength,
      0,
    );
  }

  /** From the base up. */
  get levels(): readonly Level[] {
    return this.#levels;
  }

  nodeCount(level: number): number {
    return this.#levels[level]?.least.length ?? 0;
  }

  widenByNode(level: number, node: number, into: Extremes): void {
    widen(this.#levels[level]!, node, into);
  }

  /** Four nodes of `level` have just become complete: makes the node above them. */
  #gather(level: number): void {
    const below = this.#levels[level]!;
    const above = (this.#levels[level + 1] ??= newLevel());
    const found = noExtremes();
    for (let i = below.least.length - FACTOR; i < below.least.length; i++) widen(below, i, found);
    pushNode(above, found);
    if (above.least.length % FACTOR === 0) this.#gather(level + 1);
  }
}

function newLevel(): Level {
  return { least: new Int32Column(), greatest: new Int32Column(), low: new Float64Column(), high: new Float64Column() };
}

function pushNode(level: Level, found: Extremes): void {
  level.least.push(found.least);
  level.greatest.push(found.greatest);
  level.low.push(found.low);
  level.high.push(found.high);
}

function widen(level: Level, node: number, into: Extremes): void {
  const low = level.low.data[node]!;
  const high = level.high.data[node]!;
  if (low < into.low) {
    into.low = low;
    into.least = level.least.data[node]!;
  }
  if (high > into.high) {
    into.high = high;
    into.greatest = level.greatest.data[node]!;
  }
}

/** Into an empty `into`, of values that are all finite: one comparison less per value, usually. */
function scanFinite(values: Float64Array, first: number, start: number, end: number, into: Extremes): void {
  const from = start - first;
  const to = end - first;
  let least = from;
  let greatest = from;
  let low = values[from]!;
  let high = low;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    if (value < low) {
      low = value;
      least = i;
    } else if (value > high) {
      high = value;
      greatest = i;
    }
  }
  into.least = first + least;
  into.greatest = first + greatest;
  into.low = low;
  into.high = high;
}

/** Widens `into` by the values at [start, end); `first` is the index of `values[0]`. */
function scan(values: Float64Array, first: number, start: number, end: number, into: Extremes): void {
  let { least, greatest, low, high } = into;
  for (let i = start; i < end; i++) {
    const value = values[i - first]!;
    if (value - value !== 0) continue; // NaN and infinities
    if (value < low) {
      low = value;
      least = i;
    }
    if (value > high) {
      high = value;
      greatest = i;
    }
  }
  into.least = least;
  into.greatest = greatest;
  into.low = low;
  into.high = high;
}
