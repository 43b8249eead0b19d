/** Routes about experiments. */
import * as e from "./experiments.ts";
import { common, route } from "./route.ts";

export const experimentRoutes = {
  listExperiments: route({
    ...common,
    method: "GET",
    path: "/api/experiments",
    summary: "Experiments with their run counts, by project and name",
    query: e.ExperimentsQuery,
    response: e.Experiments,
    errors: ["bad_request"],
  }),
  listManifests: route({
    ...common,
    method: "GET",
    path: "/api/projects/:project/experiments/:experiment/manifests",
    summary: "The configurations that an experiment had over time, oldest first",
    params: e.ExperimentParam,
    response: e.Manifests,
    errors: ["not_found", "bad_request"],
  }),
  getManifest: route({
    ...common,
    method: "GET",
    path: "/api/projects/:project/experiments/:experiment/manifests/:time",
    summary: "The latest configuration of an experiment, or the one that was in force at a time",
    params: e.ManifestParam,
    response: e.Manifest,
    errors: ["not_found", "bad_request"],
  }),
} as const;
