/** From a request to everything that is written down when a run is made. Writes nothing itself. */
import path from "node:path";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { Slug, type RunId } from "../../protocol/ids.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport } from "../../protocol/recipe.ts";
import { RUN_FOLDER_VERSION, type AttemptRecord, type RunRecord } from "../../protocol/run.ts";
import { startedFrom, type ResolvedSpec, type RunSpec } from "../../protocol/spec.ts";
import { sweepRunCount } from "../../protocol/sweep-spec.ts";
import { attemptEnvironment } from "../launch/environment.ts";
import { checkCode, refuse, type Plan, type Recipes } from "../recipes/recipes.ts";
import type { ParamLayers } from "../recipes/resolve.ts";
import { commandFor } from "../recipes/command-recipe.ts";
import type { RunPaths, RunStore } from "../store/types.ts";
import { datasetStates } from "./datasets.ts";
import { QUEUED_REASON } from "./queue-stay.ts";

export interface PrepareContext {
  readonly store: RunStore;
  readonly recipes: Recipes;
  readonly packageRoot: string;
  /** Folder that relative paths refer to when a request names none. */
  readonly baseDir: string;
}

/** What is needed to start an attempt later, also by another server: kept in resolved.json `extra`. */
export interface LaunchFacts {
  readonly baseDir: string;
  readonly python: string | null;
  /** Name of the checkpoint in `resume_from`. */
  readonly checkpoint: string | null;
  /** What the values of a script's own form became. */
  readonly scriptArguments: readonly string[];
}

export function baseDirOf(request: Pick<CreateRun, "base_dir">, fallback: string): string {
  const dir = request.base_dir ?? fallback;
  if (path.isAbsolute(dir)) return dir;
  const message = `base_dir must be an absolute path, not ${dir}`;
  throw new TrainyardError("bad_request", message, null, [{ severity: "error", field: "base_dir", message, hint: null }]);
}

/** @throws TrainyardError as Recipes.plan */
export async function planRun(
  context: PrepareContext,
  spec: RunSpec,
  baseDir: string,
  layers: Pick<ParamLayers, "parent" | "override"> = {},
): Promise<Plan> {
  const project = await projectDefaults(context, spec.project);
  return context.recipes.plan(spec, baseDir, { project, ...layers });
}

/** @throws TrainyardError invalid_spec for a document that stands for many runs */
export function mustBeOneRun(spec: RunSpec): void {
  if (spec.sweep === undefined) return;
  const message = `the document stands for ${counted(sweepRunCount(spec.sweep), "run")} of a sweep, not for a run`;
  const hint = "Start it as a sweep (trainyard sweep FILE), or take the section sweep out.";
  throw new TrainyardError("invalid_spec", message, hint, [{ severity: "error", field: "sweep", message, hint }]);
}

/** The defaults that the runs of a project inherit; none for one that is not there yet. */
export async function projectDefaults(context: PrepareContext, project: string): Promise<JsonObject> {
  const projects = await context.store.projects();
  return projects.find((candidate) => candidate.name === project)?.defaults ?? {};
}

/** Asks the recipe itself whether it can start. @throws TrainyardError bad_dataset | missing_file | invalid_spec */
export async function mustPassCheck(context: PrepareContext, plan: Plan, spec: RunSpec): Promise<PreflightReport> {
  const report = await context.recipes.check(plan, spec.env);
  refuse(report.problems, checkCode(report.problems));
  return report;
}

export interface ResolveOptions {
  readonly run: RunId;
  readonly paths: RunPaths;
  readonly plan: Plan;
  readonly spec: RunSpec;
  readonly baseDir: string;
  readonly resume?: { readonly name: string; readonly path: string; readonly step: number; readonly mode: "state" | "weights" };
}

export function resolvedSpec({ run, paths, plan, spec, baseDir, resume }: ResolveOptions): ResolvedSpec {
  const extra: Record<string, JsonValue> = { base_dir: baseDir, python: plan.python, resumable: plan.recipe.resumable };
  if (plan.scriptArguments.length > 0) extra["script_arguments"] = [...plan.scriptArguments];
  if (resume !== undefined) extra["checkpoint"] = resume.name;
  return {
    run,
    recipe: plan.recipe.id,
    params: plan.params,
    sources: plan.sources,
    seed: spec.seed ?? null,
    run_dir: paths.dir,
    checkpoint_dir: paths.checkpoints,
    artifact_dir: paths.artifacts,
    resume_from: resume === undefined ? null : { path: resume.path, step: resume.step, mode: resume.mode },
    extra,
  };
}

