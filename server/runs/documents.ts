/** What can be asked of a run document before it is started. Writes nothing and starts no training. */
import os from "node:os";
import path from "node:path";
import {
  DatasetPreview,
  ProbeAnswer,
  RenderedDataset,
  type DatasetRequest,
  type DocumentRequest,
  type ProbeRequest,
  type RenderRequest,
  type ScriptForm,
} from "../../protocol/documents.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { Probe } from "../../protocol/estimate.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { PresetAddress, SavePreset, SaveTemplate, Template, TemplateAddress } from "../../protocol/preset.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport, RecipeCatalogue } from "../../protocol/recipe.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { DryRun } from "../../protocol/spec.ts";
import type { RunState } from "../../protocol/states.ts";
import type { CreateSweep, SweepPlan } from "../../protocol/sweep.ts";
import { deletePreset } from "../recipes/presets.ts";
import type { Draft } from "../recipes/recipes.ts";
import { deleteTemplate, listTemplates, saveTemplate } from "../recipes/templates.ts";
import { runPaths } from "../store/paths.ts";
import { corrected, footprint, probeEvidence, type Evidence } from "./evidence.ts";
import { attemptRecord, baseDirOf, planRun, projectDefaults, resolvedSpec, runRecord, type PrepareContext } from "./prepare.ts";
import type { SearchPlace } from "./search.ts";
import { planSweep } from "./sweep-plan.ts";

/** A look reads a few megabytes; a cold disk or network file system takes its time. */
const PREVIEW_TIMEOUT_MS = 60_000;
/** The import of torch and transformers from a cold disk is most of it; a tokenizer may have to be downloaded. */
const RENDER_TIMEOUT_MS = 180_000;
/** Earlier runs of the same settings that are asked for what they measured. */
const MOST_EARLIER = 5;

/** How many of the newest runs are looked at: the summary of an old one may have to be read from its folder. */
const MOST_LOOKED_AT = 50;

/** The runs of the store: what they measured corrects the forecasts. */
interface KnownRuns {
  briefs(): Iterable<{ readonly id: RunId; readonly state: RunState }>;
  summary(id: RunId): RunSummary | undefined;
}

export class Documents {
  readonly #context: PrepareContext;

  readonly #runs: KnownRuns;
  /** By the footprint of what was tried; forgotten with the server. */
  readonly #probes = new Map<string, Probe>();

  constructor(context: PrepareContext, runs: KnownRuns) {
    this.#context = context;
    this.#runs = runs;
  }

  /** @throws TrainyardError python_unusable | timeout */
  async recipes(python: string | undefined, refresh: boolean): Promise<RecipeCatalogue> {
    return this.#context.recipes.catalogue(python, this.#context.baseDir, refresh);
  }

  /** @returns the file. @throws TrainyardError conflict | unknown_recipe | python_unusable | disk_full | store_unwritable */
  async savePreset(preset: SavePreset): Promise<string> {
    return this.#context.recipes.savePreset(preset, this.#context.baseDir);
  }

