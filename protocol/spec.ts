/** The run document (`*.run.yaml`) and what becomes of it. */
import * as z from "zod";
import { LONGEST_DESCRIPTION } from "./constants.ts";
import { RunId, Slug } from "./ids.ts";
import { DatasetState } from "./dataset.ts";
import { JsonObject, JsonValue } from "./json.ts";
import { SweepSpec } from "./sweep-spec.ts";

export const LaunchSpec = z
  .object({
    kind: z.enum(["local"]).default("local"),
    /** Values for CUDA_VISIBLE_DEVICES; empty = whatever the machine shows. */
    gpus: z.array(z.string()).default([]),
  })
  .strict();
export type LaunchSpec = z.infer<typeof LaunchSpec>;

/** What becomes an argument, a variable or a path of a process: the system ends such a text at its first NUL character. */
const ProcessText = z.string().refine((text) => !text.includes("\0"), "it holds a NUL character");

export const RunSpec = z
  .object({
    name: z.string().min(1).max(200).optional().describe("Shown name of the run. A name is made up from the recipe when it is left out."),
    project: Slug.default("default").describe("Project that the run belongs to."),
    experiment: Slug.optional().describe("Experiment that the run belongs to: its configurations over time are kept together."),
    description: z.string().max(LONGEST_DESCRIPTION).default(""),
    tags: z.array(z.string().min(1).max(80)).max(100).default([]),
    recipe: z
      .string()
      .min(1)
      .describe("What to train: hf-causal-lm, hf-lora, trl-sft, trl-dpo, lightning, script, command, or a recipe of your own."),
    preset: z.string().optional().describe("A named set of values of the recipe, applied below `params`."),
    params: JsonObject.default({}).describe("The recipe's fields; anything left out takes the preset's or the recipe's default."),
    args: z.array(ProcessText).default([]).describe("Further command-line arguments, passed on as they are (script and command)."),
    python: ProcessText.optional().describe("Interpreter that runs the training. Default: the one chosen in the editor."),
    cwd: ProcessText.optional().describe("Working directory. Default: the folder of the workspace."),
    env: z
      .record(z.string(), ProcessText)
      .refine((env) => Object.keys(env).every((name) => /^[^=\0]+$/.test(name)), "a variable has a name, without = and NUL characters")
      .default({})
      .describe("Environment variables set for the training."),
    seed: z.number().int().optional().describe("Random seed; runs that differ by it alone are replicates."),
    launch: LaunchSpec.prefault({}),
    grace_seconds: z
      .number()
      .nonnegative()
      .max(86_400)
      .default(60)
      .describe("How long a stop waits for the final checkpoint before it kills."),
    sweep: SweepSpec.optional().describe("Makes the document stand for many runs: the params to vary, how, and what is best."),
    track: z.boolean().default(true).describe("Track scripts that import nothing of Trainyard through the import hook."),
  })
  .strict()
  .meta({ patternProperties: { "^x-": true } });
export type RunSpec = z.infer<typeof RunSpec>;
/** What a user may write: everything with a default may be missing. */
export type RunSpecInput = z.input<typeof RunSpec>;

export const ValueSource = z.enum(["recipe default", "preset", "project default", "script", "spec", "override", "parent run"]);
export type ValueSource = z.infer<typeof ValueSource>;

/** resolved.json: every effective value and where it came from. The adapter reads its params from here. */
export const ResolvedSpec = z.object({
  run: RunId,
  recipe: z.string(),
  params: JsonObject,
  sources: z.record(z.string(), ValueSource),
  seed: z.number().int().nullable(),
  /** The run folder and the folder that checkpoints go to, absolute. */
  run_dir: z.string(),
  checkpoint_dir: z.string(),
  artifact_dir: z.string(),
  /** Set on a continued attempt or a fork: the checkpoint to start from. */
  resume_from: z
    .object({
      path: z.string(),
      step: z.number().int().nonnegative(),
      /** `state` restores optimizer, scheduler and step; `weights` loads parameters only. */
      mode: z.enum(["state", "weights"]),
    })
    .nullable(),
  /** The local datasets as they lay there when this was written; absent where no server wrote it, and of what was never made a run. */
  datasets: z.array(DatasetState).optional(),
  extra: z.record(z.string(), JsonValue).default({}),
});
export type ResolvedSpec = z.infer<typeof ResolvedSpec>;

/**
 * What the values of a run were planned with: the folder that its relative paths refer to, and its interpreter.
 * @param resolved as its file or a `RunDetail` has it; null where it cannot be read
 */
export function startedFrom(resolved: { readonly extra?: JsonValue } | null): { baseDir: string | null; python: string | null } {
  const extra = JsonObject.safeParse(resolved?.extra).data ?? {};
  const text = (value: JsonValue | undefined): string | null => (typeof value === "string" ? value : null);
  return { baseDir: text(extra["base_dir"]), python: text(extra["python"]) };
}

export const DryRun = z.object({
  command: z.array(z.string()),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  resolved: ResolvedSpec,
});
export type DryRun = z.infer<typeof DryRun>;
