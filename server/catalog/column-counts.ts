/** How often a column holds what, kept with every change, so that the field index looks at columns and not at their rows. */
import type { WireNumber } from "../../protocol/json.ts";
import { fromWireNumber, toWireNumber } from "../../protocol/wire-number.ts";
import { KIND, type Numbers } from "./cell-kinds.ts";

const { number: NUMBER, boolean: BOOLEAN, text: TEXT } = KIND;
const KINDS = 5;
/** Different numbers that are counted one by one. Above the number that the field index lists, so that few removals make a new count necessary. */
const MOST_NUMBERS = 256;
/** What the field index lists. */
export const MAX_UNIQUE = 100;

/** A value, by its kind and the number that the column keeps it as. */
interface Counted {
  readonly kind: number;
  readonly number: number;
  readonly count: number;
}

export interface SavedCounts {
  readonly kinds: readonly number[];
  readonly non_finite: number;
  readonly range: readonly [WireNumber, WireNumber];
  readonly falses: number;
  readonly numbers: readonly (readonly [WireNumber, number])[] | null;
}

export class ColumnCounts {
  readonly #kinds = new Float64Array(KINDS);
  #nonFinite = 0;
  #min = Infinity;
  #max = -Infinity;
  /** The least or greatest number went away: the range has to be looked for. */
  #rangeStale = false;
  #falses = 0;
  /** Number → how often; null when there are too many different ones. */
  #numbers: Map<number, number> | null = new Map();
  /** While they are not counted: there are at least so many different numbers. */
  #atLeast = 0;
  /** By code of a text or list: how often. */
  #codes = new Int32Array();
  #entries = 0;

