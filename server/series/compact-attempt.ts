/** One attempt that is over, answered from its compact file. */
import { stat } from "node:fs/promises";
import { isAbsent } from "../store/fs-errors.ts";
import type { AttemptPoints } from "./attempt-points.ts";
import {
  CompactFile,
  KNOWN,
  KNOWN_POINTS,
  NODE,
  PAGE,
  PagedValues,
  sameFile,
  sourceOf,
  type Column,
  type CompactAxis,
  type CompactCurve,
  type CompactHeader,
} from "./compact-file.ts";
import { countLeading } from "./columns.ts";
import { Axis, Curve, GapList } from "./curve.ts";
import type { MetricPoints, PointArrays } from "./points.ts";
import { copyRange, widenByRange, type Extremes, type Nodes } from "./pyramid.ts";

export class CompactAttempt implements AttemptPoints {
  readonly attempt: number;
  readonly file: string;
  /** A damaged metric file has no compact one. */
  readonly damage = null;
  resumedFromStep: number | null = null;
  joined = false;
  readonly #compact: CompactFile;
  readonly #header: CompactHeader;
  /** By name, in the order of their first appearance. */
  readonly #curves: ReadonlyMap<string, number>;
  readonly #points = new Map<string, CompactPoints>();
  readonly #axes: readonly PagedAxis[];
  readonly #known: Float64Array;

  private constructor(attempt: number, file: string, compact: CompactFile) {
    this.attempt = attempt;
    this.file = file;
    this.#compact = compact;
    this.#header = compact.header;
    this.#axes = compact.header.axes.map((axis) => new PagedAxis(compact, axis));
    this.#curves = new Map(compact.header.curves.map(({ name }, i) => [name, i]));
    this.#known = compact.all(compact.header.known);
  }

  /**
   * @param file the metric file
   * @returns null when the compact file is not there, damaged, of another version, or of another state of the metric file
   */
  static open(attempt: number, file: string, compactFile: string): CompactAttempt | null {
    let compact: CompactFile;
    try {
      compact = new CompactFile(compactFile);
    } catch {
      return null;
    }
    try {
      const { identity, tail } = sourceOf(file);
      if (sameFile(identity, compact.header.source) && tail === compact.header.tail) return new CompactAttempt(attempt, file, compact);
    } catch {
      // As if it were not there: whatever cannot be read now, the metric file's own reader tells.
    }
    compact.close();
    return null;
  }

  get rowCount(): number {
    return this.#header.rows;
  }

  get bytes(): number {
    return this.#compact.bytes + this.#known.byteLength;
  }

  get firstMetric(): CompactHeader["firstMetric"] {
    return this.#header.firstMetric;
  }

  get newest(): CompactHeader["newest"] {
    return this.#header.newest;
  }

  get epoch(): number | null {
    return this.#header.epoch;
  }

  get secondsPerStep(): number | null {
    return this.#header.secondsPerStep;
  }

  get stepRange(): CompactHeader["stepRange"] {
    return this.#header.stepRange;
  }

