"""
Scalars that a script writes to TensorBoard, seen by listening to ``SummaryWriter`` (torch.utils.tensorboard, tensorboardX).
The event files are written as ever.
"""

import functools
import sys
from typing import Any, Callable, Optional

from trainyard._quiet import guarded

from ._common import reporting, the_run

# Modules that write to TensorBoard what their own integration has reported already, by the framework that they belong to.
_REPORTED_BY = {
    "transformers": "huggingface",
    "trl": "huggingface",
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "lightning_fabric": "lightning",
}


def listen(writer_class: Any) -> None:
    """Patch a SummaryWriter class, once."""
    if getattr(writer_class, "_trainyard_listens", False):
        return
    writer_class._trainyard_listens = True
    _after(writer_class, "add_scalar", _scalar)
    _after(writer_class, "add_scalars", _scalars)
    _after(writer_class, "add_hparams", _hparams)


def _after(writer_class: Any, method: str, listener: Callable[..., None]) -> None:
    original = getattr(writer_class, method, None)
    if original is None:
        return

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        caller = sys._getframe(1).f_globals.get("__name__", "")
        # A writer's own inner calls (add_hparams calls add_scalar) come from its module.
        if not caller.startswith(("torch.utils.tensorboard", "tensorboardX")) and not _is_reported(caller):
            listener(*args, **kwargs)
        return result

    setattr(writer_class, method, call)


def _is_reported(caller: str) -> bool:
    return _REPORTED_BY.get(caller.partition(".")[0]) in reporting


@guarded()
def _scalar(tag: str, scalar_value: Any, global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
    _announce()
    the_run().log({tag: _number(scalar_value)}, global_step)


@guarded()
def _scalars(main_tag: str, tag_scalar_dict: Any, global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
    _announce()
    the_run().log({"%s/%s" % (main_tag, tag): _number(value) for tag, value in tag_scalar_dict.items()}, global_step)


@guarded()
def _hparams(hparam_dict: Any, metric_dict: Any = None, *args: Any, **kwargs: Any) -> None:
    _announce()
    the_run().log_params(dict(hparam_dict))
    if metric_dict:
        the_run().log_params({"summary": dict(metric_dict)})


def _number(value: Any) -> Any:
    """The writer has read the tensor already, so reading it again costs little."""
    return value.item() if hasattr(value, "item") else value


def _announce() -> None:
    run = the_run()
    if "tensorboard" not in run.frameworks:
        run.framework("tensorboard", None, graceful_stop=False)
