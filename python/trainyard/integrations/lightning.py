"""
PyTorch Lightning: a logger for the numbers and a callback for everything else. Works with ``lightning.pytorch`` and with
``pytorch_lightning``, whose base classes differ; ``TrainyardCallback`` and ``TrainyardLogger`` are made for the one in use.
"""

import os
import sys
from argparse import Namespace
from typing import Any, Dict, Mapping, Optional, Tuple

from trainyard import Run
from trainyard._quiet import guarded
from trainyard._resume import handover, resumes

from ._common import StopVote, metric_name, reporting, the_run
from ._lightning_position import Position

FRAMEWORK = "lightning"

_classes: Dict[str, Tuple[type, type]] = {}


class _CallbackHooks:
    """Plan, heartbeat, checkpoints, graceful stop and the outcome. ``trainer`` is a Lightning Trainer throughout."""

    def __init__(self) -> None:
        self._vote = StopVote()
        self._stopping = False
        self._position = Position()

    @guarded()
    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        mine = handover()
        if mine is None or stage != "fit":
            return
        # Ours is the first callback, so those that save have not looked at their folder yet; those of the module are here too.
        for callback in trainer.checkpoint_callbacks:
            if hasattr(callback, "dirpath"):
                callback.dirpath = mine.place_for(callback.dirpath)

    @guarded()
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Dict[str, Any]) -> None:
        self._position.save(trainer, checkpoint)

    @guarded()
    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Dict[str, Any]) -> None:
        mine = handover()
        # A script that names its checkpoint by itself gets from Lightning what it always got.
        if trainer.state.fn == "fit" and (mine is None or mine.given):
            self._position.restore(trainer, checkpoint)

    @guarded()
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._position.epoch_begins(trainer)

    @guarded()
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._vote = StopVote()
        self._stopping = False
        run = _announced(trainer)
        run.training_began()
        mine = handover()
        if mine is not None:
            mine.say()
        run.plan(max_steps=_planned_steps(trainer), max_epochs=_planned_epochs(trainer), first_step=position(trainer))
        run.log_params(_facts(trainer, pl_module))

    @guarded()
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        run = the_run()
        step = position(trainer)
        run.heartbeat(step, _epoch(trainer, batch_idx))
        if self._stopping or not self._vote.ask(run, step, bool(getattr(trainer, "received_sigterm", False))):
            return
        self._stopping = True
        self._save(trainer, run, step)
        _stop(trainer)

    def _save(self, trainer: Any, run: Run, step: int) -> None:
        """The final checkpoint. All ranks come here together, as sharded strategies need."""
        own = getattr(trainer.checkpoint_callback, "dirpath", None)
        folder = own or run.checkpoint_dir or os.path.join(trainer.default_root_dir, "checkpoints")
        path = os.path.join(str(folder), "checkpoint-%d.ckpt" % step)
        trainer.save_checkpoint(path)
        run.log_checkpoint(path, step, framework=FRAMEWORK, metrics=_metrics(trainer), final=True)

    @guarded()
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        run = the_run()
        step = position(trainer)
        planned = _planned_steps(trainer)
        run.heartbeat(step, _epoch(trainer), force=True)
        if self._stopping and (planned is None or step < planned):
            run.training_ended("cancelled", step, "stopped at step %d" % step)
        elif planned is not None and step < planned:
            run.training_ended("completed", step, "ended early at step %d of %d" % (step, planned))
        else:
            run.training_ended("completed", step)

    @guarded()
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        run = the_run()
        kind = type(exception).__name__
        if kind == "SIGTERMException" and not self._stopping:
            # Lightning noticed the signal between two batches, before on_train_batch_end could.
            self._stopping = True
            self._save(trainer, run, position(trainer))
        stopped = self._stopping or isinstance(exception, KeyboardInterrupt) or kind == "SIGTERMException"
        run.training_ended("cancelled" if stopped else "failed", position(trainer), "%s: %s" % (kind, exception))


