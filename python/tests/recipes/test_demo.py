"""The demo's files: valid documents, held-out rows that are really held out, the same bytes each time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from recipe_runs import environment
from trainyard.recipes.__main__ import check

yaml = pytest.importorskip("yaml")


def prepare(folder: Path) -> Dict[str, Any]:
    command = [sys.executable, "-m", "trainyard.demo", "prepare", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def rows(folder: Path, name: str) -> List[Dict[str, str]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def errors(spec: Dict[str, Any], folder: Path) -> List[str]:
    return [problem["field"] for problem in check(spec["recipe"], spec["params"], folder)["problems"] if problem["severity"] == "error"]


def test_both_documents_are_valid_and_only_the_base_model_is_missing(tmp_path: Path, valid: Any) -> None:
    prepared = prepare(tmp_path / "new" / "demo")
    folder = Path(prepared["dir"])
    base, adapter = (yaml.safe_load(Path(prepared[name]).read_text()) for name in ("base", "adapter"))
    valid("run-spec", base)
    valid("run-spec", adapter)
    assert errors(base, folder) == []
    assert adapter["params"]["model"] == prepared["placeholder"]
    assert errors(adapter, folder) == ["params.model"]
    facts = check("hf-causal-lm", base["params"], folder)["facts"]
    assert facts["train_rows"] == prepared["rows"]["addition.train.jsonl"]


def test_answers_are_right_and_held_out_rows_are_not_trained_on(tmp_path: Path) -> None:
    prepare(tmp_path)
    for task in ("addition", "subtraction"):
        train, held_out = rows(tmp_path, task + ".train.jsonl"), rows(tmp_path, task + ".eval.jsonl")
        assert not {row["prompt"] for row in train} & {row["prompt"] for row in held_out}
        for row in train + held_out:
            assert eval(row["prompt"].rstrip("=")) == int(row["completion"])  # the prompts are our own sums


def test_preparing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    prepare(tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    prepare(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "trainyard.demo", "prepare", str(tmp_path / "file" / "demo")]
    result = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert result.returncode == 1 and "cannot be written" in result.stderr and "Traceback" not in result.stderr
