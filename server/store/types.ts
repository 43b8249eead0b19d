/** What the store room offers to the rooms above it. The implementations beside this file keep to it. */
import type { Artifact, Checkpoint, CheckpointTagRecord } from "../../protocol/artifact.ts";
import type { Problem } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { LogLine, LogPage, LogQuery } from "../../protocol/queries.ts";
import type { ProjectRecord, ProjectRevision, ProjectChanges } from "../../protocol/project.ts";
import type { QueueFile } from "../../protocol/queue.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import type { AttemptRecord, ExitRecord, ProcessRecord, RunRecord, StopRequest } from "../../protocol/run.ts";
import type { SavedItem, SaveItem } from "../../protocol/saved.ts";
import type { ResolvedSpec, RunSpec } from "../../protocol/spec.ts";
import type { SweepRecord } from "../../protocol/sweep.ts";
import type { Trash, TrashId } from "../../protocol/trash.ts";
import type { AttemptReport, LoadedCheckpoints } from "./resumable.ts";

/** Absolute paths inside one run folder. */
export interface RunPaths {
  readonly dir: string;
  readonly runJson: string;
  readonly specYaml: string;
  readonly resolvedJson: string;
  readonly eventsJsonl: string;
  readonly gitPatch: string;
  readonly checkpointTags: string;
  readonly artifacts: string;
  readonly checkpoints: string;
  readonly attempts: string;
  attempt(number: number): AttemptPaths;
}

export interface AttemptPaths {
  readonly dir: string;
  readonly attemptJson: string;
  readonly processJson: string;
  readonly stopJson: string;
  readonly exitJson: string;
  readonly reportJsonl: string;
  readonly metrics: string;
  readonly system: string;
  readonly log: string;
  readonly logIndex: string;
}

/** The JSON files of a run folder, as far as they can be read. */
export interface RunFolder {
  readonly paths: RunPaths;
  readonly record: RunRecord;
}

/** What a new run folder holds beside run.json. */
export interface RunFiles {
  readonly specYaml: string;
  readonly resolved: ResolvedSpec;
  readonly gitPatch?: string;
  /** The first, which tells of the run's beginning. */
  readonly event?: RunEvent;
}

/** A run folder whose run.json cannot be read: shown as damaged, never dropped, never rewritten. */
export interface DamagedRun {
  readonly id: string;
  readonly project: string;
  readonly dir: string;
  readonly problem: Problem;
}

/** A folder that may hold a run. */
export interface RunPlace {
  readonly project: string;
  readonly name: string;
  readonly dir: string;
}

export interface StoreScan {
  readonly runs: readonly RunFolder[];
  readonly damaged: readonly DamagedRun[];
}

/** What was planned for a run, and what all its attempts said. */
export interface RunReports {
  readonly resolved: ResolvedSpec | null;
  readonly reports: readonly AttemptReport[];
}

export interface LogBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

export interface LogText {
  readonly offset: number;
  readonly nextOffset: number;
  readonly text: string;
  readonly skippedBytes: number;
}

/** Those who look at what a store holds. */
export interface Audience {
  /** Is anybody there? */
  isThere(): boolean;
  /** Told when somebody comes after a time in which nobody was there. @returns what ends that */
  onArrival(listener: () => void): () => void;
}

/** saved.json of each project and of the store (project null). */
export interface SavedItems {
  /** By name. @throws TrainyardError not_found | corrupt_record */
  list(project: string | null): Promise<readonly SavedItem[]>;
  /** Takes the place of what has the name. @throws TrainyardError not_found | bad_request | corrupt_record (such a file is not overwritten) */
  save(item: SaveItem): Promise<SavedItem>;
  /** @throws TrainyardError not_found | corrupt_record */
  remove(item: Pick<SavedItem, "kind" | "name" | "project">): Promise<void>;
}

