/** The first text of a draft: of a recipe, of an earlier run, or of a file that was chosen. */
import { stringify } from "yaml";
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Recipe, RecipeCatalogue } from "../../protocol/recipe.ts";
import type { Transport } from "../transport/transport.ts";
import { applySpecEdits } from "../../protocol/run-document/edit.ts";
import { beginSweep } from "./sweep-form-model.ts";

export interface BuilderTarget {
  readonly recipe: string | null;
  /** Clones this run. */
  readonly from: string | null;
  /** Runs this Python file, relative to the workspace. */
  readonly script: string | null;
  /** Learns from this file, relative to the workspace. */
  readonly dataset: string | null;
  /** URI of a run document; the others are null then. */
  readonly document: string | null;
  /** Begins with a sweep section. */
  readonly sweep?: boolean | undefined;
}

/** @param parent the run of `target.from` */
export function firstText(target: BuilderTarget, catalogue: RecipeCatalogue, parent: RunDetail | null): string {
  const text = parent === null ? newText(target, catalogue) : cloneText(parent);
  return target.sweep === true ? applySpecEdits(text, beginSweep()) : text;
}

function newText(target: BuilderTarget, catalogue: RecipeCatalogue): string {
  const wanted = target.script === null ? target.recipe : "script";
  const recipe = catalogue.recipes.find((each) => each.id === wanted) ?? catalogue.recipes[0];
  const data = Object.entries(recipe?.schema.properties ?? {}).find(
    ([, { "x-path": rule }]) => rule?.holds === "dataset" || rule?.holds === "candles",
  );
  const params: JsonObject = {
    ...(target.script === null ? {} : { script: target.script }),
    ...(target.dataset === null || data === undefined ? {} : { [data[0]]: target.dataset }),
  };
  return stringify({ recipe: recipe?.id ?? "", params });
}

/** The document of a run as it was written, apart from its name: two runs of one name are hard to tell apart. */
function cloneText(parent: RunDetail): string {
  const { spec } = parent;
  return stringify({
    name: `${parent.name}-copy`,
    project: parent.project,
    ...(parent.experiment === null ? {} : { experiment: parent.experiment }),
    recipe: parent.recipe,
    ...(spec?.preset === undefined ? {} : { preset: spec.preset }),
    params: spec?.params ?? {},
    ...(spec === null || spec.args.length === 0 ? {} : { args: spec.args }),
    ...(spec === null || Object.keys(spec.env).length === 0 ? {} : { env: spec.env }),
    ...(spec?.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec?.seed === undefined ? {} : { seed: spec.seed }),
  });
}

/** When an answer lacked fields it is asked for again after this long. */
export const ASK_AGAIN_MS = 4_000;

/** @throws TrainyardError python_unusable | timeout | unknown_recipe (there is none at all) */
export async function askCatalogue(transport: Transport, python: string | null): Promise<RecipeCatalogue> {
  const catalogue = await transport.request("listRecipes", { query: python === null ? {} : { python }, timeoutMs: 60_000 });
  if (catalogue.recipes.length === 0)
    throw new TrainyardError("unknown_recipe", "this Python offers no recipe", "Choose another interpreter.", catalogue.problems);
  return catalogue;
}

/** The recipe of a document; null when it names none that there is. */
export function recipeOf(catalogue: RecipeCatalogue, values: JsonObject): Recipe | null {
  return catalogue.recipes.find((each) => each.id === values["recipe"]) ?? null;
}
