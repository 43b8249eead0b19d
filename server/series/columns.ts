/** Typed arrays that grow: one number costs 8 (or 4) bytes and no object. */

/** Small: a run may have thousands of metrics with few points each. */
const FIRST_CAPACITY = 32;

/** Doubling copies each value about once; larger columns grow by a quarter, for then the memory counts more. */
function grow(capacity: number, needed: number): number {
  return Math.max(needed, Math.ceil(capacity * (capacity < 16_384 ? 2 : 1.25)));
}

/** How many of the first `length` indexes hold; those that do stand before those that do not. */
export function countLeading(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A growing list of doubles. `data` may be longer than `length` and is replaced when the column grows. */
export class Float64Column {
  data = new Float64Array(FIRST_CAPACITY);
  length = 0;

  /** Makes room for `more` values, so that they can be written to `data` directly. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.data.length) return;
    const grown = new Float64Array(grow(this.data.length, needed));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }
}

/** A growing list of whole numbers from 0 (or -1 for "none") up to 2^31. */
export class Int32Column {
  data = new Int32Array(FIRST_CAPACITY / 4);
  length = 0;

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.data.length) return;
    const grown = new Int32Array(grow(this.data.length, needed));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }
}

/** Index of the first of `length` ascending values that is >= `key`. */
export function lowerBound(values: Float64Array | Int32Array, length: number, key: number): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first of `length` ascending values that is > `key`. */
export function upperBound(values: Float64Array | Int32Array, length: number, key: number): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
