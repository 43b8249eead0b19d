"""Datasets as rows: reads JSONL, JSON, CSV, Parquet and text files and brings each row into one of four shapes.

The check before the start and the training read through the same functions, so what the one accepts the other can use. Standard library
alone, except for Parquet (pyarrow).

Shapes and the columns of a normalised row:

- ``text``: ``text`` (str)
- ``prompt_completion``: ``prompt`` and ``completion`` (str); Alpaca's ``instruction``, ``input`` and ``output`` are made into these
- ``messages``: ``messages`` (list of ``{"role": str, "content": str}``)
- ``preference``: ``chosen`` and ``rejected``, with ``prompt`` where the data has one (all str, or all lists of messages)
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from trainyard.adapters.lines import LineTooLong, bounded_lines

SHAPES = ("text", "prompt_completion", "messages", "preference")
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
}
#: Columns of Alpaca rows: what to do, what with (may be empty or missing), and what is to be answered.
ALPACA = ("instruction", "input", "output")
# ShareGPT's names for those who speak.
_ROLES = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant", "system": "system", "tool": "tool"}
#: MiB of one row of a file with rows on lines, and of a JSON array, which is read whole.
_LONGEST_LINE, _LARGEST_ARRAY = 64, 1024


class DatasetError(Exception):
    """The dataset cannot be used. ``parameter`` names the field to blame, ``row`` is the 1-based row where one is."""

    def __init__(self, message: str, parameter: str = "train_file", row: Optional[int] = None, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter
        self.row = row
        self.hint = hint


@dataclass(frozen=True)
class Columns:
    """What the columns of the dataset are called."""

    text: str = "text"
    prompt: str = "prompt"
    completion: str = "completion"
    messages: str = "messages"
    chosen: str = "chosen"
    rejected: str = "rejected"

    @staticmethod
    def from_params(params: Mapping[str, Any]) -> "Columns":
        """From the fields ``text_column``, ``prompt_column`` … of a recipe."""
        defaults = Columns()
        return Columns(**{name: params.get(name + "_column") or getattr(defaults, name) for name in defaults.__dataclass_fields__})

    def needed(self, shape: str) -> List[str]:
        """The columns that every row of a shape must have."""
        return {
            "text": [self.text],
            "prompt_completion": [self.prompt, self.completion],
            "messages": [self.messages],
            "preference": [self.chosen, self.rejected],
        }[shape]


def file_format(path: Path) -> str:
    """``jsonl``, ``json``, ``csv``, ``tsv``, ``parquet`` or ``text``, from the name's ending. @raises DatasetError"""
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise DatasetError(
            "{}: the ending {!r} names no format that can be read".format(path, path.suffix),
            hint="Use one of {}.".format(", ".join(sorted(_SUFFIXES))),
        ) from None


def read_rows(path: Path) -> Iterator[Dict[str, Any]]:
    """The rows as they stand in the file. Values of CSV files stay text: ``007`` is not 7. @raises DatasetError with the row's number"""
    kind = file_format(path)
    try:
        if kind == "parquet":
            yield from _read_parquet(path)
        elif kind == "json":
            yield from _read_json(path)
        elif kind == "jsonl":
            yield from _read_jsonl(path)
        elif kind == "text":
            with path.open(encoding="utf-8") as file:
                for line in bounded_lines(file, _LONGEST_LINE):
                    if line.strip():
                        yield {"text": line.rstrip("\r\n")}
        else:
            yield from _read_csv(path, "\t" if kind == "tsv" else ",")
    except FileNotFoundError:
        raise DatasetError("{} does not exist".format(path)) from None
    except IsADirectoryError:
        raise DatasetError("{} is a folder, not a file".format(path)) from None
    except PermissionError:
        raise DatasetError("{} cannot be read (permission denied)".format(path)) from None
    except LineTooLong as error:
        raise DatasetError("{}: {}".format(path, error), hint="A row stands on a line of its own.") from None
    except UnicodeDecodeError as error:
        raise DatasetError("{} is not UTF-8 text (byte {} at {})".format(path, hex(error.object[error.start]), error.start)) from None


