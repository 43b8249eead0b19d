"""An ordinary transformers.Trainer script. It imports nothing of Trainyard and writes down what the Trainer itself logged."""

import argparse
import json
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--output", default="out")
parser.add_argument("--truth", default="truth.json")
parser.add_argument("--save-steps", type=int, default=5)
parser.add_argument("--seconds-per-step", type=float, default=0)
options = parser.parse_args()

set_seed(0)
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32
)


def collate(rows):
    time.sleep(options.seconds_per_step)
    return {name: torch.stack([row[name] for row in rows]) for name in ("input_ids", "labels")}


rows = [{"input_ids": (ids := torch.randint(0, 64, (16,))), "labels": ids} for _ in range(64)]
trainer = Trainer(
    model=LlamaForCausalLM(config),
    args=TrainingArguments(
        output_dir=options.output,
        max_steps=options.steps,
        per_device_train_batch_size=4,
        learning_rate=0.003,
        logging_steps=1,
        save_steps=options.save_steps,
        use_cpu=True,
        disable_tqdm=True,
    ),
    train_dataset=rows,
    data_collator=collate,
)
trainer.train()
with open(options.truth, "w") as file:
    json.dump(trainer.state.log_history, file)
