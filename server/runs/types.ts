/** What the runs room offers to http and main: the life of runs. */
import type { Checkpoint, CheckpointTag } from "../../protocol/artifact.ts";
import type { Problem } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CancelRun, CreateRun, EditRun, ResumeRun, RunDetail } from "../../protocol/queries.ts";
import type { RetainCheckpoints, RetentionPlan } from "../../protocol/retention.ts";
import type { RunRecord, RunSummary } from "../../protocol/run.ts";
import type { RunUsage } from "../../protocol/system.ts";
import type { NotFinite, RunSeries } from "../series/types.ts";
import type { Documents } from "./documents.ts";

export type RunsChange =
  | { type: "summary"; run: RunSummary }
  | { type: "removed"; id: RunId }
  | { type: "events"; id: RunId; events: RunEvent[] }
  | { type: "checkpoints"; id: RunId; checkpoints: Checkpoint[] }
  /** New rows in the run's metric files. */
  | { type: "points"; id: RunId }
  /** New bytes in an attempt's log. */
  | { type: "log"; id: RunId; attempt: number }
  | { type: "usage"; id: RunId; usage: RunUsage };

export interface TagChange {
  readonly action: "add" | "remove";
  readonly tag: CheckpointTag;
  readonly notes: string;
}

export interface Runs {
  /** What can be asked of a run document before it is started. */
  readonly documents: Documents;
  /** Reads the store, re-attaches to live attempts, settles what ended while no server looked. */
  start(): Promise<void>;
  /** Stops looking. Runs go on. */
  close(): Promise<void>;
  summaries(): readonly RunSummary[];
  summary(id: RunId): RunSummary | undefined;
  /** The first value that the newest attempt logged and that is not finite. */
  firstNotFinite(id: RunId): NotFinite | null;
  /** @throws TrainyardError not_found */
  detail(id: RunId): Promise<RunDetail>;
  /** @param parent of a clone: the run whose document it takes over */
  create(request: CreateRun, parent?: RunRecord["parent"]): Promise<RunDetail>;
  /** Takes in a run that was put into the store by another part of the server. @throws TrainyardError not_found */
  adopt(id: RunId): Promise<RunDetail>;
  /** Replaces the document of a draft. @throws TrainyardError conflict */
  editDraft(id: RunId, document: Omit<CreateRun, "start">): Promise<RunDetail>;
  startDraft(id: RunId): Promise<RunDetail>;
  cancel(id: RunId, request: CancelRun): Promise<RunDetail>;
  resume(id: RunId, request: ResumeRun): Promise<RunDetail>;
  edit(id: RunId, changes: EditRun): Promise<RunDetail>;
  /** @param checkpoint id, name or path. @throws TrainyardError not_found | bad_checkpoint */
  changeTag(id: RunId, checkpoint: string, change: TagChange): Promise<Checkpoint>;
  /** @throws TrainyardError not_found | bad_request | store_unwritable */
  retainCheckpoints(id: RunId, request: RetainCheckpoints): Promise<RetentionPlan>;
  remove(id: RunId): Promise<string>;
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
