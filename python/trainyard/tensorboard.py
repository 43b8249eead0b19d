"""
A drop-in for ``torch.utils.tensorboard.SummaryWriter`` that writes into a Trainyard run: no TensorBoard, no TensorFlow, no event files.

    from trainyard.tensorboard import SummaryWriter
"""

import os
from types import TracebackType
from typing import Any, Dict, Mapping, Optional, Type

import trainyard

from ._run import Run


class SummaryWriter:
    """
    :param log_dir: its last part names the run where the process begins one here; nothing is written there
    :param comment: added to that name

    Further arguments of the original are taken and mean nothing. ``walltime`` does not either: a point has the time at which it is logged.
    """

    def __init__(self, log_dir: Optional[str] = None, comment: str = "", *args: Any, **kwargs: Any) -> None:
        self.log_dir = log_dir
        name = ("" if log_dir is None else os.path.basename(os.path.normpath(os.fspath(log_dir)))) + comment
        self._run: Run = trainyard.current() or trainyard.init(name=name or None)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
        self._run.log({tag: scalar_value}, global_step)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any], global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
        self._run.log({"%s/%s" % (main_tag, tag): value for tag, value in tag_scalar_dict.items()}, global_step)

    def add_text(self, tag: str, text_string: str, global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
        self._run.log_text(tag, text_string, global_step)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: Optional[int] = None, walltime: Optional[float] = None, dataformats: str = "CHW"
    ) -> None:
        self._run.log_image(tag, img_tensor, global_step, dataformats)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: Optional[int] = None, walltime: Optional[float] = None, dataformats: str = "NCHW"
    ) -> None:
        for index, image in enumerate(img_tensor):
            self._run.log_image("%s/%d" % (tag, index), image, global_step, dataformats[1:])

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None, *args: Any, **kwargs: Any) -> None:
        """As a vector, see ``Run.log_vector``."""
        self._run.log_vector(tag, values, global_step)

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Optional[Mapping[str, Any]] = None, *args: Any, **kwargs: Any) -> None:
        params: Dict[str, Any] = dict(hparam_dict)
        if metric_dict:
            params["summary"] = dict(metric_dict)
        self._run.log_params(params)

    def flush(self) -> None:
        self._run.flush()

    def close(self) -> None:
        """Puts everything on disk. The run ends with the process, or with ``trainyard.finish``: a script may open several writers."""
        self._run.flush()

    def __enter__(self) -> "SummaryWriter":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()