  /** @throws TrainyardError not_found | store_unwritable */
  async deletePreset(address: PresetAddress): Promise<void> {
    return deletePreset(this.#context.baseDir, address);
  }

  /** Those of the workspace; a broken one says so. */
  async templates(): Promise<Template[]> {
    return listTemplates(this.#context.baseDir);
  }

  /** @returns the file. @throws TrainyardError invalid_spec | disk_full | store_unwritable */
  async saveTemplate(template: SaveTemplate): Promise<string> {
    return saveTemplate(this.#context.baseDir, template);
  }

  /** @throws TrainyardError not_found | store_unwritable */
  async deleteTemplate(address: TemplateAddress): Promise<void> {
    return deleteTemplate(this.#context.baseDir, address);
  }

  /** @throws TrainyardError as planRun */
  async dryRun(request: CreateRun): Promise<DryRun> {
    const context = this.#context;
    const baseDir = baseDirOf(request, context.baseDir);
    const { spec } = request;
    const plan = await planRun(context, spec, baseDir);
    const id = newRunId();
    const paths = runPaths(path.join(context.store.root, spec.project, "runs", id));
    const resolved = resolvedSpec({ run: id, paths, plan, spec, baseDir });
    const record = runRecord({
      id,
      spec,
      name: "dry run",
      params: plan.params,
      state: "draft",
      parent: null,
      git: null,
      environment: null,
    });
    const { command, cwd, env } = attemptRecord(context, { record, spec, resolved, number: 1 });
    return { command, cwd, env, resolved };
  }

  /** @throws TrainyardError as planSweep */
  async planSweep(request: CreateSweep): Promise<SweepPlan> {
    return planSweep(this.#context, request);
  }

  /** Where a question to Optuna about a sweep goes. @throws TrainyardError bad_request */
  searchPlace({ spec, base_dir }: CreateSweep): SearchPlace {
    return { recipes: this.#context.recipes, spec, baseDir: baseDirOf({ base_dir }, this.#context.baseDir) };
  }

  /** Everything that would go wrong, as a report; only what makes a report impossible is thrown. */
  async preflight(request: CreateRun): Promise<PreflightReport> {
    const context = this.#context;
    try {
      const plan = await planRun(context, request.spec, baseDirOf(request, context.baseDir));
      const place = { gpus: request.spec.launch.gpus, checkpoint_dir: path.join(context.store.root, request.spec.project, "runs") };
      const report = await context.recipes.check(plan, request.spec.env, place);
      const evidence = await this.#evidence(footprint(plan.recipe.id, plan.params));
      if (report.estimate === null || evidence === null) return report;
      return { ...report, estimate: corrected(report.estimate, evidence) };
    } catch (error) {
      if (!(error instanceof TrainyardError) || !["invalid_spec", "missing_file", "bad_dataset"].includes(error.code)) throw error;
      const problems =
        error.problems.length > 0
          ? [...error.problems]
          : [{ severity: "error" as const, field: "", message: error.message, hint: error.hint }];
      return { problems, facts: {}, estimate: null };
    }
  }

  /** @throws TrainyardError missing_file | invalid_spec | python_unusable | timeout */
  async scriptForm(request: DocumentRequest): Promise<ScriptForm> {
    const { spec } = request;
    if (spec.recipe !== "script") {
      const message = `the recipe ${spec.recipe} runs no script of its own`;
      const hint = "Set recipe to script, and params.script to the file.";
      throw new TrainyardError("invalid_spec", message, hint, [{ severity: "error", field: "recipe", message, hint }]);
    }
    return this.#context.recipes.scriptForm(spec, await this.#draft(request));
  }

  /** @throws TrainyardError invalid_spec (no file is named) | unknown_recipe | python_unusable | timeout */
  async previewDataset(request: DatasetRequest): Promise<DatasetPreview> {
    const draft = await this.#draft(request);
    const { split, file, rows, spec } = request;
    const input = { ...documentInput(draft), split, rows, ...(file !== undefined && { file }) };
    const inputField = split === "train" ? "params.train_file" : "params.eval_file";
    const question = { command: "preview", input, env: spec.env, timeoutMs: PREVIEW_TIMEOUT_MS, inputField };
    return this.#context.recipes.ask(question, draft, DatasetPreview);
  }

  /**
   * Loads the tokenizer in the user's Python.
   * @throws TrainyardError bad_dataset (it or the tokenizer cannot be used) | unknown_recipe | python_unusable | timeout
   */
  async renderDataset(request: RenderRequest): Promise<RenderedDataset> {
    const draft = await this.#draft(request);
    const { split, file, rows, sample, spec } = request;
    const input = { ...documentInput(draft), split, rows, sample, ...(file !== undefined && { file }) };
    const inputField = split === "train" ? "params.train_file" : "params.eval_file";
    const question = { command: "render", input, env: spec.env, timeoutMs: RENDER_TIMEOUT_MS, inputField };
    try {
      return await this.#context.recipes.ask(question, draft, RenderedDataset);
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== "invalid_spec") throw error;
      throw new TrainyardError("bad_dataset", error.message, error.hint, error.problems);
    }
  }

  /**
   * A few real steps in a process of their own. What it measures corrects the forecasts of the same settings from then on.
   * @throws TrainyardError as planRun, and timeout
   */
  async probe(request: ProbeRequest): Promise<ProbeAnswer> {
    const context = this.#context;
    const plan = await planRun(context, request.spec, baseDirOf(request, context.baseDir));
    if (plan.python === null || plan.recipe.id === "script" || plan.recipe.id === "command") {
      const message = `the recipe ${plan.recipe.id} cannot be tried for a few steps`;
      throw new TrainyardError("invalid_spec", message, null, [{ severity: "error", field: "recipe", message, hint: null }]);
    }
    const draft = { recipe: plan.recipe, python: plan.python, cwd: plan.cwd, params: plan.params };
    const { gpus } = request.spec.launch;
    const env = { ...(gpus.length > 0 && { CUDA_VISIBLE_DEVICES: gpus.join(",") }), ...request.spec.env };
    const timeoutMs = request.timeout_seconds * 1000;
    const question = { command: "probe", input: documentInput(draft), env, timeoutMs, inputField: "params" };
    const answer = await context.recipes.ask(question, draft, ProbeAnswer);
    if (answer.probe !== null) this.#probes.set(footprint(plan.recipe.id, plan.params), answer.probe);
    return answer;
  }

  /** What was measured with settings of this footprint: by a probe, or by the newest run on this machine that completed. */
  async #evidence(wanted: string): Promise<Evidence | null> {
    const probe = this.#probes.get(wanted);
    if (probe !== undefined) return probeEvidence(probe);
    const { store } = this.#context;
    const same = newestCompleted(this.#runs).filter((run) => footprint(run.recipe, run.params) === wanted);
    for (const run of same.slice(0, MOST_EARLIER)) {
      const { record } = await store.read(run.id);
      const exit = await store.exit(run.id, run.attempt);
      if (record.environment?.hostname !== os.hostname() || exit?.peak_rss_bytes == null) continue;
      const speed = run.progress?.steps_per_second ?? null;
      return {
        basis: "earlier runs",
        sentence: `measured by ${run.name}, which ended at ${run.ended_at ?? exit.ended_at}`,
        peakRssBytes: exit.peak_rss_bytes,
        peakGpuBytes: null,
        secondsPerStep: speed === null || speed === 0 ? null : 1 / speed,
      };
    }
    return null;
  }

  async #draft(request: DocumentRequest): Promise<Draft> {
    const project = await projectDefaults(this.#context, request.spec.project);
    return this.#context.recipes.draft(request.spec, baseDirOf(request, this.#context.baseDir), { project });
  }
}

function documentInput({ recipe, params, cwd }: Draft): Record<string, string | Draft["params"]> {
  return { recipe: recipe.id, params, base_dir: cwd };
}

function newestCompleted(runs: KnownRuns): RunSummary[] {
  const completed = [...runs.briefs()].filter((run) => run.state === "completed").sort((a, b) => (a.id < b.id ? 1 : -1));
  return completed.slice(0, MOST_LOOKED_AT).flatMap(({ id }) => runs.summary(id) ?? []);
}
