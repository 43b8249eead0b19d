/** One sweep as the page shows it: asked for again whenever one of its runs changed. */
import type { RunId, SweepId } from "../../protocol/ids.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { SweepDetail, SweepImportance } from "../../protocol/sweep.ts";
import type { TrainyardError } from "../../protocol/trainyard-error.ts";
import { asProblem } from "../components/problem.ts";
import type { Subscription, Transport } from "../transport/transport.ts";

export type SweepRun = SweepDetail["runs"][number];

/** Between two questions, so that a run that logs much costs no more than one that logs little. */
const PAUSE_MS = 1000;
/** Stopping and going on change no run at once, and nobody tells of them. */
const LOOK_MS = 10_000;
const LEAST_COMPLETED = 3;
const IMPORTANCE_PAUSE_MS = 20_000;
const IMPORTANCE_PATIENCE_MS = 90_000;

export class SweepModel {
  readonly #transport: Transport;
  readonly #id: SweepId;
  readonly #changed: () => void;
  #detail: SweepDetail | null = null;
  #problem: TrainyardError | null = null;
  #importance: SweepImportance | null = null;
  /** How many runs had completed when it was asked for, and when that was. */
  #asked = { completed: 0, at: 0 };
  #subscription: Subscription | null = null;
  #offConnection: () => void = () => undefined;
  #timer: number | undefined;
  #look: number | undefined;
  #asking = false;
  #again = false;
  #closed = false;

  constructor(transport: Transport, id: SweepId, changed: () => void) {
    this.#transport = transport;
    this.#id = id;
    this.#changed = changed;
  }

  get detail(): SweepDetail | null {
    return this.#detail;
  }

  /** null until enough runs have completed. */
  get importance(): SweepImportance | null {
    return this.#importance;
  }

  get problem(): TrainyardError | null {
    return this.#problem;
  }

  open(): void {
    void this.#ask();
    this.#subscription = this.#transport.subscribe(
      { topic: "runs", changes_only: true },
      {
        message: (message) => {
          if (message.type !== "runs_changed") return;
          const { runs, removed } = message;
          const mine = runs.some(({ sweep }) => sweep?.id === this.#id);
          if (mine || this.#detail?.runs.some(({ run }) => removed.includes(run)) === true) this.#soon();
        },
      },
    );
    this.#offConnection = this.#transport.onConnection(({ state }) => {
      if (state === "connected") this.#soon();
    });
    this.#look = window.setInterval(() => {
      if (this.#detail?.state !== "finished") this.#soon();
    }, LOOK_MS);
  }

  close(): void {
    this.#closed = true;
    this.#subscription?.close();
    this.#offConnection();
    clearTimeout(this.#timer);
    clearInterval(this.#look);
  }

  stop(cancelRuns: boolean): Promise<void> {
    return this.#change(() => this.#transport.request("stopSweep", { params: { sweep: this.#id }, body: { cancel_runs: cancelRuns } }));
  }

  goOn(): Promise<void> {
    return this.#change(() => this.#transport.request("continueSweep", { params: { sweep: this.#id } }));
  }

  async #change(change: () => Promise<SweepDetail>): Promise<void> {
    try {
      this.#detail = await change();
      this.#problem = null;
    } catch (error) {
      this.#problem = asProblem(error);
    }
    this.#changed();
  }

  #soon(): void {
    if (this.#asking) this.#again = true;
    else this.#timer ??= window.setTimeout(() => void this.#ask(), PAUSE_MS);
  }

  /** Each answer costs a process of the user's Python: only with more runs than before, and while runs come seldom. */
  async #askImportance(): Promise<void> {
    const detail = this.#detail;
    const completed = detail?.counts.completed ?? 0;
    if (this.#closed || detail?.objective == null || completed < LEAST_COMPLETED || completed === this.#asked.completed) return;
    if (detail.state === "running" && Date.now() - this.#asked.at < IMPORTANCE_PAUSE_MS) return;
    this.#asked = { completed, at: Date.now() };
    try {
      const params = { sweep: this.#id };
      this.#importance = await this.#transport.request("getSweepImportance", { params, timeoutMs: IMPORTANCE_PATIENCE_MS });
    } catch (error) {
      this.#problem = asProblem(error);
    }
    this.#tell();
  }

  #tell(): void {
    if (!this.#closed) this.#changed();
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    this.#asking = true;
    try {
      this.#detail = await this.#transport.request("getSweep", { params: { sweep: this.#id } });
      this.#problem = null;
    } catch (error) {
      this.#problem = asProblem(error);
    }
    this.#asking = false;
    void this.#askImportance();
    if (this.#closed) return;
    this.#changed();
    if (this.#again) {
      this.#again = false;
      this.#soon();
    }
  }
}

/** NaN where the run has no value of the objective. */
export function objectiveOf({ objective }: SweepRun): number {
  return objective === null ? NaN : fromWireNumber(objective);
}

export function isBetter(direction: "min" | "max", value: number, than: number): boolean {
  return direction === "min" ? value < than : value > than;
}

export interface BestSoFar {
  readonly run: RunId;
  readonly index: number;
  readonly value: number;
}

/** Each run that completed with a better value than all before it, in the order of the sweep. */
export function bestSoFar({ runs, objective }: SweepDetail): BestSoFar[] {
  if (objective === null) return [];
  const steps: BestSoFar[] = [];
  for (const run of runs) {
    const value = objectiveOf(run);
    const last = steps.at(-1);
    if (run.state !== "completed" || Number.isNaN(value)) continue;
    if (last === undefined || isBetter(objective.direction, value, last.value)) steps.push({ run: run.run, index: run.index, value });
  }
  return steps;
}