/** What is written down of a run that is made: with the state of its datasets. */
export async function recordedSpec(options: ResolveOptions): Promise<ResolvedSpec> {
  const { recipe, params, cwd } = options.plan;
  return { ...resolvedSpec(options), datasets: await datasetStates(recipe, params, cwd) };
}

export function launchFacts(resolved: ResolvedSpec, fallbackBaseDir: string): LaunchFacts {
  const { baseDir, python } = startedFrom(resolved);
  const checkpoint = resolved.extra["checkpoint"];
  const words = resolved.extra["script_arguments"];
  const scriptArguments = Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
  return { baseDir: baseDir ?? fallbackBaseDir, python, checkpoint: typeof checkpoint === "string" ? checkpoint : null, scriptArguments };
}

export interface AttemptOptions {
  readonly record: RunRecord;
  readonly spec: RunSpec;
  readonly resolved: ResolvedSpec;
  readonly number: number;
}

/** attempt.json of the next attempt. */
export function attemptRecord(context: PrepareContext, { record, spec, resolved, number }: AttemptOptions): AttemptRecord {
  const facts = launchFacts(resolved, context.baseDir);
  const from = resolved.resume_from;
  return {
    version: RUN_FOLDER_VERSION,
    number,
    kind: number > 1 ? "continue" : "start",
    resumed_from: from === null ? null : { checkpoint: facts.checkpoint ?? path.basename(from.path), path: from.path, step: from.step },
    launcher: spec.launch.kind,
    command: commandFor(record.recipe, resolved.params, spec.args, facts.python, facts.scriptArguments),
    cwd: path.resolve(facts.baseDir, spec.cwd ?? "."),
    env: attemptEnvironment({
      packageRoot: context.packageRoot,
      runDir: resolved.run_dir,
      runId: record.id,
      attempt: number,
      store: context.store.root,
      project: record.project,
      track: spec.track,
      gpus: spec.launch.gpus,
      seed: resolved.seed,
      user: spec.env,
    }),
    python: facts.python,
    grace_seconds: spec.grace_seconds,
    created_at: new Date().toISOString(),
  };
}

export interface RecordOptions {
  readonly id: RunId;
  readonly spec: RunSpec;
  readonly name: string;
  readonly params: JsonObject;
  readonly state: "draft" | "queued";
  readonly parent: RunRecord["parent"];
  readonly git: RunRecord["git"];
  readonly environment: RunRecord["environment"];
  readonly sweep?: RunRecord["sweep"];
  readonly queue?: RunRecord["queue"];
}

export function runRecord(options: RecordOptions): RunRecord {
  const { spec, params } = options;
  const seed = params["seed"];
  return {
    version: RUN_FOLDER_VERSION,
    id: options.id,
    project: spec.project,
    experiment: spec.experiment ?? null,
    name: options.name,
    description: spec.description,
    notes: "",
    tags: spec.tags,
    starred: false,
    archived: false,
    state: options.state,
    state_reason: options.queue === undefined ? null : QUEUED_REASON,
    failure: null,
    recipe: spec.recipe,
    seed: spec.seed ?? (typeof seed === "number" && Number.isInteger(seed) ? seed : null),
    parent: options.parent,
    attempt: 0,
    created_at: new Date().toISOString(),
    started_at: null,
    ended_at: null,
    origin: "server",
    git: options.git,
    environment: options.environment,
    ...(options.sweep !== undefined && { sweep: options.sweep }),
    ...(options.queue !== undefined && { queue: options.queue }),
  };
}

/** The document of a run for another one that comes from it: of the experiment that the run is in now. */
export function inExperiment(spec: RunSpec, { experiment }: Pick<RunRecord, "experiment">): RunSpec {
  const of = { ...spec };
  delete of.experiment;
  const name = Slug.safeParse(experiment);
  return name.success ? { ...of, experiment: name.data } : of;
}

/** A name for a run that was given none: what it trains, and the how-manieth of its kind. */
export function madeUpName(spec: RunSpec, params: JsonObject, taken: ReadonlySet<string>): string {
  const { script, command } = params;
  const program = typeof script === "string" ? script : Array.isArray(command) ? commandName(command) : spec.recipe;
  const base = path.basename(program).slice(0, 150) || spec.recipe;
  for (let number = 1; ; number++) {
    const name = `${base} ${number}`;
    if (!taken.has(name)) return name;
  }
}

/** `python -u train.py --x` is better known as train.py. */
function commandName(command: readonly JsonValue[]): string {
  const words = command.filter((word) => typeof word === "string");
  return words.slice(1).find((word) => /\.(py|sh)$/.test(word)) ?? words[0] ?? "command";
}
