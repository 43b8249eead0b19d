/** Makes a run: its folder, its entry in the ledger, its first event. */
import path from "node:path";
import { stringify as stringifyYaml } from "yaml";
import { newRunId } from "../../protocol/ids.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import type { Plan } from "../recipes/recipes.ts";
import { runPaths } from "../store/paths.ts";
import type { RunStore } from "../store/types.ts";
import { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { madeUpName, resolvedSpec, runRecord } from "./prepare.ts";
import type { Resume } from "./resume.ts";
import { environmentSnapshot, gitState } from "./snapshot.ts";

export interface MakeContext {
  readonly store: RunStore;
  readonly ledger: Ledger;
  readonly gpuNames: () => Promise<readonly string[]>;
}

export interface MakeOptions {
  readonly spec: RunSpec;
  readonly plan: Plan;
  readonly baseDir: string;
  /** The document as the user wrote it; made from the spec where there is none. */
  readonly source: string | undefined;
  readonly state: "draft" | "queued";
  readonly parent: RunRecord["parent"];
  readonly resume?: Resume;
}

/** @throws TrainyardError disk_full | store_unwritable */
export async function makeRun({ store, ledger, gpuNames }: MakeContext, options: MakeOptions): Promise<RunEntry> {
  const { spec, plan, baseDir, source, state, parent, resume } = options;
  const id = newRunId();
  const paths = runPaths(path.join(store.root, spec.project, "runs", id));
  const [git, environment] = await Promise.all([
    gitState(plan.cwd),
    gpuNames().then((gpus) => environmentSnapshot(plan.environment, gpus)),
  ]);
  const taken = new Set([...ledger.entries()].filter((one) => one.record.project === spec.project).map((one) => one.record.name));
  const name = spec.name ?? madeUpName(spec, plan.params, taken);
  const record = runRecord({ id, spec, name, params: plan.params, state, parent, git: git?.git ?? null, environment });
  const resolved = resolvedSpec({ run: id, paths, plan, spec, baseDir, ...(resume === undefined ? {} : { resume }) });
  await store.create(record, {
    specYaml: source ?? stringifyYaml(spec),
    resolved,
    ...(git?.patch === undefined ? {} : { gitPatch: git.patch }),
  });
  const entry = new RunEntry(record);
  entry.resolvedParams = plan.params;
  entry.loaded = true;
  ledger.add(entry);
  const evidence = parent === null ? {} : { parent: parent.run, checkpoint: parent.checkpoint };
  await ledger.event(entry, { type: "state", time: record.created_at, from: null, to: state, attempt: 0, cause: "user", evidence });
  return entry;
}
