"""
The call inside the training loop, kept as short as Python allows: the time, a copy of the dict, an append to a deque.
Everything else happens in the drain thread (``_drain``).

One global, ``_append``, says where a row goes, so that the function itself has no branch:

- ``_no_run``   before ``init`` and after ``finish``
- ``_careful``  at the start, and for good once a tensor or a nested dict was seen: reads what could still change
- ``_enqueue``  (the deque's own append) once the drain thread has seen nothing but plain numbers
- ``_discard``  in processes that do not report (other ranks, forked children)
"""

from collections import deque
from time import time as _time
from typing import Any, Callable, Deque, Dict, Optional, Tuple

from ._quiet import warn_once
from ._values import PLAIN, is_mutable_number, snapshot

# (seconds since the epoch, step or None, metrics)
Row = Tuple[float, Any, Dict[Any, Any]]

# The drain thread keeps the queue under SOFT_LIMIT and counts what it drops. The deque's own bound only holds
# memory when that thread hangs in a write for very long (a dead network disk).
SOFT_LIMIT = 1_000_000
HARD_LIMIT = 4_000_000

queue: Deque[Row] = deque(maxlen=HARD_LIMIT)
_enqueue = queue.append

_refused = 0
_needs_care = False
_on_no_run: Optional[Callable[[], bool]] = None


def log(metrics: Dict[str, Any], step: Optional[int] = None) -> None:
    """
    Log numbers of one step. Costs about as much as two empty function calls; never waits, never raises.

    :param metrics: name to number. Numbers are int, float, bool, NumPy scalars and tensors with one element; NaN and
        infinities are kept; nested dicts are joined by "/". Anything else is left out, counted, and warned of once.
        The dict is copied, so it may be used again. A tensor is read in this call: on a GPU that waits for the
        device as ``.item()`` does, so log plain numbers at your own interval where that matters.
    :param step: 1-based by convention. Left out: one more than the step of the row before.
    """
    try:
        _append((_time(), step, metrics.copy()))
    except Exception:
        _refuse(metrics, step)


def _refuse(metrics: Any, step: Any) -> None:
    """Slow path of ``log``: a mapping without ``copy``, or something that is none at all."""
    global _refused
    try:
        _append((_time(), step, dict(metrics)))
    except Exception:
        _refused += 1
        warn_once("log() takes a dict of numbers, not %s; the call was left out" % type(metrics).__name__)


def _no_run(row: Row) -> None:
    if _on_no_run is not None and _on_no_run():
        _append(row)
    else:
        warn_once("log() was called without a run (before init() or after finish()); nothing is recorded")


def _discard(row: Row) -> None:
    return None


def _careful(row: Row) -> None:
    global _needs_care
    metrics = row[2]
    for name, value in metrics.items():
        if type(value) not in PLAIN:
            if isinstance(value, dict) or is_mutable_number(value):
                _needs_care = True
            metrics[name] = snapshot(value)
    _enqueue(row)


_append: Callable[[Row], None] = _no_run


def begin() -> None:
    """A run reports from this process now."""
    global _append, _needs_care
    queue.clear()
    _needs_care = False
    _append = _careful


def be_careful() -> None:
    """The drain thread met a tensor or a nested dict: from here on they are read in the caller, before they can change."""
    global _append, _needs_care
    _needs_care = True
    if _append is _enqueue:
        _append = _careful


def settle() -> None:
    """The drain thread has taken rows: if none needed care, the caller stops looking at values."""
    global _append
    if _append is _careful and not _needs_care:
        _append = _enqueue


def discard() -> None:
    """This process does not report."""
    global _append
    _append = _discard


def end() -> None:
    """The run is finished."""
    global _append
    _append = _no_run


def when_no_run(start: Callable[[], bool]) -> None:
    """``start`` is asked by a log call that finds no run; True says that there is one now."""
    global _on_no_run
    _on_no_run = start


def take_refused() -> int:
    """Calls that held nothing loggable since the last time this was asked."""
    global _refused
    count, _refused = _refused, 0
    return count
