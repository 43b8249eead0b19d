/** All runs the server knows, and the one way in which they change: an event on disk, the record on disk, then word to the listeners. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { canTransition, LIVE_STATES, type RunState } from "../../protocol/states.ts";
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

export class Ledger {
  readonly store: RunStore;
  readonly #note: (text: string) => void;
  readonly #entries = new Map<RunId, RunEntry>();
  readonly #listeners = new Set<(change: RunsChange) => void>();
  readonly #summaryTimers = new Map<RunId, NodeJS.Timeout>();
  readonly #unsaved = new Map<RunId, NodeJS.Timeout>();
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
    this.#clearTimer(this.#summaryTimers, id);
    this.#clearTimer(this.#unsaved, id);
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
    this.#clearTimer(this.#summaryTimers, entry.record.id);
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
    const { record } = entry;
    if (!canTransition(record.state, move.to))
      throw new TrainyardError("conflict", `the run ${record.name} is ${record.state} and cannot become ${move.to}`, null);
    const event: RunEvent = {
      type: "state",
      time: new Date().toISOString(),
      from: record.state,
      to: move.to,
      attempt: move.changes?.attempt ?? record.attempt,
      cause: move.cause,
      evidence: move.evidence ?? {},
    };
    await this.change(entry, { ...move.changes, state: move.to }, event);
  }

  /** Writes what changed, keeps it in memory in any case: the truth about a process does not wait for room on a disk. */
  async change(entry: RunEntry, changes: Partial<RunRecord>, event: RunEvent): Promise<void> {
    const before = entry.record;
    entry.record = { ...before, ...changes };
    try {
      await this.#save(entry, changes, event);
    } catch (error) {
      if (!(error instanceof TrainyardError) || (error.code !== "disk_full" && error.code !== "store_unwritable")) {
        entry.record = before;
        throw error;
      }
      this.note(`${before.id} is not saved yet`, error);
      if (!this.store.readOnly) this.#saveLater(entry, changes, event);
    }
    this.emit({ type: "events", id: before.id, events: [event] });
    this.announce(entry);
  }

  async event(entry: RunEntry, event: RunEvent): Promise<void> {
    const { id } = entry.record;
    await this.store.appendEvent(id, event).catch((error: unknown) => {
      this.note(`an event of ${id} is not saved`, error);
    });
    this.emit({ type: "events", id, events: [event] });
  }

  note(what: string, error: unknown): void {
    this.#note(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  close(): void {
    this.#closed = true;
    for (const timer of [...this.#summaryTimers.values(), ...this.#unsaved.values()]) clearTimeout(timer);
    this.#listeners.clear();
  }

  async #save(entry: RunEntry, changes: Partial<RunRecord>, event: RunEvent): Promise<void> {
    const { id } = entry.record;
    // On top of what lies there: another program may have changed a field that we did not.
    entry.record = await this.store.update(id, (stored) => ({ ...stored, ...changes }));
    await this.store.appendEvent(id, event);
  }

  #saveLater(entry: RunEntry, changes: Partial<RunRecord>, event: RunEvent): void {
    const { id } = entry.record;
    this.#clearTimer(this.#unsaved, id);
    const timer = setTimeout(() => {
      this.#unsaved.delete(id);
      // Of several unsaved changes the newest record counts.
      this.#save(entry, { ...changes, state: entry.record.state }, event).catch(() => {
        if (!this.#closed) this.#saveLater(entry, changes, event);
      });
    }, RETRY_WRITE_MS);
    timer.unref();
    this.#unsaved.set(id, timer);
  }

  #clearTimer(timers: Map<RunId, NodeJS.Timeout>, id: RunId): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
  }
}
