"""
Expressions of docs/query-language.md, made at random: each with its text and, beside it, what it means as SQL for DuckDB.

A value in SQL is up to four columns, one per type, of which at most one is not NULL: all NULL = no value.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Callable

from folders import Row

# How tightly each rule of the grammar binds; what binds less tightly than its place wants is put in parentheses.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, UNARY, POWER, PRIMARY = range(9)


@dataclass(frozen=True)
class Columns:
    """One SQL expression per type; None where a value of that type cannot be."""

    number: str | None = None
    text: str | None = None
    truth: str | None = None
    list: str | None = None

    def present(self) -> str:
        return "(" + " OR ".join(f"{one} IS NOT NULL" for one in self.all()) + ")" if self.all() else "FALSE"

    def all(self) -> list[str]:
        return [one for one in (self.number, self.text, self.truth, self.list) if one is not None]


@dataclass(frozen=True)
class Term:
    """An expression with a value."""

    source: str
    level: int
    columns: Columns


@dataclass(frozen=True)
class Condition:
    source: str
    level: int
    #: SQL that is TRUE or FALSE, never NULL.
    sql: str
    #: Its value, where that is not simply whether it holds.
    columns: Columns | None = None


@dataclass
class Table:
    """The columns of the DuckDB table: `c<n>_<type>` of the n-th field, in the types that its values have."""

    fields: list[str]
    types: dict[str, set[str]]
    rows: list[Row]
    #: Of a table that names a part of another one's fields: their columns there.
    known: dict[str, Columns] = field(default_factory=dict)

    def columns(self, name: str) -> Columns:
        if name in self.known:
            return self.known[name]
        place = self.fields.index(name)
        return Columns(**{kind: f"c{place}_{kind}" for kind in self.types[name]})


class Maker:
    """
    Makes expressions over the fields of a table.

    exact: without functions whose last digit depends on the mathematical library, so that values can be grouped and counted.
    """

    def __init__(self, chance: random.Random, table: Table, exact: bool = False):
        self.chance = chance
        self.table = table
        self.exact = exact
        self.numeric = [name for name, kinds in table.types.items() if "number" in kinds]
        self.textual = [name for name, kinds in table.types.items() if "text" in kinds]
        self.lists = [name for name, kinds in table.types.items() if "list" in kinds]

    # -- text ---------------------------------------------------------------------------------------------------------

    def space(self) -> str:
        return self.chance.choice((" ", " ", " ", "  ", "\t", "\n"))

    def word(self, text: str) -> str:
        return self.chance.choice((text, text, text.upper(), text.title()))

    def wrap(self, source: str, level: int, wanted: int) -> str:
        if level < wanted or self.chance.random() < 0.08:
            return f"({source})"
        return source

    def quote(self, text: str) -> str:
        mark = self.chance.choice("\"'`")
        escaped = text.replace("\\", "\\\\").replace(mark, "\\" + mark).replace("\n", "\\n").replace("\t", "\\t")
        return mark + escaped + mark

    def name(self, name: str) -> str:
        """`metrics.odd name:min` → `metrics."odd name":min`"""
        namespace, _, rest = name.partition(".")
        part = ""
        if namespace == "metrics" and ":" in rest:
            rest, _, part = rest.rpartition(":")
        plain = all(piece.isascii() and piece.isidentifier() for piece in rest.replace("/", ".").split("."))
        written = rest if plain and self.chance.random() < 0.9 else self.quote(rest)
        return f"{namespace}.{written}" + (f":{part}" if part else "")

    # -- values -------------------------------------------------------------------------------------------------------

    def field(self, names: list[str] | None = None) -> Term:
        name = self.chance.choice(names or self.table.fields)
        return Term(self.name(name), PRIMARY, self.table.columns(name))

    def number(self) -> Term:
        """A number as somebody writes it: often one that a run has, so that equality is met."""
        chance = self.chance
        if chance.random() < 0.4:
            row = chance.choice(self.table.rows)
            known = [value for value in row.values() if isinstance(value, float) and abs(value) < 1e300]
            value = abs(chance.choice(known))
        else:
            value = chance.choice((0.0, 1.0, 2.0, 3.0, 0.5, 1e-3, 1e6, float(chance.randint(0, 20)), chance.uniform(0, 10)))
        source = chance.choice((repr(value), f"{value:.17g}", f"{value!r}" if value % 1 else str(int(value))))
        return Term(source, PRIMARY, Columns(number=f"{float(source)!r}::DOUBLE"))

    def known_text(self) -> str:
        row = self.chance.choice(self.table.rows)
        known = [value for value in row.values() if isinstance(value, str)]
        known += [one for value in row.values() if isinstance(value, list) for one in value if isinstance(one, str)]
        return self.chance.choice(known + ["", "nobody has this"])

    def text(self, value: str | None = None) -> Term:
        value = self.known_text() if value is None else value
        return Term(self.quote(value), PRIMARY, Columns(text=sql_text(value)))

    def literal(self, kind: str) -> Term:
        if kind == "number":
            negative = self.number()
            if self.chance.random() < 0.2:
                return Term("-" + negative.source, UNARY, Columns(number=f"(-{negative.columns.number})"))
            return negative if self.chance.random() < 0.9 else Term(self.word("inf"), PRIMARY, Columns(number="'inf'::DOUBLE"))
        if kind == "text":
            return self.text()
        truth = self.chance.choice(("true", "false"))
        return Term(self.word(truth), PRIMARY, Columns(truth=truth.upper()))

    def arithmetic(self, depth: int) -> Term:
        """An expression that is a number or nothing."""
        chance = self.chance
        if depth <= 0 or chance.random() < 0.2:
            return self.field(self.numeric) if chance.random() < 0.7 else self.number()
        kind = chance.random()
        if kind < 0.45:
            operator, level = chance.choice((("+", SUM), ("-", SUM), ("*", PRODUCT), ("/", PRODUCT)))
            left, right = self.arithmetic(depth - 1), self.arithmetic(depth - 1)
            # Of equal rank they group to the left.
            source = f"{self.wrap(left.source, left.level, level)} {operator} {self.wrap(right.source, right.level, level + 1)}"
            return Term(source, level, Columns(number=f"({numeric(left)} {operator} {numeric(right)})"))
        if kind < 0.53 and not self.exact:
            left, right = self.arithmetic(depth - 1), chance.choice((self.number(), self.literal("number")))
            source = f"{self.wrap(left.source, left.level, PRIMARY)} {chance.choice(('^', '**'))} {self.wrap(right.source, right.level, UNARY)}"
            return Term(source, POWER, Columns(number=power(numeric(left), numeric(right))))
        if kind < 0.6:
            sign, inner = chance.choice("-+"), self.arithmetic(depth - 1)
            source = f"{sign}{self.wrap(inner.source, inner.level, UNARY)}"
            return Term(source, UNARY, Columns(number=f"({sign}{numeric(inner)})"))
        return self.call(depth)

    def call(self, depth: int) -> Term:
        chance = self.chance
        name = chance.choice([*(EXACT_FUNCTIONS if self.exact else UNARY_FUNCTIONS), "min", "max", "coalesce", "if"])
        if name in UNARY_FUNCTIONS:
            inner = self.arithmetic(depth - 1)
            return self.called(name, [inner.source], Columns(number=f"({UNARY_FUNCTIONS[name](numeric(inner))})"))
        if name == "if":
            condition, yes, no = self.condition(depth - 1), self.arithmetic(depth - 1), self.arithmetic(depth - 1)
            chosen = first_of([(condition.sql, yes.columns), ("TRUE", no.columns)])
            return self.called(name, [condition.source, yes.source, no.source], chosen)
        inner = [self.arithmetic(depth - 1) for _ in range(chance.randint(2, 3))]
        if name == "coalesce":
            return self.called(name, [one.source for one in inner], first_of([(one.columns.present(), one.columns) for one in inner]))
        numbers = [numeric(one) for one in inner]
        # One that has no value, and one that is NaN, spoil the whole.
        whole = " AND ".join(f"{one} IS NOT NULL" for one in numbers)
        nan = " OR ".join(f"isnan({one})" for one in numbers)
        best = f"{'least' if name == 'min' else 'greatest'}({', '.join(numbers)})"
        sql = f"(CASE WHEN {whole} THEN CASE WHEN {nan} THEN 'nan'::DOUBLE ELSE {best} END END)"
        return self.called(name, [one.source for one in inner], Columns(number=sql))

    def called(self, name: str, arguments: list[str], columns: Columns) -> Term:
        return Term(f"{self.word(name)}({', '.join(arguments)})", PRIMARY, columns)

    # -- conditions ---------------------------------------------------------------------------------------------------

    def condition(self, depth: int) -> Condition:
        chance = self.chance
        if depth <= 0 or chance.random() < 0.35:
            return self.plain(depth)
        kind = chance.random()
        if kind < 0.3:
            inner = self.condition(depth - 1)
            if chance.random() < 0.5:
                return Condition(f"!{self.wrap(inner.source, inner.level, NOT)}", NOT, f"(NOT {inner.sql})")
            return Condition(f"{self.word('not')} {self.wrap(inner.source, inner.level, NOT)}", NOT, f"(NOT {inner.sql})")
        both, level, operator = chance.choice((("and", AND, "&&"), ("or", OR, "||")))
        inner = [self.condition(depth - 1) for _ in range(chance.randint(2, 3))]
        written = [self.wrap(one.source, one.level, level + 1) for one in inner]
        joined = (self.space() + chance.choice((self.word(both), operator)) + self.space()).join(written)
        return Condition(joined, level, "(" + f" {both.upper()} ".join(one.sql for one in inner) + ")")

    def plain(self, depth: int) -> Condition:
        return self.chance.choice((self.equality, self.equality, self.order, self.order, self.search, self.likeness, self.membership, self.absence, self.alone))(depth)

    def pair(self, depth: int) -> tuple[Term, Term]:
        """Two values that can be compared: one of them a field, or both numbers."""
        chance = self.chance
        if chance.random() < 0.4:
            return self.arithmetic(min(depth, 2)), chance.choice((self.literal("number"), self.field(), self.arithmetic(1)))
        left = self.field()
        kinds = [kind for kind in ("number", "text", "truth") if getattr(left.columns, kind) is not None] or ["text"]
        right = self.literal(chance.choice(kinds)) if chance.random() < 0.75 else self.field()
        return (left, right) if chance.random() < 0.85 else (right, left)

    def compared(self, left: Term, operator: str, right: Term, sql: str) -> Condition:
        source = f"{self.wrap(left.source, left.level, SUM)}{self.space()}{operator}{self.space()}{self.wrap(right.source, right.level, SUM)}"
        return Condition(source, COMPARISON, sql)

    def equality(self, depth: int) -> Condition:
        left, right = self.pair(depth)
        operator = self.chance.choice(("=", "==", "!="))
        same = equal(left.columns, right.columns)
        sql = same if operator != "!=" else f"({left.columns.present()} AND {right.columns.present()} AND NOT {same})"
        return self.compared(left, operator, right, sql)

    def order(self, depth: int) -> Condition:
        left, right = self.pair(depth)
        while None in (left.columns.number or left.columns.text, right.columns.number or right.columns.text):
            left, right = self.pair(depth)
        operator = self.chance.choice(("<", "<=", ">", ">="))
        return self.compared(left, operator, right, ordered(left.columns, operator, right.columns))

    def search(self, _: int) -> Condition:
        left = self.field(self.textual + self.lists)
        whole = self.known_text()
        start = self.chance.randint(0, max(0, len(whole) - 2))
        part = whole[start : start + self.chance.randint(0, 5)]
        right = self.text(self.chance.choice((part, part.upper(), part.lower())))
        found = found_in(left.columns, right.columns.text or "")
        negated = self.chance.random() < 0.3
        sql = f"({left.columns.present()} AND NOT {found})" if negated else found
        return self.compared(left, "!~" if negated else "~", right, sql)

    def likeness(self, _: int) -> Condition:
        left = self.field(self.textual)
        pattern = "".join(self.chance.choice((one, one, one, "*", "?")) for one in self.known_text())[:40]
        if self.chance.random() < 0.5:
            pattern = pattern[: self.chance.randint(0, len(pattern))] + "*"
        matches = f"coalesce(regexp_full_match({left.columns.text}, {sql_text(like_pattern(pattern))}), FALSE)"
        negated = self.chance.random() < 0.3
        sql = f"({left.columns.present()} AND NOT {matches})" if negated else matches
        return self.compared(left, f"{self.word('not')} {self.word('like')}" if negated else self.word("like"), self.text(pattern), sql)

    def membership(self, _: int) -> Condition:
        chance = self.chance
        negated = chance.random() < 0.3
        operator = f"{self.word('not')} {self.word('in')}" if negated else self.word("in")
        if chance.random() < 0.3:
            left, right = self.text() if chance.random() < 0.8 else self.literal("number"), self.field(self.lists)
            inside = f"coalesce(list_contains({right.columns.list}, {sql_tagged(left.columns)}), FALSE)"
            sql = f"({right.columns.present()} AND NOT {inside})" if negated else inside
            return self.compared(left, operator, right, sql)
        left = self.field()
        kinds = [kind for kind in ("number", "text", "truth") if getattr(left.columns, kind) is not None] or ["text"]
        choices = [self.literal(chance.choice(kinds)) for _ in range(chance.randint(1, 4))]
        inside = "(" + " OR ".join(equal(left.columns, one.columns) for one in choices) + ")"
        sql = f"({left.columns.present()} AND NOT {inside})" if negated else inside
        opened, closed = chance.choice(("()", "[]"))
        source = f"{left.source}{self.space()}{operator} {opened}{', '.join(one.source for one in choices)}{closed}"
        return Condition(source, COMPARISON, sql)

    def absence(self, depth: int) -> Condition:
        term = self.field() if self.chance.random() < 0.7 else self.arithmetic(depth)
        negated = self.chance.random() < 0.5
        test = f"{self.word('is')} {self.word('not')} {self.word('null')}" if negated else f"{self.word('is')} {self.word('null')}"
        written = self.chance.choice((test, ("!= " if negated else "= ") + self.word("null")))
        present = term.columns.present()
        return Condition(f"{self.wrap(term.source, term.level, SUM)} {written}", COMPARISON, present if negated else f"(NOT {present})")

    def alone(self, depth: int) -> Condition:
        if self.chance.random() < 0.5:
            truths = [name for name, kinds in self.table.types.items() if "truth" in kinds]
            term = self.field(truths)
            return Condition(term.source, PRIMARY, f"coalesce({term.columns.truth}, FALSE)", term.columns)
        term = self.arithmetic(depth)
        name = self.chance.choice(("is_nan", "is_finite"))
        test = f"isnan({numeric(term)})" if name == "is_nan" else f"isfinite({numeric(term)})"
        return Condition(f"{self.word(name)}({term.source})", PRIMARY, f"coalesce({test}, FALSE)", Columns(truth=test))


# -- meaning in SQL -----------------------------------------------------------------------------------------------------


def first_of(cases: list[tuple[str, Columns]]) -> Columns:
    """The value of the first case whose condition holds, whatever its type."""

    def of(kind: str) -> str | None:
        if all(getattr(columns, kind) is None for _, columns in cases):
            return None
        return "(CASE " + " ".join(f"WHEN {when} THEN {getattr(columns, kind) or 'NULL'}" for when, columns in cases) + " END)"

    return Columns(**{kind: of(kind) for kind in ("number", "text", "truth", "list")})


def numeric(term: Term) -> str:
    return term.columns.number or "NULL::DOUBLE"


#: As IEEE 754 has them, where DuckDB would raise.
UNARY_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "abs": lambda x: f"abs({x})",
    "sqrt": lambda x: f"CASE WHEN {x} < 0 THEN 'nan'::DOUBLE ELSE sqrt({x}) END",
    "exp": lambda x: f"exp({x})",
    "log": lambda x: logarithm("ln", x),
    "log2": lambda x: logarithm("log2", x),
    "log10": lambda x: logarithm("log10", x),
    "floor": lambda x: f"floor({x})",
    "ceil": lambda x: f"ceil({x})",
    # Halves go upwards; adding a half first would carry 0.49999999999999994 over to 1.
    "round": lambda x: f"CASE WHEN {x} - floor({x}) >= 0.5 THEN ceil({x}) ELSE floor({x}) END",
}


EXACT_FUNCTIONS = ("abs", "sqrt", "floor", "ceil", "round")


def logarithm(name: str, x: str) -> str:
    return f"CASE WHEN {x} < 0 THEN 'nan'::DOUBLE WHEN {x} = 0 THEN '-inf'::DOUBLE ELSE {name}({x}) END"


def power(base: str, exponent: str) -> str:
    # Unlike C's, a power of NaN is NaN unless the exponent is 0, and ±1 to an infinity is NaN.
    odd = f"(isnan({exponent}) OR (abs({base}) = 1 AND isinf({exponent})))"
    return f"CASE WHEN {odd} THEN 'nan'::DOUBLE ELSE pow({base}, {exponent}) END"


def equal(a: Columns, b: Columns) -> str:
    cases = []
    if a.number and b.number:
        cases.append(f"({a.number} = {b.number} AND NOT isnan({a.number}))")
    for kind in ("text", "truth", "list"):
        if getattr(a, kind) and getattr(b, kind):
            cases.append(f"{getattr(a, kind)} = {getattr(b, kind)}")
    return f"coalesce({' OR '.join(f'coalesce({one}, FALSE)' for one in cases)}, FALSE)" if cases else "FALSE"


def ordered(a: Columns, operator: str, b: Columns) -> str:
    cases = []
    if a.number and b.number:
        cases.append(f"({a.number} {operator} {b.number} AND NOT isnan({a.number}) AND NOT isnan({b.number}))")
    if a.text and b.text:
        cases.append(f"units({a.text}) {operator} units({b.text})")
    return "(" + " OR ".join(f"coalesce({one}, FALSE)" for one in cases) + ")" if cases else "FALSE"


def found_in(columns: Columns, part: str) -> str:
    cases = []
    if columns.text:
        cases.append(f"contains(lower({columns.text}), lower({part}))")
    if columns.list:
        texts = f"list_filter({columns.list}, lambda one: one[1] = 't')"
        cases.append(f"len(list_filter({texts}, lambda one: contains(lower(one[2:]), lower({part})))) > 0")
    return "(" + " OR ".join(f"coalesce({one}, FALSE)" for one in cases) + ")" if cases else "FALSE"


def like_pattern(pattern: str) -> str:
    """As a regular expression of RE2: `*` and `?` stand for anything, line breaks included."""
    wild = {"*": ".*", "?": "."}
    return "(?s)" + "".join(wild.get(one) or (one if one.isalnum() or ord(one) > 127 else "\\x{%x}" % ord(one)) for one in pattern)


def sql_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def sql_tagged(columns: Columns) -> str:
    """A member of a list, as lists are kept: its type as a letter, then its value as text; -0 is written as 0, which it equals."""
    if columns.text:
        return f"('t' || {columns.text})"
    return f"('n' || (({columns.number})::DOUBLE + 0)::VARCHAR)"
