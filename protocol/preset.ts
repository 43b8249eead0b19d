/** Presets of the user's own, files of the workspace. */
import * as z from "zod";
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
