"""Recognises the shape of a dataset and says which rows do not fit it (``DatasetPreview`` in ``protocol/documents.ts``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from trainyard.adapters.base import resolve_path
from trainyard.adapters.dataset_peek import Look, Row, look
from trainyard.adapters.preflight import Fix, Problem
from trainyard.adapters.rows import ALPACA, Columns, DatasetError, has_column, normalise

#: A shape as a user knows it → how the training reads it; ``prompt_only`` holds nothing to learn.
READ_AS = {
    "text": "text",
    "prompt_completion": "prompt_completion",
    "alpaca": "prompt_completion",
    "messages": "messages",
    "sharegpt": "messages",
    "preference": "preference",
    "prompt_only": None,
}
_NAMES = {
    "text": "text",
    "prompt_completion": "prompt–completion",
    "alpaca": "Alpaca",
    "messages": "messages",
    "sharegpt": "ShareGPT",
    "preference": "preference",
    "prompt_only": "prompt only",
}
_LONGEST_TEXT = 2000
_LONGEST_LIST = 40
_MOST_PROBLEMS = 20


def recognise(row: Mapping[str, Any], names: Columns) -> Optional[str]:
    """The shape that one row's columns make possible, the most telling first."""
    columns = list(row)
    if names.chosen in row and names.rejected in row:
        return "preference"
    if names.prompt in row and names.completion in row:
        return "prompt_completion"
    if has_column(columns, names.messages, "messages"):
        turns = row.get(names.messages, row.get("conversations"))
        from_value = isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and "from" in turns[0]
        return "sharegpt" if from_value else "messages"
    if ALPACA[0] in row and ALPACA[2] in row:
        return "alpaca"
    if names.text in row:
        return "text"
    return "prompt_only" if names.prompt in row else None


def preview(path: Path, params: Mapping[str, Any], shapes: Sequence[str], rows: int, parameter: str) -> Dict[str, Any]:
    """``shapes`` are those that the recipe learns from; empty when its rows are of another kind. ``parameter`` is the field that names the file."""
    try:
        seen = look(path)
    except DatasetError as error:
        problem = Problem("error", "params." + parameter, error.message, error.hint)
        return _answer(path, Look("", _size(path)), None, None, [], [], 0, [problem], {})
    names = Columns.from_params(params)
    problems: List[Problem] = []
    if seen.problem is not None:
        problems.append(Problem("error", "params." + parameter, "{} {}".format(path, seen.problem), None))
    elif not seen.head:
        problems.append(Problem("error", "params." + parameter, "{} holds no rows".format(path), "Write one row per line."))
    values = [row.value for row in seen.head + seen.sampled if row.value is not None]
    shape = _settle(values, params, names)
    wrong = _misfits(seen, shape, names, path)
    if shapes:
        problems += _shape_problems(shape, shapes, values, params, path, parameter)
    problems += _row_problems(seen, wrong, path, parameter)
    usable = None if not shapes or shape is None else READ_AS[shape] in shapes
    head = [_shown(row, wrong) for row in seen.head[:rows]]
    sampled = [_shown(row, wrong) for row in seen.sampled[:rows]]
    return _answer(path, seen, shape, usable, head, sampled, len(seen.head) + len(seen.sampled), problems, _columns(values))


def _settle(values: Sequence[Mapping[str, Any]], params: Mapping[str, Any], names: Columns) -> Optional[str]:
    """The shape of most rows; what the document says wins."""
    chosen = params.get("data_format")
    counts: Dict[str, int] = {}
    for value in values[:200]:
        shape = recognise(value, names)
        if shape is not None and (chosen in (None, "auto") or READ_AS[shape] == chosen):
            counts[shape] = counts.get(shape, 0) + 1
    return max(counts, key=lambda shape: counts[shape]) if counts else None


def _misfits(seen: Look, shape: Optional[str], names: Columns, path: Path) -> Dict[int, str]:
    """id of a row → what is wrong with it."""
    wrong: Dict[int, str] = {}
    for row in seen.head + seen.sampled:
        problem = row.problem
        if row.value is not None and shape is not None:
            problem = _misfit(row.value, shape, names, path)
        if problem is not None:
            wrong[id(row)] = problem
    return wrong


def _misfit(value: Mapping[str, Any], shape: str, names: Columns, path: Path) -> Optional[str]:
    own = recognise(value, names)
    read_as = READ_AS[shape]
    if read_as is None:
        prompt = value.get(names.prompt)
        return None if isinstance(prompt, (str, list)) and prompt else "column {!r} must be text or messages".format(names.prompt)
    try:
        normalise(value, read_as, names, path, 0)
    except DatasetError as error:
        text = error.message.split(" row 0: ", 1)[-1]
        if own is not None and READ_AS[own] != read_as:
            return "{} (it looks like {}, the others like {})".format(text, _NAMES[own], _NAMES[shape])
        return text
    return None


