/** All runs the server knows, and the one way in which they change: an event on disk, the record on disk, then word to the listeners. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { canTransition, type RunState } from "../../protocol/states.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import type { RunStore } from "../store/types.ts";
import { RunEntry } from "./entry.ts";
import type { Change, EventJournal } from "./event-journal.ts";
import { folderSignature, type FolderSignature, type RunCache } from "./run-cache.ts";
import type { RunsChange } from "./types.ts";

/** Lists are drawn at most this often for a run whose points come in. */
const SUMMARY_MS = 500;
const RETRY_WRITE_MS = 5000;
/** A run that came to rest stays in memory for a moment: it is what people look at, and changes come in groups. */
const REST_MS = 1000;
/** Runs that leave memory at once, each for a few looks at files; where more wait, the others follow after a breath. */
const REST_BATCH = 50;
const BREATH_MS = 20;

export interface Move {
  readonly to: RunState;
  readonly cause: string;
  readonly evidence?: JsonObject;
  /** Further fields of run.json that change with the state. */
  readonly changes?: Partial<RunRecord>;
}

export class Ledger {
  readonly store: RunStore;
  /** Where the summaries of runs that are over lie; null keeps all of them in memory. */
  readonly #cache: RunCache | null;
  /** Runs that have come to rest and may leave memory. */
  readonly #resting = new Set<RunEntry>();
  #restTimer: NodeJS.Timeout | null = null;
  readonly #note: (text: string) => void;
  readonly #entries = new Map<RunId, RunEntry>();
  readonly #listeners = new Set<(change: RunsChange) => void>();
  readonly #summaryTimers = new Map<RunId, NodeJS.Timeout>();
  /** Changes that the disk had no room for, oldest first. */
  readonly #unsaved = new Map<RunId, Change[]>();
  /** Changes of one run are made one after the other. */
  readonly #queue = new KeyedQueue();
  readonly #journal: EventJournal | null;
  #closed = false;

  /** @param journal of what is being written; null leaves to chance what a kill in that moment leaves */
  constructor(store: RunStore, cache: RunCache | null, journal: EventJournal | null, note: (text: string) => void) {
    this.store = store;
    this.#cache = cache;
    this.#journal = journal;
    this.#note = note;
  }

