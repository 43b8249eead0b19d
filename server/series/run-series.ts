/**
 * The points of one run, over all its attempts.
 *
 * The joined curve: a point of an attempt is replaced once a later attempt has begun at or before its step (see `cutOf`); all of
 * the rest stays, in the order of steps. Within one attempt nothing is replaced: points of the same step are kept in the order they were
 * logged. The attempt's own curve keeps everything it wrote.
 *
 * An attempt with a compact file is answered from that, and from its metric file once the one no longer stands for the other.
 */
import { setImmediate } from "node:timers/promises";
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesCursor, SeriesInfo } from "../../protocol/queries.ts";
import { cutOf, isReserved, type AttemptPoints } from "./attempt-points.ts";
import { AttemptSeries } from "./attempt-series.ts";
import { CompactAttempt } from "./compact-attempt.ts";
import { CompactFileError } from "./compact-file.ts";
import type { CompactFiles } from "./compact-files.ts";
import { Counter } from "./counter.ts";
import { MergedPoints } from "./merged-points.ts";
import { ColumnPoints, countPoints, type MetricPoints, type Segment } from "./points.ts";
import { SmoothedCurves } from "./smoothed-curve.ts";
import { summarise } from "./summary.ts";
import type { SpillFile } from "./spill.ts";
import type { RunSeries, SeriesSource, SeriesWindow, WindowExtras, WindowQuery } from "./types.ts";
import { clip, cutWindow, type SmoothedStretch } from "./window.ts";

/**
 * @param sources the metric files of the run's attempts as of now; asked at each poll, for attempts are added
 * @param compact where compact files lie; null where there are none
 */
export function createRunSeries(
  run: RunId,
  sources: () => Promise<readonly SeriesSource[]>,
  compact: CompactFiles | null = null,
): RunSeries {
  return new FileRunSeries(run, sources, compact);
}

/** Smoothing without a pause: others who are looking should not notice. */
const LONGEST_MS = 50;

interface Part {
  readonly attempt: number;
  readonly points: MetricPoints;
  /** Points at or above this step are replaced by a later attempt. */
  readonly below: number;
}

class FileRunSeries implements RunSeries {
  readonly run: RunId;
  readonly #sources: () => Promise<readonly SeriesSource[]>;
  readonly #compact: CompactFiles | null;
  /** In the order of attempts. */
  #attempts: (AttemptSeries | CompactAttempt)[] = [];
  #polling: Promise<boolean> | null = null;
  /** There are other points than at the end of the last poll. */
  #changed = false;
  #spill: SpillFile | null = null;
  /** Curves that had to be put in order, with the lengths and cuts they were made from. */
  readonly #merged = new Map<string, { stamp: string; points: MergedPoints }>();
  readonly #smoothed = new SmoothedCurves();

  constructor(run: RunId, sources: () => Promise<readonly SeriesSource[]>, compact: CompactFiles | null) {
    this.run = run;
    this.#sources = sources;
    this.#compact = compact;
  }

