"""Every field of the recipes ``lightning`` and ``forecast``, set to something else than its default, and read back from inside the training process."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from recipe_runs import EXAMPLES, Observed, RecipeRun, run_observed
from trainyard.recipes.__main__ import check
from trainyard.recipes.catalogue import builtin
from witness import of_forecast

pytestmark = pytest.mark.training
FIELDS = {adapter.id: adapter.fields for adapter in builtin()}

LIGHTNING: Dict[str, Any] = {
    "module_file": "lightning_module.py",
    "module_class": "CircleModel",
    "module_args": {"width": 8},
    "data_file": "points.py",
    "data_class": "CircleData",
    "data_args": {"points": 128, "batch_size": 8},
    "max_epochs": 3,
    "max_steps": 6,
    "accumulate_grad_batches": 2,
    "gradient_clip_val": 0.5,
    "limit_train_batches": 6,
    "deterministic": True,
    "log_every_n_steps": 2,
    "val_check_interval": 0.5,
    "check_val_every_n_epoch": 2,
    "limit_val_batches": 0.5,
    "checkpoint_every_n_steps": 2,
    "save_top_k": 2,
    "monitor": "train_loss",
    "mode": "max",
    "accelerator": "cpu",
    "devices": "1",
    "strategy": "ddp",
    "precision": "bf16-mixed",
    "trainer_args": {"num_sanity_val_steps": 1},
    "omp_threads": 2,
}
#: A script that makes a LightningCLI, a file with its configuration, what the form changed, and words of one's own.
CLI: Dict[str, Any] = {
    "module_file": "cli.py",
    "cli_config": ["base.yaml", "more.yaml"],
    "cli_args": ["--trainer.log_every_n_steps=2"],
    "module_args": {"width": 9},
    "max_epochs": 7,
    "checkpoint_every_n_steps": 2,
    "accelerator": "cpu",
}
#: Without a script: the classes of a file, of which the configuration names one.
CLASSES: Dict[str, Any] = {"module_file": "lightning_module.py", "cli_config": ["whole.yaml"], "log_every_n_steps": 1}
FILES = {
    "cli.py": (
        "from lightning.pytorch.cli import LightningCLI\nfrom lightning_module import CircleData, CircleModel\n"
        "if __name__ == '__main__':\n    LightningCLI(CircleModel, CircleData, trainer_defaults={'max_steps': 1, 'num_sanity_val_steps': 0})\n"
    ),
    "base.yaml": "model: {width: 5, learning_rate: 0.05}\ndata: {points: 128}\ntrainer: {max_steps: 9, gradient_clip_val: 0.25, log_every_n_steps: 3}\n",
    "more.yaml": "trainer: {max_steps: 4}\n",
    "whole.yaml": (
        "fit:\n  model: {class_path: lightning_module.CircleModel, init_args: {width: 7}}\n"
        "  trainer: {max_steps: 3, max_epochs: 2, accelerator: cpu}\n"
    ),
}
#: Lightning ends a trial run after one batch, so what else the form says shows in another run.
TRIAL = {"module_file": "lightning_module.py", "fast_dev_run": True, "accelerator": "cpu"}
CANDLES: Dict[str, Any] = {
    "data_file": "odd.csv",
    "columns": {"close": "Price"},
    "timestamp_format": "%d/%m/%Y %H:%M",
    "timeframes": ["1h", "4h"],
    "gaps": "split",
    "window": 6,
    "rsi_period": 5,
    "macd_fast": 4,
    "macd_slow": 9,
    "macd_signal": 3,
    "atr_period": 6,
    "bb_period": 7,
    "bb_width": 1.5,
    "ema_periods": [3],
    "sma_periods": [4, 6],
    "obv_period": 8,
    "calendar_features": False,
    "d_model": 16,
    "n_layers": 1,
    "n_heads": 2,
    "dropout": 0.2,
    "loss": "quantile",
    "quantiles": [0.25, 0.5],
    "horizon_next": 2,
    "horizon_short": "4h",
    "horizon_long": "8h",
    "max_epochs": 3,
    "max_steps": 4,
    "batch_size": 16,
    "learning_rate": 0.004,
    "weight_decay": 0.2,
    "lr_scheduler_type": "linear",
    "warmup_fraction": 0.5,
    "gradient_clip_val": 0.3,
    "early_stopping_patience": 2,
    "val_fraction": 0.3,
    "test_fraction": 0.1,
    "embargo_bars": 3,
    "log_every_n_steps": 1,
    "val_check_interval": 2,
    "checkpoint_every_n_steps": 2,
    "save_top_k": 1,
    "keep_best": False,
    "accelerator": "cpu",
    "precision": "bf16-mixed",
    "deterministic": True,
    "omp_threads": 3,
}
#: Without a volume there is no on-balance volume, so these two go together.
PRICES = {"data_file": "odd.csv", "columns": {"close": "Price"}, "use_volume": False, "indicators": ["rsi", "bb"], "window": 6, "d_model": 16, "max_steps": 1}

CASES: Dict[str, Tuple[str, Dict[str, Any]]] = {
    "lightning-a": ("lightning", LIGHTNING),
    "lightning-b": ("lightning", TRIAL),
    "lightning-cli": ("lightning", CLI),
    "lightning-classes": ("lightning", CLASSES),
    "forecast-a": ("forecast", CANDLES),
    "forecast-b": ("forecast", PRICES),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Observed]:
    from candle_files import write_demo

    root = tmp_path_factory.mktemp("lightning-fields")
    folder = root / "workspace"
    folder.mkdir()
    shutil.copy(EXAMPLES / "lightning_module.py", folder)
    shutil.copy(EXAMPLES / "lightning_module.py", folder / "points.py")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    head, *rows = write_demo(folder / "candles.csv", bars=300, gaps=2).read_text().splitlines()
    days = ["{2}/{1}/{0} {3}".format(*row[:10].split("-"), row[11:16]) + row[row.index(",") :] for row in rows]
    (folder / "odd.csv").write_text("\n".join([head.replace("close", "Price"), *days]) + "\n")
    return run_observed(root / "runs", folder, CASES)


@pytest.mark.parametrize("recipe", ["lightning", "forecast"])
def test_no_field_is_left_out(recipe: str) -> None:
    given = [params for name, params in CASES.values() if name == recipe]
    assert set(FIELDS[recipe]) == set().union(*given)
    for name, field in FIELDS[recipe].items():
        assert any(name in params and params[name] != field.default for params in given), "{} is left at its default".format(name)


def test_lightning_trains_with_what_the_form_says(trained: Dict[str, Observed]) -> None:
    inside = trained["lightning-a"].inside
    numbers = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "limit_train_batches", "log_every_n_steps")
    numbers += ("val_check_interval", "check_val_every_n_epoch", "limit_val_batches", "precision")
    assert {name: inside["trainer"][name] for name in numbers} == {name: LIGHTNING[name] for name in numbers}
    assert inside["trainer"]["num_sanity_val_steps"] == 1 and inside["trainer"]["fast_dev_run"] is False
    assert inside["given"] == {"devices": 1, "accelerator": "cpu", "strategy": "ddp"}
    assert (inside["accelerator"], inside["strategy"]) == ("CPUAccelerator", "DDPStrategy")
    assert inside["deterministic"] is True and inside["threads"] == "2"
    assert inside["saves"] == [{"_every_n_train_steps": 2, "save_top_k": 2, "monitor": "train_loss", "mode": "max"}]
    assert (inside["module"]["class"], Path(inside["module"]["file"]).name, inside["module"]["hparams"]["width"]) == ("CircleModel", "lightning_module.py", 8)
    assert (inside["data"]["class"], Path(inside["data"]["file"]).name) == ("CircleData", "points.py")
    assert {name: inside["data"]["numbers"][name] for name in LIGHTNING["data_args"]} == LIGHTNING["data_args"]
    run = trained["lightning-a"].run.attempt()
    assert run.end["status"] == "completed" and run.end["step"] == 6


def test_a_lightning_cli_trains_with_form_configuration_and_words(trained: Dict[str, Observed]) -> None:
    observed = trained["lightning-cli"]
    seen = {name: observed.inside["trainer"][name] for name in ("max_steps", "max_epochs", "gradient_clip_val", "log_every_n_steps", "num_sanity_val_steps")}
    assert seen == {"max_steps": 4, "max_epochs": 7, "gradient_clip_val": 0.25, "log_every_n_steps": 2, "num_sanity_val_steps": 0}
    hparams = observed.inside["module"]["hparams"]
    assert (hparams["width"], hparams["learning_rate"]) == (9, 0.05) and observed.inside["data"]["numbers"]["points"] == 128
    assert observed.inside["saves"][0]["_every_n_train_steps"] == 2
    attempt = observed.run.attempt()
    assert attempt.end["status"] == "completed" and attempt.end["step"] == 4
    assert (observed.run.folder / "artifacts" / "model" / "state_dict.pt").exists()
    assert sorted(path.name for path in (observed.run.folder / "checkpoints").iterdir()) == ["checkpoint-2.ckpt", "checkpoint-4.ckpt"]


def test_a_configuration_trains_the_class_that_it_names(trained: Dict[str, Observed]) -> None:
    inside = trained["lightning-classes"].inside
    assert inside["module"]["class"] == "CircleModel" and inside["module"]["hparams"]["width"] == 7
    assert {name: inside["trainer"][name] for name in ("max_steps", "max_epochs", "log_every_n_steps")} == {"max_steps": 3, "max_epochs": 2, "log_every_n_steps": 1}


def test_what_a_lightning_cli_refuses_is_one_sentence(trained: Dict[str, Observed], tmp_path: Path) -> None:
    run = RecipeRun(tmp_path / "run", trained["lightning-cli"].run.cwd)
    attempt = run.run("lightning", {"module_file": "cli.py", "cli_args": ["--model.widht=3"]}, expect=78)
    assert attempt.end["reason"] == "LightningCLI refuses the settings: error: unrecognized arguments: --model.widht=3"


def test_a_configuration_that_cannot_be_read_is_said_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text(FILES["cli.py"])
    (tmp_path / "bad.yaml").write_text("trainer: [\n")
    (tmp_path / "list.yaml").write_text("- 1\n")
    params = {"module_file": "cli.py", "cli_config": ["bad.yaml", "list.yaml"]}
    problems = check("lightning", params, tmp_path)["problems"]
    assert [(problem["severity"], problem["field"]) for problem in problems] == [("error", "params.cli_config")] * 2
    missing = check("lightning", {**params, "cli_config": ["gone.yaml"]}, tmp_path)["problems"]
    assert missing[0]["field"] == "params.cli_config" and "does not exist" in missing[0]["message"]


def test_a_trial_run_is_one(trained: Dict[str, Observed]) -> None:
    trial = trained["lightning-b"]
    assert trial.inside["trainer"]["max_steps"] == 1 and trial.inside["trainer"]["limit_val_batches"] == 1
    assert not any((trial.run.folder / "checkpoints").iterdir())


@pytest.mark.parametrize("case", ["forecast-a", "forecast-b"])
def test_forecast_sees_and_makes_what_the_form_says(case: str, trained: Dict[str, Observed]) -> None:
    from candle_files import filled
    from trainyard.forecast.candles import ReadOptions, read_candles
    from trainyard.forecast.settings import normalised
    from trainyard.forecast.training import make_loader, make_module
    from trainyard.forecast.windows import make_data
    from trainyard.recipes.forecast import Forecast

    observed = trained[case]
    params = normalised(Forecast().fill(CASES[case][1]))
    data = make_data(read_candles(observed.run.cwd / "odd.csv", ReadOptions.from_params(params)), params)
    loaders = [make_loader(data, part, params, params["batch_size"], 3) for part in ("train", "val")]
    wanted = json.loads(json.dumps(of_forecast(make_module(data, params), *loaders)))
    assert observed.inside["forecast"] == wanted
    default = make_data(read_candles(observed.run.cwd / "candles.csv", ReadOptions()), filled(window=6))
    assert wanted["features"] != default.features.sum()


def test_forecast_trains_with_what_the_form_says(trained: Dict[str, Observed]) -> None:
    inside = trained["forecast-a"].inside
    numbers = ("max_epochs", "max_steps", "gradient_clip_val", "log_every_n_steps", "val_check_interval", "precision")
    assert {name: inside["trainer"][name] for name in numbers} == {name: CANDLES[name] for name in numbers}
    assert inside["given"]["accelerator"] == "cpu" and inside["deterministic"] is True and inside["threads"] == "3"
    assert inside["saves"] == [{"_every_n_train_steps": 2, "save_top_k": 1, "monitor": "step", "mode": "max"}]
    assert inside["patience"] == [2]
    forecast = inside["forecast"]
    shape = {"batch": [16, 6], "width": 16, "layers": 1, "heads": 2, "dropout": 0.2, "quantiles": [0.25, 0.5]}
    assert {**{name: forecast[name] for name in shape}, "batch": forecast["batch"][:2]} == shape
    assert forecast["targets"][1] == 3  # horizons
    (group,) = inside["optimizer"]["groups"]
    assert (group["initial_lr"], group["weight_decay"]) == (0.004, 0.2)
    # 4 steps: up over half of them, then down in a line
    assert inside["optimizer"]["factors"] == pytest.approx([1 / 3, 2 / 3, 1, 0.5])
    assert json.loads((trained["forecast-a"].run.folder / "artifacts" / "metrics.json").read_text()).keys() >= {"val", "test"}
