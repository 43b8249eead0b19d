/**
 * Sweeps: each makes its runs one after the other, never more than its `concurrency` at a time. Which are over is asked of the runs, so
 * that a server that comes new goes on where the last one was; the sweep's own file holds the plan alone.
 */
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { specOfRun } from "../../protocol/expand-sweep.ts";
import { newRunId, newSweepId, type RunId, type SweepId } from "../../protocol/ids.ts";
import { sweepRunCount } from "../../protocol/sweep-spec.ts";
import type { RunState } from "../../protocol/states.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import type {
  CreateSweep,
  StopSweep,
  SweepDetail,
  SweepImportance,
  SweepPlan,
  SweepPoint,
  SweepRecord,
  SweepSummary,
} from "../../protocol/sweep.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import { mustWrite } from "../store/store.ts";
import type { RunStore } from "../store/types.ts";
import { suggest } from "./search.ts";
import { sweepImportance } from "./sweep-importance.ts";
import { SweepJudge } from "./sweep-judge.ts";
import { SweepTrials } from "./sweep-trials.ts";
import { sweepDetail, sweepSummary } from "./sweep-state.ts";
import { mustHaveSweep, requestOf } from "./sweep-plan.ts";
import type { Runs } from "./types.ts";

export interface SweepsOptions {
  readonly store: RunStore;
  readonly runs: Runs;
  readonly log: (text: string) => void;
}

export class Sweeps {
  readonly #store: RunStore;
  readonly #runs: Runs;
  readonly #log: (text: string) => void;
  readonly #sweeps = new Map<SweepId, SweepRecord>();
  #problems: readonly Problem[] = [];
  readonly #trials: SweepTrials;
  readonly #judge: SweepJudge;
  /** Changes of one sweep wait for each other, and so does the making of its runs. */
  readonly #queue = new KeyedQueue();
  readonly #settled = new Set<(sweep: SweepId) => void>();
  #off: () => void = () => undefined;
  #closed = false;

