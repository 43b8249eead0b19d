/** What a script sees of the logging client. Types alone: they are published as they stand here. */

/** Numbers by name. Booleans count as 0 and 1, nested objects are joined by "/"; anything else is left out and counted. */
export type Metrics = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

export interface InitOptions {
  /** Folder of the run in the store; `default` when left out. */
  readonly project?: string;
  /** Experiment that the run belongs to; the configurations of its runs are kept together. */
  readonly experiment?: string;
  /** Shown name; made up from the script and the time when left out. */
  readonly name?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Folder that holds projects. Default: TRAINYARD_STORE, the nearest `.trainyard` above the working folder, or one made in it. */
  readonly store?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Runs that differ by it alone are replicates. */
  readonly seed?: number;
}

export type EndStatus = "completed" | "failed" | "cancelled";
export type MessageLevel = "info" | "warning" | "error";

export interface CheckpointOptions {
  /** full (can be resumed), adapter or weights (can start a fork). */
  readonly kind?: "full" | "adapter" | "weights";
  readonly framework?: string;
  /** Of the evaluation at this step. */
  readonly metrics?: Metrics;
  /** Written because a stop was asked for. */
  readonly final?: boolean;
}

/** One attempt of one run. No call throws; a process that does not report has the same object with nothing behind it. */
export interface Run {
  /** `run_…`; null in a process that belongs to no run. */
  readonly id: string | null;
  /** The run folder, absolute. */
  readonly dir: string | null;
  /** From 1; 0 without a run. */
  readonly attempt: number;
  /** Does this process report? */
  readonly active: boolean;
  /** Rows and values that were given up so far: no numbers, or a disk that took none for too long. */
  readonly dropped: number;
  /** Copies the numbers and returns. @param step 1-based by convention; left out: one more than the step before */
  log(metrics: Metrics, step?: number): void;
  logScalar(name: string, value: number, step?: number): void;
  /** Later values of a name win. Values whose name says that they are secret are redacted. */
  logParams(params: Readonly<Record<string, unknown>>): void;
  /** A file or folder of the run's artifacts folder, or one elsewhere, which is recorded where it lies. */
  logArtifact(path: string, name?: string, kind?: ArtifactKind): void;
  logCheckpoint(path: string, step: number, options?: CheckpointOptions): void;
  /** How long the training means to run: progress, ETA, and whether an early exit was a completion. */
  plan(plan: { readonly maxSteps?: number; readonly maxEpochs?: number; readonly firstStep?: number }): void;
  /** A line for people, shown with the run. */
  message(level: MessageLevel, text: string): void;
  /** Has somebody asked for the end? The first call promises that the script stops by itself, so a stop waits for it. */
  shouldStop(): boolean;
  /** Puts everything logged so far on disk, and waits for it. false when the disk did not take it in time. */
  flush(timeoutMs?: number): boolean;
  /** Ends the run; happens by itself when the process ends. Waits for the disk. */
  finish(status?: EndStatus, reason?: string, error?: unknown): void;
}

export type ArtifactKind = "checkpoint" | "tensorboard" | "evaluation" | "config" | "predictions" | "model" | "other";
