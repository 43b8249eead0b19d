/**
 * Every REST route, once: method, path, shapes, errors. The server binds handlers to it, the client is typed by it and
 * OpenAPI is generated from it.
 */
import * as z from "zod";
import { Checkpoint } from "./artifact.ts";
import { Problem } from "./errors.ts";
import { analysisRoutes } from "./analysis-routes.ts";
import { DetailsQuery, RunDetails } from "./batch.ts";
import { CodeDifference, CodeDifferenceQuery } from "./code.ts";
import * as q from "./queries.ts";
import { documentRoutes } from "./document-routes.ts";
import { draftRoutes } from "./draft-routes.ts";
import { experimentRoutes } from "./experiment-routes.ts";
import { exportRoutes } from "./export-routes.ts";
import { importRoutes } from "./import-routes.ts";
import { noticeRoutes } from "./notice-routes.ts";
import { projectRoutes } from "./project-routes.ts";
import { queueRoutes } from "./queue-routes.ts";
import { retentionRoutes } from "./retention-routes.ts";
import { common, oneRun, route } from "./route.ts";
import { savedRoutes } from "./saved-routes.ts";
import { storeRoutes } from "./store-routes.ts";
import { sweepRoutes } from "./sweep-routes.ts";
import { SystemSample } from "./system.ts";
import { TrashId } from "./trash.ts";
import { trashRoutes } from "./trash-routes.ts";

