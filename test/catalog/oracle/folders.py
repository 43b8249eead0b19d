"""Reads a store's run folders by docs/run-folder.md alone: field → value for each run. Shares no code with the server or the SDK."""

from __future__ import annotations

import json
import math
import struct
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Union

Scalar = Union[float, str, bool]
Value = Union[Scalar, list]
#: Every field of one run that has a value. Numbers are floats; lists hold scalars.
Row = dict[str, Value]

RECORD_FIELDS = ("id", "name", "project", "experiment", "recipe", "state", "description", "notes", "tags", "starred", "archived", "seed", "attempt")
PARTS = ("last", "last_step", "min", "min_step", "max", "max_step", "count", "first")


def read_store(store: Path) -> list[Row]:
    """All runs, oldest first (ids sort by creation)."""
    return sorted((read_run(file.parent) for file in store.glob("*/runs/run_*/run.json")), key=lambda row: row["record.id"])


def read_run(folder: Path) -> Row:
    record = json.loads((folder / "run.json").read_text("utf8"))
    row: Row = {f"record.{name}": value for name in RECORD_FIELDS if (value := cell(record[name])) is not None}
    times = {name: instant(record[name]) for name in ("created_at", "started_at", "ended_at") if record[name] is not None}
    row.update({f"record.{name}": time.isoformat(timespec="milliseconds").replace("+00:00", "Z") for name, time in times.items()})
    if "started_at" in times and "ended_at" in times:
        row["record.duration_seconds"] = (times["ended_at"] - times["started_at"]).total_seconds()
    for key, value in json.loads((folder / "resolved.json").read_text("utf8"))["params"].items():
        row.update(param_cells(f"params.{key}", value))
    for name, points in read_metrics(folder / "attempts" / "1" / "metrics.bin").items():
        row.update(metric_cells(name, points))
    return row


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def cell(value: Any) -> Value | None:
    """Of JSON: a number as a float, a list as it is; None where there is no value."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, list):
        return [cell(one) for one in value]
    return float(value) + 0.0  # Negative zero is zero.


def param_cells(field: str, value: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from param_cells(f"{field}.{key}", inner)
    elif (known := cell(value)) is not None:
        yield field, known


def read_metrics(file: Path) -> dict[str, list[tuple[float, float]]]:
    """Name → (step, value) in the order they were logged."""
    series: dict[str, list[tuple[float, float]]] = {}
    if not file.exists():
        return series
    data = file.read_bytes()
    assert data[:8] == b"TYMETRIC"
    sets: dict[int, list[str]] = {}
    at = 16
    while at < len(data):
        length, kind, number = struct.unpack_from("<IHH", data, at)
        if kind == 0x5901:
            sets[number] = names_of(data, at + 8)
        else:
            assert kind == 0x5902
            _, step, *values = struct.unpack_from(f"<{(length - 8) // 8}d", data, at + 8)
            for name, value in zip(sets[number], values):
                series.setdefault(name, []).append((step, value))
        at += length
    return {name: points for name, points in series.items() if not name.startswith("_")}


def names_of(data: bytes, at: int) -> list[str]:
    (count,) = struct.unpack_from("<I", data, at)
    at += 8
    names = []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        names.append(data[at + 2 : at + 2 + length].decode("utf8"))
        at += 2 + length
    return names


def metric_cells(name: str, points: list[tuple[float, float]]) -> Row:
    """Lowest and highest are of the values that are numbers: a NaN counts where there is nothing else."""
    numbers = [point for point in points if not math.isnan(point[1])] or points
    low, high = min(numbers, key=lambda point: point[1]), max(numbers, key=lambda point: point[1])
    (last_step, last), (_, first) = points[-1], points[0]
    parts = dict(zip(PARTS, (last, last_step, low[1], low[0], high[1], high[0], float(len(points)), first)))
    # A name that ends as a part does says which part it is, so that it is taken for no other metric's.
    plain = name.rpartition(":")[2] not in PARTS or ":" not in name
    return {f"metrics.{name}" if plain and part == "last" else f"metrics.{name}:{part}": value + 0.0 for part, value in parts.items()}
