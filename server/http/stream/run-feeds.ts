/** Feeds of small messages: all runs, one run, the machine. */
import type { Checkpoint } from "../../../protocol/artifact.ts";
import { TrainyardError } from "../../../protocol/errors.ts";
import type { RunId } from "../../../protocol/ids.ts";
import type { Topic } from "../../../protocol/messages.ts";
import type { Notice } from "../../../protocol/notices.ts";
import type { LineFields, RunLine } from "../../../protocol/run-line.ts";
import { LIVE_STATES } from "../../../protocol/state-kinds.ts";
import type { RunUsage, SystemSample } from "../../../protocol/system.ts";
import type { Devices } from "../../devices/types.ts";
import type { Notices } from "../../notices/types.ts";
import type { OpenRuns, RunsChange } from "../../runs/types.ts";
import type { Feed, FeedSources, Sink } from "./feed.ts";

/** Runs in the first message. */
const MOST_RUNS = 2000;
/** Of more that changed at once, the rest follows in the next beat: a client that reads slowly gets fewer messages, not larger ones. */
const MOST_CHANGED = 500;

/** Lines of the list once, then those of the runs that changed, each at most once per tick. */
export class RunsFeed implements Feed {
  readonly #id: number;
  readonly #runs: OpenRuns;
  readonly #changesOnly: boolean;
  readonly #fields: LineFields;
  readonly #changed = new Set<RunId>();
  #started = false;

  constructor(id: number, topic: Extract<Topic, { topic: "runs" }>, runs: OpenRuns) {
    this.#id = id;
    this.#runs = runs;
    this.#changesOnly = topic.changes_only ?? false;
    this.#fields = topic;
  }

  get dirty(): boolean {
    return !this.#started || this.#changed.size > 0;
  }

  changed(change: RunsChange): void {
    const run = runOfChange(change);
    if (run !== null) this.#changed.add(run);
  }

