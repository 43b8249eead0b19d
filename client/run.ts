/** The run as the script sees it (python/trainyard/_run.py). */
import { existsSync, lstatSync } from "node:fs";
import path from "node:path";
import type { ArtifactKind, CheckpointOptions, EndStatus, MessageLevel, Metrics, Run } from "./api.ts";
import { cut, float, integer, jsonObject, object, textOf, type Json } from "./json.ts";
import { attemptDir, writeExit, type Place } from "./place.ts";
import { quietly, warnOnce } from "./quiet.ts";
import { Reporter, TIMING, type Timing } from "./reporter.ts";
import { numbersOf } from "./values.ts";

const FLUSH_MS = 5_000;
const FINISH_MS = 5_000;
const STOP_LOOK_MS = 200;
const MAX_TRACEBACK = 20_000;
/** Set by the bundler. */
declare const __TRAINYARD_VERSION__: string | undefined;
const VERSION = typeof __TRAINYARD_VERSION__ === "string" ? __TRAINYARD_VERSION__ : "unbuilt";
const CHECKPOINT_KINDS = ["full", "adapter", "weights"] as const;
const ARTIFACT_KINDS = ["checkpoint", "tensorboard", "evaluation", "config", "predictions", "model", "other"] as const;
const LEVELS = ["info", "warning", "error"] as const;
const STATUSES = ["completed", "failed", "cancelled"] as const;

export class AttemptRun implements Run {
  readonly #place: Place | null;
  readonly #started = Date.now();
  #reporter: Reporter | null;
  #finished = false;
  #stop = false;
  #nextLook = 0;
  #graceful = false;
  #maxSteps: number | null = null;

