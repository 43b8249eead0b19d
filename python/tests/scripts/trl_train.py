"""A script that uses TRL's SFTTrainer with a LoRA adapter and imports nothing of Trainyard. Argument: output folder."""

import sys

import torch
from datasets import Dataset
from peft import LoraConfig
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

torch.manual_seed(0)
torch.set_num_threads(1)
words = ["<pad>", "<eos>", "<unk>"] + "one two three four five six".split()
inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
        pad_token_id=0,
        eos_token_id=1,
    )
)
trainer = SFTTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=Dataset.from_dict({"text": ["one two three four", "two three four five", "three four five six"] * 8}),
    args=SFTConfig(
        output_dir=sys.argv[1],
        max_steps=6,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        logging_steps=2,
        save_steps=3,
        max_length=16,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        hub_token="do-not-tell",
    ),
    peft_config=LoraConfig(r=2, target_modules=["q_proj", "v_proj"]),
)
trainer.train()
