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

/** Python that saves a tiny Llama with a tokenizer of single characters into the folder `models/base`: there is no hub to load one from. */
export const MAKE_MODEL = `
import string
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
words = ["<pad>", "<s>", "</s>", "<unk>", *string.printable]
tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
).save_pretrained("models/base")
sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
LlamaForCausalLM(LlamaConfig(vocab_size=len(words), max_position_embeddings=512, **sizes)).save_pretrained("models/base")
`;

/** Hourly candles of a slow wave, no market's. */
export const CANDLES = [
  "time,open,high,low,close,volume,synthetic",
  ...Array.from({ length: 600 }, (_, hour) => {
    const [open, close] = [hour, hour + 1].map((at) => 100 + 10 * Math.sin(at / 20) + Math.sin(at * 1.7)) as [number, number];
    const time = new Date(Date.UTC(2024, 0, 1, hour)).toISOString();
    const row = [open, Math.max(open, close) + 0.5, Math.min(open, close) - 0.5, close, 1000 + (hour % 24)];
    return `${time},${row.map((value) => value.toFixed(4)).join(",")},true`;
  }),
  "",
].join("\n");
