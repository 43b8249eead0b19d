/** Sees what somebody should hear of: ends of runs, silence, the first value that is not finite, a disk that fills up, GPUs that are hot or full. */
import { statfs } from "node:fs/promises";
import { firstNotFinite, notFiniteSentence } from "../../protocol/not-finite.ts";
import { gpuWarnings, memoryPercent, type GpuLimits } from "../../protocol/gpu-warnings.ts";
import type { Notice, NoticeKind, NotifyLimits } from "../../protocol/notices.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { GpuSample } from "../../protocol/system.ts";
import type { Sweeps } from "../runs/sweeps.ts";
import type { Runs, RunsChange } from "../runs/types.ts";
import { fullStop, isOfSweep, reasonOf, SweepEnds } from "./sweep-ends.ts";

export interface WatchOptions {
  readonly runs: Runs;
  readonly sweeps: Pick<Sweeps, "onSettled" | "atRest">;
  readonly storeRoot: string;
  /** As last sampled. */
  readonly gpus: () => readonly GpuSample[];
  readonly limits: () => NotifyLimits;
  readonly tell: (notice: Notice) => void;
  readonly log: (text: string) => void;
}

interface Seen {
  state: RunState;
  attempt: number;
  /** Of a point, a line or a new state, ms since the epoch. */
  lastSign: number;
  stalls: number;
  stalled: boolean;
}

const GIB = 1024 ** 3;
const LONGEST_CHECK_MS = 15_000;
const SHORTEST_CHECK_MS = 50;
/** A run is slow rather than stalled while it keeps within so many of its steps. */
const STEPS_OF_SILENCE = 10;
/** Told of again only after so much more was free in between. */
const DISK_MARGIN = 1.2;
/** Told of again only after it was so much below the limit in between: °C, and percent of the memory. */
const GPU_MARGIN = 5;

