"""Real trainings of the recipe, in processes of their own, on synthetic candles."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from candle_files import TINY, filled, write_demo
from pyarrow import parquet
from reading import Attempt
from recipe_runs import RecipeRun, ask_to_stop
from trainyard.adapters.base import RecipeError

pytestmark = pytest.mark.training
NewRun = Callable[..., RecipeRun]
METRICS = {"train/loss", "train/learning_rate", "val/loss", "val/directional_accuracy", "val/f1", "val/rmse"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RecipeRun:
    """Two epochs with dropout and three horizons, checkpoints in the middle of epochs and everything kept."""
    root = tmp_path_factory.mktemp("forecast")
    workspace = root / "workspace"
    workspace.mkdir()
    write_demo(workspace / "candles.csv", bars=400)
    run = RecipeRun(root / "run", workspace)
    run.run("forecast", PARAMS)
    return run


PARAMS: Dict[str, Any] = {
    **TINY,
    "timeframes": ["1h", "4h"],
    "sma_periods": [5],
    "horizon_short": "4h",
    "horizon_long": "1d",
    "test_fraction": 0.1,
    "checkpoint_every_n_steps": 1,
    "save_top_k": -1,
    "val_check_interval": 0.5,
}


def checkpoint(run: RecipeRun, step: int, mode: str = "state") -> Dict[str, Any]:
    path = run.folder / "checkpoints" / "checkpoint-{}.ckpt".format(step)
    assert path.is_file(), sorted(path.parent.iterdir())
    return {"path": str(path), "step": step, "mode": mode}


def test_it_reports_what_a_dashboard_shows(whole: RecipeRun) -> None:
    attempt = Attempt(str(whole.folder), 1)
    assert attempt.end["status"] == "completed"
    assert METRICS <= set(attempt.names())
    assert {"val/rmse/next", "val/f1/short", "val/directional_accuracy/long", "test/rmse"} <= set(attempt.names())
    steps = attempt.of("plan")[0]["max_steps"]
    assert set(attempt.series("train/loss")) == set(range(1, steps + 1))
    assert len(attempt.series("val/loss")) == 4
    assert attempt.params["data"]["synthetic"] is True
    assert set(attempt.params["baseline"]) == {"next", "short", "long"}
    kinds = {record["name"]: record["kind"] for record in attempt.of("artifact")}
    assert kinds == {"config.yaml": "config", "predictions.parquet": "predictions", "metrics.json": "evaluation", "model": "model"}


def test_the_config_is_yaml_with_every_value(whole: RecipeRun) -> None:
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((whole.folder / "artifacts" / "config.yaml").read_text())
    assert config["params"] == filled(**PARAMS) | {"quantiles": [0.1, 0.5, 0.9]}
    assert config["seed"] == 3 and config["data"]["synthetic"] is True
    assert list(config["scales"]["features"]) == config["data"]["features"]
    assert config["horizons"] == {"next": "1 bar", "short": "4h", "long": "1d"}


def test_the_predictions_are_readable_and_agree_with_the_candles(whole: RecipeRun) -> None:
    table = parquet.read_table(whole.folder / "artifacts" / "predictions.parquet")
    assert table.schema.metadata[b"trainyard.synthetic"] == b"true"
    rows = table.to_pylist()
    assert {row["split"] for row in rows} == {"val", "test"} and {row["horizon"] for row in rows} == {"next", "short", "long"}
    closes = {}
    for line in (whole.cwd / "candles.csv").read_text().splitlines()[1:]:
        cells = line.split(",")
        closes[cells[0]] = float(cells[4])
    hours = {"next": 1, "short": 4, "long": 24}
    for row in rows:
        assert row["target_time"] - row["time"] == timedelta(hours=hours[row["horizon"]])
        # a bar's close is known when it ends, an hour after it opened
        now, later = (closes[(row[name] - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")] for name in ("time", "target_time"))
        assert row["close"] == now and row["actual"] == pytest.approx(math.log(later / now), abs=1e-12)
        assert row["predicted_close"] == pytest.approx(now * math.exp(row["predicted"])) and row["std"] > 0
    metrics = json.loads((whole.folder / "artifacts" / "metrics.json").read_text())
    errors = [(row["predicted"] - row["actual"]) ** 2 for row in rows if row["split"] == "test" and row["horizon"] == "short"]
    assert metrics["test"]["rmse/short"] == pytest.approx(math.sqrt(sum(errors) / len(errors)))
    times = [row["time"] for row in rows]
    assert times == sorted(times)


@pytest.mark.parametrize("place", ["middle of an epoch", "end of an epoch"])
def test_continuing_is_exact(whole: RecipeRun, tmp_path: Path, place: str) -> None:
    first = Attempt(str(whole.folder), 1)
    per_epoch = first.of("plan")[0]["max_steps"] // 2
    saved = [record["step"] for record in first.of("checkpoint") if "checkpoint-" in record["path"]]
    at = next(step for step in saved if (step % per_epoch == 0) == (place == "end of an epoch"))
    artifacts = {path: path.read_bytes() for path in (whole.folder / "artifacts" / name for name in ("predictions.parquet", "metrics.json"))}
    for path in artifacts:
        path.unlink()
    again = whole.run("forecast", PARAMS, resume_from=checkpoint(whole, at))
    assert again.of("plan")[0]["first_step"] == at
    for name in sorted(METRICS):
        assert again.series(name) == {step: value for step, value in first.series(name).items() if step > at}, name
    assert {path: path.read_bytes() for path in artifacts} == artifacts


def test_a_continued_run_takes_its_own_learning_rate(whole: RecipeRun, tmp_path: Path) -> None:
    run = RecipeRun(tmp_path / "run", whole.cwd)
    params = {**PARAMS, "learning_rate": 0.001, "lr_scheduler_type": "constant", "warmup_fraction": 0, "weight_decay": 0.5}
    again = run.run("forecast", params, resume_from=checkpoint(whole, 3))
    rates = again.series("train/learning_rate")
    assert min(rates) == 4 and list(rates.values()) == pytest.approx([0.001] * len(rates), rel=1e-6)


def test_a_fork_from_weights_starts_at_the_first_step(whole: RecipeRun, tmp_path: Path) -> None:
    run = RecipeRun(tmp_path / "run", whole.cwd)
    again = run.run("forecast", {**PARAMS, "max_steps": 2, "val_fraction": 0.3}, resume_from=checkpoint(whole, 6, "weights"))
    assert set(again.series("train/loss")) == {1, 2} and again.of("plan")[0]["first_step"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"d_model": 32}, "holds another model"), ({"indicators": ["rsi"]}, "holds another model"), ({"val_fraction": 0.3}, "not that of the checkpoint"), ({"max_epochs": 0}, "max_epochs is 0")],
)
def test_what_cannot_go_on_is_refused(whole: RecipeRun, change: Dict[str, Any], words: str) -> None:
    from trainyard.forecast.candles import ReadOptions, read_candles
    from trainyard.forecast.training import check_checkpoint, make_module
    from trainyard.forecast.windows import make_data

    params = filled(**{**PARAMS, **change})
    last = Attempt(str(whole.folder), 1).end["step"]
    data = make_data(read_candles(whole.cwd / "candles.csv", ReadOptions()), params)
    with pytest.raises(RecipeError, match=words):
        check_checkpoint(make_module(data, params), checkpoint(whole, last)["path"], params["max_epochs"], start=False)


def test_quantiles_and_split_gaps_train(forecast_run: NewRun) -> None:
    run = forecast_run()
    write_demo(run.cwd / "candles.csv", bars=400, gaps=4)
    params = {**TINY, "loss": "quantile", "quantiles": [0.95, 0.05, 0.5], "keep_best": False, "indicators": ["rsi", "bb"], "gaps": "split"}
    attempt = run.run("forecast", {**params, "early_stopping_patience": 1, "max_epochs": 40, "learning_rate": 0.05})
    assert attempt.end["status"] == "completed" and METRICS <= set(attempt.names())
    assert attempt.end["step"] < attempt.of("plan")[0]["max_steps"]
    table = parquet.read_table(run.folder / "artifacts" / "predictions.parquet")
    own = {"time", "split", "horizon", "target_time", "close", "actual", "predicted", "predicted_close"}
    assert set(table.column_names) == own | {"q5", "q50", "q95"}
    for row in table.to_pylist():
        assert row["q5"] <= row["q50"] <= row["q95"] and row["predicted"] == row["q50"]


def test_a_stop_leaves_a_checkpoint_that_resume_accepts(forecast_run: NewRun) -> None:
    run = forecast_run()
    params = {**TINY, "max_epochs": 100_000, "keep_best": False, "save_top_k": 1, "val_check_interval": 1.0}
    process = run.start("forecast", params)
    try:
        ask_to_stop(run)
        assert process.wait(60) == 0, run.log()
    finally:
        process.kill()
    attempt = run.attempt()
    assert attempt.end["status"] == "cancelled"
    final = attempt.of("checkpoint")[-1]
    assert final["final"] and final["step"] == attempt.end["step"]
    assert not (run.folder / "artifacts" / "predictions.parquet").exists() and (run.folder / "artifacts" / "config.yaml").is_file()
    again = run.run("forecast", {**params, "max_steps": final["step"] + 2}, resume_from={"path": final["path"], "step": final["step"], "mode": "state"})
    assert set(again.series("train/loss")) == {final["step"] + 1, final["step"] + 2}
