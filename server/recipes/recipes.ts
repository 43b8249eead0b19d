/** What the recipes room offers: the catalogue of an interpreter, and the way from a spec to checked values and a command. */
import { statSync } from "node:fs";
import path from "node:path";
import type * as z from "zod";
import type { ScriptForm } from "../../protocol/documents.ts";
import { TrainyardError, type ErrorCode, type Problem } from "../../protocol/errors.ts";
import { PreflightReport, type PythonEnvironment, type Recipe, type RecipeCatalogue } from "../../protocol/recipe.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { SavePreset } from "../../protocol/preset.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { COMMAND_RECIPE, commandFor } from "./command-recipe.ts";
import { RecipeDescriber } from "./describe.ts";
import { findInterpreter, resolveProgram, unusable } from "./interpreter.ts";
import { savePreset, withOwnPresets } from "./presets.ts";
import { askRecipes } from "./python-module.ts";
import { missingPackages, pickRecipe, resolveParams, type ParamLayers, type ResolvedParams } from "./resolve.ts";
import {
  inspectScript,
  mayRunHelp,
  mustHaveScript,
  scriptArguments,
  scriptOf,
  scriptProblems,
  seedOption,
  withScriptForm,
  type Inspected,
  type ScriptPlace,
} from "./script-form.ts";
import { isMissingPath, validateParams } from "./validate.ts";

export interface RecipesOptions {
  readonly packageRoot: string;
  readonly defaultPython?: string | undefined;
}

/** A spec that was found good, and everything needed to start it. */
export interface Plan extends ResolvedParams {
  readonly recipe: Recipe;
  readonly python: string | null;
  readonly environment: PythonEnvironment | null;
  /** Working directory, absolute; relative paths in params refer to it. */
  readonly cwd: string;
  readonly command: readonly string[];
  /** What the values of a script's own form became; part of `command`. */
  readonly scriptArguments: readonly string[];
  /** What is worth a look but does not keep it from starting. */
  readonly warnings: readonly Problem[];
}

/** What a document says so far. */
export interface Draft {
  readonly recipe: Recipe;
  readonly python: string;
  readonly cwd: string;
  readonly params: JsonObject;
}

export interface Question {
  readonly command: string;
  readonly input: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** The field to blame when Python refuses the input. */
  readonly inputField: string;
}

interface WithScript {
  readonly recipe: Recipe;
  readonly resolved: ResolvedParams;
  readonly script: { readonly place: ScriptPlace; readonly form: Inspected } | null;
}

export class Recipes {
  readonly #options: RecipesOptions;
  readonly #describer: RecipeDescriber;

  constructor(options: RecipesOptions) {
    this.#options = options;
    this.#describer = new RecipeDescriber(options.packageRoot);
  }

  /** @throws TrainyardError python_unusable | timeout */
  async catalogue(python: string | undefined, baseDir: string, refresh: boolean): Promise<RecipeCatalogue> {
    const described = await this.#described(python, baseDir, refresh);
    const found = await Promise.all(described.recipes.map((recipe) => withOwnPresets(recipe, baseDir)));
    const problems = [...described.problems, ...found.flatMap((one) => one.problems)];
    return { ...described, recipes: found.map(({ recipe }) => recipe), problems };
  }

  /** @returns the preset's file. @throws TrainyardError unknown_recipe | conflict | python_unusable | disk_full | store_unwritable */
  async savePreset(preset: SavePreset, workspace: string): Promise<string> {
    const described = await this.#described(preset.python, workspace, false);
    return savePreset(pickRecipe(described, preset.recipe), workspace, preset);
  }

