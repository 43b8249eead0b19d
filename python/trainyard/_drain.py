"""The drain thread: takes rows off the queue, turns them into records, writes them, and watches for stop.json."""

import math
import os
import struct
import threading
import time
from typing import Any, Callable, List, Optional

from . import _hot
from ._metric_file import DISK_FULL, MetricFile
from ._quiet import warn_once
from ._report import Report
from ._values import is_mutable_number, numbers_of, to_float, was_changed_in_place

# What a SIGKILL may cost at most. A wake-up with nothing to do takes microseconds.
INTERVAL_SECONDS = 0.05
STOP_POLL_SECONDS = 0.2
_RETRY_SECONDS = 0.5
_DROPPED_BEAT_SECONDS = 1.0

_NOT_NUMBERS = (struct.error, TypeError, OverflowError, ValueError)


class Drain(threading.Thread):
    """
    Owns the attempt's metric file from now on.

    :param stop_file: path of stop.json
    :param on_stop: called once, in this thread, when it is there
    """

    def __init__(self, metrics: MetricFile, report: Report, stop_file: str, on_stop: Callable[[], None]) -> None:
        super().__init__(name="trainyard-drain", daemon=True)
        self._metrics = metrics
        self._report = report
        self._stop_file = stop_file
        self._on_stop = on_stop
        self._stop_seen = False
        self._ending = threading.Event()
        # Held by whoever drains: this thread, or a caller that wants everything on disk now.
        self._work = threading.Lock()
        self._next_stop_look = 0.0
        self._next_retry = 0.0
        self._next_dropped = 0.0
        self._refused = 0
        self._lost_rows = 0
        # Step of the newest row; the next row without one gets the number after it.
        self.step: float = metrics.last_step if metrics.last_step is not None else 0.0

    def run(self) -> None:
        while not self._ending.wait(INTERVAL_SECONDS):
            try:
                with self._work:
                    self._drain()
                self._look_for_stop()
            except Exception as error:  # the thread must live as long as the run
                warn_once("the drain thread met %s: %s" % (type(error).__name__, error))

    def flush(self, timeout: float) -> bool:
        """
        Put everything logged so far on disk, in the calling thread.

        :returns: False when a slow or full disk did not let it happen within ``timeout`` seconds
        """
        if not self._work.acquire(timeout=timeout):
            return False
        try:
            self._next_retry = 0.0
            self._drain()
            return self._metrics.problem is None
        finally:
            self._work.release()

    def end(self, timeout: float) -> None:
        """Stop the thread, write what is left within ``timeout`` seconds, report what was lost, close the file."""
        self._ending.set()
        if not self._work.acquire(timeout=timeout):
            warn_once("the disk did not answer within %g s; the newest points may be lost" % timeout)
            return
        try:
            self._next_retry = 0.0
            self._drain()
            self._metrics.close()
            self._report_dropped(last=True)
        finally:
            self._work.release()

    # -- in the hands of whoever holds _work ------------------------------------------------------------------------

    def _drain(self) -> None:
        now = time.monotonic()
        queue = _hot.queue
        take = len(queue)
        if take >= _hot.HARD_LIMIT:
            warn_once("the disk hung so long that rows were lost beyond counting")
            self._lost_rows += 1
        for _ in range(take - _hot.SOFT_LIMIT):
            self._place(queue.popleft()[1])
            self._lost_rows += 1
        for _ in range(min(take, _hot.SOFT_LIMIT)):
            self._pack(queue.popleft())
        if take:
            _hot.settle()
        if self._metrics.problem is None or now >= self._next_retry:
            if not self._metrics.flush():
                self._next_retry = now + _RETRY_SECONDS
                self._say_why()
            self._report.retry()
        self._report_dropped()

    def _pack(self, row: "_hot.Row") -> None:
        seconds, step, metrics = row
        number = self._place(step)
        if number is None:
            self._refused += 1
            warn_once("a step must be a finite number, not %.80r; the row was left out" % (step,))
            return
        try:
            names = tuple(metrics)
            if self._metrics.knows(names):
                self._metrics.add(seconds * 1000.0, number, names, tuple(metrics.values()))
                self._look_at_tensors(metrics, names)
                return
        except _NOT_NUMBERS:
            pass
        except Exception as error:
            warn_once("a row could not be read: %s: %s" % (type(error).__name__, error))
        self._pack_slowly(seconds, number, metrics)

    def _pack_slowly(self, seconds: float, step: float, metrics: Any) -> None:
        """Rows with new names, nested dicts, or values that are not all plain numbers."""
        try:
            if not isinstance(metrics, dict):
                metrics = dict(metrics)
            if any(isinstance(value, dict) or is_mutable_number(value) for value in metrics.values()):
                _hot.be_careful()
            numbers, refused = numbers_of(metrics)
        except Exception:
            numbers, refused = {}, 1
        if refused:
            self._refused += refused
            warn_once("log() records numbers only; other values are left out (seen: %s)" % _kinds(metrics))
        if numbers:
            self._metrics.add(seconds * 1000.0, step, tuple(numbers), tuple(numbers.values()))

    def _look_at_tensors(self, metrics: Any, names: Any) -> None:
        # Only rows of the fast path come here with a tensor in them, before the caller began to be careful.
        for value in metrics.values():
            if type(value) is float:
                continue
            if is_mutable_number(value):
                _hot.be_careful()
                if was_changed_in_place(value):
                    warn_once("a tensor that changes in place was logged; its first value may be that of a later step")
                return

    def _place(self, step: Any) -> Optional[float]:
        """The step of the next row as a number; None when it is not finite or no number."""
        if step is None:
            self.step += 1
            return self.step
        number = float(step) if type(step) is int and abs(step) < 2**63 else to_float(step)
        if number is None or not math.isfinite(number):
            return None
        self.step = number
        return number

    def _report_dropped(self, last: bool = False) -> None:
        """At most once a second, and not while the disk is full: then the count goes on until there is room."""
        now = time.monotonic()
        if not last and (now < self._next_dropped or self._metrics.problem is not None):
            return
        self._refused += _hot.take_refused()
        self._lost_rows += self._metrics.take_dropped()
        if self._lost_rows:
            self._report.add("dropped", count=self._lost_rows, reason="rows that could not be written in time")
        if self._refused:
            self._report.add("dropped", count=self._refused, reason="values that are not numbers")
        if self._lost_rows or self._refused:
            self._next_dropped = now + _DROPPED_BEAT_SECONDS
        self._lost_rows = self._refused = 0

    def _say_why(self) -> None:
        problem = self._metrics.problem
        if problem is None:
            return
        if problem.errno in DISK_FULL:
            warn_once("the disk is full; points wait in memory (%s)" % problem)
        else:
            warn_once("points cannot be written and wait in memory: %s" % problem)

    # -- stop.json ---------------------------------------------------------------------------------------------------

    def _look_for_stop(self) -> None:
        now = time.monotonic()
        if self._stop_seen or now < self._next_stop_look:
            return
        self._next_stop_look = now + STOP_POLL_SECONDS
        if os.path.exists(self._stop_file):
            self._stop_seen = True
            self._on_stop()


def _kinds(metrics: Any) -> str:
    """The types of the values that are no numbers, for a warning."""
    kinds: List[str] = []
    try:
        for name, value in metrics.items():
            if to_float(value) is None and not isinstance(value, dict):
                kinds.append("%s: %s" % (name, type(value).__name__))
    except Exception:
        return type(metrics).__name__
    return ", ".join(kinds[:3])
