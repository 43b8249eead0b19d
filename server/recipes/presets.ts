/**
 * Presets of the user's own: `trainyard_presets/<recipe>/<name>.yaml` in the workspace, committed and reviewed like code. They stand among the
 * presets of their recipe, so that all that knows a recipe's presets knows them too.
 */
import path from "node:path";
import * as z from "zod";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { JsonObject } from "../../protocol/json.ts";
import type { PresetAddress, SavePreset } from "../../protocol/preset.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { readWholeText } from "../store/open-file.ts";
import { ownFile, ownFiles, removeOwnFile, writeOwnFile } from "./own-files.ts";

export const PRESET_FOLDER = "trainyard_presets";
const SUFFIX = ".yaml";

const PresetFile = z.strictObject({ title: z.string().min(1).max(200).optional(), values: JsonObject });

export interface WithPresets {
  readonly recipe: Recipe;
  /** Files that could not be read, and why. */
  readonly problems: readonly Problem[];
}

/** The recipe with the workspace's presets after its own. */
export async function withOwnPresets(recipe: Recipe, workspace: string): Promise<WithPresets> {
  const files = await ownFiles(path.join(workspace, PRESET_FOLDER, recipe.id), SUFFIX);
  const presets = { ...recipe.presets };
  const problems: Problem[] = [];
  for (const { name, file: place } of files) {
    const refuse = (what: string, hint: string): void => {
      problems.push({ severity: "error", field: "preset", message: `${place}: ${what}`, hint });
    };
    if (Object.hasOwn(recipe.presets, name)) {
      refuse(`the recipe ${recipe.id} has a preset ${name} of its own`, "Rename the file.");
      continue;
    }
    try {
      const { parse } = await import("yaml");
      const { title = name, values } = PresetFile.parse(parse(await readWholeText(place), { merge: true }));
      presets[name] = { title, values, file: place };
    } catch (error) {
      refuse(whatIsWrong(error), "Mend the file; the preset is left out until then.");
    }
  }
  return { recipe: { ...recipe, presets }, problems };
}

function whatIsWrong(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  const [issue] = error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  return `${field === "" ? "" : `${field}: `}${issue?.message ?? ""}`;
}

/**
 * Writes a preset, in the place of one that has its name.
 * @returns its file
 * @throws TrainyardError conflict (the recipe has one of this name) | disk_full | store_unwritable
 */
export async function savePreset(recipe: Recipe, workspace: string, preset: SavePreset): Promise<string> {
  if (recipe.presets[preset.name] !== undefined)
    throw new TrainyardError("conflict", `the recipe ${recipe.id} has a preset ${preset.name} of its own`, "Choose another name.");
  const file = fileOf(workspace, preset);
  const { title, values } = preset;
  const { stringify } = await import("yaml");
  await writeOwnFile(file, stringify({ ...(title !== undefined && { title }), values }));
  return file;
}

/** @throws TrainyardError not_found | store_unwritable */
export async function deletePreset(workspace: string, address: PresetAddress): Promise<void> {
  await removeOwnFile(fileOf(workspace, address), `preset ${address.name} of yours for ${address.recipe}`);
}

function fileOf(workspace: string, { recipe, name }: PresetAddress): string {
  return ownFile(path.join(workspace, PRESET_FOLDER), [recipe, name], SUFFIX);
}
