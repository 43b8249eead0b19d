/** All runs the server knows, and the one way in which they change: an event on disk, the record on disk, then word to the listeners. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { canTransition, LIVE_STATES, type RunState } from "../../protocol/states.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import type { RunStore } from "../store/types.ts";
import type { RunEntry } from "./entry.ts";
import type { RunsChange } from "./types.ts";

/** Lists are drawn at most this often for a run whose points come in. */
const SUMMARY_MS = 500;
const RETRY_WRITE_MS = 5000;

export interface Move {
  readonly to: RunState;
  readonly cause: string;
  readonly evidence?: JsonObject;
  /** Further fields of run.json that change with the state. */
  readonly changes?: Partial<RunRecord>;
}

interface Unsaved {
  readonly changes: Partial<RunRecord>;
  readonly event: RunEvent;
}

export class Ledger {
  readonly store: RunStore;
  readonly #note: (text: string) => void;
  readonly #entries = new Map<RunId, RunEntry>();
  readonly #listeners = new Set<(change: RunsChange) => void>();
  readonly #summaryTimers = new Map<RunId, NodeJS.Timeout>();
  /** Changes that the disk had no room for, oldest first. */
  readonly #unsaved = new Map<RunId, Unsaved[]>();
  /** Changes of one run are made one after the other. */
  readonly #queue = new KeyedQueue();
  #closed = false;

  constructor(store: RunStore, note: (text: string) => void) {
    this.store = store;
    this.#note = note;
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
    for (const { live: attempt, record } of this.#entries.values()) {
      const pid = attempt?.pid ?? null;
      if (attempt !== null && pid !== null) live.set(record.id, { attempt: attempt.number, pid });
    }
    return live;
  }

  liveCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (LIVE_STATES.has(entry.record.state)) count++;
    return count;
  }

  add(entry: RunEntry): void {
    this.#entries.set(entry.record.id, entry);
    this.announce(entry);
  }

  forget(id: RunId): void {
    if (!this.#entries.delete(id)) return;
    this.#clearSummaryTimer(id);
    this.#unsaved.delete(id);
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
    this.#clearSummaryTimer(entry.record.id);
    this.emit({ type: "summary", run: entry.summary() });
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
  moveFrom(entry: RunEntry, from: (state: RunState) => boolean, move: Move): Promise<boolean> {
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
  change(entry: RunEntry, changes: Partial<Omit<RunRecord, "state">>, event: RunEvent): Promise<void> {
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
    for (const timer of this.#summaryTimers.values()) clearTimeout(timer);
    this.#listeners.clear();
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
        this.note(`${id} is not saved yet`, error);
        entry.record = { ...entry.record, ...changes };
        if (!this.store.readOnly) {
          this.#unsaved.set(id, [{ changes, event }]);
          this.#retryLater(entry);
          // Told to whoever looks now; there is no room to keep it.
          const text = [`${error.message}.`, error.hint].filter((part) => part !== null).join(" ");
          this.emit({ type: "events", id, events: [{ type: "message", time: new Date().toISOString(), level: "warning", text }] });
        }
      }
    this.emit({ type: "events", id, events: [event] });
    this.announce(entry);
  }

  async #save(id: RunId, { changes, event }: Unsaved): Promise<RunRecord> {
    // On top of what lies there: another program may have changed a field that we did not.
    const saved = await this.store.update(id, (stored) => ({ ...stored, ...changes }));
    await this.store.appendEvent(id, event);
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