/** queue.json. A file that cannot be read is never overwritten. */
export interface QueueDocument {
  /** @throws TrainyardError corrupt_record */
  read(): Promise<QueueFile>;
  /** One change after the other; what is the same is not written. @throws TrainyardError corrupt_record | disk_full | store_unwritable */
  change(change: (now: QueueFile) => QueueFile): Promise<QueueFile>;
}

/** <project>/sweeps/<id>.json. */
export interface SweepDocuments {
  /** Those that can be read, oldest first, and what is wrong with the others. */
  all(): Promise<{ sweeps: SweepRecord[]; problems: Problem[] }>;
  /** @throws TrainyardError disk_full | store_unwritable */
  write(sweep: SweepRecord): Promise<void>;
}

/** What lies in `<store>/.trash/`. Every step is one rename: whatever dies meanwhile, a run is in its place or in the trash, whole. */
export interface TrashedRuns {
  /** @param dir a run folder of the store */
  put(dir: string): Promise<TrashId>;
  /** Where it lies, absolute. */
  place(trash: TrashId): string;
  list(): Promise<Trash>;
  /** Moves it back to where it came from. @throws TrainyardError not_found | conflict when the store has the run */
  restore(trash: TrashId): Promise<RunId>;
  /** Removes these for good, and whatever an earlier removal left. */
  remove(trash: readonly TrashId[]): Promise<void>;
}

