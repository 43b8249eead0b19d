/**
 * One attempt's files and what goes into them. `log` costs a copy of the numbers: rows are packed and handed to the disk at most every
 * {@link Timing.drainMs}, from a timer, or from `log` itself in code that never yields.
 */
import path from "node:path";
import type { Metrics } from "./api.ts";
import { AppendFile } from "./append-file.ts";
import { float, integer, line, object, type Json } from "./json.ts";
import { MetricBatches } from "./metric-batches.ts";
import { warnOnce } from "./quiet.ts";
import { isObject, numbersOf, toFloat } from "./values.ts";

/** Bytes that wait in memory while the disk takes none. */
const BACKLOG_BYTES = 16 * 1024 * 1024;
/** Rows that wait to be packed. */
const MOST_ROWS = 100_000;

/** When things are written; tests take their own. */
export interface Timing {
  /** Seconds since the epoch. */
  readonly now: () => number;
  readonly drainMs: number;
  /** How often losses are told at most. */
  readonly droppedMs: number;
}

export const TIMING: Timing = { now: () => Date.now() / 1000, drainMs: 50, droppedMs: 1000 };

interface Row {
  readonly seconds: number;
  readonly step: unknown;
  readonly metrics: ReadonlyMap<string, number>;
  /** Values that were no numbers. */
  readonly refused: number;
}

export class Reporter {
  readonly #timing: Timing;
  readonly #metrics: AppendFile;
  readonly #report: AppendFile;
  readonly #batches = new MetricBatches();
  readonly #timer: NodeJS.Timeout;
  #rows: Row[] = [];
  #lost = 0;
  #refused = 0;
  #nextDrain: number;
  #nextDropped = 0;
  /** Of the newest row; the next row without one gets the number after it. */
  step = 0;
  /** Everything given up so far. */
  dropped = 0;

  /** @param dir the attempt's folder. @throws system error; EEXIST: another process reports for this attempt */
  constructor(dir: string, timing: Timing = TIMING) {
    this.#timing = timing;
    this.#nextDrain = performance.now() + timing.drainMs;
    this.#metrics = new AppendFile(path.join(dir, "metrics.bin"), "ax", BACKLOG_BYTES);
    this.#report = new AppendFile(path.join(dir, "report.jsonl"), "a", BACKLOG_BYTES);
    this.#timer = setInterval(
      () => {
        this.drain();
      },
      Math.min(timing.drainMs, 2 ** 31 - 1),
    ).unref();
  }

  log(metrics: Metrics, step: unknown): void {
    if (!isObject(metrics)) {
      this.refuse("log() takes an object of numbers; the call was left out");
      return;
    }
    const { numbers, refused } = numbersOf(metrics);
    if (refused > 0) warnOnce("log() records numbers only; other values are left out");
    if (this.#rows.length >= MOST_ROWS) this.#lost++;
    else this.#rows.push({ seconds: this.#timing.now(), step, metrics: numbers, refused });
    if (performance.now() >= this.#nextDrain) this.drain();
  }

  /** Counts a call that held nothing to log. */
  refuse(why: string): void {
    this.#refused++;
    warnOnce(why);
  }

  say(type: string, fields: Readonly<Record<string, Json>>): void {
    const record = object({ type, time: float(this.#timing.now()), ...fields });
    this.#report.add({ kept: Buffer.alloc(0), rest: Buffer.from(`${line(record)}\n`, "utf8"), count: 1 });
  }

  /** Packs what waits and hands it to the disk. */
  drain(): void {
    this.#nextDrain = performance.now() + this.#timing.drainMs;
    const rows = this.#rows;
    this.#rows = [];
    for (const { seconds, step, metrics, refused } of rows) {
      const number = this.#place(step);
      if (number === null) {
        this.#refused++;
        warnOnce("a step must be a finite number; the row was left out");
        continue;
      }
      this.#refused += refused;
      if (metrics.size > 0) this.#batches.add(seconds * 1000, number, metrics);
    }
    const batch = this.#batches.take();
    if (batch !== null) this.#metrics.add(batch);
    if (this.#metrics.problem !== null) warnOnce(`points cannot be written and wait in memory: ${this.#metrics.problem.message}`);
    this.#tellDropped(false);
  }

  /** @returns false when the disk did not take everything in time */
  settle(timeoutMs: number): boolean {
    this.drain();
    return this.#metrics.settle(timeoutMs) && this.#report.settle(timeoutMs);
  }

  /** Ends the writing of points; `say` still works until {@link close}. */
  endMetrics(timeoutMs: number): void {
    clearInterval(this.#timer);
    this.drain();
    if (!this.#metrics.settle(timeoutMs)) warnOnce("the disk did not answer; the newest points may be lost");
    this.#metrics.close();
    this.#tellDropped(true);
  }

  close(timeoutMs: number): void {
    if (!this.#report.settle(timeoutMs)) warnOnce("the end of the run could not be written: the disk refuses");
    this.#report.close();
  }

  #place(step: unknown): number | null {
    if (step === undefined || step === null) return ++this.step;
    const number = toFloat(step);
    if (number === null || !Number.isFinite(number)) return null;
    this.step = number;
    return number;
  }

  #tellDropped(last: boolean): void {
    const now = performance.now();
    if (!last && (now < this.#nextDropped || this.#metrics.problem !== null)) return;
    this.#lost += this.#metrics.takeDropped() + this.#batches.dropped;
    this.#batches.dropped = 0;
    if (this.#lost > 0) this.say("dropped", { count: integer(this.#lost), reason: "rows that could not be written in time" });
    if (this.#refused > 0) this.say("dropped", { count: integer(this.#refused), reason: "values that are not numbers" });
    if (this.#lost + this.#refused > 0) this.#nextDropped = now + this.#timing.droppedMs;
    this.dropped += this.#lost + this.#refused;
    this.#lost = this.#refused = 0;
  }
}
