"""MLflow's side of the benchmark `catalogue`: the same runs in its SQLite store, asked through its own client.

``FILE ROUNDS``: FILE holds a run per line. Prints the medians in ms as JSON, or ``null`` where MLflow is not installed.
"""

import importlib.metadata
import json
import logging
import sys
import tempfile

from sqlite_runs import flat, median_ms


def store_runs(client, experiment, file):
    """Through the public client, as a training would: about 20 ms a run."""
    from mlflow.entities import Metric, Param

    with open(file, encoding="utf-8") as lines:
        for line in lines:
            run = json.loads(line)
            own = client.create_run(experiment, run_name=run["name"])
            params = [Param(key, str(value)) for key, value in flat(run["params"], "")]
            metrics = [Metric(key, last, 0, 0) for key, (last, _) in run["metrics"].items()]
            client.log_batch(own.info.run_id, metrics=metrics, params=params)


def main():
    file, rounds = sys.argv[1], int(sys.argv[2])
    try:
        version = importlib.metadata.version("mlflow")
    except importlib.metadata.PackageNotFoundError:
        print("null")
        return
    from mlflow.tracking import MlflowClient

    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("bench", artifact_location=folder)
        store_runs(client, experiment, file)

        def page():
            found = client.search_runs(
                [experiment],
                "params.optim = 'adamw' and metrics.loss < 2",
                order_by=["metrics.`eval/loss` ASC"],
                max_results=50,
            )
            assert len(found) == 50

        print(json.dumps({"what": f"MLflow {version}, search_runs over SQLite", "page_ms": median_ms(rounds, page)}))


if __name__ == "__main__":
    main()
