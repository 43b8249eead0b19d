/** The points of one metric of one attempt. */
import { Float64Column, Int32Column } from "./columns.ts";
import { copyRange, Pyramid, type Extremes } from "./pyramid.ts";
import type { SpillFile } from "./spill.ts";
import { ValueColumn } from "./value-column.ts";

/**
 * Steps and times of points. Metrics that are always logged together share one axis, so that a point costs little more than its value.
 */
export class Axis {
  readonly steps = new Float64Column();
  readonly times = new Float64Column();
  /** Row of the file that each point came from, counted from 0. */
  readonly rows = new Int32Column();
  /** No step is smaller than the one before it. */
  ascending = true;

  get length(): number {
    return this.steps.length;
  }

  /** Bytes that it takes in memory. */
  get bytes(): number {
    return this.steps.data.byteLength + this.times.data.byteLength + this.rows.data.byteLength;
  }

  /** Makes room for `more` points. */
  reserve(more: number): void {
    for (const column of [this.steps, this.times, this.rows]) column.reserve(more);
  }

  /** Appends `count` rows that lie `stride` doubles apart, the first at `at`: time, step. */
  append(data: Float64Array, at: number, stride: number, count: number, firstRow: number): void {
    const { steps, times, rows } = this;
    steps.reserve(count);
    times.reserve(count);
    rows.reserve(count);
    const start = steps.length;
    let last = start > 0 ? steps.data[start - 1]! : -Infinity;
    let ascending = this.ascending;
    for (let i = 0, p = at; i < count; i++, p += stride) {
      const step = data[p + 1]!;
      if (step < last) ascending = false;
      last = step;
      times.data[start + i] = data[p]!;
      steps.data[start + i] = step;
      rows.data[start + i] = firstRow + i;
    }
    this.ascending = ascending;
    steps.length = times.length = rows.length = start + count;
  }

  /** A copy of the first `length` points, for a metric that goes its own way from here on. */
  fork(length: number): Axis {
    const copy = new Axis();
    for (const [from, to] of [
      [this.steps, copy.steps],
      [this.times, copy.times],
      [this.rows, copy.rows],
    ] as const) {
      to.reserve(length);
      to.data.set(from.data.subarray(0, length));
      to.length = length;
    }
    for (let i = 1; i < length && copy.ascending; i++) copy.ascending = copy.steps.data[i]! >= copy.steps.data[i - 1]!;
    return copy;
  }
}

/** Points that a window can be cut from: steps ascending. */
export interface Points {
  readonly length: number;
  readonly steps: Float64Array;
  readonly times: Float64Array;
  /** Row of the attempt's file that each point came from. */
  readonly rows: Int32Array;
  readonly gaps: GapList;
  /** Index of the first value that is smaller than the one before it, or not finite; Infinity: it may serve as a counter. */
  readonly firstFall: number;
  valueAt(index: number): number;
  /** Copies the values at [from, to) to `target` from `at` on. */
  copyValues(from: number, to: number, target: Float64Array, at: number): void;
  extremes(from: number, to: number, into: Extremes): void;
}

/** Where the values are that are not finite: NaN and infinities break a line, and a window keeps them. */
export class GapList {
  readonly indexes = new Int32Column();
  /** First of each infinity, -1 when there is none. */
  firstPositive = -1;
  firstNegative = -1;

  add(index: number, value: number): void {
    this.indexes.push(index);
    if (value === Infinity && this.firstPositive < 0) this.firstPositive = index;
    if (value === -Infinity && this.firstNegative < 0) this.firstNegative = index;
  }
}

/**
 * Index of the first value of [from, to) that is smaller than the one before it, or not finite; `Infinity` when there is none.
 * @param before the value before `from`, -Infinity for none
 */
export function firstFall(values: Float64Array, from: number, to: number, before: number): number {
  let last = before;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    // Written so that NaN is a fall too.
    if (!(value >= last && value - value === 0)) return i;
    last = value;
  }
  return Infinity;
}

export class Curve implements Points {
  readonly name: string;
  readonly gaps = new GapList();
  axis: Axis;
  firstFall = Infinity;
  readonly #values = new ValueColumn();
  readonly #pyramid = new Pyramid();

  constructor(name: string, axis: Axis) {
    this.name = name;
    this.axis = axis;
  }

  get length(): number {
    return this.#values.length;
  }

  /** Bytes that it takes in memory, without its axis. The pyramid over the values adds next to nothing. */
  get bytes(): number {
    return this.#values.tail.data.byteLength + this.gaps.indexes.data.byteLength;
  }
  get steps(): Float64Array {
    return this.axis.steps.data;
  }
  get times(): Float64Array {
    return this.axis.times.data;
  }
  get rows(): Int32Array {
    return this.axis.rows.data;
  }
  valueAt(index: number): number {
    return this.#values.at(index);
  }

  copyValues(from: number, to: number, target: Float64Array, at: number): void {
    copyRange(this.#values, from, to, target, at);
  }

  /** Makes room for `more` points. */
  reserve(more: number): void {
    this.#values.tail.reserve(more);
  }

  /** Old values go to the disk, see ValueColumn. */
  letGo(spill: SpillFile): void {
    this.#values.letGo(spill);
  }

  release(): void {
    this.#values.release();
  }

  /** Appends `count` values that lie `stride` doubles apart, the first at `at`. The axis is the caller's to append to. */
  append(data: Float64Array, at: number, stride: number, count: number): void {
    const { tail, first } = this.#values;
    tail.reserve(count);
    const target = tail.data;
    const begin = tail.length;
    const start = first + begin;
    const gapsBefore = this.gaps.indexes.length;
    const lastGap = gapsBefore > 0 ? this.gaps.indexes.data[gapsBefore - 1]! : -1;
    for (let i = 0, p = at; i < count; i++, p += stride) {
      const value = data[p]!;
      target[begin + i] = value;
      if (value - value !== 0) this.gaps.add(start + i, value);
    }
    tail.length = begin + count;
    // Most metrics fall within their first values and are never looked at again.
    if (this.firstFall === Infinity)
      this.firstFall = first + firstFall(target, begin, tail.length, begin > 0 ? target[begin - 1]! : -Infinity);
    // The values of an incomplete node are taken in later: a gap among them counts too.
    this.#pyramid.extend(target, first, start + count, this.gaps.indexes.length === gapsBefore && lastGap < start - 64);
  }

  extremes(from: number, to: number, into: Extremes): void {
    this.#pyramid.query(this.#values, from, to, into);
  }
}