  async poll(): Promise<boolean> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = null;
    });
    return this.#polling;
  }

  letGo(spill: SpillFile): void {
    this.#spill = spill;
  }

  cursor(): SeriesCursor {
    return Object.fromEntries(this.#attempts.filter((a) => a.rowCount > 0).map((a) => [String(a.attempt), a.rowCount]));
  }

  async compact(): Promise<void> {
    if (this.#compact === null) return;
    for (const attempt of this.#attempts) if (attempt instanceof AttemptSeries) await this.#compact.write(this.run, attempt);
  }

  list(): SeriesInfo[] {
    return this.#answer(() => this.#list());
  }

  async prepare({ metrics, attempt, smoothing }: Pick<WindowQuery, "metrics" | "attempt" | "smoothing">): Promise<void> {
    let begun = performance.now();
    for (const name of smoothing === undefined ? [] : this.#match(metrics)) {
      this.#answer(() => this.#smooth(name, attempt ?? null, this.#segments(name, attempt ?? null), smoothing, 0));
      if (performance.now() - begun < LONGEST_MS) continue;
      await setImmediate();
      begun = performance.now();
    }
  }

  window(query: WindowQuery): SeriesWindow[] {
    return this.#answer(() => this.#window(query));
  }

  counterProblem(counter: string, attempt?: number): string | null {
    return this.#answer(() => new Counter(counter, this.#segments(counter, attempt ?? null)).problem);
  }

  since(
    cursor: SeriesCursor,
    metrics: readonly string[],
    maxPoints: number,
    extras: WindowExtras = {},
  ): { windows: SeriesWindow[]; cursor: SeriesCursor; reset: boolean } {
    return this.#answer(() => {
      const now = this.cursor();
      const windows = this.#fits(cursor) ? this.#appended(cursor, metrics, maxPoints, extras) : null;
      if (windows !== null) return { windows, cursor: now, reset: false };
      return { windows: this.#window({ metrics, maxPoints, ...extras }), cursor: now, reset: true };
    });
  }

  newest(): { step: number; time: number; epoch: number | null } | null {
    const attempt = this.#newestAttempt();
    return attempt?.newest == null ? null : { ...attempt.newest, epoch: attempt.epoch };
  }

  stepRange(attempt: number): { first: number; last: number } | null {
    return this.#attempts.find((series) => series.attempt === attempt)?.stepRange ?? null;
  }

  secondsPerStep(): number | null {
    return this.#newestAttempt()?.secondsPerStep ?? null;
  }

  get bytes(): number {
    return this.#attempts.reduce((sum, attempt) => sum + attempt.bytes, this.#smoothed.bytes);
  }

  get damage(): string | null {
    const damages = this.#attempts.map((attempt) => attempt.damage).filter((damage) => damage !== null);
    return damages.length === 0 ? null : damages.join("; ");
  }

  close(): void {
    for (const attempt of this.#attempts) attempt.close();
    this.#attempts = [];
    this.#merged.clear();
    this.#smoothed.clear();
  }

  /** What a disk has lost of a compact file is read from the metric file instead, at once. */
  #answer<T>(answer: () => T): T {
    for (;;)
      try {
        return answer();
      } catch (error) {
        if (!(error instanceof CompactFileError)) throw error;
        this.#compact?.remove(this.run);
        for (const attempt of this.#attempts) if (attempt instanceof CompactAttempt) this.#readRows(attempt).readNow();
      }
  }

  #list(): SeriesInfo[] {
    const infos: SeriesInfo[] = [];
    for (const name of this.#names()) {
      const segments = isReserved(name) ? [] : this.#segments(name, null);
      const summary = summarise(segments);
      if (summary === null) continue;
      const attempts = this.#attempts.filter((a) => (a.points(name)?.length ?? 0) > 0).map((a) => a.attempt);
      infos.push({ name, ...summary, attempts });
    }
    return infos;
  }

  #window(query: WindowQuery): SeriesWindow[] {
    const windows: SeriesWindow[] = [];
    const attempt = query.attempt ?? null;
    const counter = this.#counter(query.counter, attempt);
    for (const name of this.#match(query.metrics)) {
      const whole = this.#segments(name, attempt);
      const { segments, first } = clip(whole, query.fromStep ?? -Infinity, query.toStep ?? Infinity, query.beside ?? false);
      if (segments.length === 0) continue;
      const smoothed = this.#smooth(name, attempt, whole, query.smoothing, first);
      windows.push(cutWindow(name, segments, query.maxPoints, counter, smoothed));
    }
    return windows;
  }

  async #poll(): Promise<boolean> {
    for (const source of await this.#sources()) {
      let attempt =
        this.#attempts.find((known) => known.attempt === source.attempt && known.file === source.file) ?? this.#openAttempt(source);
      if (attempt instanceof CompactAttempt && !(await attempt.isCurrent())) attempt = this.#readRows(attempt);
      attempt.resumedFromStep = source.resumedFromStep;
      attempt.joined = source.joined ?? false;
      if (attempt instanceof AttemptSeries && (await attempt.poll(this.#spill))) this.#changed = true;
    }
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  #openAttempt(source: SeriesSource): AttemptSeries | CompactAttempt {
    const compact = this.#compact?.open(this.run, source) ?? null;
    // It has all its rows at once.
    if (compact !== null && compact.rowCount > 0) this.#changed = true;
    const attempt = compact ?? this.#fromFile(source);
    this.#attempts = [...this.#attempts, attempt].sort((a, b) => a.attempt - b.attempt);
    return attempt;
  }

  /** Goes over to the metric file, of which nothing is read yet. */
  #readRows(compact: CompactAttempt): AttemptSeries {
    const attempt = this.#fromFile(compact);
    attempt.joined = compact.joined;
    this.#attempts = this.#attempts.map((known) => (known === compact ? attempt : known));
    this.#startOver();
    compact.close();
    return attempt;
  }

  #fromFile({ attempt, file, resumedFromStep }: SeriesSource): AttemptSeries {
    return new AttemptSeries(attempt, file, resumedFromStep, () => {
      this.#startOver();
    });
  }

  #startOver(): void {
    this.#merged.clear();
    this.#smoothed.clear();
    this.#changed = true;
  }

  #newestAttempt(): AttemptPoints | undefined {
    return this.#attempts.findLast((attempt) => attempt.rowCount > 0);
  }

  /** All names, in the order of their first appearance. */
  #names(): Set<string> {
    const names = new Set<string>();
    for (const attempt of this.#attempts) for (const name of attempt.names()) names.add(name);
    return names;
  }

  #match(patterns: readonly string[]): Set<string> {
    const names = this.#names();
    const exact = new Set(patterns);
    const prefixes = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
    const found = new Set<string>();
    for (const name of names) {
      const wanted = exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix) && (!isReserved(name) || isReserved(prefix)));
      if (wanted) found.add(name);
    }
    return found;
  }

  /** The parts of the joined curve, or the whole of one attempt. */
  #parts(name: string, attempt: number | null): Part[] {
    const parts: Part[] = [];
    let below = Infinity;
    for (const series of this.#attempts.toReversed()) {
      if (attempt !== null && series.attempt !== attempt) continue;
      const points = series.points(name);
      if (points !== undefined && points.length > 0) parts.push({ attempt: series.attempt, points, below });
      if (attempt === null) below = Math.min(below, cutOf(series));
    }
    return parts.reverse();
  }

  #segments(name: string, attempt: number | null): Segment[] {
    const parts = this.#parts(name, attempt);
    const segments: Segment[] = [];
    let lastStep = -Infinity;
    for (const part of parts) {
      const { points } = part;
      if (!points.ascending) return this.#merge(name, attempt, parts);
      const to = points.countBelow(part.below, points.length);
      if (to === 0) continue;
      if (points.stepAt(0) < lastStep) return this.#merge(name, attempt, parts);
      lastStep = points.stepAt(to - 1);
      segments.push({ points, from: 0, to, attempt: part.attempt, attempts: null });
    }
    return segments;
  }

  /** null without one, and where the metric is none. */
  #counter(name: string | undefined, attempt: number | null): Counter | null {
    if (name === undefined) return null;
    const counter = new Counter(name, this.#segments(name, attempt));
    return counter.problem === null ? counter : null;
  }

  /** @param whole all of the curve @param first place of the window's first point in it @returns null without smoothing */
  #smooth(
    name: string,
    attempt: number | null,
    whole: readonly Segment[],
    weight: number | undefined,
    first: number,
  ): SmoothedStretch | null {
    return weight === undefined ? null : { curve: this.#smoothed.get(curveKey(name, attempt), weight, whole), first };
  }

  /** Curves that overlap, or whose steps go backwards: put in order once, and again when they have grown. */
  #merge(name: string, attempt: number | null, parts: readonly Part[]): Segment[] {
    const key = curveKey(name, attempt);
    const stamp = parts.map((part) => `${String(part.points.length)}<${String(part.below)}`).join(" ");
    let merged = this.#merged.get(key);
    if (merged?.stamp !== stamp) {
      const points = new MergedPoints(
        parts.map(({ attempt: of, below, points: own }) => ({ attempt: of, below, curve: own.curve() })),
        merged?.points ?? null,
      );
      merged = { stamp, points };
      this.#merged.set(key, merged);
    }
    const { points } = merged;
    if (points.length === 0) return [];
    return [{ points: new ColumnPoints(points), from: 0, to: points.length, attempt: 0, attempts: points.attempts }];
  }

  /** Is the cursor of these files, and has no attempt begun since that changed the joined curve before it? */
  #fits(cursor: SeriesCursor): boolean {
    const entries = Object.entries(cursor).filter(([, rows]) => rows > 0);
    if (entries.length === 0) return this.#attempts.every((attempt) => attempt.rowCount === 0);
    const known = new Map(this.#attempts.map((attempt) => [String(attempt.attempt), attempt.rowCount]));
    if (entries.some(([attempt, rows]) => rows > (known.get(attempt) ?? 0))) return false;
    return this.#attempts.every(
      ({ attempt, firstMetric }, i) => i === 0 || firstMetric === null || (cursor[String(attempt)] ?? 0) > firstMetric.row,
    );
  }

  /** What was added to each joined curve at its end; null when that is too much, or not at the end. */
  #appended(cursor: SeriesCursor, metrics: readonly string[], maxPoints: number, extras: WindowExtras): SeriesWindow[] | null {
    const windows: SeriesWindow[] = [];
    const counter = this.#counter(extras.counter, null);
    for (const name of this.#match(metrics)) {
      const added: Segment[] = [];
      let lastStep = -Infinity;
      for (const { attempt, points, below } of this.#parts(name, null)) {
        const from = points.countRowsBefore(cursor[String(attempt)] ?? 0);
        // What the client has of this attempt, as far as the joined curve shows it.
        for (let i = from - 1; i >= 0; i--) {
          if (points.stepAt(i) >= below) continue;
          lastStep = Math.max(lastStep, points.stepAt(i));
          if (points.ascending) break;
        }
        if (added.length > 0 && from > 0) return null; // an earlier attempt grew after this one had begun
        let to = from;
        for (; to < points.length && points.stepAt(to) < below; to++) {
          if (points.stepAt(to) < lastStep) return null;
          lastStep = points.stepAt(to);
        }
        for (let i = to; i < points.length; i++) if (points.stepAt(i) < below) return null;
        if (to > from) added.push({ points, from, to, attempt, attempts: null });
      }
      const count = countPoints(added);
      if (count > maxPoints) return null;
      if (count === 0) continue;
      const whole = extras.smoothing === undefined ? added : this.#segments(name, null);
      const smoothed = this.#smooth(name, null, whole, extras.smoothing, countPoints(whole) - count);
      windows.push(cutWindow(name, added, maxPoints, counter, smoothed));
    }
    return windows;
  }
}

/** @param attempt null for the joined curve */
function curveKey(name: string, attempt: number | null): string {
  return `${attempt === null ? "" : String(attempt)} ${name}`;
}
