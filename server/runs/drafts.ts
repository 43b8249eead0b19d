/** Drafts: their document can be replaced until they start, and they wait in the queue if somebody wants it. */
import { TrainyardError } from "../../protocol/errors.ts";
import { mustBeDraft } from "../../protocol/refusals.ts";
import { isWaiting } from "../../protocol/state-kinds.ts";
import type { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { baseDirOf, launchFacts, mustBeOneRun, mustPassCheck, planRun, recordedSpec, runRecord, type PrepareContext } from "./prepare.ts";
import { notWaiting } from "./queue-order.ts";
import { QUEUED_REASON, leaving, newStay } from "./queue-stay.ts";
import { unreadable } from "./resume.ts";
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
  const plan = await planRun(context, spec, baseDir);
  await store.writeSpec(id, request.source ?? (await specYaml(spec)));
  await store.writeResolved(id, await recordedSpec({ run: id, paths: store.paths(id), plan, spec, baseDir }));
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
 * Checks a run that was made some time ago and has never begun, and writes down what it starts with: the world may have changed since
 * (interpreter, files, dataset).
 * @throws TrainyardError corrupt_record, and what planRun and mustPassCheck throw
 */
export async function prepareAnew({ context, ledger: { store } }: DraftContext, { record: { id, name } }: RunEntry): Promise<void> {
  const [{ spec }, resolved] = await Promise.all([store.spec(id), store.resolved(id)]);
  if (spec === null || resolved === null) throw unreadable(name);
  const { baseDir } = launchFacts(resolved, context.baseDir);
  const plan = await planRun(context, spec, baseDir);
  await mustPassCheck(context, plan, spec);
  await store.writeResolved(id, await recordedSpec({ run: id, paths: store.paths(id), plan, spec, baseDir }));
}

interface DraftContext {
  readonly context: PrepareContext;
  readonly ledger: Ledger;
}

/** Has a draft start now, or a run that waits in the queue, ahead of its turn. @throws TrainyardError conflict, and what prepareAnew throws */
export async function startNow(drafts: DraftContext, entry: RunEntry): Promise<void> {
  const { state, name } = entry.record;
  if (state !== "draft" && !isWaiting(entry.record))
    throw new TrainyardError("conflict", `the run ${name} is ${state}, not a draft`, "Resume it, or make a new run.");
  await prepareAnew(drafts, entry);
  if (state === "draft") await drafts.ledger.move(entry, { to: "queued", cause: "user" });
  else {
    const time = new Date().toISOString();
    await drafts.ledger.change(entry, leaving(entry.record, "started"), {
      type: "edit",
      time,
      changes: { queue: "started ahead of its turn" },
    });
  }
}

/** @throws TrainyardError conflict, and what prepareAnew throws */
export async function enqueueDraft(drafts: DraftContext, entry: RunEntry): Promise<void> {
  const { state, name } = entry.record;
  if (isWaiting(entry.record)) throw new TrainyardError("conflict", `the run ${name} waits in the queue already`, null);
  if (state !== "draft")
    throw new TrainyardError("conflict", `the run ${name} is ${state}, and only a draft joins the queue`, "Clone it into the queue.");
  await prepareAnew(drafts, entry);
  const changes = { queue: newStay(), state_reason: QUEUED_REASON };
  await drafts.ledger.move(entry, { to: "queued", cause: "user", evidence: { queue: true }, changes });
}

/** @throws TrainyardError conflict */
export async function dequeueDraft({ ledger }: Pick<DraftContext, "ledger">, entry: RunEntry): Promise<void> {
  const { record } = entry;
  if (!isWaiting(record)) throw notWaiting(`the run ${record.name}`, record.state);
  const changes = { state_reason: null, ...leaving(record, "removed") };
  await ledger.move(entry, { to: "draft", cause: "user", evidence: { queue: "removed" }, changes });
}
