/** Routes about projects. */
import { TrainyardError } from "../../protocol/errors.ts";
import { orderDerived } from "../../protocol/expression/derived.ts";
import { slugOf, type RunId } from "../../protocol/ids.ts";
import type { ProjectRecord } from "../../protocol/project.ts";
import type { Project, RunBrief } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { DerivedDefinitions } from "../catalog/types.ts";
import type { RunOutline } from "../runs/types.ts";
import { noProject } from "../store/projects.ts";
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

type ProjectRoutes = "listProjects" | "createProject" | "getProject" | "editProject" | "listProjectRevisions";

/** Runs that a project's own answer names; all of them come page by page from GET /api/runs?project=…. */
const NAMED_RUNS = 100;

export function projectHandlers({ store, runs, catalog }: HttpContext): Pick<Handlers, ProjectRoutes> {
  const describe = (record: ProjectRecord): Project => describeProject(record, runsOf(record.name), createdAt);
  const runsOf = (project: string): RunOutline[] => [...runs.briefs()].filter((run) => run.project === project);
  const createdAt = (id: RunId): string | undefined => runs.summary(id)?.created_at;
  /** @throws TrainyardError not_found */
  const find = async (name: string): Promise<ProjectRecord> => {
    const record = (await store.projects()).find((project) => project.name === name);
    if (record === undefined) throw noProject(name);
    return record;
  };
  /** Derived metrics are checked before anything is written, and computed at once. */
  const changing = async (
    derived: Readonly<Record<string, string>> | undefined,
    change: () => Promise<ProjectRecord>,
  ): Promise<Project> => {
    mustWrite(store);
    if (derived !== undefined) orderDerived(derived);
    const record = await change();
    if (derived !== undefined) await catalog.define(derivedDefinitions(await store.projects()));
    return describe(record);
  };
  return {
    listProjects: async () => ({ projects: listProjects(await store.projects(), runs.briefs(), createdAt) }),
    async createProject({ body }) {
      const { name = slugOf(body.title ?? ""), ...settings } = body;
      if (name === null) throw new TrainyardError("bad_request", "the project needs a name or a title", "Give name or title.");
      return changing(settings.derived, () => store.createProject(name, settings));
    },
    async getProject({ params }) {
      const record = await find(params.project);
      const own = runsOf(record.name);
      // Ids sort by creation.
      const newest = [...own].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, NAMED_RUNS);
      const shown = newest.map(({ id }) => runs.summary(id)).filter((run) => run !== undefined);
      return { ...describeProject(record, own, createdAt), runs: shown.map(brief) };
    },
    editProject: ({ params, body }) => changing(body.derived, () => store.editProject(params.project, body)),
    async listProjectRevisions({ params }) {
      await find(params.project);
      return { revisions: await store.projectRevisions(params.project) };
    },
  };
}

/** What the catalogue computes for the runs of each project. */
export function derivedDefinitions(records: readonly ProjectRecord[]): DerivedDefinitions {
  return Object.fromEntries(records.map(({ name, derived }) => [name, derived]));
}

/** Sorted by name. */
function listProjects(
  records: readonly ProjectRecord[],
  runs: Iterable<RunOutline>,
  createdAt: (id: RunId) => string | undefined,
): Project[] {
  const byProject = new Map<string, RunOutline[]>();
  for (const run of runs) {
    const list = byProject.get(run.project);
    if (list === undefined) byProject.set(run.project, [run]);
    else list.push(run);
  }
  return records
    .map((record) => describeProject(record, byProject.get(record.name) ?? [], createdAt))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param runs of the project. Without a project.json it is as old as its oldest run. */
function describeProject(stored: ProjectRecord, runs: readonly RunOutline[], createdAt: (id: RunId) => string | undefined): Project {
  const record: Omit<ProjectRecord, "version"> & { version?: number } = { ...stored };
  delete record.version;
  const counts: Project["run_counts"] = {};
  let oldest: RunId | null = null;
  for (const { id, state } of runs) {
    counts[state] = (counts[state] ?? 0) + 1;
    if (oldest === null || id < oldest) oldest = id;
  }
  const created = Date.parse(record.created_at) === 0 && oldest !== null ? createdAt(oldest) : undefined;
  // Follows from the runs, so that it is right for folders that were copied here as well.
  const begun = runs.some((run) => run.begun);
  return {
    ...record,
    status: record.archived ? "archived" : begun ? "active" : "draft",
    created_at: created ?? record.created_at,
    run_counts: counts,
    run_count: runs.length,
  };
}

function brief(run: RunSummary): RunBrief {
  const { id, name, state, created_at, started_at, ended_at, progress } = run;
  return { id, name, state, created_at, started_at, ended_at, progress: progress?.fraction ?? null };
}
