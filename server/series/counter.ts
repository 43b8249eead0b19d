/** A metric that only ever grows (tokens, samples, epochs), as the x axis of the other metrics of its run. */
import { countLeading } from "./columns.ts";
import type { Segment } from "./points.ts";

/**
 * Where a point stands on a counter: at the newest value that was logged for its step up to its own row; else at the first that was logged for its
 * step later; else at the newest of an earlier step. It is always a value that was logged, never one worked out between two, and never
 * smaller than that of the point before. A point of a step before the counter's first has no place.
 */
export class Counter {
  /** Why the metric is no counter, with the place; null when it is one. */
  readonly problem: string | null;
  readonly #segments: readonly Segment[];
  /** Place of each segment's first point among all points; the last element is their number. */
  readonly #starts: readonly number[];

  /** @param segments the joined curve of the metric, or all of one attempt */
  constructor(name: string, segments: readonly Segment[]) {
    this.#segments = segments;
    const starts = [0];
    for (const { from, to } of segments) starts.push(starts.at(-1)! + to - from);
    this.#starts = starts;
    this.problem = segments.length === 0 ? `the run has no point of ${name}` : findFall(name, segments);
  }

  /** The counter's value at each point. NaN before its first one. The columns have one length; points in the order of their steps. */
  at(steps: Float64Array, attempts: Int32Array, rows: Int32Array): Float64Array {
    return steps.map((step, i) => {
      const next = this.#firstAfter(step, attempts[i]!, rows[i]!);
      const before = next - 1;
      const later = this.#stepAt(before) !== step && this.#stepAt(next) === step;
      return this.#valueAt(later ? next : before);
    });
  }

  /** Place of the first point that stands behind (step, attempt, row) in the order of logging. */
  #firstAfter(step: number, attempt: number, row: number): number {
    return countLeading(this.#starts.at(-1)!, (place) => {
      const { points, index, attempt: of } = this.#find(place);
      return (points.stepAt(index) - step || of - attempt || points.rowAt(index) - row) <= 0;
    });
  }

  #find(place: number): { points: Segment["points"]; index: number; attempt: number } {
    let at = 0;
    while (place >= this.#starts[at + 1]!) at++;
    const { points, from, attempt, attempts } = this.#segments[at]!;
    const index = from + place - this.#starts[at]!;
    return { points, index, attempt: attempts?.[index] ?? attempt };
  }

  #stepAt(place: number): number {
    if (place < 0 || place >= this.#starts.at(-1)!) return NaN;
    const { points, index } = this.#find(place);
    return points.stepAt(index);
  }

  #valueAt(place: number): number {
    if (place < 0) return NaN;
    const { points, index } = this.#find(place);
    return points.valueAt(index);
  }
}

function findFall(name: string, segments: readonly Segment[]): string | null {
  let last = -Infinity;
  for (const { points, from, to } of segments) {
    const fall = points.valueAt(from) >= last ? points.firstFall : from;
    if (fall < to) {
      const value = points.valueAt(fall);
      const before = fall > from ? points.valueAt(fall - 1) : last;
      const change = Number.isFinite(value) ? `falls from ${before} to ${value}` : `is ${value}`;
      return `${name} ${change} at step ${points.stepAt(fall)}, and a counter never falls`;
    }
    last = points.valueAt(to - 1);
  }
  return null;
}
