/** Routes that ask over many runs. */
import * as a from "./analysis.ts";
import { common, route } from "./route.ts";

export const analysisRoutes = {
  listFields: route({
    ...common,
    method: "GET",
    path: "/api/fields",
    summary: "Fields that runs have: type, counts, range, values",
    query: a.AnalysisScope,
    response: a.FieldIndex,
    errors: ["bad_request"],
  }),
  listFieldValues: route({
    ...common,
    method: "GET",
    path: "/api/fields/values",
    summary: "Values of one field with their counts, most frequent first",
    query: a.FieldValuesQuery,
    response: a.FieldValues,
    errors: ["bad_request"],
  }),
  getStatistics: route({
    ...common,
    method: "GET",
    path: "/api/statistics",
    summary: "How many runs there are by state, project and recipe, and what they add up to",
    query: a.AnalysisScope,
    response: a.RunStatistics,
    errors: ["bad_request"],
  }),
  queryRuns: route({
    ...common,
    method: "POST",
    path: "/api/query",
    summary: "A table: chosen fields of the runs that pass a filter, sorted by several keys, paged",
    body: a.QueryRuns,
    response: a.QueryResult,
    errors: ["bad_request"],
  }),
  aggregate: route({
    ...common,
    method: "POST",
    path: "/api/aggregate",
    summary: "Runs grouped by fields, with statistics over further fields: mean, median, spread, intervals, quartiles",
    body: a.Aggregate,
    response: a.AggregateResult,
    errors: ["bad_request"],
  }),
  histogram: route({
    ...common,
    method: "POST",
    path: "/api/histogram",
    summary: "How the values of a field are distributed",
    body: a.Histogram,
    response: a.HistogramResult,
    errors: ["bad_request"],
  }),
  evaluate: route({
    ...common,
    method: "POST",
    path: "/api/evaluate",
    summary: "The value of an expression for each run: what a derived metric would be",
    body: a.Evaluate,
    response: a.EvaluateResult,
    errors: ["bad_request"],
  }),
} as const;
