/** What the runs room offers to http and main: the life of runs. */
import type { Checkpoint, CheckpointTag } from "../../protocol/artifact.ts";
import type { Problem } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CancelRun, CreateRun, EditRun, ResumeRun, RunDetail } from "../../protocol/queries.ts";
import type { ChangeQueue, MoveInQueue, Queue, QueueHistory, QueueHistoryQuery } from "../../protocol/queue.ts";
import type { RetainCheckpoints, RetentionPlan } from "../../protocol/retention.ts";
import type { RunRecord, RunSummary } from "../../protocol/run.ts";
import type { LineFields, RunLine } from "../../protocol/run-line.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";
import type { RunState } from "../../protocol/states.ts";
import type { TrashId } from "../../protocol/trash.ts";
import type { CompactFiles } from "../series/compact-files.ts";
import type { RunSeries } from "../series/types.ts";
import type { Documents } from "./documents.ts";
import type { Audience, RunStore } from "../store/types.ts";
import type { EventJournal } from "./event-journal.ts";
import type { RunCache } from "./run-cache.ts";

export interface RunsOptions {
  readonly store: RunStore;
  /** Folder that holds dist/ and python/. */
  readonly packageRoot: string;
  /** Interpreter for specs that name none; without it one is looked for. */
  readonly defaultPython?: string | undefined;
  /** Folder that relative paths refer to. Default: the folder that holds the store. */
  readonly baseDir?: string;
  /** Points of a run: its metrics, and the samples of the machine taken while it lived. */
  readonly openMetrics: (run: RunId) => RunSeries;
  readonly openSystem: (run: RunId) => RunSeries;
  /** Names of the machine's GPUs, for the snapshot of the environment. */
  readonly gpuNames?: () => Promise<readonly string[]>;
  /** What the machine's GPUs do, for runs that wait for free ones; without it nobody knows. */
  readonly gpus?: GpuWatch;
  /** Where old values of live runs go. Default: the server's folder in the store. */
  readonly spillFolder?: string;
  /** Compact files that `openMetrics` reads; without them the points of all runs come from their metric files. */
  readonly compact?: CompactFiles | null;
  /** Where runs that are over are remembered; without it all of them are kept in memory. */
  readonly cache?: RunCache | null;
  /** Of what is being written; without it a kill in the midst of a change may lose its event. */
  readonly journal?: EventJournal | null;
  /**
   * Settles when those who listen have taken what they were told so far. The reading of many folders waits for it now and then, so that what is
   * on its way stays little.
   */
  readonly paced?: () => Promise<void>;
  /** Who the store is looked at often for; without it somebody is always there. */
  readonly audience?: Audience;
  readonly log?: (text: string) => void;
}

export interface GpuWatch {
  /** The newest sample; null before the first. */
  latest(): SystemSample | null;
  /** While somebody listens, samples come every few seconds; the returned function ends that. */
  onSample(listener: (sample: SystemSample) => void): () => void;
}

/** What is known of every run at once; a summary may have to be read. */
export interface RunOutline {
  readonly id: RunId;
  readonly project: string;
  readonly experiment: string | null;
  readonly name: string;
  readonly state: RunState;
  /** Has an attempt of it started? */
  readonly begun: boolean;
  /** The newest; 0 before the first. */
  readonly attempt: number;
}

export type RunsChange =
  | { type: "summary"; run: RunSummary }
  | { type: "removed"; id: RunId }
  | { type: "events"; id: RunId; events: RunEvent[] }
  | { type: "checkpoints"; id: RunId; checkpoints: Checkpoint[] }
  /** New rows in the run's metric files. */
  | { type: "points"; id: RunId }
  /** New bytes in an attempt's log. */
  | { type: "log"; id: RunId; attempt: number }
  | { type: "usage"; id: RunId; usage: RunUsage }
  /** Who is in the queue, in which order, or how it goes. */
  | { type: "queue" };

/** What a new run comes from, where it comes from something. */
export interface RunOrigin {
  /** Of a clone: the run whose document it takes over. */
  readonly parent?: RunRecord["parent"];
  /** Of a run of a sweep: its id, given beforehand, and its place. */
  readonly sweep?: { readonly run: RunId; readonly place: NonNullable<RunRecord["sweep"]> };
}

export interface TagChange {
  readonly action: "add" | "remove";
  readonly tag: CheckpointTag;
  readonly notes: string;
}

/** The document of a draft, with what it needs to be planned. */
export type DraftDocument = Omit<CreateRun, "start" | "queue">;

