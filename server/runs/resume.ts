/** What a resume starts from: a checkpoint, and the effective values of the run it goes on from. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { ResumeRun } from "../../protocol/queries.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { ResolvedSpec, RunSpec } from "../../protocol/spec.ts";
import type { Plan } from "../recipes/recipes.ts";
import { runsProgram } from "../store/resumable.ts";
import type { RunStore } from "../store/types.ts";
import { chooseCheckpoint } from "./checkpoint-choice.ts";
import { inExperiment, launchFacts, mustPassCheck, planRun, type PrepareContext, type ResolveOptions } from "./prepare.ts";

export type Resume = NonNullable<ResolveOptions["resume"]>;

export interface ResumePlan {
  /** Of the run that is resumed, as it was written, of the experiment that it is in now. */
  readonly spec: RunSpec;
  readonly baseDir: string;
  readonly plan: Plan;
  /** Id of the checkpoint in `resume`. */
  readonly checkpoint: string;
  readonly resume: Resume;
  /** Effective params of the run so far. */
  readonly before: JsonObject;
}

/**
 * The run's effective values with the overrides on top, checked anew, and the checkpoint to go on from. Changes nothing.
 * @throws TrainyardError conflict | bad_checkpoint | corrupt_record, and what planRun throws
 */
export async function planResume(context: PrepareContext, record: RunRecord, request: ResumeRun): Promise<ResumePlan> {
  const { id, name, origin } = record;
  const { store } = context;
  const [{ spec }, resolved] = await Promise.all([store.spec(id), store.resolved(id)]);
  if (spec === null || resolved === null) {
    if (origin === "sdk")
      throw new TrainyardError(
        "conflict",
        `the run ${name} was made by a script of its own`,
        "Start that script through Trainyard to resume it.",
      );
    if (origin === "import")
      throw new TrainyardError("conflict", `the run ${name} was imported from a file of points`, "Start a new run with its params.");
    throw unreadable(name);
  }
  const loaded = await store.loadedCheckpoints(id);
  const isProgram = runsProgram(record.recipe);
  // Whether there is a checkpoint at all is said first.
  const accepted = loaded === "none" ? "every" : loaded;
  const checkpoint = chooseCheckpoint(await store.checkpoints(id), request.checkpoint, request.mode, accepted);
  if (loaded === "none") throw isProgram ? neverSaid(record, spec) : notResumable(record.recipe);
  const sources = request.mode === "continue" ? resolved.sources : null;
  const plan = await planAsBefore(context, spec, resolved, sources, request.params);
  await mustPassCheck(context, plan, spec);
  const { baseDir } = launchFacts(resolved, context.baseDir);
  const of = { checkpoint: checkpoint.id, resume: resumeFrom(checkpoint), before: resolved.params };
  return { spec: inExperiment(spec, record), baseDir, plan, ...of };
}

/**
 * A run that goes on from a checkpoint: what was effective counts, not what the layers below say today.
 * @param sources where the values came from; null for those of another run
 * @throws TrainyardError conflict when the recipe cannot start from a checkpoint (any more), and what planRun throws
 */
export async function planAsBefore(
  context: PrepareContext,
  spec: RunSpec,
  resolved: ResolvedSpec,
  sources: ResolvedSpec["sources"] | null,
  override: JsonObject = {},
): Promise<Plan> {
  const { baseDir, python } = launchFacts(resolved, context.baseDir);
  // The spec's own params are among those that were effective.
  const bare: RunSpec = { ...spec, params: {} };
  delete bare.preset;
  // The interpreter that the run had, wherever that was named: today's default may lack what it needs.
  if (bare.python === undefined && python !== null) bare.python = python;
  const plan = await planRun(context, bare, baseDir, { parent: { params: resolved.params, sources }, override });
  if (!runsProgram(spec.recipe) && !plan.recipe.resumable) throw notResumable(plan.recipe.id);
  return plan;
}

/**
 * What a fork that has not begun starts from, looked at once more; null for a run that starts at the beginning.
 * @throws TrainyardError bad_checkpoint | not_found (the run that it comes from is gone)
 */
export async function checkpointOfFork(store: RunStore, { parent }: RunRecord, { resume_from }: ResolvedSpec): Promise<Resume | null> {
  if (parent?.checkpoint == null || resume_from === null) return null;
  const checkpoints = await store.checkpoints(parent.run);
  // Names may repeat; a store that was moved has other paths.
  const wanted = checkpoints.some(({ path }) => path === resume_from.path) ? resume_from.path : parent.checkpoint;
  return resumeFrom(chooseCheckpoint(checkpoints, wanted, "fork", await store.loadedCheckpoints(parent.run)));
}

function resumeFrom({ name, path, step, kind }: Checkpoint): Resume {
  return { name, path, step, mode: kind === "full" ? "state" : "weights" };
}

/** A script or command that did not say that it goes on from a checkpoint: it would silently train from the beginning. */
function neverSaid({ name, recipe }: RunRecord, spec: RunSpec): TrainyardError {
  const how = "Let the script load `trainyard.init().resume_from`, or start a new run with the arguments by which it resumes.";
  return new TrainyardError(
    "conflict",
    `the ${recipe} of the run ${name} did not say that it can go on from a checkpoint: it used no transformers.Trainer and no Lightning ` +
      `Trainer that ${spec.track ? "was tracked" : "could be tracked, since track is off"}, and did not ask for run.resume_from`,
    spec.track ? how : `Turn track on in a new run. ${how}`,
  );
}

function notResumable(recipe: string): TrainyardError {
  return new TrainyardError("conflict", `the recipe ${recipe} cannot start from a checkpoint`, "Start a new run from the same settings.");
}

export function unreadable(name: string): TrainyardError {
  return new TrainyardError(
    "corrupt_record",
    `spec.yaml or resolved.json of the run ${name} cannot be read`,
    "Repair them, or start a new run.",
  );
}
