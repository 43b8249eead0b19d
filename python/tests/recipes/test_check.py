"""The check before the start: what is wrong, where, and what to do."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from recipe_runs import EXAMPLES, TINY_MODEL, recipes, write_jsonl
from trainyard.adapters import hf_checks
from trainyard.recipes.__main__ import check


def errors(recipe: str, params: Dict[str, Any], base_dir: Path) -> Dict[str, str]:
    """Field → message of what blocks the start."""
    report = check(recipe, params, base_dir)
    return {problem["field"]: problem["message"] for problem in report["problems"] if problem["severity"] == "error"}


def lm(**params: Any) -> Dict[str, Any]:
    return {**TINY_MODEL, "train_file": "sums.jsonl", **params}


def test_a_good_run_has_no_problems_and_says_what_it_found(data: Path, valid: Any) -> None:
    request = {"recipe": "hf-causal-lm", "params": lm(eval_fraction=0.1, max_steps=20), "base_dir": str(data)}
    result = recipes("check", stdin=json.dumps(request))
    report = json.loads(result.stdout)
    valid("preflight-report", report)
    assert [problem for problem in report["problems"] if problem["severity"] != "info"] == []
    assert report["facts"]["train_rows"] == 90 and report["facts"]["eval_rows"] == 10
    assert report["facts"]["data_format"] == "prompt_completion"
    assert report["facts"]["steps_on_one_device"] == 20


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"quantization": "4bit"}, "quantization", "needs the package bitsandbytes"),
        ({"optim": "adamw_8bit"}, "optim", "needs the package bitsandbytes"),
        ({"optim": "schedule_free_adamw"}, "optim", "needs the package schedulefree"),
        ({"deepspeed": "zero.json"}, "deepspeed", "needs the package deepspeed"),
        ({"attn_implementation": "flash_attention_2"}, "attn_implementation", "needs the package flash-attn"),
        ({"torch_compile": True}, "torch_compile", "needs a C++ compiler"),
    ],
)
def test_what_is_not_installed_is_said_at_its_field(
    data: Path, monkeypatch: pytest.MonkeyPatch, params: Dict[str, Any], field: str, words: str
) -> None:
    (data / "zero.json").write_text("{}")
    monkeypatch.setattr(hf_checks, "is_installed", lambda name: False)
    monkeypatch.setenv("CXX", str(data / "no-compiler"))
    values = {"train_file": "sums.jsonl", "model": "someone/model"}

    def found(of: Dict[str, Any]) -> List[Dict[str, Any]]:
        return [one for one in check("hf-lora", {**values, **of}, data)["problems"] if one["field"] == "params." + field]

    (problem,) = found(params)
    assert problem["severity"] == "error" and words in problem["message"] and problem["hint"]
    (fix,) = problem["fixes"]
    assert found({**params, field: fix["value"]}) == []


def test_an_unknown_recipe_names_the_nearest(data: Path) -> None:
    report = check("hf-lorra", {}, data)
    assert report["problems"][0]["field"] == "recipe"
    assert report["problems"][0]["hint"] == "Did you mean hf-lora?"


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"train_file": "nowhere.jsonl"}, "params.train_file", ["nowhere.jsonl", "does not exist"]),
        ({"train_file": None}, "params.train_file", ["missing"]),
        ({"train_file": "."}, "params.train_file", ["not a file"]),
        ({"learning_rate": -1}, "params.learning_rate", ["at least 0"]),
        ({"learning_rate": "fast"}, "params.learning_rate", ["must be a number", "'fast'"]),
        ({"per_device_train_batch_size": 2.5}, "params.per_device_train_batch_size", ["must be an integer"]),
        ({"lr_scheduler_type": "cosin"}, "params.lr_scheduler_type", ["must be one of"]),
        ({"learning_rte": 1}, "params.learning_rte", ["no field 'learning_rte'"]),
        ({"data_format": "messages"}, "params.messages_column", ["lacks column 'messages'", "it has: prompt, completion"]),
        ({"completion_column": "answer"}, "params.completion_column", ["lacks column 'answer'", "it has: prompt, completion"]),
        ({"eval_strategy": "steps"}, "params.eval_strategy", ["no held-out rows"]),
        ({"hidden_size": 30, "num_attention_heads": 4}, "params.hidden_size", ["no multiple"]),
        ({"model_source": "pretrained", "model": "./gone"}, "params.model", ["gone", "does not exist"]),
        ({"model_source": "pretrained", "model": "."}, "params.model", ["config.json is missing"]),
        ({"model_source": "pretrained"}, "params.model", ["model is missing"]),
        (
            {"eval_fraction": 0.2, "eval_strategy": "steps", "load_best_model_at_end": True, "save_strategy": "epoch"},
            "params.load_best_model_at_end",
            ["save_strategy is epoch"],
        ),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "params.lr_scheduler_type", ["values of its own"]),
    ],
)
def test_a_wrong_value_is_explained_at_its_field(data: Path, params: Dict[str, Any], field: str, words: List[str]) -> None:
    found = errors("hf-causal-lm", lm(**params), data)
    assert list(found) == [field], found
    for word in words:
        assert word in found[field]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken.jsonl", '{"prompt": "1", "completion": "2"}\n{"prompt": "1", \n', ["line 2", "not JSON"]),
        ("list.jsonl", '{"prompt": "1", "completion": "2"}\n[1, 2]\n', ["row 2", "must be an object"]),
        ("gap.jsonl", '{"prompt": "1", "completion": "2"}\n{"prompt": "1"}\n', ["row 2", "lacks column 'completion'", "it has: prompt"]),
        ("null.jsonl", '{"prompt": "1", "completion": "2"}\n{"prompt": "1", "completion": null}\n', ["row 2", "is null"]),
        ("object.jsonl", '{"prompt": {"a": 1}, "completion": "2"}\n', ["row 1", "must be text"]),
        ("empty.jsonl", "\n", ["holds no rows"]),
        ("wide.csv", "prompt,completion\n1,2\n1,2,3\n", ["row 2", "more values"]),
        ("latin.jsonl", b'{"prompt": "\xe9", "completion": "2"}\n', ["not UTF-8"]),
        ("rows.xlsx", "x", ["names no format"]),
        ("roles.json", '[{"messages": [{"role": "user"}]}]', ["row 1", "message 1", "role", "content"]),
        ("not.parquet", "x", ["not a readable Parquet file"]),
    ],
)
def test_a_broken_dataset_names_the_row(data: Path, name: str, text: Any, words: List[str]) -> None:
    (data / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    found = errors("hf-causal-lm", lm(train_file=name), data)
    assert len(found) == 1, found
    message = next(iter(found.values()))
    for word in [name, *words]:
        assert word in message


def test_a_preference_dataset_without_the_rejected_answers(data: Path) -> None:
    found = errors("trl-dpo", {"train_file": "sums.jsonl", "model": "org/name"}, data)
    assert "dataset lacks column 'chosen'" in next(iter(found.values()))
    assert "it has: prompt, completion" in next(iter(found.values()))


def test_a_hub_model_is_told_apart_from_a_missing_folder(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    params = {"train_file": "sums.jsonl", "model": "some-org/some-model"}
    report = check("hf-lora", params, data)
    assert [problem["severity"] for problem in report["problems"] if problem["field"] == "params.model"] == ["info"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "not in the local cache" in errors("hf-lora", params, data)["params.model"]


def test_csv_values_stay_text(data: Path) -> None:
    from trainyard.adapters.hf_data import open_sources
    from trainyard.recipes.hf import SHAPES

    sources = open_sources({"train_file": "sums.csv"}, SHAPES, data)
    assert next(iter(sources.train)) == {"prompt": "000+000=", "completion": "000"}


def test_parquet_json_and_sharegpt_rows_are_read(data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    from trainyard.adapters.hf_data import open_sources
    from trainyard.recipes.hf import SHAPES

    rows = [{"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), str(data / "rows.parquet"))
    (data / "rows.json").write_text(json.dumps(rows))
    write_jsonl(data / "lines.json", rows)
    wanted = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}]
    for name in ("rows.parquet", "rows.json", "lines.json"):
        assert list(open_sources({"train_file": name}, SHAPES, data).train) == wanted, name


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"script": "gone.py"}, "params.script", ["does not exist"]),
        ({"script": "bad.py"}, "params.script", ["line 1"]),
        ({}, "params.script", ["missing"]),
        ({"script": "good.py"}, None, []),
    ],
)
def test_a_script_must_be_there_and_parse(data: Path, params: Dict[str, Any], field: Optional[str], words: List[str]) -> None:
    (data / "bad.py").write_text("def broken(:\n")
    (data / "good.py").write_text("print(1)\n")
    found = errors("script", params, data)
    assert list(found) == ([field] if field else [])
    for word in words:
        assert word in found[field or ""]


def test_a_command_needs_a_program(data: Path) -> None:
    assert "params.command" in errors("command", {"command": []}, data)
    assert "does not exist" in errors("command", {"command": ["./gone.sh"]}, data)["params.command"]
    assert errors("command", {"command": ["sh", "-c", "true"]}, data) == {}


def test_a_missing_lightning_class_is_named(data: Path) -> None:
    (data / "model.py").write_text("import lightning as L\nclass Net(L.LightningModule):\n    pass\n")
    found = errors("lightning", {"module_file": "model.py", "module_class": "Nett", "devices": "two"}, data)
    assert "it has: Net" in found["params.module_class"]
    assert "'two'" in found["params.devices"]


def test_a_missing_package_is_an_error_of_the_interpreter(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainyard.recipes.hf import HfLora

    monkeypatch.setattr(HfLora, "requires", ("torch", "a-package-that-nobody-has"))
    found = errors("hf-lora", {"train_file": "sums.jsonl", "model": "some-org/some-model"}, data)
    assert "a-package-that-nobody-has" in found["python"]


def test_a_request_of_another_shape_is_refused(data: Path) -> None:
    for text in ("", "[]", '{"recipe": "script"}'):
        result = recipes("check", stdin=text)
        assert result.returncode == 2 and "stdin" in result.stderr


@pytest.mark.parametrize("name", ["text.txt", "prompt-completion.jsonl", "messages.jsonl", "preference.jsonl"])
def test_the_examples_rows_have_the_shape_of_their_name(name: str) -> None:
    from trainyard.adapters.rows import SHAPES, Columns, open_source

    source = open_source(EXAMPLES / "data" / name, "auto", Columns(), SHAPES)
    assert source.shape == name.split(".")[0].replace("-", "_")
    assert len(list(source)) >= 8