class _LoggerHooks:
    """The numbers. Lightning counts steps from 0, we from 1: the step is the number of optimizer steps done."""

    def __init__(self) -> None:
        super().__init__()
        self._trainer: Any = None
        reporting.add(FRAMEWORK)

    def bind(self, trainer: Any) -> None:
        """Tell the logger its trainer, which knows whether a step is one of training."""
        self._trainer = trainer

    # Empty name and version keep ModelCheckpoint's default folder where it would be without us.
    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> Optional[str]:
        return None

    @guarded()
    def log_metrics(self, metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
        trainer = self._trainer
        row = {metric_name(name, _stage(trainer)): value for name, value in metrics.items() if name not in ("epoch", "step")}
        if not row:
            return
        if trainer is not None and trainer.state.fn == "fit":
            row["_epoch"] = _epoch(trainer, trainer.fit_loop.batch_idx)
        the_run().log(row, _one_based(trainer, step))

    @guarded()
    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        values = vars(params) if isinstance(params, Namespace) else params
        if values:
            the_run().log_params(dict(values))

    @guarded()
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        path = getattr(checkpoint_callback, "_last_checkpoint_saved", "") or checkpoint_callback.best_model_path
        if not path:
            return
        trainer = self._trainer
        step = position(trainer) if trainer is not None else 0
        kind = "weights" if getattr(checkpoint_callback, "save_weights_only", False) else "full"
        the_run().log_checkpoint(path, step, kind=kind, framework=FRAMEWORK, metrics=_metrics(trainer))

    @guarded()
    def finalize(self, status: str) -> None:
        the_run().flush()


def classes_for(package: Any) -> Tuple[type, type]:
    """
    (callback, logger) over the base classes of ``package``.

    :param package: the module ``lightning.pytorch`` or ``pytorch_lightning``
    """
    found = _classes.get(package.__name__)
    if found is None:
        from importlib import import_module

        base_logger = import_module(package.__name__ + ".loggers").Logger
        callback = type("TrainyardCallback", (_CallbackHooks, package.Callback), {"__doc__": _CallbackHooks.__doc__})
        logger = type("TrainyardLogger", (_LoggerHooks, base_logger), {"__doc__": _LoggerHooks.__doc__})
        found = _classes[package.__name__] = (callback, logger)
    return found


def __getattr__(name: str) -> Any:
    """``TrainyardCallback`` and ``TrainyardLogger`` for the Lightning package that is in use."""
    if name not in ("TrainyardCallback", "TrainyardLogger"):
        raise AttributeError(name)
    package = sys.modules.get("lightning.pytorch") or sys.modules.get("pytorch_lightning")
    if package is None:
        try:
            import lightning.pytorch as package  # type: ignore[no-redef]
        except ImportError:
            import pytorch_lightning as package  # type: ignore[no-redef]
    return classes_for(package)[0 if name == "TrainyardCallback" else 1]


def attach(trainer: Any, package: Any) -> None:
    """Add callback and logger to a Trainer, each once."""
    callback, logger = classes_for(package)
    if not any(isinstance(item, callback) for item in trainer.callbacks):
        # First, so that ModelCheckpoint, which has to be last, stays so.
        trainer.callbacks.insert(0, callback())
    ours = [item for item in trainer.loggers if isinstance(item, logger)]
    if not ours:
        ours = [logger()]
        trainer.loggers = list(trainer.loggers) + ours
    for item in ours:
        item.bind(trainer)


def position(trainer: Any) -> int:
    """Steps done. Lightning counts each optimizer's step; with several, one round of them is one step."""
    optimizers = max(1, len(getattr(trainer, "optimizers", None) or []))
    return int(trainer.global_step) // optimizers


def _announced(trainer: Any) -> Run:
    run = the_run()
    if FRAMEWORK not in run.frameworks:
        package = sys.modules.get("lightning") or sys.modules.get("pytorch_lightning")
        run.framework(FRAMEWORK, getattr(package, "__version__", None), graceful_stop=True, resumes=resumes(FRAMEWORK))
    for logger in trainer.loggers:
        if isinstance(logger, _LoggerHooks):
            logger.bind(trainer)
    return run


def _stop(trainer: Any) -> None:
    """End the fit after this batch: minimums do not hold against a user's stop, and no validation delays it."""
    loop = trainer.fit_loop
    loop.min_epochs = 0
    loop.epoch_loop.min_steps = None
    if hasattr(loop.epoch_loop, "_skip_next_val"):
        loop.epoch_loop._skip_next_val = True
    # ModelCheckpoint would save again when the loop ends the epoch in its middle, and a resume from that skips the rest of it.
    for callback in trainer.checkpoint_callbacks:
        if hasattr(callback, "_last_global_step_saved"):
            callback._last_global_step_saved = trainer.global_step
    trainer.should_stop = True


def _one_based(trainer: Any, step: Optional[int]) -> Optional[int]:
    if step is None or trainer is None:
        return step
    fitting = trainer.state.fn == "fit"
    # A step that the user logged by the name "step" is taken as it is.
    counted = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return step + 1 if fitting and (counted is None or counted == step) else step


def _stage(trainer: Any) -> str:
    if trainer is None or getattr(trainer, "training", True):
        return "train"
    if getattr(trainer, "validating", False) or getattr(trainer, "sanity_checking", False):
        return "val"
    return "test" if getattr(trainer, "testing", False) else "train"


def _metrics(trainer: Any) -> Dict[str, Any]:
    metrics = getattr(trainer, "callback_metrics", None) or {}
    return {metric_name(name): value for name, value in metrics.items()}


def _planned_steps(trainer: Any) -> Optional[int]:
    try:
        steps = float(trainer.estimated_stepping_batches)
    except Exception:
        steps = float(trainer.max_steps) if trainer.max_steps and trainer.max_steps > 0 else float("inf")
    return int(steps) if 0 < steps < float("inf") else None


def _planned_epochs(trainer: Any) -> Optional[int]:
    return trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None


def _epoch(trainer: Any, batch_idx: Optional[int] = None) -> float:
    batches = trainer.num_training_batches
    done = (batch_idx + 1) / batches if batch_idx is not None and 0 < batches < float("inf") else 0.0
    return float(trainer.current_epoch) + done


def _facts(trainer: Any, module: Any) -> Dict[str, Any]:
    facts: Dict[str, Any] = {
        "max_epochs": trainer.max_epochs,
        "max_steps": trainer.max_steps,
        "precision": str(trainer.precision),
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "gradient_clip_val": trainer.gradient_clip_val,
        "devices": trainer.num_devices,
        "strategy": type(trainer.strategy).__name__,
        "model": {"class": type(module).__name__},
        "model_parameters": sum(parameter.numel() for parameter in module.parameters()),
        "trainable_parameters": sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad),
    }
    hparams = getattr(module, "hparams", None)
    if hparams:
        facts.update(dict(hparams))
    loader = getattr(trainer, "train_dataloader", None)
    try:
        facts["train_examples"] = len(loader.dataset)  # type: ignore[union-attr]
    except (AttributeError, TypeError):
        pass
    return {name: value for name, value in facts.items() if value is not None}
