"""Rows as TRL's trainers prepare them, for the preview of a dataset.

How TRL tokenises differs from version to version, so it does it itself here: a trainer is made around a model too small to matter, and
its prepared dataset is read.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from trainyard.adapters.base import RecipeError, TrainContext
from trainyard.adapters.hf_data import IGNORED, Part, parts_of_labels


def sft_parts(context: TrainContext, tokenizer: Any, rows: Sequence[Mapping[str, Any]], loss: Mapping[str, Any]) -> List[List[Part]]:
    from trl import SFTConfig, SFTTrainer

    prepared = _prepare(SFTTrainer, SFTConfig, context, tokenizer, rows, loss)
    return [parts_of_labels(row["input_ids"], _labels(row)) for row in prepared]


def _labels(row: Mapping[str, Any]) -> List[int]:
    """Older versions keep masks and make the labels in the collator."""
    if row.get("labels") is not None:
        return list(row["labels"])
    labels = list(row["input_ids"])
    for name in ("completion_mask", "assistant_masks"):
        if row.get(name) is not None:
            labels = [label if learned else IGNORED for label, learned in zip(labels, row[name])]
    return labels


def dpo_parts(context: TrainContext, tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> List[List[Part]]:
    from trl import DPOConfig, DPOTrainer

    prepared = _prepare(DPOTrainer, DPOConfig, context, tokenizer, rows, {}, reference=True)
    names = (("masked", "prompt"), ("trained", "chosen"), ("rejected", "rejected"))
    return [[Part(kind, list(row.get(name + "_ids", row.get(name + "_input_ids")))) for kind, name in names] for row in prepared]


def _prepare(
    trainer_class: type,
    config_class: type,
    context: TrainContext,
    tokenizer: Any,
    rows: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any],
    reference: bool = False,
) -> Any:
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    from trainyard.adapters.hf_arguments import accepted_arguments

    logging.disable_progress_bar()
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}
    config = LlamaConfig(vocab_size=len(tokenizer), **sizes, **special)
    # TRL would load the reference model from the name of the model, which this one has not.
    models = {"model": LlamaForCausalLM(config), **({"ref_model": LlamaForCausalLM(config)} if reference else {})}
    wanted: Dict[str, Any] = {"output_dir": str(context.checkpoint_dir), "report_to": "none", "use_cpu": True, "max_length": None, **more}
    arguments = config_class(**accepted_arguments(config_class, wanted, set(), lambda text: None))
    try:
        trainer = trainer_class(
            **models, args=arguments, train_dataset=Dataset.from_list([dict(row) for row in rows]), processing_class=tokenizer
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise RecipeError("TRL cannot prepare the rows: {}".format(error), "params.train_file") from error
    if len(trainer.train_dataset) != len(rows):
        raise RecipeError("TRL left out {} of {} rows".format(len(rows) - len(trainer.train_dataset), len(rows)), "params.train_file")
    return trainer.train_dataset
