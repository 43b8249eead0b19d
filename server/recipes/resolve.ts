/** From the layers that may set a param to the effective values, each with its source. Pure. */
import { TrainyardError } from "../../protocol/errors.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe, RecipeCatalogue } from "../../protocol/recipe.ts";
import type { ValueSource } from "../../protocol/spec.ts";

/** Later layers win. */
export interface ParamLayers {
  readonly preset?: string | undefined;
  /** The project's defaults; those that the recipe does not know belong to other recipes and are left out. */
  readonly project?: JsonObject;
  /** The effective values of the run this one was forked from or continues. */
  readonly parent?: { readonly params: JsonObject; readonly sources: Readonly<Record<string, ValueSource>> | null };
  readonly spec?: JsonObject;
  readonly override?: JsonObject;
}

export interface ResolvedParams {
  readonly params: JsonObject;
  readonly sources: Record<string, ValueSource>;
}

/**
 * @param ofScript fields that the script itself defines, whose defaults are the script's
 * @throws TrainyardError invalid_spec when there is no such preset
 */
export function resolveParams(recipe: Recipe, layers: ParamLayers, ofScript: ReadonlySet<string> = new Set()): ResolvedParams {
  const params: JsonObject = {};
  const sources: Record<string, ValueSource> = {};
  const apply = (values: JsonObject, source: (name: string) => ValueSource): void => {
    for (const [name, value] of Object.entries(values)) {
      params[name] = value;
      sources[name] = source(name);
    }
  };
  for (const [name, field] of Object.entries(recipe.schema.properties))
    if (field.default !== undefined) apply({ [name]: field.default }, () => (ofScript.has(name) ? "script" : "recipe default"));
  if (layers.preset !== undefined) apply(presetValues(recipe, layers.preset), () => "preset");
  const known = Object.entries(layers.project ?? {}).filter(([name]) => Object.hasOwn(recipe.schema.properties, name));
  apply(Object.fromEntries(known), () => "project default");
  const { parent } = layers;
  if (parent !== undefined) apply(parent.params, (name) => parent.sources?.[name] ?? "parent run");
  apply(layers.spec ?? {}, () => "spec");
  apply(layers.override ?? {}, () => "override");
  return { params, sources };
}

function presetValues(recipe: Recipe, name: string): JsonObject {
  const preset = Object.hasOwn(recipe.presets, name) ? recipe.presets[name] : undefined;
  if (preset !== undefined) return preset.values;
  const names = Object.keys(recipe.presets);
  const near = nearest(name, names);
  const message = `the recipe ${recipe.id} has no preset ${name}`;
  const hint =
    near !== null ? `Did you mean ${near}?` : names.length > 0 ? `It has ${names.join(", ")}.` : "It has none; leave the field out.";
  throw new TrainyardError("invalid_spec", message, hint, [{ severity: "error", field: "preset", message, hint }]);
}

/** @throws TrainyardError unknown_recipe, with the nearest name and what is wrong with recipes that could not be loaded */
export function pickRecipe(catalogue: Pick<RecipeCatalogue, "recipes" | "problems">, id: string): Recipe {
  const recipe = catalogue.recipes.find((candidate) => candidate.id === id);
  if (recipe !== undefined) return recipe;
  const ids = catalogue.recipes.map((candidate) => candidate.id);
  const near = nearest(id, ids);
  const message = `there is no recipe ${id}`;
  const hint = near === null ? `There are ${ids.join(", ")}.` : `Did you mean ${near}?`;
  throw new TrainyardError("unknown_recipe", message, hint, [{ severity: "error", field: "recipe", message, hint }, ...catalogue.problems]);
}

/** Distributions that the recipe needs and the interpreter lacks. */
export function missingPackages(recipe: Recipe, installed: Readonly<Record<string, string>>): string[] {
  const present = new Set(Object.keys(installed).map(distributionName));
  return recipe.requires.filter((requirement) => !present.has(distributionName(requirement)));
}

/** The name in a requirement (`torch>=2`, `huggingface_hub[cli]`), written the one way that pip compares. */
function distributionName(requirement: string): string {
  const name = /^[A-Za-z0-9._-]+/.exec(requirement.trim())?.[0] ?? requirement;
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
