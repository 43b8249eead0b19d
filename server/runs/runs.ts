/** The runs room: what can be done with runs. Attempts are started and followed in attempts.ts, all changes go through ledger.ts. */
import path from "node:path";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CancelRun, CreateRun, EditRun, ResumeRun, RunDetail } from "../../protocol/queries.ts";
import type { MoveInQueue, Queue, QueueHistory, QueueHistoryQuery } from "../../protocol/queue.ts";
import type { RetainCheckpoints, RetentionPlan } from "../../protocol/retention.ts";
import type { RunRecord, RunSummary } from "../../protocol/run.ts";
import type { LineFields, RunLine } from "../../protocol/run-line.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import { runOfTrash, type TrashId } from "../../protocol/trash.ts";
import { Recipes } from "../recipes/recipes.ts";
import { serverFolder } from "../discovery/discovery.ts";
import type { RunSeries } from "../series/types.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import { mustWrite } from "../store/store.ts";
import type { RunStore } from "../store/types.ts";
import { Attempts } from "./attempts.ts";
import { changeTag } from "./checkpoint-tags.ts";
import { damagedDetail, runDetail } from "./detail.ts";
import { Documents } from "./documents.ts";
import { cancelBeforeStart, dequeue, enqueueDraft, rewriteDraft, startNow } from "./drafts.ts";
import type { RunEntry } from "./entry.ts";
import { continueRun, planFork, prepareAnew, type StartContext } from "./go-on.ts";
import { Inventory } from "./inventory.ts";
import { Ledger } from "./ledger.ts";
import { makeRun, type NewRun } from "./make-run.ts";
import { baseDirOf, mustBeOneRun, mustPassCheck, planRun, type PrepareContext } from "./prepare.ts";
import { queueHistory } from "./queue-history.ts";
import { newStay } from "./queue-stay.ts";
import { retainAutomatically, retainCheckpoints } from "./retention.ts";
import { stampOf } from "./run-cache.ts";
import { RunQueue } from "./run-queue.ts";
import { SeriesPool } from "./series-pool.ts";
import type { DraftDocument, RunOrigin, RunOutline, Runs, RunsChange, RunsOptions, TagChange } from "./types.ts";

export function createRuns(options: RunsOptions): Runs {
  return new RunsRoom(options);
}

class RunsRoom implements Runs {
  readonly documents: Documents;
  readonly #store: RunStore;
  readonly #options: RunsOptions;
  readonly #context: PrepareContext;
  readonly #ledger: Ledger;
  readonly #metrics: SeriesPool;
  readonly #system: SeriesPool;
  readonly #attempts: Attempts;
  readonly #inventory: Inventory;
  readonly queue: RunQueue;
  readonly #starts: StartContext;
  /** Changes of one run wait for each other. */
  readonly #lines = new KeyedQueue();

