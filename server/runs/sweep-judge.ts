/** Ends runs of a search that do badly: asks the pruner whenever live runs have logged more of the objective, seldom enough to cost little. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId, SweepId } from "../../protocol/ids.ts";
import type { RunState } from "../../protocol/states.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { OptunaSweep } from "../../protocol/sweep-spec.ts";
import type { SweepDetail, SweepPoint, SweepRecord } from "../../protocol/sweep.ts";
import { askOptuna } from "./search.ts";
import { requestOf } from "./sweep-plan.ts";
import type { SweepTrials } from "./sweep-trials.ts";
import type { Runs } from "./types.ts";

/** Between two questions about one sweep: at least this long, and so many times as long as the last one took. */
const LEAST_PAUSE_MS = 1000;
const PAUSE_FACTOR = 4;

export interface SweepJudgeOptions {
  readonly runs: Runs;
  readonly trials: SweepTrials;
  readonly log: (text: string) => void;
  sweep(id: SweepId): SweepRecord | undefined;
  detail(id: SweepId): SweepDetail;
  /** In its turn among all changes of the sweep. */
  change(id: SweepId, work: () => Promise<void>): Promise<void>;
  write(sweep: SweepRecord): Promise<void>;
}

type Pruned = NonNullable<SweepPoint["pruned"]>;

export class SweepJudge {
  readonly #options: SweepJudgeOptions;
  readonly #timers = new Map<SweepId, NodeJS.Timeout>();
  /** When the next question may be asked, in ms since the epoch. */
  readonly #notBefore = new Map<SweepId, number>();
  /** The newest step that each live run was judged at. A server that comes new judges from the first step. */
  readonly #judged = new Map<RunId, number>();
  #closed = false;

  constructor(options: SweepJudgeOptions) {
    this.#options = options;
  }

  /** New points of a run. */
  noteRun(run: RunId): void {
    const sweep = this.#options.runs.summary(run)?.sweep;
    if (sweep !== undefined) this.note(sweep.id);
  }

  /** Judges the sweep soon, if it has a pruner. */
  note(id: SweepId): void {
    const sweep = this.#options.sweep(id);
    if (this.#closed || sweep === undefined || prunerOf(sweep) === null || this.#timers.has(id)) return;
    const wait = Math.max(0, (this.#notBefore.get(id) ?? 0) - Date.now());
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      void this.#look(id);
    }, wait);
    this.#timers.set(id, timer);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #look(id: SweepId): Promise<void> {
    const started = Date.now();
    try {
      await this.#options.change(id, () => this.#judge(id));
    } catch (error) {
      // Without a judgement all runs go to their end, which loses time and nothing else.
      this.#options.log(`the runs of the sweep ${id} could not be judged: ${error instanceof Error ? error.message : String(error)}`);
    }
    const took = Date.now() - started;
    this.#notBefore.set(id, Date.now() + Math.max(LEAST_PAUSE_MS, took * PAUSE_FACTOR));
  }

  async #judge(id: SweepId): Promise<void> {
    const { runs, trials } = this.#options;
    const sweep = this.#options.sweep(id);
    const search = sweep === undefined ? null : prunerOf(sweep);
    if (this.#closed || sweep === undefined || search === null) return;
    const detail = this.#options.detail(id);
    const live = detail.runs.filter(({ state }) => state === "running");
    // A server may have ended between writing down what it was about to do and doing it.
    for (const { run, pruned } of live) if (pruned !== undefined) await this.#end(run, search, pruned);
    const known = await trials.read(detail, this.#judged);
    const newer = (index: number): boolean => (known[index]?.steps.at(-1)?.[0] ?? -1) > (known[index]?.judged ?? -1);
    const open = live.filter(({ index, pruned }) => pruned === undefined && newer(index));
    if (open.length === 0) return;
    const { prune = [] } = await askOptuna(runs.documents.searchPlace(requestOf(sweep)), search, { ask: "prune", trials: known });
    for (const { run, index } of open) {
      const last = known[index]?.steps.at(-1);
      if (last === undefined) continue;
      const [step, value] = last;
      this.#judged.set(run, step);
      if (!prune.includes(index)) continue;
      const pruned = { at: new Date().toISOString(), step, value };
      const now = this.#options.sweep(id) ?? sweep;
      const point = now.points[index];
      if (point === undefined) continue;
      await this.#options.write({ ...now, points: now.points.with(index, { ...point, pruned }) });
      await this.#end(run, search, pruned);
    }
  }

  /** By the way that every stop takes: with a final checkpoint where the training can write one. */
  async #end(run: RunId, { objective, pruner }: OptunaSweep, { step, value }: Pruned): Promise<void> {
    const state: RunState | undefined = this.#options.runs.summary(run)?.state;
    if (state === undefined || !LIVE_STATES.has(state) || state === "stopping") return;
    const rule = pruner?.kind === "asha" ? "successive halving" : "the median rule";
    const reason = `pruned by ${rule} at step ${step}, where ${objective.metric} was ${Number(value.toPrecision(6))}`;
    try {
      await this.#options.runs.cancel(run, { force: false, reason }, "sweep");
    } catch (error) {
      // It ended by itself meanwhile.
      if (!(error instanceof TrainyardError) || error.code !== "conflict") throw error;
    }
  }
}

function prunerOf({ spec: { sweep } }: SweepRecord): OptunaSweep | null {
  return sweep?.method === "optuna" && sweep.pruner !== undefined ? sweep : null;
}
