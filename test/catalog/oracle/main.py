"""
Asks a server generated questions over its store and compares each answer with DuckDB's.

main.py URL TOKEN STORE SEED COUNT → one JSON object: {"asked": {kind: count}, "met": runs chosen by filters…, "differences": [...]}
"""

from __future__ import annotations

import json
import random
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from answers import Oracle
from expressions import Maker, Table
from folders import read_store

#: How often each question is asked.
SHARES = {"query": 24, "list": 16, "aggregate": 18, "histogram": 14, "evaluate": 16, "fields": 3, "values": 5, "statistics": 4}


class Server:
    def __init__(self, url: str, token: str):
        self.url, self.token = url, token

    def ask(self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"authorization": f"Bearer {self.token}", "content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer, parse_int=float)
        except urllib.error.HTTPError as error:
            return {"refused": error.read().decode()}


def define_derived(server: Server, oracle: Oracle, chance: random.Random) -> None:
    """Four derived metrics per project, the later ones over the earlier ones; the last is a condition."""
    for project in sorted({row["record.project"] for row in oracle.rows}):
        definitions = {}
        for place in range(4):
            # Of another project's derived metrics a project knows nothing.
            known = [name for name in oracle.table.fields if not name.startswith("derived.") or name.removeprefix("derived.") in definitions]
            table = oracle.table
            maker = Maker(chance, Table(known, {one: table.types[one] for one in known}, table.rows, {one: table.columns(one) for one in known}), exact=True)
            name = f"made/{'abcd'[place]}"
            term = maker.condition(2) if place == 3 else maker.arithmetic(2)
            definitions[name] = term.source
            oracle.define(project, name, term)
        answer = server.ask("PATCH", f"/api/projects/{project}", {"derived": definitions})
        if "refused" in answer:
            raise SystemExit(f"{definitions}: {answer['refused']}")


def question(kind: str, chance: random.Random, maker: Maker, oracle: Oracle) -> dict[str, Any]:
    """What is asked, as a request and as what the oracle needs of it."""
    scope: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    if chance.random() < (1 if kind == "list" else 0.7):
        condition = maker.condition(chance.randint(0, 3))
        scope["sql"], asked["filter"] = condition.sql, condition.source
    if chance.random() < 0.15:
        scope["project"] = asked["project"] = oracle.rows[0]["record.project"]
    fields = oracle.table.fields
    single = [name for name in fields if "list" not in oracle.table.types[name]]
    if kind == "query":
        sort = [chance.choice(("", "-")) + name for name in chance.sample(single, chance.randint(1, 3))]
        body = {"fields": chance.sample(fields, chance.randint(1, 6)), "sort": sort, "offset": chance.choice((0, 0, 3, 50)), "limit": chance.choice((1, 7, 1000))}
        return {"scope": scope, "sort": sort, "body": body, "request": ("POST", "/api/query", {**asked, **body}, None)}
    if kind == "list":
        return {"scope": scope, "request": ("GET", "/api/runs", None, {**asked, "sort": "-id", "limit": 1000})}
    if kind == "aggregate":
        body = {"group_by": chance.sample(fields, chance.randint(0, 3)), "values": chance.sample(fields, chance.randint(1, 3))}
        return {"scope": scope, "body": body, "request": ("POST", "/api/aggregate", {**asked, **body}, None)}
    if kind == "histogram":
        body = {"field": chance.choice(maker.numeric if chance.random() < 0.8 else fields), "bins": chance.randint(1, 30)}
        if chance.random() < 0.4:
            low = chance.choice((-1.0, 0.0, chance.uniform(-5, 5)))
            body["range"] = [low, low + chance.choice((1.0, 3.0, chance.uniform(0.1, 100)))]
        return {"scope": scope, "body": body, "request": ("POST", "/api/histogram", {**asked, **body}, None)}
    if kind == "evaluate":
        term = maker.arithmetic(chance.randint(1, 4)) if chance.random() < 0.8 else maker.condition(2)
        return {"scope": scope, "term": term, "request": ("POST", "/api/evaluate", {**asked, "expression": term.source, "limit": 10_000}, None)}
    if kind == "values":
        values = {"field": chance.choice(maker.textual if chance.random() < 0.7 else single), "limit": chance.choice((1, 5, 1000))}
        if chance.random() < 0.4:
            values["search"] = chance.choice(("a", "A", "É", "run", "\\", "%"))
            values["field"] = chance.choice(maker.textual)
        return {"scope": scope, **values, "request": ("GET", "/api/fields/values", None, {**asked, **values})}
    return {"scope": scope, "request": ("GET", f"/api/{kind}", None, asked)}


def main(url: str, token: str, store: str, seed: str, count: str) -> None:
    chance = random.Random(int(seed))
    server = Server(url, token)
    oracle = Oracle(read_store(Path(store)))
    define_derived(server, oracle, chance)
    maker = Maker(chance, oracle.table)
    asked = dict.fromkeys(SHARES, 0)
    differences = []
    selective = 0
    for kind in chance.choices(list(SHARES), list(SHARES.values()), k=int(count)):
        one = question(kind, chance, maker, oracle)
        answer = server.ask(*one["request"])
        asked[kind] += 1
        problems = [f"refused: {answer['refused']}"] if "refused" in answer else list(getattr(oracle, f"check_{kind}")(one, answer))
        selective += 0 < len(oracle.chosen(one["scope"])) < len(oracle.rows)
        differences += [f"{problem} | {json.dumps(one['request'], ensure_ascii=False)}" for problem in problems[:3]]
    json.dump({"runs": len(oracle.rows), "fields": len(oracle.table.fields), "asked": asked, "selective": selective, "differences": differences}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
