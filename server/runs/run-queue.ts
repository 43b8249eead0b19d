/**
 * Starts queued runs: at once those that wait for nothing, and the others in the order of the queue, a few at a time. Who waits and who takes
 * a place is asked of the runs, and order and limit of queue.json, so that a server that comes new goes on where the last one was. Runs
 * that were started outlive the server and keep their places.
 */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ChangeQueue, MoveInQueue, Queue, QueueFile } from "../../protocol/queue.ts";
import type { Failure, RunRecord } from "../../protocol/run.ts";
import { isWaiting } from "../../protocol/state-kinds.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import type { RunEntry } from "./entry.ts";
import { wantedGpus, whyNoGpu } from "./free-gpus.ts";
import type { Ledger } from "./ledger.ts";
import { inOrder, moved, queueState } from "./queue-order.ts";
import { leaving, takesPlace } from "./queue-stay.ts";
import type { GpuWatch, QueueControl } from "./types.ts";

/** A sample that is older tells nothing of now: the machine is looked at seldom while nothing runs. */
const FRESH_MS = 10_000;
/** After a shortage that is not the fault of the run whose turn it was. */
const TRY_AGAIN_MS = 15_000;

export interface QueueHost {
  readonly ledger: Ledger;
  /** Works on the run after everything that was asked of it before. */
  readonly inTurn: <T>(entry: RunEntry, work: () => Promise<T>) => Promise<T>;
  /** Checks once more what waits. @returns writes down what it starts with. @throws TrainyardError */
  readonly prepare: (entry: RunEntry) => Promise<() => Promise<void>>;
  /** Starts the next attempt. @throws TrainyardError when it cannot be written down */
  readonly launch: (entry: RunEntry) => Promise<void>;
  readonly gpus: GpuWatch | null;
}

export class RunQueue implements QueueControl {
  readonly #host: QueueHost;
  readonly #ledger: Ledger;
  readonly #lines = new KeyedQueue();
  /** Runs that wait or take a place, with what is told of them. */
  readonly #members = new Map<RunId, string>();
  /** As last read or written. */
  #settings: QueueFile | null = null;
  /** Why nothing is started just now, beside the limit and a pause. */
  #problem: string | null = null;
  /** Why the run whose turn it is waits for GPUs, and what ends the looking after them. */
  #gpus: { readonly reason: string; readonly stop: () => void } | null = null;
  #open = false;
  #again: NodeJS.Timeout | null = null;

