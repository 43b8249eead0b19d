"""HuggingFace Trainer, and everything that inherits from it (TRL's trainers): a callback that reports and stops gracefully."""

import os
from typing import Any, Dict, Mapping, Optional

import transformers
from transformers import TrainerCallback

from trainyard import Run
from trainyard._quiet import guarded
from trainyard._resume import handover, resumes

from ._common import StopVote, metric_name, reporting, the_run

FRAMEWORK = "huggingface"

# Of a model's configuration, what people compare runs by.
_MODEL_FIELDS = (
    "model_type",
    "architectures",
    "_name_or_path",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "max_position_embeddings",
    "dtype",
)


class TrainyardCallback(TrainerCallback):
    """
    Add it with ``Trainer(callbacks=[TrainyardCallback()])``; the import hook adds it by itself. Every hook is guarded: an error
    of ours is said once on stderr and the training goes on.
    """

    def __init__(self) -> None:
        self._vote = StopVote()
        self._stopping = False
        self._last_eval: Dict[str, Any] = {}
        self._saved_step: Optional[int] = None
        self._announced = False
        reporting.add(FRAMEWORK)

    def _run(self, args: Any) -> Run:
        run = the_run()
        if not self._announced:
            self._announced = True
            run.framework(FRAMEWORK, transformers.__version__, graceful_stop=True, resumes=resumes(FRAMEWORK))
        return run

    @guarded()
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._vote = StopVote()
        self._stopping = False
        self._saved_step = None
        run = self._run(args)
        run.training_began()
        mine = handover()
        if mine is not None:
            mine.say()
        by_steps = args.max_steps is not None and args.max_steps > 0
        run.plan(
            max_steps=state.max_steps,
            max_epochs=None if by_steps else args.num_train_epochs,
            first_step=state.global_step,
        )
        run.log_params(_arguments(args))
        run.log_params(_facts(kwargs.get("model"), kwargs.get("train_dataloader"), kwargs.get("eval_dataloader")))

    @guarded()
    def on_log(self, args: Any, state: Any, control: Any, logs: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> None:
        if not logs:
            return
        run = self._run(args)
        if "train_runtime" in logs:
            # The summary of the whole training, given at the last step once more: no point of a curve.
            run.log_params({"summary": {name: value for name, value in logs.items() if name != "epoch"}})
            return
        row = {metric_name(name): value for name, value in logs.items() if name not in ("epoch", "step")}
        if not row:
            return
        if logs.get("epoch") is not None:
            row["_epoch"] = logs["epoch"]
        run.log(row, state.global_step)

    @guarded()
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> None:
        # The same numbers came by on_log; here they are kept for the checkpoint that may follow at this step.
        values = {metric_name(name): value for name, value in (metrics or {}).items() if name != "epoch"}
        self._last_eval = {"step": state.global_step, "metrics": values}

    @guarded()
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        run = self._run(args)
        run.heartbeat(state.global_step, state.epoch, force=state.global_step >= state.max_steps)
        if not self._stopping and self._vote.ask(run, state.global_step):
            self._stopping = True
            control.should_log = True
            control.should_save = True
            control.should_training_stop = True
            # An evaluation could take longer than the stop may last.
            control.should_evaluate = False

    @guarded()
    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._stopping:
            control.should_evaluate = False
            if self._saved_step == state.global_step:
                control.should_save = False

    @guarded()
    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        path = os.path.join(args.output_dir, "checkpoint-%d" % state.global_step)
        if self._saved_step == state.global_step:
            return
        self._saved_step = state.global_step
        evaluated = self._last_eval if self._last_eval.get("step") == state.global_step else {}
        self._run(args).log_checkpoint(
            path,
            state.global_step,
            kind=_checkpoint_kind(args, kwargs.get("model")),
            framework=FRAMEWORK,
            metrics=evaluated.get("metrics"),
            final=self._stopping,
        )

    @guarded()
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        run = self._run(args)
        run.heartbeat(state.global_step, state.epoch, force=True)
        if self._stopping and state.global_step < state.max_steps:
            run.training_ended("cancelled", state.global_step, "stopped at step %d of %d" % (state.global_step, state.max_steps))
        elif state.global_step < state.max_steps:
            reason = "ended early at step %d of %d" % (state.global_step, state.max_steps)
            run.training_ended("completed", state.global_step, reason)
        else:
            run.training_ended("completed", state.global_step)


def attach(trainer: Any) -> None:
    """Add the callback to a Trainer, once."""
    if not any(isinstance(callback, TrainyardCallback) for callback in trainer.callback_handler.callbacks):
        trainer.add_callback(TrainyardCallback())


def _arguments(args: Any) -> Dict[str, Any]:
    """The training arguments that say something. HF itself blanks its tokens as ``<HUB_TOKEN>``; those are left out."""
    values: Mapping[str, Any] = args.to_dict()
    return {
        name: value
        for name, value in values.items()
        if value is not None and not (name.endswith("_token") and str(value).startswith("<")) and not name.startswith("_")
    }


def _facts(model: Any, train_dataloader: Any, eval_dataloader: Any) -> Dict[str, Any]:
    facts: Dict[str, Any] = {}
    if model is not None:
        facts["model_parameters"] = sum(parameter.numel() for parameter in model.parameters())
        facts["trainable_parameters"] = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        config = getattr(model, "config", None)
        summary = {name: getattr(config, name) for name in _MODEL_FIELDS if getattr(config, name, None) is not None}
        if summary:
            facts["model"] = {name.lstrip("_"): value for name, value in summary.items()}
        adapters = getattr(model, "peft_config", None)
        if isinstance(adapters, Mapping) and adapters:
            facts["peft"] = {name: _adapter(config) for name, config in adapters.items()}
    for name, loader in (("train_examples", train_dataloader), ("eval_examples", eval_dataloader)):
        try:
            facts[name] = len(loader.dataset)
        except (AttributeError, TypeError):
            continue
    return facts


def _adapter(config: Any) -> Dict[str, Any]:
    values = config.to_dict() if hasattr(config, "to_dict") else {}
    return {name: value for name, value in values.items() if value is not None and value != {} and value != []}


def _checkpoint_kind(args: Any, model: Any) -> str:
    if not getattr(args, "save_only_model", False):
        return "full"
    return "adapter" if getattr(model, "peft_config", None) else "weights"
