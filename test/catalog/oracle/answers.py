"""The same questions answered by DuckDB. Each function takes a question and the server's answer and yields what differs."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, Iterator

import duckdb
import mpmath
import pyarrow as pa

from expressions import Condition, Table, Term
from folders import Row

#: Share of the largest number of a group that sums, means and spreads may be off by.
TOLERANCE = 1e-9
#: In the order in which DuckDB is asked for them.
SPREAD = ("sum", "mean", "median", "min", "max", "std", "q1", "q3")
KINDS = {"number": pa.float64(), "text": pa.string(), "truth": pa.bool_(), "list": pa.list_(pa.string())}


def units(text: str) -> str:
    """Texts in the order of their UTF-16 units, as the query language has them."""
    return text.encode("utf-16-be").hex()


def kind_of(value: Any) -> str:
    return "truth" if isinstance(value, bool) else "number" if isinstance(value, float) else "list" if isinstance(value, list) else "text"


def tagged(value: Any, database: duckdb.DuckDBPyConnection) -> str:
    """A member of a list as `expressions.sql_tagged` writes it."""
    if isinstance(value, float):
        return "n" + database.execute("SELECT (?::DOUBLE + 0)::VARCHAR", [value]).fetchone()[0]
    return ("b" + str(value).lower()) if isinstance(value, bool) else "t" + value


def wire(value: Any) -> Any:
    """As JSON has it: NaN and infinities are texts, a whole number is one."""
    if isinstance(value, list):
        return [wire(one) for one in value]
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value + 0.0


class Oracle:
    """A DuckDB table of all runs, `row` its key, with the columns that `Table` names."""

    def __init__(self, rows: list[Row], derived: dict[str, dict[str, Any]] | None = None):
        self.rows = rows
        fields = sorted({name for row in rows for name in row})
        types = {name: {kind_of(row[name]) for row in rows if name in row} for name in fields}
        self.table = Table(fields, types, rows)
        self.database = duckdb.connect()
        self.database.execute("SET threads = 1")
        self.database.create_function("units", units, ["VARCHAR"], "VARCHAR")
        self.load()

    def load(self) -> None:
        columns: dict[str, pa.Array] = {"row": pa.array(range(len(self.rows)), pa.int32())}
        for place, name in enumerate(self.table.fields):
            for kind in self.table.types[name]:
                columns[f"c{place}_{kind}"] = pa.array([self.stored(row.get(name), kind) for row in self.rows], KINDS[kind])
        loaded = pa.table(columns)  # noqa: F841 – DuckDB finds it by its name
        self.database.execute("CREATE OR REPLACE TABLE runs AS SELECT * FROM loaded")

    def stored(self, value: Any, kind: str) -> Any:
        if value is None or kind_of(value) != kind:
            return None
        return [tagged(one, self.database) for one in value] if kind == "list" else value

    def define(self, project: str, name: str, term: Term | Condition) -> None:
        """Adds a derived metric to the runs of its project, as a field like any other."""
        for place, value in self.values(term):
            if value is not None and self.rows[place]["record.project"] == project:
                self.rows[place][f"derived.{name}"] = value
        field = f"derived.{name}"
        kinds = {kind_of(row[field]) for row in self.rows if field in row}
        if not kinds:
            return
        if field not in self.table.types:
            self.table.fields.append(field)
        self.table.types[field] = kinds
        self.load()

    def values(self, term: Term | Condition, where: str = "TRUE") -> list[tuple[int, Any]]:
        columns = term.columns.all() if term.columns is not None else [term.sql] if isinstance(term, Condition) else []
        found = self.database.execute(f"SELECT row, {', '.join(columns or ['NULL'])} FROM runs WHERE {where} ORDER BY row").fetchall()
        return [(place, next((value for value in values if value is not None), None)) for place, *values in found]

    def chosen(self, scope: dict[str, Any]) -> list[int]:
        """Places of the runs of a scope: `project`, and `sql` of its filter."""
        where = [scope["sql"]] if "sql" in scope else []
        if "project" in scope:
            where.append(f"{self.table.columns('record.project').text} = '{scope['project']}'")
        return [place for (place,) in self.database.execute(f"SELECT row FROM runs WHERE {' AND '.join(where) or 'TRUE'} ORDER BY row").fetchall()]

    def value(self, place: int, name: str) -> Any:
        return self.rows[place].get(name)

    def id(self, place: int) -> str:
        return self.rows[place]["record.id"]

    # -- the questions ------------------------------------------------------------------------------------------------

    def check_query(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        places = self.chosen(question["scope"])
        if answer["total"] != len(places):
            yield f"total {answer['total']}, not {len(places)}"
        # The least important key first; ids (which sort by creation) make the order total, in the direction of the first key.
        keys = question["sort"]
        places.sort(key=self.id, reverse=bool(keys) and keys[0].startswith("-"))
        for key in reversed(keys):
            places.sort(key=lambda place: sort_key(self.value(place, key.lstrip("-")), key.startswith("-")))
        body = question["body"]
        page = places[body["offset"] : body["offset"] + body["limit"]]
        expected = [{"id": self.id(place), "values": [wire(self.value(place, name)) for name in body["fields"]]} for place in page]
        if answer["rows"] != expected:
            for place, (found, wanted) in enumerate(zip(answer["rows"], expected)):
                if found != wanted:
                    yield f"row {place}: {found}, not {wanted}"
                    return
            yield f"{len(answer['rows'])} rows, not {len(expected)}"

    def check_list(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        expected = sorted((self.id(place) for place in self.chosen(question["scope"])), reverse=True)
        if [run["id"] for run in answer["runs"]] != expected or answer["total"] != len(expected):
            differing = set(expected) ^ {run["id"] for run in answer["runs"]}
            yield f"total {answer['total']}, not {len(expected)}; different: {[(one, one in expected) for one in sorted(differing)][:3]}"

    def check_evaluate(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        places = set(self.chosen(question["scope"]))
        expected = {self.id(place): value for place, value in self.values(question["term"]) if place in places}
        found = {one["id"]: one["value"] for one in answer["values"]}
        if answer["total"] != len(expected) or answer["present"] != sum(value is not None for value in expected.values()):
            yield f"total {answer['total']} and present {answer['present']}, not {len(expected)} and {sum(v is not None for v in expected.values())}"
        for run, value in found.items():
            if not same_number(value, wire(expected.get(run))):
                yield f"{run}: {value}, not {wire(expected.get(run))}"

    def check_statistics(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        rows = [self.rows[place] for place in self.chosen(question["scope"])]

        def counts(name: str) -> dict[str, int]:
            texts = [row[name] for row in rows]
            return {one: texts.count(one) for one in set(texts)}

        expected = {
            "runs": len(rows),
            "states": counts("record.state"),
            "projects": counts("record.project"),
            "recipes": counts("record.recipe"),
            "archived": sum(row["record.archived"] for row in rows),
            "starred": sum(row["record.starred"] for row in rows),
            "checkpoints": 0,
            "points": int(sum(value for row in rows for name, value in row.items() if name.startswith("metrics.") and name.endswith(":count"))),
            "newest": max((row["record.created_at"] for row in rows), default=None),
        }
        for name, value in expected.items():
            if answer[name] != value:
                yield f"{name} {answer[name]}, not {value}"
        seconds = sum(row.get("record.duration_seconds", 0.0) for row in rows)
        if not math.isclose(answer["training_seconds"], seconds, rel_tol=1e-9, abs_tol=1e-6):
            yield f"training_seconds {answer['training_seconds']}, not {seconds}"

    def check_aggregate(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        body = question["body"]
        groups: dict[str, list[int]] = {}
        for place in self.chosen(question["scope"]):
            groups.setdefault(key_text([wire(self.value(place, name)) for name in body["group_by"]]), []).append(place)
        found = {key_text(group["key"]): group for group in answer["groups"]}
        if not body["group_by"] and not groups and answer["total"] == 0:
            return
        if answer["total"] != len(groups) or set(found) != set(groups):
            yield f"{answer['total']} groups, not {len(groups)}; different: {sorted(set(found) ^ set(groups))[:3]}"
            return
        for name in body["values"]:
            for key, expected in zip(groups, self.statistics(list(groups.values()), name)):
                if found[key]["runs"] != len(groups[key]):
                    yield f"{key}: {found[key]['runs']} runs, not {len(groups[key])}"
                yield from (f"{key} {name}: {problem}" for problem in differing(found[key]["values"][name], expected))

    def statistics(self, groups: list[list[int]], name: str) -> list[dict[str, Any]]:
        """Of each group's finite numbers, in the order of the groups; `scale` is the largest of them."""
        values = [[self.value(place, name) for place in places] for places in groups]
        numbers = [[value for value in group if isinstance(value, float)] for group in values]
        finite = [[value for value in group if math.isfinite(value)] for group in numbers]
        # A power of two changes no digit; without it the squares of large numbers overflow, and those of tiny ones vanish.
        scales = [max((abs(value) for value in group), default=0.0) for group in finite]
        units_of = [1.0 if 1e-100 < scale < 1e100 or scale == 0 else 2.0 ** max(-1000, math.frexp(scale)[1]) for scale in scales]
        members = pa.table(  # noqa: F841 – DuckDB finds it by its name
            {
                "team": pa.array([at for at, group in enumerate(finite) for _ in group], pa.int32()),
                "x": pa.array([value / unit for group, unit in zip(finite, units_of) for value in group], pa.float64()),
            }
        )
        made = "sum(x), avg(x), median(x), min(x), max(x), stddev_samp(x), quantile_cont(x, 0.25), quantile_cont(x, 0.75)"
        rows = {at: row for at, *row in self.database.execute(f"SELECT team, {made} FROM members GROUP BY team").fetchall()}
        return [
            {
                "count": len(group),
                "missing": len(values[at]) - len(numbers[at]),
                "non_finite": len(numbers[at]) - len(group),
                "scale": scales[at],
                **{key: None if one is None else one * units_of[at] for key, one in zip(SPREAD, rows.get(at, [None] * len(SPREAD)))},
            }
            for at, group in enumerate(finite)
        ]

    def check_histogram(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        body = question["body"]
        values = [self.value(place, body["field"]) for place in self.chosen(question["scope"])]
        numbers = [value for value in values if isinstance(value, float)]
        finite = [value for value in numbers if math.isfinite(value)]
        low, high = body.get("range") or (min(finite, default=0.0), max(finite, default=0.0))
        inside = [value for value in finite if low <= value <= high]
        expected = {
            "count": len(finite),
            "outside": len(finite) - len(inside),
            "non_finite": len(numbers) - len(finite),
            "missing": values.count(None),
        }
        for name, value in expected.items():
            if answer[name] != value:
                yield f"{name} {answer[name]}, not {value}"
        yield from most_frequent([value for value in values if value is not None and not isinstance(value, float)], answer["categories"], 100)
        if not finite and "range" not in body:
            if answer["edges"] or answer["counts"]:
                yield f"edges {answer['edges']} without numbers"
            return
        bins, edges = body["bins"], answer["edges"]
        if high > low and not all(near(edge, low * (1 - i / bins) + high * (i / bins), max(abs(low), abs(high))) for i, edge in enumerate(edges)):
            yield f"edges {edges}, not {bins} equal ones of {low} to {high}"
        if len(edges) != bins + 1 or any(a > b for a, b in zip(edges, edges[1:])) or edges[0] > low or edges[-1] < high:
            yield f"edges {edges} for {low} to {high}"
            return
        # Each bin holds its lower edge, the last one its upper edge as well.
        bounds = pa.table({"bin": range(bins), "low": edges[:-1], "high": edges[1:]})  # noqa: F841 – DuckDB finds both by their names
        numbers = pa.table({"x": pa.array(inside, pa.float64())})
        within = f"x >= low AND (x < high OR (bin = {bins - 1} AND x = high))"
        counts = self.database.execute(f"SELECT count(x) FROM bounds LEFT JOIN numbers ON {within} GROUP BY bin ORDER BY bin").fetchall()
        if answer["counts"] != [count for (count,) in counts]:
            yield f"counts {answer['counts']}, not {counts}"

    def check_fields(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        places = self.chosen(question["scope"])
        if answer["runs"] != len(places):
            yield f"runs {answer['runs']}, not {len(places)}"
        index = {one["name"]: one for one in answer["fields"]}
        for name in self.table.fields:
            values = [value for place in places if (value := self.value(place, name)) is not None]
            found = index.get(name)
            if found is None:
                if values:
                    yield f"{name} is left out, which has {len(values)} values"
                continue
            numbers = [value for value in values if isinstance(value, float)]
            finite = [value for value in numbers if math.isfinite(value)]
            different = {key_text(wire(value)) if not isinstance(value, float) else repr(wire(value)) for value in values}
            many = len(different) > 100
            expected = {
                "count": len(values),
                "missing": len(places) - len(values),
                "min": min(finite, default=None),
                "max": max(finite, default=None),
                "non_finite": len(numbers) - len(finite),
                "unique": None if many else len(different),
            }
            for key, value in expected.items():
                if found[key] != value:
                    yield f"{name}: {key} {found[key]}, not {value}"
            if not many:
                yield from (f"{name}: {problem}" for problem in most_frequent(values, found["values"], 100))

    def check_values(self, question: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
        values = [value for place in self.chosen(question["scope"]) if (value := self.value(place, question["field"])) is not None]
        search = question.get("search")
        if search is not None:
            # As they are shown: a truth as true or false. What is searched for is in no number.
            values = [value for value in values if not isinstance(value, float) and search.lower() in str(value).lower()]
        total = len({key_text(wire(value)) for value in values})
        if answer["total"] != total:
            yield f"total {answer['total']}, not {total}"
        yield from most_frequent(values, answer["values"], question["limit"])


def differing(found: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """Where the server's statistics of one group are not the expected ones."""
    n, scale, std = expected["count"], expected["scale"], expected["std"]
    sem = None if std is None else std / math.sqrt(n)
    for key in ("count", "missing", "non_finite"):
        if found[key] != expected[key]:
            yield f"{key} {found[key]}, not {expected[key]}"
    for key, value in ((key, sem if key == "sem" else expected[key]) for key in (*SPREAD, "sem")):
        if not near(found[key], value, scale * (n if key == "sum" else 1)):
            yield f"{key} {found[key]}, not {value}"
    half = None if sem is None else sem * student(n - 1)
    interval = None if half is None else [expected["mean"] - half, expected["mean"] + half]
    # With two numbers the interval is 13 times as wide as the standard error.
    if (found["ci95"] is None) != (interval is None) or not all(near(a, b, scale * 13) for a, b in zip(found["ci95"] or [], interval or [])):
        yield f"ci95 {found['ci95']}, not {interval}"


def most_frequent(values: list[Any], found: list[dict[str, Any]], limit: int) -> Iterator[str]:
    """The counts of different values, most frequent first; which of equally frequent ones come first is left open."""
    counts: dict[str, int] = {}
    for value in values:
        counts[key_text(wire(value))] = counts.get(key_text(wire(value)), 0) + 1
    listed = [one["count"] for one in found]
    if listed != sorted(counts.values(), reverse=True)[:limit]:
        yield f"counts {listed}, not {sorted(counts.values(), reverse=True)[:limit]}"
    for one in found:
        if counts.get(key_text(one["value"])) != one["count"]:
            yield f"{one['value']!r} counted {one['count']}, not {counts.get(key_text(one['value']))}"


def key_text(value: Any) -> str:
    """JSON in which a number is written in one way (1 and 1.0 are one number, true is none)."""
    if isinstance(value, list):
        return "[" + ",".join(key_text(one) for one in value) + "]"
    return repr(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else json.dumps(value)


def sort_key(value: Any, down: bool) -> tuple[int, Any]:
    """Numbers (truths among them, after the number that they count as), NaN, texts whatever their case, nothing: in both directions."""
    if value is None:
        return (3, 0)
    if isinstance(value, str):
        key = (units(value.lower()), units(value))
        return (2, Downwards(key) if down else key)
    if math.isnan(value):
        return (1, 0)
    key = (float(value), isinstance(value, bool))
    return (0, Downwards(key) if down else key)


class Downwards:
    def __init__(self, value: Any):
        self.value = value

    def __lt__(self, other: "Downwards") -> bool:
        return other.value < self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Downwards) and self.value == other.value


def near(found: float | None, expected: float | None, scale: float) -> bool:
    if found is None or expected is None:
        # Beyond the largest number there is no number.
        return found is None and (expected is None or not math.isfinite(expected))
    return abs(found - expected) <= TOLERANCE * max(scale, 1e-300)


def same_number(found: Any, expected: Any) -> bool:
    """Equal but for the last digits of functions like exp, which differ between mathematical libraries."""
    if isinstance(found, (int, float)) and isinstance(expected, float) and not isinstance(found, bool):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return type(found) is type(expected) and found == expected


@lru_cache(maxsize=None)
def student(degrees: int) -> float:
    """The 0.975 quantile of Student's t."""
    below = lambda t: 1 - mpmath.betainc(degrees / 2, 0.5, 0, degrees / (degrees + t * t), regularized=True) / 2  # noqa: E731
    return float(mpmath.findroot(lambda t: below(t) - 0.975, (1.9, 13.0), solver="anderson", tol=1e-14))
