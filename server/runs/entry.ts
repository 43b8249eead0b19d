/** One run as the server knows it now: its record, and what was read from its files. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesInfo } from "../../protocol/queries.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import { firstNotFinite, type FirstNotFinite } from "../../protocol/not-finite.ts";
import { RUN_FOLDER_VERSION, RunRecord, type MetricSummary, type Progress, type RunSummary } from "../../protocol/run.ts";
import type { LineFields, RunLine } from "../../protocol/run-line.ts";
import type { RunState } from "../../protocol/states.ts";
import type { RunReports, RunStore } from "../store/types.ts";
import type { RunSeries } from "../series/types.ts";
import type { LiveAttempt } from "./live.ts";
import { progressOf } from "./progress.ts";
import { ReportState } from "./report-state.ts";
import { folderSignature, type ColdRun, type FolderSignature, type RunCache } from "./run-cache.ts";

// Shared: of a hundred thousand runs nearly all are cold.
const NO_PARAMS: JsonObject = Object.freeze({});
const NO_METRICS: Record<string, MetricSummary> = Object.freeze({});
const NO_CHECKPOINTS: readonly Checkpoint[] = Object.freeze([]);

/**
 * A run that is over is cold: its summary lies in the cache, and nothing of it in memory. Its record is then that of the summary, without the
 * environment; whoever changes or shows all of it loads it first.
 */
export class RunEntry {
  readonly id: RunId;
  /** run.json cannot be read: the record is made up from the folder, and nothing is ever written to it. */
  readonly damagedFolder: string | null;
  resolvedParams = NO_PARAMS;
  checkpoints = NO_CHECKPOINTS;
  live: LiveAttempt | null = null;
  #record: RunRecord | null;
  #cold: { readonly run: ColdRun; readonly cache: RunCache } | null;
  /** Of an entry that was cold, until it is loaded. */
  #lastSummary: RunSummary | null = null;
  #loaded = false;
  #report: ReportState | null = null;
  #metrics = NO_METRICS;
  #newest: { step: number; epoch: number | null } | null = null;
  #secondsPerStep: number | null = null;
  /** ms since the epoch; of the newest attempt. */
  #attemptStarted: number | null = null;
  #damage: string | null = null;

  /** @param run its record, or a run that lies in the cache */
  constructor(run: RunRecord | { readonly run: ColdRun; readonly cache: RunCache }, damagedFolder: string | null = null) {
    const isCold = "cache" in run;
    this.id = isCold ? run.run.id : run.id;
    this.#record = isCold ? null : run;
    this.#cold = isCold ? run : null;
    this.damagedFolder = damagedFolder;
  }

  get record(): RunRecord {
    return this.#record ?? recordOf(this.summary());
  }

