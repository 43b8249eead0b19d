"""A reference reader of the run folder's files, written from protocol/metric-file.ts and not from the writer."""

import json
import os
import struct
from typing import Any, Dict, List, NamedTuple


class Point(NamedTuple):
    time: float
    step: float
    values: Dict[str, float]


class Torn(Exception):
    """The file ends inside a record, or a record contradicts the format."""


def read_metrics(path: str, torn_tail: bool = False) -> List[Point]:
    """
    Every row of a metric file.

    :param torn_tail: accept half a record at the end, as a reader of a live file must
    :raises Torn: the file is not whole
    """
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"TYMETRIC" or struct.unpack_from("<II", data, 8) != (1, 0):
        raise Torn("header %r" % data[:16])
    sets: Dict[int, List[str]] = {}
    points: List[Point] = []
    at = 16
    while at < len(data):
        if at + 8 > len(data):
            if torn_tail:
                return points
            raise Torn("record header at %d" % at)
        length, kind, set_id = struct.unpack_from("<IHH", data, at)
        if length % 8 or length < 8:
            raise Torn("length %d at %d" % (length, at))
        if at + length > len(data):
            if torn_tail:
                return points
            raise Torn("record at %d" % at)
        if kind == 0x5901:
            count, reserved = struct.unpack_from("<II", data, at + 8)
            position, names = at + 16, []
            for _ in range(count):
                (size,) = struct.unpack_from("<H", data, position)
                names.append(data[position + 2 : position + 2 + size].decode("utf-8"))
                position += 2 + size
            if reserved or position > at + length or at + length - position >= 8 or any(data[position : at + length]):
                raise Torn("set record at %d" % at)
            sets[set_id] = names
        elif kind == 0x5902:
            names = sets[set_id]
            if length != 24 + 8 * len(names):
                raise Torn("row of %d bytes for %d names" % (length, len(names)))
            time, step, *values = struct.unpack_from("<%dd" % (2 + len(names)), data, at + 8)
            points.append(Point(time, step, dict(zip(names, values))))
        else:
            raise Torn("kind %x" % kind)
        at += length
    return points


def _no_constants(word: str) -> Any:
    raise ValueError("bare %s in JSON" % word)


def strict_json(text: str) -> Any:
    """JSON as JavaScript reads it: NaN and Infinity are errors."""
    return json.loads(text, parse_constant=_no_constants)


class Attempt:
    """What a test asks of one attempt's folder."""

    def __init__(self, run_dir: str, number: int = 1) -> None:
        self.run_dir = run_dir
        self.dir = os.path.join(run_dir, "attempts", str(number))

    @property
    def points(self) -> List[Point]:
        return read_metrics(os.path.join(self.dir, "metrics.bin"))

    @property
    def report(self) -> List[Dict[str, Any]]:
        with open(os.path.join(self.dir, "report.jsonl"), encoding="utf-8") as file:
            return [strict_json(line) for line in file]

    def series(self, name: str) -> Dict[float, float]:
        """Step to value; a step that has two values is an error."""
        found: Dict[float, float] = {}
        for point in self.points:
            if name in point.values:
                assert point.step not in found, "%s has two values at step %g" % (name, point.step)
                found[point.step] = point.values[name]
        return found

    def names(self) -> List[str]:
        """Names of all metrics but the SDK's own."""
        return sorted({name for point in self.points for name in point.values if not name.startswith("_")})

    def of(self, type: str) -> List[Dict[str, Any]]:
        return [record for record in self.report if record["type"] == type]

    @property
    def end(self) -> Dict[str, Any]:
        ends = self.of("end")
        assert len(ends) == 1, self.report
        return ends[0]

    @property
    def params(self) -> Dict[str, Any]:
        merged: Dict[str, Any] = {}
        for record in self.of("params"):
            merged.update(record["params"])
        return merged
