"""Rows of a dataset as the training will see them: which tokens are learned and how long rows get (``RenderedDataset`` in
``protocol/documents.ts``). Loads the document's tokenizer, so it runs in a process of its own and takes seconds.
"""

from __future__ import annotations

import math
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from trainyard.adapters.base import BaseAdapter, RecipeError, TrainContext
from trainyard.adapters.hf_data import Part, open_sources
from trainyard.adapters.preflight import Problem
from trainyard.adapters.rows import DatasetError, Source, normalise, read_rows

_MOST_BINS = 24
#: Of a longer row the rest is not shown.
_SHOWN_TOKENS = 4096


class _Notes:
    """Stands for the run where only its messages are needed."""

    def __init__(self) -> None:
        self.problems: List[Problem] = []

    def message(self, level: str, text: str) -> None:
        self.problems.append(Problem(level if level in ("warning", "error") else "info", "", text))


def render(adapter: BaseAdapter, params: Mapping[str, Any], base_dir: Path, split: str, rows: int, sample: int) -> Dict[str, Any]:
    """
    :raises DatasetError, RecipeError: the file, the tokenizer or the template cannot be used
    """
    from trainyard.adapters.hf_models import load_tokenizer, prepare_environment

    values = adapter.fill(params)
    if split == "eval":
        values = {**values, "train_file": values.get("eval_file")}
    if not values.get("train_file"):
        raise DatasetError("the document names no {} file".format("training" if split == "train" else "evaluation"), split + "_file")
    prepare_environment(values)
    notes = _Notes()
    source = open_sources({**values, "eval_file": None}, adapter.dataset_shapes, base_dir).train
    numbered, broken = _read(source, sample, split)
    if not numbered:
        raise DatasetError(broken[0].message if broken else "{} holds no rows".format(source.path), split + "_file")
    with tempfile.TemporaryDirectory(prefix="trainyard-render-") as scratch:
        context = TrainContext(values, notes, None, Path(scratch), Path(scratch), Path(scratch), 0)  # type: ignore[arg-type]
        tokenizer = load_tokenizer(context, source)
        own_template = not any("chat template" in problem.message for problem in notes.problems)
        encoded = adapter.encode_rows(context, source.shape, tokenizer, [row for _, row in numbered])
    limit = int(values["max_length"])
    conversation = source.shape == "messages" or source.shape == "preference" and isinstance(numbered[0][1]["chosen"], list)
    return {
        "tokenizer": "new" if values.get("model_source") == "new" else str(values.get("tokenizer") or values["model"]),
        "template": ("tokenizer" if own_template else "plain") if conversation else None,
        "max_length": limit,
        "rows": [_rendered(number, parts, tokenizer, limit) for (number, _), parts in zip(numbered[:rows], encoded)],
        "lengths": _lengths([sum(len(part.ids) for part in parts) for parts in encoded], limit),
        "problems": [problem.to_json() for problem in broken + notes.problems],
    }


def _read(source: Source, sample: int, split: str) -> Tuple[List[Tuple[int, Dict[str, Any]]], List[Problem]]:
    """The first good rows with their numbers, and what is wrong with the others."""
    good: List[Tuple[int, Dict[str, Any]]] = []
    broken: List[Problem] = []
    try:
        for number, row in enumerate(islice(read_rows(source.path), sample), 1):
            try:
                good.append((number, normalise(row, source.shape, source.columns, source.path, number)))
            except DatasetError as error:
                broken.append(Problem("error", "params." + error.parameter, error.message, error.hint))
    except DatasetError as error:
        broken.append(Problem("error", "params.{}_file".format(split), error.message, error.hint))
    return good, broken[:20]


def _rendered(number: int, parts: Sequence[Part], tokenizer: Any, limit: int) -> Dict[str, Any]:
    segments: List[Dict[str, Any]] = []
    room, shown, problem = limit, _SHOWN_TOKENS, None
    trained = cut = 0
    for part in parts:
        kept, rest = part.ids[:room], part.ids[room:]
        # Both answers of a preference follow the same prompt: each has the room that the prompt leaves.
        if part.kind != "trained" or not any(other.kind == "rejected" for other in parts):
            room -= len(kept)
        trained += len(kept) if part.kind == "trained" else 0
        cut += len(rest)
        for kind, ids in ((part.kind, kept), ("cut", rest)):
            if ids and shown > 0:
                text = tokenizer.decode(ids[:shown], skip_special_tokens=False, clean_up_tokenization_spaces=False)
                segments.append({"text": text, "kind": kind, "tokens": len(ids)})
                shown -= len(ids)
    if trained == 0:
        problem = "holds nothing to learn within max_length {}".format(limit)
    total = sum(len(part.ids) for part in parts)
    return {"number": number, "tokens": total, "trained_tokens": trained, "cut_tokens": cut, "segments": segments, "problem": problem}


def _lengths(lengths: List[int], limit: int) -> Dict[str, Any]:
    ordered = sorted(lengths)
    longest = ordered[-1] if ordered else 0
    width = max(1, math.ceil((longest + 1) / _MOST_BINS))
    bins = [{"from": low, "to": low + width, "rows": 0} for low in range(0, longest + 1, width)]
    for length in lengths:
        bins[length // width]["rows"] += 1
    return {
        "rows": len(lengths),
        "mean": round(sum(lengths) / max(1, len(lengths)), 2),
        "p50": _quantile(ordered, 0.5),
        "p95": _quantile(ordered, 0.95),
        "max": longest,
        "over": sum(length > limit for length in lengths),
        "bins": bins,
    }


def _quantile(ordered: List[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def render_request(request: Mapping[str, Any]) -> Dict[str, Any]:
    """From the request of ``python -m trainyard.recipes render``. @raises DatasetError, RecipeError"""
    from trainyard.recipes.catalogue import launch_workspaces, load

    base_dir = Path(request["base_dir"]).absolute()
    entry = load([base_dir] + launch_workspaces()).entries.get(request["recipe"])
    if entry is None:
        raise RecipeError("there is no recipe {!r}".format(request["recipe"]), "recipe")
    if not entry.adapter.dataset_shapes:
        raise RecipeError("the recipe {} learns from no rows of text".format(request["recipe"]), "recipe")
    params = dict(request["params"])
    if request.get("file"):
        params[request["split"] + "_file"] = request["file"]
    return render(entry.adapter, params, base_dir, request["split"], request["rows"], request["sample"])
