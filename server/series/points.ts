/** What windows, summaries and cursors ask of the points of one metric, wherever those lie: in columns in memory, or in a compact file. */
import { lowerBound, upperBound } from "./columns.ts";
import type { Curve, GapList, Points } from "./curve.ts";
import type { Extremes } from "./pyramid.ts";

/** Points that a window can be cut from: steps ascending. */
export interface WindowPoints {
  /** The same for as long as the points that there are stay as they are: others are only added behind them. */
  readonly identity: object;
  readonly length: number;
  readonly gaps: GapList;
  /** Index of the first value that is smaller than the one before it, or not finite; Infinity: it may serve as a counter. */
  readonly firstFall: number;
  stepAt(index: number): number;
  timeAt(index: number): number;
  valueAt(index: number): number;
  /** Row of the attempt's file that the point came from. */
  rowAt(index: number): number;
  /** How many of the first `length` points lie below `step`. */
  countBelow(step: number, length: number): number;
  /** How many of the first `length` points lie at or below `step`. */
  countUpTo(step: number, length: number): number;
  /** Copies the values at [from, to) to `target` from `at` on. */
  copyValues(from: number, to: number, target: Float64Array, at: number): void;
  /** Copies the points at [from, to) to `target` from `at` on. */
  copy(from: number, to: number, target: PointArrays, at: number): void;
  /** Widens `into` by the values at [from, to). */
  extremes(from: number, to: number, into: Extremes): void;
}

export interface PointArrays {
  readonly steps: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** null where nobody asks for them. */
  readonly rows: Int32Array | null;
}

/** A stretch of points of one attempt, or of several where `attempts` says which. Stretches follow each other in the order of steps. */
export interface Segment {
  readonly points: WindowPoints;
  readonly from: number;
  readonly to: number;
  readonly attempt: number;
  readonly attempts: Int32Array | null;
}

export function countPoints(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.to - segment.from, 0);
}

/** Copies the values of the points at the places [from, to), counted from 0 over all segments, to the beginning of `target`. */
export function copyPlaces(segments: readonly Segment[], from: number, to: number, target: Float64Array): void {
  let start = 0;
  for (const segment of segments) {
    const shift = segment.from - start;
    const [first, end] = [Math.max(from, start), Math.min(to, start + segment.to - segment.from)];
    if (first < end) segment.points.copyValues(first + shift, end + shift, target, first - from);
    start += segment.to - segment.from;
    if (start >= to) return;
  }
}

/** All points of one metric of one attempt, in the order they were logged. */
export interface MetricPoints extends WindowPoints {
  /** No step is smaller than the one before it: only then the questions about steps above have an answer. */
  readonly ascending: boolean;
  /** How many points come from rows of the file before `row`, counted from 0. */
  countRowsBefore(row: number): number;
  /** As columns in memory, to be put in order with others. */
  curve(): Curve;
}

/** Points whose columns are in memory. */
export class ColumnPoints<P extends Points> implements WindowPoints {
  protected readonly columns: P;

  constructor(columns: P) {
    this.columns = columns;
  }

  get identity(): object {
    return this.columns;
  }

  get length(): number {
    return this.columns.length;
  }

  get gaps(): GapList {
    return this.columns.gaps;
  }

  get firstFall(): number {
    return this.columns.firstFall;
  }

  stepAt(index: number): number {
    return this.columns.steps[index]!;
  }

  timeAt(index: number): number {
    return this.columns.times[index]!;
  }

  valueAt(index: number): number {
    return this.columns.valueAt(index);
  }

  rowAt(index: number): number {
    return this.columns.rows[index]!;
  }

  countBelow(step: number, length: number): number {
    return lowerBound(this.columns.steps, length, step);
  }

  countUpTo(step: number, length: number): number {
    return upperBound(this.columns.steps, length, step);
  }

  copyValues(from: number, to: number, target: Float64Array, at: number): void {
    this.columns.copyValues(from, to, target, at);
  }

  copy(from: number, to: number, target: PointArrays, at: number): void {
    target.steps.set(this.columns.steps.subarray(from, to), at);
    target.times.set(this.columns.times.subarray(from, to), at);
    this.copyValues(from, to, target.values, at);
    target.rows?.set(this.columns.rows.subarray(from, to), at);
  }

  extremes(from: number, to: number, into: Extremes): void {
    this.columns.extremes(from, to, into);
  }
}

export class CurvePoints extends ColumnPoints<Curve> implements MetricPoints {
  get ascending(): boolean {
    return this.columns.axis.ascending;
  }

  countRowsBefore(row: number): number {
    return lowerBound(this.columns.rows, this.length, row);
  }

  curve(): Curve {
    return this.columns;
  }
}
