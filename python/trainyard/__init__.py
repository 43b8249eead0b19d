"""
Trainyard's logging SDK: ``init``, ``log``, ``finish``. Standard library alone; works with no server, and never raises into,
nor waits for anything in, the training that calls it.

    import trainyard

    with trainyard.init(project="mnist", params={"lr": 1e-3}) as run:
        for step in range(1, 1001):
            run.log({"train/loss": loss}, step=step)
            if run.should_stop():
                break
"""

import os
import threading
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Optional

from . import _exit, _hot, _output, _standalone
from ._metric_file import Occupied
from ._quiet import guarded, warn_once
from ._rank import rank as _rank
from ._run import Error, Run
from ._version import __version__

if TYPE_CHECKING:
    from .reading._store import Store

__all__ = [
    "Run",
    "__version__",
    "current",
    "finish",
    "init",
    "log",
    "log_artifact",
    "log_metrics",
    "log_params",
    "log_image",
    "log_scalar",
    "log_vector",
    "open",
    "should_stop",
]

log = _hot.log
log_metrics = _hot.log

_current: Optional[Run] = None
_forked = False
_lock = threading.RLock()


def init(
    project: Optional[str] = None,
    name: Optional[str] = None,
    params: Optional[Mapping[str, Any]] = None,
    store: Optional[str] = None,
    description: str = "",
    tags: Iterable[str] = (),
    seed: Optional[int] = None,
    experiment: Optional[str] = None,
) -> Run:
    """
    Begin to report. In a process that Trainyard launched it attaches to that attempt, and everything but ``params`` is already
    decided; in any other it makes a run folder of its own. A second call returns the same run. Only rank 0 reports: in other
    processes the run is silent but answers ``should_stop``. Never raises: what goes wrong is said on stderr and the run is silent.

    :param project: folder of the run in the store, ``default`` when left out
    :param name: shown name; made up from the script and the time when left out
    :param params: see ``Run.log_params``
    :param store: folder that holds projects. Default: TRAINYARD_STORE, the nearest ``.trainyard`` above the working folder, or one made in it.
    :param seed: runs that differ by it alone are replicates
    :param experiment: name of the experiment that the run belongs to; the configurations of its runs are kept together
    """
    global _current
    with _lock:
        if _current is None or (_current._finished and not _forked):
            _current = _start(project, name, store, description, tags, seed, experiment)
        if params:
            _current.log_params(params)
        return _current


def _start(
    project: Optional[str],
    name: Optional[str],
    store: Optional[str],
    description: str,
    tags: Iterable[str],
    seed: Optional[int],
    experiment: Optional[str],
) -> Run:
    place = _standalone.launched_place()
    standalone = place is None
    if place is not None:
        _output.survive_full_disk(os.path.join(place.run_dir, "attempts", str(place.attempt), "log"))
    run = Run(place, standalone)
    try:
        if _forked or _rank() != 0:
            _hot.discard()
            return run
        if place is None:
            kept = [str(tag)[:80] for tag in tags if str(tag)][:100]
            place = _standalone.create(project, name, store, str(description), kept, seed, experiment)
            run = Run(place, True)
        run._open()
        _exit.watch(_on_crash, _on_exit, _on_fork)
    except Occupied:
        # Another process of this attempt reports; this one only listens.
        _hot.discard()
    except Exception as error:
        warn_once("this run is not recorded: %s: %s" % (type(error).__name__, error))
        _hot.discard()
    return run


def current() -> Optional[Run]:
    """The run of this process, None before ``init`` and after ``finish``."""
    return _current if _current is not None and not _current._finished else None


@guarded()
def log_scalar(name: str, value: Any, step: Optional[int] = None) -> None:
    """Log one number, see ``log``."""
    _hot.log({name: value}, step)


@guarded()
def log_vector(name: str, values: Any, step: Optional[int] = None) -> None:
    """See ``Run.log_vector``."""
    run = _needed("log_vector")
    if run is not None:
        run.log_vector(name, values, step)


@guarded()
def log_image(name: str, image: Any, step: Optional[int] = None, dataformats: str = "HWC") -> None:
    """See ``Run.log_image``."""
    run = _needed("log_image")
    if run is not None:
        run.log_image(name, image, step, dataformats)


@guarded()
def log_params(params: Mapping[str, Any]) -> None:
    """See ``Run.log_params``."""
    run = _needed("log_params")
    if run is not None:
        run.log_params(params)


@guarded()
def log_artifact(path: str, name: Optional[str] = None, kind: str = "other") -> None:
    """See ``Run.log_artifact``."""
    run = _needed("log_artifact")
    if run is not None:
        run.log_artifact(path, name, kind)


@guarded()
def finish(status: Optional[str] = None, reason: Optional[str] = None, error: Optional[Error] = None) -> None:
    """End the run of this process, see ``Run.finish``. Happens by itself when the process ends."""
    if _current is not None:
        _current.finish(status, reason, error)


@guarded(False)
def should_stop() -> bool:
    """See ``Run.should_stop``; False without a run."""
    run = _needed("should_stop")
    return run.should_stop() if run is not None else False


def open(path: Optional[str] = None) -> "Store":
    """
    A store to read from, see ``trainyard.reading``: ``trainyard.open(".trainyard").runs(filter="record.state = 'completed'")``.

    :param path: the store's folder. Default: TRAINYARD_STORE, or the nearest ``.trainyard`` above the working folder.
    :raises FileNotFoundError: there is none
    """
    # A training reads nothing: it does not pay for this.
    from .reading._store import open_store

    return open_store(path)


def _needed(call: str) -> Optional[Run]:
    """The run, begun now in a process that was launched for one."""
    if current() is None and not _begin_if_launched():
        warn_once("%s() was called without a run (before init() or after finish())" % call)
    return current()


def _begin_if_launched() -> bool:
    if _current is None and _standalone.launched_place() is not None:
        init()
        return True
    return False


def _on_crash(error: BaseException) -> None:
    if _current is not None:
        _current._crashed(error)


def _on_exit() -> None:
    if _current is not None:
        _current._exiting()


def _on_fork() -> None:
    global _forked, _lock
    _forked = True
    _lock = threading.RLock()
    if _current is not None:
        _current._forked()


_hot.when_no_run(_begin_if_launched)
