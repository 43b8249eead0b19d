/** Routes about drafts, comparisons and searches over logs. */
import * as d from "./drafts.ts";
import * as q from "./queries.ts";
import { common, oneRun, route } from "./route.ts";

export const draftRoutes = {
  editDraft: route({
    ...oneRun,
    method: "PUT",
    path: "/api/runs/:id/spec",
    summary: "Replace the document of a draft; a run that has started keeps its own",
    body: q.CreateRun.omit({ start: true, queue: true }),
    response: q.RunDetail,
    errors: ["not_found", "conflict", "invalid_spec", "unknown_recipe", "python_unusable", "other_store"],
  }),
  cloneRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/clone",
    summary: "A new run from the document of this one, as a draft unless told otherwise",
    body: d.CloneRun,
    response: q.RunDetail,
    status: 201,
    errors: ["not_found", "conflict", "invalid_spec", "unknown_recipe", "python_unusable"],
  }),
  checkName: route({
    ...common,
    method: "GET",
    path: "/api/check-name",
    summary: "Is a run's name free in its project? If not, one that is",
    query: d.CheckNameQuery,
    response: d.CheckedName,
    errors: ["bad_request"],
  }),
  compareRuns: route({
    ...common,
    method: "GET",
    path: "/api/compare",
    summary: "What differs between runs: params, recipe, code, environment, metrics with differences to the first",
    query: d.CompareQuery,
    response: d.Comparison,
    errors: ["not_found", "bad_request"],
  }),
  searchLogs: route({
    ...common,
    method: "GET",
    path: "/api/log-search",
    summary: "Lines with a text in the logs of one run, a project or the store, with the lines around them",
    query: d.LogSearchQuery,
    response: d.LogMatches,
    errors: ["not_found", "bad_request"],
  }),
} as const;
