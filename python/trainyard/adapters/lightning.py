"""Carries out the recipe ``lightning``: loads the user's classes, builds the Trainer, fits."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Mapping, Optional, Tuple

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from trainyard.adapters.base import RecipeError, TrainContext, resolve_path
from trainyard.integrations.lightning import TrainyardCallback, TrainyardLogger


#: Fields that are called as the Trainer calls them and mean the same.
_TRAINER_FIELDS = (
    "max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "log_every_n_steps", "check_val_every_n_epoch", "accelerator", "strategy",
    "precision", "fast_dev_run", "deterministic",
)  # fmt: skip


def train(context: TrainContext) -> bool:
    """Gives False when a stop ended it early."""
    params = context.params
    lightning.seed_everything(context.seed, workers=True)
    module_file = resolve_path(params["module_file"], Path.cwd())
    source = load_file(module_file)
    module = _build(source, lightning.LightningModule, params["module_class"], params["module_args"], "module")
    data = _data_module(source, context)
    resume = context.resume_from
    if resume is not None and resume.mode == "weights":
        module.load_state_dict(state_dict_of(resume.path))

    options: Dict[str, Any] = {
        **trainer_options(params),
        "default_root_dir": str(context.run_dir),
        "logger": TrainyardLogger(),
        "callbacks": [TrainyardCallback(), *([] if params["fast_dev_run"] else [checkpoints(context)])],
        **params["trainer_args"],
    }
    try:
        trainer = lightning.Trainer(**options)
    except (TypeError, ValueError, lightning.fabric.utilities.exceptions.MisconfigurationException) as error:
        raise RecipeError("lightning.Trainer refuses the settings: {}".format(error)) from error
    trainer.fit(module, datamodule=data, ckpt_path=resume.path if resume is not None and resume.mode == "state" else None)
    return finish(context, trainer, module)


def finish(context: TrainContext, trainer: Any, module: Any) -> bool:
    """Keeps the weights of a training that reached its end; gives False when a stop ended it early."""
    if context.run.stop_requested() and not _reached_end(trainer):
        return False
    if not trainer.fast_dev_run and trainer.is_global_zero:
        context.model_dir.mkdir(parents=True, exist_ok=True)
        torch.save(module.state_dict(), context.model_dir / "state_dict.pt")
        context.run.log_artifact(str(context.model_dir), name="model", kind="model")
    return True


def trainer_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """What the form says about the Trainer, as its arguments."""
    from trainyard.recipes.lightning import parse_devices

    options = {name: params[name] for name in _TRAINER_FIELDS}
    options.update(
        devices=parse_devices(params["devices"]),
        limit_train_batches=batches(params["limit_train_batches"]),
        limit_val_batches=batches(params["limit_val_batches"]),
        val_check_interval=batches(params["val_check_interval"]),
    )
    options.update(params["trainer_args"])
    return options


def batches(value: float) -> Any:
    """Lightning tells a share from a count by the type: 1.0 is everything, 2 is two batches. A form gives 2.0 for both."""
    return int(value) if value > 1 else float(value)


def load_file(path: Path) -> ModuleType:
    """Imports a Python file under its own name, with its folder on the path so that it finds its neighbours."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RecipeError("{} cannot be imported as Python".format(path), "params.module_file")
    module = importlib.util.module_from_spec(spec)
    # Workers that unpickle the user's classes import them by this name.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _data_module(source: ModuleType, context: TrainContext) -> Optional[Any]:
    params = context.params
    if params["data_file"]:
        source = load_file(resolve_path(params["data_file"], Path.cwd()))
    elif not has_data_class(source, params):
        return None
    return _build(source, lightning.LightningDataModule, params["data_class"], params["data_args"], "data")


def has_data_class(source: ModuleType, params: Mapping[str, Any]) -> bool:
    return params["data_class"] is not None or bool(_classes(source, lightning.LightningDataModule))


def _classes(source: ModuleType, base: type) -> Dict[str, type]:
    """Subclasses that the file itself defines; what it merely imports counts only when it is named."""
    return {
        name: value
        for name, value in vars(source).items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base and value.__module__ == source.__name__
    }


def _build(source: ModuleType, base: type, name: Optional[str], arguments: Dict[str, Any], prefix: str) -> Any:
    cls, field = choose(source, base, name, prefix)
    try:
        inspect.signature(cls).bind(**arguments)
    except TypeError as error:
        raise RecipeError("{} cannot be made from {}: {}".format(cls.__name__, field, error), "params." + prefix + "_args") from error
    return cls(**arguments)


def choose(source: ModuleType, base: type, name: Optional[str], prefix: str) -> Tuple[type, str]:
    found = _classes(source, base)
    if name is None and len(found) == 1:
        return next(iter(found.values())), prefix + "_args"
    chosen = getattr(source, name, None) if name is not None else None
    if inspect.isclass(chosen) and issubclass(chosen, base):
        return chosen, prefix + "_args"
    problem = "has no {} named {!r}".format(base.__name__, name) if name else "has {} classes of type {}".format(len(found), base.__name__)
    raise RecipeError(
        "{} {}; it has: {}".format(source.__file__, problem, ", ".join(found) or "none"),
        "params.{}_class".format(prefix),
        "Name the one to use.",
    )


def checkpoints(context: TrainContext) -> ModelCheckpoint:
    params = context.params
    monitor = params["monitor"]
    keep = params["save_top_k"]
    if monitor is None and keep > 0:
        # Lightning keeps several only by a metric; the step itself makes them the newest.
        monitor = "step"
    return ModelCheckpoint(
        dirpath=str(context.checkpoint_dir),
        filename="checkpoint-{step}",
        auto_insert_metric_name=False,
        monitor=monitor,
        mode="max" if monitor == "step" else params["mode"],
        save_top_k=keep,
        every_n_train_steps=params["checkpoint_every_n_steps"],
        save_on_train_epoch_end=True if params["checkpoint_every_n_steps"] is None else None,
    )


def state_dict_of(path: str) -> Dict[str, Any]:
    """The parameters of a checkpoint; nothing in the file is executed."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    state: Dict[str, Any] = checkpoint.get("state_dict", checkpoint)
    return state


def _reached_end(trainer: Any) -> bool:
    if trainer.max_steps not in (None, -1) and trainer.global_step >= trainer.max_steps:
        return True
    return trainer.max_epochs not in (None, -1) and trainer.current_epoch >= trainer.max_epochs
