/** Recipes: what can be trained and with which fields. The user's own Python describes them (`python -m trainyard.recipes describe`). */
import * as z from "zod";
import { Problem } from "./errors.ts";
import { RunEstimate } from "./estimate.ts";
import { JsonObject, JsonValue } from "./json.ts";

/** How a field is drawn. The default follows from the JSON Schema type. */
export const Widget = z.enum([
  "text",
  "multiline",
  "number",
  "slider",
  "checkbox",
  "select",
  "segments",
  "multiselect",
  "path",
  "list",
  "json",
]);
export type Widget = z.infer<typeof Widget>;

/** One field: a JSON Schema property with the annotations that a form needs. */
export const RecipeField = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  title: z.string(),
  description: z.string(),
  default: JsonValue.optional(),
  enum: z.array(JsonValue).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  /** Of a list: how many items it has. */
  minItems: z.number().int().optional(),
  maxItems: z.number().int().optional(),
  items: JsonObject.optional(),
  "x-section": z.string(),
  "x-order": z.number().int(),
  "x-widget": Widget.optional(),
  "x-advanced": z.boolean().optional(),
  "x-unit": z.string().optional(),
  "x-placeholder": z.string().optional(),
  /** Shown only while every named field has one of these values. */
  "x-depends-on": z.record(z.string(), z.array(JsonValue)).optional(),
  /** Outside of it a warning is shown; it never blocks. */
  "x-usual-range": z.tuple([z.number(), z.number()]).optional(),
  /** For paths: a file, a folder, or either. A path must exist when `must_exist`; `holds` says what is looked for when paths are offered. */
  "x-path": z
    .object({
      kind: z.enum(["file", "folder", "any"]),
      must_exist: z.boolean(),
      holds: z.enum(["dataset", "candles", "model", "python"]).optional(),
    })
    .optional(),
});
export type RecipeField = z.infer<typeof RecipeField>;

export const RecipeSchema = z.object({
  $schema: z.string(),
  type: z.literal("object"),
  properties: z.record(z.string(), RecipeField),
  required: z.array(z.string()),
  additionalProperties: z.boolean(),
});
export type RecipeSchema = z.infer<typeof RecipeSchema>;

export const Recipe = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  framework: z.string(),
  sections: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })),
  schema: RecipeSchema,
  presets: z.record(
    z.string(),
    z.object({
      title: z.string(),
      values: JsonObject,
      /** Absolute path of the file in the workspace; absent for the recipe's own. */
      file: z.string().optional(),
    }),
  ),
  /** Distributions that the interpreter must have (`torch`, `transformers`). */
  requires: z.array(z.string()),
  /** Is a checkpoint of this recipe resumable? */
  resumable: z.boolean(),
  /** `builtin`, or where a user's own recipe was found. */
  origin: z.string(),
});
export type Recipe = z.infer<typeof Recipe>;

/** The answer of the user's interpreter. */
export const PythonEnvironment = z.object({
  executable: z.string(),
  version: z.string(),
  prefix: z.string(),
  /** Installed versions of the packages that recipes ask for; a missing one is absent. */
  packages: z.record(z.string(), z.string()),
});
export type PythonEnvironment = z.infer<typeof PythonEnvironment>;

export const RecipeCatalogue = z.object({
  environment: PythonEnvironment,
  recipes: z.array(Recipe),
  /** Recipes and presets that could not be loaded, and why. */
  problems: z.array(Problem),
  /** Are all fields there? The first description of an environment does not wait for what only a slow import of its packages tells. */
  complete: z.boolean(),
});
export type RecipeCatalogue = z.infer<typeof RecipeCatalogue>;

/** `python -m trainyard.recipes check`: preflight inside the user's interpreter (dataset, columns, packages). */
export const PreflightReport = z.object({
  problems: z.array(Problem),
  facts: JsonObject,
  /** null where a recipe says nothing of its needs, or the document is too incomplete to tell. */
  estimate: RunEstimate.nullable(),
});
export type PreflightReport = z.infer<typeof PreflightReport>;
