"""A script that uses transformers.Trainer and imports nothing of Trainyard. Argument: output folder [max_steps] [resume]."""

import sys

import torch
from torch.utils.data import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments


class Counting(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        ids = (torch.arange(8) + index) % 16
        return {"input_ids": ids, "labels": ids}


output = sys.argv[1]
max_steps = int(sys.argv[2]) if len(sys.argv) > 2 else 12
resume = len(sys.argv) > 3 and sys.argv[3] == "resume"

torch.manual_seed(0)
torch.set_num_threads(1)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=16,
    )
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=output,
        max_steps=max_steps,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        logging_steps=2,
        save_steps=5,
        eval_strategy="steps",
        eval_steps=5,
        report_to=[name for name in sys.argv[4:5] if name],
        disable_tqdm=True,
        use_cpu=True,
    ),
    train_dataset=Counting(),
    eval_dataset=Counting(),
)
trainer.train(resume_from_checkpoint=True if resume else None)
if torch.distributed.is_available() and torch.distributed.is_initialized():
    # A rank that leaves while another still talks to it can abort in gloo's threads.
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
