/** Routes about run documents: what they mean and what they need, before anything is started. */
import * as z from "zod";
import * as d from "./documents.ts";
import { PresetAddress, SavePreset, SaveTemplate, TemplateAddress, TemplateList } from "./preset.ts";
import * as q from "./queries.ts";
import { PreflightReport, RecipeCatalogue } from "./recipe.ts";
import { common, route } from "./route.ts";
import { DryRun } from "./spec.ts";

export const documentRoutes = {
  dryRun: route({
    ...common,
    method: "POST",
    path: "/api/dry-run",
    summary: "The exact command, environment and resolved values, without running",
    body: q.CreateRun,
    response: DryRun,
    errors: ["invalid_spec", "unknown_recipe", "python_unusable"],
  }),
  preflight: route({
    ...common,
    method: "POST",
    path: "/api/preflight",
    summary: "What would go wrong, with the changes that cure it, and what the run will need: memory, disk, steps, time",
    body: q.CreateRun,
    response: PreflightReport,
    errors: ["unknown_recipe", "python_unusable"],
  }),
  scriptForm: route({
    ...common,
    method: "POST",
    path: "/api/script-form",
    summary: "The form of the script that a document names, from its source; the script is run only when the document says so",
    body: d.DocumentRequest,
    response: d.ScriptForm,
    errors: ["invalid_spec", "missing_file", "python_unusable", "timeout"],
  }),
  previewDataset: route({
    ...common,
    method: "POST",
    path: "/api/dataset/preview",
    summary: "Shape, columns and rows of a document's dataset, and the rows that do not fit; large files are sampled",
    body: d.DatasetRequest,
    response: d.DatasetPreview,
    errors: ["invalid_spec", "missing_file", "python_unusable", "timeout"],
  }),
  renderDataset: route({
    ...common,
    method: "POST",
    path: "/api/dataset/render",
    summary: "Rows as the training sees them: the rendered template, trained and masked tokens, lengths",
    body: d.RenderRequest,
    response: d.RenderedDataset,
    errors: ["invalid_spec", "missing_file", "bad_dataset", "unknown_recipe", "python_unusable", "timeout"],
  }),
  probe: route({
    ...common,
    method: "POST",
    path: "/api/probe",
    summary: "A few real steps of a document, measured; they correct the forecasts of the same settings",
    body: d.ProbeRequest,
    response: d.ProbeAnswer,
    errors: ["invalid_spec", "missing_file", "unknown_recipe", "python_unusable", "timeout"],
  }),
  listRecipes: route({
    ...common,
    method: "GET",
    path: "/api/recipes",
    summary: "Recipes as the interpreter describes them, and the interpreter itself",
    query: q.RecipesQuery,
    response: RecipeCatalogue,
    errors: ["python_unusable", "timeout"],
  }),
  savePreset: route({
    ...common,
    method: "PUT",
    path: "/api/presets",
    summary: "Save a preset of a recipe as a file of the workspace; it replaces one that has the name",
    body: SavePreset,
    response: z.object({ file: z.string() }),
    errors: ["bad_request", "unknown_recipe", "python_unusable", "conflict", "disk_full", "store_unwritable"],
  }),
  deletePreset: route({
    ...common,
    method: "DELETE",
    path: "/api/presets",
    summary: "Remove a preset of the workspace",
    query: PresetAddress,
    response: z.object({ ok: z.literal(true) }),
    errors: ["bad_request", "not_found", "store_unwritable"],
  }),
  listTemplates: route({
    ...common,
    method: "GET",
    path: "/api/templates",
    summary: "Templates of the workspace by name; one that cannot be read says why and where",
    response: TemplateList,
    errors: [],
  }),
  saveTemplate: route({
    ...common,
    method: "PUT",
    path: "/api/templates",
    summary: "Save a run document as a template of the workspace; it replaces one that has the name",
    body: SaveTemplate,
    response: z.object({ file: z.string() }),
    errors: ["bad_request", "invalid_spec", "disk_full", "store_unwritable"],
  }),
  deleteTemplate: route({
    ...common,
    method: "DELETE",
    path: "/api/templates",
    summary: "Remove a template of the workspace",
    query: TemplateAddress,
    response: z.object({ ok: z.literal(true) }),
    errors: ["bad_request", "not_found", "store_unwritable"],
  }),
} as const;
