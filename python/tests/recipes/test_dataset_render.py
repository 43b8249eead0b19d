"""Rows as the training will see them, compared with what the training itself makes of them."""

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from recipe_runs import TINY_MODEL, recipes, write_jsonl
from trainyard.adapters.base import RecipeError
from trainyard.adapters.dataset_render import render_request

CHATS = [
    {"messages": [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]},
    {"messages": [{"role": "user", "content": "3+3"}, {"role": "assistant", "content": "6"}, {"role": "user", "content": "and 1"}]},
]


def render(folder: Path, recipe: str, rows: List[Dict[str, Any]], **params: Any) -> Dict[str, Any]:
    write_jsonl(folder / "rows.jsonl", rows)
    values = {"train_file": "rows.jsonl", **params}
    request = {"recipe": recipe, "params": values, "base_dir": str(folder), "split": "train", "rows": 5, "sample": 500}
    answer: Dict[str, Any] = json.loads(json.dumps(render_request(request), allow_nan=False))
    return answer


def texts(row: Dict[str, Any], kind: str) -> str:
    return "".join(segment["text"] for segment in row["segments"] if segment["kind"] == kind)


def test_a_new_tokenizer_masks_the_prompt(tmp_path: Path, valid: Any) -> None:
    rows = [{"prompt": "1+{}=".format(n), "completion": str(n + 1)} for n in range(50)]
    answer = render(tmp_path, "hf-causal-lm", rows, **{**TINY_MODEL, "max_length": 6}, completion_only_loss=True)
    valid("rendered-dataset", answer)
    assert answer["tokenizer"] == "new" and answer["template"] is None
    first = answer["rows"][0]
    assert (texts(first, "masked"), texts(first, "trained")) == ("1+0=", "1<eos>")
    assert (first["tokens"], first["trained_tokens"], first["cut_tokens"]) == (6, 2, 0)
    lengths = answer["lengths"]
    # 1+n= has four or five characters, the answer one or two and an end.
    assert (lengths["rows"], lengths["max"], lengths["over"]) == (50, 8, 41)
    assert sum(piece["rows"] for piece in lengths["bins"]) == 50


def test_what_is_cut_is_told_apart(tmp_path: Path) -> None:
    answer = render(tmp_path, "hf-causal-lm", [{"prompt": "12345", "completion": "67"}], **{**TINY_MODEL, "max_length": 5}, completion_only_loss=True)
    row = answer["rows"][0]
    assert texts(row, "cut") == "67<eos>" and row["trained_tokens"] == 0
    assert row["problem"] == "holds nothing to learn within max_length 5"


def test_trl_renders_conversations_with_the_template(tmp_path: Path, base: Any, valid: Any) -> None:
    answer = render(tmp_path, "trl-sft", CHATS, model=base.model)
    valid("rendered-dataset", answer)
    assert answer["template"] == "plain"
    assert texts(answer["rows"][0], "trained") == "user: 2+2\nassistant: 4<eos>\n"
    pairs = render(tmp_path, "trl-sft", [{"prompt": "2+2=", "completion": "4"}], model=base.model)
    row = pairs["rows"][0]
    assert (texts(row, "masked"), texts(row, "trained")) == ("2+2=", "4<eos>")


def test_dpo_shows_both_answers(tmp_path: Path, base: Any) -> None:
    answer = render(tmp_path, "trl-dpo", [{"prompt": "2+2=", "chosen": "4", "rejected": "55"}], model=base.model)
    row = answer["rows"][0]
    assert [texts(row, kind) for kind in ("masked", "trained", "rejected")] == ["2+2=", "4<eos>", "55<eos>"]


def test_says_what_cannot_be_used(tmp_path: Path, base: Any) -> None:
    with pytest.raises(RecipeError, match="the tokenizer of './gone' cannot be loaded"):
        render(tmp_path, "hf-lora", [{"text": "a"}], model="./gone")
    request = {"recipe": "hf-lora", "params": {"train_file": "gone.jsonl"}, "base_dir": str(tmp_path), "split": "train", "rows": 5, "sample": 5}
    done = recipes("render", stdin=json.dumps(request))  # as the server asks
    assert done.returncode == 65 and "gone.jsonl does not exist" in done.stderr.splitlines()[-1]
