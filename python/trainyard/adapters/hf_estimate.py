"""What a training on ``transformers.Trainer`` or TRL will need (``RunEstimate`` in ``protocol/estimate.ts``), and what of it does not fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from trainyard._words import counted
from trainyard.adapters import machine
from trainyard.adapters.memory import FRAMEWORK_GPU, FRAMEWORK_RSS, Shape, is_lora, memory_parts, ranged, trainable_parameters, weight_bytes
from trainyard.adapters.model_size import ModelSize, character_vocabulary, characters_per_token, find_model, new_model_size, saved_model_size
from trainyard.adapters.preflight import Fix, Preflight, set_to


@dataclass(frozen=True)
class Rows:
    """What the check found out of the dataset. Lengths are in characters; ``alphabet`` holds each character that was seen."""

    train: Optional[int]
    eval: Optional[int]
    mean: float
    largest: int
    alphabet: str


@dataclass(frozen=True)
class Place:
    """Where the training will run: CUDA_VISIBLE_DEVICES of the document, and the folder of its checkpoints."""

    gpus: Sequence[str] = ()
    checkpoints: Optional[Path] = None


def add_estimate(recipe: str, framework: str, params: Mapping[str, Any], base_dir: Path, rows: Rows, report: Preflight, place: Place) -> None:
    """Sets ``report.estimate`` and warns of what does not fit."""
    size = model_size(params, base_dir, rows)
    visible = [] if params["use_cpu"] else machine.gpus(place.gpus)
    devices = max(1, len(visible))
    batch = params["per_device_train_batch_size"] * params["gradient_accumulation_steps"] * devices
    steps = step_count(params, rows.train, batch)
    report.estimate = {
        "train_rows": rows.train,
        "eval_rows": rows.eval,
        "effective_batch": batch,
        "devices": devices,
        "steps": steps,
        "total_parameters": size and size.parameters,
        "trainable_parameters": size and trainable_parameters(recipe, params, size),
        "memory": [],
        "disk": None,
        "time": None,
    }
    if size is None:
        return
    lengths = token_lengths(params, base_dir, rows)
    report.estimate["memory"] = _memory(recipe, framework, params, size, lengths, visible)
    report.estimate["disk"] = _disk(recipe, params, size, steps, place.checkpoints or base_dir)
    _warn_of_memory(recipe, framework, params, size, lengths, visible, report)
    _warn_of_disk(params, report)


def model_size(params: Mapping[str, Any], base_dir: Path, rows: Rows) -> Optional[ModelSize]:
    """None when the model is not on this machine yet."""
    if params.get("model_source") == "new":
        vocab = params["vocab_size"] if params["new_tokenizer"] == "bpe" else character_vocabulary(rows.alphabet)
        return new_model_size(params, vocab)
    folder = find_model(params, base_dir)
    return None if folder is None else saved_model_size(folder)


def step_count(params: Mapping[str, Any], train_rows: Optional[int], batch: int) -> Optional[int]:
    """Optimizer steps; None when the number of rows is not known. Packing makes fewer."""
    if params["max_steps"] > 0:
        return int(params["max_steps"])
    if train_rows is None or params.get("packing"):
        return None
    return math.ceil(math.ceil(train_rows / batch) * params["num_train_epochs"])


@dataclass(frozen=True)
class Lengths:
    """Tokens of the longest row of a batch."""

    low: int
    likely: int
    high: int


def token_lengths(params: Mapping[str, Any], base_dir: Path, rows: Rows) -> Lengths:
    limit = int(params["max_length"])
    if params.get("packing"):
        return Lengths(limit, limit, limit)
    per_token = characters_per_token(params, base_dir)
    special = 1

    def tokens(characters: float) -> int:
        return max(1, min(limit, math.ceil(characters / per_token) + special))

    # How many characters a token has differs with the language: the longest row may have half as many again.
    return Lengths(tokens(rows.mean), tokens(rows.largest), min(limit, tokens(rows.largest * (1.0 if per_token == 1.0 else 1.5))))


def _memory(
    recipe: str, framework: str, params: Mapping[str, Any], size: ModelSize, lengths: Lengths, visible: Sequence[machine.Gpu]
) -> List[Dict[str, Any]]:
    batch = params["per_device_train_batch_size"]
    low, likely, high = (
        memory_parts(recipe, params, size, Shape(batch, tokens), bool(visible)) for tokens in (lengths.low, lengths.likely, lengths.high)
    )
    found: List[Dict[str, Any]] = []
    for gpu in visible:
        about = {"kind": "gpu", "index": gpu.index, "name": gpu.name, "free_bytes": gpu.free_bytes, "total_bytes": gpu.total_bytes}
        found.append({**about, **ranged(low, likely, high, FRAMEWORK_GPU), "basis": "formula", "evidence": None})
    free, total = machine.host_memory()
    about = {"kind": "cpu", "index": None, "name": "host memory", "free_bytes": free, "total_bytes": total}
    if visible:
        # The weights pass through the host when they are loaded.
        loaded = {"weights": size.parameters * weight_bytes(params, size)}
        parts = ranged(loaded, loaded, loaded, FRAMEWORK_RSS[framework] + 2 * 2**30)
    else:
        parts = ranged(low, likely, high, FRAMEWORK_RSS[framework])
    found.append({**about, **parts, "basis": "formula", "evidence": None})
    return found


def _disk(recipe: str, params: Mapping[str, Any], size: ModelSize, steps: Optional[int], folder: Path) -> Dict[str, Any]:
    trained = trainable_parameters(recipe, params, size)
    model = trained * 4.0 if is_lora(recipe, params) else size.parameters * weight_bytes(params, size)
    merged = is_lora(recipe, params) and params["merge_adapter"]
    states = memory_parts(recipe, params, size, Shape(1, 1), True)["optimizer"]
    count = checkpoint_count(params, steps)
    limit = params["save_total_limit"]
    # The new one is written before an old one goes.
    kept = count if limit is None else min(count, limit + 1)
    final = size.parameters * weight_bytes(params, size) if merged else model
    return {
        "path": str(folder),
        "checkpoint_bytes": round(model + states),
        "checkpoints": kept,
        "final_model_bytes": round(final),
        "total_bytes": round(kept * (model + states) + final),
        "free_bytes": machine.disk_free(folder),
    }


def checkpoint_count(params: Mapping[str, Any], steps: Optional[int]) -> int:
    """How many are written; the last step is saved too. Without a known end, two at least."""
    if params["save_strategy"] == "no":
        return 0
    if params["save_strategy"] == "epoch":
        return max(1, math.ceil(params["num_train_epochs"]))
    every = params["eval_steps"] if params["save_strategy"] == "best" else params["save_steps"]
    return 2 if steps is None else max(1, math.ceil(steps / max(1, every)))


def _warn_of_memory(
    recipe: str,
    framework: str,
    params: Mapping[str, Any],
    size: ModelSize,
    lengths: Lengths,
    visible: Sequence[machine.Gpu],
    report: Preflight,
) -> None:
    for estimate in report.estimate["memory"] if report.estimate else []:
        room = estimate["total_bytes"] if estimate["kind"] == "gpu" else estimate["free_bytes"]
        if room is None or estimate["likely_bytes"] <= room:
            continue
        fixes = _memory_fixes(recipe, framework, params, size, lengths, visible, estimate["kind"], room)
        sure = estimate["low_bytes"] > room
        text = "{} need about {} of memory on {}, which has {}".format(
            "the training will" if sure else "the training may", gibibytes(estimate["likely_bytes"]), estimate["name"], gibibytes(room)
        )
        report.warning("per_device_train_batch_size", text, "Smaller batches, gradient checkpointing or LoRA need less.", fixes)
        return


def _memory_fixes(
    recipe: str,
    framework: str,
    params: Mapping[str, Any],
    size: ModelSize,
    lengths: Lengths,
    visible: Sequence[machine.Gpu],
    kind: str,
    room: int,
) -> List[Fix]:
    """Single changes after which it fits, the least harmful first."""

    def fits(changes: Mapping[str, Any]) -> bool:
        estimates = _memory(recipe, framework, {**params, **changes}, size, lengths, visible)
        return all(one["likely_bytes"] <= room for one in estimates if one["kind"] == kind)

    candidates: List[Fix] = []
    if not params["gradient_checkpointing"]:
        candidates.append(set_to("gradient_checkpointing", True, "Turn on gradient checkpointing"))
    batch = params["per_device_train_batch_size"] // 2
    while batch >= 1:
        if fits({"per_device_train_batch_size": batch}):
            candidates.append(set_to("per_device_train_batch_size", batch))
            break
        batch //= 2
    if params.get("method") == "full":
        candidates.append(set_to("method", "lora", "Train a LoRA adapter instead"))
    return [fix for fix in candidates if fits({fix.path.split(".", 1)[1]: fix.value})]


def _warn_of_disk(params: Mapping[str, Any], report: Preflight) -> None:
    disk = report.estimate["disk"] if report.estimate else None
    if disk is None or disk["free_bytes"] is None or disk["total_bytes"] <= disk["free_bytes"]:
        return
    text = "{} of {} and the model need {}; {} has {} free".format(
        counted(disk["checkpoints"], "checkpoint"),
        gibibytes(disk["checkpoint_bytes"]),
        gibibytes(disk["total_bytes"]),
        disk["path"],
        gibibytes(disk["free_bytes"]),
    )
    room = (disk["free_bytes"] - disk["final_model_bytes"]) // max(1, disk["checkpoint_bytes"]) - 1
    if room >= 1:
        fixes = [set_to("save_total_limit", int(room), "Keep {}".format(counted(int(room), "checkpoint")))]
    elif disk["final_model_bytes"] < disk["free_bytes"]:
        fixes = [set_to("save_strategy", "no", "Write no checkpoints")]
    else:
        fixes = []
    report.warning("save_total_limit", text, "Keep fewer checkpoints, or make room.", fixes)


def probe_params(params: Mapping[str, Any]) -> Dict[str, Any]:
    """No evaluation, no checkpoints, and no more rows than a few steps need on as many GPUs as a machine has."""
    batch = params["per_device_train_batch_size"] * params["gradient_accumulation_steps"]
    rows = max(256, 40 * batch)
    limit = rows if params["max_rows"] is None else min(rows, params["max_rows"])
    off = {"eval_strategy": "no", "eval_exact_match": False, "save_strategy": "no", "load_best_model_at_end": False}
    known = {name: value for name, value in off.items() if name in params}
    return {**params, **known, "eval_file": None, "eval_fraction": 0, "max_rows": limit}


def gibibytes(value: float) -> str:
    if value < 2**30:
        return "{:.0f} MiB".format(max(1, value / 2**20))
    return "{:.1f} GiB".format(value / 2**30)
