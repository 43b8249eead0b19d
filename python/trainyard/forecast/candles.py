"""Candles from a CSV file: finds the columns and the format of the timestamps, and checks every row. Standard library alone."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from trainyard._words import counted
from trainyard.adapters.lines import LineTooLong, bounded_lines
from trainyard.forecast.timeframes import duration_name
from trainyard.forecast.timestamps import AmbiguousFormat, Parser, find_parser, known_formats, to_iso

PRICES = ("open", "high", "low", "close")
#: A row whose column of this name holds this value was generated (``trainyard.forecast.demo``).
SYNTHETIC_COLUMN, SYNTHETIC = "source", "synthetic"
#: Rows from which the format of the timestamps is found.
_SAMPLE_ROWS = 2000
#: MiB; a bar takes a hundred bytes.
_LONGEST_LINE = 1
#: Names of columns after lower case and with everything but letters and digits as ``_``; the first that is there wins.
_NAMES: Mapping[str, Sequence[str]] = {
    "time": (
        "timestamp", "unix", "unix_timestamp", "unix_time", "datetime", "date_time", "open_time", "opentime", "time_open", "time", "date", "gmt_time",
        "local_time", "t", "ts", "period_start", "start", "start_time", "begin",
    ),
    "open": ("open", "o", "open_price", "price_open", "opening_price"),
    "high": ("high", "h", "high_price", "price_high", "max"),
    "low": ("low", "l", "low_price", "price_low", "min"),
    "close": ("close", "c", "close_price", "price_close", "closing_price", "last", "close_last", "adj_close"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base", "tick_volume", "tickvol", "volumefrom", "volume_traded", "quantity"),
}  # fmt: skip


class CandleError(Exception):
    """The file cannot be used. ``parameter`` names the field to blame, ``row`` is the line of the file where one is."""

    def __init__(self, message: str, parameter: str = "data_file", row: Optional[int] = None, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter
        self.row = row
        self.hint = hint


class Gap(NamedTuple):
    """Missing bars: after ``after`` (ms, opening time of the bar before) for ``missing`` bars."""

    after: int
    missing: int


@dataclass
class Candles:
    """Bars in the order of time. ``times`` are the opening times in ms since the epoch (UTC); ``volume`` is empty when the file has none."""

    times: "array[int]" = field(default_factory=lambda: array("q"))
    open: "array[float]" = field(default_factory=lambda: array("d"))
    high: "array[float]" = field(default_factory=lambda: array("d"))
    low: "array[float]" = field(default_factory=lambda: array("d"))
    close: "array[float]" = field(default_factory=lambda: array("d"))
    volume: "array[float]" = field(default_factory=lambda: array("d"))
    #: What each value was called in the file.
    columns: Dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    #: False when reading stopped at a limit of rows.
    whole: bool = True

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True)
class ReadOptions:
    """``columns`` overrides what is found (``{"close": "Price"}``); ``timestamp_format`` is ``auto`` or one of ``strptime``."""

    columns: Mapping[str, str] = field(default_factory=dict)
    timestamp_format: str = "auto"
    use_volume: bool = True

    @staticmethod
    def from_params(params: Mapping[str, Any]) -> "ReadOptions":
        return ReadOptions(params["columns"], params["timestamp_format"], params["use_volume"])


def read_candles(path: Path, options: ReadOptions, limit: Optional[int] = None) -> Candles:
    """
    All bars, or the first ``limit``.

    :raises CandleError: a column is missing, a value is none, the times do not rise; with the line
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _Reader(path, options).read(_rows(bounded_lines(file, _LONGEST_LINE)), limit)
    except LineTooLong as error:
        raise CandleError("{}: {}; a bar stands on a line of its own".format(path, error), row=error.number) from None
    except FileNotFoundError:
        raise CandleError("{} does not exist".format(path)) from None
    except IsADirectoryError:
        raise CandleError("{} is a folder, not a file".format(path)) from None
    except PermissionError:
        raise CandleError("{} cannot be read (permission denied)".format(path)) from None
    except UnicodeDecodeError as error:
        raise CandleError("{} is not UTF-8 text (byte {} at {})".format(path, hex(error.object[error.start]), error.start)) from None
    except csv.Error as error:
        raise CandleError("{} is not CSV: {}".format(path, error)) from None


