/** Windows: the points of a curve between two steps, thinned so that every spike and every gap is kept. */
import { lowerBound } from "./columns.ts";
import type { Counter } from "./counter.ts";
import { countPoints, type Segment } from "./points.ts";
import { noExtremes, wholeNodes, type Extremes } from "./pyramid.ts";
import type { SmoothedCurve } from "./smoothed-curve.ts";
import type { SeriesWindow } from "./types.ts";

/** A part of a curve. */
export interface Clip {
  readonly segments: readonly Segment[];
  /** How many points of the curve stand before it. */
  readonly first: number;
}

/** The points with fromStep <= step <= toStep. @param beside with one more on each side, where there are any */
export function clip(segments: readonly Segment[], fromStep: number, toStep: number, beside: boolean): Clip {
  const count = (holds: (segment: Segment) => number): number =>
    segments.reduce((sum, segment) => sum + Math.max(0, holds(segment) - segment.from), 0);
  const margin = beside ? 1 : 0;
  const first = Math.max(0, count(({ points, to }) => points.countBelow(fromStep, to)) - margin);
  const end = Math.min(countPoints(segments), count(({ points, to }) => points.countUpTo(toStep, to)) + margin);
  const clipped: Segment[] = [];
  let start = 0;
  for (const segment of segments) {
    const [from, to] = [Math.max(first, start), Math.min(end, start + segment.to - segment.from)];
    if (from < to) clipped.push({ ...segment, from: segment.from + from - start, to: segment.from + to - start });
    start += segment.to - segment.from;
  }
  return { segments: clipped, first };
}

/** The moving average of the points of a window. */
export interface SmoothedStretch {
  readonly curve: SmoothedCurve;
  /** Place of the window's first point in the curve. */
  readonly first: number;
}

/**
 * At most `maxPoints` (2 or more) points. Beyond that the points are cut into buckets of equal count, large ones at the nearest node of the
 * pyramid before; of each, the least and the greatest finite value stay, and the first and last point of the whole. Values that are not
 * finite stay too: all of them while they take no more than a third of the room, else the first of each bucket.
 * @param counter also places the points on it
 * @param smoothed also gives each point its average, and keeps the points where that is least and greatest in each bucket: both lines are
 *   then as if every point was drawn, whatever the window. It also keeps points at even places of the curve, those of a shorter one among
 *   those of a longer one: curves that were logged at the same steps have points in common then, and a mean over them is exact there
 */
export function cutWindow(
  name: string,
  segments: readonly Segment[],
  maxPoints: number,
  counter: Counter | null,
  smoothed: SmoothedStretch | null,
): SeriesWindow {
  const total = countPoints(segments);
  const writer = new WindowWriter(name, segments, Math.min(total, maxPoints), counter, smoothed);
  if (total <= maxPoints) return writer.all();

  const room = maxPoints >= 6 ? maxPoints - 2 : maxPoints;
  const gapCount = segments.reduce((sum, segment) => sum + countGaps(segment), 0);
  const gapRoom = Math.min(gapCount, Math.floor(room / 3));
  const keepAllGaps = gapRoom === gapCount;
  // Two points of each line and an even one; where there is not even that much room, those of the values have their averages.
  const ofAverages = smoothed !== null && room - gapRoom >= 6;
  const wanted = ofAverages ? Math.floor((room - gapRoom - 1) / 5) : Math.floor((room - gapRoom) / 2);
  const buckets = Math.max(1, keepAllGaps ? wanted : Math.min(wanted, gapRoom));
  // Buckets of whole nodes: no value has to be looked at but those before the first node and behind the last.
  const node = wholeNodes(total / buckets);
  const even = 2 ** Math.ceil(Math.log2(total / buckets));

  let segmentIndex = 0;
  let segmentStart = 0; // place of the segment's first point among all points
  for (let bucket = 0, start = 0; bucket < buckets; bucket++) {
    const end = bucket === buckets - 1 ? total : nodeBefore(segments, Math.floor(((bucket + 1) * total) / buckets), node);
    const found = noExtremes();
    const picks: number[] = [];
    // A bucket may reach over several segments.
    for (let at = start; at < end;) {
      let segment = segments[segmentIndex]!;
      while (at >= segmentStart + segment.to - segment.from) {
        segmentStart += segment.to - segment.from;
        segment = segments[++segmentIndex]!;
      }
      const from = segment.from + at - segmentStart;
      const to = Math.min(segment.to, from + end - at);
      widenBySegment(found, segment, from, to, segmentStart - segment.from);
      if (gapRoom > 0) pickGaps(picks, segment, from, to, segmentStart - segment.from, keepAllGaps);
      at += to - from;
    }
    if (found.least >= 0) picks.push(found.least, found.greatest);
    if (ofAverages) {
      const { curve, first } = smoothed;
      const averages = noExtremes();
      curve.extremes(first + start, first + end, averages);
      if (averages.least >= 0) picks.push(averages.least - first, averages.greatest - first);
      for (let place = Math.ceil((first + start) / even) * even; place < first + end; place += even) picks.push(place - first);
    }
    // The very first point; or any at all, where nothing is finite and there is no room for gaps.
    if (start < end && (picks.length === 0 || (room < maxPoints && bucket === 0))) picks.push(start);
    if (room < maxPoints && bucket === buckets - 1) picks.push(total - 1);
    picks.sort((a, b) => a - b);
    picks.forEach((place, i) => {
      if (place !== picks[i - 1]) writer.add(place);
    });
    start = end;
  }
  return writer.finish(true);
}

