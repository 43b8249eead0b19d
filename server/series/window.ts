/** Windows: the points of a curve between two steps, thinned so that every spike and every gap is kept. */
import { lowerBound } from "./columns.ts";
import type { Counter } from "./counter.ts";
import type { Segment } from "./points.ts";
import { noExtremes, wholeNodes, type Extremes } from "./pyramid.ts";
import type { SeriesWindow } from "./types.ts";

/** The parts of the segments with fromStep <= step <= toStep. */
export function clip(segments: readonly Segment[], fromStep: number, toStep: number): Segment[] {
  const clipped: Segment[] = [];
  for (const segment of segments) {
    const from = Math.max(segment.from, segment.points.countBelow(fromStep, segment.to));
    const to = Math.min(segment.to, segment.points.countUpTo(toStep, segment.to));
    if (from < to) clipped.push({ ...segment, from, to });
  }
  return clipped;
}

export function countPoints(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.to - segment.from, 0);
}

/**
 * At most `maxPoints` (2 or more) points. Beyond that the points are cut into buckets of equal count, large ones at the nearest node of the
 * pyramid before; of each, the least and the greatest finite value stay, and the first and last point of the whole. Values that are not
 * finite stay too: all of them while they take no more than a third of the room, else the first of each bucket.
 * @param counter also places the points on it
 */
export function cutWindow(name: string, segments: readonly Segment[], maxPoints: number, counter: Counter | null): SeriesWindow {
  const total = countPoints(segments);
  if (total <= maxPoints) return copyAll(name, segments, total, counter);

  const room = maxPoints >= 6 ? maxPoints - 2 : maxPoints;
  const gapCount = segments.reduce((sum, segment) => sum + countGaps(segment), 0);
  const gapRoom = Math.min(gapCount, Math.floor(room / 3));
  const keepAllGaps = gapRoom === gapCount;
  const wanted = Math.floor((room - gapRoom) / 2);
  const buckets = Math.max(1, keepAllGaps ? wanted : Math.min(wanted, gapRoom));
  // Buckets of whole nodes: no value has to be looked at but those before the first node and behind the last.
  const node = wholeNodes(total / buckets);

  const writer = new WindowWriter(name, maxPoints, counter);
  let segmentIndex = 0;
  let segmentStart = 0; // place of the segment's first point among all points
  for (let bucket = 0, start = 0; bucket < buckets; bucket++) {
    const end = bucket === buckets - 1 ? total : nodeBefore(segments, Math.floor(((bucket + 1) * total) / buckets), node);
    let best: Best | null = null;
    let first: Pick | null = null;
    const picks: Pick[] = [];
    // A bucket may reach over several segments.
    for (let at = start; at < end;) {
      let segment = segments[segmentIndex]!;
      while (at >= segmentStart + segment.to - segment.from) {
        segmentStart += segment.to - segment.from;
        segment = segments[++segmentIndex]!;
      }
      const from = segment.from + at - segmentStart;
      const to = Math.min(segment.to, from + end - at);
      first ??= { segment, order: segmentIndex, index: from };
      const found = noExtremes();
      segment.points.extremes(from, to, found);
      best = better(best, segment, found);
      if (gapRoom > 0) pickGaps(picks, segment, segmentIndex, from, to, keepAllGaps);
      at += to - from;
    }
    if (best?.leastIn != null) picks.push({ segment: best.leastIn, order: segments.indexOf(best.leastIn), index: best.least });
    if (best?.greatestIn != null) picks.push({ segment: best.greatestIn, order: segments.indexOf(best.greatestIn), index: best.greatest });
    // The very first point; or any at all, where nothing is finite and there is no room for gaps.
    if (first !== null && (picks.length === 0 || (room < maxPoints && bucket === 0))) picks.push(first);
    const last = segments.at(-1)!;
    if (room < maxPoints && bucket === buckets - 1) picks.push({ segment: last, order: segments.length - 1, index: last.to - 1 });
    picks.sort((a, b) => a.order - b.order || a.index - b.index);
    picks.forEach((pick, i) => {
      const before = picks[i - 1];
      if (before?.order !== pick.order || before.index !== pick.index) writer.add(pick.segment, pick.index);
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

interface Pick {
  readonly segment: Segment;
  readonly order: number;
  readonly index: number;
}

type Best = Extremes & { leastIn: Segment | null; greatestIn: Segment | null };

function better(best: Best | null, segment: Segment, found: Extremes): Best {
  const result = best ?? { least: -1, greatest: -1, low: Infinity, high: -Infinity, leastIn: null, greatestIn: null };
  if (found.least < 0) return result;
  if (found.low < result.low) {
    result.low = found.low;
    result.least = found.least;
    result.leastIn = segment;
  }
  if (found.high > result.high) {
    result.high = found.high;
    result.greatest = found.greatest;
    result.greatestIn = segment;
  }
  return result;
}

function pickGaps(picks: Pick[], segment: Segment, order: number, from: number, to: number, all: boolean): void {
  const { indexes } = segment.points.gaps;
  for (let g = lowerBound(indexes.data, indexes.length, from); g < indexes.length; g++) {
    const index = indexes.data[g]!;
    if (index >= to || (!all && picks.length > 0)) return;
    picks.push({ segment, order, index });
  }
}

function countGaps(segment: Segment): number {
  const { indexes } = segment.points.gaps;
  return lowerBound(indexes.data, indexes.length, segment.to) - lowerBound(indexes.data, indexes.length, segment.from);
}

function copyAll(name: string, segments: readonly Segment[], total: number, counter: Counter | null): SeriesWindow {
  const writer = new WindowWriter(name, total, counter);
  for (const segment of segments) writer.addRange(segment);
  return writer.finish(false);
}

class WindowWriter {
  readonly #name: string;
  readonly #steps: Float64Array;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #attempts: Int32Array;
  /** For the counter, where there is one. */
  readonly #rows: Int32Array;
  readonly #counter: Counter | null;
  #length = 0;

  constructor(name: string, capacity: number, counter: Counter | null) {
    this.#name = name;
    this.#counter = counter;
    // One piece of memory instead of five: large enough to be given back to the system once the window has been sent.
    const memory = new ArrayBuffer(capacity * 32);
    this.#steps = new Float64Array(memory, 0, capacity);
    this.#times = new Float64Array(memory, capacity * 8, capacity);
    this.#values = new Float64Array(memory, capacity * 16, capacity);
    this.#attempts = new Int32Array(memory, capacity * 24, capacity);
    this.#rows = new Int32Array(memory, capacity * 28, capacity);
  }

  add(segment: Segment, index: number): void {
    const { points } = segment;
    const at = this.#length++;
    this.#steps[at] = points.stepAt(index);
    this.#times[at] = points.timeAt(index);
    if (this.#counter !== null) this.#rows[at] = points.rowAt(index);
    this.#values[at] = points.valueAt(index);
    this.#attempts[at] = segment.attempts?.[index] ?? segment.attempt;
  }

  addRange({ points, from, to, attempt, attempts }: Segment): void {
    const at = this.#length;
    points.copy(from, to, { steps: this.#steps, times: this.#times, values: this.#values, rows: this.#counter && this.#rows }, at);
    if (attempts === null) this.#attempts.fill(attempt, at, at + to - from);
    else this.#attempts.set(attempts.subarray(from, to), at);
    this.#length += to - from;
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
      downsampled,
    };
  }
}