  /** Is the metric file as it was? One that is gone has no other points than these either. */
  async isCurrent(): Promise<boolean> {
    try {
      return sameFile(await stat(this.file), this.#header.source);
    } catch (error) {
      if (isAbsent(error)) return true;
      throw error;
    }
  }

  names(): Iterable<string> {
    return this.#curves.keys();
  }

  points(name: string): MetricPoints | undefined {
    const place = this.#curves.get(name);
    if (place === undefined) return undefined;
    let points = this.#points.get(name);
    if (points === undefined) {
      const curve = this.#header.curves[place]!;
      points = new CompactPoints(this.#compact, curve, this.#axes[curve.axis]!, this.#known.subarray(place * KNOWN, (place + 1) * KNOWN));
      this.#points.set(name, points);
    }
    return points;
  }

  close(): void {
    this.#compact.close();
  }
}

class PagedColumn {
  readonly #pages: PagedValues | null;
  readonly #first: number;
  readonly #stride: number;

  constructor(file: CompactFile, column: Column) {
    this.#pages = "at" in column ? new PagedValues(file, column) : null;
    [this.#first, this.#stride] = "at" in column ? [0, 0] : [column.first, column.stride];
  }

  at(index: number): number {
    return this.#pages === null ? this.#first + index * this.#stride : this.#pages.at(index);
  }

  copy(from: number, to: number, target: Float64Array | Int32Array, at: number): void {
    if (this.#pages !== null) copyRange(this.#pages, from, to, target, at);
    else for (let i = from; i < to; i++) target[at + i - from] = this.#first + i * this.#stride;
  }

  /** How many of the first `length` values, which ascend, hold. */
  count(length: number, holds: (value: number) => boolean): number {
    return countLeading(length, (index) => holds(this.at(index)));
  }
}

class PagedAxis {
  readonly ascending: boolean;
  readonly steps: PagedColumn;
  readonly times: PagedColumn;
  readonly rows: PagedColumn;

  constructor(file: CompactFile, { ascending, steps, times, rows }: CompactAxis) {
    this.ascending = ascending;
    this.steps = new PagedColumn(file, steps);
    this.times = new PagedColumn(file, times);
    this.rows = new PagedColumn(file, rows);
  }
}

interface Point {
  readonly step: number;
  readonly time: number;
  readonly value: number;
}

/** Points found in nodes that are remembered until they are asked for: more than the nodes of a bucket tell. */
const MOST_FOUND = 64;

const [LEAST, GREATEST, FIRST_NEGATIVE, FIRST_POSITIVE] = (["least", "greatest", "firstNegative", "firstPositive"] as const).map(
  (name) => 4 * KNOWN_POINTS.indexOf(name),
) as [number, number, number, number];

class CompactPoints implements MetricPoints, Nodes {
  readonly length: number;
  readonly #file: CompactFile;
  readonly #curve: CompactCurve;
  readonly #axis: PagedAxis;
  readonly #values: PagedValues;
  readonly #known: Float64Array;
  /** Index of the first node of each level. */
  readonly #levels: readonly number[];
  #gaps: GapList | null = null;
  /** What summaries ask for. */
  readonly #summary: ReadonlyMap<number, Point>;
  /** What nodes have told, the newest and those before: extremes are looked up right after they were asked for. */
  #found = new Map<number, Point>();
  #foundBefore = this.#found;

  constructor(file: CompactFile, curve: CompactCurve, axis: PagedAxis, known: Float64Array) {
    this.#file = file;
    this.#curve = curve;
    this.#axis = axis;
    this.#known = known;
    this.length = curve.length;
    this.#values = new PagedValues(file, curve.values);
    let first = 0;
    this.#levels = curve.levels.map((count) => (first += count) - count);
    const summary = new Map<number, Point>();
    for (let at = 0; at < KNOWN; at += 4) summary.set(known[at]!, { step: known[at + 1]!, time: known[at + 2]!, value: known[at + 3]! });
    this.#summary = summary;
  }

  get ascending(): boolean {
    return this.#axis.ascending;
  }

  get identity(): object {
    return this;
  }

  get gaps(): GapList {
    this.#gaps ??= this.#readGaps();
    return this.#gaps;
  }

  get firstFall(): number {
    return this.#curve.firstFall ?? Infinity;
  }

  stepAt(index: number): number {
    return this.#pointAt(index)?.step ?? this.#axis.steps.at(index);
  }

  timeAt(index: number): number {
    return this.#pointAt(index)?.time ?? this.#axis.times.at(index);
  }

  valueAt(index: number): number {
    return this.#pointAt(index)?.value ?? this.#values.at(index);
  }

  rowAt(index: number): number {
    return this.#axis.rows.at(index);
  }

  countBelow(step: number, length: number): number {
    // Most windows have no bounds: nothing need be read for them.
    if (length === 0 || step <= this.stepAt(0)) return 0;
    return length === this.length && step > this.stepAt(length - 1) ? length : this.#axis.steps.count(length, (other) => other < step);
  }

  countUpTo(step: number, length: number): number {
    if (length === 0 || step < this.stepAt(0)) return 0;
    return length === this.length && step >= this.stepAt(length - 1) ? length : this.#axis.steps.count(length, (other) => other <= step);
  }

  countRowsBefore(row: number): number {
    return row === 0 ? 0 : this.#axis.rows.count(this.length, (other) => other < row);
  }

  copyValues(from: number, to: number, target: Float64Array, at: number): void {
    copyRange(this.#values, from, to, target, at);
  }

  copy(from: number, to: number, target: PointArrays, at: number): void {
    this.#axis.steps.copy(from, to, target.steps, at);
    this.#axis.times.copy(from, to, target.times, at);
    this.copyValues(from, to, target.values, at);
    if (target.rows !== null) this.#axis.rows.copy(from, to, target.rows, at);
  }

  extremes(from: number, to: number, into: Extremes): void {
    if (from > 0 || to < this.length) {
      widenByRange(this, this.#values, from, to, into);
      return;
    }
    const [least, greatest] = [this.#known[LEAST]!, this.#known[GREATEST]!];
    if (least < 0) return;
    const [low, high] = [this.#known[LEAST + 3]!, this.#known[GREATEST + 3]!];
    if (low < into.low) [into.low, into.least] = [low, least];
    if (high > into.high) [into.high, into.greatest] = [high, greatest];
  }

  nodeCount(level: number): number {
    return this.#curve.levels[level] ?? 0;
  }

  widenByNode(level: number, node: number, into: Extremes): void {
    const { nodes } = this.#curve;
    const index = (this.#levels[level]! + node) * NODE;
    const page = this.#file.page(nodes, index);
    const at = index % PAGE;
    const [low, high] = [page[at]!, page[at + 1]!];
    if (low < into.low) {
      into.low = low;
      into.least = page[at + 2]!;
      this.#note(into.least, page[at + 4]!, page[at + 5]!, low);
    }
    if (high > into.high) {
      into.high = high;
      into.greatest = page[at + 3]!;
      this.#note(into.greatest, page[at + 6]!, page[at + 7]!, high);
    }
  }

  curve(): Curve {
    const axis = new Axis();
    const curve = new Curve(this.#curve.name, axis);
    axis.reserve(this.length);
    curve.reserve(this.length);
    const block = { steps: new Float64Array(PAGE), times: new Float64Array(PAGE), values: new Float64Array(PAGE), rows: null };
    const places = new Float64Array(2 * PAGE);
    for (let from = 0; from < this.length; from += PAGE) {
      const count = Math.min(PAGE, this.length - from);
      this.copy(from, from + count, block, 0);
      for (let i = 0; i < count; i++) {
        places[2 * i] = block.times[i]!;
        places[2 * i + 1] = block.steps[i]!;
      }
      axis.append(places, 0, 2, count, from);
      curve.append(block.values, 0, 1, count);
    }
    this.#axis.rows.copy(0, this.length, axis.rows.data, 0);
    return curve;
  }

  #note(index: number, step: number, time: number, value: number): void {
    if (index < 0) return;
    if (this.#found.size >= MOST_FOUND) {
      this.#foundBefore = this.#found;
      this.#found = new Map();
    }
    this.#found.set(index, { step, time, value });
  }

  #pointAt(index: number): Point | undefined {
    return this.#found.get(index) ?? this.#foundBefore.get(index) ?? this.#summary.get(index);
  }

  #readGaps(): GapList {
    const gaps = new GapList();
    const section = this.#curve.gaps;
    if (section === null) return gaps;
    gaps.indexes.reserve(section.length);
    gaps.indexes.data.set(this.#file.all(section));
    gaps.indexes.length = section.length;
    gaps.firstNegative = this.#known[FIRST_NEGATIVE]!;
    gaps.firstPositive = this.#known[FIRST_POSITIVE]!;
    return gaps;
  }
}
