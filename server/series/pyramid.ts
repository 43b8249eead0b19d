/**
 * Where the least and the greatest value of any stretch of a column are, without looking at each value: nodes of 64 values at the base, each
 * level above gathers four. Only complete nodes are kept, so appending never changes one; the rest is looked at when asked.
 * Values that are not finite count as neither.
 */
import { Int32Column } from "./columns.ts";

const BASE = 64;
const FACTOR = 4;

/** Indexes of the least and greatest finite value (the first of equals); -1 when there is none. */
export interface Extremes {
  least: number;
  greatest: number;
}

interface Level {
  readonly least: Int32Column;
  readonly greatest: Int32Column;
}

export class Pyramid {
  readonly #levels: Level[] = [newLevel()];

  /**
   * Takes in values up to `length`; earlier ones are taken in already.
   * @param allFinite promises that every value since the last call is finite, which is the quick case
   */
  extend(values: Float64Array, length: number, allFinite: boolean): void {
    const base = this.#levels[0]!;
    for (let start = base.least.length * BASE; start + BASE <= length; start += BASE) {
      let least = start;
      let greatest = start;
      if (allFinite) {
        let low = values[start]!;
        let high = low;
        for (let i = start + 1; i < start + BASE; i++) {
          const value = values[i]!;
          if (value < low) {
            low = value;
            least = i;
          } else if (value > high) {
            high = value;
            greatest = i;
          }
        }
      } else {
        const found = { least: -1, greatest: -1 };
        scan(values, start, start + BASE, found);
        ({ least, greatest } = found);
      }
      base.least.push(least);
      base.greatest.push(greatest);
      if (base.least.length % FACTOR === 0) this.#gather(values, 0);
    }
  }

  /** Widens `into` by the values at [from, to). */
  query(values: Float64Array, from: number, to: number, into: Extremes): void {
    for (let i = from; i < to;) {
      let span = BASE;
      let level = -1;
      // The largest complete node that starts here and fits.
      for (let l = 0; i % span === 0 && i + span <= to && l < this.#levels.length; l++, span *= FACTOR) {
        if (i / span >= this.#levels[l]!.least.length) break;
        level = l;
      }
      if (level < 0) {
        const end = Math.min(to, i - (i % BASE) + BASE);
        scan(values, i, end, into);
        i = end;
      } else {
        span = BASE * FACTOR ** level;
        const node = this.#levels[level]!;
        widen(values, node.least.data[i / span]!, node.greatest.data[i / span]!, into);
        i += span;
      }
    }
  }

  /** Four nodes of `level` have just become complete: makes the node above them. */
  #gather(values: Float64Array, level: number): void {
    const below = this.#levels[level]!;
    const above = (this.#levels[level + 1] ??= newLevel());
    const found = { least: -1, greatest: -1 };
    for (let i = below.least.length - FACTOR; i < below.least.length; i++)
      widen(values, below.least.data[i]!, below.greatest.data[i]!, found);
    above.least.push(found.least);
    above.greatest.push(found.greatest);
    if (above.least.length % FACTOR === 0) this.#gather(values, level + 1);
  }
}

function newLevel(): Level {
  return { least: new Int32Column(), greatest: new Int32Column() };
}

function widen(values: Float64Array, least: number, greatest: number, into: Extremes): void {
  if (least < 0) return;
  if (into.least < 0 || values[least]! < values[into.least]!) into.least = least;
  if (into.greatest < 0 || values[greatest]! > values[into.greatest]!) into.greatest = greatest;
}

function scan(values: Float64Array, from: number, to: number, into: Extremes): void {
  let { least, greatest } = into;
  let low = least < 0 ? Infinity : values[least]!;
  let high = greatest < 0 ? -Infinity : values[greatest]!;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
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
}
