/** Between the server and Optuna in the user's Python: one question at a time, each with all that is known (`trainyard.recipes.search`). */
import * as z from "zod";
import { JsonObject } from "./json.ts";

export const SearchTrial = z.object({
  params: JsonObject,
  state: z.enum(["running", "complete", "pruned", "failed"]),
  /** The best value of the objective; null unless complete. */
  value: z.number().nullable(),
  /** The objective over the steps, thinned: `[step, value]`, steps rising. */
  steps: z.array(z.tuple([z.number(), z.number()])),
  /** The step up to which a running trial was judged before; null when it was not. */
  judged: z.number().nullable(),
});
export type SearchTrial = z.infer<typeof SearchTrial>;

/** What the interpreter answers; one of the parts is there. */
export const SearchAnswer = z.object({
  suggestions: z.array(JsonObject).optional(),
  /** Places of the trials that are to end. */
  prune: z.array(z.number().int().nonnegative()).optional(),
  importance: z.object({ method: z.enum(["fanova", "ped_anova"]), params: z.record(z.string(), z.number()) }).optional(),
  /** A package that it lacks. */
  missing: z.string().optional(),
  /** What Optuna said when it failed. */
  failed: z.string().optional(),
});
export type SearchAnswer = z.infer<typeof SearchAnswer>;
