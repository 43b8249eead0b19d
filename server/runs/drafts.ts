/** Drafts: their document can be replaced until they start. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { baseDirOf, mustBeOneRun, planRun, recordedSpec, runRecord, type PrepareContext } from "./prepare.ts";
import { specYaml } from "./spec-yaml.ts";

export type DraftDocument = Omit<CreateRun, "start">;

/** @throws TrainyardError conflict (no draft, or of another project), and what planRun throws */
export async function rewriteDraft(context: PrepareContext, ledger: Ledger, entry: RunEntry, request: DraftDocument): Promise<void> {
  const { store } = context;
  const { id, state, name, project } = entry.record;
  if (state !== "draft")
    throw new TrainyardError("conflict", `the run ${name} is ${state}: its document stays as it ran`, "Clone it to get a draft.");
  const { spec } = request;
  mustBeOneRun(spec);
  if (spec.project !== project)
    throw new TrainyardError("conflict", `the draft ${name} belongs to the project ${project}`, "Make a new run in the other project.");
  const baseDir = baseDirOf(request, context.baseDir);
  const plan = await planRun(context, spec, baseDir);
  await store.writeSpec(id, request.source ?? (await specYaml(spec)));
  await store.writeResolved(id, await recordedSpec({ run: id, paths: store.paths(id), plan, spec, baseDir }));
  entry.resolvedParams = plan.params;
  const made = runRecord({ id, spec, name: spec.name ?? name, params: plan.params, state, parent: null, git: null, environment: null });
  const { experiment } = made;
  const changes = { name: made.name, experiment, description: made.description, tags: made.tags, recipe: made.recipe, seed: made.seed };
  await ledger.change(entry, changes, { type: "edit", time: new Date().toISOString(), changes: { ...changes, document: true } });
}
