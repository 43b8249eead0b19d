"""
The place in the data and the random state, which Lightning's checkpoints do not hold: it goes on at the right step, but with the first
batch of the epoch and whatever random state the new process has. Kept under a key of our own, which Lightning and scripts pass over.
"""

import random
import sys
from typing import Any, Dict, Optional

import torch

_KEY = "trainyard"
_VERSION = 1


class Position:
    """Of one Trainer with one process: a checkpoint holds what rank 0 has, and the others' random states are their own."""

    def __init__(self) -> None:
        self._epoch_state: Optional[Dict[str, Any]] = None

    def epoch_begins(self, trainer: Any) -> None:
        """Call before the epoch's first batch: the order of a shuffled epoch follows from the random state now."""
        if trainer.world_size == 1:
            self._epoch_state = _random_state()

    def save(self, trainer: Any, checkpoint: Dict[str, Any]) -> None:
        """Add the position to a checkpoint that is about to be written."""
        if trainer.world_size == 1 and self._epoch_state is not None:
            checkpoint[_KEY] = {"version": _VERSION, "epoch_state": self._epoch_state, "state": _random_state()}

    def restore(self, trainer: Any, checkpoint: Dict[str, Any]) -> None:
        """Go on from a checkpoint's position as soon as its epoch goes on."""
        kept = checkpoint.get(_KEY) or {}
        if trainer.world_size != 1 or kept.get("version") != _VERSION:
            return
        loop = trainer.fit_loop.epoch_loop
        begin = loop.on_run_start

        def on_run_start(data_fetcher: Any) -> None:
            del loop.on_run_start
            begin(data_fetcher)
            done = int(loop.batch_progress.current.ready) if loop.restarting else 0
            if done < trainer.num_training_batches and _can_pass_over(trainer, data_fetcher):
                self._epoch_state = kept["epoch_state"] if done > 0 else kept["state"]
                _pass_over(trainer, data_fetcher, done, self._epoch_state)
                if done == 0:
                    return
            _set_random_state(kept["state"])

        # On the instance, for one call: no callback's hook lies between the restoring of the progress and the first batch.
        loop.on_run_start = on_run_start


def _can_pass_over(trainer: Any, data_fetcher: Any) -> bool:
    """Not where the training step draws the batches itself, nor where the data knows its own place."""
    stateful = any(hasattr(loader, "load_state_dict") for loader in trainer.fit_loop._combined_loader.flattened)
    return not stateful and type(data_fetcher).__name__ != "_DataLoaderIterDataFetcher"


def _pass_over(trainer: Any, data_fetcher: Any, batches: int, epoch_state: Dict[str, Any]) -> None:
    """Draw the epoch's order again, and the batches that were trained on."""
    _set_random_state(epoch_state)
    # The loop has counted them in already; drawing them counts them again.
    data_fetcher.fetched -= batches
    if trainer.current_epoch > 0:
        # The first epoch's iterator is made before the epoch begins, those of later ones after it.
        iter(data_fetcher)
    for _ in range(batches):
        next(data_fetcher)


def _random_state() -> Dict[str, Any]:
    """Plain values and tensors, so that ``torch.load(weights_only=True)`` still reads the checkpoint."""
    version, internal, gauss = random.getstate()
    state: Dict[str, Any] = {"torch": torch.get_rng_state(), "python": [version, list(internal), gauss]}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        name, keys, position, has_gauss, cached = numpy.random.get_state()
        state["numpy"] = [name, keys.tolist(), position, has_gauss, cached]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _set_random_state(state: Dict[str, Any]) -> None:
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    # A checkpoint is loaded to the training's device; random states live on the CPU.
    torch.set_rng_state(state["torch"].cpu())
    numpy = sys.modules.get("numpy")
    if numpy is not None and "numpy" in state:
        numpy.random.set_state(tuple(state["numpy"]))
    cuda = state.get("cuda")
    if cuda is not None and torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([one.cpu() for one in cuda])
