"""Fields of training, evaluation and compute that the recipes on ``transformers.Trainer`` share. See ``hf_fields`` for the other groups."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from trainyard.adapters.base import Field

SCHEDULERS = (
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
    "constant",
    "constant_with_warmup",
    "inverse_sqrt",
    "reduce_lr_on_plateau",
    "cosine_with_min_lr",
    "warmup_stable_decay",
)
OPTIMIZERS = (
    "adamw_torch_fused",
    "adamw_torch",
    "adamw_8bit",
    "paged_adamw_8bit",
    "adafactor",
    "sgd",
    "rmsprop",
    "lion_32bit",
    "schedule_free_adamw",
)


def training_fields(learning_rate: float, usual_rate: Tuple[float, float], epochs: float = 3.0) -> Dict[str, Field]:
    return {
        "num_train_epochs": Field(
            "number", "Epochs", "How often the training rows are gone through.", "training", default=epochs, exclusive_minimum=0, usual=(1, 20)
        ),
        "max_steps": Field(
            "integer", "Max steps", "Stop after this many steps whatever the epochs say; −1 leaves it to them.", "training", default=-1, minimum=-1
        ),
        "per_device_train_batch_size": Field(
            "integer", "Batch per device", "Rows per device and forward pass.", "training", default=8, minimum=1, maximum=1024, unit="rows"
        ),
        "gradient_accumulation_steps": Field(
            "integer",
            "Gradient accumulation",
            "Forward passes per optimizer step: multiplies the batch without more memory.",
            "training",
            default=1,
            minimum=1,
            maximum=1024,
            usual=(1, 64),
        ),
        "learning_rate": Field(
            "number", "Learning rate", "Peak of the schedule.", "training", default=learning_rate, minimum=0, maximum=10, usual=usual_rate
        ),
        "lr_scheduler_type": Field(
            "string", "Schedule", "How the learning rate goes down after the warm-up.", "training", default="linear", choices=SCHEDULERS
        ),
        "warmup_steps": Field(
            "number",
            "Warm-up",
            "Steps over which the learning rate rises from 0; a value below 1 is a share of all steps.",
            "training",
            default=0,
            minimum=0,
            unit="steps or share",
        ),
        "weight_decay": Field(
            "number", "Weight decay", "Pull of the weights towards 0.", "training", default=0, minimum=0, maximum=1, usual=(0, 0.1)
        ),
        "max_grad_norm": Field(
            "number", "Gradient clipping", "Longer gradients are cut to this norm; 0 turns it off.", "training", default=1, minimum=0, usual=(0, 5), advanced=True
        ),
        "optim": Field(
            "string", "Optimizer", "Update rule; the 8-bit ones need bitsandbytes.", "training", default=OPTIMIZERS[0], choices=OPTIMIZERS, advanced=True
        ),
        "adam_beta1": Field(
            "number", "Adam β1", "Memory of the gradient's mean.", "training", default=0.9, minimum=0, maximum=0.9999, usual=(0.8, 0.95), advanced=True
        ),
        "adam_beta2": Field(
            "number",
            "Adam β2",
            "Memory of the gradient's square; lower follows changes faster.",
            "training",
            default=0.999,
            minimum=0,
            maximum=0.99999,
            usual=(0.9, 0.9999),
            advanced=True,
        ),
        "training_arguments": Field(
            "object",
            "Further arguments",
            "Any other argument of the trainer's configuration class, by its name; these win over the fields.",
            "training",
            default={},
            widget="json",
            advanced=True,
        ),
    }


def evaluation_fields(exact_match: bool, generative_shapes: Sequence[str] = ("auto", "prompt_completion")) -> Dict[str, Field]:
    fields = {
        "logging_steps": Field(
            "integer", "Log every", "Steps between two points of the training curves.", "evaluation", default=10, minimum=1, usual=(1, 500), unit="steps"
        ),
        "eval_strategy": Field(
            "string", "Evaluate", "When the held-out rows are measured.", "evaluation", default="no", choices=("no", "steps", "epoch"), widget="segments"
        ),
        "eval_steps": Field(
            "integer",
            "Evaluate every",
            "Steps between two evaluations.",
            "evaluation",
            default=500,
            minimum=1,
            unit="steps",
            depends_on={"eval_strategy": ["steps"]},
        ),
        "per_device_eval_batch_size": Field(
            "integer",
            "Evaluation batch",
            "Rows per device and pass in evaluation.",
            "evaluation",
            default=8,
            minimum=1,
            maximum=4096,
            unit="rows",
            advanced=True,
            depends_on={"eval_strategy": ["steps", "epoch"]},
        ),
    }
    if exact_match:
        asked = {"eval_strategy": ["steps", "epoch"], "data_format": list(generative_shapes)}
        fields.update(
            {
                "eval_exact_match": Field(
                    "boolean",
                    "Exact match",
                    "Also generate an answer for each prompt and report the share that equals the completion (eval/exact_match).",
                    "evaluation",
                    default=False,
                    depends_on=asked,
                ),
                "exact_match_rows": Field(
                    "integer",
                    "Exact-match rows",
                    "How many held-out rows are answered.",
                    "evaluation",
                    default=200,
                    minimum=1,
                    usual=(50, 2000),
                    unit="rows",
                    advanced=True,
                    depends_on={**asked, "eval_exact_match": [True]},
                ),
                "exact_match_max_new_tokens": Field(
                    "integer",
                    "Longest answer",
                    "Generation stops after this many tokens.",
                    "evaluation",
                    default=64,
                    minimum=1,
                    maximum=32_768,
                    unit="tokens",
                    advanced=True,
                    depends_on={**asked, "eval_exact_match": [True]},
                ),
            }
        )
    fields.update(
        {
            "save_strategy": Field(
                "string",
                "Save",
                "When a checkpoint is written; best needs evaluation.",
                "evaluation",
                default="steps",
                choices=("no", "steps", "epoch", "best"),
                widget="segments",
            ),
            "save_steps": Field(
                "integer",
                "Save every",
                "Steps between two checkpoints.",
                "evaluation",
                default=500,
                minimum=1,
                unit="steps",
                depends_on={"save_strategy": ["steps"]},
            ),
            "save_total_limit": Field(
                "integer",
                "Keep",
                "Number of checkpoints that are kept; older ones are deleted. Empty keeps all.",
                "evaluation",
                default=None,
                nullable=True,
                minimum=1,
                unit="checkpoints",
                depends_on={"save_strategy": ["steps", "epoch", "best"]},
            ),
            "load_best_model_at_end": Field(
                "boolean",
                "End with the best",
                "The final model is the best checkpoint by the metric below instead of the last one.",
                "evaluation",
                default=False,
                depends_on={"eval_strategy": ["steps", "epoch"]},
            ),
            "metric_for_best_model": Field(
                "string",
                "Best by",
                "Metric of the evaluation that says which checkpoint is best (loss, exact_match).",
                "evaluation",
                default=None,
                nullable=True,
                placeholder="loss",
                advanced=True,
                depends_on={"eval_strategy": ["steps", "epoch"]},
            ),
            "greater_is_better": Field(
                "boolean",
                "Higher is better",
                "Direction of that metric; empty: lower for a loss, higher for anything else.",
                "evaluation",
                default=None,
                nullable=True,
                advanced=True,
                depends_on={"eval_strategy": ["steps", "epoch"]},
            ),
        }
    )
    return fields


def compute_fields() -> Dict[str, Field]:
    return {
        "precision": Field(
            "string",
            "Precision",
            "Number format of the forward and backward pass; bf16 suits GPUs since Ampere.",
            "compute",
            default="fp32",
            choices=("fp32", "bf16", "fp16"),
            widget="segments",
        ),
        "gradient_checkpointing": Field(
            "boolean", "Gradient checkpointing", "Recompute activations in the backward pass: less memory, slower steps.", "compute", default=False
        ),
        "torch_compile": Field(
            "boolean", "Compile", "Compile the model with torch.compile: slow first steps, faster later ones.", "compute", default=False, advanced=True
        ),
        "use_cpu": Field("boolean", "Use the CPU", "Train on the CPU even where a GPU is present.", "compute", default=False, advanced=True),
        "auto_find_batch_size": Field(
            "boolean", "Halve the batch when memory runs out", "Start again with half the batch instead of failing.", "compute", default=False, advanced=True
        ),
        "dataloader_num_workers": Field(
            "integer",
            "Loader processes",
            "Processes that prepare batches; 0 does it in the training process.",
            "compute",
            default=0,
            minimum=0,
            maximum=256,
            usual=(0, 16),
            advanced=True,
        ),
        "deepspeed": Field(
            "string",
            "DeepSpeed",
            "JSON file of a DeepSpeed configuration.",
            "compute",
            default=None,
            nullable=True,
            path="file",
            path_must_exist=True,
            advanced=True,
        ),
        **threads_field(),
    }


def threads_field() -> Dict[str, Field]:
    return {
        "omp_threads": Field(
            "integer",
            "CPU threads",
            "Threads of one process (OMP_NUM_THREADS); more than there are free cores makes it slower. Empty leaves it as it is.",
            "compute",
            default=None,
            nullable=True,
            minimum=1,
            maximum=1024,
            unit="threads",
        )
    }
