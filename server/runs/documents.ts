/** What can be asked of a run document before it is started. Writes nothing and starts no training. */
import path from "node:path";
import {
  DatasetPreview,
  RenderedDataset,
  type DatasetRequest,
  type DocumentRequest,
  type RenderRequest,
  type ScriptForm,
} from "../../protocol/documents.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { newRunId } from "../../protocol/ids.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport, RecipeCatalogue } from "../../protocol/recipe.ts";
import type { DryRun } from "../../protocol/spec.ts";
import type { Draft } from "../recipes/recipes.ts";
import { runPaths } from "../store/paths.ts";
import { attemptRecord, baseDirOf, planRun, projectDefaults, resolvedSpec, runRecord, type PrepareContext } from "./prepare.ts";

/** A look reads a few megabytes; a cold disk or network file system takes its time. */
const PREVIEW_TIMEOUT_MS = 60_000;
/** The import of torch and transformers from a cold disk is most of it; a tokenizer may have to be downloaded. */
const RENDER_TIMEOUT_MS = 180_000;

export class Documents {
  readonly #context: PrepareContext;

  constructor(context: PrepareContext) {
    this.#context = context;
  }

  /** @throws TrainyardError python_unusable | timeout */
  recipes(python: string | undefined, refresh: boolean): Promise<RecipeCatalogue> {
    return this.#context.recipes.catalogue(python, this.#context.baseDir, refresh);
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

  /** Everything that would go wrong, as a report; only what makes a report impossible is thrown. */
  async preflight(request: CreateRun): Promise<PreflightReport> {
    const context = this.#context;
    try {
      const plan = await planRun(context, request.spec, baseDirOf(request, context.baseDir));
      return await context.recipes.check(plan, request.spec.env);
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

  async #draft(request: DocumentRequest): Promise<Draft> {
    const project = await projectDefaults(this.#context, request.spec.project);
    return this.#context.recipes.draft(request.spec, baseDirOf(request, this.#context.baseDir), { project });
  }
}

function documentInput({ recipe, params, cwd }: Draft): Record<string, string | Draft["params"]> {
  return { recipe: recipe.id, params, base_dir: cwd };
}
