/** Questions to Optuna in the user's Python, each in a process of its own that is told all there is to know (trainyard.recipes.search). */
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { SearchAnswer, type SearchTrial } from "../../protocol/sweep-search.ts";
import type { SweepSpec } from "../../protocol/sweep-spec.ts";
import { unusable } from "../recipes/interpreter.ts";
import type { Recipes } from "../recipes/recipes.ts";

/** Optuna from a cold disk is most of it. */
const PATIENCE_MS = 60_000;

export type SearchQuestion = { readonly trials: readonly SearchTrial[] } & (
  { readonly ask: "suggest"; readonly count: number } | { readonly ask: "prune" | "importance" }
);

/** Whom to ask, and about what. */
export interface SearchPlace {
  readonly recipes: Recipes;
  readonly spec: RunSpec;
  readonly baseDir: string;
}

/** @throws TrainyardError python_unusable (Optuna is missing or fails) | missing_file | timeout */
export async function askOptuna(
  { recipes, spec, baseDir }: SearchPlace,
  sweep: SweepSpec,
  question: SearchQuestion,
): Promise<SearchAnswer> {
  const place = recipes.place(spec, baseDir);
  const input = { ...question, sweep } as unknown as JsonObject;
  const answer = await recipes.ask(
    { command: "search", input, env: spec.env, timeoutMs: PATIENCE_MS, inputField: "sweep" },
    place,
    SearchAnswer,
  );
  if (answer.missing !== undefined)
    throw unusable(
      `${place.python} lacks ${answer.missing}, which the search needs`,
      `Install it: ${place.python} -m pip install ${answer.missing}, choose another interpreter, or use the method random, which needs nothing.`,
    );
  if (answer.failed === undefined) return answer;
  throw new TrainyardError("python_unusable", `Optuna in ${place.python} failed: ${answer.failed}`, "Does its version fit that Python?");
}

/** @param trials all that were chosen before, in their order */
export async function suggest(place: SearchPlace, sweep: SweepSpec, count: number, trials: readonly SearchTrial[]): Promise<JsonObject[]> {
  const { suggestions } = await askOptuna(place, sweep, { ask: "suggest", count, trials });
  if (suggestions?.length === count) return suggestions;
  throw new TrainyardError("internal", `the search gave ${String(suggestions?.length ?? 0)} suggestions and not ${count}`);
}
