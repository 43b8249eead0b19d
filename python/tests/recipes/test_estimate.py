"""The forecast of what a run needs, against real trainings on the CPU; and the changes that cure what does not fit."""

import json
import random
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from candle_files import write_demo
from recipe_runs import RecipeRun, recipes, write_jsonl
from trainyard.adapters import hf_estimate, machine
from trainyard.adapters.memory import Shape, memory_parts
from trainyard.adapters.model_size import ModelSize
from trainyard.recipes.__main__ import check

SIZES = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512}
COMMON = {"train_file": "rows.jsonl", "max_length": 256, "max_steps": 3, "save_strategy": "no", "omp_threads": 1}
LORA = {**COMMON, "model": "./model"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estimate")
    letters = random.Random(1)
    write_jsonl(folder / "rows.jsonl", [{"text": "".join(letters.choices("abcdefgh ", k=254))} for _ in range(64)])
    return folder


#: A process counts as its own peak what it was before it became another program: started by the tests themselves, it would have theirs.
MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_of(folder: Path, recipe: str, params: Dict[str, Any]) -> int:
    """Peak RSS of the whole training, as the system counts it."""
    run = RecipeRun(folder / "run-{}-{}".format(recipe, len(list(folder.iterdir()))), folder)
    peak = folder / "peak"
    assert run.start(recipe, params, through=[sys.executable, "-c", MEASURE, str(peak)]).wait(240) == 0, run.log()
    model = run.folder / "artifacts" / "model"
    if not (folder / "model").exists():
        (folder / "model").symlink_to(model)
    return int(peak.read_text()) * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(
    ("recipe", "params"),
    [
        # The first one makes the model that the adapters are put on.
        ("hf-causal-lm", {**COMMON, **SIZES, "model_source": "new", "per_device_train_batch_size": 4}),
        ("hf-causal-lm", {**COMMON, **SIZES, "model_source": "new", "per_device_train_batch_size": 12}),
        ("hf-causal-lm", {**COMMON, **SIZES, "model_source": "new", "per_device_train_batch_size": 12, "gradient_checkpointing": True}),
        ("hf-lora", {**LORA, "per_device_train_batch_size": 12}),
        ("hf-lora", {**LORA, "per_device_train_batch_size": 12, "gradient_checkpointing": True}),
    ],
    ids=["full-4", "full-12", "full-12-checkpointing", "lora-12", "lora-12-checkpointing"],
)
def test_memory_is_within_a_quarter_of_the_measured_peak(rows: Path, recipe: str, params: Dict[str, Any], valid: Any) -> None:
    report = check(recipe, params, rows)
    valid("preflight-report", report)
    host = report["estimate"]["memory"][-1]
    measured = peak_of(rows, recipe, params)
    print("{}: measured {:.0f} MiB, forecast {:.0f} MiB".format(recipe, measured / 2**20, host["likely_bytes"] / 2**20))
    assert host["likely_bytes"] == pytest.approx(measured, rel=0.25)
    assert host["low_bytes"] <= host["likely_bytes"] <= host["high_bytes"]
    assert sum(part["bytes"] for part in host["parts"]) == pytest.approx(host["likely_bytes"], abs=10)


@pytest.mark.parametrize(
    "params",
    [
        {"window": 8, "d_model": 16, "n_layers": 1, "n_heads": 2, "batch_size": 16},
        {"window": 64, "d_model": 128, "n_layers": 2, "n_heads": 4, "batch_size": 64},
    ],
    ids=["tiny", "wider"],
)
def test_memory_of_a_forecast_is_within_a_quarter_of_the_measured_peak(tmp_path: Path, params: Dict[str, Any], valid: Any) -> None:
    write_demo(tmp_path / "candles.csv", bars=4000)
    params = {**params, "data_file": "candles.csv", "max_steps": 3, "accelerator": "cpu", "omp_threads": 1}
    report = check("forecast", params, tmp_path)
    valid("preflight-report", report)
    estimate = report["estimate"]
    measured = peak_of(tmp_path, "forecast", params)
    print("forecast: measured {:.0f} MiB, forecast {:.0f} MiB".format(measured / 2**20, estimate["memory"][0]["likely_bytes"] / 2**20))
    assert estimate["memory"][0]["likely_bytes"] == pytest.approx(measured, rel=0.25)
    assert (estimate["steps"], estimate["effective_batch"], estimate["time"]) == (3, params["batch_size"], None)
    assert estimate["trainable_parameters"] == report["facts"]["parameters"] and estimate["train_rows"] == report["facts"]["train_windows"]
    # One checkpoint at the end, and the best one beside it.
    assert estimate["disk"]["checkpoints"] == 2
    written = sum(path.stat().st_size for path in next(tmp_path.glob("run-*/checkpoints")).iterdir())
    assert written <= 1.25 * 2 * estimate["disk"]["checkpoint_bytes"] + 100_000


def test_a_module_of_the_users_own_leaves_memory_to_a_measurement(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import lightning\nclass Net(lightning.LightningModule): ...\n")
    estimate = check("lightning", {"module_file": "net.py", "max_steps": 7}, tmp_path)["estimate"]
    assert estimate["steps"] == 7 and estimate["memory"] == [] and estimate["trainable_parameters"] is None


def test_a_probe_measures_real_steps_and_leaves_nothing(rows: Path, tmp_path: Path, valid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    params = {**COMMON, **SIZES, "model_source": "new", "max_steps": 1000, "save_strategy": "steps", "save_steps": 1}
    request = {"recipe": "hf-causal-lm", "params": params, "base_dir": str(rows)}
    done = recipes("probe", stdin=json.dumps(request), cwd=rows)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    valid("probe-answer", answer)
    measured = answer["probe"]
    assert measured["steps"] == 3 and 0 < measured["seconds_per_step"] < 60
    assert measured["peak_rss_bytes"] > 300 * 2**20 and measured["peak_gpu_bytes"] is None
    assert list(tmp_path.glob("trainyard-*")) == []


def test_counts_rows_steps_and_parameters(rows: Path) -> None:
    params = {**COMMON, **SIZES, "model_source": "new", "max_steps": -1, "num_train_epochs": 2, "gradient_accumulation_steps": 3}
    estimate = check("hf-causal-lm", {**params, "eval_fraction": 0.25}, rows)["estimate"]
    assert (estimate["train_rows"], estimate["eval_rows"]) == (48, 16)
    assert (estimate["effective_batch"], estimate["steps"]) == (24, 4)
    block = 4 * 256 * 256 + 3 * 256 * 512 + 2 * 256
    assert estimate["total_parameters"] == estimate["trainable_parameters"] == 2 * 103 * 256 + 4 * block + 256


def test_a_model_that_is_not_here_leaves_memory_open(rows: Path) -> None:
    estimate = check("hf-lora", {**COMMON, "model": "someone/large"}, rows)["estimate"]
    assert estimate["memory"] == [] and estimate["disk"] is None and estimate["total_parameters"] is None
    assert estimate["steps"] == 3


class TestWhatDoesNotFit:
    GPU = "0, GPU-aaaa, NVIDIA Tiny, {total}, {total}\n1, GPU-bbbb, NVIDIA Tiny, {total}, {total}\n"
    PARAMS = {**COMMON, **SIZES, "model_source": "new", "per_device_train_batch_size": 64}

    def problems(self, rows: Path, monkeypatch: pytest.MonkeyPatch, mebibytes: int, **params: Any) -> List[Dict[str, Any]]:
        table = machine.visible(self.GPU.format(total=mebibytes), ["1"])
        monkeypatch.setattr(hf_estimate.machine, "gpus", lambda chosen=(): table)
        return [one for one in check("hf-causal-lm", {**self.PARAMS, **params}, rows)["problems"] if one["severity"] == "warning"]

    def test_a_gpu_that_is_too_small_names_single_changes_that_fit(self, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.problems(rows, monkeypatch, 1000)
        assert "NVIDIA Tiny, which has 1000 MiB" in found[0]["message"]
        fixes = {fix["path"]: fix["value"] for fix in found[0]["fixes"]}
        assert fixes == {"params.gradient_checkpointing": True, "params.per_device_train_batch_size": 16}
        for path, value in fixes.items():
            assert self.problems(rows, monkeypatch, 1000, **{path.split(".")[1]: value}) == []

    def test_one_that_is_large_enough_is_no_problem(self, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.problems(rows, monkeypatch, 80_000) == []

    def test_a_disk_that_is_too_small_keeps_fewer_checkpoints(self, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hf_estimate.machine, "disk_free", lambda path: 150 * 2**20)
        params = {**self.PARAMS, "per_device_train_batch_size": 8, "max_steps": 100, "save_strategy": "steps", "save_steps": 10}
        report = check("hf-causal-lm", params, rows)
        assert report["estimate"]["disk"]["checkpoints"] == 10
        fix = next(one for one in report["problems"] if one["field"] == "params.save_total_limit")["fixes"][0]
        assert fix["path"] == "params.save_total_limit"
        disk = check("hf-causal-lm", {**params, "save_total_limit": fix["value"]}, rows)["estimate"]["disk"]
        assert disk["total_bytes"] <= 150 * 2**20


def test_the_order_of_visible_gpus_is_that_of_the_variable() -> None:
    table = "0, GPU-a, A, 10, 9\n1, GPU-b, B, 20, 19\n2, GPU-c, [N/A], N/A, N/A\n"
    assert [gpu.name for gpu in machine.visible(table, ["1", "0"])] == ["B", "A"]
    assert [gpu.name for gpu in machine.visible(table, ["GPU-b"])] == ["B"]
    assert machine.visible(table, []) == [] and machine.visible("garbage", None) == []


def test_formulae_of_a_gpu_count_what_torch_keeps() -> None:
    # Llama-3-8B and one row of 1024 tokens.
    size = ModelSize(128_256, 4096, 32, 32, 8, 128, 14_336, False, 8_030_261_248)
    defaults = {
        "precision": "fp32",
        "dtype": "bfloat16",
        "optim": "adamw_torch_fused",
        "gradient_checkpointing": True,
        "gradient_accumulation_steps": 1,
        "attn_implementation": "auto",
        "lora_r": 8,
        "lora_dropout": 0,
        "target_modules": ["all-linear"],
        "modules_to_save": [],
    }
    parts = memory_parts("hf-lora", defaults, size, Shape(1, 1024), on_gpu=True)
    adapter = 32 * 8 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14_336))
    assert parts["weights"] == 8_030_261_248 * 2 + adapter * 4
    assert parts["optimizer"] == adapter * 8 and parts["allocator"] == 0
    assert parts["logits"] == 1024 * 128_256 * 18
    longer = memory_parts("hf-lora", {**defaults, "gradient_checkpointing": False}, size, Shape(1, 1024), on_gpu=True)
    assert longer["activations"] > 10 * parts["activations"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"eval_fraction": 0.2, "eval_strategy": "steps", "load_best_model_at_end": True, "save_strategy": "epoch"}, "load_best_model_at_end"),
        ({"eval_fraction": 0.2, "eval_strategy": "epoch", "load_best_model_at_end": True, "save_strategy": "steps"}, "load_best_model_at_end"),
        (
            {"eval_fraction": 0.2, "eval_strategy": "steps", "eval_steps": 20, "save_steps": 50, "load_best_model_at_end": True, "save_strategy": "steps"},
            "save_steps",
        ),
        ({"eval_strategy": "steps"}, "eval_strategy"),
        ({"save_strategy": "best"}, "save_strategy"),
        ({"lr_scheduler_type": "reduce_lr_on_plateau"}, "lr_scheduler_type"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "lr_scheduler_type"),
        ({"eval_fraction": 0.001}, "eval_fraction"),
    ],
)
def test_each_change_that_is_offered_cures_the_problem(rows: Path, params: Dict[str, Any], field: str) -> None:
    values = {**COMMON, **SIZES, "model_source": "new", **params}

    def errors(of: Dict[str, Any]) -> List[Dict[str, Any]]:
        found = json.loads(json.dumps(check("hf-causal-lm", of, rows)))["problems"]
        return [problem for problem in found if problem["severity"] == "error"]

    found = [problem for problem in errors(values) if problem["field"] == "params." + field]
    assert len(found) == 1 and found[0]["fixes"]
    for fix in found[0]["fixes"]:
        section, name = fix["path"].split(".", 1)
        assert section == "params"
        assert [problem for problem in errors({**values, name: fix["value"]}) if problem["field"] == "params." + field] == [], fix