  /** The recipes without the workspace's presets. */
  async #described(python: string | undefined, baseDir: string, refresh: boolean): Promise<RecipeCatalogue> {
    const described = await this.#describer.describe(this.#interpreter(python, baseDir), baseDir, refresh);
    return { ...described, recipes: [...described.recipes.filter((recipe) => recipe.id !== COMMAND_RECIPE.id), COMMAND_RECIPE] };
  }

  /**
   * Finds the interpreter and the recipe, resolves the params and checks everything that can be checked without running it.
   * @throws TrainyardError unknown_recipe | python_unusable | invalid_spec | missing_file | timeout
   */
  async plan(spec: RunSpec, baseDir: string, layers: Omit<ParamLayers, "spec" | "preset">): Promise<Plan> {
    const cwd = workingDirectory(spec, baseDir);
    const chosen = await this.#choose(spec, baseDir);
    const { python, environment } = chosen;
    const all = { preset: spec.preset, ...layers, spec: spec.params };
    const { recipe, resolved, script } = await this.#withScript(chosen.recipe, spec, python, cwd, all);
    const problems = [...validateParams(recipe, resolved.params, cwd), ...seedProblems(spec, script?.form ?? null)];
    if (script !== null) problems.push(...scriptProblems(script.form, resolved.params, givesWords(spec, resolved.params)));
    refuse(problems);
    const words = script === null ? [] : await scriptArguments(script.place, script.form, resolved.params);
    const command = commandFor(recipe.id, resolved.params, spec.args, python, words);
    if (recipe.id === COMMAND_RECIPE.id && resolveProgram(command[0] ?? "", cwd, { ...process.env, ...spec.env }) === null)
      refuse([
        {
          severity: "error",
          field: "params.command",
          message: `params.command: ${command[0] ?? ""} does not exist`,
          hint: "Name a program on PATH or the path of an executable file.",
        },
      ]);
    return { ...resolved, recipe: chosen.recipe, python, environment, cwd, command, scriptArguments: words, warnings: problems };
  }

  /**
   * The recipe's own check inside the interpreter: dataset, columns, model. It reports; it does not throw for what it finds.
   * A check that itself fails or takes too long is a warning: the training may still be fine.
   * @param place where it would run (`gpus`, `checkpoint_dir`), for the forecast of what it needs
   */
  async check(plan: Plan, env: Readonly<Record<string, string>>, place: JsonObject = {}): Promise<PreflightReport> {
    if (plan.python === null || plan.recipe.id === COMMAND_RECIPE.id) return { problems: [...plan.warnings], facts: {}, estimate: null };
    // What a script defines itself is not known to the recipe.
    const params = Object.fromEntries(Object.entries(plan.params).filter(([name]) => Object.hasOwn(plan.recipe.schema.properties, name)));
    const input = JSON.stringify({ ...place, recipe: plan.recipe.id, params, base_dir: plan.cwd });
    const { python, cwd } = plan;
    try {
      const call = { python, packageRoot: this.#options.packageRoot, args: ["check"], cwd, input, env };
      const report = await askRecipes(call, PreflightReport);
      return { ...report, problems: [...plan.warnings, ...report.problems] };
    } catch (error) {
      const message = `the check before the start did not work: ${error instanceof Error ? error.message : String(error)}`;
      return { problems: [...plan.warnings, { severity: "warning", field: "", message, hint: null }], facts: {}, estimate: null };
    }
  }

  /**
   * A document that may be incomplete: its recipe, and its values with all defaults, unchecked.
   * @throws TrainyardError unknown_recipe | python_unusable | invalid_spec | missing_file | timeout
   */
  async draft(spec: RunSpec, baseDir: string, layers: Pick<ParamLayers, "project">): Promise<Draft> {
    const { python, cwd } = this.place(spec, baseDir);
    const recipe = pickRecipe(await this.catalogue(python, baseDir, false), spec.recipe);
    const { params } = resolveParams(recipe, { preset: spec.preset, ...layers, spec: spec.params });
    return { recipe, python, cwd, params };
  }

  /** The interpreter and the working directory of a document. @throws TrainyardError python_unusable | missing_file */
  place(spec: RunSpec, baseDir: string): Pick<Draft, "python" | "cwd"> {
    const cwd = workingDirectory(spec, baseDir);
    return { python: this.#interpreter(spec.python, baseDir), cwd };
  }

  /** @throws TrainyardError missing_file | invalid_spec | python_unusable | timeout */
  async scriptForm(spec: RunSpec, draft: Draft): Promise<ScriptForm> {
    const { python, cwd, params } = draft;
    const place = this.#scriptPlace(mustHaveScript(params, cwd), spec, python, cwd, params);
    const form = await inspectScript(place);
    const words = await scriptArguments(place, form, { ...seedParams(spec, form), ...spec.params });
    return {
      script: place.script,
      kind: form.kind,
      read_from: form.read_from,
      recipe: withScriptForm(draft.recipe, form, givesWords(spec, params)),
      options: form.arguments,
      exclusive: form.exclusive,
      seed_option: seedOption(form),
      notes: form.notes,
      arguments: words,
    };
  }

  /** Asks the recipes' module about a draft. @throws TrainyardError invalid_spec | python_unusable | timeout */
  async ask<T extends z.ZodType>(question: Question, { python, cwd }: Pick<Draft, "python" | "cwd">, shape: T): Promise<z.output<T>> {
    const { command, input, env, timeoutMs, inputField } = question;
    const call = { python, packageRoot: this.#options.packageRoot, args: [command], cwd, env, inputField };
    return askRecipes({ ...call, input: JSON.stringify(input), ...(timeoutMs !== undefined && { timeoutMs }) }, shape);
  }

  /** The recipe and the values; of a script with the fields of its own. */
  async #withScript(recipe: Recipe, spec: RunSpec, python: string | null, cwd: string, layers: ParamLayers): Promise<WithScript> {
    const resolved = resolveParams(recipe, layers);
    const script = recipe.id === "script" && python !== null ? scriptOf(resolved.params, cwd) : null;
    if (script === null || python === null) return { recipe, resolved, script: null };
    const place = this.#scriptPlace(script, spec, python, cwd, resolved.params);
    const form = await inspectScript(place);
    const extended = withScriptForm(recipe, form, givesWords(spec, resolved.params));
    const own = new Set(Object.keys(form.fields));
    const given = { ...seedParams(spec, form), ...layers.spec };
    return { recipe: extended, resolved: resolveParams(extended, { ...layers, spec: given }, own), script: { place, form } };
  }

  #scriptPlace(script: string, spec: RunSpec, python: string, cwd: string, params: JsonObject): ScriptPlace {
    return { python, packageRoot: this.#options.packageRoot, script, cwd, env: spec.env, mayRun: mayRunHelp(params) };
  }

  #interpreter(python: string | undefined, baseDir: string): string {
    return findInterpreter({ wanted: python, fallback: this.#options.defaultPython, baseDir });
  }

  async #choose(spec: RunSpec, baseDir: string): Promise<{ recipe: Recipe; python: string | null; environment: PythonEnvironment | null }> {
    if (spec.recipe === COMMAND_RECIPE.id) {
      // A command may have nothing to do with Python; an interpreter that the user names must exist all the same.
      const python = spec.python === undefined ? null : this.#interpreter(spec.python, baseDir);
      return { recipe: (await withOwnPresets(COMMAND_RECIPE, baseDir)).recipe, python, environment: null };
    }
    const python = this.#interpreter(spec.python, baseDir);
    let catalogue = await this.catalogue(python, baseDir, false);
    let recipe = catalogue.recipes.find((candidate) => candidate.id === spec.recipe);
    let missing = recipe === undefined ? [] : missingPackages(recipe, catalogue.environment.packages);
    if (recipe === undefined || missing.length > 0) {
      // A recipe was written or a package installed since we last asked: look again before refusing.
      catalogue = await this.catalogue(python, baseDir, true);
      recipe = pickRecipe(catalogue, spec.recipe);
      missing = missingPackages(recipe, catalogue.environment.packages);
    }
    if (missing.length > 0) {
      const one = missing.length === 1;
      throw unusable(
        `${python} lacks ${missing.join(", ")}, which the recipe ${recipe.id} needs`,
        `Install ${one ? "it" : "them"}: ${python} -m pip install ${missing.join(" ")}, or choose another interpreter.`,
      );
    }
    return { recipe, python, environment: catalogue.environment };
  }
}

/** Throws when a problem is an error; the code says what kind, the problems say which field. */
export function refuse(problems: readonly Problem[], code?: ErrorCode): void {
  const errors = problems.filter((found) => found.severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new TrainyardError(
    code ?? (errors.every(isMissingPath) ? "missing_file" : "invalid_spec"),
    first.message + more,
    first.hint,
    problems,
  );
}

/** The code for what a recipe's own check found. */
export function checkCode(problems: readonly Problem[]): ErrorCode {
  const errors = problems.filter((found) => found.severity === "error");
  if (errors.every((found) => isMissingPath(found) || /not found|no such file|does not exist/i.test(found.message))) return "missing_file";
  if (errors.some((found) => /data|column|split|(train|eval)_file|prompt|text_field|messages|chosen|rejected/i.test(found.field)))
    return "bad_dataset";
  return "invalid_spec";
}

/** Are there arguments that are given as words? */
function givesWords(spec: RunSpec, params: JsonObject): boolean {
  return spec.args.length > 0 || (Array.isArray(params["args"]) && params["args"].length > 0);
}

/** The document's seed as a value of the script's own option. */
function seedParams({ seed }: RunSpec, form: Inspected): JsonObject {
  const option = seedOption(form);
  return seed === undefined || option === null ? {} : { [option]: seed };
}

/** A seed that two places name differently, and one that nothing takes: the recipes that train themselves take every seed. */
function seedProblems({ recipe, seed, params }: RunSpec, form: Inspected | null): Problem[] {
  if (seed === undefined || (recipe !== "script" && recipe !== COMMAND_RECIPE.id)) return [];
  const option = form === null ? null : seedOption(form);
  if (option === null) {
    const message = `the ${recipe} has no option that the seed could be passed to`;
    const hint =
      "It finds the seed in the environment variable TRAINYARD_SEED; unless it reads that, runs that differ by the seed alone are the same.";
    return [{ severity: "warning", field: "seed", message, hint }];
  }
  const own = params[option];
  if (own === undefined || own === seed) return [];
  const message = `the seed is ${String(seed)}, and params.${option} is ${JSON.stringify(own)}`;
  const hint = `The seed of a document or sweep is passed to ${option}: leave one of the two out.`;
  return [{ severity: "error", field: `params.${option}`, message, hint }];
}

function workingDirectory(spec: RunSpec, baseDir: string): string {
  const cwd = path.resolve(baseDir, spec.cwd ?? ".");
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const message = `the working directory ${cwd} does not exist`;
    const field = spec.cwd === undefined ? "base_dir" : "cwd";
    throw new TrainyardError("missing_file", message, null, [{ severity: "error", field, message, hint: null }]);
  }
  return cwd;
}

/** Params whose values differ, with both. */
export function changedParams(before: JsonObject, after: JsonObject): JsonObject {
  const changes: JsonObject = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (JSON.stringify(before[name]) !== JSON.stringify(after[name]))
      changes[name] = { from: before[name] ?? null, to: after[name] ?? null };
  return changes;
}
