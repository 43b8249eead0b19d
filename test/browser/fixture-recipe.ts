/** A recipe for the browser tests, and what the server would say of a run of it. */
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport, RecipeCatalogue, RecipeField } from "../../protocol/recipe.ts";
import type { DryRun } from "../../protocol/spec.ts";

/** One recipe with a field for each widget of the form. */
export const CATALOGUE: RecipeCatalogue = {
  environment: { executable: "/usr/bin/python3", version: "3.12.0", prefix: "/usr", packages: {} },
  problems: [
    {
      severity: "error",
      field: "",
      message: "trainyard_recipes/mine.py line 3: ImportError: No module named 'lost'",
      hint: "Mend the file; its recipes are left out until then.",
    },
  ],
  complete: true,
  recipes: [
    {
      id: "tiny",
      title: "Tiny",
      description: "A small training.",
      framework: "custom",
      sections: [
        { id: "data", title: "Data", description: "What is read." },
        { id: "training", title: "Training", description: "How long and how fast." },
      ],
      schema: {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        required: ["train_file"],
        additionalProperties: false,
        properties: {
          train_file: field("data", 1, { type: "string", "x-path": { kind: "file", must_exist: true } }),
          columns: field("data", 2, { type: "array", items: { type: "string" }, default: [] }),
          prompt: field("data", 3, { type: "string", "x-widget": "multiline", default: "" }),
          shuffle: field("data", 4, { type: "boolean", default: true }),
          learning_rate: field("training", 5, { type: "number", default: 0.1, exclusiveMinimum: 0, "x-usual-range": [0.001, 1] }),
          schedule: field("training", 6, { enum: ["linear", "cosine"], default: "linear" }),
          optimizer: field("training", 7, { enum: ["a", "b", "c", "d", "e", "f"], default: "a" }),
          dropout: field("training", 8, { type: "number", "x-widget": "slider", minimum: 0, maximum: 1, default: 0.1 }),
          extra: field("training", 9, { type: "object", default: {}, "x-advanced": true }),
        },
      },
      presets: { quick: { title: "Quick", values: { learning_rate: 0.5 } } },
      requires: [],
      resumable: true,
      origin: "builtin",
    },
  ],
};

function field(section: string, order: number, rest: Partial<RecipeField>): RecipeField {
  const title = `Field ${String(order)}`;
  return { title, description: `${title} of the form.`, "x-section": section, "x-order": order, ...rest };
}

/** The params stand in the command, so that a test sees which ones arrived. */
export function dryRun({ spec }: CreateRun): DryRun {
  return {
    command: ["python", "train.py", JSON.stringify(spec.params)],
    cwd: "/work space",
    env: {},
    resolved: {
      run: "run_1m7xtgkqnpx92vmy0",
      recipe: spec.recipe,
      params: spec.params,
      sources: {},
      seed: null,
      run_dir: "/store/run",
      checkpoint_dir: "/store/run/checkpoints",
      artifact_dir: "/store/run/artifacts",
      resume_from: null,
      extra: {},
    },
  };
}

/** A rate above 0.4 needs more memory than there is, which a smaller one cures. */
export function preflight({ spec }: CreateRun): PreflightReport {
  const rate = spec.params["learning_rate"];
  const big = typeof rate === "number" && rate > 0.4;
  const likely = big ? 30e9 : 10e9;
  return {
    facts: {},
    problems: big
      ? [
          {
            severity: "warning",
            field: "params.learning_rate",
            message: "is too much for this machine",
            hint: null,
            fixes: [{ path: "params.learning_rate", value: 0.3, label: "Set it to 0.3" }],
          },
        ]
      : [],
    estimate: {
      train_rows: 100,
      eval_rows: null,
      effective_batch: 8,
      devices: 1,
      steps: 1728,
      total_parameters: 4_000_000_000,
      trainable_parameters: 33_000_000,
      memory: [
        {
          kind: "gpu",
          index: 0,
          name: "GPU 0",
          low_bytes: likely * 0.9,
          likely_bytes: likely,
          high_bytes: likely * 1.1,
          parts: [
            { name: "weights", bytes: likely * 0.6 },
            { name: "activations", bytes: likely * 0.4 },
          ],
          free_bytes: 24e9,
          total_bytes: 25e9,
          basis: "earlier runs",
          evidence: "3 runs of yesterday",
        },
      ],
      disk: { path: "/", checkpoint_bytes: 4e8, checkpoints: 4, final_model_bytes: 1e8, total_bytes: 17e8, free_bytes: 2e11 },
      time: { low_seconds: 5000, likely_seconds: 5460, high_seconds: 6000, seconds_per_step: 3, basis: "earlier runs", evidence: "3 runs" },
    },
  };
}