  /** @param place null: nothing is recorded. @throws system error when the attempt's files cannot be made */
  constructor(place: Place | null, timing: Timing = TIMING) {
    this.#place = place;
    this.#reporter = place === null ? null : new Reporter(attemptDir(place), timing);
    this.#reporter?.say("hello", {
      pid: integer(process.pid),
      sdk_version: VERSION,
      node_version: process.versions.node,
      argv: [...process.argv],
    });
  }

  get id(): string | null {
    return this.#place?.id ?? null;
  }

  get dir(): string | null {
    return this.#place?.dir ?? null;
  }

  get attempt(): number {
    return this.#place?.attempt ?? 0;
  }

  get active(): boolean {
    return this.#reporter !== null && !this.#finished;
  }

  get dropped(): number {
    return this.#reporter?.dropped ?? 0;
  }

  log(metrics: Metrics, step?: number): void {
    if (!this.active) return;
    try {
      this.#reporter?.log(metrics, step);
    } catch (error) {
      this.#reporter?.refuse(`log() could not read what it was given: ${String(error)}`);
    }
  }

  logScalar(name: string, value: number, step?: number): void {
    this.log(new Map([[name, value]]), step);
  }

  logParams(params: Readonly<Record<string, unknown>>): void {
    this.#say("params", () => ({ params: jsonObject(params) }));
  }

  logArtifact(file: string, name?: string, kind: ArtifactKind = "other"): void {
    this.#say("artifact", () => {
      const place = path.resolve(file);
      const size = lstatSync(place).size;
      const inside = path.relative(path.join(this.#place?.dir ?? "", "artifacts"), place);
      const isInside = !inside.startsWith("..") && !path.isAbsolute(inside);
      const metadata: Record<string, Json> = { size_bytes: integer(size), ...(!isInside && { referenced: true }) };
      return {
        path: isInside ? inside.split(path.sep).join("/") : place,
        name: name ?? path.basename(place),
        kind: oneOf(ARTIFACT_KINDS, kind, "other"),
        metadata: object(metadata),
      };
    });
  }

  logCheckpoint(file: string, step: number, options: CheckpointOptions = {}): void {
    this.#say("checkpoint", () => {
      const { kind = "full", framework = "custom", metrics = {}, final = false } = options;
      return {
        step: integer(wholeStep(step)),
        path: path.resolve(file),
        kind: oneOf(CHECKPOINT_KINDS, kind, "weights"),
        framework,
        metrics: new Map([...numbersOf(metrics).numbers].map(([name, value]) => [name, float(value)])),
        final,
      };
    });
  }

  plan(plan: { readonly maxSteps?: number; readonly maxEpochs?: number; readonly firstStep?: number }): void {
    this.#say("plan", () => {
      const { maxSteps, maxEpochs, firstStep = 0 } = plan;
      const first = wholeStep(firstStep);
      const steps = maxSteps !== undefined && maxSteps > 0 ? Math.max(1, wholeStep(maxSteps)) : null;
      const epochs = maxEpochs !== undefined && maxEpochs > 0 && maxEpochs < Infinity ? maxEpochs : null;
      this.#maxSteps = steps;
      if (this.#reporter?.step === 0) this.#reporter.step = first;
      return {
        first_step: integer(first),
        max_steps: steps === null ? null : integer(steps),
        max_epochs: epochs === null ? null : float(epochs),
      };
    });
  }

  message(level: MessageLevel, text: string): void {
    this.#say("message", () => ({ level: oneOf(LEVELS, level, "info"), text: cut(textOf(text)) }));
  }

  shouldStop(): boolean {
    if (!this.#graceful) {
      this.#graceful = true;
      this.#say("framework", () => ({ name: "custom", version: null, graceful_stop: true, resumes: false }));
    }
    if (!this.#stop && this.#place !== null && performance.now() >= this.#nextLook) {
      this.#nextLook = performance.now() + STOP_LOOK_MS;
      this.#stop = existsSync(path.join(attemptDir(this.#place), "stop.json"));
    }
    return this.#stop;
  }

  flush(timeoutMs: number = FLUSH_MS): boolean {
    return this.active && quietly(() => this.#reporter?.settle(timeoutMs) ?? false, false);
  }

  finish(status?: EndStatus, reason?: string, error?: unknown): void {
    const judged = error === undefined ? this.#judge() : "failed";
    this.#end(status === undefined ? judged : oneOf(STATUSES, status, judged), reason ?? null, error, null);
  }

  /** The process ends and nobody called {@link finish}. */
  exiting(code: number): void {
    if (!this.active) return;
    if (code !== 0) this.#end("failed", `the script ended with exit code ${String(code)}`, undefined, code);
    else if (this.#maxSteps !== null && !this.#reachedPlan() && !this.#stop) {
      this.message("warning", "the script ended before the training did");
      this.#end(null, null, undefined, null);
    } else this.#end(this.#judge(), null, undefined, null);
  }

  /** An error that nobody caught. */
  crashed(error: unknown): void {
    this.#end("failed", error instanceof Error ? `${error.name}: ${error.message}` : String(error), error, 1);
  }

  /** @param status null: nobody can say how the training went, so that the reader judges */
  #end(status: EndStatus | null, reason: string | null, error: unknown, code: number | null): void {
    const reporter = this.#reporter;
    if (reporter === null || this.#finished) return;
    quietly(() => {
      reporter.endMetrics(FINISH_MS);
      if (status !== null)
        reporter.say("end", {
          status,
          step: reporter.step === 0 ? null : integer(wholeStep(reporter.step)),
          reason: reason === null ? null : cut(textOf(reason)),
          error: error === undefined ? null : errorRecord(error),
        });
      reporter.close(FINISH_MS);
      if (this.#place?.standalone === true) writeExit(this.#place, this.#started, code ?? (status === "failed" ? 1 : 0), this.#stop);
    }, undefined);
    this.#finished = true;
  }

  #judge(): EndStatus {
    return this.#stop && !this.#reachedPlan() ? "cancelled" : "completed";
  }

  #reachedPlan(): boolean {
    return this.#maxSteps !== null && this.#reporter !== null && this.#reporter.step >= this.#maxSteps;
  }

  #say(type: string, fields: () => Readonly<Record<string, Json>>): void {
    if (!this.active) return;
    quietly(() => this.#reporter?.say(type, fields()), undefined);
  }
}

/** Scripts without types may say anything. */
function oneOf<T extends string>(known: readonly T[], given: T, otherwise: T): T {
  if (known.includes(given)) return given;
  warnOnce(`${known.join(", ")} are known, not ${textOf(given)}; recorded as ${otherwise}`);
  return otherwise;
}

/** A step as the records have it. @throws RangeError when it is no number */
function wholeStep(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`${String(value)} is no step`);
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value)));
}

function errorRecord(error: unknown): Json {
  if (error instanceof Error) {
    const trace = error.stack ?? "";
    return object({ type: error.name, message: cut(error.message), traceback: trace.slice(-MAX_TRACEBACK) });
  }
  return object({ type: "Error", message: cut(String(error)), traceback: "" });
}

/** Opens a run, or a silent one where that cannot be. */
export function openRun(place: () => Place, timing: Timing = TIMING): AttemptRun {
  try {
    return new AttemptRun(place(), timing);
  } catch (error) {
    const occupied = error instanceof Error && "code" in error && error.code === "EEXIST";
    warnOnce(occupied ? "another process reports for this attempt; this one is silent" : `this run is not recorded: ${String(error)}`);
    return new AttemptRun(null, timing);
  }
}
