/** Writes down a new run: its folder, its place among the runs, its first event. */
import path from "node:path";
import type { RunEvent } from "../../protocol/events.ts";
import { newRunId } from "../../protocol/ids.ts";
import type { QueueStay, RunRecord } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import type { Plan } from "../recipes/recipes.ts";
import { runPaths } from "../store/paths.ts";
import type { RunStore } from "../store/types.ts";
import { RunEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { madeUpName, recordedSpec, runRecord } from "./prepare.ts";
import type { Resume } from "./resume.ts";
import { environmentSnapshot, gitState } from "./snapshot.ts";
import type { RunOrigin, RunsOptions } from "./types.ts";
import { specYaml } from "./spec-yaml.ts";

export interface NewRun {
  readonly spec: RunSpec;
  readonly plan: Plan;
  readonly baseDir: string;
  readonly source: string | undefined;
  readonly state: "draft" | "queued";
  readonly parent: RunRecord["parent"];
  readonly resume?: Resume;
  readonly sweep?: RunOrigin["sweep"];
  /** Of a queued run that waits for its turn. */
  readonly queue?: QueueStay;
}

interface MakeRunContext {
  readonly store: RunStore;
  readonly ledger: Ledger;
  readonly gpuNames: RunsOptions["gpuNames"];
}

/** @throws TrainyardError conflict (the folder is there) | disk_full | store_unwritable */
export async function makeRun({ store, ledger, gpuNames }: MakeRunContext, run: NewRun): Promise<RunEntry> {
  const { spec, plan, baseDir, source, state, parent, resume, sweep, queue } = run;
  const id = sweep?.run ?? newRunId();
  const paths = runPaths(path.join(store.root, spec.project, "runs", id));
  const [git, environment] = await Promise.all([
    gitState(plan.cwd),
    (gpuNames?.() ?? Promise.resolve([])).then((gpus) => environmentSnapshot(plan.environment, gpus)),
  ]);
  const taken = new Set([...ledger.entries()].filter((one) => one.project === spec.project).map((one) => one.name));
  const name = spec.name ?? madeUpName(spec, plan.params, taken);
  const record = runRecord({
    id,
    spec,
    name,
    params: plan.params,
    state,
    parent,
    git: git?.git ?? null,
    environment,
    sweep: sweep?.place,
    queue,
  });
  const resolved = await recordedSpec({ run: id, paths, plan, spec, baseDir, ...(resume === undefined ? {} : { resume }) });
  const evidence = {
    ...(parent !== null && { parent: parent.run, checkpoint: parent.checkpoint }),
    ...(queue !== undefined && { queue: true }),
  };
  const event: RunEvent = { type: "state", time: record.created_at, from: null, to: state, attempt: 0, cause: "user", evidence };
  await store.create(record, {
    specYaml: source ?? (await specYaml(spec)),
    resolved,
    event,
    ...(git?.patch === undefined ? {} : { gitPatch: git.patch }),
  });
  const entry = new RunEntry(record);
  entry.resolvedParams = plan.params;
  entry.markLoaded(true);
  ledger.add(entry);
  ledger.emit({ type: "events", id, events: [event] });
  return entry;
}
