/** Feeds with a cursor: points and log text. */
import { TrainyardError } from "../../../protocol/errors.ts";
import type { RunId } from "../../../protocol/ids.ts";
import { MOST_STREAMED_POINTS, type Topic } from "../../../protocol/messages.ts";
import type { SeriesCursor } from "../../../protocol/queries.ts";
import { FINAL_STATES } from "../../../protocol/state-kinds.ts";
import type { RunsChange } from "../../runs/types.ts";
import type { RunSeries, WindowExtras } from "../../series/types.ts";
import { extrasOf, sayExtras, seriesFrame } from "../series-answer.ts";
import type { Feed, FeedSources, Sink } from "./feed.ts";

/** A client that is further behind in a log is taken to its newest part. */
const MAX_LOG_BYTES = 1024 * 1024;

export class SeriesFeed implements Feed {
  readonly #id: number;
  readonly #run: RunId;
  readonly #metrics: readonly string[];
  readonly #maxPoints: number;
  readonly #extras: WindowExtras;
  readonly #sources: FeedSources;
  #cursor: SeriesCursor;
  #opened: { series: RunSeries; release(): void } | null = null;
  #first = true;
  #dirty = true;
  #closed = false;

  constructor(id: number, topic: Extract<Topic, { topic: "series" }>, sources: FeedSources) {
    this.#id = id;
    this.#run = topic.run;
    this.#metrics = topic.metrics;
    this.#maxPoints = topic.max_points ?? MOST_STREAMED_POINTS;
    this.#extras = extrasOf(topic);
    this.#cursor = topic.cursor;
    this.#sources = sources;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  changed(change: RunsChange): void {
    if ((change.type === "points" || change.type === "removed") && change.id === this.#run) this.#dirty = true;
  }

  async flush(sink: Sink): Promise<boolean> {
    this.#dirty = false;
    if (this.#opened !== null && this.#sources.runs.summary(this.#run) === undefined) return true;
    const series = await this.#open();
    if (series === null) return true;
    await series.poll();
    await series.prepare({ metrics: this.#metrics, ...this.#extras });
    const { windows, cursor, reset } = series.since(this.#cursor, this.#metrics, this.#maxPoints, this.#extras);
    const some = windows.filter((window) => window.steps.length > 0);
    // The first frame goes out even if it is empty: it tells the client that nothing more is on its way.
    if (some.length > 0 || reset || this.#first)
      sink.frame(await seriesFrame(this.#id, this.#run, some, cursor, reset, sayExtras(series, this.#extras)));
    this.#cursor = cursor;
    this.#first = false;
    return false;
  }

  close(): void {
    this.#closed = true;
    this.#opened?.release();
    this.#opened = null;
  }

  /** null when the subscription ended while the file was being opened. */
  async #open(): Promise<RunSeries | null> {
    if (this.#opened !== null) return this.#opened.series;
    const opened = await this.#sources.runs.series(this.#run);
    // close() may have run meanwhile, which the compiler cannot know.
    if (this.#wasClosed()) {
      opened.release();
      return null;
    }
    this.#opened = opened;
    return opened.series;
  }

  #wasClosed(): boolean {
    return this.#closed;
  }
}

export class LogFeed implements Feed {
  readonly #id: number;
  readonly #run: RunId;
  readonly #attempt: number;
  readonly #sources: FeedSources;
  #offset: number;
  #dirty = true;

  constructor(id: number, topic: { run: RunId; attempt: number; offset: number }, sources: FeedSources) {
    this.#id = id;
    this.#run = topic.run;
    this.#attempt = topic.attempt;
    this.#offset = topic.offset;
    this.#sources = sources;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  changed(change: RunsChange): void {
    if (change.type === "log") this.#dirty ||= change.id === this.#run && change.attempt === this.#attempt;
    // The end of the attempt shows in the summary.
    else if (change.type === "summary") this.#dirty ||= change.run.id === this.#run;
    else if (change.type === "removed") this.#dirty ||= change.id === this.#run;
  }

  async flush(sink: Sink): Promise<boolean> {
    this.#dirty = false;
    const { runs, storeOf } = this.#sources;
    const run = runs.summary(this.#run);
    if (run === undefined) throw new TrainyardError("not_found", `there is no run ${this.#run}`);
    // Asked before reading: an attempt that was over by then has written its last byte.
    const over = run.attempt > this.#attempt || (run.attempt === this.#attempt && FINAL_STATES.has(run.state));
    const text = await storeOf(this.#run).logText(this.#run, this.#attempt, this.#offset, MAX_LOG_BYTES);
    if (text.nextOffset > text.offset) {
      this.#send(sink, text.offset, text.nextOffset, text.text, text.skippedBytes);
      this.#dirty = true; // There may be more; the next tick looks.
      return false;
    }
    if (!over) return false;
    // Bytes held back as the start of a character whose rest will never come.
    const { bytes } = await storeOf(this.#run).logBytes(this.#run, this.#attempt, this.#offset, 8);
    if (bytes.length > 0) this.#send(sink, this.#offset, this.#offset + bytes.length, new TextDecoder().decode(bytes), 0);
    return true;
  }

  close(): void {
    this.#dirty = false;
  }

  #send(sink: Sink, offset: number, nextOffset: number, text: string, skippedBytes: number): void {
    this.#offset = nextOffset;
    sink.message({
      type: "log",
      id: this.#id,
      attempt: this.#attempt,
      offset,
      next_offset: nextOffset,
      text,
      skipped_bytes: Math.max(0, skippedBytes),
    });
  }
}
