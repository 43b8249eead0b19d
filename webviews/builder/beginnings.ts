/** The first text of a draft: of a recipe, of an earlier run, or of a file that was chosen. */
import { stringify } from "yaml";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Recipe, RecipeCatalogue } from "../../protocol/recipe.ts";

export interface BuilderTarget {
  readonly recipe: string | null;
  /** Clones this run. */
  readonly from: string | null;
  /** Runs this Python file, relative to the workspace. */
  readonly script: string | null;
  /** URI of a run document; the others are null then. */
  readonly document: string | null;
}

/** @param parent the run of `target.from` */
export function firstText(target: BuilderTarget, catalogue: RecipeCatalogue, parent: RunDetail | null): string {
  if (parent !== null) return cloneText(parent);
  const wanted = target.script === null ? target.recipe : "script";
  const recipe = catalogue.recipes.find((each) => each.id === wanted) ?? catalogue.recipes[0];
  const params: JsonObject = target.script === null ? {} : { script: target.script };
  return stringify({ recipe: recipe?.id ?? "", params });
}

/** The document of a run as it was written, apart from its name: two runs of one name are hard to tell apart. */
function cloneText(parent: RunDetail): string {
  const { spec } = parent;
  return stringify({
    name: `${parent.name}-copy`,
    project: parent.project,
    recipe: parent.recipe,
    ...(spec?.preset === undefined ? {} : { preset: spec.preset }),
    params: spec?.params ?? {},
    ...(spec === null || spec.args.length === 0 ? {} : { args: spec.args }),
    ...(spec === null || Object.keys(spec.env).length === 0 ? {} : { env: spec.env }),
    ...(spec?.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec?.seed === undefined ? {} : { seed: spec.seed }),
  });
}

/** The recipe of a document; null when it names none that there is. */
export function recipeOf(catalogue: RecipeCatalogue, values: JsonObject): Recipe | null {
  return catalogue.recipes.find((each) => each.id === values["recipe"]) ?? null;
}
