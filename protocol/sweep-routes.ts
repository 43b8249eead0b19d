/** Routes about sweeps: one document, many runs. */
import { common, route } from "./route.ts";
import * as s from "./sweep.ts";

const oneSweep = { ...common, params: s.SweepParam } as const;

export const sweepRoutes = {
  listSweeps: route({
    ...common,
    method: "GET",
    path: "/api/sweeps",
    summary: "Sweeps of a project or of the store, newest first",
    query: s.SweepQuery,
    response: s.SweepList,
    errors: [],
  }),
  createSweep: route({
    ...common,
    method: "POST",
    path: "/api/sweeps",
    summary: "Make the runs that a document with a sweep section stands for, a few at a time",
    body: s.CreateSweep,
    response: s.SweepDetail,
    status: 201,
    errors: ["invalid_spec", "unknown_recipe", "python_unusable", "missing_file", "bad_dataset", "disk_full", "store_unwritable"],
  }),
  planSweep: route({
    ...common,
    method: "POST",
    path: "/api/sweeps/plan",
    summary: "The runs that a document with a sweep section stands for, checked, without making them",
    body: s.CreateSweep,
    response: s.SweepPlan,
    errors: ["invalid_spec", "unknown_recipe", "python_unusable", "missing_file", "bad_dataset"],
  }),
  getSweep: route({
    ...oneSweep,
    method: "GET",
    path: "/api/sweeps/:sweep",
    summary: "One sweep with its runs, their states and the best of them",
    response: s.SweepDetail,
    errors: ["not_found"],
  }),
  getSweepImportance: route({
    ...oneSweep,
    method: "GET",
    path: "/api/sweeps/:sweep/importance",
    summary: "Which params mattered: rank correlations, and shares by Optuna where the document's Python has it",
    response: s.SweepImportance,
    errors: ["not_found", "conflict"],
  }),
  stopSweep: route({
    ...oneSweep,
    method: "POST",
    path: "/api/sweeps/:sweep/stop",
    summary: "Make no further runs; those that live go on unless told otherwise",
    body: s.StopSweep,
    response: s.SweepDetail,
    errors: ["not_found", "conflict", "disk_full", "store_unwritable"],
  }),
  continueSweep: route({
    ...oneSweep,
    method: "POST",
    path: "/api/sweeps/:sweep/continue",
    summary: "Go on with a sweep that was stopped",
    response: s.SweepDetail,
    errors: ["not_found", "conflict", "disk_full", "store_unwritable"],
  }),
} as const;
