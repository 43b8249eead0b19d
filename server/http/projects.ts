/** Projects with the counts of their runs. */
import type { Project } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunStore } from "../store/types.ts";

/** Sorted by name. A project without a project.json is as old as its oldest run. */
export async function listProjects(store: RunStore, runs: readonly RunSummary[]): Promise<Project[]> {
  const byProject = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const list = byProject.get(run.project);
    if (list === undefined) byProject.set(run.project, [run]);
    else list.push(run);
  }
  const projects = await store.projects();
  return projects
    .map((project): Project => {
      const own = byProject.get(project.name) ?? [];
      const counts: Project["run_counts"] = {};
      for (const run of own) counts[run.state] = (counts[run.state] ?? 0) + 1;
      const { name, title, description, defaults } = project;
      let created = project.created_at;
      if (Date.parse(created) === 0)
        for (const run of own) if (Date.parse(created) === 0 || run.created_at < created) created = run.created_at;
      return { name, title, description, created_at: created, defaults, run_counts: counts, run_count: own.length };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
