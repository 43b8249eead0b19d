/** Every recipe the way of a user: a form is filled in, which writes YAML; that is dry-run, started, and trains to its end. */
import { cp } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiClient } from "../../protocol/client.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { firstText, recipeOf } from "../../webviews/builder/beginnings.ts";
import { effectiveParams, type FormState, formOf, problems, provenance, setValue } from "../../webviews/builder/form-model.ts";
import { DraftDocument } from "../../webviews/builder/run-document.ts";
import { python, ROOT } from "../support/machine.ts";
import { openWorkspace, untilState, type Workspace } from "./workspace.ts";

let workspace: Workspace;
let client: ApiClient;
let catalogue: RecipeCatalogue;
beforeAll(async () => {
  workspace = await openWorkspace();
  for (const name of ["data", "lightning_module.py"])
    await cp(path.join(ROOT, "examples", name), path.join(workspace.dir, name), { recursive: true });
  await workspace.json(["serve", "--ensure"]);
  client = await workspace.client();
  catalogue = await client.call("listRecipes", { query: { python: python() } });
});
afterAll(() => workspace.close());

/** The document that the builder writes when these fields are filled in. */
async function filledIn(recipe: string, script: string | null, values: JsonObject): Promise<{ text: string; spec: RunSpec }> {
  const document = new DraftDocument(null, () => undefined);
  document.begin(firstText({ recipe, from: null, script, dataset: null, document: null }, catalogue, null));
  document.edit([{ path: ["python"], value: python() }]);
  const { spec: first } = readRunDocument(document.text!);
  const ofScript = script === null ? null : (await client.call("scriptForm", { body: { spec: first! } })).recipe;
  const form = (): FormState => {
    const written = readRunDocument(document.text!).values!;
    return formOf(ofScript ?? recipeOf(catalogue, written)!, written);
  };
  for (const [name, value] of Object.entries(values)) {
    document.edit(setValue(form(), name, value));
    expect(effectiveParams(form())[name], name).toEqual(value);
    expect(provenance(form(), name).origin).toBe("changed");
  }
  expect([...problems(form()).values()].filter(({ severity }) => severity === "error")).toEqual([]);
  const text = document.text!;
  const reading = readRunDocument(text);
  expect(reading.problems).toEqual([]);
  return { text, spec: reading.spec! };
}

/** Fills the form in, looks at the dry run, and starts just that. */
async function started(recipe: string, values: JsonObject, script: string | null = null): Promise<RunDetail> {
  const { text, spec } = await filledIn(recipe, script, values);
  const planned = await client.call("dryRun", { body: { spec, start: true } });
  for (const [name, value] of Object.entries(values)) {
    expect(planned.resolved.params[name], name).toEqual(value);
    expect(planned.resolved.sources[name]).toBe("spec");
  }
  const run = await client.call("createRun", { body: { spec, source: text, start: true }, timeoutMs: 120_000 });
  expect(run.spec?.params).toEqual({ ...values, ...(script !== null && { script }) });
  return run;
}

const ARGUMENTS = { max_steps: 2, per_device_train_batch_size: 3, learning_rate: 0.004, logging_steps: 1, use_cpu: true };
const TRAINER = { ...ARGUMENTS, omp_threads: 1 };
const NEW_MODEL = { model_source: "new", hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64 };
const FORECAST = {
  window: 8,
  d_model: 16,
  n_layers: 1,
  n_heads: 2,
  max_steps: 2,
  log_every_n_steps: 1,
  accelerator: "cpu",
  omp_threads: 1,
};

describe("from the form to the end of the training", () => {
  it("trains with every recipe what the form says", async () => {
    const base = await started("hf-causal-lm", { train_file: "data/text.txt", ...NEW_MODEL, max_length: 32, ...TRAINER });
    const others = [
      started("lightning", { module_file: "lightning_module.py", module_args: { width: 4 }, max_steps: 2, log_every_n_steps: 1 }),
      started("forecast", { data_file: "data/synthetic-candles.csv", ...FORECAST }),
      started("script", { steps: 3 }, "own_loop.py"),
      started("command", { command: [python(), "-c", "import trainyard; trainyard.init().log({'train/loss': 1.5}, step=1)"] }),
    ];
    const model = path.join((await untilState(client, base.id, ["completed"])).run_dir, "artifacts", "model");
    const trained = { model, max_length: 32, ...TRAINER };
    const runs = await Promise.all([
      ...others,
      started("hf-lora", { train_file: "data/text.txt", ...trained, lora_r: 3 }),
      started("trl-sft", { train_file: "data/prompt-completion.jsonl", ...trained, lora_r: 3 }),
      started("trl-dpo", { train_file: "data/preference.jsonl", ...trained, beta: 0.3 }),
    ]);
    const ended = await Promise.all([base, ...runs].map((run) => untilState(client, run.id, ["completed"])));
    expect(ended.map((run) => run.recipe).sort()).toEqual(catalogue.recipes.map((recipe) => recipe.id).sort());
    for (const run of ended) {
      expect(Number.isFinite(run.metrics["train/loss"]?.last), `${run.recipe} logs ${Object.keys(run.metrics).join(", ")}`).toBe(true);
      // What the trainer itself said of its settings, from inside the process.
      if (/^(hf|trl)-/.test(run.recipe)) expect(run.params).toMatchObject(ARGUMENTS);
    }
  });
});
