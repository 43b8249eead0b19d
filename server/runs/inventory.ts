/** The store's folders as entries: the first scan, later scans, and folders that others make or change. */
import { lstatSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { unreadable } from "../store/fs-errors.ts";
import { RunId } from "../../protocol/ids.ts";
import { RUN_FOLDER_VERSION, type RunRecord } from "../../protocol/run.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { Audience, DamagedRun, RunPlace } from "../store/types.ts";
import type { Attempts } from "./attempts.ts";
import { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { folderSignature } from "./run-cache.ts";
import type { SeriesPool } from "./series-pool.ts";

/** Ended runs are read within the start for so long; the rest in the background, so that a large store opens at once. */
const LOAD_BUDGET_MS = 1000;
/** The same where the last server has read them, and it is only looked for what has changed since. */
const CHECK_BUDGET_MS = 200;
const PARALLEL_LOADS = 4;
/** Runs that are read between two waits for those who are told of them. */
const READ_BATCH = 250;
/** What a signature says of the files beside run.json before they were read: the files themselves never do. */
const UNREAD = "unread";
/** The check of recalled runs leaves the server free for requests in between. */
const CHECK_SLICE_MS = 5;
const CHECK_PAUSE_MS = 10;

export class Inventory {
  readonly #ledger: Ledger;
  readonly #pool: SeriesPool;
  readonly #attempts: Attempts;
  readonly #paced: () => Promise<void>;
  readonly #audience: Audience | undefined;
  #watcher: { close(): void } | null = null;
  #closed = false;
  #loading: Promise<unknown> = Promise.resolve();

  /**
   * @param paced settles when those who are told of runs have caught up
   * @param audience who folders are looked at often for
   */
  constructor(ledger: Ledger, pool: SeriesPool, attempts: Attempts, paced: () => Promise<void>, audience: Audience | undefined) {
    this.#ledger = ledger;
    this.#pool = pool;
    this.#attempts = attempts;
    this.#paced = paced;
    this.#audience = audience;
  }

  /** Reads the store, follows what lives, settles what ended unseen, watches for what comes. */
  async start(): Promise<void> {
    const projectOf = new Map<string, string>();
    const twice = new Set<string>();
    const folders = await this.#ledger.store.folders();
    for (const { project, name } of folders) {
      if (projectOf.has(name)) twice.add(name);
      projectOf.set(name, project);
    }
    for (const name of twice) projectOf.delete(name);
    const recalled = this.#ledger.recall(projectOf);
    await this.scan(recalled, folders);
    this.#watcher = this.#ledger.store.watch(({ id }) => {
      this.changed(id).catch((error: unknown) => {
        this.#ledger.note(`the changed run ${id}`, error);
      });
    }, this.#audience);
    this.#loading = this.#readChanged();
    const budget = recalled.size > 0 ? CHECK_BUDGET_MS : LOAD_BUDGET_MS;
    await Promise.race([this.#loading, new Promise((resolve) => setTimeout(resolve, budget).unref())]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    await this.#loading;
  }

  /**
   * @param recalled runs that are known from the cache: their folders are there
   * @param folders those of the store, where they were listed a moment ago
   */
  async scan(recalled: ReadonlySet<string> = new Set(), folders?: readonly RunPlace[]): Promise<Problem[]> {
    const present = new Set<string>(recalled);
    const problems: Problem[] = [];
    const { store } = this.#ledger;
    for await (const { runs, damaged } of store.scanInBatches(recalled, folders)) {
      for (const { record } of runs) {
        present.add(record.id);
        const entry = await this.#take(record);
        if (!entry.loaded) this.#ledger.shelve(entry, { run: store.signature(record.id), rest: UNREAD });
      }
      for (const run of damaged) {
        present.add(run.id);
        this.#takeDamaged(run);
        problems.push(run.problem);
      }
      // Not waited for: they begin meanwhile.
      if (runs.length >= READ_BATCH) void this.#paced();
    }
    for (const entry of [...this.#ledger.entries()]) if (!present.has(entry.id)) this.#gone(entry);
    return problems;
  }

  /**
   * Reads what an ended run left beside run.json, once.
   * @param keepPoints false for one of many: the points of thousands of runs would fill memory before the first of them leaves it
   */
  async load(entry: RunEntry, keepPoints = true): Promise<void> {
    if (entry.loaded || entry.damagedFolder !== null) return;
    const lease = this.#pool.acquire(entry.id);
    try {
      await entry.load(this.#ledger.store, lease.series);
    } finally {
      lease.release(keepPoints);
    }
  }

  /** Looks at every folder again, and reads those that changed. */
  async refresh(): Promise<Problem[]> {
    // One after the other: the first reading of a large store may still go on.
    this.#loading = this.#loading.then(() => this.#readChanged());
    await this.#loading;
    const present = new Set((await this.#ledger.store.folders()).map(({ name }) => name));
    return this.scan(new Set([...this.#coldBeside("")].filter((id) => present.has(id))));
  }

  /** Runs that are known well enough to be left out of a scan. */
  #coldBeside(changed: string): Set<string> {
    return new Set([...this.#ledger.entries()].filter(({ id, cold }) => cold !== null && id !== changed).map(({ id }) => id));
  }

  /** Reads what ended runs left, of all whose summaries are not at hand. @returns a problem for each that cannot be read; the others are */
  async loadAll(): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (const entry of [...this.#ledger.entries()].filter(({ cold }) => cold === null)) {
      try {
        await this.load(entry, false);
      } catch (error) {
        const known = error instanceof TrainyardError ? error : unreadable(error);
        if (known === null) throw error;
        problems.push({ severity: "error", field: "", message: `${entry.id}: ${known.message}`, hint: known.hint });
      }
    }
    return problems;
  }

  /**
   * Reads what ended runs left, of all that were not read yet or whose files have changed since. However many there are, a few are in memory
   * at a time, and those who were told of them keep up.
   */
  async #readChanged(): Promise<void> {
    // Newest first: those are looked at.
    const waiting = [...this.#ledger.entries()]
      .filter(({ cold, loaded }) => cold !== null || !loaded)
      .map(({ id }) => id)
      .sort();
    let since = performance.now();
    let read = 0;
    let caughtUp = Promise.resolve();
    let pause: Promise<void> | null = null;
    const work = async (): Promise<void> => {
      for (let id = waiting.pop(); id !== undefined && !this.#closed; id = waiting.pop()) {
        const entry = this.#ledger.get(id);
        if (entry !== undefined && this.#isToRead(entry)) {
          await caughtUp;
          try {
            await this.#readEnded(entry);
          } catch (error) {
            this.#ledger.note(`reading the run ${id}`, error);
          }
          if (++read % READ_BATCH === 0) caughtUp = this.#paced();
        } else if (performance.now() - since > CHECK_SLICE_MS) {
          // One pause for all of them: each by itself would work while the others rest.
          pause ??= sleep(CHECK_PAUSE_MS).then(() => {
            since = performance.now();
            pause = null;
          });
          await pause;
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_LOADS }, work));
  }

  #isToRead({ id, cold, loaded }: RunEntry): boolean {
    if (cold === null) return !loaded;
    const { run, rest } = folderSignature(this.#ledger.store.paths(id), cold.attempt);
    return run !== cold.signature.run || rest !== cold.signature.rest;
  }

  async #readEnded(entry: RunEntry): Promise<void> {
    // Of one that was never read run.json was; of another everything may be new.
    if (entry.cold !== null && entry.cold.signature.rest !== UNREAD) await this.changed(entry.id, false);
    else {
      await this.load(entry, false);
      this.#ledger.announce(entry);
    }
    if (entry.readAt !== null) this.#ledger.shelve(entry, entry.readAt);
  }

  /** Someone else made or changed a run folder: the SDK in a script of its own, a person with an editor, a copy from elsewhere. */
  async changed(id: string, keepPoints = true): Promise<void> {
    const parsed = RunId.safeParse(id);
    if (!parsed.success || this.#closed) return;
    try {
      const { record } = await this.#ledger.store.read(parsed.data);
      await this.#take(record);
      const entry = this.#ledger.get(parsed.data);
      if (entry?.live === null) {
        await this.load(entry, keepPoints);
        this.#ledger.announce(entry);
      }
    } catch (error) {
      const code = error instanceof TrainyardError ? error.code : unreadable(error)?.code;
      if (code === "corrupt_record" || code === "forbidden") await this.scan(this.#coldBeside(id));
      else if (code === "not_found") {
        const entry = this.#ledger.get(parsed.data);
        if (entry !== undefined) this.#gone(entry);
      } else throw error;
    }
  }

  async #take(record: RunRecord): Promise<RunEntry> {
    const known = this.#ledger.get(record.id);
    let entry = known;
    if (entry?.damagedFolder !== null) {
      entry = new RunEntry(record);
      this.#ledger.add(entry);
    } else if (JSON.stringify(entry.record) !== JSON.stringify(record)) {
      // While we follow an attempt its state is what we see, not what a file says.
      entry.record = entry.live === null ? record : { ...record, state: entry.record.state, attempt: entry.record.attempt };
      this.#ledger.announce(entry);
    }
    if (LIVE_STATES.has(entry.record.state) && entry.live === null) {
      const followed = entry;
      try {
        await this.#attempts.follow(followed);
      } catch (error) {
        this.#ledger.note(`following ${record.id}`, error);
      }
    }
    return entry;
  }

  #takeDamaged(run: DamagedRun): void {
    const id = RunId.safeParse(run.id);
    if (!id.success) return; // Told as a problem of the scan; a folder without a run id has no place in lists of runs.
    const known = this.#ledger.get(id.data);
    if (known?.live != null || known?.damagedFolder === run.problem.message) return;
    this.#ledger.add(new RunEntry(standIn(id.data, run), run.problem.message));
  }

  #gone(entry: RunEntry): void {
    entry.live?.close();
    entry.live = null;
    this.#pool.drop(entry.id);
    this.#ledger.forget(entry.id);
  }
}

/** A record for a run whose own cannot be read, so that it is shown instead of dropped. Never written. */
export function standIn(id: RunId, run: DamagedRun): RunRecord {
  const changed = lstatSync(run.dir, { throwIfNoEntry: false })?.mtime ?? new Date(0);
  return {
    version: RUN_FOLDER_VERSION,
    id,
    project: run.project,
    experiment: null,
    name: path.basename(run.dir),
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "interrupted",
    state_reason: "Its run.json cannot be read.",
    failure: null,
    recipe: "unknown",
    seed: null,
    parent: null,
    attempt: 0,
    created_at: changed.toISOString(),
    started_at: null,
    ended_at: null,
    origin: "server",
    git: null,
    environment: null,
  };
}
