"""From the fields of a recipe to the configuration object of the installed ``transformers`` or ``trl``."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, Mapping, Optional

from trainyard.adapters.base import RecipeError, TrainContext, closest
from trainyard.adapters.installed_arguments import typed

#: Fields that go to the configuration under their own name.
PASSED_ON = (
    "num_train_epochs",
    "max_steps",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "optim",
    "adam_beta1",
    "adam_beta2",
    "logging_steps",
    "eval_strategy",
    "eval_steps",
    "save_strategy",
    "save_steps",
    "save_total_limit",
    "load_best_model_at_end",
    "metric_for_best_model",
    "greater_is_better",
    "gradient_checkpointing",
    "torch_compile",
    "use_cpu",
    "auto_find_batch_size",
    "dataloader_num_workers",
    "deepspeed",
)

#: New name → what older versions call the same argument.
_OLDER_NAMES = {"eval_strategy": "evaluation_strategy", "max_length": "max_seq_length", "use_cpu": "no_cuda"}


def build_arguments(
    cls: type, context: TrainContext, extra: Mapping[str, Any], has_eval: bool, warn: Callable[[str], None]
) -> Any:
    """The configuration object (``TrainingArguments``, ``SFTConfig`` …) with every field of the form in it.

    ``extra`` holds what one recipe adds (``beta`` of DPO). An argument that the installed class does not know is renamed or left out, and
    ``warn`` is told. @raises RecipeError when the class refuses a value
    """
    params = context.params
    wanted: Dict[str, Any] = {name: params[name] for name in PASSED_ON if name in params}
    wanted.update(
        output_dir=str(context.checkpoint_dir),
        seed=context.seed,
        bf16=params["precision"] == "bf16",
        fp16=params["precision"] == "fp16",
        report_to="none",  # Trainyard's own callback reports; other trackers are the user's choice in training_arguments
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a NaN must be seen, not replaced by the last good loss
    )
    if not has_eval and wanted.get("eval_strategy", "no") != "no":
        warn("eval_strategy {} has no effect: there are no held-out rows (eval_file or eval_fraction)".format(wanted["eval_strategy"]))
        wanted.update(eval_strategy="no", load_best_model_at_end=False)
    if wanted.get("eval_strategy", "no") == "no":
        wanted.update(eval_steps=None, load_best_model_at_end=False)
    wanted.update(extra)
    wanted.update(params.get("training_arguments") or {})
    accepted = accepted_arguments(cls, wanted, set(params.get("training_arguments") or {}), warn)
    try:
        return cls(**typed(cls, accepted))
    except (TypeError, ValueError, ImportError) as error:
        raise RecipeError("{} refuses the settings: {}".format(cls.__name__, error)) from error


def accepted_arguments(cls: type, wanted: Mapping[str, Any], by_user: set, warn: Callable[[str], None]) -> Dict[str, Any]:
    """``wanted`` in the words of the installed class. @raises RecipeError for an unknown name that the user wrote by hand"""
    known = {field.name: field for field in dataclasses.fields(cls) if field.init}
    result: Dict[str, Any] = {}
    for name, value in wanted.items():
        if name == "warmup_steps" and isinstance(value, float) and 0 < value < 1 and "warmup_ratio" in known:
            result["warmup_ratio"] = value  # before transformers 5 a share had an argument of its own
        elif name == "warmup_steps":
            result[name] = int(value) if float(value).is_integer() else value
        elif name in known:
            result[name] = value
        elif _OLDER_NAMES.get(name) in known:
            result[_OLDER_NAMES[name]] = value
        elif name in by_user:
            close = closest(name, known)
            hint = "Did you mean {}?".format(close) if close else None
            raise RecipeError("{} of this version has no argument {!r}".format(cls.__name__, name), "params.training_arguments", hint)
        elif value not in (None, False):
            warn("{} of this version has no argument {}; {!r} was left out".format(cls.__name__, name, value))
    return result


def quantization_config(kind: Optional[str], dtype: Any) -> Optional[Any]:
    """The bitsandbytes configuration for ``8bit`` and ``4bit``; None for ``none``."""
    if kind in (None, "none"):
        return None
    from transformers import BitsAndBytesConfig

    if kind == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