export interface RunStore {
  /** Real path of the store's root. */
  readonly root: string;
  /** Nothing can be written (read-only disk): browsing works, everything else is refused with `store_unwritable`. */
  readonly readOnly: boolean;
  /** Does the folder still lie at `root`? False once it was moved, deleted or unmounted: nothing can be written then. */
  isInPlace(): boolean;
  /** Reads every run.json that changed. */
  scan(): Promise<StoreScan>;
  /**
   * The same a batch at a time, so that nobody has to hold all of a large store.
   * @param except runs to leave out
   * @param folders those that there are, if they were just listed
   */
  scanInBatches(except?: ReadonlySet<string>, folders?: readonly RunPlace[]): AsyncIterable<StoreScan>;
  /** Where runs may lie, by the names of folders alone. */
  folders(): Promise<readonly RunPlace[]>;
  /** What run.json was like when it was last read or written here, as a word; "" where that is not known. */
  signature(id: RunId): string;
  /** Takes over from a cache where a run lies, and what its run.json was like. */
  recall(id: RunId, project: string, signature: string): void;
  /** Lets go of what is held in memory of a run. */
  release(id: RunId): void;
  /** Views and plots that people keep. */
  readonly saved: SavedItems;
  readonly sweeps: SweepDocuments;
  readonly queue: QueueDocument;
  readonly trashed: TrashedRuns;
  /** Projects with their project.json; a folder without one is shown with its name. */
  projects(): Promise<ProjectRecord[]>;
  /** @throws TrainyardError conflict, with a name that is free */
  createProject(name: string, settings: ProjectChanges): Promise<ProjectRecord>;
  /** Writes the settings that are given; each change is a revision. @throws TrainyardError not_found | corrupt_record */
  editProject(name: string, settings: ProjectChanges): Promise<ProjectRecord>;
  /** Oldest first. */
  projectRevisions(name: string): Promise<ProjectRevision[]>;
  /** @throws TrainyardError not_found | corrupt_record */
  read(id: RunId): Promise<RunFolder>;
  /** Makes the folder with its files; run.json is written last, so a folder without it is no run. */
  create(record: RunRecord, files: RunFiles): Promise<RunFolder>;
  /**
   * Takes in a run folder that was made elsewhere on the disk of the store: it is there as a whole or not at all.
   * @param folder below {@link staging}; moved to its place
   */
  adopt(folder: string, record: RunRecord): Promise<RunFolder>;
  /** A new empty folder in the store in which a run folder can be put together. Whoever asked for it removes it. */
  staging(): Promise<string>;
  /** Reads run.json, applies `change`, writes it atomically. Changes of one run are serialised. */
  update(id: RunId, change: (record: RunRecord) => RunRecord): Promise<RunRecord>;
  appendEvent(id: RunId, event: RunEvent): Promise<void>;
  events(id: RunId): Promise<RunEvent[]>;
  spec(id: RunId): Promise<{ source: string; spec: RunSpec | null }>;
  resolved(id: RunId): Promise<ResolvedSpec | null>;
  /** Replaces spec.yaml (a draft). */
  writeSpec(id: RunId, source: string): Promise<void>;
  /** Replaces resolved.json (a continued attempt with changed params). */
  writeResolved(id: RunId, resolved: ResolvedSpec): Promise<void>;
  attempts(id: RunId): Promise<AttemptRecord[]>;
  writeAttempt(id: RunId, attempt: AttemptRecord): Promise<AttemptPaths>;
  process(id: RunId, attempt: number): Promise<ProcessRecord | null>;
  exit(id: RunId, attempt: number): Promise<ExitRecord | null>;
  writeExit(id: RunId, attempt: number, exit: ExitRecord): Promise<void>;
  stopRequest(id: RunId, attempt: number): Promise<StopRequest | null>;
  writeStopRequest(id: RunId, attempt: number, request: StopRequest): Promise<void>;
  /** Files of this run beside run.json that could not be read when they were last asked for, as one sentence; else null. */
  damage(id: RunId): string | null;
  /** Whole report, torn last line left out. For live tailing see JsonlTail. */
  report(id: RunId, attempt: number): Promise<ReportRecord[]>;
  /** Those of all attempts that there are folders of, in their order. */
  reports(id: RunId): Promise<AttemptReport[]>;
  /** Moves the folder to `<store>/.trash/`. @throws TrainyardError not_found | conflict when it lies on another disk */
  trash(id: RunId): Promise<TrashId>;
  paths(id: RunId): RunPaths;
  /**
   * Checkpoints that were reported or found in the run's checkpoints folder, validated, newest first.
   * @param known what was read of the run a moment ago and need not be read for this
   */
  checkpoints(id: RunId, known?: RunReports): Promise<Checkpoint[]>;
  /** Every tag that a checkpoint of the run was given or lost, oldest first. */
  checkpointTags(id: RunId): Promise<CheckpointTagRecord[]>;
  appendCheckpointTag(id: RunId, record: CheckpointTagRecord): Promise<void>;
  /** Which checkpoints the training of this run loads when it is started again, as far as its files say. */
  loadedCheckpoints(id: RunId): Promise<LoadedCheckpoints>;
  artifacts(id: RunId): Promise<Artifact[]>;
  /** Absolute real path of an artifact of this run, safe to read. @throws TrainyardError forbidden | not_found */
  resolveArtifact(id: RunId, path: string): Promise<string>;
  logPage(id: RunId, attempt: number, query: LogQuery): Promise<LogPage>;
  /** Lines of an attempt's log from the `first` on (below 0: from 0), as far as there are any. */
  logLines(id: RunId, attempt: number, first: number, count: number): Promise<LogLine[]>;
  /** Bytes of an attempt's log as they were written. Beyond the end: no bytes. `size` is the log's size now, 0 when there is none. */
  logBytes(id: RunId, attempt: number, offset: number, length: number): Promise<LogBytes>;
  /**
   * Text of a growing log from `offset` on, cut at whole UTF-8 characters, at most about `maxBytes`. A backlog of more than
   * `maxBytes` is passed over up to its newest part (`skippedBytes`), starting at a line.
   */
  logText(id: RunId, attempt: number, offset: number, maxBytes: number): Promise<LogText>;
  /**
   * A run folder that appeared without the server (the SDK made it) or changed. Watches and polls; `close` ends it.
   * @param audience who it is looked often for; without it somebody is always there
   */
  watch(onChange: (dir: { project: string; id: string }) => void, audience?: Audience): { close(): void };
  /** Ends watchers and forgets what is cached. */
  close(): void;
}
