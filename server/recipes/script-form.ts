/** The form of a script, as the interpreter's parser reads it from the source, and the command line that values become. */
import { statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { ScriptForm, ScriptOption } from "../../protocol/documents.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { RecipeField, type Recipe } from "../../protocol/recipe.ts";
import { askRecipes } from "./python-module.ts";

/** `python -m trainyard.recipes inspect`. */
const Inspected = z.object({
  kind: ScriptForm.shape.kind,
  sections: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })),
  fields: z.record(z.string(), RecipeField),
  required: z.array(z.string()),
  arguments: z.record(z.string(), ScriptOption),
  notes: z.array(z.string()),
});
export type Inspected = z.infer<typeof Inspected>;

export interface ScriptPlace {
  readonly python: string;
  readonly packageRoot: string;
  /** Absolute path of the script. */
  readonly script: string;
  readonly cwd: string;
}

/** The script that params name, when there is such a file; whatever else is wrong with them is for the check of the fields to say. */
export function scriptOf(params: JsonObject, cwd: string): string | null {
  const script = params["script"];
  if (typeof script !== "string" || script === "") return null;
  const file = path.resolve(cwd, script);
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}

/** @throws TrainyardError invalid_spec when the file is no Python, with its line */
export function inspectScript(place: ScriptPlace): Promise<Inspected> {
  const { python, packageRoot, cwd } = place;
  return askRecipes({ python, packageRoot, cwd, args: ["inspect", place.script], inputField: "params.script" }, Inspected);
}

/** The words for those values that the form knows and that differ from their defaults. @throws TrainyardError invalid_spec */
export async function scriptArguments(place: ScriptPlace, form: Inspected, params: JsonObject): Promise<string[]> {
  const values = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(form.fields, name)));
  if (Object.keys(values).length === 0) return [];
  const { python, packageRoot, cwd } = place;
  const args = ["inspect", place.script, "--arguments"];
  const input = JSON.stringify(values);
  const call = { python, packageRoot, cwd, args, input, inputField: "params" };
  return (await askRecipes(call, z.object({ arguments: z.array(z.string()) }))).arguments;
}

/**
 * The recipe `script` with the script's own sections and fields after its own.
 * @param given arguments are given as words too: those may hold what the form calls required
 */
export function withScriptForm(recipe: Recipe, form: Inspected, given: boolean): Recipe {
  const after = Object.keys(recipe.schema.properties).length;
  const own = Object.entries(form.fields).map(([name, field]) => [name, { ...field, "x-order": field["x-order"] + after }] as const);
  return {
    ...recipe,
    sections: [...recipe.sections, ...form.sections.filter(({ id }) => !recipe.sections.some((section) => section.id === id))],
    schema: {
      ...recipe.schema,
      properties: { ...recipe.schema.properties, ...Object.fromEntries(own) },
      required: given ? recipe.schema.required : [...recipe.schema.required, ...form.required],
    },
  };
}

/** @throws TrainyardError missing_file: the document names no script, or none that is there */
export function mustHaveScript(params: JsonObject, cwd: string): string {
  const script = scriptOf(params, cwd);
  if (script !== null) return script;
  const named = params["script"];
  const message = typeof named === "string" && named !== "" ? `${path.resolve(cwd, named)} is not a file` : "the document names no script";
  const hint = "Name a Python file in params.script.";
  throw new TrainyardError("missing_file", message, hint, [{ severity: "error", field: "params.script", message, hint }]);
}