export class NoticeWatch {
  readonly #options: WatchOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #sweeps: SweepEnds;
  readonly #off: () => void;
  #timer: NodeJS.Timeout | null = null;
  #diskLow = false;
  /** `<kind>:<index>` of each GPU that was told of and has not recovered. */
  readonly #gpus = new Set<string>();
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#sweeps = new SweepEnds(options);
    this.#off = options.runs.onChange((change) => {
      this.#note(change);
    });
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#off();
    this.#sweeps.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #note(change: RunsChange): void {
    if (change.type === "removed") this.#seen.delete(change.id);
    else if (change.type === "summary") this.#noteRun(change.run);
    else if (change.type === "points" || change.type === "log") {
      const seen = this.#seen.get(change.id);
      if (seen === undefined) return;
      seen.lastSign = Date.now();
      seen.stalled = false;
    }
  }

  #noteRun(run: RunSummary): void {
    const seen = this.#seen.get(run.id);
    const before = seen?.state ?? run.state;
    // Of a run that is over nothing is to be seen: a store may hold a hundred thousand.
    if (FINAL_STATES.has(run.state)) this.#seen.delete(run.id);
    else if (seen?.attempt !== run.attempt)
      this.#seen.set(run.id, { state: run.state, attempt: run.attempt, lastSign: Date.now(), stalls: 0, stalled: false });
    else if (before !== run.state) Object.assign(seen, { state: run.state, lastSign: Date.now(), stalled: false });
    // One that waited to go on, and was taken out of the queue, has failed before.
    const gaveUp = run.queue?.left === "removed" || run.queue?.left === "cancelled";
    const couldNotStart = before === "queued" && run.state === "failed" && !gaveUp;
    // What ended before this server began was told by the one before it, or is old.
    if (!LIVE_STATES.has(before) && !LIVE_STATES.has(run.state) && !couldNotStart) return;
    if (isOfSweep(run)) {
      if (FINAL_STATES.has(run.state)) this.#sweeps.noteEnd(run);
      return;
    }
    this.#tellNotFinite(run);
    this.#tellEnd(run, couldNotStart);
  }

  /** @param couldNotStart no attempt was made: how the last one ended, if there was one, has been told */
  #tellEnd(run: RunSummary, couldNotStart: boolean): void {
    if (run.state === "completed") this.#tell("finished", run, `${run.name} has completed${after(run)}.`, null);
    else if (run.state === "failed" || run.state === "interrupted") {
      const why = reasonOf(run);
      const which = couldNotStart && run.attempt > 0 && run.queue !== undefined ? [run.queue.queued_at] : [];
      const what = `${run.name} ${run.state === "failed" ? "has failed" : "was interrupted"}`;
      this.#tell("failed", run, fullStop(`${what}${why === null ? "" : `: ${why}`}`), run.failure?.advice ?? null, which);
    }
  }

  #tellNotFinite(run: RunSummary): void {
    const found = firstNotFinite(run.metrics);
    if (found?.attempt !== run.attempt) return;
    const hint = "Lower the learning rate, clip gradients, or look at the batch of that step.";
    this.#tell("nan", run, `${notFiniteSentence({ ...found, metric: `${found.metric} of ${run.name}` })}.`, hint);
  }

  async #check(): Promise<void> {
    const { runs, limits, log } = this.#options;
    const live = [...runs.briefs()].filter(({ state }) => LIVE_STATES.has(state)).flatMap(({ id }) => runs.summary(id) ?? []);
    for (const run of live) this.#checkStall(run, limits().stalled_minutes * 60_000);
    if (live.length === 0) return;
    this.#checkGpus(limits());
    await this.#checkDisk(limits().disk_free_gb * GIB).catch((error: unknown) => {
      log(`the free space of the store's disk is not known: ${String(error)}`);
    });
  }

  #checkStall(run: RunSummary, limitMs: number): void {
    const seen = this.#seen.get(run.id);
    if (seen === undefined || seen.stalled || run.state !== "running") return;
    const rate = run.progress?.steps_per_second ?? 0;
    const silence = Date.now() - seen.lastSign;
    if (silence < Math.max(limitMs, rate > 0 ? (STEPS_OF_SILENCE / rate) * 1000 : 0)) return;
    seen.stalled = true;
    seen.stalls++;
    const minutes = Math.round(silence / 60_000);
    const time = minutes < 1 ? `${Math.round(silence / 1000)} s` : `${minutes} min`;
    const which = seen.stalls > 1 ? [seen.stalls] : [];
    const message = `${run.name} has logged nothing for ${time}, though its process is there.`;
    this.#tell("stalled", run, message, "Look at the end of its log; a worker or a collective may hang.", which);
  }

  async #checkDisk(least: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#options.storeRoot);
    const free = bavail * bsize;
    if (free >= least * DISK_MARGIN) this.#diskLow = false;
    if (free >= least || this.#diskLow) return;
    this.#diskLow = true;
    const message = `${(free / GIB).toFixed(1)} GiB are free on the disk of ${this.#options.storeRoot}.`;
    this.#tellOfMachine("disk_low", message, "Delete runs or checkpoints that are not needed: a checkpoint that finds no room is lost.");
  }

  #checkGpus(limits: GpuLimits): void {
    const recovered = { gpu_celsius: limits.gpu_celsius - GPU_MARGIN, gpu_memory_percent: limits.gpu_memory_percent - GPU_MARGIN };
    for (const gpu of this.#options.gpus()) {
      const near = new Set(gpuWarnings(gpu, recovered).map(({ kind }) => kind));
      // What is not known for a moment has not recovered.
      if (gpu.temperature_celsius !== null && !near.has("gpu_hot")) this.#gpus.delete(`gpu_hot:${gpu.index}`);
      if (memoryPercent(gpu) !== null && !near.has("gpu_memory_full")) this.#gpus.delete(`gpu_memory_full:${gpu.index}`);
      for (const { kind, message, hint } of gpuWarnings(gpu, limits)) {
        const key = `${kind}:${gpu.index}`;
        if (this.#gpus.has(key)) continue;
        this.#gpus.add(key);
        this.#tellOfMachine(kind, `${message}.`, hint, `:${gpu.index}`);
      }
    }
  }

  #tellOfMachine(kind: NoticeKind, message: string, hint: string, which = ""): void {
    const time = new Date().toISOString();
    this.#options.tell({ id: `${kind}${which}:${time}`, time, kind, message, hint, run: null, sweep: null });
  }

  /** @param which tells it from others of its kind and attempt */
  #tell(kind: NoticeKind, run: RunSummary, message: string, hint: string | null, which: readonly (string | number)[] = []): void {
    const id = [kind, run.id, run.attempt, ...which].join(":");
    const { id: runId, name, project, attempt } = run;
    const time = new Date().toISOString();
    this.#options.tell({ id, time, kind, message, hint, run: { id: runId, name, project, attempt }, sweep: null });
  }

  #schedule(): void {
    if (this.#closed) return;
    const wait = Math.min(LONGEST_CHECK_MS, Math.max(SHORTEST_CHECK_MS, this.#options.limits().stalled_minutes * 15_000));
    this.#timer = setTimeout(() => {
      void this.#check().finally(() => {
        this.#schedule();
      });
    }, wait);
    this.#timer.unref();
  }

  /** The limits have changed: the next look is not to wait for the old ones. */
  soon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#schedule();
  }
}

function after(run: RunSummary): string {
  const seconds = run.progress?.elapsed_seconds;
  if (seconds === undefined) return "";
  const minutes = Math.round(seconds / 60);
  if (seconds < 120) return ` after ${Math.round(seconds)} s`;
  return minutes < 120 ? ` after ${minutes} min` : ` after ${(seconds / 3600).toFixed(1)} h`;
}