def _read_jsonl(path: Path) -> Iterator[Dict[str, Any]]:
    # Blank lines do not count as rows but do count as lines: the number in a message is the one an editor shows.
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(bounded_lines(file, _LONGEST_LINE), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError("{} line {}: not JSON ({} at column {})".format(path, number, error.msg, error.colno), row=number) from None
            yield _as_row(row, path, number)


def _read_json(path: Path) -> Iterator[Dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        head = file.read(4096).lstrip()
    if not head.startswith("["):
        # Many tools write JSON lines into a file called .json.
        yield from _read_jsonl(path)
        return
    if path.stat().st_size > _LARGEST_ARRAY * 1024 * 1024:
        raise DatasetError("{} is one JSON array of more than {} MiB, which can only be read whole".format(path, _LARGEST_ARRAY), hint="Save it as JSON Lines (.jsonl), a row per line.")
    with path.open(encoding="utf-8-sig") as file:
        try:
            rows = json.load(file)
        except json.JSONDecodeError as error:
            raise DatasetError("{} line {}: not JSON ({} at column {})".format(path, error.lineno, error.msg, error.colno)) from None
    for number, row in enumerate(rows, 1):
        yield _as_row(row, path, number)


def _as_row(row: Any, path: Path, number: int) -> Dict[str, Any]:
    if not isinstance(row, dict):
        raise DatasetError("{} row {}: each row must be an object, this is {}".format(path, number, type(row).__name__), row=number)
    return row


def _read_csv(path: Path, delimiter: str) -> Iterator[Dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(bounded_lines(file, _LONGEST_LINE), delimiter=delimiter, restkey="", restval=None)
        try:
            for number, row in enumerate(reader, 1):
                if "" in row:
                    raise DatasetError("{} row {}: more values than the header has columns".format(path, number), row=number)
                yield dict(row)
        except csv.Error as error:
            raise DatasetError("{} line {}: {}".format(path, reader.line_num, error)) from None


def _read_parquet(path: Path) -> Iterator[Dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise DatasetError("{}: reading Parquet needs the package pyarrow".format(path), hint="pip install pyarrow") from None
    import pyarrow

    try:
        for batch in parquet.ParquetFile(str(path)).iter_batches(batch_size=1024):
            yield from batch.to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise DatasetError("{} is not a readable Parquet file ({})".format(path, error)) from None


def detect_shape(columns: Sequence[str], names: Columns, allowed: Sequence[str], path: Path) -> str:
    """The shape that the columns make possible, the most telling first. @raises DatasetError with the columns there are"""
    for shape in ("preference", "prompt_completion", "messages", "text"):
        needed = names.needed(shape)
        if shape in allowed and all(has_column(columns, name, shape) for name in needed):
            return shape
    wanted = " or ".join(" + ".join(repr(name) for name in names.needed(shape)) for shape in allowed)
    parameter = "data_format"
    if names.prompt in columns and "prompt_completion" in allowed:
        parameter, wanted = "completion_column", repr(names.completion)
    raise DatasetError(
        "{}: dataset lacks column {}; it has: {}".format(path, wanted, ", ".join(columns) or "no columns"),
        parameter,
        hint="Rename the column, or name the one to use in the recipe's column fields.",
    )


def has_column(columns: Sequence[str], name: str, shape: str) -> bool:
    """ShareGPT's ``conversations`` stands for ``messages``, and Alpaca's columns for ``prompt`` and ``completion``."""
    if name in columns:
        return True
    if shape == "messages":
        return name == "messages" and "conversations" in columns
    return shape == "prompt_completion" and name in ("prompt", "completion") and ALPACA[0] in columns and ALPACA[2] in columns


def _alpaca_prompt(instruction: str, given: str) -> str:
    """The sections that models trained on Alpaca rows know."""
    parts = ["### Instruction:\n" + instruction] + (["### Input:\n" + given] if given else [])
    return "\n\n".join(parts + ["### Response:\n"])


def normalise(row: Mapping[str, Any], shape: str, names: Columns, path: Path, number: int) -> Dict[str, Any]:
    """One row in the columns of its shape. @raises DatasetError naming the row, the column and what it holds"""

    def text(column: str, parameter: str) -> str:
        value = _value(row, column, parameter, path, number)
        if isinstance(value, (bool, int, float)):
            return str(value)
        if not isinstance(value, str):
            raise _bad(path, number, parameter, "column {!r} must be text, it is {}".format(column, _kind(value)))
        return value

    if shape == "text":
        return {"text": text(names.text, "text_column")}
    if shape == "prompt_completion" and names.prompt not in row and ALPACA[0] in row and ALPACA[2] in row:
        instruction, answer = text(ALPACA[0], "prompt_column"), text(ALPACA[2], "completion_column")
        if answer == "":
            raise _bad(path, number, "completion_column", "column {!r} is empty".format(ALPACA[2]))
        given = text(ALPACA[1], "prompt_column") if row.get(ALPACA[1]) is not None else ""
        return {"prompt": _alpaca_prompt(instruction, given), "completion": answer}
    if shape == "prompt_completion":
        completion = text(names.completion, "completion_column")
        if completion == "":
            raise _bad(path, number, "completion_column", "column {!r} is empty".format(names.completion))
        return {"prompt": text(names.prompt, "prompt_column"), "completion": completion}
    if shape == "messages":
        column = names.messages if names.messages in row or "conversations" not in row else "conversations"
        return {"messages": _messages(_value(row, column, "messages_column", path, number), column, "messages_column", path, number)}
    result: Dict[str, Any] = {}
    for key, column in (("prompt", names.prompt), ("chosen", names.chosen), ("rejected", names.rejected)):
        if key == "prompt" and column not in row:
            if isinstance(row.get(names.chosen), str):
                raise _bad(path, number, "prompt_column", "column {!r} is missing; without it chosen and rejected must be messages".format(column))
            continue
        value = _value(row, column, key + "_column", path, number)
        result[key] = _messages(value, column, key + "_column", path, number) if isinstance(value, list) else text(column, key + "_column")
    if len({type(value) for value in result.values()}) > 1:
        raise _bad(path, number, "data_format", "prompt, chosen and rejected must be all text or all messages")
    return result


def _value(row: Mapping[str, Any], column: str, parameter: str, path: Path, number: int) -> Any:
    if column not in row:
        columns = ", ".join(row) or "none"
        raise DatasetError("{} row {}: lacks column {!r}; it has: {}".format(path, number, column, columns), parameter, number)
    if row[column] is None:
        raise _bad(path, number, parameter, "column {!r} is null".format(column))
    return row[column]


def _messages(value: Any, column: str, parameter: str, path: Path, number: int) -> List[Dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise _bad(path, number, parameter, "column {!r} must be a list of messages, it is {}".format(column, _kind(value)))
    messages = []
    for index, message in enumerate(value, 1):
        role = message.get("role", message.get("from")) if isinstance(message, dict) else None
        content = message.get("content", message.get("value")) if isinstance(message, dict) else None
        if not isinstance(role, str) or not isinstance(content, str):
            problem = "message {} of column {!r} needs the texts 'role' and 'content'".format(index, column)
            raise _bad(path, number, parameter, problem)
        messages.append({"role": _ROLES.get(role, role), "content": content})
    return messages


def _bad(path: Path, number: int, parameter: str, problem: str) -> DatasetError:
    return DatasetError("{} row {}: {}".format(path, number, problem), parameter, number)


def _kind(value: Any) -> str:
    return {"dict": "an object", "list": "an empty list" if value == [] else "a list"}.get(type(value).__name__, repr(value)[:60])


@dataclass(frozen=True)
class Source:
    """A dataset file with its shape settled; iterate it for normalised rows, as often as needed."""

    path: Path
    shape: str
    columns: Columns
    limit: Optional[int] = None

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        for number, row in enumerate(islice(read_rows(self.path), self.limit), 1):
            yield normalise(row, self.shape, self.columns, self.path, number)


def open_source(path: Path, data_format: str, columns: Columns, allowed: Sequence[str], limit: Optional[int] = None) -> Source:
    """Settle the shape of a file from its first row. @raises DatasetError when it is empty or lacks a column"""
    first = next(read_rows(path), None)
    if first is None:
        raise DatasetError("{} holds no rows".format(path))
    present = list(first)
    if data_format == "auto":
        return Source(path, detect_shape(present, columns, allowed, path), columns, limit)
    for column in columns.needed(data_format):
        if not has_column(present, column, data_format):
            parameter = next(name for name in columns.__dataclass_fields__ if getattr(columns, name) == column) + "_column"
            raise DatasetError(
                "{}: dataset lacks column {!r}; it has: {}".format(path, column, ", ".join(present)),
                parameter,
                hint="Rename the column, or set {} to the one to use.".format(parameter),
            )
    return Source(path, data_format, columns, limit)
