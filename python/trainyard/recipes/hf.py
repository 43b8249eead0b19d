"""Causal language models on ``transformers.Trainer``: all weights, or a LoRA adapter (PEFT)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, List, Mapping, Sequence

from trainyard.adapters import hf_fields as f
from trainyard.adapters import hf_training_fields as t
from trainyard.adapters.base import BaseAdapter, Preflight, Preset, TrainContext
from trainyard.adapters.hf_checks import check_data, check_model, check_training
from trainyard.adapters.hf_data import Encoder, Part, parts_of_labels

SHAPES: Sequence[str] = ("text", "prompt_completion", "messages")


class HfCausalLm(BaseAdapter):
    id = "hf-causal-lm"
    title = "Causal LM (full fine-tuning)"
    description = "Trains all weights of a causal language model with transformers.Trainer; the model can be a pre-trained or a new small one."
    framework = "huggingface"
    requires = ("torch", "transformers", "accelerate", "datasets")
    dataset_shapes = SHAPES
    resumable = True
    sections = (f.DATA, f.MODEL, f.TRAINING, f.EVALUATION, f.COMPUTE)
    fields = {
        **f.data_fields(SHAPES, max_length=512),
        **f.completion_loss_field(default=False),
        **f.model_fields(allow_new=True),
        **t.training_fields(learning_rate=5e-5, usual_rate=(1e-6, 5e-3)),
        **t.evaluation_fields(exact_match=True),
        **t.compute_fields(),
    }
    presets = {
        "tiny": Preset(
            "Tiny new model",
            {
                "model_source": "new",
                "initializer_range": 0.06,
                "max_length": 64,
                "learning_rate": 3e-3,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.05,
                "per_device_train_batch_size": 128,
                "per_device_eval_batch_size": 256,
                "adam_beta2": 0.99,
            },
        ),
        "base": Preset("Base", {"per_device_train_batch_size": 8, "learning_rate": 5e-5}),
        "large": Preset(
            "Large",
            {
                "per_device_train_batch_size": 1,
                "gradient_accumulation_steps": 16,
                "learning_rate": 1e-5,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.03,
                "precision": "bf16",
                "gradient_checkpointing": True,
                "save_total_limit": 2,
            },
        ),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        check_data(params, SHAPES, base_dir, report)
        check_model(params, base_dir, report)
        check_training(params, report)

    def encode_rows(self, context: TrainContext, shape: str, tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> List[List[Part]]:
        encoder = Encoder(tokenizer, shape, sys.maxsize, context.params["completion_only_loss"] and shape != "text")
        return [parts_of_labels(row["input_ids"], row["labels"]) for row in map(encoder, rows)]

    def train(self, context: TrainContext) -> bool:
        return _train(context, lora=False)


class HfLora(HfCausalLm):
    id = "hf-lora"
    title = "Causal LM (LoRA)"
    description = "Trains a LoRA adapter beside the frozen weights of a causal language model, with transformers.Trainer and PEFT."
    requires = (*HfCausalLm.requires, "peft")
    sections = (f.DATA, f.MODEL, f.ADAPTER, f.TRAINING, f.EVALUATION, f.COMPUTE)
    fields = {
        **f.data_fields(SHAPES, max_length=512),
        **f.completion_loss_field(default=False),
        **f.model_fields(allow_new=False),
        **f.quantization_field(),
        **f.lora_fields(optional=False),
        **t.training_fields(learning_rate=2e-4, usual_rate=(2e-5, 5e-3)),
        **t.evaluation_fields(exact_match=True),
        **t.compute_fields(),
    }
    presets = {
        "base": Preset("Base", {"lora_r": 8, "lora_alpha": 16, "learning_rate": 2e-4}),
        "medium": Preset(
            "Medium",
            {
                "lora_r": 16,
                "lora_alpha": 32,
                "lora_dropout": 0.05,
                "learning_rate": 2e-4,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.03,
                "per_device_train_batch_size": 2,
                "gradient_accumulation_steps": 8,
                "precision": "bf16",
                "gradient_checkpointing": True,
            },
        ),
        "qlora": Preset(
            "4-bit (QLoRA)",
            {
                "quantization": "4bit",
                "dtype": "bfloat16",
                "precision": "bf16",
                "lora_r": 16,
                "lora_alpha": 32,
                "optim": "paged_adamw_8bit",
                "per_device_train_batch_size": 1,
                "gradient_accumulation_steps": 16,
                "gradient_checkpointing": True,
            },
        ),
    }

    def train(self, context: TrainContext) -> bool:
        return _train(context, lora=True)


def _train(context: TrainContext, lora: bool) -> bool:
    from trainyard.adapters.hf_models import load_model, load_tokenizer, prepare_environment, wrap_in_lora

    params = context.params
    prepare_environment(params)

    from transformers import Trainer, TrainingArguments, set_seed

    from trainyard.adapters import hf_data as data
    from trainyard.adapters.hf_arguments import build_arguments
    from trainyard.adapters.hf_training import exact_match_of, run_trainer, with_exact_match
    from trainyard.integrations.huggingface import TrainyardCallback

    set_seed(context.seed)
    sources = data.open_sources(params, SHAPES)
    split = data.load_split(sources, params["eval_fraction"])
    tokenizer = load_tokenizer(context, sources.train)
    model = load_model(context, tokenizer, lora)
    if lora:
        model = wrap_in_lora(model, context)

    shape = sources.train.shape
    encoder = data.Encoder(tokenizer, shape, params["max_length"], params["completion_only_loss"] and shape != "text")
    train_rows = data.encode(split.train, encoder, context, "training")
    eval_rows = None if split.eval is None else data.encode(split.eval, encoder, context, "evaluation")
    if params["packing"]:
        train_rows = data.pack(train_rows, params["max_length"])

    arguments = build_arguments(
        TrainingArguments,
        context,
        # The collator's keys are exactly what the model takes.
        {"remove_unused_columns": False},
        has_eval=eval_rows is not None,
        warn=lambda text: context.run.message("warning", text),
    )
    trainer_class = with_exact_match(Trainer, exact_match_of(params, shape, split.eval))
    trainer = trainer_class(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        data_collator=data.Collator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[TrainyardCallback()],
    )
    return run_trainer(trainer, context)
