"""An ordinary transformers.Trainer script. It imports nothing of Trainyard and writes down what the Trainer itself logged."""

import argparse
import json

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--output", default="out")
parser.add_argument("--truth", default="truth.json")
options = parser.parse_args()

set_seed(0)
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32
)
rows = [{"input_ids": (ids := torch.randint(0, 64, (16,))), "labels": ids} for _ in range(64)]
trainer = Trainer(
    model=LlamaForCausalLM(config),
    args=TrainingArguments(
        output_dir=options.output,
        max_steps=options.steps,
        per_device_train_batch_size=4,
        learning_rate=0.003,
        logging_steps=1,
        save_steps=5,
        use_cpu=True,
        disable_tqdm=True,
    ),
    train_dataset=rows,
)
trainer.train()
with open(options.truth, "w") as file:
    json.dump(trainer.state.log_history, file)
