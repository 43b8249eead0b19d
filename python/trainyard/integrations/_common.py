"""What the integrations share: one rule for metric names, and one decision about a stop for all ranks."""

import re
import time
from typing import Any, Optional, Set

import trainyard
from trainyard import Run

# A name of a stage, then what was measured in it. HuggingFace writes `eval_loss`, Lightning users `val_loss` or `val/loss`.
_STAGE = re.compile(r"^(train|training|val|valid|validation|eval|test|predict)[_/](.+)$")
_STAGE_NAMES = {"training": "train", "valid": "val", "validation": "val"}

#: Frameworks whose own integration reports in this process; what they also write to TensorBoard is not taken twice.
reporting: Set[str] = set()


def metric_name(name: str, stage: str = "train") -> str:
    """
    The one rule for names: ``<stage>/<name>``. A stage that the name carries wins (``eval_loss`` is ``eval/loss``,
    ``valid_acc`` is ``val/acc``); without one it is the stage the trainer is in (``loss`` is ``train/loss``).
    """
    found = _STAGE.match(name)
    if found is None:
        return "%s/%s" % (stage, name)
    return "%s/%s" % (_STAGE_NAMES.get(found.group(1), found.group(1)), found.group(2))


def the_run() -> Run:
    """The run of this process, begun now if there is none."""
    return trainyard.current() or trainyard.init()


class StopVote:
    """
    Whether to stop, decided by all ranks at the same step: a rank that leaves the loop alone would leave the others waiting in
    their next collective call for ever. With one process it is the run's own answer.

    Ranks vote about once a second; the slowest rank's step time, shared in the same call, says every how many steps that is.
    """

    def __init__(self) -> None:
        self._every = 1
        self._last_step: Optional[int] = None
        self._last_time = 0.0
        self._decided = False

    def ask(self, run: Run, step: int, also: bool = False) -> bool:
        """
        Call at the end of every optimizer step, on every rank.

        :param also: another reason of this rank to stop (a SIGTERM that the framework saw)
        """
        mine = also or run.stop_requested()
        distributed = _distributed()
        if distributed is None:
            return mine
        if self._decided or step % self._every != 0:
            return self._decided
        seconds = self._seconds_per_step(step)
        stop, slowest = _highest(distributed, 1.0 if mine else 0.0, seconds)
        self._decided = stop > 0
        self._every = max(1, min(100, int(1.0 / slowest))) if slowest > 0 else 1
        return self._decided

    def _seconds_per_step(self, step: int) -> float:
        now = time.monotonic()
        passed = 0.0
        if self._last_step is not None and step > self._last_step:
            passed = (now - self._last_time) / (step - self._last_step)
        self._last_step, self._last_time = step, now
        return passed


def _distributed() -> Any:
    """torch.distributed when more than one process trains together, else None."""
    import sys

    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed if distributed.get_world_size() > 1 else None


def _highest(distributed: Any, *numbers: float) -> Any:
    """The highest of each number over all ranks."""
    import torch

    # NCCL carries tensors of the GPU only.
    device = "cuda" if "nccl" in str(distributed.get_backend()) and torch.cuda.is_available() else "cpu"
    shared = torch.tensor(numbers, dtype=torch.float32, device=device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
    return shared.tolist()
