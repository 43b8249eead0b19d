"""Checks before the start that the recipes on transformers share. Standard library alone, so that they are quick."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Set

from trainyard._words import counted
from trainyard.adapters.base import BaseAdapter, Fix, Preflight, is_installed, set_to
from trainyard.adapters.hf_data import open_sources
from trainyard.adapters.hf_estimate import Place, Rows, add_estimate
from trainyard.adapters.rows import DatasetError, Source

#: Rows of each file that are read before the start; a broken one further on fails the training with its number.
_ROWS_CHECKED = 20_000
#: More letters than any alphabet has: enough to know the size of a vocabulary of characters.
_MOST_LETTERS = 20_000


def check_all(adapter: BaseAdapter, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
    """Everything that the recipes on transformers check alike, and what the run will need."""
    rows = check_data(params, adapter.dataset_shapes, base_dir, report)
    check_model(params, base_dir, report)
    check_training(params, report)
    if rows is not None:
        place = Place(report.gpus, report.checkpoint_dir)
        add_estimate(adapter.id, adapter.framework, params, base_dir, rows, report, place)


def check_data(params: Mapping[str, Any], shapes: Sequence[str], base_dir: Path, report: Preflight) -> Optional[Rows]:
    """Files, columns and rows; facts on how many there are. None when they cannot be used."""
    seen = _Seen()
    try:
        sources = open_sources(params, shapes, base_dir)
        report.facts["data_format"] = sources.train.shape
        train_rows = _read(sources.train, report, "train", "train_file", seen)
        eval_rows: Optional[int] = None
        if sources.eval is not None:
            eval_rows = _read(sources.eval, report, "eval", "eval_file", _Seen())
    except DatasetError as error:
        report.error(error.parameter, error.message, error.hint)
        return None
    if train_rows is not None:
        if eval_rows is None and params.get("eval_fraction"):
            eval_rows = round(train_rows * params["eval_fraction"])
            train_rows -= eval_rows
            if eval_rows < 1 or train_rows < 1:
                text = "eval_fraction {:g} leaves no row for one of the two parts".format(params["eval_fraction"])
                report.error("eval_fraction", text, None, [set_to("eval_fraction", 0)])
                return None
            report.facts.update(train_rows=train_rows, eval_rows=eval_rows)
        _check_length(params, train_rows, report)
    held_out = sources.eval is not None or bool(params.get("eval_fraction"))
    if params.get("eval_strategy", "no") != "no" and not held_out:
        report.error(
            "eval_strategy",
            "evaluation is asked for but there are no held-out rows",
            "Name an evaluation file, hold out a share of the training file (eval_fraction), or set eval_strategy to no.",
            [set_to("eval_fraction", 0.1, "Hold out a tenth of the rows"), set_to("eval_strategy", "no", "Do not evaluate")],
        )
    if params.get("eval_exact_match") and sources.train.shape != "prompt_completion":
        text = "exact match needs prompt–completion rows; these are of the shape {}".format(sources.train.shape)
        report.warning("eval_exact_match", text, None, [set_to("eval_exact_match", False)])
    return Rows(train_rows, eval_rows, seen.characters / max(1, seen.rows), seen.largest, "".join(seen.alphabet))


class _Seen:
    """Lengths and letters of the rows that were read."""

    def __init__(self) -> None:
        self.rows = 0
        self.characters = 0
        self.largest = 0
        self.alphabet: Set[str] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        texts = [text for value in row.values() for text in ([value] if isinstance(value, str) else [m["content"] for m in value])]
        length = sum(map(len, texts))
        self.rows += 1
        self.characters += length
        self.largest = max(self.largest, length)
        if len(self.alphabet) < _MOST_LETTERS:
            for text in texts:
                self.alphabet.update(text)


def _read(source: Source, report: Preflight, name: str, parameter: str, seen: _Seen) -> Optional[int]:
    """Reads the first rows for mistakes and gives their count, or None when the file has more than were read."""
    try:
        for row in source:
            seen.add(row)
            if seen.rows == 1:
                report.facts[name + "_example"] = row
            if seen.rows >= _ROWS_CHECKED:
                break
    except DatasetError as error:
        # A column's field is to blame where one is named; otherwise the file.
        raise DatasetError(error.message, parameter if error.parameter == "train_file" else error.parameter, error.row, error.hint) from None
    if seen.rows >= _ROWS_CHECKED and source.limit != seen.rows:
        report.facts[name + "_rows_checked"] = seen.rows
        return None
    report.facts[name + "_rows"] = seen.rows
    report.facts[name + "_mean_characters"] = round(seen.characters / max(1, seen.rows), 1)
    return seen.rows


def _check_length(params: Mapping[str, Any], train_rows: int, report: Preflight) -> None:
    batch = params["per_device_train_batch_size"] * params["gradient_accumulation_steps"]
    report.facts["effective_batch_per_device"] = batch
    if params.get("packing"):
        return
    per_epoch = -(-train_rows // batch)
    steps = params["max_steps"] if params["max_steps"] > 0 else -(-per_epoch * params["num_train_epochs"] // 1)
    report.facts["steps_on_one_device"] = int(steps)
    if params["save_strategy"] == "steps" and params["save_steps"] > steps:
        text = "the run ends after {}, before the first checkpoint at {}; only the last step is saved".format(
            counted(int(steps), "step"), params["save_steps"]
        )
        report.info("save_steps", text, None, [set_to("save_steps", max(1, int(steps) // 2))])
    if batch > train_rows:
        text = "one batch ({}) is larger than the training data ({})".format(counted(batch, "row"), counted(train_rows, "row"))
        fixes = [set_to("gradient_accumulation_steps", 1)] if params["per_device_train_batch_size"] <= train_rows else []
        report.warning("per_device_train_batch_size", text, None, fixes or [set_to("per_device_train_batch_size", train_rows)])
    elif train_rows % batch:
        left = train_rows % batch
        report.info("per_device_train_batch_size", "the last of the {} batches of an epoch has {} of {} rows".format(per_epoch, left, batch))


_LAST_MODEL = set_to("load_best_model_at_end", False, "End with the last model")
_LINEAR = set_to("lr_scheduler_type", "linear")


def _agreeing(params: Mapping[str, Any]) -> List[Fix]:
    """Save where evaluations are, unless the steps of the two would then not agree."""
    strategy = params["eval_strategy"]
    if strategy == "steps" and params["save_steps"] % params["eval_steps"]:
        return [_LAST_MODEL]
    return [set_to("save_strategy", strategy), _LAST_MODEL]


def check_training(params: Mapping[str, Any], report: Preflight) -> None:
    """Fields that must agree with each other, before a library says so minutes later."""
    if params["load_best_model_at_end"] and params["eval_strategy"] != "no":
        if params["save_strategy"] not in (params["eval_strategy"], "best"):
            report.error(
                "load_best_model_at_end",
                "ending with the best checkpoint needs checkpoints where evaluations are: save_strategy is {}, eval_strategy {}".format(
                    params["save_strategy"], params["eval_strategy"]
                ),
                "Set both to the same.",
                _agreeing(params),
            )
        elif params["save_strategy"] == "steps" and params["save_steps"] % params["eval_steps"]:
            text = "with load_best_model_at_end, save_steps must be a multiple of eval_steps ({})".format(params["eval_steps"])
            whole = max(1, round(params["save_steps"] / params["eval_steps"])) * params["eval_steps"]
            report.error("save_steps", text, None, [set_to("save_steps", whole), _LAST_MODEL])
    if params["save_strategy"] == "best" and params["eval_strategy"] == "no":
        hint = "Set eval_strategy to steps or epoch."
        report.error("save_strategy", "saving the best needs evaluation", hint, [set_to("save_strategy", "steps")])
    further = params.get("training_arguments") or {}
    scheduler = params["lr_scheduler_type"]
    if scheduler in ("cosine_with_min_lr", "warmup_stable_decay") and "lr_scheduler_kwargs" not in further:
        needed = {"cosine_with_min_lr": '{"min_lr_rate": 0.1}', "warmup_stable_decay": '{"num_decay_steps": 100}'}[scheduler]
        report.error(
            "lr_scheduler_type",
            "the schedule {} needs values of its own".format(scheduler),
            'Add to training_arguments: {{"lr_scheduler_kwargs": {}}}'.format(needed),
            [set_to("training_arguments", {**further, "lr_scheduler_kwargs": json.loads(needed)}, "Add " + needed), _LINEAR],
        )
    if scheduler == "reduce_lr_on_plateau" and params["eval_strategy"] == "no":
        report.error("lr_scheduler_type", "reduce_lr_on_plateau needs evaluation", "Set eval_strategy to steps or epoch.", [_LINEAR])
    if params.get("quantization", "none") != "none" and params.get("method", "lora") == "full":
        report.error("quantization", "quantised weights cannot be trained in full", "Set method to lora, or quantization to none.", [set_to("method", "lora"), set_to("quantization", "none")])
    _check_tools(params, further, report)


def _check_tools(params: Mapping[str, Any], further: Mapping[str, Any], report: Preflight) -> None:
    """Packages and programs that one setting needs, with the setting that does without."""
    needs = (
        ("optim", "8bit" in params["optim"], "bitsandbytes", "adamw_torch"),
        ("quantization", params.get("quantization", "none") != "none", "bitsandbytes", "none"),
        ("deepspeed", bool(params.get("deepspeed")), "deepspeed", None),
        ("optim", params["optim"].startswith("schedule_free"), "schedulefree", "adamw_torch"),
        ("attn_implementation", params.get("attn_implementation") == "flash_attention_2", "flash-attn", "sdpa"),
    )
    for name, needed, package, without in needs:
        if needed and not is_installed(package):
            text = "{} {} needs the package {}".format(name, params[name], package)
            report.error(name, text, "python -m pip install " + package, [set_to(name, without)])
    backend = further.get("torch_compile_backend", params.get("torch_compile_backend")) or "inductor"
    if not params["torch_compile"] or backend != "inductor":
        return
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"] if os.name != "nt" else ["cl"]
    if not any(shutil.which(program) for program in wanted):
        text = "torch.compile needs a C++ compiler, and there is no {}".format(" or ".join(wanted))
        hint = "Install one (apt install g++, xcode-select --install), or set CXX to where it is."
        report.error("torch_compile", text, hint, [set_to("torch_compile", False, "Turn torch.compile off")])


def check_model(params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
    """Is the model there: a folder that holds one, or a hub name that is cached or can be fetched?"""
    if params.get("model_source") == "new":
        if params["hidden_size"] % params["num_attention_heads"]:
            report.error(
                "hidden_size", "hidden_size {} is no multiple of num_attention_heads {}".format(params["hidden_size"], params["num_attention_heads"])
            )
        elif params["hidden_size"] // params["num_attention_heads"] % 2:
            report.error("hidden_size", "hidden_size / num_attention_heads must be even (rotary positions turn pairs)")
        return
    for name in ("model", "tokenizer"):
        if params.get(name):
            _check_reference(name, params[name], base_dir, report)


def _check_reference(name: str, value: str, base_dir: Path, report: Preflight) -> None:
    folder = base_dir / os.path.expanduser(value)
    if folder.is_dir():
        needed: List[str] = ["config.json", "adapter_config.json"] if name == "model" else ["tokenizer_config.json", "tokenizer.json"]
        if not any((folder / file).is_file() for file in needed):
            report.error(name, "{} holds no {} ({} is missing)".format(folder, name, needed[0]))
        elif name == "model":
            _model_facts(folder, report)
        return
    if value.startswith((".", "/", "~")) or value.count("/") > 1 or "\\" in value or folder.exists():
        report.error(name, "{} does not exist or is no folder".format(folder), "Relative paths start at {}.".format(base_dir))
        return
    cached = hub_cache() / "models--{}".format(value.replace("/", "--")) / "snapshots"
    if cached.is_dir():
        report.facts[name + "_cached"] = True
    elif os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
        report.error(name, "{} is not in the local cache and HF_HUB_OFFLINE is set".format(value), "Name a folder, or download it first.")
    else:
        report.info(name, "{} will be downloaded from the Hugging Face hub at the start".format(value))


def hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub"))


def _model_facts(folder: Path, report: Preflight) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        report.facts["model_type"] = "adapter"
        return
    except (OSError, ValueError) as error:
        report.error("model", "{} cannot be read: {}".format(folder / "config.json", error))
        return
    for key in ("model_type", "hidden_size", "num_hidden_layers", "vocab_size", "max_position_embeddings"):
        if key in config:
            report.facts[key] = config[key]
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if weights:
        report.facts["weights_bytes"] = weights
