"""Post-training with TRL: supervised fine-tuning and direct preference optimisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

from trainyard.adapters import hf_fields as f
from trainyard.adapters import hf_training_fields as t
from trainyard.adapters.base import BaseAdapter, Field, Preflight, Preset, TrainContext
from trainyard.adapters.hf_checks import check_data, check_model, check_training
from trainyard.adapters.hf_data import Part

SFT_SHAPES: Sequence[str] = ("text", "prompt_completion", "messages")
DPO_SHAPES: Sequence[str] = ("preference",)
DPO_LOSSES = ("sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down")
_MEDIUM: Dict[str, Any] = {
    "lora_r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.05,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.03,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 8,
    "precision": "bf16",
    "gradient_checkpointing": True,
}


class TrlSft(BaseAdapter):
    id = "trl-sft"
    title = "SFT (TRL)"
    description = "Supervised fine-tuning with TRL's SFTTrainer on text, prompt–completion rows or conversations; all weights or LoRA."
    framework = "trl"
    requires = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
    dataset_shapes = SFT_SHAPES
    resumable = True
    sections = (f.DATA, f.MODEL, f.ADAPTER, f.TRAINING, f.EVALUATION, f.COMPUTE)
    fields = {
        **f.data_fields(SFT_SHAPES, max_length=1024),
        "completion_only_loss": Field(
            "boolean",
            "Loss on completion only",
            "Learn the completion and not the prompt; TRL's default for prompt–completion rows.",
            "data",
            default=True,
            depends_on={"data_format": ["auto", "prompt_completion"]},
        ),
        "assistant_only_loss": Field(
            "boolean",
            "Loss on assistant turns only",
            "Learn what the assistant says; the chat template must mark it with {% generation %}.",
            "data",
            default=False,
            depends_on={"data_format": ["auto", "messages"]},
        ),
        **f.model_fields(allow_new=False),
        **f.quantization_field(),
        **f.lora_fields(optional=True),
        **t.training_fields(learning_rate=2e-5, usual_rate=(1e-6, 1e-3)),
        **t.evaluation_fields(exact_match=True),
        **t.compute_fields(),
    }
    presets = {
        "base": Preset("Base", {"lora_r": 8, "lora_alpha": 16, "learning_rate": 2e-4}),
        "medium": Preset("Medium", {**_MEDIUM, "learning_rate": 2e-4}),
        "full": Preset(
            "Full fine-tuning",
            {
                "method": "full",
                "learning_rate": 2e-5,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.03,
                "precision": "bf16",
                "gradient_checkpointing": True,
            },
        ),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        check_data(params, SFT_SHAPES, base_dir, report)
        check_model(params, base_dir, report)
        check_training(params, report)

    def encode_rows(self, context: TrainContext, shape: str, tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> List[List[Part]]:
        from trainyard.adapters.trl_rows import sft_parts

        return sft_parts(context, tokenizer, rows, loss_of(context.params, shape))

    def train(self, context: TrainContext) -> bool:
        return _train_sft(context)


class TrlDpo(BaseAdapter):
    id = "trl-dpo"
    title = "DPO (TRL)"
    description = "Direct preference optimisation with TRL's DPOTrainer on rows with a chosen and a rejected answer; all weights or LoRA."
    framework = "trl"
    requires = TrlSft.requires
    dataset_shapes = DPO_SHAPES
    resumable = True
    sections = TrlSft.sections
    fields = {
        **f.data_fields(DPO_SHAPES, max_length=1024, packing=False),
        "prompt_column": Field(
            "string", "Prompt column", "Column that holds the prompt; conversations may leave it out.", "data", default="prompt", advanced=True
        ),
        **f.model_fields(allow_new=False),
        **f.quantization_field(),
        **f.lora_fields(optional=True),
        "beta": Field(
            "number",
            "Beta",
            "How strongly the model is held near the reference model.",
            "training",
            default=0.1,
            minimum=0,
            maximum=100,
            usual=(0.01, 0.5),
        ),
        "loss_type": Field("string", "Loss", "Form of the preference loss.", "training", default="sigmoid", choices=DPO_LOSSES),
        "label_smoothing": Field(
            "number",
            "Label smoothing",
            "Share of preferences that are taken to be the wrong way round (robust and exo_pair need one).",
            "training",
            default=0,
            minimum=0,
            maximum=0.49,
            advanced=True,
        ),
        "precompute_ref_log_probs": Field(
            "boolean",
            "Reference first",
            "Compute the reference model's answers once before training: less memory in training.",
            "training",
            default=False,
            advanced=True,
        ),
        **t.training_fields(learning_rate=1e-6, usual_rate=(1e-7, 5e-5)),
        **t.evaluation_fields(exact_match=False),
        **t.compute_fields(),
    }
    presets = {
        "base": Preset("Base", {"learning_rate": 5e-6}),
        "medium": Preset("Medium", {**_MEDIUM, "learning_rate": 5e-6}),
        "full": Preset("Full fine-tuning", {"method": "full", "learning_rate": 1e-6, "precision": "bf16", "gradient_checkpointing": True}),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        check_data(params, DPO_SHAPES, base_dir, report)
        check_model(params, base_dir, report)
        check_training(params, report)
        if params["loss_type"] in ("robust", "exo_pair") and params["label_smoothing"] == 0:
            report.error("label_smoothing", "the loss {} needs label smoothing above 0".format(params["loss_type"]), "Try 0.001 to 0.1.")

    def encode_rows(self, context: TrainContext, shape: str, tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> List[List[Part]]:
        from trainyard.adapters.trl_rows import dpo_parts

        return dpo_parts(context, tokenizer, rows)

    def train(self, context: TrainContext) -> bool:
        return _train_dpo(context)


def loss_of(params: Mapping[str, Any], shape: str) -> Dict[str, Any]:
    """Which tokens SFT learns, in the words of ``SFTConfig``."""
    return {
        "completion_only_loss": params["completion_only_loss"] if shape == "prompt_completion" else None,
        "assistant_only_loss": params["assistant_only_loss"] and shape == "messages",
    }


def _adapter_of(context: TrainContext, model: Any) -> Dict[str, Any]:
    """``model`` and ``peft_config`` for a TRL trainer. A fresh adapter is left to TRL; a fork's is loaded from its checkpoint."""
    from trainyard.adapters.hf_models import is_adapter, lora_config, wrap_in_lora

    if context.params["method"] == "full":
        return {"model": model}
    resume = context.resume_from
    if resume is not None and resume.mode == "weights" and is_adapter(resume.path):
        return {"model": wrap_in_lora(model, context)}
    return {"model": model, "peft_config": lora_config(context.params)}


