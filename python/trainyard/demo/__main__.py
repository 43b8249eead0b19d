"""``python -m trainyard.demo prepare DIR`` writes the demo's data and its two run documents, and prints where they are (JSON).

The printed object::

    {"dir": DIR, "base": "…/addition.run.yaml", "adapter": "…/adapter.run.yaml", "placeholder": "./base-model",
     "adapter_model_field": "params.model", "base_model": "artifacts/model", "rows": {file: number of rows}}

The adapter trains on the model that the base run made, whose folder is known only once that run exists: whoever starts the adapter sets
``params.model`` to ``<folder of the base run>/artifacts/model``. Until then it holds the placeholder, which no check lets through.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from trainyard.demo.data import write_data

BASE_MODEL_PLACEHOLDER = "./base-model"

_BASE = """\
# A tiny Llama made from its configuration learns to add: "12+34=" → "46".
# The held-out pairs never occur in the training file, so exact match says that it learned to add and did not learn rows by heart.
name: addition (tiny Llama)
project: demo
description: A 350 thousand parameter Llama with random weights learns the sums of numbers below 100.
tags: [demo]
recipe: hf-causal-lm
seed: 1
params:
  train_file: addition.train.jsonl
  eval_file: addition.eval.jsonl
  completion_only_loss: true
  max_length: 32
  model_source: new
  hidden_size: 128
  num_hidden_layers: 2
  num_attention_heads: 4
  intermediate_size: 256
  initializer_range: 0.06 # a wider start than the usual 0.02: so small a model finds the carry much sooner
  new_tokenizer: characters
  max_steps: 1400
  per_device_train_batch_size: 128
  learning_rate: 0.003
  lr_scheduler_type: cosine
  warmup_steps: 0.05
  adam_beta2: 0.99
  logging_steps: 5
  eval_strategy: steps
  eval_steps: 100
  per_device_eval_batch_size: 256
  eval_exact_match: true
  exact_match_rows: 200
  exact_match_max_new_tokens: 5
  save_strategy: steps
  save_steps: 350
  use_cpu: true
  omp_threads: 1
"""

_ADAPTER = """\
# A LoRA adapter on the model of the run "addition" learns to subtract: "46-12=" → "34".
# params.model is to be the folder artifacts/model of that run.
name: subtraction (LoRA on addition)
project: demo
description: The model that learned to add stays frozen; low-rank matrices beside it learn to subtract.
tags: [demo]
recipe: hf-lora
seed: 1
params:
  train_file: subtraction.train.jsonl
  eval_file: subtraction.eval.jsonl
  completion_only_loss: true
  max_length: 32
  model: {placeholder}
  lora_r: 16
  lora_alpha: 32
  target_modules: [all-linear]
  max_steps: 560
  per_device_train_batch_size: 128
  learning_rate: 0.005
  lr_scheduler_type: cosine
  warmup_steps: 0.05
  adam_beta2: 0.99
  logging_steps: 5
  eval_strategy: steps
  eval_steps: 70
  per_device_eval_batch_size: 256
  eval_exact_match: true
  exact_match_rows: 200
  exact_match_max_new_tokens: 5
  save_strategy: steps
  save_steps: 140
  use_cpu: true
  omp_threads: 1
"""


def prepare(folder: Path) -> Dict[str, Any]:
    """Writes everything into the folder, which is made when it is missing; the same files each time."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    rows = write_data(folder)
    base = folder / "addition.run.yaml"
    adapter = folder / "adapter.run.yaml"
    base.write_text(_BASE, encoding="utf-8")
    adapter.write_text(_ADAPTER.format(placeholder=BASE_MODEL_PLACEHOLDER), encoding="utf-8")
    return {
        "dir": str(folder),
        "base": str(base),
        "adapter": str(adapter),
        "placeholder": BASE_MODEL_PLACEHOLDER,
        "adapter_model_field": "params.model",
        "base_model": "artifacts/model",
        "rows": rows,
    }


def main(argv: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trainyard.demo", description="The demo training.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare", help="write data and run documents, print where they are")
    command.add_argument("dir", type=Path, help="folder to write to")
    arguments = parser.parse_args(argv)
    try:
        prepared = prepare(arguments.dir)
    except OSError as error:
        print("the demo cannot be written to {}: {}".format(arguments.dir, error.strerror or error), file=sys.stderr)
        return 1
    print(json.dumps(prepared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