/** How the queue goes. */
export interface QueueControl {
  /** Will it start something by itself, as soon as it can? */
  readonly isBusy: boolean;
  /** @throws TrainyardError corrupt_record */
  list(): Promise<Queue>;
  /** @throws TrainyardError corrupt_record | disk_full | store_unwritable */
  change(change: ChangeQueue): Promise<Queue>;
}

export interface Runs {
  /** What can be asked of a run document before it is started. */
  readonly documents: Documents;
  /** Reads the store, re-attaches to live attempts, settles what ended while no server looked. */
  start(): Promise<void>;
  /** Stops looking. Runs go on. */
  close(): Promise<void>;
  /** All of them, without a look at a file. */
  briefs(): Iterable<RunOutline>;
  /** How many there are, and how many of them live. */
  readonly size: number;
  liveCount(): number;
  has(id: RunId): boolean;
  summary(id: RunId): RunSummary | undefined;
  /** What lists show of it, with what they want beside that: of a run that is over, less is read than for its summary. */
  line(id: RunId, fields?: LineFields): RunLine | undefined;
  /** Every run with a word that differs between its different states, "" where that is not known. */
  stamps(): Iterable<readonly [RunId, string]>;
  /** The summary as JSON, with its stamp; undefined for a run that is gone. */
  state(id: RunId): { readonly json: string; readonly stamp: string } | undefined;
  /** @throws TrainyardError not_found */
  detail(id: RunId): Promise<RunDetail>;
  /** @throws TrainyardError as planRun, and invalid_spec for a document that stands for many runs */
  create(request: CreateRun, origin?: RunOrigin): Promise<RunDetail>;
  /** Takes in a run that was put into the store by another part of the server. @throws TrainyardError not_found */
  adopt(id: RunId): Promise<RunDetail>;
  /** Replaces the document of a draft. @throws TrainyardError conflict */
  editDraft(id: RunId, document: DraftDocument): Promise<RunDetail>;
  /** A draft, or a run that waits in the queue, ahead of its turn. @throws TrainyardError conflict */
  startDraft(id: RunId): Promise<RunDetail>;
  readonly queue: QueueControl;
  /** Puts a draft at the end of the queue. @throws TrainyardError conflict */
  enqueue(id: RunId): Promise<RunDetail>;
  /** A run that waits is a draft again, or as it had ended before it was to go on. @throws TrainyardError conflict */
  dequeue(id: RunId): Promise<RunDetail>;
  /** @throws TrainyardError conflict when a run does not wait */
  moveInQueue(id: RunId, to: MoveInQueue): Promise<Queue>;
  queueHistory(query: QueueHistoryQuery): QueueHistory;
  /** @param by who asks: a person, or the sweep whose run does badly */
  cancel(id: RunId, request: CancelRun, by?: "user" | "sweep"): Promise<RunDetail>;
  resume(id: RunId, request: ResumeRun): Promise<RunDetail>;
  /** @param changes what changes, or how it follows from what is there. @throws TrainyardError not_found | bad_request */
  edit(id: RunId, changes: EditRun | ((record: RunRecord) => EditRun)): Promise<RunDetail>;
  /** @param checkpoint id, name or path. @throws TrainyardError not_found | bad_checkpoint */
  changeTag(id: RunId, checkpoint: string, change: TagChange): Promise<Checkpoint>;
  /** @throws TrainyardError not_found | bad_request | store_unwritable */
  retainCheckpoints(id: RunId, request: RetainCheckpoints): Promise<RetentionPlan>;
  /** Moves a run to the trash. @throws TrainyardError not_found | conflict while it lives */
  remove(id: RunId): Promise<TrashId>;
  /** Brings a run back from the trash. @throws TrainyardError not_found | conflict */
  restore(trash: TrashId): Promise<RunId>;
  /** Scans the store again; problems are damaged run folders. */
  refresh(): Promise<{ runs: number; problems: Problem[] }>;
  /** Opens (or shares) the run's points; release it when done, so that cold runs leave memory. */
  series(id: RunId): Promise<{ series: RunSeries; release(): void }>;
  /** The same for the samples of the machine. */
  systemSeries(id: RunId): Promise<{ series: RunSeries; release(): void }>;
  /** Process groups of live runs (run id → attempt, pid of the group leader), for the device sampler. */
  liveProcesses(): ReadonlyMap<RunId, { attempt: number; pid: number }>;
  onChange(listener: (change: RunsChange) => void): () => void;
}

/** What can be done with runs whoever began to read them, and whatever stores they lie in. */
export type OpenRuns = Omit<Runs, "start" | "close" | "liveProcesses">;
