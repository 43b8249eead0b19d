/** The form of a script, as the interpreter's parser reads it from the source, and the command line that values become. */
import { statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { isApplicable } from "../../protocol/field-check.ts";
import { ExclusiveOptions, ScriptForm, ScriptOption } from "../../protocol/documents.ts";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { RecipeField, type Recipe } from "../../protocol/recipe.ts";
import { askRecipes } from "./python-module.ts";

/** `python -m trainyard.recipes inspect`. */
const Inspected = z.object({
  kind: ScriptForm.shape.kind,
  read_from: ScriptForm.shape.read_from,
  sections: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })),
  fields: z.record(z.string(), RecipeField),
  required: z.array(z.string()),
  arguments: z.record(z.string(), ScriptOption),
  exclusive: z.array(ExclusiveOptions),
  notes: z.array(z.string()),
});
export type Inspected = z.infer<typeof Inspected>;

export interface ScriptPlace {
  readonly python: string;
  readonly packageRoot: string;
  /** Absolute path of the script. */
  readonly script: string;
  readonly cwd: string;
  /** The environment of the run, for a script that is run with `--help`. */
  readonly env: Readonly<Record<string, string>>;
  /** May it be run with `--help` when its source tells nothing? */
  readonly mayRun: boolean;
}

/** Does the document ask for it? Running a script runs the user's code. */
export function mayRunHelp(params: JsonObject): boolean {
  return params["script_form"] === "help";
}

/** The script that params name, when there is such a file; whatever else is wrong with them is for the check of the fields to say. */
export function scriptOf(params: JsonObject, cwd: string): string | null {
  const script = params["script"];
  if (typeof script !== "string" || script === "") return null;
  const file = path.resolve(cwd, script);
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}

function inspectArgs({ script, mayRun }: ScriptPlace): string[] {
  return ["inspect", script, ...(mayRun ? ["--run-help"] : [])];
}

/** @throws TrainyardError invalid_spec when the file is no Python, with its line */
export async function inspectScript(place: ScriptPlace): Promise<Inspected> {
  const { python, packageRoot, cwd, env } = place;
  return askRecipes({ python, packageRoot, cwd, env, args: inspectArgs(place), inputField: "params.script" }, Inspected);
}

/** The words for those values that the form knows and that differ from their defaults. @throws TrainyardError invalid_spec */
export async function scriptArguments(place: ScriptPlace, form: Inspected, params: JsonObject): Promise<string[]> {
  const values = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(form.fields, name)));
  if (Object.keys(values).length === 0) return [];
  const { python, packageRoot, cwd, env } = place;
  const args = [...inspectArgs(place), "--arguments"];
  const input = JSON.stringify(values);
  const call = { python, packageRoot, cwd, env, args, input, inputField: "params" };
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

/** What scripts call the seed of everything that is random; the first that there is takes the document's. */
const SEED_NAMES = ["seed", "seed_everything", "random_seed", "manual_seed", "global_seed", "rng_seed"];

/** The option that a document's `seed` is passed to; null where there is none, or several parts of a configuration have one of their own. */
export function seedOption({ fields }: Inspected): string | null {
  const numbers = Object.keys(fields).filter((name) => [fields[name]?.type].flat().some((type) => type === "integer" || type === "number"));
  const named = SEED_NAMES.find((name) => numbers.includes(name));
  if (named !== undefined) return named;
  const nested = numbers.filter((name) => SEED_NAMES.includes(name.split(".").at(-1) ?? ""));
  return nested.length === 1 ? (nested[0] ?? null) : null;
}

/** @param params the effective values: what the script's own rules refuse of them */
export function scriptProblems(form: Inspected, params: JsonObject, given: boolean): Problem[] {
  return form.exclusive.flatMap(({ names, required }) => {
    const fields = names.filter((name) => {
      const field = form.fields[name];
      return field !== undefined && isApplicable(field, (key) => params[key]);
    });
    const set = fields.filter((name) => JSON.stringify(params[name] ?? null) !== JSON.stringify(form.fields[name]?.default ?? null));
    const [first, second] = set;
    const listed = names.join(", ");
    if (first !== undefined && second !== undefined)
      return [problem(second, `${second} cannot go together with ${first}`, `The script takes one of ${listed}.`)];
    const [missing] = fields;
    if (!required || given || first !== undefined || missing === undefined) return [];
    return [problem(missing, `one of ${listed} is missing`, "The script takes exactly one of them.")];
  });
}

function problem(name: string, message: string, hint: string): Problem {
  return { severity: "error", field: `params.${name}`, message, hint };
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