def _shape_problems(
    shape: Optional[str], shapes: Sequence[str], values: Sequence[Mapping[str, Any]], params: Mapping[str, Any], path: Path, parameter: str
) -> List[Problem]:
    if not values:
        return []
    columns = ", ".join(values[0]) or "none"
    if shape is None:
        wanted = params.get("data_format")
        own = recognise(values[0], Columns.from_params(params))
        if wanted not in (None, "auto") and own is not None:
            fix = Fix("params.data_format", "auto", "Set data_format to auto")
            text = "the rows of {} look like {}, not {}".format(path, _NAMES[own], _NAMES.get(str(wanted), wanted))
            return [Problem("error", "params.data_format", text, "Leave the row shape to auto.", (fix,))]
        return [
            Problem(
                "error",
                "params." + parameter,
                "the rows of {} have no shape that is known; their columns are: {}".format(path, columns),
                "Name the columns to use in the advanced fields of Data, or rename them to prompt and completion, messages, or text.",
            )
        ]
    if shapes and READ_AS[shape] not in shapes:
        good = " or ".join(_NAMES[name] for name in shapes)
        if shape == "prompt_only":
            text = "the rows of {} hold prompts and nothing to learn from them".format(path)
            return [Problem("error", "params." + parameter, text, "Add a column completion, or name it in completion_column. Columns: {}.".format(columns))]
        fixes = (Fix("recipe", "trl-dpo", "Use the recipe trl-dpo"),) if shape == "preference" else ()
        text = "the rows of {} are of the shape {}; this recipe learns from {}".format(path, _NAMES[shape], good)
        return [Problem("error", "params." + parameter, text, None, fixes)]
    return []


def _row_problems(seen: Look, wrong: Mapping[int, str], path: Path, parameter: str) -> List[Problem]:
    bad = [row for row in seen.head + seen.sampled if id(row) in wrong]
    problems = [
        Problem("error", "params." + parameter, "{} {}: {}".format(path, _place(row), wrong[id(row)]), None) for row in bad[:_MOST_PROBLEMS]
    ]
    if len(bad) > _MOST_PROBLEMS:
        text = "{} further rows of the {} that were looked at do not fit".format(len(bad) - _MOST_PROBLEMS, len(seen.head) + len(seen.sampled))
        problems.append(Problem("error", "params." + parameter, text, None))
    return problems


def _place(row: Row) -> str:
    if row.line is not None:
        return "line {}".format(row.line)
    return "row {}".format(row.number) if row.number is not None else "a row further in"


def _shown(row: Row, wrong: Mapping[int, str]) -> Dict[str, Any]:
    cut: List[bool] = []
    value = None if row.value is None else {str(name): _short(item, cut, 0) for name, item in row.value.items()}
    return {"number": row.number, "line": row.line, "value": value, "cut": bool(cut), "problem": wrong.get(id(row))}


def _short(value: Any, cut: List[bool], level: int) -> Any:
    """The value as JSON that is small enough to show."""
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            cut.append(True)
            return value[:_LONGEST_TEXT]
        # A lone surrogate, which JSON can spell, cannot be sent on.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST_LIST or level > 6:
            cut.append(True)
        return [] if level > 6 else [_short(item, cut, level + 1) for item in value[:_LONGEST_LIST]]
    if isinstance(value, dict):
        if level > 6:
            cut.append(True)
            return {}
        return {str(name): _short(item, cut, level + 1) for name, item in list(value.items())[:_LONGEST_LIST]}
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)[:_LONGEST_TEXT]


def _columns(values: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    names: Dict[str, List[Any]] = {}
    for value in values:
        for name in value:
            names.setdefault(str(name), [])
    for value in values:
        for name, items in names.items():
            items.append(value.get(name))
    return {name: _column(items) for name, items in list(names.items())[:200]}


def _column(items: Sequence[Any]) -> Dict[str, Any]:
    kinds: Dict[str, int] = {}
    lengths = []
    for item in items:
        if item is None:
            continue
        kind = _kind(item)
        kinds[kind] = kinds.get(kind, 0) + 1
        lengths.append(len(item) if isinstance(item, str) else len(json.dumps(item, default=str)))
    ordered = sorted(kinds, key=lambda kind: -kinds[kind])
    mean = round(sum(lengths) / len(lengths), 1) if lengths else None
    return {"types": ordered, "missing": sum(item is None for item in items), "mean_characters": mean}


def _kind(item: Any) -> str:
    if isinstance(item, bool):
        return "boolean"
    if isinstance(item, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}.get(type(item), type(item).__name__)


def _answer(
    path: Path,
    seen: Look,
    shape: Optional[str],
    usable: Optional[bool],
    head: List[Dict[str, Any]],
    sampled: List[Dict[str, Any]],
    checked: int,
    problems: List[Problem],
    columns: Mapping[str, Any],
) -> Dict[str, Any]:
    return {
        "path": str(path),
        "format": seen.format or None,
        "size_bytes": seen.size,
        "row_count": None if seen.count is None else {"value": seen.count, "exact": seen.exact},
        "shape": shape,
        "usable": usable,
        "columns": [{"name": name, **column} for name, column in columns.items()],
        "head": head,
        "sampled": sampled,
        "checked_rows": checked,
        "problems": [problem.to_json() for problem in problems],
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def preview_request(request: Mapping[str, Any]) -> Dict[str, Any]:
    """From the request of ``python -m trainyard.recipes preview``. @raises DatasetError: the document names no file"""
    from trainyard.recipes.catalogue import launch_workspaces, load

    base_dir = Path(request["base_dir"]).absolute()
    parameter, named = _file_of(request["params"], request["split"])
    name = request.get("file") or named
    if not name:
        raise DatasetError("the document names no file in {}".format(parameter), parameter)
    entry = load([base_dir] + launch_workspaces()).entries.get(request["recipe"])
    shapes = () if entry is None else entry.adapter.dataset_shapes
    return preview(resolve_path(name, base_dir), request["params"], shapes, request["rows"], parameter)


def _file_of(params: Mapping[str, Any], split: str) -> Tuple[str, Optional[str]]:
    """Which field names the file of a split, and what it says."""
    for name in ("eval_file",) if split == "eval" else ("train_file", "data_file"):
        if isinstance(params.get(name), str) and params[name]:
            return name, params[name]
    return ("eval_file" if split == "eval" else "train_file"), None
