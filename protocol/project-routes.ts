/** Routes about projects. */
import * as z from "zod";
import * as q from "./queries.ts";
import { common, oneProject, route } from "./route.ts";

export const projectRoutes = {
  listProjects: route({
    ...common,
    method: "GET",
    path: "/api/projects",
    summary: "Projects with their run counts",
    response: z.object({ projects: z.array(q.Project) }),
    errors: [],
  }),
  createProject: route({
    ...common,
    method: "POST",
    path: "/api/projects",
    summary: "Create a project with its metadata and the defaults that its runs inherit",
    body: q.CreateProject,
    response: q.Project,
    status: 201,
    errors: ["conflict", "bad_request", "disk_full", "store_unwritable"],
  }),
  getProject: route({
    ...oneProject,
    method: "GET",
    path: "/api/projects/:project",
    summary: "One project with its newest runs",
    response: q.ProjectDetail,
    errors: ["not_found"],
  }),
  editProject: route({
    ...oneProject,
    method: "PATCH",
    path: "/api/projects/:project",
    summary: "Edit a project; each change is a revision",
    body: q.EditProject,
    response: q.Project,
    errors: ["not_found", "bad_request", "corrupt_record"],
  }),
  listProjectRevisions: route({
    ...oneProject,
    method: "GET",
    path: "/api/projects/:project/revisions",
    summary: "The project's settings over time, oldest first",
    response: q.ProjectRevisions,
    errors: ["not_found"],
  }),
} as const;
