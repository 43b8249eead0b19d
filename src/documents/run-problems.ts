/** What is wrong with a run document, each problem with its place: its shape, and its values against the recipe it names. Pure. */
import type { Problem } from "../../protocol/errors.ts";
import { checkField } from "../../protocol/field-check.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { Recipe, RecipeCatalogue } from "../../protocol/recipe.ts";
import { type PlacedProblem, readRunDocument } from "../../protocol/run-document/read.ts";

/** @param catalogue null while the interpreter has not been asked: then the shape alone is checked */
export function documentProblems(text: string, catalogue: RecipeCatalogue | null): PlacedProblem[] {
  const reading = readRunDocument(text);
  if (catalogue === null || reading.values === null) return [...reading.problems];
  const found = recipeProblems(reading.values, catalogue);
  return [...reading.problems, ...found.map((problem) => ({ problem, range: reading.locate(problem.field) }))];
}

function recipeProblems(values: JsonObject, catalogue: RecipeCatalogue): Problem[] {
  const { recipe: id, preset, params } = values;
  if (typeof id !== "string") return [];
  const recipe = catalogue.recipes.find((each) => each.id === id);
  if (recipe === undefined)
    return [
      wrong(
        "recipe",
        `there is no recipe ${id}`,
        catalogue.recipes.map((each) => each.id),
        id,
      ),
    ];
  const found: Problem[] = [];
  const presets = Object.keys(recipe.presets);
  if (typeof preset === "string" && !presets.includes(preset))
    found.push(wrong("preset", `the recipe ${id} has no preset ${preset}`, presets, preset));
  if (typeof params === "object" && params !== null && !Array.isArray(params)) found.push(...paramProblems(recipe, params));
  return found;
}

function paramProblems(recipe: Recipe, params: JsonObject): Problem[] {
  const { properties, additionalProperties } = recipe.schema;
  return Object.entries(params).flatMap(([key, value]) => {
    const field = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (field !== undefined) {
      const problem = checkField(key, field, value);
      return problem === null ? [] : [{ ...problem, message: `${key}: ${problem.message}` }];
    }
    return additionalProperties || (recipe.id === "script" && typeof params["script"] === "string")
      ? // The fields of a script are its own: they are known once its source was read, which the form and the start do.
        []
      : [wrong(`params.${key}`, `the recipe ${recipe.id} has no field ${key}`, Object.keys(properties), key)];
  });
}

function wrong(field: string, message: string, choices: readonly string[], written: string): Problem {
  const near = nearest(written, [...choices]);
  const list = choices.length > 0 && choices.length <= 12 ? `There are ${choices.join(", ")}.` : null;
  return { severity: "error", field, message, hint: near === null ? list : `Did you mean ${near}?` };
}
