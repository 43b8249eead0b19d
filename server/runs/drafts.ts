/** Runs that have not started: a draft whose document can be replaced, and who joins and leaves the queue. */
import { TrainyardError } from "../../protocol/errors.ts";
import { mustBeDraft } from "../../protocol/refusals.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { FINAL_STATES, isWaiting } from "../../protocol/state-kinds.ts";
import type { ParamLayers } from "../recipes/resolve.ts";
import type { RunEntry } from "./entry.ts";
import { prepareAnew, type StartContext } from "./go-on.ts";
import type { Ledger } from "./ledger.ts";
import { baseDirOf, mustBeOneRun, planRun, recordedSpec, runRecord, type PrepareContext } from "./prepare.ts";
import { notWaiting } from "./queue-order.ts";
import { QUEUED_REASON, leaving, newStay, queuedResume } from "./queue-stay.ts";
import { checkpointOfFork, unreadable, type Resume } from "./resume.ts";
import type { DraftDocument } from "./types.ts";
import { specYaml } from "./spec-yaml.ts";

/** @throws TrainyardError conflict (no draft, or of another project), and what planRun throws */
export async function rewriteDraft(context: PrepareContext, ledger: Ledger, entry: RunEntry, request: DraftDocument): Promise<void> {
  const { store } = context;
  const { id, name, project } = entry.record;
  mustBeDraft(entry.record);
  const { spec } = request;
  mustBeOneRun(spec);
  if (spec.project !== project)
    throw new TrainyardError("conflict", `the draft ${name} belongs to the project ${project}`, "Make a new run in the other project.");
  const baseDir = baseDirOf(request, context.baseDir);
  const fork = await forkDraft(context, entry.record, spec);
  const plan = await planRun(context, spec, baseDir, fork === null ? {} : { parent: fork.parent });
  const resolved = await recordedSpec({
    run: id,
    paths: store.paths(id),
    plan,
    spec,
    baseDir,
    ...(fork !== null && { resume: fork.resume }),
  });
  await store.writeSpec(id, request.source ?? (await specYaml(spec)));
  await store.writeResolved(id, resolved);
  entry.resolvedParams = plan.params;
  const made = runRecord({
    id,
    spec,
    name: spec.name ?? name,
    params: plan.params,
    state: "draft",
    parent: null,
    git: null,
    environment: null,
  });
  const { experiment } = made;
  const changes = { name: made.name, experiment, description: made.description, tags: made.tags, recipe: made.recipe, seed: made.seed };
  await ledger.change(entry, changes, { type: "edit", time: new Date().toISOString(), changes: { ...changes, document: true } });
}

/**
 * A fork that was taken out of the queue still starts from its checkpoint, and from the values of its parent where its document says nothing.
 * @returns null for a draft that is no fork
 * @throws TrainyardError conflict | bad_checkpoint | corrupt_record
 */
async function forkDraft(
  { store }: PrepareContext,
  record: RunRecord,
  { recipe }: RunSpec,
): Promise<{ resume: Resume; parent: NonNullable<ParamLayers["parent"]> } | null> {
  const { id, name, parent } = record;
  if (parent?.checkpoint == null) return null;
  const [own, theirs] = await Promise.all([store.resolved(id), store.resolved(parent.run)]);
  if (own === null || theirs === null) throw unreadable(own === null ? name : parent.run);
  const resume = await checkpointOfFork(store, record, own);
  if (resume === null) return null;
  if (recipe !== record.recipe)
    throw new TrainyardError("conflict", `the draft ${name} starts from a checkpoint of ${record.recipe}`, `Make a new run for ${recipe}.`);
  return { resume, parent: { params: theirs.params, sources: null } };
}

/** Has a draft start now, or a run that waits in the queue, ahead of its turn. @throws TrainyardError conflict, and what prepareAnew throws */
export async function startNow(start: StartContext, entry: RunEntry): Promise<void> {
  const { state, name } = entry.record;
  if (state !== "draft" && !isWaiting(entry.record))
    throw new TrainyardError("conflict", `the run ${name} is ${state}, not a draft`, "Resume it, or make a new run.");
  const writeDown = await prepareAnew(start, entry);
  await writeDown();
  if (state === "draft") await start.ledger.move(entry, { to: "queued", cause: "user" });
  else {
    const time = new Date().toISOString();
    await start.ledger.change(entry, leaving(entry.record, "started"), {
      type: "edit",
      time,
      changes: { queue: "started ahead of its turn" },
    });
  }
}

/** @throws TrainyardError conflict, and what prepareAnew throws */
export async function enqueueDraft(start: StartContext, entry: RunEntry): Promise<void> {
  const { state, name } = entry.record;
  if (isWaiting(entry.record)) throw new TrainyardError("conflict", `the run ${name} waits in the queue already`, null);
  if (state !== "draft")
    throw new TrainyardError(
      "conflict",
      `the run ${name} is ${state}, and only a draft joins the queue`,
      `${FINAL_STATES.has(state) ? "Resume it in the queue (trainyard resume RUN --queue), or clone" : "Clone"} it into the queue.`,
    );
  const writeDown = await prepareAnew(start, entry);
  await writeDown();
  await start.forgetPlace(entry.id);
  const changes = { queue: newStay(), state_reason: QUEUED_REASON };
  await start.ledger.move(entry, { to: "queued", cause: "user", evidence: { queue: true }, changes });
}

/** It is a draft again; one that was to go on is again as it had ended. @throws TrainyardError conflict */
export async function dequeue({ ledger }: Pick<StartContext, "ledger">, entry: RunEntry): Promise<void> {
  const { record } = entry;
  if (!isWaiting(record)) throw notWaiting(`the run ${record.name}`, record.state);
  const { state: to, ...was } = queuedResume(record)?.before ?? { state: "draft", state_reason: null };
  await ledger.move(entry, { to, cause: "user", evidence: { queue: "removed" }, changes: { ...was, ...leaving(record, "removed") } });
}

/** A run that has not begun, or waits to go on, does not start. @returns false for one in another state */
export async function cancelBeforeStart(
  { ledger }: Pick<StartContext, "ledger">,
  entry: RunEntry,
  reason: string,
  by: string,
): Promise<boolean> {
  const { record } = entry;
  const ended = { state: "cancelled", state_reason: `Stopped before it began: ${reason}.`, ended_at: new Date().toISOString() } as const;
  const { state: to, ...changes } = queuedResume(record)?.before ?? ended;
  return ledger.moveFrom(entry, (state) => state === "draft" || state === "queued", {
    to,
    cause: by,
    evidence: { reason },
    changes: { ...changes, ...leaving(record, "cancelled") },
  });
}