/** The last place at or before `place` (among all points) at which a segment begins or a node of so many points does. */
function nodeBefore(segments: readonly Segment[], place: number, node: number): number {
  let start = 0;
  for (const { from, to } of segments) {
    const index = from + place - start;
    if (index < to) return Math.max(start, place - (index % node));
    start += to - from;
  }
  return place;
}

/** Widens `into` by the values of a segment at [from, to), the points counted `shift` further. */
function widenBySegment(into: Extremes, { points }: Segment, from: number, to: number, shift: number): void {
  const found = noExtremes();
  points.extremes(from, to, found);
  if (found.low < into.low) [into.low, into.least] = [found.low, found.least + shift];
  if (found.high > into.high) [into.high, into.greatest] = [found.high, found.greatest + shift];
}

function pickGaps(picks: number[], { points }: Segment, from: number, to: number, shift: number, all: boolean): void {
  const { indexes } = points.gaps;
  for (let g = lowerBound(indexes.data, indexes.length, from); g < indexes.length; g++) {
    const index = indexes.data[g]!;
    if (index >= to || (!all && picks.length > 0)) return;
    picks.push(index + shift);
  }
}

function countGaps(segment: Segment): number {
  const { indexes } = segment.points.gaps;
  return lowerBound(indexes.data, indexes.length, segment.to) - lowerBound(indexes.data, indexes.length, segment.from);
}

class WindowWriter {
  readonly #name: string;
  readonly #segments: readonly Segment[];
  readonly #steps: Float64Array;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #averages: Float64Array;
  readonly #attempts: Int32Array;
  /** For the counter, where there is one. */
  readonly #rows: Int32Array;
  readonly #counter: Counter | null;
  readonly #smoothed: SmoothedStretch | null;
  #length = 0;
  /** The segment of the newest point, and the place of its first one. */
  #segment = 0;
  #start = 0;

  constructor(name: string, segments: readonly Segment[], capacity: number, counter: Counter | null, smoothed: SmoothedStretch | null) {
    this.#name = name;
    this.#segments = segments;
    this.#counter = counter;
    this.#smoothed = smoothed;
    // One piece of memory instead of six: large enough to be given back to the system once the window has been sent.
    const doubles = smoothed === null ? 3 : 4;
    const memory = new ArrayBuffer(capacity * 8 * (doubles + 1));
    const column = (i: number, length = capacity): Float64Array => new Float64Array(memory, capacity * 8 * i, length);
    [this.#steps, this.#times, this.#values] = [column(0), column(1), column(2)];
    this.#averages = column(3, smoothed === null ? 0 : capacity);
    this.#attempts = new Int32Array(memory, capacity * 8 * doubles, capacity);
    this.#rows = new Int32Array(memory, capacity * (8 * doubles + 4), capacity);
  }

  /** Adds the point at a place, counted over all segments; places ascend. */
  add(place: number): void {
    let segment = this.#segments[this.#segment]!;
    while (place >= this.#start + segment.to - segment.from) {
      this.#start += segment.to - segment.from;
      segment = this.#segments[++this.#segment]!;
    }
    const { points, attempt, attempts, from } = segment;
    const index = from + place - this.#start;
    const at = this.#length++;
    this.#steps[at] = points.stepAt(index);
    this.#times[at] = points.timeAt(index);
    if (this.#counter !== null) this.#rows[at] = points.rowAt(index);
    this.#values[at] = points.valueAt(index);
    if (this.#smoothed !== null) this.#averages[at] = this.#smoothed.curve.valueAt(this.#smoothed.first + place);
    this.#attempts[at] = attempts?.[index] ?? attempt;
  }

  /** Every point. */
  all(): SeriesWindow {
    for (const { points, from, to, attempt, attempts } of this.#segments) {
      const at = this.#length;
      points.copy(from, to, { steps: this.#steps, times: this.#times, values: this.#values, rows: this.#counter && this.#rows }, at);
      if (attempts === null) this.#attempts.fill(attempt, at, at + to - from);
      else this.#attempts.set(attempts.subarray(from, to), at);
      this.#length += to - from;
    }
    if (this.#smoothed !== null) {
      const { curve, first } = this.#smoothed;
      curve.copy(first, first + this.#length, this.#averages);
    }
    return this.finish(false);
  }

  finish(downsampled: boolean): SeriesWindow {
    const n = this.#length;
    const steps = this.#steps.subarray(0, n);
    const attempts = this.#attempts.subarray(0, n);
    return {
      name: this.#name,
      steps,
      times: this.#times.subarray(0, n),
      values: this.#values.subarray(0, n),
      attempts,
      ...(this.#counter !== null && { xs: this.#counter.at(steps, attempts, this.#rows) }),
      ...(this.#smoothed !== null && { smoothed: this.#averages.subarray(0, n) }),
      downsampled,
    };
  }
}
