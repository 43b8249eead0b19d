/** One run as the server knows it now: its record, and what was read from its files. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { SeriesInfo } from "../../protocol/queries.ts";
import type { MetricSummary, Progress, RunRecord, RunSummary } from "../../protocol/run.ts";
import type { RunStore } from "../store/types.ts";
import type { NotFinite, RunSeries } from "../series/types.ts";
import type { LiveAttempt } from "./live.ts";
import { progressOf } from "./progress.ts";
import { ReportState } from "./report-state.ts";

export class RunEntry {
  record: RunRecord;
  /** run.json cannot be read: the record is made up from the folder, and nothing is ever written to it. */
  readonly damagedFolder: string | null;
  report = new ReportState();
  resolvedParams: JsonObject = {};
  checkpoints: readonly Checkpoint[] = [];
  live: LiveAttempt | null = null;
  /** What lies in the folder beside run.json was read. */
  loaded = false;
  #metrics: Record<string, MetricSummary> = {};
  #newest: { step: number; epoch: number | null } | null = null;
  #secondsPerStep: number | null = null;
  /** ms since the epoch; of the newest attempt. */
  #attemptStarted: number | null = null;
  #notFinite: NotFinite | null = null;
  #damage: string | null = null;

  constructor(record: RunRecord, damagedFolder: string | null = null) {
    this.record = record;
    this.damagedFolder = damagedFolder;
  }

  /** Reads what an ended run left: params, reports, points, checkpoints. */
  async load(store: RunStore, series: RunSeries): Promise<void> {
    const { id } = this.record;
    await this.loadReports(store, this.record.attempt);
    await series.poll();
    this.takeSeries(series);
    this.checkpoints = await store.checkpoints(id);
    this.#damage = joinDamage(store.damage(id), series.damage);
    this.loaded = true;
  }

  /** Params and reports of the attempts up to `last`; those of a live attempt are tailed by whoever follows it. */
  async loadReports(store: RunStore, last: number): Promise<void> {
    const { id } = this.record;
    this.resolvedParams = (await store.resolved(id))?.params ?? {};
    const report = new ReportState();
    for (let attempt = 1; attempt <= last; attempt++) {
      report.beginAttempt();
      for (const record of await store.report(id, attempt)) report.add(record);
    }
    this.report = report;
    if (this.record.attempt > 0) {
      const started = (await store.process(id, this.record.attempt))?.started_at ?? this.record.started_at;
      this.#attemptStarted = started === null ? null : Date.parse(started);
    }
    this.#damage = joinDamage(store.damage(id));
  }

  /** Takes the newest values over from the run's points. */
  takeSeries(series: RunSeries): void {
    // Names with "_" are the SDK's own heartbeats.
    const shown = series.list().filter((info) => !info.name.startsWith("_"));
    this.#metrics = Object.fromEntries(shown.map((info) => [info.name, metricSummary(info)]));
    this.#newest = series.newest();
    this.#notFinite = series.firstNotFinite(this.record.attempt);
    this.#secondsPerStep = series.secondsPerStep();
  }

  attemptStarted(time: number): void {
    this.#attemptStarted = time;
  }

  /** The first value of the newest attempt that is not finite. */
  get notFinite(): NotFinite | null {
    return this.#notFinite;
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
    const { record } = this;
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
      git: record.git,
      progress: this.progress(now),
      // What the script itself reports is nearest to the truth, but it does not hide what was asked for.
      params: { ...this.resolvedParams, ...this.report.params },
      metrics: this.#metrics,
      checkpoint_count: this.checkpoints.filter((checkpoint) => checkpoint.status !== "missing").length,
      forkable: this.checkpoints.some((checkpoint) => checkpoint.forkable),
      damage: joinDamage(this.damagedFolder, this.#damage),
    };
  }
}

function metricSummary({ last, last_step, min, min_step, max, max_step, count, first }: SeriesInfo): MetricSummary {
  return { last, last_step, min, min_step, max, max_step, count, first };
}

function joinDamage(...parts: (string | null)[]): string | null {
  const found = parts.filter((part) => part !== null);
  return found.length === 0 ? null : found.join("; ");
}
