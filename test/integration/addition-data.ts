/** Rows and a spec for a tiny model that is made new: real training by a recipe, a fraction of a second per ten steps. */
import type { RunSpecInput } from "../../protocol/spec.ts";
import { python } from "../support/machine.ts";

/** JSONL of sums, one per line. */
export function additionRows(count: number): string {
  return Array.from({ length: count }, (_, index) => JSON.stringify({ text: `${index % 37}+${index % 53}=${(index % 37) + (index % 53)}` }))
    .join("\n")
    .concat("\n");
}

export function additionSpec(params: Readonly<Record<string, string | number | boolean>> = {}): RunSpecInput {
  return {
    name: "addition",
    recipe: "hf-causal-lm",
    python: python(),
    seed: 1,
    grace_seconds: 60,
    env: { OMP_NUM_THREADS: "1" },
    params: {
      train_file: "rows.jsonl",
      model_source: "new",
      hidden_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
      max_length: 16,
      max_steps: 400,
      per_device_train_batch_size: 8,
      learning_rate: 0.003,
      logging_steps: 1,
      save_steps: 50,
      use_cpu: true,
      ...params,
    },
  };
}