def _train_sft(context: TrainContext) -> bool:
    from trainyard.adapters.hf_models import load_model, load_tokenizer, prepare_environment

    params = context.params
    prepare_environment(params)

    from transformers import set_seed
    from trl import SFTConfig, SFTTrainer

    from trainyard.adapters import hf_data as data
    from trainyard.adapters.hf_arguments import build_arguments
    from trainyard.adapters.hf_training import exact_match_of, run_trainer, with_exact_match
    from trainyard.integrations.huggingface import TrainyardCallback

    set_seed(context.seed)
    sources = data.open_sources(params, SFT_SHAPES)
    split = data.load_split(sources, params["eval_fraction"])
    tokenizer = load_tokenizer(context, sources.train)
    shape = sources.train.shape
    arguments = build_arguments(
        SFTConfig,
        context,
        {
            "max_length": params["max_length"],
            "packing": params["packing"],
            **loss_of(params, shape),
        },
        has_eval=split.eval is not None,
        warn=lambda text: context.run.message("warning", text),
    )
    trainer_class = with_exact_match(SFTTrainer, exact_match_of(params, shape, split.eval))
    trainer = trainer_class(
        **_adapter_of(context, load_model(context, tokenizer, lora=params["method"] == "lora")),
        args=arguments,
        train_dataset=split.train,
        eval_dataset=split.eval,
        processing_class=tokenizer,
        callbacks=[TrainyardCallback()],
    )
    return run_trainer(trainer, context)


def _train_dpo(context: TrainContext) -> bool:
    from trainyard.adapters.hf_models import load_model, load_reference, load_tokenizer, prepare_environment

    params = context.params
    prepare_environment(params)

    from transformers import set_seed
    from trl import DPOConfig, DPOTrainer

    from trainyard.adapters import hf_data as data
    from trainyard.adapters.hf_arguments import build_arguments
    from trainyard.adapters.hf_training import run_trainer
    from trainyard.integrations.huggingface import TrainyardCallback

    set_seed(context.seed)
    sources = data.open_sources(params, DPO_SHAPES)
    split = data.load_split(sources, params["eval_fraction"])
    tokenizer = load_tokenizer(context, sources.train)
    arguments = build_arguments(
        DPOConfig,
        context,
        {
            "max_length": params["max_length"],
            "beta": params["beta"],
            "loss_type": [params["loss_type"]],
            "label_smoothing": params["label_smoothing"],
            "precompute_ref_log_probs": params["precompute_ref_log_probs"],
        },
        has_eval=split.eval is not None,
        warn=lambda text: context.run.message("warning", text),
    )
    lora = params["method"] == "lora"
    trainer = DPOTrainer(
        **_adapter_of(context, load_model(context, tokenizer, lora)),
        # Without one, TRL would take the model as it stands at the start, which after a resume is the trained one.
        ref_model=None if lora else load_reference(context, tokenizer),
        args=arguments,
        train_dataset=split.train,
        eval_dataset=split.eval,
        processing_class=tokenizer,
        callbacks=[TrainyardCallback()],
    )
    return run_trainer(trainer, context)