def base_step(times: Sequence[int]) -> int:
    """The timeframe of the file: the commonest distance of two bars in ms. Needs two bars."""
    steps = Counter(later - earlier for earlier, later in zip(times, times[1:]))
    # Of equally common ones the shortest: a gap is longer than a bar.
    return min(steps, key=lambda step: (-steps[step], step))


def find_gaps(times: Sequence[int], step: int) -> List[Gap]:
    """Where bars are missing, in the order of time."""
    return [
        Gap(earlier, round((later - earlier) / step) - 1) for earlier, later in zip(times, times[1:]) if later - earlier >= 2 * step
    ]


def describe_gaps(gaps: Sequence[Gap], step: int) -> str:
    """The count and the longest three, as a sentence."""
    longest = sorted(gaps, key=lambda gap: -gap.missing)[:3]
    parts = ["{} after {}".format(duration_name(gap.missing * step), to_iso(gap.after)) for gap in longest]
    missing = sum(gap.missing for gap in gaps)
    return "{} missing in {}; the longest: {}".format(counted(missing, "bar is", "bars are"), counted(len(gaps), "gap"), ", ".join(parts))


def _rows(lines: Iterator[str]) -> Iterator[Tuple[int, List[str]]]:
    """Line number and cells of each row that is not blank. The delimiter is the one that the header uses most."""
    first = ""
    number = 0
    for number, first in enumerate(lines, 1):
        # CryptoDataDownload and others put a line with their address before the header.
        if first.strip() and not first.lower().startswith(("http://", "https://", "#", "sep=")):
            break
    delimiter = max(",;\t|", key=first.count)
    yield number, [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        if cells:
            yield number + reader.line_num, cells


class _Reader:
    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._options = options
        self._candles = Candles()
        self._parse: Optional[Parser] = None

    def read(self, rows: Iterator[Tuple[int, List[str]]], limit: Optional[int]) -> Candles:
        _, header = next(rows)
        wanted = self._find_columns(header)
        time_columns = wanted.pop("time")
        values = [(name, columns[0]) for name, columns in wanted.items()]
        mark = next((at for at, name in enumerate(header) if _plain(name) == SYNTHETIC_COLUMN), None)
        waiting: List[Tuple[int, List[str]]] = []
        for line, cells in rows:
            if limit is not None and len(self._candles) + len(waiting) >= limit:
                self._candles.whole = False
                break
            waiting.append((line, cells))
            if self._parse is not None or len(waiting) == _SAMPLE_ROWS:
                self._take(waiting, time_columns, values, mark, len(header))
                waiting.clear()
        self._take(waiting, time_columns, values, mark, len(header))
        if len(self._candles) == 0:
            raise CandleError("{} holds no rows below its header".format(self._path))
        return self._candles

    def _find_columns(self, header: List[str]) -> Dict[str, List[int]]:
        if not any(header):
            raise CandleError("{} is empty".format(self._path))
        if all(_is_number(name) for name in header if name) and len(header) >= 5:
            raise CandleError(
                "{} begins with numbers and not with the names of its columns".format(self._path),
                hint="Put a first line such as timestamp,open,high,low,close,volume above them, in the order that the file has.",
            )
        names = {}
        for at, name in enumerate(header):
            names.setdefault(_plain(name), at)
        found: Dict[str, List[int]] = {}
        missing: List[str] = []
        for role in ("time", *PRICES, "volume"):
            if role == "volume" and not self._options.use_volume:
                continue
            given = self._options.columns.get(role)
            if given is not None:
                if given not in header:
                    raise CandleError("{} has no column {!r}; it has: {}".format(self._path, given, ", ".join(header)), "columns")
                found[role] = [header.index(given)]
                continue
            column = next((names[name] for name in _NAMES[role] if name in names), None)
            if column is None and role == "volume":
                # "Volume BTC", "Volume USDT": the first is the base asset's.
                column = next((at for at, name in enumerate(header) if _plain(name).startswith("volume_")), None)
            if column is None:
                missing.append(role)
            else:
                found[role] = [column]
        if missing:
            hint = "Name them in the field columns, as in {{{}: …}}.".format(missing[0])
            if missing == ["volume"]:
                hint = "Turn use_volume off if the data has none."
            raise CandleError(
                "{} lacks columns: {}; it has: {}".format(self._path, ", ".join(missing), ", ".join(header)), row=1, hint=hint
            )
        # A day and a time of day in two columns, as MetaTrader writes them.
        if "time" not in self._options.columns and found["time"] == [names.get("time")] and "date" in names:
            found["time"] = [names["date"], names["time"]]
        self._candles.columns = {role: " + ".join(header[at] for at in columns) for role, columns in found.items()}
        return found

    def _take(
        self, rows: Sequence[Tuple[int, List[str]]], time_columns: List[int], values: List[Tuple[str, int]], mark: Optional[int], width: int
    ) -> None:
        if not rows:
            return
        candles = self._candles
        if self._parse is None:
            self._parse = self._find_parser(rows, time_columns)
            line, cells = rows[0]
            candles.synthetic = mark is not None and mark < len(cells) and cells[mark].strip() == SYNTHETIC
        for line, cells in rows:
            if len(cells) < width:
                raise self._error(line, "has {} where the header names {}".format(counted(len(cells), "value"), width))
            text = _joined(cells, time_columns)
            try:
                time = self._parse(text)
            except (ValueError, OverflowError):
                raise self._error(line, "{!r} is no timestamp of the format that the file began with".format(text)) from None
            if candles.times and time <= candles.times[-1]:
                raise self._order_error(line, time, rows)
            candles.times.append(time)
            bar = {name: self._number(cells[at], name, line) for name, at in values}
            self._check_bar(bar, line)
            for name, value in bar.items():
                getattr(candles, name).append(value)

    def _find_parser(self, rows: Sequence[Tuple[int, List[str]]], columns: List[int]) -> Parser:
        samples = [_joined(cells, columns) for _, cells in rows if len(cells) > max(columns)]
        line = rows[0][0]
        if not samples:
            raise self._error(line, "has no timestamp")
        try:
            return find_parser(samples, self._options.timestamp_format)
        except AmbiguousFormat as error:
            raise CandleError(
                "{}: {}, which are different times".format(self._path, error),
                "timestamp_format",
                line,
                "Set timestamp_format to the one that is right.",
            ) from None
        except ValueError as error:
            raise CandleError(
                "{} line {}: {}".format(self._path, line, error),
                "timestamp_format",
                line,
                "Known are {}; any other can be described in timestamp_format (%d.%m.%Y %H:%M).".format(known_formats()),
            ) from None

    def _number(self, text: str, name: str, line: int) -> float:
        try:
            value = float(text)
        except ValueError:
            what = "{} is empty".format(name) if not text.strip() else "{} is {!r} and no number".format(name, text)
            raise self._error(line, what) from None
        if not math.isfinite(value):
            raise self._error(line, "{} is {}".format(name, text.strip()))
        return value

    def _check_bar(self, bar: Mapping[str, float], line: int) -> None:
        for name in PRICES:
            if bar[name] <= 0:
                raise self._error(line, "{} is {:g}; log returns need prices above 0".format(name, bar[name]))
        if bar["high"] < bar["low"]:
            raise self._error(line, "high {:g} is below low {:g}".format(bar["high"], bar["low"]))
        if bar.get("volume", 0.0) < 0:
            raise self._error(line, "volume is {:g}".format(bar["volume"]))

    def _order_error(self, line: int, time: int, rows: Sequence[Tuple[int, List[str]]]) -> CandleError:
        before = self._candles.times[-1]
        if time == before:
            return self._error(line, "has the time {} a second time".format(to_iso(time)), "Remove one of the rows; every bar has one row.")
        if len(self._candles) == 1 and len(rows) > 1:
            return self._error(line, "is earlier than the row before: the newest bar comes first", "Sort the file by time, oldest first.")
        return self._error(
            line, "has the time {}, which is earlier than {} before it".format(to_iso(time), to_iso(before)), "Sort the file by time, oldest first."
        )

    def _error(self, line: int, what: str, hint: Optional[str] = None) -> CandleError:
        return CandleError("{} line {}: {}".format(self._path, line, what), row=line, hint=hint)


def _joined(cells: List[str], columns: List[int]) -> str:
    return cells[columns[0]].strip() if len(columns) == 1 else " ".join(cells[at].strip() for at in columns)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
