"""A few real steps of a document, measured (``ProbeAnswer`` in ``protocol/documents.ts``). Nothing of it is kept."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from .._memory import peak_rss

#: How long it waits for fields that only an import of the packages tells.
_PREPARE_SECONDS = 120.0
#: The first step warms up: it allocates, compiles and fills caches. The two after it are measured.
_STEPS = 3


def probe(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Trains until three steps are made, prints the answer and ends the process there; comes back only when it came to no third step.

    :raises RecipeError: the settings cannot be carried out
    """
    import trainyard
    from trainyard.adapters.base import TrainContext
    from trainyard.recipes.runner import DEFAULT_SEED, find

    adapter = find(request["recipe"])
    adapter.prepare(_PREPARE_SECONDS, request["params"])
    params = adapter.fill(adapter.probe_params(adapter.fill(request["params"])))
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="trainyard-probe-"))
    os.environ["TRAINYARD_STORE"] = str(folder / "store")
    try:
        active = trainyard.init()
        beats: List[float] = []

        def reached(step: Optional[int]) -> None:
            if step is not None and step > len(beats):
                beats.append(time.monotonic())
            if len(beats) >= _STEPS:
                _leave(folder, _measured(beats, began))

        # Frameworks say each step by heartbeat; a recipe of the user's own may only log.
        for name in ("heartbeat", "log"):
            setattr(active, name, _watched(getattr(active, name), name, reached))
        folders = [folder / name for name in ("run", "checkpoints", "artifacts")]
        for place in folders:
            place.mkdir()
        adapter.train(TrainContext(params, active, None, *folders, DEFAULT_SEED))
        if len(beats) >= 2:
            return _measured(beats, began)
        return _failed("params.train_file", "the training ended after {} of {} steps".format(len(beats), _STEPS))
    except MemoryError:
        return _failed("params.per_device_train_batch_size", "the memory of the host is not enough")
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        return _failed("params.per_device_train_batch_size", str(error).splitlines()[0])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watched(function: Callable[..., None], name: str, reached: Callable[[Optional[int]], None]) -> Callable[..., None]:
    def call(*arguments: Any, **named: Any) -> None:
        function(*arguments, **named)
        place = 0 if name == "heartbeat" else 1
        reached(arguments[place] if len(arguments) > place else named.get("step"))

    return call


def _failed(field: str, message: str) -> Dict[str, Any]:
    return {"probe": None, "problems": [{"severity": "error", "field": field, "message": message, "hint": None}]}


def _measured(beats: List[float], began: float) -> Dict[str, Any]:
    seconds = [later - earlier for earlier, later in zip(beats, beats[1:])]
    return {"probe": {**_memory(), "steps": len(beats), "seconds_per_step": statistics.median(seconds), **_times(beats, began)}, "problems": []}


def _times(beats: List[float], began: float) -> Dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"measured_at": now, "startup_seconds": beats[0] - began}


def _memory() -> Dict[str, Any]:
    found: Dict[str, Any] = {"peak_rss_bytes": peak_rss() or 0, "peak_gpu_bytes": None, "reserved_gpu_bytes": None, "gpu_name": None}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated() > 0:
        found.update(
            peak_gpu_bytes=torch.cuda.max_memory_allocated(),
            reserved_gpu_bytes=torch.cuda.max_memory_reserved(),
            gpu_name=torch.cuda.get_device_name(),
        )
    return found


def _leave(folder: Path, answer: Dict[str, Any]) -> None:
    """Ends the process in the middle of the training: a training that is stopped would write a checkpoint first."""
    shutil.rmtree(folder, ignore_errors=True)
    # Not sys.stdout, which is turned to stderr while libraries may print.
    os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, (json.dumps(answer) + "\n").encode("ascii"))
    os._exit(0)
