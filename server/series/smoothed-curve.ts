/**
 * The moving average of a whole curve, over all its points whatever a window shows of them: with its own nodes, so that a window of it is cut as
 * quickly as one of the values. What stands in memory is where the average stood before each node (it goes on from there exactly) and the
 * nodes' least and greatest; averages are worked out 64 at a time when they are looked at.
 */
import { newAverage, smoothInto, type AverageState } from "../../protocol/smoothing.ts";
import { Float64Column } from "./columns.ts";
import { copyPlaces, countPoints, type Segment } from "./points.ts";
import { BASE, copyRange, Pyramid, type Extremes, type Seekable } from "./pyramid.ts";

/** Points taken in at once; whole nodes. */
const BLOCK = 64 * BASE;

/** Room for values on their way, which everybody uses: nothing runs between writing and reading it. */
const VALUES = new Float64Array(BLOCK);
const AVERAGES = new Float64Array(BLOCK);

/** A place is the number of a point of the curve, counted from 0 over all its segments. */
export class SmoothedCurve implements Seekable {
  readonly data = new Float64Array(BASE);
  start = -1;
  readonly #weight: number;
  #segments: readonly Segment[] = [];
  #length = 0;
  /** Before each whole node. */
  #sums = new Float64Column();
  /** The same, for as long as it is not 0: a few hundred points as a rule. */
  #rests = new Float64Column();
  /** Behind the last whole node. */
  #newest: AverageState = newAverage();
  #pyramid = new Pyramid();

  /** @param weight [0, 1) */
  constructor(weight: number) {
    this.#weight = weight;
  }

  /** Bytes that it takes in memory. */
  get bytes(): number {
    return this.data.byteLength + this.#sums.data.byteLength + this.#rests.data.byteLength + this.#pyramid.bytes;
  }

  /** Brings it up to the curve as it is now: what was added is taken in, and a curve that has changed before its end is gone through anew. */
  follow(segments: readonly Segment[]): void {
    if (!isBegunBy(this.#segments, segments)) this.#forget();
    this.#segments = segments;
    this.#length = countPoints(segments);
    // The newest node may have grown.
    this.start = -1;
    const end = this.#length - (this.#length % BASE);
    for (let from = this.#sums.length * BASE; from < end; from += BLOCK) this.#takeIn(from, Math.min(end, from + BLOCK));
  }

  seek(place: number): void {
    const start = place - (place % BASE);
    if (start === this.start) return;
    const count = Math.min(BASE, this.#length - start);
    copyPlaces(this.#segments, start, start + count, VALUES);
    smoothInto(this.#before(start / BASE), this.#weight, VALUES, 0, count, this.data, 0);
    this.start = start;
  }

  /** NaN where the value is not finite. */
  valueAt(place: number): number {
    this.seek(place);
    return this.data[place - this.start]!;
  }

  /** Copies the averages at [from, to) to the beginning of `target`. */
  copy(from: number, to: number, target: Float64Array): void {
    copyRange(this, from, to, target, 0);
  }

  /** Widens `into` by the averages at [from, to). */
  extremes(from: number, to: number, into: Extremes): void {
    this.#pyramid.query(this, from, to, into);
  }

  /** @param from, to of whole nodes */
  #takeIn(from: number, to: number): void {
    copyPlaces(this.#segments, from, to, VALUES);
    for (let at = 0; at < to - from; at += BASE) {
      this.#sums.push(this.#newest.sum);
      if (this.#newest.rest > 0) this.#rests.push(this.#newest.rest);
      smoothInto(this.#newest, this.#weight, VALUES, at, at + BASE, AVERAGES, at);
    }
    this.#pyramid.extend(AVERAGES, from, to, false);
  }

  #before(node: number): AverageState {
    if (node === this.#sums.length) return { ...this.#newest };
    return { sum: this.#sums.data[node]!, rest: node < this.#rests.length ? this.#rests.data[node]! : 0 };
  }

  #forget(): void {
    this.#sums = new Float64Column();
    this.#rests = new Float64Column();
    this.#newest = newAverage();
    this.#pyramid = new Pyramid();
  }
}

/** Are the points of `before` the first ones of `now`? */
function isBegunBy(before: readonly Segment[], now: readonly Segment[]): boolean {
  return before.every(({ points, from, to }, i) => {
    const segment = now[i];
    if (segment?.points.identity !== points.identity || segment.from !== from) return false;
    return i === before.length - 1 ? segment.to >= to : segment.to === to;
  });
}

/** For 170 million points, or for the weights that a slider has gone over lately. */
const MOST_BYTES = 128 * 1024 * 1024;

/** The moving averages that were asked for of one run; those that were looked at longest ago go first. */
export class SmoothedCurves {
  /** The newest looked at stands last. */
  readonly #curves = new Map<string, SmoothedCurve>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param curve tells the curve from others of the run; @param segments of all of it */
  get(curve: string, weight: number, segments: readonly Segment[]): SmoothedCurve {
    const key = `${String(weight)} ${curve}`;
    const known = this.#curves.get(key);
    const smoothed = known ?? new SmoothedCurve(weight);
    this.#curves.delete(key);
    this.#curves.set(key, smoothed);
    this.#bytes -= known?.bytes ?? 0;
    smoothed.follow(segments);
    this.#bytes += smoothed.bytes;
    for (const [other, { bytes }] of this.#curves) {
      if (this.#bytes <= this.#mostBytes || other === key) break;
      this.#curves.delete(other);
      this.#bytes -= bytes;
    }
    return smoothed;
  }

  clear(): void {
    this.#curves.clear();
    this.#bytes = 0;
  }
}
