"""How much memory a training on ``transformers.Trainer`` needs at its peak, part by part, from sizes alone.

The parts follow what torch keeps: weights; for each trained weight a gradient and the optimizer's states; what the forward pass saves for the
backward pass; and the logits with what the loss makes of them. The peak is reached at the start of the backward pass (everything saved is
still there, no gradient yet) or at the optimizer's step (all gradients, nothing saved), whichever is more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

from trainyard.adapters.model_size import ModelSize

#: What the process holds when it trains next to nothing; measured on Linux with torch 2.13 for the CPU.
FRAMEWORK_RSS = {"huggingface": 478 * 2**20, "trl": 493 * 2**20}
#: On the CPU, freed temporaries stay with the C allocator: so much of what the blocks would keep without checkpointing; measured.
_KEPT_BY_ALLOCATOR = 0.55
#: The CUDA context and its libraries, which torch's own counter leaves out.
FRAMEWORK_GPU = 500 * 2**20
_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_QUANTISED = {"8bit": 1.1, "4bit": 0.6}
#: Bytes of optimizer state per byte of trained weight, by the beginning of its name.
_OPTIMIZER_STATES = {"adamw": 2.0, "schedule_free": 2.0, "lion": 1.0, "rmsprop": 1.0, "sgd": 0.0, "adafactor": 0.05}


@dataclass(frozen=True)
class Shape:
    """What goes through the model in one forward pass."""

    rows: int
    tokens: int

    @property
    def positions(self) -> int:
        return self.rows * self.tokens


def weight_bytes(params: Mapping[str, Any], size: ModelSize) -> float:
    """Bytes per weight as it is loaded."""
    quantised = _QUANTISED.get(params.get("quantization") or "none")
    if quantised is not None:
        return quantised
    if params.get("model_source") == "new":
        return 4.0
    return float(size.stored_bytes) if params["dtype"] == "auto" else _BYTES[params["dtype"]]


def is_lora(recipe: str, params: Mapping[str, Any]) -> bool:
    return recipe == "hf-lora" or params.get("method") == "lora"


def trainable_parameters(recipe: str, params: Mapping[str, Any], size: ModelSize) -> int:
    if not is_lora(recipe, params):
        return size.parameters
    whole = sum(size.vocab * size.hidden for name in params["modules_to_save"] if name in ("embed_tokens", "lm_head"))
    return size.lora_parameters(params["lora_r"], params["target_modules"]) + whole


def memory_parts(recipe: str, params: Mapping[str, Any], size: ModelSize, shape: Shape, on_gpu: bool) -> Dict[str, float]:
    """Bytes of each part at the peak, without the framework. Of a GPU it is what torch counts as allocated."""
    lora = is_lora(recipe, params)
    trained = trainable_parameters(recipe, params, size)
    per_weight = weight_bytes(params, size)
    weights = size.parameters * per_weight + (trained * 4.0 if lora else 0.0)
    mixed = params["precision"] in ("bf16", "fp16")
    if mixed and per_weight >= 4:
        # Autocast keeps a half-precision copy of each linear weight until the forward pass ends.
        weights += 2.0 * (size.parameters - size.vocab * size.hidden)
    per_trained = 4.0 if lora else per_weight
    gradients = trained * per_trained
    optimizer = trained * _optimizer_bytes(params["optim"], per_trained)
    # DPO: chosen and rejected go through together; the frozen reference of a full fine-tuning is a second model.
    together = Shape(shape.rows * (2 if recipe == "trl-dpo" else 1), shape.tokens)
    if recipe == "trl-dpo" and not lora and not params["precompute_ref_log_probs"]:
        weights += size.parameters * per_weight
    element = 2.0 if mixed else max(2.0, per_weight)
    saved = activation_bytes(params, size, together, lora, element)
    allocator = 0.0 if on_gpu else allocator_bytes(size, together, lora, element)
    logits = logits_bytes(size, together, mixed or per_weight == 2.0)
    at_backward = saved + logits
    if gradients >= at_backward:
        saved = logits = 0.0
    else:
        gradients = 0.0 if params["gradient_accumulation_steps"] == 1 else gradients
    parts = {"weights": weights, "gradients": gradients, "optimizer": optimizer, "activations": saved, "logits": logits}
    return {**parts, "allocator": allocator}


def _optimizer_bytes(name: str, per_trained: float) -> float:
    if "8bit" in name:
        return 2.1
    return next((factor for start, factor in _OPTIMIZER_STATES.items() if name.startswith(start)), 2.0) * per_trained


def activation_bytes(params: Mapping[str, Any], size: ModelSize, shape: Shape, lora: bool, element: float) -> float:
    """What the blocks keep for the backward pass.

    Per position and block: two norms (input, normalised, output: 3 widths each), attention (query, key, value, output twice), and the gated MLP (gate,
    its activation, up, their product). The attention of ``eager`` also keeps its scores, twice.
    """
    h, block = size.hidden, _block_width(size)
    if lora:
        # Each adapter keeps its input again where dropout copies it, and its narrow middle.
        dropped = sum(width for width, _ in size.linear_shapes().values()) if params["lora_dropout"] > 0 else 0
        block += dropped + 7 * params["lora_r"]
    one = shape.positions * block * element
    if params["attn_implementation"] == "eager":
        one += 2 * shape.rows * size.heads * shape.tokens * shape.tokens * element
    if params["gradient_checkpointing"]:
        return one + size.layers * shape.positions * h * element
    return size.layers * one + 3 * shape.positions * h * element


def _block_width(size: ModelSize) -> int:
    return 6 * size.hidden + 3 * size.query_width + 2 * size.key_width + 4 * size.intermediate


def allocator_bytes(size: ModelSize, shape: Shape, lora: bool, element: float) -> float:
    """What the C allocator holds on to. With LoRA each linear layer has three outputs for one that is kept: its own, the adapter's, their sum."""
    width = _KEPT_BY_ALLOCATOR * _block_width(size)
    if lora:
        width += 2 * sum(width_out for _, width_out in size.linear_shapes().values())
    return size.layers * shape.positions * width * element


def logits_bytes(size: ModelSize, shape: Shape, half: bool) -> float:
    """The logits, their log-softmax, and the gradients of both; in half precision the first copy is narrow and one more is made in float32."""
    return shape.positions * size.vocab * (4 * 4.0 + (2.0 if half else 0.0))


def ranged(low: Mapping[str, float], likely: Mapping[str, float], high: Mapping[str, float], framework: float) -> Dict[str, Any]:
    """The ``MemoryEstimate`` without its device: parts of the likely case, the sums of all three, with room for the allocator."""
    parts: List[Dict[str, Any]] = [{"name": name, "bytes": round(value)} for name, value in {**likely, "framework": framework}.items() if value >= 1]
    return {
        "low_bytes": round(0.9 * (sum(low.values()) + framework)),
        "likely_bytes": round(sum(likely.values()) + framework),
        "high_bytes": round(1.2 * sum(high.values()) + 1.1 * framework),
        "parts": sorted(parts, key=lambda part: -part["bytes"]),
    }
