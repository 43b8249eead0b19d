"""MLflow's side of the benchmark `catalogue`, where it is installed: ``MlflowClient.search_runs`` over the same runs in its own SQLite store.

``FILE ROUNDS``: FILE holds a run per line, as one flat object. Prints the median in ms as JSON, or ``null`` without MLflow.
"""

import json
import os
import sqlite3
import sys
import tempfile
import uuid

from sqlite_runs import median_ms, rows_of

try:
    import mlflow
    from mlflow.tracking import MlflowClient
except ImportError:
    mlflow = None

CHUNK = 20_000


def split(row):
    """The params and metrics of a run, under the names that they were logged with."""
    params = {key[2:]: str(value) for key, value in row.items() if key.startswith("p_")}
    metrics = {key[2:]: value for key, value in row.items() if key.startswith("m_")}
    metrics.update({"min " + key[4:]: value for key, value in row.items() if key.startswith("min_")})
    return params, metrics


def row_like(database, table, run):
    """The columns of a row that MLflow wrote of the run, and their values."""
    database.row_factory = sqlite3.Row
    row = database.execute(f"SELECT * FROM {table} WHERE run_uuid = ? LIMIT 1", [run]).fetchone()
    database.row_factory = None
    return dict(zip(row.keys(), row))


def insert(database, table, like, changes):
    """Rows that are like one that MLflow wrote itself, but for some columns: logging each run by its client would take minutes."""
    names = list(like)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    rows = ([{**like, **change}[name] for name in names] for change in changes)
    database.executemany(statement, rows)


def fill(file, database_file, client, experiment):
    rows = rows_of(file)
    first = next(rows)
    params, metrics = split(first)
    run = client.create_run(experiment).info.run_id
    for key, value in params.items():
        client.log_param(run, key, value)
    for key, value in metrics.items():
        client.log_metric(run, key, value)
    client.set_terminated(run)
    database = sqlite3.connect(database_file)
    likes = {table: row_like(database, table, run) for table in ("runs", "params", "latest_metrics")}
    with database:
        while True:
            chunk = [(uuid.uuid4().hex, *split(row)) for _, row in zip(range(CHUNK // 50), rows)]
            if not chunk:
                break
            insert(database, "runs", likes["runs"], ({"run_uuid": key} for key, _, _ in chunk))
            insert(
                database,
                "params",
                likes["params"],
                ({"run_uuid": key, "key": name, "value": value} for key, of, _ in chunk for name, value in of.items()),
            )
            insert(
                database,
                "latest_metrics",
                likes["latest_metrics"],
                ({"run_uuid": key, "key": name, "value": value} for key, _, of in chunk for name, value in of.items()),
            )
        database.execute("ANALYZE")
    database.close()


def main():
    file, rounds = sys.argv[1], int(sys.argv[2])
    if mlflow is None:
        print("null")
        return
    with tempfile.TemporaryDirectory(prefix="trainyard-bench-") as folder:
        database_file = os.path.join(folder, "mlflow.db")
        client = MlflowClient(tracking_uri="sqlite:///" + database_file)
        experiment = client.create_experiment("bench", artifact_location=folder)
        fill(file, database_file, client, experiment)

        def page():
            found = client.search_runs(
                [experiment],
                filter_string="params.optim = 'adamw' and metrics.loss < 2",
                order_by=["metrics.`min eval/loss` ASC"],
                max_results=50,
            )
            assert len(found) == 50

        print(json.dumps({"what": f"MLflow {mlflow.__version__}, search_runs", "page_ms": median_ms(rounds, page)}))


if __name__ == "__main__":
    main()
