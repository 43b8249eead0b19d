"""Carries out the recipe ``forecast``: reads the candles, trains, measures, and writes the forecasts."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from trainyard.adapters.base import RecipeError, TrainContext, resolve_path
from trainyard.forecast.candles import CandleError, ReadOptions, base_step, describe_gaps, find_gaps, read_candles
from trainyard.forecast.loader import Progress, WindowLoader
from trainyard.forecast.metrics import baselines
from trainyard.forecast.model import SCALE_NAMES, Forecaster, all_measures
from trainyard.forecast.outputs import PredictionTable, describe_data, prediction_table, write_config, write_metrics, write_predictions
from trainyard.forecast.plan import NotEnough
from trainyard.forecast.settings import Setting, normalised, setting_problems, timeframe_problems
from trainyard.forecast.windows import ForecastData, make_data
from trainyard.integrations.lightning import TrainyardCallback, TrainyardLogger

#: Windows per batch when nothing is learned from them.
_MEASURE_BATCH = 512


def train(context: TrainContext) -> bool:
    """Gives False when a stop ended it early. @raises RecipeError for settings and data that do not fit"""
    params = normalised(context.params)
    data = load_data(params, context)
    write_config(context.artifact_dir / "config.yaml", params, context.seed, data, _versions())
    context.run.log_artifact(str(context.artifact_dir / "config.yaml"), kind="config")
    context.run.log_params({"data": describe_data(data), "baseline": _baseline(data)})

    lightning.seed_everything(context.seed)
    module = make_module(data, params)
    resume = context.resume_from
    if resume is not None:
        check_checkpoint(module, resume.path, params["max_epochs"], start=resume.mode == "weights")
    callbacks = make_callbacks(context.checkpoint_dir, params)
    trainer = make_trainer(context.run_dir, params, callbacks)
    module.train()
    trainer.fit(
        module,
        make_loader(data, "train", params, params["batch_size"], context.seed, module.progress),
        make_loader(data, "val", params, _MEASURE_BATCH),
        # check_checkpoint has read it as data alone, so nothing in it is executed here either.
        ckpt_path=resume.path if resume is not None and resume.mode == "state" else None,
    )
    if context.run.stop_requested() and not _reached_end(trainer):
        return False
    best = next((item.best_model_path for item in callbacks if isinstance(item, ModelCheckpoint) and item.monitor == "val_loss"), "")
    if best and Path(best).is_file():
        module.load_state_dict(_load(best)["state_dict"])
    elif best:
        # Continued from before a better one replaced it, and with other settings not found again.
        context.run.message("warning", "{} is gone: the forecasts come from the last weights".format(best))
    # Lightning has put the module back on the CPU.
    module.to(trainer.strategy.root_device)
    _finish(context, params, data, module)
    return True


def load_data(params: Mapping[str, Any], context: TrainContext) -> ForecastData:
    """@raises RecipeError naming the field to blame"""
    _refuse(setting_problems(params))
    try:
        candles = read_candles(resolve_path(params["data_file"], Path.cwd()), ReadOptions.from_params(params))
        if len(candles) < 2:
            raise CandleError("{} holds a single bar".format(params["data_file"]))
        base = base_step(candles.times)
        _refuse(timeframe_problems(params, base))
        gaps = find_gaps(candles.times, base)
        if gaps:
            context.run.message("info", describe_gaps(gaps, base))
        if candles.synthetic:
            context.run.message("info", "the candles are synthetic")
        return make_data(candles, params)
    except CandleError as error:
        raise RecipeError(error.message, "params." + error.parameter, error.hint) from error
    except NotEnough as error:
        _refuse([error.setting])
        raise
    except ValueError as error:
        raise RecipeError(str(error), "params.data_file") from error


def make_module(data: ForecastData, params: Mapping[str, Any]) -> Forecaster:
    return Forecaster(len(data.names), [horizon.name for horizon in data.horizons], params, data.scales)


def make_loader(
    data: ForecastData, part: str, params: Mapping[str, Any], batch_size: int, seed: int = 0, progress: Optional[Progress] = None
) -> WindowLoader:
    """The windows of a part; shuffled among themselves with ``progress``."""
    targets = torch.from_numpy((data.targets / data.scales.target_scale).astype(np.float32))
    ends = torch.from_numpy(data.parts[part])
    return WindowLoader(torch.from_numpy(data.features), targets, ends, params["window"], batch_size, seed, progress)


def forecast_part(module: Forecaster, data: ForecastData, part: str, params: Mapping[str, Any]) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:  # type: ignore[type-arg]
    """Last bars of the windows, and the forecasts as log returns, (windows, horizons)."""
    module.eval()
    found: List[Dict[str, Any]] = []
    with torch.inference_mode():
        for batch in make_loader(data, part, params, _MEASURE_BATCH):
            found.append(module.forecast(batch))
    return data.parts[part], {name: np.concatenate([row[name] for row in found]) for name in found[0]}


def _finish(context: TrainContext, params: Mapping[str, Any], data: ForecastData, module: Forecaster) -> None:
    """Forecasts of the validation and test part with the final weights, their measures, and the weights themselves."""
    tables: List[PredictionTable] = []
    metrics: Dict[str, Any] = {"baseline": _baseline(data)}
    horizons = [horizon.name for horizon in data.horizons]
    for part in ("val", "test"):
        if len(data.parts[part]) == 0:
            continue
        ends, forecasts = forecast_part(module, data, part, params)
        tables.append(prediction_table(data, part, ends, forecasts))
        metrics[part] = all_measures(forecasts["predicted"], data.targets[ends], horizons)
    if "test" in metrics:
        # Once, after everything was decided on the validation part.
        context.run.log({"test/" + name: value for name, value in metrics["test"].items()})
    write_predictions(context.artifact_dir / "predictions.parquet", tables, data.synthetic)
    write_metrics(context.artifact_dir / "metrics.json", metrics)
    context.model_dir.mkdir(parents=True, exist_ok=True)
    torch.save(module.cpu().state_dict(), context.model_dir / "state_dict.pt")
    for name, kind in (("predictions.parquet", "predictions"), ("metrics.json", "evaluation"), ("model", "model")):
        context.run.log_artifact(str(context.artifact_dir / name), name=name, kind=kind)


def make_trainer(run_dir: Path, params: Mapping[str, Any], callbacks: List[Callback]) -> lightning.Trainer:
    """@raises RecipeError"""
    interval = params["val_check_interval"]
    options: Dict[str, Any] = {
        name: params[name]
        for name in ("max_epochs", "max_steps", "gradient_clip_val", "log_every_n_steps", "accelerator", "precision", "deterministic")
    }
    try:
        return lightning.Trainer(
            devices=1,
            # Lightning tells a share from a count by the type.
            val_check_interval=int(interval) if interval > 1 else float(interval),
            # The check of a few batches before the training would put points at step 0 into the curves of validation.
            num_sanity_val_steps=0,
            default_root_dir=str(run_dir),
            logger=TrainyardLogger(),
            callbacks=callbacks,
            enable_model_summary=False,
            **options,
        )
    except (TypeError, ValueError, lightning.fabric.utilities.exceptions.MisconfigurationException) as error:
        raise RecipeError("lightning.Trainer refuses the settings: {}".format(error)) from error


def make_callbacks(checkpoint_dir: Path, params: Mapping[str, Any]) -> List[Callback]:
    """Reporting first, then checkpoints, then what may end the training early."""
    steps = params["checkpoint_every_n_steps"]
    callbacks: List[Callback] = [
        TrainyardCallback(),
        ModelCheckpoint(
            dirpath=str(checkpoint_dir),
            filename="checkpoint-{step}",
            auto_insert_metric_name=False,
            # Lightning keeps several only by a metric; the step itself makes them the newest.
            monitor="step" if params["save_top_k"] > 0 else None,
            mode="max",
            save_top_k=params["save_top_k"],
            every_n_train_steps=steps,
            save_on_train_epoch_end=True if steps is None else None,
            # After a rewind the steps come again, and so do their files.
            enable_version_counter=False,
        ),
    ]
    if params["keep_best"]:
        callbacks.append(
            ModelCheckpoint(
                dirpath=str(checkpoint_dir),
                filename="best-{step}",
                auto_insert_metric_name=False,
                monitor="val_loss",
                save_top_k=1,
                save_weights_only=True,
                save_on_train_epoch_end=False,
                enable_version_counter=False,
            )
        )
    if params["early_stopping_patience"] is not None:
        callbacks.append(EarlyStopping("val_loss", patience=params["early_stopping_patience"], check_on_train_epoch_end=False))
    return callbacks


def check_checkpoint(module: Forecaster, path: str, max_epochs: int, start: bool) -> None:
    """Do the checkpoint's weights fit? With ``start`` they are also loaded. @raises RecipeError"""
    checkpoint = _load(path)
    state = checkpoint.get("state_dict", checkpoint)
    own = module.state_dict()
    differing = [name for name in own if name not in state or state[name].shape != own[name].shape]
    if differing:
        name = differing[0]
        found = tuple(state[name].shape) if name in state else "nothing"
        raise RecipeError(
            "the checkpoint {} holds another model: {} is {} there and {} here".format(path, name, found, tuple(own[name].shape)),
            hint="Keep features, horizons, loss, window and model as they were, or start a new run.",
        )
    if not start:
        epoch = checkpoint.get("epoch", 0)
        if 0 <= max_epochs < epoch:
            raise RecipeError(
                "max_epochs is {}, but the checkpoint {} lies in epoch {}".format(max_epochs, path, epoch + 1),
                "params.max_epochs",
                "Give at least {}, or fork from the weights.".format(epoch + 1),
            )
        other = [name for name in SCALE_NAMES if not torch.allclose(state[name], own[name])]
        if other:
            raise RecipeError(
                "the training part of the data is not that of the checkpoint {} ({} differs)".format(path, other[0]),
                "params.data_file",
                "Fork from the weights to go on with other data, or use the file and the fractions of that run.",
            )
    else:
        # Weights go on with the scales of the data at hand.
        module.load_state_dict({name: own[name] if name in SCALE_NAMES else state[name] for name in own})


def _load(path: str) -> Dict[str, Any]:
    """A checkpoint; nothing in the file is executed. @raises RecipeError"""
    try:
        checkpoint: Dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise RecipeError("the checkpoint {} cannot be read: {}".format(path, error)) from error
    return checkpoint


def _baseline(data: ForecastData) -> Dict[str, Any]:
    """What no model at all would reach on the validation part."""
    actual = data.targets[data.parts["val"]]
    return {horizon.name: baselines(actual[:, at]) for at, horizon in enumerate(data.horizons)}


def _versions() -> Dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "lightning", "numpy", "pyarrow")}


def _refuse(problems: List[Setting]) -> None:
    if problems:
        raise RecipeError(problems[0].message, "params." + problems[0].field, problems[0].hint)


def _reached_end(trainer: lightning.Trainer) -> bool:
    if trainer.max_steps not in (None, -1) and trainer.global_step >= trainer.max_steps:
        return True
    return trainer.max_epochs not in (None, -1) and trainer.current_epoch >= trainer.max_epochs
