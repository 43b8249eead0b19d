/** Points put in the order of their steps, with the attempt that each is of: made where curves overlap or steps go backwards. */
import { upperBound } from "./columns.ts";
import { firstFall, GapList, type Curve, type Points } from "./curve.ts";
import { Pyramid, type Extremes, type Seekable } from "./pyramid.ts";

/** What an attempt gives to the whole: its points whose step is below `below`. */
export interface MergePart {
  readonly attempt: number;
  readonly curve: Curve;
  readonly below: number;
}

/** A point of a part. */
interface Source {
  readonly part: MergePart;
  readonly index: number;
  readonly step: number;
}

export class MergedPoints implements Points {
  readonly gaps = new GapList();
  readonly length: number;
  readonly steps: Float64Array;
  readonly times: Float64Array;
  readonly attempts: Int32Array;
  readonly rows: Int32Array;
  readonly firstFall: number;
  readonly #parts: readonly MergePart[];
  /** How many points of each part were looked at. */
  readonly #taken: readonly number[];
  readonly #values: Float64Array;
  readonly #seekable: Seekable;
  readonly #pyramid = new Pyramid();

  /**
   * Equal steps keep the order of attempts and, within one, of the file.
   * @param parts in the order of attempts
   * @param before made of the same parts when they were shorter: a live run adds a little to much, and sorting everything takes long
   */
  constructor(parts: readonly MergePart[], before: MergedPoints | null) {
    const known = before !== null && before.#isBegun(parts) ? before : null;
    const added = newSources(parts, known === null ? [] : known.#taken);
    this.#parts = parts;
    this.#taken = parts.map(({ curve }) => curve.length);
    this.length = (known?.length ?? 0) + added.length;
    this.steps = new Float64Array(this.length);
    this.times = new Float64Array(this.length);
    this.#values = new Float64Array(this.length);
    this.#seekable = { data: this.#values, start: 0, seek: () => undefined };
    this.attempts = new Int32Array(this.length);
    this.rows = new Int32Array(this.length);
    let at = 0;
    let from = 0;
    for (const source of added) {
      if (known !== null) {
        const to = known.#countBefore(source);
        this.#copy(known, from, to, at);
        at += to - from;
        from = to;
      }
      this.#put(at++, source);
    }
    if (known !== null) this.#copy(known, from, known.length, at);
    this.#values.forEach((value, i) => {
      if (value - value !== 0) this.gaps.add(i, value);
    });
    this.firstFall = firstFall(this.#values, 0, this.length, -Infinity);
    this.#pyramid.extend(this.#values, 0, this.length, this.gaps.indexes.length === 0);
  }

  valueAt(index: number): number {
    return this.#values[index]!;
  }

  copyValues(from: number, to: number, target: Float64Array, at: number): void {
    target.set(this.#values.subarray(from, to), at);
  }

  extremes(from: number, to: number, into: Extremes): void {
    this.#pyramid.query(this.#seekable, from, to, into);
  }

  #isBegun(parts: readonly MergePart[]): boolean {
    if (parts.length !== this.#parts.length) return false;
    return parts.every(({ attempt, below, curve }, i) => {
      const before = this.#parts[i]!;
      return attempt === before.attempt && below === before.below && curve.length >= this.#taken[i]!;
    });
  }

  /** How many points stand before one that was logged later. */
  #countBefore({ step, part }: Source): number {
    let count = upperBound(this.steps, this.length, step);
    while (count > 0 && this.steps[count - 1] === step && this.attempts[count - 1]! > part.attempt) count--;
    return count;
  }

  #copy(other: MergedPoints, from: number, to: number, at: number): void {
    this.steps.set(other.steps.subarray(from, to), at);
    this.times.set(other.times.subarray(from, to), at);
    this.#values.set(other.#values.subarray(from, to), at);
    this.attempts.set(other.attempts.subarray(from, to), at);
    this.rows.set(other.rows.subarray(from, to), at);
  }

  #put(at: number, { part: { attempt, curve }, index, step }: Source): void {
    this.steps[at] = step;
    this.times[at] = curve.times[index]!;
    this.#values[at] = curve.valueAt(index);
    this.attempts[at] = attempt;
    this.rows[at] = curve.rows[index]!;
  }
}

/** In the order in which they will stand. @param taken how many points of each part are there already */
function newSources(parts: readonly MergePart[], taken: readonly number[]): Source[] {
  const sources: Source[] = [];
  parts.forEach((part, i) => {
    const { steps, length } = part.curve;
    for (let index = taken[i] ?? 0; index < length; index++)
      if (steps[index]! < part.below) sources.push({ part, index, step: steps[index]! });
  });
  // Stable: equal steps stay as they were collected.
  return sources.sort((a, b) => a.step - b.step);
}
