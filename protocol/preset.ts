/** Presets and templates of the user's own, files of the workspace. */
import * as z from "zod";
import { Problem } from "./errors.ts";
import { Slug } from "./ids.ts";
import { JsonObject } from "./json.ts";

/** Which one: there is one file for each. */
export const PresetAddress = z.object({ recipe: Slug, name: Slug });
export type PresetAddress = z.infer<typeof PresetAddress>;

export const SavePreset = PresetAddress.extend({
  /** Shown in place of the name. */
  title: z.string().min(1).max(200).optional(),
  values: JsonObject,
  /** Interpreter that knows the recipe; the server's default when it is left out. */
  python: z.string().optional(),
});
export type SavePreset = z.infer<typeof SavePreset>;

/** The name of a template's file. */
export const TemplateAddress = z.object({ name: Slug });
export type TemplateAddress = z.infer<typeof TemplateAddress>;

/** Characters of a template: a longer one is not a document that a person wrote. */
export const MAX_TEMPLATE_LENGTH = 500_000;

export const SaveTemplate = TemplateAddress.extend({
  /** A run document, comments and all. */
  text: z.string().max(MAX_TEMPLATE_LENGTH),
});
export type SaveTemplate = z.infer<typeof SaveTemplate>;

/** A run document that is kept for starting others from. */
export const Template = z.object({
  name: z.string(),
  file: z.string(),
  /** null for one that cannot be started from. */
  text: z.string().nullable(),
  /** Why it cannot be started from. */
  problem: Problem.nullable(),
  /** Where in the file, counted from 1; null without a problem, and for one that has no place. */
  line: z.int().positive().nullable(),
});
export type Template = z.infer<typeof Template>;

export const TemplateList = z.object({ templates: z.array(Template) });
export type TemplateList = z.infer<typeof TemplateList>;
