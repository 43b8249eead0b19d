"""Every field of a form, set to something else than its default, and read back from inside the training process."""

from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Set

import pytest
from recipe_runs import TINY_MODEL, RecipeRun
from trainyard.adapters.hf_arguments import PASSED_ON
from trainyard.recipes.catalogue import builtin

#: Values for the arguments of the trainer, all of which a CPU can carry out together.
ARGUMENTS: Dict[str, Any] = {
    "num_train_epochs": 2.5,
    "max_steps": 2,
    "per_device_train_batch_size": 3,
    "per_device_eval_batch_size": 5,
    "gradient_accumulation_steps": 2,
    "learning_rate": 0.0123,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 1,
    "weight_decay": 0.02,
    "max_grad_norm": 0.7,
    "optim": "adamw_torch",
    "adam_beta1": 0.8,
    "adam_beta2": 0.95,
    "logging_steps": 1,
    "eval_strategy": "epoch",
    "eval_steps": 2,
    "save_strategy": "epoch",
    "save_steps": 2,
    "save_total_limit": 3,
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "greater_is_better": False,
    "gradient_checkpointing": True,
    "use_cpu": True,
    "auto_find_batch_size": True,
    "dataloader_num_workers": 1,
}
#: They need what a test machine has not: a compiler, DeepSpeed.
NOT_HERE = {"torch_compile", "deepspeed"}
ADAPTER = {
    "lora_r": 4,
    "lora_alpha": 12,
    "lora_dropout": 0.1,
    "target_modules": ["q_proj", "v_proj"],
    "lora_bias": "lora_only",
    "use_rslora": True,
    "use_dora": True,
    "modules_to_save": ["lm_head"],
}
#: Name in LoraConfig of a field that is called otherwise in the form.
IN_PEFT = {"lora_r": "r", "lora_bias": "bias"}
#: Fields that say where data, model and tokenizer come from and how rows are read: they are not arguments of the trainer.
ELSEWHERE = {
    *("train_file", "eval_file", "eval_fraction", "data_format", "max_rows", "packing", "model", "model_source", "tokenizer", "dtype"),
    *("attn_implementation", "trust_remote_code", "new_tokenizer", "vocab_size", "initializer_range", "quantization", "method"),
    *("merge_adapter", "eval_exact_match", "exact_match_rows", "exact_match_max_new_tokens", "omp_threads", "precision"),
    *("text_column", "prompt_column", "completion_column", "messages_column", "chosen_column", "rejected_column", "training_arguments"),
}
#: What one recipe adds to the trainer's arguments.
OWN: Mapping[str, Dict[str, Any]] = {
    "hf-causal-lm": {},
    "hf-lora": {},
    "trl-sft": {"max_length": 24, "completion_only_loss": False},
    "trl-dpo": {"max_length": 24, "beta": 0.3, "loss_type": "robust", "label_smoothing": 0.05, "precompute_ref_log_probs": True},
}
#: Fields of a recipe that shape its rows before the trainer sees them, or that its data here does not let it set.
IN_ROWS = {
    "hf-causal-lm": {"max_length", "completion_only_loss", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"},
    "hf-lora": {"max_length", "completion_only_loss"},
    "trl-sft": {"assistant_only_loss"},
    "trl-dpo": set(),
}


@pytest.mark.parametrize("recipe", ["hf-causal-lm", "hf-lora", "trl-sft", "trl-dpo"])
def test_every_field_reaches_the_training(recipe: str, new_run: Callable[..., RecipeRun], base: Any, data: Path) -> None:
    fields = next(adapter for adapter in builtin() if adapter.id == recipe).fields
    lora = recipe != "hf-causal-lm"
    wanted = {**ARGUMENTS, **OWN[recipe]}
    params = {
        **wanted,
        **(ADAPTER if lora else {**TINY_MODEL, "model_source": "new"}),
        **({"model": base.model} if lora else {}),
        "train_file": "preferences.jsonl" if recipe == "trl-dpo" else "sums.jsonl",
        "eval_fraction": 0.2,
        "precision": "bf16",
        "omp_threads": 1,
        "training_arguments": {"dataloader_drop_last": True},
    }
    if recipe == "trl-dpo":
        # TRL refuses to compute the reference first together with checkpoints of activations that move.
        params["gradient_checkpointing"] = wanted["gradient_checkpointing"]
    unnamed: Set[str] = set(fields) - set(params) - ELSEWHERE - NOT_HERE - IN_ROWS[recipe]
    assert unnamed == set(), "fields that no test sets"
    assert {name for name in PASSED_ON if name in fields} - NOT_HERE <= set(wanted)
    for name in wanted:
        default = fields[name].default
        assert default != wanted[name] or name == "use_cpu", "{} is left at its default".format(name)

    inside = new_run(recipe).run(recipe, params).params
    for name, value in {**wanted, "bf16": True, "dataloader_drop_last": True}.items():
        got = inside.get(name)
        if name == "loss_type":
            value = [value]
        assert got == value, "{}: {!r} became {!r}".format(name, value, got)
    if lora:
        config = inside["peft"]["default"]
        for name, value in ADAPTER.items():
            got = config[IN_PEFT.get(name, name)]
            assert (sorted(got) if isinstance(got, list) else got) == value, name
        assert inside["trainable_parameters"] < inside["model_parameters"]
    else:
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"):
            assert inside["model"][name] == TINY_MODEL[name]
