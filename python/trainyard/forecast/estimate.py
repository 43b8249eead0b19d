"""What a training of the recipe ``forecast`` will need (``RunEstimate`` in ``protocol/estimate.ts``), from sizes alone. Standard library alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from trainyard.adapters import machine
from trainyard.adapters.memory import FRAMEWORK_GPU, ranged
from trainyard.adapters.preflight import Preflight
from trainyard.forecast.plan import Plan
from trainyard.forecast.size import feature_count, parameter_count

#: What the process holds before there is a model: torch, Lightning, numpy and pyarrow; measured on Linux with torch 2.13 for the CPU.
FRAMEWORK_RSS = 452 * 2**20
#: Numbers of the model's width that a layer keeps per position for the backward pass: two norms, query, key, value, the output of the attention, the
#: feed-forward block at four widths before and after GELU and dropout, and what is added.
_KEPT_WIDTHS = 27
#: The scores of the attention, their softmax, and what dropout leaves of them.
_KEPT_SCORES = 3
#: The same where nothing is learned and one layer is alive at a time; measured.
_PASSING_WIDTHS = 7
#: Windows of a batch that only measures (``forecast.training``).
_MEASURE_BATCH = 512
#: Bytes of a bar beside its features, and of each feature: as read, as scaled, and as the model takes it. Measured.
_BAR_BYTES, _FEATURE_BYTES = 150, 12


def add_estimate(params: Mapping[str, Any], plan: Plan, steps: Optional[int], report: Preflight) -> None:
    weights = parameter_count(params, len(plan.context), plan.primary)
    gpus = [] if params["accelerator"] == "cpu" else machine.gpus(report.gpus)[:1]
    parts = memory_parts(params, plan, weights)
    free, total = machine.host_memory()
    host = {"kind": "cpu", "index": None, "name": "host memory", "free_bytes": free, "total_bytes": total, "basis": "formula", "evidence": None}
    memory: List[Dict[str, Any]] = []
    if gpus:
        gpu = gpus[0]
        device = {"kind": "gpu", "index": gpu.index, "name": gpu.name, "free_bytes": gpu.free_bytes, "total_bytes": gpu.total_bytes}
        data = {"dataset": parts.pop("dataset")}
        memory.append({**device, **ranged(parts, parts, parts, FRAMEWORK_GPU), "basis": "formula", "evidence": None})
        # CUDA's libraries lie in the memory of the host too.
        parts = {**data, "weights": 4.0 * weights}
        memory.append({**host, **ranged(parts, parts, parts, FRAMEWORK_RSS + 2 * 2**30)})
    else:
        memory.append({**host, **ranged(parts, parts, parts, FRAMEWORK_RSS)})
    report.estimate = {
        "train_rows": len(plan.train),
        "eval_rows": len(plan.val),
        "effective_batch": params["batch_size"],
        "devices": 1,
        "steps": steps,
        "total_parameters": weights,
        "trainable_parameters": weights,
        "memory": memory,
        "disk": _disk(params, plan, weights, steps, report.checkpoint_dir or Path.cwd()),
        "time": None,
    }


def memory_parts(params: Mapping[str, Any], plan: Plan, weights: int) -> Dict[str, float]:
    """Bytes of each part at the peak, without the framework."""
    element = 4.0 if params["precision"].startswith("32") else 2.0
    window, width = params["window"], params["d_model"]
    scores = _KEPT_SCORES * params["n_heads"] * window
    learned = min(params["batch_size"], len(plan.train)) * window * params["n_layers"] * (_KEPT_WIDTHS * width + scores)
    measured = min(_MEASURE_BATCH, max(len(plan.val), len(plan.test))) * window * _PASSING_WIDTHS * width
    features = feature_count(params, len(plan.context), plan.primary)
    return {
        "weights": 4.0 * weights,
        "gradients": 4.0 * weights,
        "optimizer": 8.0 * weights,
        "activations": element * learned,
        "evaluation": element * measured,
        "dataset": float(plan.bars) * (_BAR_BYTES + _FEATURE_BYTES * features),
    }


def _disk(params: Mapping[str, Any], plan: Plan, weights: int, steps: Optional[int], folder: Path) -> Dict[str, Any]:
    per_epoch = max(1, math.ceil(len(plan.train) / params["batch_size"]))
    count = 2 if steps is None else max(1, math.ceil(steps / (params["checkpoint_every_n_steps"] or per_epoch)))
    limit = params["save_top_k"]
    # The new one is written before an old one goes; the best one lies beside them.
    kept = (count if limit < 0 else min(count, limit + 1)) + bool(params["keep_best"])
    checkpoint, model = 12 * weights, 4 * weights
    return {
        "path": str(folder),
        "checkpoint_bytes": checkpoint,
        "checkpoints": kept,
        "final_model_bytes": model,
        "total_bytes": kept * checkpoint + model,
        "free_bytes": machine.disk_free(folder),
    }