  constructor({ store, runs, log }: SweepsOptions) {
    this.#store = store;
    this.#runs = runs;
    this.#log = log;
    this.#trials = new SweepTrials(runs);
    this.#judge = new SweepJudge({
      runs,
      trials: this.#trials,
      log,
      sweep: (id) => this.#sweeps.get(id),
      detail: (id) => this.detail(id),
      change: (id, work) => this.#queue.run(id, work),
      write: (sweep) => this.#write(sweep),
    });
  }

  /** Reads the plans and goes on with those that are not at their end. The runs must have been read. */
  async start(): Promise<void> {
    const { sweeps, problems } = await this.#store.sweeps.all();
    for (const sweep of sweeps) this.#sweeps.set(sweep.id, sweep);
    this.#problems = problems;
    for (const { message } of problems) this.#log(`a sweep cannot be read: ${message}`);
    if (this.#store.readOnly || this.#closed) return;
    this.#off = this.#runs.onChange((change) => {
      if (change.type === "points") this.#judge.noteRun(change.id);
      else if (change.type === "summary" && change.run.sweep !== undefined && FINAL_STATES.has(change.run.state))
        this.#work(change.run.sweep.id);
      else if (change.type === "removed")
        for (const { id, points } of this.#unfinished()) if (points.some(({ run }) => run === change.id)) this.#work(id);
    });
    for (const { id } of sweeps) {
      this.#work(id);
      // What the last server was about to end.
      this.#judge.note(id);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#off();
    this.#judge.close();
    // A run that is being made is made whole.
    await Promise.all([...this.#sweeps.keys()].map((id) => this.#queue.run(id, () => Promise.resolve())));
  }

  /** Told of a sweep whenever it has made, after a change, the runs that it may make for now. */
  onSettled(listener: (sweep: SweepId) => void): () => void {
    this.#settled.add(listener);
    return () => this.#settled.delete(listener);
  }

  /** The sweep when nothing more comes of it by itself, else null. A run that somebody continued by hand keeps it from nothing. */
  atRest(id: SweepId): SweepDetail | null {
    const sweep = this.#sweeps.get(id);
    if (sweep === undefined || (sweep.stopped === null && sweep.made < runCount(sweep))) return null;
    const mine = new Set(sweep.points.map(({ run }) => run));
    for (const { id: run, state, attempt } of this.#runs.briefs()) if (mine.has(run) && attempt <= 1 && isInFlight(state)) return null;
    return this.detail(id);
  }

  /** Are there runs still to be made? */
  isBusy(): boolean {
    return this.#unfinished().length > 0;
  }

  /** @throws TrainyardError as planSweep */
  async plan(request: CreateSweep): Promise<SweepPlan> {
    return this.#runs.documents.planSweep(request);
  }

  /** @throws TrainyardError as planSweep, and disk_full | store_unwritable */
  async create(request: CreateSweep): Promise<SweepDetail> {
    mustWrite(this.#store);
    const { name, project, runs } = await this.plan(request);
    const now = Date.now();
    const sweep: SweepRecord = {
      version: 1,
      id: newSweepId(now),
      project,
      name,
      spec: request.spec,
      base_dir: request.base_dir ?? null,
      created_at: new Date(now).toISOString(),
      // A millisecond apart, so that their ids sort in the order in which they are made.
      points: runs.map((point, index) => ({ run: newRunId(now + index), ...point })),
      made: 0,
      stopped: null,
    };
    await this.#write(sweep);
    this.#work(sweep.id);
    return this.detail(sweep.id);
  }

  /** Newest first. */
  list(project: string | undefined): { sweeps: SweepSummary[]; problems: Problem[] } {
    const states = this.#states();
    const chosen = [...this.#sweeps.values()].filter((sweep) => project === undefined || sweep.project === project);
    const sweeps = chosen.map((sweep) => sweepSummary(sweep, states)).sort((a, b) => (a.id < b.id ? 1 : -1));
    return { sweeps, problems: [...this.#problems] };
  }

  /** @throws TrainyardError not_found */
  detail(id: SweepId): SweepDetail {
    return sweepDetail(this.#must(id), this.#states(), (run) => this.#runs.summary(run));
  }

  /** @throws TrainyardError not_found | conflict (a sweep without an objective) */
  async importance(id: SweepId): Promise<SweepImportance> {
    const record = this.#must(id);
    return sweepImportance(this.detail(id), () => this.#runs.documents.searchPlace(requestOf(record)));
  }

  /** @throws TrainyardError not_found | conflict | disk_full | store_unwritable */
  async stop(id: SweepId, { cancel_runs, reason }: StopSweep): Promise<SweepDetail> {
    await this.#change(id, async (sweep) => {
      if (sweep.stopped === null) {
        if (sweep.made === runCount(sweep) && !cancel_runs)
          throw new TrainyardError(
            "conflict",
            `all runs of the sweep ${sweep.name} were made`,
            "Stop those that live (cancel_runs), or wait.",
          );
        await this.#stop(sweep, reason, "user");
      }
      if (!cancel_runs) return;
      const states = this.#states();
      for (const { run } of sweep.points) if (isInFlight(states.get(run))) await this.#cancel(run, reason);
    });
    return this.detail(id);
  }

  /** @throws TrainyardError not_found | conflict | disk_full | store_unwritable */
  async resume(id: SweepId): Promise<SweepDetail> {
    await this.#change(id, async (sweep) => {
      if (sweep.stopped === null) throw new TrainyardError("conflict", `the sweep ${sweep.name} is not stopped`, null);
      await this.#write({ ...sweep, stopped: null });
    });
    this.#work(id);
    return this.detail(id);
  }

  async #change(id: SweepId, change: (sweep: SweepRecord) => Promise<void>): Promise<void> {
    mustWrite(this.#store);
    return this.#queue.run(id, () => change(this.#must(id)));
  }

  /** It may have ended by itself meanwhile. */
  async #cancel(run: RunId, reason: string): Promise<void> {
    try {
      await this.#runs.cancel(run, { force: false, reason: `its sweep was stopped: ${reason}` });
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== "conflict") throw error;
    }
  }

  #work(id: SweepId): void {
    if (this.#closed) return;
    void this.#queue
      .run(id, () => this.#fill(id))
      .then(() => {
        for (const listener of this.#settled) listener(id);
      })
      .catch((error: unknown) => {
        this.#log(`the sweep ${id} cannot go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      });
  }

  /** Makes runs as long as there is room. */
  async #fill(id: SweepId): Promise<void> {
    for (;;) {
      const sweep = this.#must(id);
      const point = sweep.points[sweep.made];
      if (this.#closed || sweep.stopped !== null || sweep.made === runCount(sweep)) return;
      const states = this.#states();
      const { concurrency } = mustHaveSweep(sweep.spec);
      // The last server may have made it and ended before it could say so.
      if (point === undefined || !states.has(point.run)) {
        if (sweep.points.filter(({ run }) => isInFlight(states.get(run))).length >= concurrency) return;
        try {
          if (point === undefined) {
            await this.#choose(sweep);
            continue;
          }
          await this.#make(sweep, point);
        } catch (error) {
          const cause = error instanceof Error ? error.message : String(error);
          this.#log(`run ${sweep.made + 1} of the sweep ${id} could not be made: ${cause}`);
          await this.#stop(sweep, `run ${sweep.made + 1} could not be made: ${cause}`.slice(0, 1000), "server");
          return;
        }
      }
      const now = this.#must(id);
      await this.#write({ ...now, made: now.made + 1 });
    }
  }

  /** What a search tries next, written down before it is made: a server that comes new makes the same. */
  async #choose(sweep: SweepRecord): Promise<void> {
    const trials = await this.#trials.read(this.detail(sweep.id));
    const [params] = await suggest(this.#runs.documents.searchPlace(requestOf(sweep)), mustHaveSweep(sweep.spec), 1, trials);
    if (params === undefined) return;
    await this.#write({ ...sweep, points: [...sweep.points, { run: newRunId(), params, seed: null }] });
  }

  async #make(sweep: SweepRecord, point: SweepPoint): Promise<void> {
    const index = sweep.made;
    const request = {
      ...requestOf(sweep),
      spec: specOfRun(sweep.spec, point, index),
      start: true,
    };
    const place = { id: sweep.id, index };
    try {
      await this.#runs.create(request, { sweep: { run: point.run, place } });
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== "conflict") throw error;
      // A folder that a server left half made when it was killed is no run, and stays as it is.
      const run = newRunId();
      await this.#write({ ...sweep, points: sweep.points.with(index, { ...point, run }) });
      await this.#runs.create(request, { sweep: { run, place } });
    }
  }

  /** With a full disk it is at least not tried again before somebody asks for it, or the next server comes. */
  async #stop(sweep: SweepRecord, reason: string, by: "user" | "server"): Promise<void> {
    const stopped = { ...sweep, stopped: { at: new Date().toISOString(), reason, by } };
    this.#sweeps.set(sweep.id, stopped);
    await this.#write(stopped);
  }

  async #write(sweep: SweepRecord): Promise<void> {
    await this.#store.sweeps.write(sweep);
    this.#sweeps.set(sweep.id, sweep);
  }

  #unfinished(): SweepRecord[] {
    return [...this.#sweeps.values()].filter((sweep) => sweep.stopped === null && sweep.made < runCount(sweep));
  }

  #states(): ReadonlyMap<RunId, RunState> {
    return new Map([...this.#runs.briefs()].map(({ id, state }) => [id, state]));
  }

  #must(id: SweepId): SweepRecord {
    const sweep = this.#sweeps.get(id);
    if (sweep === undefined) throw new TrainyardError("not_found", `there is no sweep ${id} in the store`, "List the sweeps anew.");
    return sweep;
  }
}

function runCount({ spec }: SweepRecord): number {
  return sweepRunCount(mustHaveSweep(spec));
}

function isInFlight(state: RunState | undefined): boolean {
  return state !== undefined && (LIVE_STATES.has(state) || state === "queued");
}