export const routes = {
  getServer: route({ ...common, method: "GET", path: "/api/server", summary: "About this server", response: q.ServerInfo, errors: [] }),
  shutdown: route({
    ...common,
    method: "POST",
    path: "/api/server/shutdown",
    summary: "End the server; runs go on",
    response: z.object({ ok: z.literal(true) }),
    errors: [],
  }),
  refresh: route({
    ...common,
    method: "POST",
    path: "/api/server/refresh",
    summary: "Scan the store again",
    response: z.object({ runs: z.number().int(), problems: z.array(Problem) }),
    errors: [],
  }),
  ...projectRoutes,
  ...experimentRoutes,
  ...savedRoutes,
  listRuns: route({
    ...common,
    method: "GET",
    path: "/api/runs",
    summary: "Runs, filtered, sorted and paged",
    query: q.RunsQuery,
    response: q.RunsPage,
    errors: ["bad_request"],
  }),
  createRun: route({
    ...common,
    method: "POST",
    path: "/api/runs",
    summary: "Create a run, and start it or put it into the queue unless told otherwise",
    body: q.CreateRun,
    response: q.RunDetail,
    status: 201,
    errors: ["invalid_spec", "unknown_recipe", "python_unusable", "missing_file", "bad_dataset", "disk_full", "store_unwritable"],
  }),
  ...trashRoutes,
  ...documentRoutes,
  ...sweepRoutes,
  ...queueRoutes,
  getRuns: route({
    ...common,
    method: "GET",
    path: "/api/runs/details",
    summary: "Many runs at once, each with all that `getRun` tells; what cannot be read of one is said for that one",
    query: DetailsQuery,
    response: RunDetails,
    errors: ["bad_request"],
  }),
  getRun: route({ ...oneRun, method: "GET", path: "/api/runs/:id", summary: "One run", response: q.RunDetail, errors: ["not_found"] }),
  getCodeDifference: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/code-difference",
    summary: "What differs between the code of a baseline and of this run: commits and uncommitted changes",
    query: CodeDifferenceQuery,
    response: CodeDifference,
    errors: ["not_found", "bad_request"],
  }),
  editRun: route({
    ...oneRun,
    method: "PATCH",
    path: "/api/runs/:id",
    summary: "Edit name, description, notes, tags, star, archive",
    body: q.EditRun,
    response: q.RunDetail,
    errors: ["not_found", "bad_request", "other_store"],
  }),
  deleteRun: route({
    ...oneRun,
    method: "DELETE",
    path: "/api/runs/:id",
    summary: "Move the run folder to the store's trash",
    response: z.object({ trashed_to: z.string(), trash: TrashId }),
    errors: ["not_found", "conflict", "other_store"],
  }),
  startRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/start",
    summary: "Start a draft, or a waiting run of the queue ahead of its turn",
    response: q.RunDetail,
    status: 202,
    errors: ["not_found", "conflict", "python_unusable", "other_store"],
  }),
  cancelRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/cancel",
    summary: "Stop: gracefully with a final checkpoint, by force after the grace time",
    body: q.CancelRun,
    response: q.RunDetail,
    status: 202,
    errors: ["not_found", "conflict", "other_store"],
  }),
  resumeRun: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/resume",
    summary: "Continue the run or fork it from a checkpoint, at once or in its turn in the queue",
    body: q.ResumeRun,
    response: q.RunDetail,
    status: 201,
    errors: ["not_found", "conflict", "bad_checkpoint", "invalid_spec", "other_store"],
  }),
  getDerived: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/derived",
    summary: "The derived metrics that the run's project defines, for this run",
    response: q.DerivedValues,
    errors: ["not_found"],
  }),
  listEvents: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/events",
    summary: "What happened",
    response: q.Events,
    errors: ["not_found"],
  }),
  listSeries: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/metrics",
    summary: "The run's metrics with their summaries",
    response: q.SeriesList,
    errors: ["not_found"],
  }),
  getSeries: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/series",
    summary: "Points of metrics in a window, every spike kept (Arrow IPC or JSON)",
    query: q.SeriesQuery,
    response: q.SeriesJson,
    produces: "arrow",
    errors: ["not_found", "bad_request"],
  }),
  getSystemSeries: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/system",
    summary: "Samples of GPU, CPU and memory taken while the run lived (Arrow IPC or JSON; step is the sample's number)",
    query: q.SeriesQuery,
    response: q.SeriesJson,
    produces: "arrow",
    errors: ["not_found", "bad_request"],
  }),
  getLog: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/log",
    summary: "Lines of the log by page, time, level and text",
    query: q.LogQuery,
    response: q.LogPage,
    errors: ["not_found", "bad_request"],
  }),
  getRawLog: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/log/raw",
    summary: "Bytes of the log as they were written",
    query: q.RawLogQuery,
    response: z.any(),
    produces: "bytes",
    errors: ["not_found", "bad_request"],
  }),
  listCheckpoints: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/checkpoints",
    summary: "Checkpoints, validated, newest first",
    response: q.Checkpoints,
    errors: ["not_found"],
  }),
  tagCheckpoint: route({
    ...common,
    method: "POST",
    path: "/api/runs/:id/checkpoints/:checkpoint/tags",
    summary: "Tag a checkpoint as candidate, release or archived, with notes",
    params: q.CheckpointParam,
    body: q.TagCheckpoint,
    response: Checkpoint,
    errors: ["not_found", "bad_checkpoint", "bad_request", "other_store"],
  }),
  untagCheckpoint: route({
    ...common,
    method: "DELETE",
    path: "/api/runs/:id/checkpoints/:checkpoint/tags/:tag",
    summary: "Take a tag off a checkpoint; the history keeps it",
    params: q.CheckpointTagParam,
    response: Checkpoint,
    errors: ["not_found", "bad_request", "other_store"],
  }),
  listCheckpointTags: route({
    ...common,
    method: "GET",
    path: "/api/runs/:id/checkpoints/:checkpoint/tags",
    summary: "Every tag that a checkpoint was given or lost, oldest first",
    params: q.CheckpointParam,
    response: q.TagHistory,
    errors: ["not_found"],
  }),
  listArtifacts: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/artifacts",
    summary: "Files the run produced",
    response: q.Artifacts,
    errors: ["not_found"],
  }),
  getArtifact: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/artifacts/content",
    summary: "Download one file; byte ranges are honoured",
    query: z.object({ path: z.string().min(1).max(4096) }),
    response: z.any(),
    produces: "bytes",
    errors: ["not_found", "forbidden", "bad_request"],
  }),
  ...retentionRoutes,
  ...draftRoutes,
  ...exportRoutes,
  ...importRoutes,
  ...analysisRoutes,
  ...noticeRoutes,
  ...storeRoutes,
  getSystem: route({
    ...common,
    method: "GET",
    path: "/api/system",
    summary: "Samples of the machine, oldest first",
    query: q.SystemHistoryQuery,
    response: z.object({ samples: z.array(SystemSample) }),
    errors: [],
  }),
  getOpenApi: route({
    ...common,
    method: "GET",
    path: "/api/openapi.json",
    summary: "This interface as OpenAPI 3.1",
    response: z.any(),
    errors: [],
  }),
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
export type RouteParams<N extends RouteName> = z.input<Routes[N]["params"]>;
export type RouteQuery<N extends RouteName> = z.input<Routes[N]["query"]>;
export type RouteBody<N extends RouteName> = z.input<Routes[N]["body"]>;
export type RouteResponse<N extends RouteName> = z.output<Routes[N]["response"]>;