  /** Writes what an earlier server was killed over. To be called before anything is read. */
  async finishEvents(): Promise<void> {
    await this.#journal?.finish(this.store, (what, error) => {
      this.note(what, error);
    });
  }

  get(id: RunId): RunEntry | undefined {
    return this.#entries.get(id);
  }

  /** @throws TrainyardError not_found, or corrupt_record for a run that cannot be read */
  must(id: RunId): RunEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw new TrainyardError("not_found", `there is no run ${id} in the store ${this.store.root}`, "Refresh the list of runs.");
    return entry;
  }

  /** The same for a change. @throws TrainyardError corrupt_record */
  mustChange(id: RunId): RunEntry {
    const entry = this.must(id);
    if (entry.damagedFolder !== null)
      throw new TrainyardError("corrupt_record", entry.damagedFolder, "Repair run.json or move the folder away, then refresh.");
    return entry;
  }

  entries(): IterableIterator<RunEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Leaders of the process groups that are followed. */
  liveProcesses(): Map<RunId, { attempt: number; pid: number }> {
    const live = new Map<RunId, { attempt: number; pid: number }>();
    for (const { live: attempt, id } of this.#entries.values()) {
      const pid = attempt?.pid ?? null;
      if (attempt !== null && pid !== null) live.set(id, { attempt: attempt.number, pid });
    }
    return live;
  }

  liveCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (LIVE_STATES.has(entry.state)) count++;
    return count;
  }

  add(entry: RunEntry): void {
    this.#entries.set(entry.id, entry);
    this.announce(entry);
  }

  /**
   * Takes over the runs that the cache knows, as far as their folders are there. Nobody is told: it is the start.
   * @param projectOf where each folder lies
   * @returns their ids
   */
  recall(projectOf: ReadonlyMap<string, string>): ReadonlySet<string> {
    const recalled = new Set<string>();
    if (this.#cache === null) return recalled;
    for (const run of [...this.#cache.runs()]) {
      if (projectOf.get(run.id) !== run.project) {
        this.#cache.forget(run.id);
        continue;
      }
      this.#entries.set(run.id, new RunEntry({ run, cache: this.#cache }));
      this.store.recall(run.id, run.project, run.signature.run);
      recalled.add(run.id);
    }
    return recalled;
  }

  /** The run may leave memory, soon, if it is at rest by then. */
  rest(entry: RunEntry): void {
    if (this.#cache === null || entry.cold !== null) return;
    this.#resting.add(entry);
    this.#chillIn(REST_MS);
  }

  /**
   * The run leaves memory now, if it may: one of many that are read without anybody looking at them.
   * @param signature of its files before they were read: whatever was written since is then found
   */
  shelve(entry: RunEntry, signature: FolderSignature): void {
    this.#resting.delete(entry);
    if (this.#mayLeave(entry)) this.#shelve(entry, signature);
  }

  #mayLeave(entry: RunEntry): boolean {
    const { id, cold, live, damagedFolder, inUse } = entry;
    if (this.#cache === null || cold !== null || live !== null || damagedFolder !== null || inUse > 0) return false;
    return this.#entries.get(id) === entry && !this.#unsaved.has(id) && isAtRest(entry.state);
  }

  #shelve(entry: RunEntry, signature: FolderSignature): boolean {
    const run = this.#cache?.keep(entry.summary(), signature) ?? null;
    if (this.#cache === null || run === null) return false;
    entry.chill(run, this.#cache);
    this.store.release(entry.id);
    return true;
  }

  #chillIn(ms: number): void {
    if (this.#closed) return;
    this.#restTimer ??= setTimeout(() => {
      this.#restTimer = null;
      this.#chill(REST_BATCH);
    }, ms);
    this.#restTimer.unref();
  }

  #chill(most: number): void {
    let count = 0;
    for (const entry of this.#resting) {
      this.#resting.delete(entry);
      if (!entry.loaded || !this.#mayLeave(entry)) continue;
      const signature = folderSignature(this.store.paths(entry.id), entry.attempt);
      // Something was written since it was read: what the summary says may be old.
      if (entry.readAt !== null && entry.readAt.rest !== signature.rest) continue;
      if (this.#shelve(entry, signature) && ++count >= most) break;
    }
    if (this.#resting.size > 0) this.#chillIn(BREATH_MS);
  }

  forget(id: RunId): void {
    if (!this.#entries.delete(id)) return;
    this.#clearSummaryTimer(id);
    this.#unsaved.delete(id);
    this.#cache?.forget(id);
    this.emit({ type: "removed", id });
  }

  listen(listener: (change: RunsChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(change: RunsChange): void {
    if (this.#closed) return;
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.note("a listener failed", error); // One bad viewer must not stop the others.
      }
    }
  }

  /** Tells the run's summary now. */
  announce(entry: RunEntry): void {
    this.#clearSummaryTimer(entry.id);
    this.emit({ type: "summary", run: entry.summary() });
    if (isAtRest(entry.state)) this.rest(entry);
  }

  /** Tells it soon, once for everything that changes until then. */
  announceSoon(entry: RunEntry): void {
    const { id } = entry.record;
    if (this.#closed || this.#summaryTimers.has(id)) return;
    const timer = setTimeout(() => {
      if (this.#entries.get(id) === entry) this.announce(entry);
    }, SUMMARY_MS);
    timer.unref();
    this.#summaryTimers.set(id, timer);
  }

  /** @throws TrainyardError conflict when the run's state does not allow it */
  async move(entry: RunEntry, move: Move): Promise<void> {
    const moved = await this.moveFrom(entry, (state) => canTransition(state, move.to), move);
    if (moved) return;
    const { name, state } = entry.record;
    throw new TrainyardError("conflict", `the run ${name} is ${state} and cannot become ${move.to}`, null);
  }

  /**
   * Moves the run if its state is still one of those; false when it is not.
   * @param from asked when all earlier changes of the run are done
   */
  async moveFrom(entry: RunEntry, from: (state: RunState) => boolean, move: Move): Promise<boolean> {
    return this.#queue.run(entry.record.id, async () => {
      const { state, attempt } = entry.record;
      if (!from(state) || !canTransition(state, move.to)) return false;
      const event: RunEvent = {
        type: "state",
        time: new Date().toISOString(),
        from: state,
        to: move.to,
        attempt: move.changes?.attempt ?? attempt,
        cause: move.cause,
        evidence: move.evidence ?? {},
      };
      await this.#apply(entry, { ...move.changes, state: move.to }, event);
      return true;
    });
  }

  /** Changes fields of run.json other than the state. */
  async change(entry: RunEntry, changes: Partial<Omit<RunRecord, "state">>, event: RunEvent): Promise<void> {
    return this.#queue.run(entry.record.id, () => this.#apply(entry, changes, event));
  }

  async event(entry: RunEntry, event: RunEvent): Promise<void> {
    const { id } = entry.record;
    try {
      await this.store.appendEvent(id, event);
    } catch (error) {
      this.note(`an event of ${id} is not saved`, error);
    }
    this.emit({ type: "events", id, events: [event] });
  }

  note(what: string, error: unknown): void {
    this.#note(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  close(): void {
    this.#closed = true;
    if (this.#restTimer !== null) clearTimeout(this.#restTimer);
    for (const timer of this.#summaryTimers.values()) clearTimeout(timer);
    this.#listeners.clear();
  }

  /** After `close` and the last change: keeps what came to rest for the next server. */
  closeFiles(): void {
    this.#chill(Infinity);
    this.#cache?.close();
    this.#journal?.close();
  }

  /** On disk first, then in memory, then told: whoever hears of a change finds it in the folder. */
  async #apply(entry: RunEntry, changes: Partial<RunRecord>, event: RunEvent): Promise<void> {
    const { id } = entry.record;
    const waiting = this.#unsaved.get(id);
    if (waiting !== undefined) {
      waiting.push({ changes, event });
      entry.record = { ...entry.record, ...changes };
    } else
      try {
        entry.record = await this.#save(id, { changes, event });
      } catch (error) {
        if (!(error instanceof TrainyardError) || (error.code !== "disk_full" && error.code !== "store_unwritable")) throw error;
        // The truth about a process does not wait for room on a disk.
        entry.record = { ...entry.record, ...changes };
        // On a store that is only read it stays so, and in memory: the file says something else.
        this.#unsaved.set(id, [{ changes, event }]);
        if (!this.store.readOnly) {
          this.note(`${id} is not saved yet`, error);
          this.#retryLater(entry);
          // Told to whoever looks now; there is no room to keep it.
          const text = [`${error.message}.`, error.hint].filter((part) => part !== null).join(" ");
          this.emit({ type: "events", id, events: [{ type: "message", time: new Date().toISOString(), level: "warning", text }] });
        }
      }
    this.emit({ type: "events", id, events: [event] });
    this.announce(entry);
  }

  async #save(id: RunId, change: Change): Promise<RunRecord> {
    // On top of what lies there: another program may have changed a field that we did not.
    const done = this.#journal?.begin(id, change);
    const saved = await this.store
      .update(id, (stored) => ({ ...stored, ...change.changes }))
      .catch((error: unknown) => {
        done?.();
        throw error;
      });
    // Where there is room for the record alone it stays noted: the next server may be sooner than the next try.
    await this.store.appendEvent(id, change.event);
    done?.();
    return saved;
  }

  /** Saves what waits, in its order, as soon as there is room. */
  #retryLater(entry: RunEntry): void {
    const { id } = entry.record;
    const timer = setTimeout(() => {
      void this.#queue
        .run(id, () => this.#retry(entry))
        .then((done) => {
          if (done) this.#unsaved.delete(id);
          else if (!this.#closed && this.#entries.get(id) === entry) this.#retryLater(entry);
        });
    }, RETRY_WRITE_MS);
    timer.unref();
  }

  async #retry(entry: RunEntry): Promise<boolean> {
    const waiting = this.#unsaved.get(entry.record.id) ?? [];
    try {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        await this.#save(entry.record.id, next);
        waiting.shift();
      }
      return true;
    } catch {
      return false;
    }
  }

  #clearSummaryTimer(id: RunId): void {
    clearTimeout(this.#summaryTimers.get(id));
    this.#summaryTimers.delete(id);
  }
}

/** Nothing changes by itself: over, or not begun. */
function isAtRest(state: RunState): boolean {
  return FINAL_STATES.has(state) || state === "draft";
}
