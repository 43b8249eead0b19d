"""SQLite's side of the benchmark `catalogue`: one row per run, a column per param and metric, indexes on what is asked.

``FILE ROUNDS``: FILE holds a run per line. Prints the medians in ms as JSON.
"""

import json
import sqlite3
import statistics
import sys
import time


def flat(params, prefix="p_"):
    for key, value in params.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def rows_of(file):
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            run = json.loads(line)
            row = {"name": run["name"], "state": run["state"], **dict(flat(run["params"]))}
            for key, (last, least) in run["metrics"].items():
                row["m_" + key] = last
                row["min_" + key] = least
            yield row


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
    for name in ("p_optim", "p_learning_rate", "m_loss", "min_eval/loss"):
        database.execute(f'CREATE INDEX "by {name}" ON runs ("{name}")')
    database.execute("ANALYZE")

    def page():
        found = database.execute(
            'SELECT name, state, p_optim, m_loss, "min_eval/loss" FROM runs WHERE p_optim = \'adamw\' AND m_loss < 2 '
            'ORDER BY "min_eval/loss" LIMIT 50'
        ).fetchall()
        total = database.execute("SELECT count(*) FROM runs WHERE p_optim = 'adamw' AND m_loss < 2").fetchone()
        assert len(found) == 50 and total[0] > 50

    def group():
        database.execute(
            'SELECT p_optim, p_learning_rate, count(*), avg("m_eval/loss"), '
            'avg("m_eval/loss" * "m_eval/loss") - avg("m_eval/loss") * avg("m_eval/loss") FROM runs GROUP BY 1, 2'
        ).fetchall()

    def fields():
        for name in names:
            database.execute(f'SELECT count("{name}"), min("{name}"), max("{name}") FROM runs').fetchone()

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
