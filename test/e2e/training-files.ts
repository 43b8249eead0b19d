/** What lies in the folder that the tests open: rows to learn from, and a run document. */
import { stringify } from "yaml";
import { python } from "../support/machine.ts";

export const ROWS = Array.from({ length: 300 }, (_, index) =>
  JSON.stringify({ text: `${index % 37}+${index % 53}=${(index % 37) + (index % 53)}` }),
)
  .join("\n")
  .concat("\n");

/** A model made new, so small that a step takes some ten milliseconds; it trains until it is stopped. */
export const PARAMS = {
  train_file: "rows.jsonl",
  model_source: "new",
  hidden_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 64,
  max_length: 16,
  max_steps: 50_000,
  per_device_train_batch_size: 8,
  learning_rate: 0.003,
  logging_steps: 5,
  save_steps: 100,
  save_total_limit: 3,
  use_cpu: true,
} as const;

export const DOCUMENT = stringify({ name: "from a document", recipe: "hf-causal-lm", python: python(), params: PARAMS });

export const FILES: Readonly<Record<string, string>> = { "rows.jsonl": ROWS, "addition.run.yaml": DOCUMENT };
