/**
 * From a checkpoint: an ended run goes on, a new one forks from it, at once or in its turn in the queue. A run that waits to go on stays as it
 * ended, with what was asked for in its run.json, until its turn has come.
 */
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ResumeRun } from "../../protocol/queries.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { FinalState } from "../../protocol/states.ts";
import { isWaiting } from "../../protocol/state-kinds.ts";
import { changedParams } from "../recipes/recipes.ts";
import type { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import type { NewRun } from "./make-run.ts";
import { launchFacts, mustPassCheck, planRun, recordedSpec, type PrepareContext } from "./prepare.ts";
import { newStay, queuedResume, QUEUED_REASON } from "./queue-stay.ts";
import { checkpointOfFork, planAsBefore, planResume, unreadable, type ResumePlan } from "./resume.ts";

/** What checks a start and writes it down. */
export interface StartContext {
  readonly context: PrepareContext;
  readonly ledger: Ledger;
  /** Of a run that joins the queue: a place that it was given in an earlier stay counts no more. */
  readonly forgetPlace: (run: RunId) => Promise<void>;
}

/** The ended run goes on. @throws TrainyardError conflict, and what planResume throws */
export async function continueRun(start: StartContext, entry: RunEntry, request: ResumeRun): Promise<void> {
  const { ledger } = start;
  const { name: called, state, state_reason, failure } = entry.record;
  const ended = FinalState.safeParse(state);
  if (!ended.success) throw new TrainyardError("conflict", `the run ${called} is ${state}`, whyNot(entry.record));
  const planned = await planResume(start.context, entry.record, request);
  const { name, params, queue } = request;
  if (queue !== true) await writeResumed(start, entry, planned);
  if (name !== undefined) await ledger.change(entry, { name }, { type: "edit", time: new Date().toISOString(), changes: { name } });
  const evidence = { checkpoint: planned.resume.name, step: planned.resume.step };
  if (queue !== true) {
    await ledger.move(entry, { to: "queued", cause: "user", evidence });
    return;
  }
  await start.forgetPlace(entry.id);
  const stay = newStay({ checkpoint: planned.checkpoint, params, before: { state: ended.data, state_reason, failure } });
  const changes = { queue: stay, state_reason: QUEUED_REASON, failure: null };
  await ledger.move(entry, { to: "queued", cause: "user", evidence: { ...evidence, queue: true }, changes });
}

function whyNot(record: RunRecord): string {
  return isWaiting(record) ? "Take it out of the queue first, or fork it." : "Stop it first, or fork it.";
}

/** The new run that starts from a checkpoint of another one; nothing of it is written yet. @throws TrainyardError as planResume */
export async function planFork(context: PrepareContext, parent: RunRecord, request: ResumeRun): Promise<NewRun> {
  const { spec, baseDir, plan, resume } = await planResume(context, parent, request);
  const name = request.name ?? `${parent.name} (fork at ${resume.step})`.slice(0, 200);
  return {
    spec: { ...spec, name, params: { ...spec.params, ...request.params } },
    plan,
    baseDir,
    source: undefined,
    state: "queued",
    parent: { run: parent.id, checkpoint: resume.name, step: resume.step },
    resume,
    ...(request.queue === true && { queue: newStay() }),
  };
}

/**
 * Checks once more what was asked for some time ago, since the world may have changed (interpreter, files, dataset, checkpoint).
 * @returns writes down what the run starts with
 * @throws TrainyardError corrupt_record | bad_checkpoint, and what planRun and mustPassCheck throw
 */
export async function prepareAnew(start: StartContext, entry: RunEntry): Promise<() => Promise<void>> {
  const { record } = entry;
  const resume = queuedResume(record);
  if (resume !== null) {
    const { checkpoint, params } = resume;
    const planned = await planResume(start.context, record, { mode: "continue", checkpoint, params });
    return () => writeResumed(start, entry, planned);
  }
  const { context, ledger } = start;
  const { store } = ledger;
  const { id, name } = record;
  const [{ spec }, resolved] = await Promise.all([store.spec(id), store.resolved(id)]);
  if (spec === null || resolved === null) throw unreadable(name);
  const { baseDir } = launchFacts(resolved, context.baseDir);
  const from = await checkpointOfFork(store, record, resolved);
  const plan = from === null ? await planRun(context, spec, baseDir) : await planAsBefore(context, spec, resolved, resolved.sources);
  await mustPassCheck(context, plan, spec);
  return async () => {
    const options = { run: id, paths: store.paths(id), plan, spec, baseDir, ...(from !== null && { resume: from }) };
    await store.writeResolved(id, await recordedSpec(options));
    entry.resolvedParams = plan.params;
  };
}

/** What the next attempt starts with, and which params are not those of the attempt before. */
async function writeResumed({ ledger }: StartContext, entry: RunEntry, planned: ResumePlan): Promise<void> {
  const { store } = ledger;
  const { id, attempt } = entry.record;
  const { spec, baseDir, plan, resume, before } = planned;
  await store.writeResolved(id, await recordedSpec({ run: id, paths: store.paths(id), plan, spec, baseDir, resume }));
  entry.resolvedParams = plan.params;
  const params = changedParams(before, plan.params);
  if (Object.keys(params).length === 0) return;
  await ledger.change(entry, {}, { type: "edit", time: new Date().toISOString(), changes: { attempt: attempt + 1, params } });
}