  constructor(options: RunsOptions) {
    const { store, packageRoot } = options;
    this.#options = options;
    this.#store = store;
    this.#context = {
      store,
      packageRoot,
      baseDir: options.baseDir ?? path.dirname(store.root),
      recipes: new Recipes({ packageRoot, defaultPython: options.defaultPython }),
    };
    this.documents = new Documents(this.#context, this);
    const log = options.log ?? ((text) => process.stderr.write(`${text}\n`));
    this.#ledger = new Ledger(store, options.cache ?? null, options.journal ?? null, log);
    const spill = options.spillFolder ?? serverFolder(store.root);
    this.#metrics = new SeriesPool(options.openMetrics, spill, { isOver: (id) => this.#isOver(id) });
    this.#system = new SeriesPool(options.openSystem, spill);
    this.#attempts = new Attempts(this.#ledger, this.#metrics, this.#context, (entry) => {
      void this.queue.pump();
      void this.#lines.run(entry.id, () => this.#using(entry, () => retainAutomatically(this.#ledger, entry)));
    });
    this.#starts = { context: this.#context, ledger: this.#ledger, forgetPlace: (id) => this.queue.forgetPlace(id) };
    this.queue = new RunQueue({
      ledger: this.#ledger,
      inTurn: (entry, work) => this.#lines.run(entry.id, () => this.#using(entry, work)),
      prepare: (entry) => prepareAnew(this.#starts, entry),
      launch: (entry) => this.#attempts.launch(entry),
      gpus: options.gpus ?? null,
    });
    const paced = options.paced ?? (() => Promise.resolve());
    this.#inventory = new Inventory(this.#ledger, this.#metrics, this.#attempts, paced, options.audience);
    this.#ledger.listen((change) => {
      if (change.type === "removed") options.compact?.remove(change.id);
    });
  }

  async start(): Promise<void> {
    await this.#ledger.finishEvents();
    await this.#inventory.start();
    this.#options.compact?.prune((id) => this.has(id));
    this.queue.start();
  }

  async close(): Promise<void> {
    this.queue.close();
    this.#ledger.close();
    for (const entry of this.#ledger.entries()) entry.live?.close();
    await this.#inventory.close();
    await this.#options.compact?.close();
    this.#metrics.close();
    this.#system.close();
    this.#ledger.closeFiles();
  }

  briefs(): Iterable<RunOutline> {
    return this.#ledger.entries();
  }

  get size(): number {
    return this.#ledger.size;
  }

  liveCount(): number {
    return this.#ledger.liveCount();
  }

  has(id: RunId): boolean {
    return this.#ledger.get(id) !== undefined;
  }

  /** Will nothing be added to its files, as far as is known? */
  #isOver(id: RunId): boolean {
    const entry = this.#ledger.get(id);
    return entry?.live === null && FINAL_STATES.has(entry.state);
  }

  summary(id: RunId): RunSummary | undefined {
    return this.#ledger.get(id)?.summary();
  }

  line(id: RunId, fields?: LineFields): RunLine | undefined {
    return this.#ledger.get(id)?.line(fields);
  }

  *stamps(): Iterable<readonly [RunId, string]> {
    for (const { id, cold } of this.#ledger.entries()) yield [id, cold?.stamp ?? ""];
  }

  state(id: RunId): { json: string; stamp: string } | undefined {
    const entry = this.#ledger.get(id);
    if (entry === undefined) return undefined;
    const json = entry.json();
    // The one that it will have when it leaves memory: the catalogue is not told of that, and would take it for another state.
    return { json, stamp: entry.cold?.stamp ?? stampOf(json) };
  }

  async detail(id: RunId): Promise<RunDetail> {
    const entry = this.#ledger.must(id);
    if (entry.damagedFolder !== null) return damagedDetail(entry, this.#store.paths(id).dir);
    const before = entry.cold === null ? null : entry.json();
    return this.#using(entry, async () => {
      // Its files may have changed in a way that nobody noticed.
      if (before !== null && before !== entry.json()) this.#ledger.announce(entry);
      const lease = await this.series(id);
      try {
        return await runDetail(entry, this.#store, lease.series);
      } finally {
        lease.release();
      }
    });
  }

  /** Works with all of a run in memory; a cold one is read for it. */
  async #using<T>(entry: RunEntry, work: (entry: RunEntry) => Promise<T>): Promise<T> {
    entry.inUse++;
    try {
      await this.#inventory.load(entry);
      return await work(entry);
    } finally {
      entry.inUse--;
      this.#ledger.rest(entry);
    }
  }

  async create(request: CreateRun, { parent = null, sweep }: RunOrigin = {}): Promise<RunDetail> {
    mustWrite(this.#store);
    const { spec } = request;
    mustBeOneRun(spec);
    const baseDir = baseDirOf(request, this.#context.baseDir);
    const plan = await planRun(this.#context, spec, baseDir);
    const queue = request.queue === true ? newStay() : undefined;
    const starts = request.start || queue !== undefined;
    if (starts) await mustPassCheck(this.#context, plan, spec);
    const entry = await this.#make({
      spec,
      plan,
      baseDir,
      source: request.source,
      state: starts ? "queued" : "draft",
      parent,
      ...(queue !== undefined && { queue }),
      ...(sweep !== undefined && { sweep }),
    });
    if (starts) await this.queue.pump();
    return this.detail(entry.record.id);
  }

  adopt = (id: RunId): Promise<RunDetail> => this.#inventory.changed(id).then(() => this.detail(id));

  async editDraft(id: RunId, document: DraftDocument): Promise<RunDetail> {
    return this.#changing(id, (entry) => rewriteDraft(this.#context, this.#ledger, entry, document));
  }

  async startDraft(id: RunId): Promise<RunDetail> {
    return this.#changing(id, (entry) => startNow(this.#starts, entry));
  }

  async enqueue(id: RunId): Promise<RunDetail> {
    return this.#changing(id, (entry) => enqueueDraft(this.#starts, entry));
  }

  async dequeue(id: RunId): Promise<RunDetail> {
    return this.#changing(id, (entry) => dequeue(this.#starts, entry));
  }

  async moveInQueue(id: RunId, to: MoveInQueue): Promise<Queue> {
    mustWrite(this.#store);
    return this.queue.move(id, to);
  }

  queueHistory(query: QueueHistoryQuery): QueueHistory {
    return queueHistory(this.#ledger, query);
  }

  async cancel(id: RunId, request: CancelRun, by: "user" | "sweep" = "user"): Promise<RunDetail> {
    return this.#changing(id, async (entry) => {
      if (await cancelBeforeStart(this.#starts, entry, request.reason, by)) return;
      const { state, name, attempt } = entry.record;
      if (!LIVE_STATES.has(state)) throw new TrainyardError("conflict", `the run ${name} is not running (${state})`, null);
      const attempts = await this.#store.attempts(id);
      const grace = request.grace_seconds ?? attempts.find((one) => one.number === attempt)?.grace_seconds ?? 60;
      const { force, reason } = request;
      const now = new Date().toISOString();
      const stop = { requested_at: now, by, reason, grace_seconds: grace, force };
      await this.#store.writeStopRequest(id, attempt, stop).catch((error: unknown) => {
        // A full disk is a usual reason for wanting a run to end.
        if (!(error instanceof TrainyardError) || error.code !== "disk_full" || entry.live === null) throw error;
        entry.live.stopUnwritten(stop);
      });
      // It may have ended by itself meanwhile, or be stopping already: then there is nothing to move.
      const evidence = { reason, force, grace_seconds: grace };
      await this.#ledger.moveFrom(entry, (current) => current === "starting" || current === "running", {
        to: "stopping",
        cause: by,
        evidence,
      });
    });
  }

  async resume(id: RunId, request: ResumeRun): Promise<RunDetail> {
    if (request.mode === "continue") return this.#changing(id, (entry) => continueRun(this.#starts, entry, request));
    mustWrite(this.#store);
    // In its turn: no checkpoint may be removed between being chosen and being written down as a parent.
    const entry = await this.#lines.run(id, async () =>
      this.#make(await planFork(this.#context, this.#ledger.mustChange(id).record, request)),
    );
    await this.queue.pump();
    return this.detail(entry.record.id);
  }

  async edit(id: RunId, changes: EditRun | ((record: RunRecord) => EditRun)): Promise<RunDetail> {
    return this.#changing(id, async (entry) => {
      const defined = definedOnly(typeof changes === "function" ? changes(entry.record) : changes);
      if (Object.keys(defined).length === 0) return;
      await this.#ledger.change(entry, defined, { type: "edit", time: new Date().toISOString(), changes: { ...defined } });
    });
  }

  async changeTag(id: RunId, checkpoint: string, change: TagChange): Promise<Checkpoint> {
    return this.#lines.run(id, () =>
      this.#using(this.#ledger.mustChange(id), (entry) => changeTag(this.#ledger, entry, checkpoint, change)),
    );
  }

  async retainCheckpoints(id: RunId, request: RetainCheckpoints): Promise<RetentionPlan> {
    if (request.apply) mustWrite(this.#store);
    return this.#lines.run(id, () => this.#using(this.#ledger.mustChange(id), (entry) => retainCheckpoints(this.#ledger, entry, request)));
  }

  async remove(id: RunId): Promise<TrashId> {
    return this.#lines.run(id, async () => {
      const entry = this.#ledger.must(id);
      if (LIVE_STATES.has(entry.record.state) || entry.record.state === "queued")
        throw new TrainyardError("conflict", `the run ${entry.record.name} is ${entry.record.state}`, "Stop it first.");
      this.#metrics.drop(id);
      this.#system.drop(id);
      const trashed = await this.#store.trash(id);
      this.#ledger.forget(id);
      return trashed;
    });
  }

  async restore(trash: TrashId): Promise<RunId> {
    mustWrite(this.#store);
    const id = await this.#lines.run(runOfTrash(trash), () => this.#store.trashed.restore(trash));
    await this.#inventory.changed(id);
    return id;
  }

  async refresh(): Promise<{ runs: number; problems: Problem[] }> {
    const problems = await this.#inventory.refresh();
    return { problems: [...problems, ...(await this.#inventory.loadAll())], runs: this.#ledger.size };
  }

  async series(id: RunId): Promise<{ series: RunSeries; release(): void }> {
    return this.#lease(this.#metrics, id);
  }

  async systemSeries(id: RunId): Promise<{ series: RunSeries; release(): void }> {
    return this.#lease(this.#system, id);
  }

  liveProcesses(): ReadonlyMap<RunId, { attempt: number; pid: number }> {
    return this.#ledger.liveProcesses();
  }

  onChange(listener: (change: RunsChange) => void): () => void {
    return this.#ledger.listen(listener);
  }

  async #lease(pool: SeriesPool, id: RunId): Promise<{ series: RunSeries; release(): void }> {
    this.#ledger.must(id);
    const lease = pool.acquire(id);
    try {
      await lease.series.poll();
    } catch (error) {
      lease.release();
      throw error;
    }
    return {
      series: lease.series,
      release: () => {
        lease.release();
      },
    };
  }

  /** Changes one run after everything that was asked of it before, then starts what may start. */
  async #changing(id: RunId, change: (entry: RunEntry) => Promise<void>): Promise<RunDetail> {
    mustWrite(this.#store);
    await this.#lines.run(id, () => this.#using(this.#ledger.mustChange(id), change));
    await this.queue.pump();
    return this.detail(id);
  }

  async #make(run: NewRun): Promise<RunEntry> {
    return makeRun({ store: this.#store, ledger: this.#ledger, gpuNames: this.#options.gpuNames }, run);
  }
}

/** Keys that are set to something; a key that is there but undefined changes nothing. */
function definedOnly(changes: EditRun): Partial<Pick<RunRecord, keyof EditRun>> {
  return JSON.parse(JSON.stringify(changes)) as Partial<Pick<RunRecord, keyof EditRun>>;
}
