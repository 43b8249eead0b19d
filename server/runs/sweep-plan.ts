/** From a document with a `sweep` to runs that were found good. Writes nothing. */
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import { expandSweep, specOfRun, sweepName, type SweepCombination } from "../../protocol/expand-sweep.ts";
import { checkField } from "../../protocol/field-check.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { sweepRunCount, type OptunaSweep, type SweepRange, type SweepSpec } from "../../protocol/sweep-spec.ts";
import type { CreateSweep, SweepPlan, SweepRecord } from "../../protocol/sweep.ts";
import { refuse } from "../recipes/recipes.ts";
import { baseDirOf, mustPassCheck, planRun, projectDefaults, type PrepareContext } from "./prepare.ts";
import { suggest } from "./search.ts";

/** @throws TrainyardError as planRun, and invalid_spec for values of the sweep that the recipe refuses */
export async function planSweep(context: PrepareContext, request: CreateSweep): Promise<SweepPlan> {
  const { spec } = request;
  const sweep = mustHaveSweep(spec);
  const baseDir = baseDirOf(request, context.baseDir);
  const combinations = sweep.method === "optuna" ? await firstDraws(context, spec, sweep, baseDir) : expandSweep(sweep);
  const [first] = combinations;
  if (first === undefined) throw new TrainyardError("internal", "a sweep without a run passed the check of its shape");
  const one = specOfRun(spec, first, 0);
  const draft = await context.recipes.draft(one, baseDir, { project: await projectDefaults(context, spec.project) });
  const recipe = draft.recipe.id === "script" ? (await context.recipes.scriptForm(one, draft)).recipe : draft.recipe;
  refuse(problemsOf(recipe, sweep, combinations));
  // Interpreter, files and dataset are those of all its runs; the values that differ were looked at above.
  const plan = await planRun(context, one, baseDir);
  const { problems } = await mustPassCheck(context, plan, one);
  const { concurrency } = sweep;
  return {
    name: sweepName(spec),
    project: spec.project,
    recipe: spec.recipe,
    concurrency,
    objective: sweep.objective ?? null,
    run_count: sweepRunCount(sweep),
    runs: combinations,
    warnings: problems,
  };
}

/** The runs of a search that need no result. @throws TrainyardError python_unusable when there is no Optuna to search with */
async function firstDraws(context: PrepareContext, spec: RunSpec, sweep: OptunaSweep, baseDir: string): Promise<SweepCombination[]> {
  const count = Math.min(sweep.n, sweep.startup_trials);
  const suggestions = await suggest({ recipes: context.recipes, spec, baseDir }, sweep, count, []);
  return suggestions.map((params) => ({ params, seed: null }));
}

/** The document of the whole, as it was given. */
export function requestOf({ spec, base_dir }: SweepRecord): CreateSweep {
  return { spec, ...(base_dir !== null && { base_dir }) };
}

/** @throws TrainyardError invalid_spec */
export function mustHaveSweep(spec: RunSpec): SweepSpec {
  if (spec.sweep !== undefined) return spec.sweep;
  const message = "the document has no section sweep";
  const hint = "Add one that says which params to vary, or start it as a run.";
  throw new TrainyardError("invalid_spec", message, hint, [{ severity: "error", field: "sweep", message, hint }]);
}

/** The ends of a range: draws may come as near to them as they like. */
function bounds(range: SweepRange | undefined): number[] {
  if (range === undefined || Array.isArray(range)) return [];
  return Object.values(range).flat();
}

/** Each param that the recipe does not know, and the first value of each that it refuses. */
function problemsOf(recipe: Recipe, sweep: SweepSpec, combinations: readonly SweepCombination[]): Problem[] {
  const { properties, additionalProperties } = recipe.schema;
  return Object.keys(sweep.params).flatMap((name): Problem[] => {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field === undefined) {
      if (additionalProperties) return [];
      const near = nearest(name, Object.keys(properties));
      const hint = near === null ? null : `Did you mean ${near}?`;
      return [{ severity: "error", field: `sweep.params.${name}`, message: `the recipe ${recipe.id} has no field ${name}`, hint }];
    }
    const tried = [...combinations.map(({ params }) => params[name] ?? null), ...bounds(sweep.params[name])];
    const values = new Map(tried.map((value) => [JSON.stringify(value), value]));
    for (const [text, value] of values) {
      const found = checkField(name, field, value);
      if (found?.severity === "error")
        return [{ ...found, field: `sweep.params.${name}`, message: `${name} cannot be ${text}: it ${found.message}` }];
    }
    return [];
  });
}
