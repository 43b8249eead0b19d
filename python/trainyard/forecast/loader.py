"""Batches of windows, cut out of one matrix when they are needed."""

from __future__ import annotations

from typing import Any, Dict, Iterator, NamedTuple, Optional

import torch
from torch import Tensor


class Batch(NamedTuple):
    """``windows``: (batch, window, features); ``targets``: (batch, horizons), scaled; ``at``: (batch,), the last bar of each window."""

    windows: Tensor
    targets: Tensor
    at: Tensor


class Progress:
    """How many batches have been trained on since the very start, over all epochs and attempts."""

    def __init__(self) -> None:
        self.batches = 0


class WindowLoader:
    """
    Goes through windows once per ``iter``. With ``progress`` it shuffles: the order of an epoch follows from seed and epoch alone, and an
    epoch is entered where ``progress`` says, so a continued run sees what the whole one would have seen.

    :param features: (bars, features), scaled
    :param targets: (bars, horizons), scaled
    :param ends: the last bars of the windows
    """

    def __init__(
        self, features: Tensor, targets: Tensor, ends: Tensor, window: int, batch_size: int, seed: int = 0, progress: Optional[Progress] = None
    ) -> None:
        self._features = features
        self._targets = targets
        self._ends = ends
        self._window = window
        self._batch_size = batch_size
        self._seed = seed
        self._progress = progress

    def __len__(self) -> int:
        return -(-len(self._ends) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        # A generator: where to begin is read when the first batch is asked for, which is after a checkpoint was loaded.
        epoch, first = divmod(self._progress.batches, len(self)) if self._progress is not None else (0, 0)
        order = self._ends
        if self._progress is not None:
            shuffle = torch.Generator().manual_seed((self._seed * 1_000_003 + epoch) % 2**63)
            order = order[torch.randperm(len(order), generator=shuffle)]
        for number in range(first, len(self)):
            yield self.batch(order[number * self._batch_size : (number + 1) * self._batch_size])

    def batch(self, ends: Tensor) -> Batch:
        """The windows that end at these bars."""
        rows = ends.unsqueeze(1) + torch.arange(1 - self._window, 1)
        return Batch(self._features[rows], self._targets[ends], ends)

    # Lightning asks loaders for their state; ours lies in the module's checkpoint, as ``progress``.
    def state_dict(self) -> Dict[str, Any]:
        return {}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        return
