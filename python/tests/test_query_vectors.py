"""The query language means in Python what it means on the server: both are held by the same vectors."""

import json
import math
import os
from typing import Any

from places import ROOT

from trainyard.reading._query import holds, parse_filter, parse_value
from trainyard.reading._tokens import FilterError

with open(os.path.join(ROOT, "test", "vectors", "query-language.json"), encoding="utf-8") as _file:
    VECTORS = json.load(_file)


def _cell(cell: Any) -> Any:
    if isinstance(cell, list):
        return tuple(_cell(item) for item in cell)
    return float(cell["number"]) if isinstance(cell, dict) else cell


ROWS = [{field: _cell(cell) for field, cell in row.items()} for row in VECTORS["rows"]]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        # Transcendental functions may differ in the last bit between C's library and the engine's.
        return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-15)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and bool(a == b)


def test_filters_choose_the_same_runs_and_errors_lie_at_the_same_place() -> None:
    wrong = []
    for vector in VECTORS["filters"]:
        try:
            expression = parse_filter(vector["text"])
            found: Any = {"rows": [i for i, row in enumerate(ROWS) if holds(expression, row)]}
        except FilterError as error:
            found = {"error": {"start": error.start, "end": error.end}}
        if {"text": vector["text"], **found} != vector:
            wrong.append((vector, found))
    assert wrong == []
    assert len(VECTORS["filters"]) > 400


def test_values_are_the_same() -> None:
    wrong = []
    for vector in VECTORS["values"]:
        try:
            expression = parse_value(vector["text"])
            found: Any = [expression.value(row) for row in ROWS]
            wanted: Any = [None if cell is None else _cell(cell) for cell in vector.get("rows", [])]
            same = len(found) == len(wanted) and all((a is None and b is None) or _same(a, b) for a, b in zip(found, wanted))
        except FilterError as error:
            found, same = (error.start, error.end), vector.get("error") == {"start": error.start, "end": error.end}
        if not same:
            wrong.append((vector, found))
    assert wrong == []
