/** The store: run folders as files. Everything else in the server is derived from what this file reads and writes. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { CheckpointTagRecord, type Artifact, type Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ProjectRecord, ProjectRevision, ProjectChanges } from "../../protocol/project.ts";
import type { LogLine, LogPage, LogQuery } from "../../protocol/queries.ts";
import { ReportRecord } from "../../protocol/report.ts";
import { AttemptRecord, ExitRecord, ProcessRecord, RunRecord, StopRequest } from "../../protocol/run.ts";
import { ResolvedSpec, type RunSpec } from "../../protocol/spec.ts";
import type { TrashId } from "../../protocol/trash.ts";
import { listArtifacts, resolveArtifact } from "./artifacts.ts";
import { attemptNumbers } from "./attempt-numbers.ts";
import { makeFolder, writeFileAtomic, writeJsonAtomic } from "./atomic.ts";
import { CheckpointFinder } from "./checkpoints.ts";
import { systemCode, writeError } from "./fs-errors.ts";
import { readJsonFile, readTextFile } from "./json-file.ts";
import { appendJsonl, readJsonl } from "./jsonl.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { LogReader } from "./log-reader.ts";
import { isInPlace, openRoot, type OpenedRoot } from "./open-root.ts";
import { fillRunFolder, moveIntoStore, stagingFolder } from "./new-run.ts";
import { RUNS_FOLDER, runPaths } from "./paths.ts";
import { ProjectFiles } from "./projects.ts";
import { StoredQueue } from "./queue-file.ts";
import { SavedFiles } from "./saved.ts";
import { loadedCheckpoints, type AttemptReport, type LoadedCheckpoints } from "./resumable.ts";
import { allOf, RunIndex } from "./run-index.ts";
import { SweepFiles } from "./sweeps.ts";
import { TrashFolder } from "./trash.ts";
import { watchRuns } from "./run-watch.ts";
import type {
  AttemptPaths,
  Audience,
  LogBytes,
  LogText,
  QueueDocument,
  RunFiles,
  RunFolder,
  RunPaths,
  RunPlace,
  RunReports,
  RunStore,
  SavedItems,
  StoreScan,
  SweepDocuments,
  TrashedRuns,
} from "./types.ts";

export interface StoreOptions {
  /** Make the folder when it is not there. Default true. */
  readonly create?: boolean;
}

/**
 * Opens the store at `root`. A store that cannot be written opens read-only.
 * @throws TrainyardError store_unwritable | not_found | corrupt_record
 */
export async function openStore(root: string, options: StoreOptions = {}): Promise<RunStore> {
  return storeAt(await openRoot(root, options.create ?? true));
}

/** The store of a root that was opened before. */
export function storeAt(opened: OpenedRoot): RunStore {
  return new FolderStore(opened);
}

class FolderStore implements RunStore {
  readonly root: string;
  readonly readOnly: boolean;
  readonly #opened: OpenedRoot;
  readonly #index: RunIndex;
  readonly #projects: ProjectFiles;
  readonly saved: SavedItems;
  readonly sweeps: SweepDocuments;
  readonly queue: QueueDocument;
  readonly trashed: TrashedRuns;
  readonly #queue = new KeyedQueue();
  readonly #logs = new LogReader();
  readonly #checkpoints = new CheckpointFinder();
  readonly #damage = new Map<RunId, Map<string, string>>();
  readonly #watchers = new Set<{ close(): void }>();