  set record(record: RunRecord) {
    if (this.#cold !== null) this.#lastSummary = this.summary();
    this.#cold = null;
    this.#record = record;
  }

  /** The run as it lies in the cache; null while it is in memory. */
  get cold(): ColdRun | null {
    return this.#cold?.run ?? null;
  }

  get project(): string {
    return this.#cold?.run.project ?? this.record.project;
  }

  get experiment(): string | null {
    return this.#cold !== null ? this.#cold.run.experiment : this.record.experiment;
  }

  get name(): string {
    return this.#cold?.run.name ?? this.record.name;
  }

  get state(): RunState {
    return this.#cold?.run.state ?? this.record.state;
  }

  get attempt(): number {
    return this.#cold?.run.attempt ?? this.record.attempt;
  }

  /** The run that it was forked from. */
  get parent(): RunId | null {
    return this.#cold !== null ? this.#cold.run.parent : (this.record.parent?.run ?? null);
  }

  /** When it left the queue; null when it never waited there, or still does. */
  get leftQueueAt(): string | null {
    return this.#cold !== null ? this.#cold.run.leftQueueAt : (this.record.queue?.left_at ?? null);
  }

  /** Has an attempt of it started? */
  get begun(): boolean {
    if (this.#cold !== null) return this.#cold.run.begun;
    return this.record.started_at !== null || (this.state !== "draft" && this.state !== "queued");
  }

  /** What lies in the folder beside run.json was read. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** @param followed its files are read as they grow, not by `load` */
  markLoaded(followed: boolean): void {
    this.#loaded = true;
    if (followed) this.readAt = null;
    this.#lastSummary = null;
  }

  get report(): ReportState {
    return (this.#report ??= new ReportState());
  }

  /** Lets go of everything that the cache has. */
  chill(run: ColdRun, cache: RunCache): void {
    this.#cold = { run, cache };
    this.#record = this.#report = this.#lastSummary = this.#newest = this.#secondsPerStep = this.#attemptStarted = this.#damage = null;
    this.resolvedParams = NO_PARAMS;
    this.checkpoints = NO_CHECKPOINTS;
    this.#metrics = NO_METRICS;
    this.#loaded = false;
  }

  /** Somebody works with what is in memory: it must not leave. */
  inUse = 0;
  /** Of the files that `load` reads, when it began; null for a run that was followed to its end. */
  readAt: FolderSignature | null = null;

  /** Reads what an ended run left: params, reports, points, checkpoints. */
  async load(store: RunStore, series: RunSeries): Promise<void> {
    const { id } = this;
    if (this.#cold !== null) this.record = (await store.read(id)).record;
    // Of run.json, what it was like before it was read.
    this.readAt = { run: store.signature(id), rest: folderSignature(store.paths(id), this.record.attempt).rest };
    const known = await this.loadReports(store, this.record.attempt);
    await series.poll();
    this.takeSeries(series);
    this.checkpoints = await store.checkpoints(id, known);
    this.#damage = joinDamage(store.damage(id), series.damage);
    this.markLoaded(false);
  }

  /**
   * Params and reports of the attempts up to `last`; those of a live attempt are tailed by whoever follows it.
   * @returns what was read
   */
  async loadReports(store: RunStore, last: number): Promise<RunReports> {
    const { id } = this;
    const [resolved, reports] = await Promise.all([store.resolved(id), store.reports(id)]);
    this.resolvedParams = resolved?.params ?? {};
    const report = new ReportState();
    for (let attempt = 1; attempt <= last; attempt++) {
      report.beginAttempt();
      for (const record of reports.find((one) => one.attempt === attempt)?.records ?? []) report.add(record);
    }
    this.#report = report;
    if (this.record.attempt > 0) {
      const started = (await store.process(id, this.record.attempt))?.started_at ?? this.record.started_at;
      this.#attemptStarted = started === null ? null : Date.parse(started);
    }
    this.#damage = joinDamage(store.damage(id));
    return { resolved, reports };
  }

  /** Takes the newest values over from the run's points. */
  takeSeries(series: RunSeries): void {
    // Names with "_" are the SDK's own heartbeats.
    const shown = series.list().filter((info) => !info.name.startsWith("_"));
    this.#metrics = Object.fromEntries(shown.map((info) => [info.name, metricSummary(info)]));
    this.#newest = series.newest();
    this.#secondsPerStep = series.secondsPerStep();
  }

  attemptStarted(time: number): void {
    this.#attemptStarted = time;
  }

  /** The first value of the run that is not finite. */
  get notFinite(): FirstNotFinite | null {
    return firstNotFinite(this.#metrics);
  }

  get lastStep(): number | null {
    return this.#newest?.step ?? null;
  }

  progress(now: number): Progress | null {
    const ended = this.live === null && this.record.ended_at !== null ? Date.parse(this.record.ended_at) : now;
    return progressOf({
      plan: this.report.plan,
      newest: this.#newest,
      secondsPerStep: this.#secondsPerStep,
      elapsedSeconds: this.#attemptStarted === null ? 0 : (ended - this.#attemptStarted) / 1000,
      live: this.live !== null,
    });
  }

  summary(now: number = Date.now()): RunSummary {
    if (this.#record === null) return JSON.parse(this.json(now)) as RunSummary; // As this class wrote it.
    const record = this.#record;
    const kept = this.#lastSummary;
    return {
      id: record.id,
      project: record.project,
      experiment: record.experiment,
      name: record.name,
      description: record.description,
      notes: record.notes,
      tags: record.tags,
      starred: record.starred,
      archived: record.archived,
      state: record.state,
      state_reason: record.state_reason,
      failure: record.failure,
      recipe: record.recipe,
      seed: record.seed,
      parent: record.parent,
      attempt: record.attempt,
      created_at: record.created_at,
      started_at: record.started_at,
      ended_at: record.ended_at,
      origin: record.origin,
      ...(record.imported !== undefined && { imported: record.imported }),
      ...(record.sweep !== undefined && { sweep: record.sweep }),
      ...(record.queue !== undefined && { queue: record.queue }),
      git: record.git,
      progress: kept?.progress ?? this.progress(now),
      // What the script itself reports is nearest to the truth, but it does not hide what was asked for.
      params: kept?.params ?? { ...this.resolvedParams, ...this.#report?.params },
      metrics: kept?.metrics ?? this.#metrics,
      checkpoint_count: kept?.checkpoint_count ?? this.checkpoints.filter((checkpoint) => checkpoint.status !== "missing").length,
      forkable: kept?.forkable ?? this.checkpoints.some((checkpoint) => checkpoint.forkable),
      damage: kept?.damage ?? joinDamage(this.damagedFolder, this.#damage),
    };
  }

  /** @param fields what the line holds beside what every list shows */
  line(fields: LineFields = {}, now: number = Date.now()): RunLine {
    const isUsual = fields.metrics === undefined && fields.params === undefined;
    if (this.#cold !== null && isUsual) return JSON.parse(this.#cold.cache.line(this.#cold.run)) as RunLine; // As lineOf made it.
    return lineOf(this.summary(now), fields);
  }

  /** The summary as JSON. */
  json(now: number = Date.now()): string {
    return this.#cold === null ? JSON.stringify(this.summary(now)) : this.#cold.cache.text(this.#cold.run);
  }
}

/** What of a summary stands in run.json; the schema leaves out the rest. */
function recordOf(summary: RunSummary): RunRecord {
  return RunRecord.parse({ ...summary, version: RUN_FOLDER_VERSION, environment: null });
}

function metricSummary(info: SeriesInfo): MetricSummary {
  const { last, last_step, min, min_step, max, max_step, count, first, not_finite } = info;
  return { last, last_step, min, min_step, max, max_step, count, first, ...(not_finite !== undefined && { not_finite }) };
}

function joinDamage(...parts: (string | null)[]): string | null {
  const found = parts.filter((part) => part !== null);
  return found.length === 0 ? null : found.join("; ");
}
