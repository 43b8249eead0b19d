/** What a resume starts from: a checkpoint, and the effective values of the run it goes on from. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { ResumeRun } from "../../protocol/queries.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import type { Plan } from "../recipes/recipes.ts";
import { runsProgram } from "../store/resumable.ts";
import { chooseCheckpoint } from "./checkpoint-choice.ts";
import { inExperiment, launchFacts, mustPassCheck, planRun, type PrepareContext, type ResolveOptions } from "./prepare.ts";

export type Resume = NonNullable<ResolveOptions["resume"]>;

export interface ResumePlan {
  /** Of the run that is resumed, as it was written, of the experiment that it is in now. */
  readonly spec: RunSpec;
  readonly baseDir: string;
  readonly plan: Plan;
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
  const { baseDir, python } = launchFacts(resolved, context.baseDir);
  // What was effective counts, not what the layers below say today; so the spec's own params are not applied again.
  const bare: RunSpec = { ...spec, params: {} };
  delete bare.preset;
  // The interpreter that the run had, wherever that was named: today's default may lack what it needs.
  if (bare.python === undefined && python !== null) bare.python = python;
  const plan = await planRun(context, bare, baseDir, {
    parent: { params: resolved.params, sources: request.mode === "continue" ? resolved.sources : null },
    override: request.params,
  });
  // It may have changed since the run was made.
  if (!isProgram && !plan.recipe.resumable) throw notResumable(plan.recipe.id);
  await mustPassCheck(context, plan, spec);
  const mode = checkpoint.kind === "full" ? "state" : "weights";
  const resume: Resume = { name: checkpoint.name, path: checkpoint.path, step: checkpoint.step, mode };
  return { spec: inExperiment(spec, record), baseDir, plan, resume, before: resolved.params };
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
