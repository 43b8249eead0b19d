/** Routes about experiments. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { experimentRoutes } from "../../protocol/experiment-routes.ts";
import type { Experiment, Manifest } from "../../protocol/experiments.ts";
import { nearest } from "../../protocol/nearest.ts";
import { manifestAt, manifestsOf } from "../runs/manifests.ts";
import type { RunOutline } from "../runs/types.ts";
import type { Handlers, HttpContext } from "./context.ts";

interface Key {
  readonly project: string;
  readonly experiment: string;
}

export function experimentHandlers({ runs, stores: { storeOf } }: HttpContext): Pick<Handlers, keyof typeof experimentRoutes> {
  const of = (project?: string): RunOutline[] =>
    [...runs.briefs()].filter((run) => run.experiment !== null && (project === undefined || run.project === project));

  /** Oldest first. @throws TrainyardError not_found */
  const manifests = async ({ project, experiment }: Key): Promise<Manifest[]> => {
    const known = of(project);
    const own = known.filter((run) => run.experiment === experiment);
    if (own.length === 0) throw noExperiment({ project, experiment }, known);
    const started = own.filter(({ begun }) => begun).map(({ id }) => runs.summary(id));
    return manifestsOf(
      started.filter((run) => run !== undefined),
      storeOf,
    );
  };

  return {
    listExperiments: ({ query }) =>
      Promise.resolve({ experiments: listExperiments(of(query.project), (id) => runs.summary(id)?.created_at) }),
    listManifests: async ({ params }) => ({ manifests: await manifests(params) }),
    async getManifest({ params }) {
      const all = await manifests(params);
      const found = manifestAt(all, params.time);
      if (found !== null) return found;
      const [first] = all;
      throw first === undefined
        ? new TrainyardError("not_found", `no run of the experiment ${params.experiment} has started yet`, "Its drafts have documents.")
        : new TrainyardError(
            "not_found",
            `the experiment ${params.experiment} had no run by ${params.time}`,
            `Its first one started at ${first.time}.`,
          );
    },
  };
}

function noExperiment({ project, experiment }: Key, known: readonly RunOutline[]): TrainyardError {
  const near = nearest(experiment, [...new Set(known.flatMap((run) => run.experiment ?? []))]);
  const hint = near === null ? "GET /api/experiments lists them." : `Did you mean ${near}?`;
  return new TrainyardError("not_found", `no run of the project ${project} belongs to an experiment ${experiment}`, hint);
}

/** By project and name. */
function listExperiments(runs: readonly RunOutline[], createdAt: (id: RunOutline["id"]) => string | undefined): Experiment[] {
  const groups = new Map<string, RunOutline[]>();
  for (const run of runs) {
    const key = `${run.project}/${run.experiment ?? ""}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => {
      // Ids sort by creation.
      const sorted = [...group].sort((a, b) => (a.id < b.id ? -1 : 1));
      const [first] = sorted;
      const last = sorted.at(-1);
      if (first === undefined || last === undefined) return [];
      const run_counts: Experiment["run_counts"] = {};
      for (const { state } of group) run_counts[state] = (run_counts[state] ?? 0) + 1;
      const [first_run_at, last_run_at] = [createdAt(first.id), createdAt(last.id)];
      if (first_run_at === undefined || last_run_at === undefined) return [];
      const { project, experiment } = first;
      return [{ project, name: experiment ?? "", run_count: group.length, run_counts, first_run_at, last_run_at }];
    });
}