  constructor(host: QueueHost) {
    this.#host = host;
    this.#ledger = host.ledger;
    this.#ledger.listen((change) => {
      if (change.type === "summary") this.#noteRun(change.run);
      else if (change.type === "removed" && this.#members.delete(change.id)) {
        this.#changed();
        this.#look();
      }
    });
  }

  /** Begins to start runs: the store was read. */
  start(): void {
    this.#open = true;
    // A launch takes its time; whoever waits for the server does not wait for it.
    void this.pump();
  }

  close(): void {
    this.#open = false;
    if (this.#again !== null) clearTimeout(this.#again);
    this.#noteGpus(null);
  }

  get isBusy(): boolean {
    const goes = this.#settings?.paused_at == null;
    for (const entry of this.#ledger.entries()) if (entry.state === "queued" && (goes || !isWaiting(entry.record))) return true;
    return false;
  }

  /** Starts what need not wait, and has the queue look for a free place. */
  async pump(): Promise<void> {
    // Of a store that is only read, another server may start them.
    if (!this.#open || this.#ledger.store.readOnly) return;
    this.#look();
    await this.#lines.run("launch", async () => {
      const queued = [...this.#ledger.entries()].filter((entry) => entry.state === "queued" && !isWaiting(entry.record));
      queued.sort((a, b) => (a.id < b.id ? -1 : 1));
      for (const entry of queued) {
        if (!this.#isOpen()) return;
        if (entry.state === "queued" && !isWaiting(entry.record)) await this.#launch(entry);
      }
    });
  }

  async list(): Promise<Queue> {
    return queueState(await this.#read(), this.#records(), this.#problem, this.#gpus?.reason ?? null);
  }

  async change({ concurrency, paused, wait_for_gpus }: ChangeQueue): Promise<Queue> {
    await this.#write((now) => ({
      ...now,
      ...(concurrency !== undefined && { concurrency }),
      ...(wait_for_gpus !== undefined && { wait_for_gpus }),
      ...(paused !== undefined && { paused_at: paused ? (now.paused_at ?? new Date().toISOString()) : null }),
    }));
    this.#look();
    return this.list();
  }

  /** @throws TrainyardError conflict when a run does not wait | corrupt_record | disk_full | store_unwritable */
  async move(id: RunId, to: MoveInQueue): Promise<Queue> {
    const run = this.#ledger.must(id).record;
    await this.#write((now) => ({ ...now, order: moved(inOrder(now.order, this.#records()), run, to) }));
    return this.list();
  }

  /** A place that a run was given in an earlier stay counts no more: it joins at the end. */
  async forgetPlace(id: RunId): Promise<void> {
    if ((await this.#read()).order.includes(id)) await this.#write((now) => ({ ...now, order: now.order.filter((one) => one !== id) }));
  }

  #watchGpus(): () => void {
    const stop = this.#host.gpus?.onSample(() => {
      this.#look();
    });
    return stop ?? (() => undefined);
  }

  async #read(): Promise<QueueFile> {
    return (this.#settings = await this.#ledger.store.queue.read());
  }

  async #write(change: (now: QueueFile) => QueueFile): Promise<void> {
    this.#settings = await this.#ledger.store.queue.change(change);
    this.#changed();
  }

  #records(): RunRecord[] {
    return [...this.#members.keys()].map((id) => this.#ledger.must(id).record);
  }

  #changed(): void {
    this.#ledger.emit({ type: "queue" });
  }

  #noteRun(run: Pick<RunRecord, "id" | "name" | "project" | "state" | "queue" | "attempt" | "started_at">): void {
    const { id, name, project, state, queue, started_at } = run;
    const told = isWaiting(run) || takesPlace(run) ? JSON.stringify([name, project, state, queue, started_at]) : undefined;
    if (this.#members.get(id) === told) return;
    if (told === undefined) this.#members.delete(id);
    else this.#members.set(id, told);
    this.#changed();
  }

  /** Starts what has its turn, after everything of the kind that goes on. */
  #look(): void {
    if (!this.#open || this.#ledger.store.readOnly) return;
    if (this.#again !== null) clearTimeout(this.#again);
    this.#again = null;
    this.#lines
      .run("turn", () => this.#startWaiting())
      .catch((error: unknown) => {
        this.#hold(error);
      });
  }

  /** One run after the other, until the places are taken. @throws TrainyardError for what holds up all of them */
  async #startWaiting(): Promise<void> {
    while (this.#isOpen()) {
      const next = await this.#whoseTurn();
      const reason = next === null ? null : await this.#whyNoGpu(next);
      this.#noteGpus(reason);
      if (next === null || reason !== null || !(await this.#host.inTurn(next, () => this.#start(next)))) return;
      this.#problem = null;
    }
  }

  /** One sentence while the run waits for GPUs; null when it does not, or need not. */
  async #whyNoGpu(entry: RunEntry): Promise<string | null> {
    if (!(await this.#read()).wait_for_gpus) return null;
    const { store } = this.#ledger;
    const { spec } = await store.spec(entry.id);
    // Without a document it does not start anyway, and says so.
    if (spec === null) return null;
    const holders = await Promise.all(
      this.#records()
        .filter(takesPlace)
        .map(async ({ id, name }) => {
          const own = (await store.spec(id)).spec;
          return { name, gpus: own === null ? "all" : wantedGpus(own) } as const;
        }),
    );
    const sample = this.#host.gpus?.latest() ?? null;
    const isFresh = sample !== null && Date.now() - sample.time < FRESH_MS;
    return whyNoGpu(wantedGpus(spec), holders, isFresh ? sample.gpus : null);
  }

  /** Looks after the GPUs for as long as there is a reason to: each sample may be the one that lets the run start. */
  #noteGpus(reason: string | null): void {
    if (reason === (this.#gpus?.reason ?? null)) return;
    if (reason === null) {
      this.#gpus?.stop();
      this.#gpus = null;
    } else this.#gpus = { reason, stop: this.#gpus?.stop ?? this.#watchGpus() };
    this.#changed();
  }

  async #whoseTurn(): Promise<RunEntry | null> {
    const { concurrency, paused_at, order } = await this.#read();
    const records = this.#records();
    if (paused_at !== null || records.filter(takesPlace).length >= concurrency) return null;
    const first = inOrder(order, records)[0];
    return first === undefined ? null : this.#ledger.must(first.id);
  }

  /** False when it stays where it is and nothing else has its turn either. */
  async #start(entry: RunEntry): Promise<boolean> {
    if (!isWaiting(entry.record)) return true; // Taken out or stopped since.
    let writeDown: () => Promise<void>;
    try {
      writeDown = await this.#host.prepare(entry);
    } catch (error) {
      if (isShortage(error)) throw error;
      await this.#refuse(entry, error);
      return true;
    }
    // That takes its time: the server may be ending, the queue may have been paused, its limit lowered.
    if (!this.#isOpen() || (await this.#whoseTurn()) === null) return false;
    await this.#launch(entry, writeDown);
    return true;
  }

  /** @param writeDown what it starts with, where that is not written yet */
  async #launch(entry: RunEntry, writeDown?: () => Promise<void>): Promise<void> {
    try {
      await writeDown?.();
      await this.#host.launch(entry);
    } catch (error) {
      if (isWaiting(entry.record) && isShortage(error)) throw error;
      this.#ledger.note(`starting ${entry.id}`, error);
      // Cancelled meanwhile, or no attempt could be written: the run says so itself, and the next in the queue is not held up.
      if (entry.state === "queued") await this.#refuse(entry, error);
    }
  }

  /** The run failed before it began, or went on; the next one has its turn. */
  async #refuse(entry: RunEntry, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    const begun = entry.record.attempt > 0;
    const advice =
      (error instanceof TrainyardError ? error.hint : null) ?? `Mend it, then ${begun ? "resume it" : "start a clone of the run"}.`;
    const failure: Failure = { class: "launch_error", message, evidence: [], advice };
    await this.#ledger.moveFrom(entry, (state) => state === "queued", {
      to: "failed",
      cause: "server",
      evidence: { reason: message },
      changes: {
        state_reason: message,
        failure,
        // One that was to go on has trained until then.
        ...(!begun && { ended_at: new Date().toISOString() }),
        ...leaving(entry.record, "failed"),
      },
    });
  }

  /** Nothing can be started now, whoever has its turn: all of them stay, and it is tried again. */
  #hold(error: unknown): void {
    this.#ledger.note("the queue", error);
    this.#problem =
      error instanceof TrainyardError ? [error.message, error.hint].filter((part) => part !== null).join(". ") : String(error);
    this.#changed();
    if (!this.#open) return;
    this.#again = setTimeout(() => {
      this.#look();
    }, TRY_AGAIN_MS);
    this.#again.unref();
  }

  /** Through a function: it may have been closed while we waited. */
  #isOpen(): boolean {
    return this.#open;
  }
}

function isShortage(error: unknown): boolean {
  return error instanceof TrainyardError && ["disk_full", "store_unwritable", "unavailable"].includes(error.code);
}
