"""The head of a dataset file and places further in, without ever reading all of a large one. Standard library alone, but for Parquet.

Unlike ``rows.read_rows``, which ends at the first row that cannot be read, a look goes on and says of each row what is wrong with it.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Tuple

from trainyard._words import counted
from trainyard.adapters.rows import DatasetError, file_format

#: Of the head so much is read, and of each place further in so much.
HEAD_BYTES = 4 * 1024 * 1024
PLACE_BYTES = 64 * 1024
PLACES = 16
MOST_ROWS = 5000


@dataclass(frozen=True)
class Row:
    """``number`` and ``line`` are 1-based and None where a jump into the file lost the count; ``value`` is None where ``problem`` says why."""

    number: Optional[int]
    line: Optional[int]
    value: Optional[Dict[str, Any]]
    problem: Optional[str] = None


@dataclass
class Look:
    """What was seen of a file. ``whole``: every row is in ``head``."""

    format: str
    size: int
    head: List[Row] = field(default_factory=list)
    sampled: List[Row] = field(default_factory=list)
    whole: bool = False
    count: Optional[int] = None
    exact: bool = False
    #: What is wrong with the file as a whole.
    problem: Optional[str] = None


def look(path: Path) -> Look:
    """@raises DatasetError: it is not there, cannot be read, or its name has no known ending"""
    kind = file_format(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise DatasetError("{} is a folder, not a file".format(path))
        if kind == "parquet":
            return _look_parquet(path, size)
        with path.open("rb") as file:
            return _look_text(file, kind, size)
    except FileNotFoundError:
        raise DatasetError("{} does not exist".format(path)) from None
    except PermissionError:
        raise DatasetError("{} cannot be read (permission denied)".format(path)) from None
    except OSError as error:
        raise DatasetError("{} cannot be read: {}".format(path, error.strerror or error)) from None


def _look_text(file: BinaryIO, kind: str, size: int) -> Look:
    head = file.read(HEAD_BYTES)
    seen = Look(kind, size)
    at_end = len(head) >= size
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        seen.problem = "is UTF-16 text; save it as UTF-8"
        return seen
    zero = head.find(b"\0")
    if zero != -1:
        # What stands before it is shown all the same: a file that was filled up, or a copy that broke off.
        seen.problem = "holds binary data (a zero byte at {}), not {}".format(zero, "text" if kind == "text" else kind.upper())
        head = head[: head.rfind(b"\n", 0, zero) + 1]
    text, bad = _decode(head, at_end)
    if bad is not None:
        # Of what is neither text nor without zero bytes, the zero says more.
        if zero == -1:
            seen.problem = "is not UTF-8 text (byte {} at {})".format(hex(head[bad]), bad)
        if bad == 0 or zero != -1:
            return seen
    if kind == "json" and text.lstrip().startswith("["):
        used = _array_rows(text, at_end, seen)
    elif kind in ("csv", "tsv"):
        used = _csv_rows(text, "\t" if kind == "tsv" else ",", at_end, seen)
    else:
        used = _line_rows(text, _parse_text if kind == "text" else _parse_json, at_end, seen)
    if not seen.head and not at_end and seen.problem is None:
        seen.problem = "has a first row of more than {} MiB".format(HEAD_BYTES // 1024 // 1024)
    seen.whole = at_end and seen.problem is None and len(seen.head) < MOST_ROWS
    if seen.whole:
        seen.count, seen.exact = len(seen.head), True
    elif seen.head and used > 0 and zero == -1:
        seen.count = max(len(seen.head), round(size * len(seen.head) / used))
        _sample_text(file, kind, len(head), size, seen)
    return seen


def _decode(data: bytes, at_end: bool) -> Tuple[str, Optional[int]]:
    """The text up to the first byte that is no UTF-8, and where that is; a character cut by the end of the head does not count."""
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        cut_off = not at_end and error.start >= len(data) - 3
        return data[: error.start].decode("utf-8-sig"), None if cut_off else error.start


def _parse_json(line: str) -> Dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError("not JSON ({} at column {})".format(error.msg, error.colno)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("each row must be an object, this is {}".format(type(row).__name__))
    return row


def _parse_text(line: str) -> Dict[str, Any]:
    return {"text": line}


def _line_rows(text: str, parse: Callable[[str], Dict[str, Any]], at_end: bool, seen: Look) -> int:
    """Characters of the text that the rows took."""
    used = 0
    for number, line in enumerate(_whole_lines(text, at_end), 1):
        used += len(line)
        if not line.strip():
            continue
        seen.head.append(_row(parse, line.rstrip("\r\n"), len(seen.head) + 1, number))
        if len(seen.head) >= MOST_ROWS:
            break
    return used


def _row(parse: Callable[[str], Dict[str, Any]], text: str, number: Optional[int], line: Optional[int]) -> Row:
    try:
        return Row(number, line, parse(text))
    except ValueError as error:
        return Row(number, line, None, str(error))


def _whole_lines(text: str, at_end: bool) -> Iterator[str]:
    """Lines with their ends. Only ``\\n`` ends one: a row may hold the other characters that str.splitlines takes for ends."""
    for line in io.StringIO(text, newline="\n"):
        if line.endswith("\n") or at_end:
            yield line


def _array_rows(text: str, at_end: bool, seen: Look) -> int:
    """The objects of one JSON array, each read by itself: the end of the array need not be there."""
    decoder = json.JSONDecoder()
    at = text.index("[") + 1
    line, counted = 1, 0
    while True:
        at = _skip(text, at)
        if at >= len(text) or text[at] == "]":
            if at_end and at >= len(text):
                seen.problem = "ends before its array does (no closing bracket)"
            return at
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            if at_end:
                where = line + text.count("\n", at, error.pos) if isinstance(error, json.JSONDecodeError) else line
                seen.problem = "line {}: not JSON ({})".format(where, getattr(error, "msg", "nested too deeply"))
            return at
        if not at_end and end >= len(text):
            return at  # a number cut by the end of the head reads as a shorter one
        is_object = isinstance(value, dict)
        problem = None if is_object else "each row must be an object, this is {}".format(type(value).__name__)
        seen.head.append(Row(len(seen.head) + 1, line, value if is_object else None, problem))
        at = end
        if len(seen.head) >= MOST_ROWS:
            return at


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _csv_rows(text: str, delimiter: str, at_end: bool, seen: Look) -> int:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: Optional[List[str]] = None
    line = 1
    cells_seen: List[Row] = []
    try:
        for cells in reader:
            first_line, line = line, reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = cells
                continue
            cells_seen.append(_csv_row(header, cells, len(cells_seen) + 1, first_line))
            if len(cells_seen) > MOST_ROWS:
                break
    except csv.Error as error:
        seen.problem = "line {}: {}".format(reader.line_num, error)
    if not at_end and cells_seen:
        cells_seen.pop()  # cut by the end of the head, or the one too many
    seen.head.extend(cells_seen[:MOST_ROWS])
    return len(text)


def _csv_row(header: List[str], cells: List[str], number: Optional[int], line: Optional[int]) -> Row:
    if len(cells) > len(header):
        return Row(number, line, None, "{}, but the header has {}".format(counted(len(cells), "value"), counted(len(header), "column")))
    padded: List[Optional[str]] = [*cells, *[None] * (len(header) - len(cells))]
    return Row(number, line, dict(zip(header, padded)))


def _sample_text(file: BinaryIO, kind: str, start: int, size: int, seen: Look) -> None:
    """Rows from places spread evenly over the rest. An array cannot be entered in the middle."""
    if start >= size or seen.format == "json" and seen.head and _is_array(file):
        return
    header = list(seen.head[0].value or {}) if kind in ("csv", "tsv") and seen.head else None
    for place in range(1, PLACES + 1):
        at = start + (size - start) * place // (PLACES + 1)
        file.seek(at)
        text = file.read(PLACE_BYTES).decode("utf-8", "replace")
        lines = text.split("\n")[1:-1]  # both ends are cut
        if not lines:
            continue
        line = next((one.rstrip("\r") for one in lines if one.strip()), None)
        if line is None:
            continue
        if header is not None:
            cells = next(csv.reader([line], delimiter="\t" if kind == "tsv" else ","), [])
            # In the middle of a quoted text a line is no row; such a place says nothing.
            if len(cells) == len(header):
                seen.sampled.append(_csv_row(header, cells, None, None))
        else:
            seen.sampled.append(_row(_parse_text if kind == "text" else _parse_json, line, None, None))


def _is_array(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4096).decode("utf-8-sig", "replace").lstrip().startswith("[")


def _look_parquet(path: Path, size: int) -> Look:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise DatasetError("{}: reading Parquet needs the package pyarrow".format(path), hint="pip install pyarrow") from None
    seen = Look("parquet", size)
    try:
        file = parquet.ParquetFile(str(path))
        seen.count, seen.exact = file.metadata.num_rows, True
        for batch in file.iter_batches(batch_size=256):
            seen.head.extend(Row(number, None, value) for number, value in enumerate(batch.to_pylist(), len(seen.head) + 1))
            if len(seen.head) >= 1024:
                break
        seen.whole = len(seen.head) >= seen.count
        groups = file.metadata.num_row_groups
        if not seen.whole and groups > 1:
            for group in sorted({groups // 2, groups - 1} - {0}):
                batch = next(iter(file.iter_batches(batch_size=8, row_groups=[group])))
                seen.sampled.extend(Row(None, None, value) for value in batch.to_pylist())
    except (pyarrow.ArrowException, OSError) as error:
        seen.problem = "is not a readable Parquet file ({})".format(str(error).splitlines()[0][:200])
    return seen
