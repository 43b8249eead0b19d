"""Metric files as columns, and attempts joined to one curve, as docs/run-folder.md describes both."""

import math
import os
import struct
import sys
from array import array
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

_HEADER = 16
_SET = 0x5901
_ROW = 0x5902
_MAX_RECORD = 64 * 1024 * 1024


class Curve(NamedTuple):
    """One metric over its steps: four columns of one length. ``times`` are ms since the epoch."""

    name: str
    steps: "array[float]"
    times: "array[float]"
    values: "array[float]"
    attempts: "array[int]"

    def __len__(self) -> int:  # type: ignore[override]
        return len(self.steps)


class Summary(NamedTuple):
    """What a metric comes to. NaN counts as a point, but never as least or greatest."""

    last: float
    last_step: float
    min: float
    min_step: float
    max: float
    max_step: float
    count: int
    first: float


class _Points(NamedTuple):
    steps: "array[float]"
    times: "array[float]"
    values: "array[float]"


class AttemptPoints:
    """
    All that one attempt logged.

    :param resumed_from: step of the checkpoint that it continued from
    :param joined: its points are of a curve that was joined before (an import)
    """

    def __init__(self, number: int, path: str, resumed_from: Optional[float], joined: bool) -> None:
        self.number = number
        self.curves: Dict[str, _Points] = {}
        self.newest_step: Optional[float] = None
        #: Of the newest row that names one.
        self.epoch: Optional[float] = None
        self._first_metric: Optional[float] = None
        for names, rows in _stretches(path):
            self._add(names, rows)
        first = self._first_metric
        #: From this step on the attempt stands in for earlier ones.
        self.cut = math.inf if first is None or joined else first if resumed_from is None else min(resumed_from + 1, first)

    def _add(self, names: List[str], rows: "array[float]") -> None:
        stride = 3 + len(names)
        times, steps = rows[1::stride], rows[2::stride]
        good = [i for i, (time, step) in enumerate(zip(times, steps)) if math.isfinite(time) and math.isfinite(step)]
        if not good:
            return
        whole = len(good) == len(steps)
        for column, name in enumerate(names):
            if names.index(name) != column:
                continue
            values = rows[3 + column :: stride]
            points = self.curves.setdefault(name, _Points(array("d"), array("d"), array("d")))
            for target, source in zip(points, (steps, times, values)):
                target.extend(source if whole else array("d", [source[i] for i in good]))
            if name in ("_epoch", "epoch") and math.isfinite(values[good[-1]]):
                self.epoch = values[good[-1]]
        if self._first_metric is None and any(not name.startswith("_") for name in names):
            self._first_metric = steps[good[0]]
        highest = max(steps[i] for i in good)
        self.newest_step = highest if self.newest_step is None else max(self.newest_step, highest)


def joined(attempts: List[AttemptPoints], name: str) -> Curve:
    """The points of every attempt below the cuts of all later ones, in the order of steps."""
    parts: List[Tuple[AttemptPoints, float]] = []
    below = math.inf
    for attempt in reversed(attempts):
        parts.append((attempt, below))
        below = min(below, attempt.cut)
    rows: List[Tuple[float, float, float, int]] = []
    for attempt, limit in reversed(parts):
        points = attempt.curves.get(name)
        if points is not None:
            rows.extend((step, time, value, attempt.number) for step, time, value in zip(*points) if step < limit)
    # Stable: equal steps keep the order of attempts and, within one, of the file.
    rows.sort(key=lambda row: row[0])
    return _curve(name, rows)


def of_attempt(attempt: AttemptPoints, name: str) -> Curve:
    """Everything that one attempt wrote of a metric, in the order of steps."""
    points = attempt.curves.get(name)
    rows = [] if points is None else [(step, time, value, attempt.number) for step, time, value in zip(*points)]
    rows.sort(key=lambda row: row[0])
    return _curve(name, rows)


def _curve(name: str, rows: List[Tuple[float, float, float, int]]) -> Curve:
    return Curve(
        name,
        array("d", [row[0] for row in rows]),
        array("d", [row[1] for row in rows]),
        array("d", [row[2] for row in rows]),
        array("i", [row[3] for row in rows]),
    )


def summarise(curve: Curve) -> Optional[Summary]:
    """None for a curve without points. Of equal values the first stands."""
    if not len(curve):
        return None
    numbers = [(value, step) for value, step in zip(curve.values, curve.steps) if not math.isnan(value)]
    nothing = (math.nan, curve.steps[0])
    low = min(numbers, key=lambda number: number[0], default=nothing)
    high = max(numbers, key=lambda number: number[0], default=nothing)
    values, steps = curve.values, curve.steps
    return Summary(values[-1], steps[-1], low[0], low[1], high[0], high[1], len(curve), values[0])


def _stretches(path: str) -> Iterator[Tuple[List[str], "array[float]"]]:
    """Rows of one set that follow each other, as doubles: record header, time, step, values. Damage is passed over."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return
    if len(data) < _HEADER or data[:8] != b"TYMETRIC" or struct.unpack_from("<I", data, 8)[0] != 1:
        return
    sets: Dict[int, List[str]] = {}
    at = _HEADER
    while at + 8 <= len(data):
        length, kind, set_id = struct.unpack_from("<IHH", data, at)
        names = sets.get(set_id)
        if kind == _ROW and names is not None and length == 24 + 8 * len(names):
            count = _equal_records(data, at, length)
            if count == 0:
                return  # half written
            rows = array("d")
            rows.frombytes(data[at : at + count * length])
            if sys.byteorder == "big":
                rows.byteswap()
            yield names, rows
            at += count * length
            continue
        if kind == _SET and 16 <= length <= _MAX_RECORD and length % 8 == 0:
            if at + length > len(data):
                return
            found = _names(data, at, length)
            if found is not None:
                sets[set_id] = found
                at += length
                continue
        at += 8


def _equal_records(data: bytes, at: int, length: int) -> int:
    """How many whole records with the same header lie one after the other."""
    header = data[at : at + 8]
    most = (len(data) - at) // length
    count = 1 if most else 0
    while count < most and data[at + count * length : at + count * length + 8] == header:
        count += 1
    return count


def _names(data: bytes, at: int, length: int) -> Optional[List[str]]:
    (count,) = struct.unpack_from("<I", data, at + 8)
    end, position = at + length, at + 16
    names: List[str] = []
    for _ in range(count):
        if position + 2 > end:
            return None
        (size,) = struct.unpack_from("<H", data, position)
        position += 2
        if position + size > end:
            return None
        names.append(data[position : position + size].decode("utf-8", "replace"))
        position += size
    return names if end - position < 8 else None


def attempt_numbers(folder: str) -> List[int]:
    try:
        entries = os.listdir(folder)
    except OSError:
        return []
    return sorted(int(name) for name in entries if name.isascii() and name.isdigit() and name[0] != "0" and len(name) <= 9)
