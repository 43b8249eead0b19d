"""SQLite's side of the benchmark `catalogue`: one row per run, a column per param and metric, indexes on what is asked.

``FILE ROUNDS``: FILE holds a run per line, as one flat object. Prints the medians in ms as JSON.
"""

import json
import os
import sqlite3
import statistics
import sys
import time

with open(os.path.join(os.path.dirname(__file__), "sqlite-questions.json"), encoding="utf-8") as questions:
    ASKED = json.load(questions)


def rows_of(file):
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def median_ms(rounds, work):
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    file, rounds = sys.argv[1], int(sys.argv[2])
    rows = rows_of(file)
    first = next(rows)
    names = list(first)
    columns = ", ".join(f'"{name}"' for name in names)
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE runs (id INTEGER PRIMARY KEY, {columns})")
    insert = f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(names))})"
    database.execute(insert, list(first.values()))
    database.executemany(insert, (list(row.values()) for row in rows))
    for name in ASKED["indexes"]:
        database.execute(f'CREATE INDEX "by {name}" ON runs ("{name}")')
    database.execute("ANALYZE")

    def page():
        found = database.execute(ASKED["page"]).fetchall()
        total = database.execute(ASKED["total"]).fetchone()
        assert len(found) == 50 and total[0] > 50

    def group():
        database.execute(ASKED["group"]).fetchall()

    def fields():
        for name in names:
            database.execute(ASKED["field"].replace("{}", name)).fetchone()

    print(
        json.dumps(
            {
                "what": f"SQLite {sqlite3.sqlite_version} from Python, table with indexes",
                "page_ms": median_ms(rounds, page),
                "fields_ms": median_ms(max(1, rounds // 5), fields),
                "group_ms": median_ms(max(1, rounds // 5), group),
            }
        )
    )


if __name__ == "__main__":
    main()