  async flush(sink: Sink): Promise<boolean> {
    if (!this.#started) {
      this.#started = true;
      this.#changed.clear();
      sink.message({ type: "runs", id: this.#id, runs: this.#lines(this.#changesOnly ? [] : newestRuns(this.#runs)).runs });
    } else {
      const changed = takeSome(this.#changed, MOST_CHANGED);
      const { runs, missing: removed } = this.#lines(changed);
      sink.message({ type: "runs_changed", id: this.#id, runs, removed });
    }
    return Promise.resolve(false);
  }

  close(): void {
    this.#changed.clear();
  }

  #lines(ids: readonly RunId[]): { runs: RunLine[]; missing: RunId[] } {
    return known(ids, (id) => this.#runs.line(id, this.#fields));
  }
}

/** Summaries of certain runs once, then of those that changed. */
export class SummariesFeed implements Feed {
  readonly #id: number;
  readonly #runs: OpenRuns;
  readonly #of: ReadonlySet<RunId>;
  readonly #changed: Set<RunId>;

  constructor(id: number, runs: OpenRuns, of: readonly RunId[]) {
    this.#id = id;
    this.#runs = runs;
    this.#of = new Set(of);
    this.#changed = new Set(of);
  }

  get dirty(): boolean {
    return this.#changed.size > 0;
  }

  changed(change: RunsChange): void {
    const run = runOfChange(change);
    if (run !== null && this.#of.has(run)) this.#changed.add(run);
  }

  async flush(sink: Sink): Promise<boolean> {
    const changed = takeSome(this.#changed, Infinity);
    sink.message({ type: "summaries", id: this.#id, ...known(changed, (id) => this.#runs.summary(id)) });
    return Promise.resolve(false);
  }

  close(): void {
    this.#changed.clear();
  }
}

/** The run whose summary is another one now, or gone. */
function runOfChange(change: RunsChange): RunId | null {
  if (change.type === "summary") return change.run.id;
  return change.type === "removed" ? change.id : null;
}

/** The newest, and all that live or wait to: a list of a hundred thousand would neither be sent nor looked at. */
function newestRuns(runs: OpenRuns): RunId[] {
  const all = [...runs.briefs()].sort((a, b) => (a.id < b.id ? 1 : -1));
  return all.filter(({ state }, place) => place < MOST_RUNS || LIVE_STATES.has(state) || state === "queued").map(({ id }) => id);
}

function takeSome<T>(from: Set<T>, most: number): T[] {
  const taken: T[] = [];
  for (const each of from) {
    if (taken.length >= most) break;
    taken.push(each);
    from.delete(each);
  }
  return taken;
}

function known<T>(ids: readonly RunId[], read: (id: RunId) => T | undefined): { runs: T[]; missing: RunId[] } {
  const runs: T[] = [];
  const missing: RunId[] = [];
  for (const id of ids) {
    const run = read(id);
    if (run === undefined) missing.push(id);
    else runs.push(run);
  }
  return { runs, missing };
}

/** One run: its summary, its events from the first on, its checkpoints, what its processes use. */
export class RunFeed implements Feed {
  readonly #id: number;
  readonly #run: RunId;
  readonly #sources: FeedSources;
  #summary = true;
  #events = true;
  #eventsSent = 0;
  #checkpoints: readonly Checkpoint[] | "read" | null = "read";
  #usage: RunUsage | null = null;

  constructor(id: number, run: RunId, sources: FeedSources) {
    this.#id = id;
    this.#run = run;
    this.#sources = sources;
  }

  get dirty(): boolean {
    return this.#summary || this.#events || this.#checkpoints !== null || this.#usage !== null;
  }

  changed(change: RunsChange): void {
    if (change.type === "summary") {
      if (change.run.id === this.#run) this.#summary = true;
      return;
    }
    if (change.type === "queue" || change.id !== this.#run) return;
    if (change.type === "removed") this.#summary = true;
    else if (change.type === "events") this.#events = true;
    else if (change.type === "checkpoints") this.#checkpoints = change.checkpoints;
    else if (change.type === "usage") this.#usage = change.usage;
  }

  async flush(sink: Sink): Promise<boolean> {
    const { runs, storeOf } = this.#sources;
    const id = this.#id;
    const run = runs.summary(this.#run);
    if (run === undefined) {
      if (this.#eventsSent > 0 || !this.#events) return true; // It was there, and was removed.
      throw new TrainyardError("not_found", `there is no run ${this.#run}`);
    }
    if (this.#summary) {
      this.#summary = false;
      sink.message({ type: "run", id, run });
    }
    if (this.#events) {
      this.#events = false;
      // Read from the file, not from the change: what came before the subscription and what comes now then meet without a gap.
      const events = await storeOf(this.#run)
        .events(this.#run)
        .catch((error: unknown) => {
          this.#events = true;
          throw error;
        });
      const fresh = events.slice(this.#eventsSent);
      this.#eventsSent = events.length;
      if (fresh.length > 0) sink.message({ type: "events", id, events: fresh });
    }
    if (this.#checkpoints !== null) {
      const known = this.#checkpoints;
      this.#checkpoints = null;
      const checkpoints =
        known !== "read"
          ? [...known]
          : await storeOf(this.#run)
              .checkpoints(this.#run)
              .catch((error: unknown) => {
                this.#checkpoints ??= "read";
                throw error;
              });
      sink.message({ type: "checkpoints", id, checkpoints });
    }
    if (this.#usage !== null) {
      sink.message({ type: "usage", id, usage: this.#usage });
      this.#usage = null;
    }
    return false;
  }

  close(): void {
    this.#usage = null;
  }
}

/** The queue, whole: it is small, and what changed of it is seldom one thing. */
export class QueueFeed implements Feed {
  readonly #id: number;
  readonly #runs: OpenRuns;
  dirty = true;

  constructor(id: number, runs: OpenRuns) {
    this.#id = id;
    this.#runs = runs;
  }

  changed(change: RunsChange): void {
    if (change.type === "queue") this.dirty = true;
  }

  async flush(sink: Sink): Promise<boolean> {
    this.dirty = false;
    sink.message({ type: "queue", id: this.#id, queue: await this.#runs.queue.list() });
    return false;
  }

  close(): void {
    this.dirty = false;
  }
}

/** Notices, each once; a window that opens is told what nobody has seen yet. */
export class NoticesFeed implements Feed {
  readonly #id: number;
  readonly #waiting: Notice[];
  readonly #stop: () => void;

  constructor(id: number, notices: Notices) {
    this.#id = id;
    this.#waiting = notices.unclaimed();
    this.#stop = notices.onNotice((notice) => {
      this.#waiting.push(notice);
    });
  }

  get dirty(): boolean {
    return this.#waiting.length > 0;
  }

  async flush(sink: Sink): Promise<boolean> {
    for (const notice of this.#waiting.splice(0)) sink.message({ type: "notice", id: this.#id, notice });
    return Promise.resolve(false);
  }

  close(): void {
    this.#stop();
  }
}

/** The newest sample of the machine; those that a slow client missed are in GET /api/system. */
export class SystemFeed implements Feed {
  readonly #id: number;
  readonly #stop: () => void;
  #sample: SystemSample | null = null;

  constructor(id: number, devices: Devices) {
    this.#id = id;
    this.#stop = devices.onSample((sample) => {
      this.#sample = sample;
    });
  }

  get dirty(): boolean {
    return this.#sample !== null;
  }

  async flush(sink: Sink): Promise<boolean> {
    if (this.#sample !== null) sink.message({ type: "system", id: this.#id, sample: this.#sample });
    this.#sample = null;
    return Promise.resolve(false);
  }

  close(): void {
    this.#stop();
    this.#sample = null;
  }
}