  constructor(opened: OpenedRoot) {
    const { root } = opened;
    this.root = root;
    this.readOnly = opened.readOnly;
    this.#opened = opened;
    this.#index = new RunIndex(root);
    this.#projects = new ProjectFiles(root, () => this.#index.projectNames());
    this.saved = new SavedFiles(root);
    this.queue = new StoredQueue(root);
    this.trashed = new TrashFolder(root, (project) => this.#projects.ensure(project));
    this.sweeps = new SweepFiles(
      root,
      (project) => this.#projects.ensure(project),
      () => this.#index.projectNames(),
    );
  }

  isInPlace(): boolean {
    return isInPlace(this.#opened);
  }

  scan = (): Promise<StoreScan> => allOf(this.#index.scan());

  scanInBatches(except?: ReadonlySet<string>, folders?: readonly RunPlace[]): AsyncIterable<StoreScan> {
    return this.#index.scan(except, folders);
  }

  folders = (): Promise<RunPlace[]> => this.#index.folders();

  signature = (id: RunId): string => this.#index.signature(id) ?? "";

  recall(id: RunId, project: string, signature: string): void {
    this.#index.recall(id, project, signature);
  }

  release(id: RunId): void {
    this.#index.release(id);
  }

  async projects(): Promise<ProjectRecord[]> {
    return this.#projects.all();
  }

  async createProject(name: string, settings: ProjectChanges): Promise<ProjectRecord> {
    mustWrite(this);
    return this.#projects.create(name, settings);
  }

  async editProject(name: string, settings: ProjectChanges): Promise<ProjectRecord> {
    mustWrite(this);
    return this.#projects.edit(name, settings);
  }

  async projectRevisions(name: string): Promise<ProjectRevision[]> {
    return this.#projects.history(name);
  }

  async read(id: RunId): Promise<RunFolder> {
    const record = await this.#index.read(id);
    return { paths: this.paths(id), record };
  }

  async create(record: RunRecord, files: RunFiles): Promise<RunFolder> {
    mustWrite(this);
    const checked = RunRecord.parse(record);
    await this.#projects.ensure(checked.project);
    const dir = path.join(this.root, checked.project, RUNS_FOLDER, checked.id);
    await makeFolder(path.dirname(dir));
    try {
      await mkdir(dir);
    } catch (error) {
      if (systemCode(error) === "EEXIST")
        throw new TrainyardError("conflict", `the run folder ${dir} exists already`, "Create the run again.");
      throw writeError(error, `make the folder ${dir}`, dir);
    }
    const paths = runPaths(dir);
    try {
      await fillRunFolder(paths, checked, files);
    } catch (error) {
      // Nothing of a run that could not be made (a full disk) is left behind.
      await rm(dir, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    await this.#index.wrote(checked.id, dir, checked);
    return { paths, record: checked };
  }

  async staging(): Promise<string> {
    mustWrite(this);
    return stagingFolder(this.root);
  }

  async adopt(folder: string, record: RunRecord): Promise<RunFolder> {
    mustWrite(this);
    const checked = RunRecord.parse(record);
    await this.#projects.ensure(checked.project);
    const dir = await moveIntoStore(this.root, folder, checked);
    await this.#index.wrote(checked.id, dir, checked);
    return { paths: runPaths(dir), record: checked };
  }

  async update(id: RunId, change: (record: RunRecord) => RunRecord): Promise<RunRecord> {
    mustWrite(this);
    return this.#queue.run(id, async () => {
      const before = await this.#index.read(id);
      const after = RunRecord.parse(change(before));
      const { dir, runJson } = this.paths(id);
      await writeJsonAtomic(runJson, after);
      await this.#index.wrote(id, dir, after);
      return after;
    });
  }

  async appendEvent(id: RunId, event: RunEvent): Promise<void> {
    mustWrite(this);
    return this.#queue.run(id, () => appendJsonl(this.paths(id).eventsJsonl, event));
  }

  async events(id: RunId): Promise<RunEvent[]> {
    return readJsonl(this.paths(id).eventsJsonl, RunEvent);
  }

  async spec(id: RunId): Promise<{ source: string; spec: RunSpec | null }> {
    const file = this.paths(id).specYaml;
    const source = (await readTextFile(file)) ?? "";
    const { readRunDocument } = await import("../../protocol/run-document/read.ts");
    return { source, spec: readRunDocument(source).spec };
  }

  async resolved(id: RunId): Promise<ResolvedSpec | null> {
    return this.#optional(id, this.paths(id).resolvedJson, ResolvedSpec);
  }

  async writeSpec(id: RunId, source: string): Promise<void> {
    mustWrite(this);
    await writeFileAtomic(this.paths(id).specYaml, source);
  }

  async writeResolved(id: RunId, resolved: ResolvedSpec): Promise<void> {
    mustWrite(this);
    await writeJsonAtomic(this.paths(id).resolvedJson, ResolvedSpec.parse(resolved));
  }

  async attempts(id: RunId): Promise<AttemptRecord[]> {
    const paths = this.paths(id);
    const records: AttemptRecord[] = [];
    for (const number of await attemptNumbers(paths)) {
      const record = await this.#optional(id, paths.attempt(number).attemptJson, AttemptRecord);
      if (record !== null) records.push(record);
    }
    return records;
  }

  async writeAttempt(id: RunId, attempt: AttemptRecord): Promise<AttemptPaths> {
    mustWrite(this);
    const checked = AttemptRecord.parse(attempt);
    const paths = this.paths(id).attempt(checked.number);
    await makeFolder(paths.dir);
    await writeJsonAtomic(paths.attemptJson, checked);
    return paths;
  }

  async process(id: RunId, attempt: number): Promise<ProcessRecord | null> {
    return this.#optional(id, this.paths(id).attempt(attempt).processJson, ProcessRecord);
  }

  async exit(id: RunId, attempt: number): Promise<ExitRecord | null> {
    return this.#optional(id, this.paths(id).attempt(attempt).exitJson, ExitRecord);
  }

  async writeExit(id: RunId, attempt: number, exit: ExitRecord): Promise<void> {
    mustWrite(this);
    await writeJsonAtomic(this.paths(id).attempt(attempt).exitJson, ExitRecord.parse(exit));
  }

  async stopRequest(id: RunId, attempt: number): Promise<StopRequest | null> {
    return this.#optional(id, this.paths(id).attempt(attempt).stopJson, StopRequest);
  }

  async writeStopRequest(id: RunId, attempt: number, request: StopRequest): Promise<void> {
    mustWrite(this);
    await writeJsonAtomic(this.paths(id).attempt(attempt).stopJson, StopRequest.parse(request));
  }

  damage(id: RunId): string | null {
    const problems = this.#damage.get(id);
    return problems === undefined || problems.size === 0 ? null : [...problems.values()].join("; ");
  }

  async report(id: RunId, attempt: number): Promise<ReportRecord[]> {
    return readJsonl(this.paths(id).attempt(attempt).reportJsonl, ReportRecord);
  }

  async reports(id: RunId): Promise<AttemptReport[]> {
    const numbers = await attemptNumbers(this.paths(id));
    return Promise.all(numbers.map(async (attempt) => ({ attempt, records: await this.report(id, attempt) })));
  }

  async trash(id: RunId): Promise<TrashId> {
    mustWrite(this);
    return this.#queue.run(id, async () => {
      const trashed = await this.trashed.put(this.paths(id).dir);
      this.#index.forget(id);
      this.#damage.delete(id);
      return trashed;
    });
  }

  paths(id: RunId): RunPaths {
    return runPaths(this.#index.dir(id));
  }

  async checkpoints(id: RunId, known?: RunReports): Promise<Checkpoint[]> {
    const { resolved, reports } = known ?? { resolved: await this.resolved(id), reports: await this.reports(id) };
    return this.#checkpoints.list(this.paths(id), reports, loadedCheckpoints(resolved, reports), await this.checkpointTags(id));
  }

  async loadedCheckpoints(id: RunId): Promise<LoadedCheckpoints> {
    const [resolved, reports] = await Promise.all([this.resolved(id), this.reports(id)]);
    return loadedCheckpoints(resolved, reports);
  }

  async checkpointTags(id: RunId): Promise<CheckpointTagRecord[]> {
    return readJsonl(this.paths(id).checkpointTags, CheckpointTagRecord);
  }

  async appendCheckpointTag(id: RunId, record: CheckpointTagRecord): Promise<void> {
    mustWrite(this);
    return this.#queue.run(id, () => appendJsonl(this.paths(id).checkpointTags, record));
  }

  async artifacts(id: RunId): Promise<Artifact[]> {
    const reports = await this.reports(id);
    const reported = reports.flatMap(({ records }) => records.filter((record) => record.type === "artifact"));
    return listArtifacts(this.paths(id), reported);
  }

  async resolveArtifact(id: RunId, file: string): Promise<string> {
    const reports = path.isAbsolute(file) ? await this.reports(id) : [];
    const reported = reports.flatMap(({ records }) =>
      records.filter((record) => record.type === "artifact" || record.type === "checkpoint").map((record) => record.path),
    );
    return resolveArtifact(this.paths(id), file, reported);
  }

  async logPage(id: RunId, attempt: number, query: LogQuery): Promise<LogPage> {
    return this.#logs.page(this.paths(id).attempt(attempt), attempt, query);
  }

  async logLines(id: RunId, attempt: number, first: number, count: number): Promise<LogLine[]> {
    return this.#logs.lines(this.paths(id).attempt(attempt), attempt, first, count);
  }

  async logBytes(id: RunId, attempt: number, offset: number, length: number): Promise<LogBytes> {
    return this.#logs.bytes(this.paths(id).attempt(attempt).log, offset, length);
  }

  async logText(id: RunId, attempt: number, offset: number, maxBytes: number): Promise<LogText> {
    return this.#logs.text(this.paths(id).attempt(attempt).log, offset, maxBytes);
  }

  watch(onChange: (dir: { project: string; id: string }) => void, audience?: Audience): { close(): void } {
    const watcher = watchRuns(this.root, this.#index, onChange, audience);
    this.#watchers.add(watcher);
    return {
      close: () => {
        watcher.close();
        this.#watchers.delete(watcher);
      },
    };
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
    this.#logs.clear();
  }

  /** A file that may be missing; a damaged one counts as missing and is remembered in `damage`. */
  async #optional<S extends z.ZodType>(id: RunId, file: string, schema: S): Promise<z.output<S> | null> {
    const problems = this.#damage.get(id) ?? new Map<string, string>();
    try {
      const value = await readJsonFile(file, schema);
      problems.delete(file);
      return value;
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== "corrupt_record") throw error;
      problems.set(file, error.message);
      return null;
    } finally {
      if (problems.size > 0) this.#damage.set(id, problems);
      else this.#damage.delete(id);
    }
  }
}

/** @throws TrainyardError store_unwritable, before anything is tried */
export function mustWrite(store: Pick<RunStore, "root" | "readOnly" | "isInPlace">): void {
  if (store.readOnly)
    throw new TrainyardError(
      "store_unwritable",
      `the store ${store.root} is read-only`,
      "Choose a store in a folder that you may write (setting trainyard.store, or --store).",
    );
  // A path that is made anew would take what belongs to the store wherever it went.
  if (!store.isInPlace())
    throw new TrainyardError(
      "store_unwritable",
      `the store is no longer at ${store.root}: it was moved, deleted or unmounted`,
      "Move it back, or open it at its new place. Its runs go on meanwhile.",
    );
}
