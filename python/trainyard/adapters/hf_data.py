"""Rows as tokens, for the recipes on ``transformers.Trainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from trainyard._words import counted
from trainyard.adapters.base import RecipeError, TrainContext, resolve_path
from trainyard.adapters.rows import Columns, Source, open_source

#: Files up to this size are held in memory; larger ones go through an Arrow file in the cache of the package datasets.
_IN_MEMORY_BYTES = 64 * 1024 * 1024
#: The held-out rows are the same for every seed, so that replicates are measured on the same rows.
_SPLIT_SEED = 0
IGNORED = -100


class Sources(NamedTuple):
    train: Source
    eval: Optional[Source]


class Part(NamedTuple):
    """Neighbouring tokens of a row: ``trained``, ``masked`` (given, not learned) or ``rejected`` (a preference's worse answer)."""

    kind: str
    ids: List[int]


class Split(NamedTuple):
    """``datasets.Dataset`` each; ``eval`` is None without held-out rows."""

    train: Any
    eval: Optional[Any]


def open_sources(params: Mapping[str, Any], shapes: Sequence[str], base_dir: Optional[Path] = None) -> Sources:
    """The dataset files of the fields with their shape settled. @raises DatasetError"""
    base = base_dir or Path.cwd()
    columns = Columns.from_params(params)
    shape = params.get("data_format", shapes[0] if len(shapes) == 1 else "auto")
    train = open_source(resolve_path(params["train_file"], base), shape, columns, shapes, params.get("max_rows"))
    if not params.get("eval_file"):
        return Sources(train, None)
    return Sources(train, open_source(resolve_path(params["eval_file"], base), train.shape, columns, shapes, params.get("max_rows")))


def load_split(sources: Sources, eval_fraction: float) -> Split:
    """Normalised rows as datasets; a share is held out when there is no evaluation file."""
    train = to_dataset(sources.train)
    if sources.eval is not None:
        return Split(train, to_dataset(sources.eval))
    if not eval_fraction:
        return Split(train, None)
    held_out = round(len(train) * eval_fraction)
    if held_out < 1 or held_out >= len(train):
        raise RecipeError(
            "eval_fraction {:g} of {} leaves no row for {}".format(
                eval_fraction, counted(len(train), "row"), "evaluation" if held_out < 1 else "training"
            ),
            "params.eval_fraction",
        )
    parts = train.train_test_split(test_size=held_out, seed=_SPLIT_SEED)
    return Split(parts["train"], parts["test"])


def to_dataset(source: Source) -> Any:
    from datasets import Dataset

    stat = source.path.stat()
    if stat.st_size <= _IN_MEMORY_BYTES:
        return Dataset.from_list(list(source))
    # Size and time are arguments so that the cache notices a changed file.
    arguments = {"source": source, "_size": stat.st_size, "_modified": stat.st_mtime_ns}
    return Dataset.from_generator(_rows_of, gen_kwargs=arguments)


def _rows_of(source: Source, _size: int, _modified: int) -> Any:
    yield from source


class Encoder:
    """Turns normalised rows into ``input_ids`` and ``labels``; labels of tokens that are not learned are −100."""

    def __init__(self, tokenizer: Any, shape: str, max_length: int, completion_only: bool) -> None:
        self.tokenizer = tokenizer
        self.shape = shape
        self.max_length = max_length
        self.completion_only = completion_only

    def __call__(self, row: Mapping[str, Any]) -> Dict[str, List[int]]:
        prompt, answer = self.parts(row)
        ids = (prompt + answer)[: self.max_length]
        labels = list(ids)
        if self.completion_only:
            labels[: len(prompt)] = [IGNORED] * min(len(prompt), len(ids))
        return {"input_ids": ids, "labels": labels}

    def parts(self, row: Mapping[str, Any]) -> Tuple[List[int], List[int]]:
        """Tokens of what is given and of what is to be learned."""
        eos = self.tokenizer.eos_token_id
        if self.shape == "text":
            return [], without_eos(self.tokenizer(row["text"])["input_ids"], eos) + [eos]
        if self.shape == "prompt_completion":
            # Tokenised apart, as generation sees it: a merge across the seam would never occur there.
            completion = self.tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
            return prompt_ids(self.tokenizer, row["prompt"]), completion + [eos]
        messages = row["messages"]
        whole = self._render(messages, False)
        if messages[-1]["role"] != "assistant":
            return [], whole
        given = self._render(messages[:-1], True) if len(messages) > 1 else []
        if whole[: len(given)] != given:
            raise RecipeError(
                "the chat template renders the beginning of a conversation differently once the answer follows, so the answer cannot be told apart",
                "params.completion_only_loss",
                "Turn off the loss on the completion alone, or use another template.",
            )
        return given, whole[len(given) :]

    def _render(self, messages: List[Dict[str, str]], ask: bool) -> List[int]:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=ask)
        ids: List[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def parts_of_labels(ids: Sequence[int], labels: Sequence[int]) -> List[Part]:
    """Tokens with their labels as parts of one kind each."""
    parts: List[Part] = []
    for token, label in zip(ids, labels):
        kind = "masked" if label == IGNORED else "trained"
        if not parts or parts[-1].kind != kind:
            parts.append(Part(kind, []))
        parts[-1].ids.append(token)
    return parts


def without_eos(ids: List[int], eos: int) -> List[int]:
    """Some tokenizers end every text by themselves."""
    return ids[:-1] if ids and ids[-1] == eos else ids


def prompt_ids(tokenizer: Any, prompt: str) -> List[int]:
    """The prompt as training and generation both see it."""
    return without_eos(list(tokenizer(prompt)["input_ids"]), tokenizer.eos_token_id)


def encode(dataset: Any, encoder: Encoder, context: TrainContext, name: str) -> Any:
    """The dataset as tokens. Rows that hold nothing to learn after cutting are left out and counted in a message."""
    encoded = dataset.map(encoder, remove_columns=dataset.column_names, desc="Tokenising {} rows".format(name))
    kept = encoded.filter(_learns, desc="Checking {} rows".format(name))
    if len(kept) < len(encoded):
        text = "{} of {} {} rows hold nothing to learn within max_length {} and were left out"
        context.run.message("warning", text.format(len(encoded) - len(kept), len(encoded), name, encoder.max_length))
    if len(kept) == 0:
        raise RecipeError("no {} row holds anything to learn within max_length {}".format(name, encoder.max_length), "params.max_length")
    return kept


def _learns(row: Mapping[str, List[int]]) -> bool:
    # The first token is never predicted, so a row needs a label after it.
    return any(label != IGNORED for label in row["labels"][1:])


def pack(dataset: Any, length: int) -> Any:
    """All rows one after another, cut into sequences of the full length; what is left over at the end is dropped unless it is all."""
    from datasets import Dataset

    ids: List[int] = []
    labels: List[int] = []
    blocks: Dict[str, List[List[int]]] = {"input_ids": [], "labels": []}
    for row in dataset:
        ids += row["input_ids"]
        labels += row["labels"]
        while len(ids) >= length:
            blocks["input_ids"].append(ids[:length])
            blocks["labels"].append(labels[:length])
            del ids[:length], labels[:length]
    if not blocks["input_ids"]:
        blocks = {"input_ids": [ids], "labels": [labels]}
    return Dataset.from_dict(blocks)


class Collator:
    """Pads a batch on the right to its longest row; padding is neither seen nor learned."""

    def __init__(self, pad_token_id: int) -> None:
        self.pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[Mapping[str, List[int]]]) -> Dict[str, Any]:
        import torch

        longest = max(len(row["input_ids"]) for row in rows)

        def padded(values: List[int], filler: int) -> List[int]:
            return list(values) + [filler] * (longest - len(values))

        return {
            "input_ids": torch.tensor([padded(row["input_ids"], self.pad_token_id) for row in rows]),
            "attention_mask": torch.tensor([padded([1] * len(row["input_ids"]), 0) for row in rows]),
            "labels": torch.tensor([padded(row["labels"], IGNORED) for row in rows]),
        }
