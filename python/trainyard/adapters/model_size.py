"""Sizes of a decoder-only language model, read from its configuration and the headers of its weights: nothing is loaded."""

from __future__ import annotations

import json
import os
import string
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

_LARGEST_HEADER = 64 * 1024 * 1024
_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class ModelSize:
    """Widths in elements. ``stored_bytes`` per parameter is what the files hold, for ``dtype: auto``."""

    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    tied: bool
    parameters: int
    stored_bytes: int = 4

    @property
    def query_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def key_width(self) -> int:
        return self.kv_heads * self.head_dim

    def linear_shapes(self) -> Dict[str, Tuple[int, int]]:
        """Input and output width of the linear layers of one block, by the names that Llama and its relatives use."""
        h, q, k, i = self.hidden, self.query_width, self.key_width, self.intermediate
        shapes = ((h, q), (h, k), (h, k), (q, h), (h, i), (h, i), (i, h))
        return dict(zip(_LINEAR, shapes))

    def lora_parameters(self, rank: int, targets: Sequence[str]) -> int:
        """Σ r · (in + out) over the layers that get an adapter."""
        everything = list(targets) in ([], ["all-linear"])
        chosen = [shape for name, shape in self.linear_shapes().items() if everything or name in targets]
        return self.layers * sum(rank * (width_in + width_out) for width_in, width_out in chosen)


def new_model_size(params: Mapping[str, Any], vocab: int) -> ModelSize:
    """Of the small Llama that ``hf_models.new_model`` makes."""
    hidden, heads = params["hidden_size"], params["num_attention_heads"]
    return _counted(vocab, hidden, params["num_hidden_layers"], heads, heads, hidden // heads, params["intermediate_size"], False, None, 4)


def saved_model_size(folder: Path) -> Optional[ModelSize]:
    """Of a saved model; None when its configuration has other names or cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = {**config, **(config.get("text_config") or {})}
        hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
        head_dim = config.get("head_dim") or hidden // heads
        widths = (config["vocab_size"], hidden, layers, heads, config.get("num_key_value_heads") or heads, head_dim)
        inner = config.get("intermediate_size") or 4 * hidden
        counted = weights_in(folder)
        stored = {"float32": 4}.get(str(config.get("dtype", config.get("torch_dtype"))), 2)
        return _counted(*widths, inner, bool(config.get("tie_word_embeddings", True)), counted, stored)
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, AttributeError):
        return None


def _counted(
    vocab: int, hidden: int, layers: int, heads: int, kv_heads: int, head_dim: int, inner: int, tied: bool, counted: Optional[int], stored: int
) -> ModelSize:
    block = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim + 3 * hidden * inner + 2 * hidden
    total = vocab * hidden * (1 if tied else 2) + layers * block + hidden
    return ModelSize(vocab, hidden, layers, heads, kv_heads, head_dim, inner, tied, counted or total, stored)


def weights_in(folder: Path) -> Optional[int]:
    """Elements of all tensors in the folder's safetensors files, from their headers; None without such files."""
    files = sorted(folder.glob("model*.safetensors"))
    total = 0
    for path in files:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > _LARGEST_HEADER:
                raise ValueError("no safetensors header")
            header = json.loads(file.read(length))
        for name, tensor in header.items():
            if name != "__metadata__":
                total += _elements(tensor["shape"])
    return total or None


def _elements(shape: List[int]) -> int:
    count = 1
    for width in shape:
        count *= width
    return count


def find_model(params: Mapping[str, Any], base_dir: Path) -> Optional[Path]:
    """The folder of the model, saved or in the hub's cache; None when it would have to be downloaded."""
    name = params.get("model")
    if not name:
        return None
    folder = base_dir / os.path.expanduser(name)
    if (folder / "config.json").is_file():
        return folder
    from trainyard.adapters.hf_checks import hub_cache

    snapshots = hub_cache() / "models--{}".format(name.replace("/", "--")) / "snapshots"
    found = sorted(snapshots.glob("*/config.json"), key=lambda path: path.stat().st_mtime) if snapshots.is_dir() else []
    return found[-1].parent if found else None


def characters_per_token(params: Mapping[str, Any], base_dir: Path) -> float:
    """Roughly, for text in a European language; exactly 1 for a tokenizer of characters."""
    if params.get("model_source") == "new":
        return 1.0 if params["new_tokenizer"] == "characters" else 3.0
    folder = find_model(params, base_dir)
    try:
        size = (folder / "tokenizer.json").stat().st_size if folder is not None else None
        if folder is not None and size is not None and size < 1024 * 1024:
            model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
            if model.get("type") == "WordLevel" and all(len(token) <= 1 or token.startswith("<") for token in model["vocab"]):
                return 1.0
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 3.6


def character_vocabulary(texts: str) -> int:
    """Tokens of a new tokenizer of characters: three special ones, printable ASCII, and what the texts hold."""
    return 3 + len(set(string.printable) | set(texts))