  get present(): number {
    return (this.#kinds[1] ?? 0) + (this.#kinds[2] ?? 0) + (this.#kinds[3] ?? 0) + (this.#kinds[4] ?? 0);
  }

  /** Rows with a value of the kind. */
  ofKind(kind: number): number {
    return this.#kinds[kind] ?? 0;
  }

  ofCode(code: number): number {
    return this.#codes[code] ?? 0;
  }

  get nonFinite(): number {
    return this.#nonFinite;
  }

  /** Of the finite numbers; null without any. */
  get range(): readonly [number, number] | null {
    return this.#min <= this.#max ? [this.#min, this.#max] : null;
  }

  /** `recount` has to be called before the rest is read. */
  get stale(): boolean {
    return this.#rangeStale || (this.#numbers === null && this.#atLeast <= MAX_UNIQUE);
  }

  /** Every different value with its count: kind, and number as the column keeps it; null when there are more than the field index lists. */
  unique(): readonly Counted[] | null {
    const trues = this.ofKind(BOOLEAN) - this.#falses;
    const different = (this.#numbers?.size ?? Infinity) + this.#entries + Number(this.#falses > 0) + Number(trues > 0);
    if (different > MAX_UNIQUE) return null;
    const found: Counted[] = [...(this.#numbers ?? [])].map(([number, count]) => ({ kind: NUMBER, number, count }));
    if (this.#falses > 0) found.push({ kind: BOOLEAN, number: 0, count: this.#falses });
    if (trues > 0) found.push({ kind: BOOLEAN, number: 1, count: trues });
    if (this.#entries > 0) for (const [number, count] of this.#codes.entries()) if (count > 0) found.push({ kind: TEXT, number, count });
    return found;
  }

  add(kind: number, number: number): void {
    this.#kinds[kind] = this.ofKind(kind) + 1;
    if (kind === NUMBER) this.#addNumber(number);
    else if (kind === BOOLEAN) this.#falses += Number(number === 0);
    else {
      if (number >= this.#codes.length) {
        const grown = new Int32Array(Math.max(16, 2 * number));
        grown.set(this.#codes);
        this.#codes = grown;
      }
      const count = this.ofCode(number) + 1;
      this.#codes[number] = count;
      if (count === 1) this.#entries++;
    }
  }

  /** Adds what some rows hold. */
  addRows(kinds: Uint8Array, numbers: Numbers, rows: Int32Array): void {
    // Stretches of one number are common (a count, a last step), and each costs a look into the map.
    let [stretch, length] = [0, 0];
    for (const row of rows) {
      const kind = kinds[row] ?? 0;
      const number = numbers[row] ?? 0;
      if (kind === NUMBER && number - number === 0) {
        if (length > 0 && number === stretch) length++;
        else {
          this.#addStretch(stretch, length);
          [stretch, length] = [number, 1];
        }
      } else if (kind !== 0) this.add(kind, number);
    }
    this.#addStretch(stretch, length);
  }

  remove(kind: number, number: number): void {
    this.#kinds[kind] = this.ofKind(kind) - 1;
    if (kind === NUMBER) this.#removeNumber(number);
    else if (kind === BOOLEAN) this.#falses -= Number(number === 0);
    else {
      const count = this.ofCode(number) - 1;
      this.#codes[number] = count;
      if (count === 0) this.#entries--;
    }
  }

  /** Counts the numbers anew. @param kinds by row, beside `numbers` */
  recount(kinds: Uint8Array, numbers: Numbers): void {
    this.#min = Infinity;
    this.#max = -Infinity;
    this.#rangeStale = false;
    this.#numbers = new Map();
    this.#nonFinite = 0;
    for (let row = 0; row < kinds.length; row++) if (kinds[row] === NUMBER) this.#addNumber(numbers[row] ?? 0);
  }

  /** The same for a dictionary whose codes have changed. @param recoded by old code; -1 for one that is not used */
  recoded(recoded: Int32Array, entries: number): ColumnCounts {
    const copy = ColumnCounts.restore(this.save());
    copy.#codes = new Int32Array(entries);
    copy.#entries = entries;
    for (const [code, now] of recoded.entries()) if (now >= 0) copy.#codes[now] = this.ofCode(code);
    return copy;
  }

  save(): SavedCounts {
    return {
      kinds: [...this.#kinds],
      non_finite: this.#nonFinite,
      range: [toWireNumber(this.#min), toWireNumber(this.#max)],
      falses: this.#falses,
      numbers: this.#numbers === null ? null : [...this.#numbers].map(([number, count]) => [toWireNumber(number), count]),
    };
  }

  static restore(saved: SavedCounts): ColumnCounts {
    const counts = new ColumnCounts();
    counts.#kinds.set(saved.kinds);
    counts.#nonFinite = saved.non_finite;
    counts.#min = fromWireNumber(saved.range[0]);
    counts.#max = fromWireNumber(saved.range[1]);
    counts.#falses = saved.falses;
    counts.#numbers = saved.numbers === null ? null : new Map(saved.numbers.map(([number, count]) => [fromWireNumber(number), count]));
    if (saved.numbers === null) counts.#atLeast = MOST_NUMBERS;
    return counts;
  }

  /** How often each entry of the dictionary stands in the rows: not saved, for it is quickly counted. */
  countCodes(kinds: Uint8Array, numbers: Numbers, entries: number): void {
    const codes = new Int32Array(entries);
    if (entries > 0)
      for (let at = 0; at < kinds.length; at++) {
        const code = numbers[at] ?? 0;
        if ((kinds[at] ?? 0) >= TEXT) codes[code] = (codes[code] ?? 0) + 1;
      }
    this.#codes = codes;
    this.#entries = entries;
  }

  #addStretch(number: number, length: number): void {
    if (length === 0) return;
    this.#kinds[NUMBER] = this.ofKind(NUMBER) + length;
    this.#addNumber(number, length);
  }

  #addNumber(number: number, times = 1): void {
    if (number - number !== 0) this.#nonFinite += times;
    else {
      if (number < this.#min) this.#min = number;
      if (number > this.#max) this.#max = number;
    }
    if (this.#numbers === null) return;
    this.#numbers.set(number, (this.#numbers.get(number) ?? 0) + times);
    if (this.#numbers.size <= MOST_NUMBERS) return;
    this.#atLeast = this.#numbers.size;
    this.#numbers = null;
  }

  #removeNumber(number: number): void {
    if (number - number !== 0) this.#nonFinite--;
    else if (number === this.#min || number === this.#max) this.#rangeStale = true;
    if (this.#numbers === null) {
      this.#atLeast--;
      return;
    }
    const count = (this.#numbers.get(number) ?? 0) - 1;
    if (count > 0) this.#numbers.set(number, count);
    else this.#numbers.delete(number);
  }
}
