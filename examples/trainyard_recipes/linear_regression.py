"""A recipe of one's own: fits a line to the points of a CSV file by gradient descent, with the standard library alone.

It shows all that a recipe can do: a form with sections and presets, a check before the start, metrics, checkpoints, resume, fork and a
graceful stop.
"""

import csv
import json
import random
from pathlib import Path

from trainyard.adapters.base import BaseAdapter, Field, Preset, Section, resolve_path


class LinearRegression(BaseAdapter):
    id = "linear-regression"
    title = "Linear regression"
    description = "Fits y = slope · x + intercept to the columns x and y of a CSV file."
    resumable = True
    sections = (Section("data", "Data"), Section("training", "Training", "Length and step size."))
    fields = {
        "points": Field("string", "Points", "CSV file with the columns x and y.", "data", required=True, path="file", path_must_exist=True),
        "steps": Field("integer", "Steps", "Passes over the points.", "training", default=200, minimum=1, usual=(50, 5000)),
        "learning_rate": Field("number", "Learning rate", "Size of a step.", "training", default=0.05, exclusive_minimum=0, usual=(0.001, 0.2)),
        "save_every": Field("integer", "Save every", "Steps between checkpoints.", "training", default=50, minimum=1, unit="steps"),
    }
    presets = {"quick": Preset("Quick", {"steps": 20, "save_every": 10})}

    def check(self, params, base_dir, report):
        try:
            report.facts["points"] = len(read_points(resolve_path(params["points"], base_dir)))
        except ValueError as error:
            report.error("points", str(error), "The file needs a header with x and y, and numbers below it.")

    def train(self, context):
        params = context.params
        points = read_points(resolve_path(params["points"], Path.cwd()))
        numbers = random.Random(context.seed)
        state = {"step": 0, "slope": numbers.gauss(0, 1), "intercept": numbers.gauss(0, 1)}
        if context.resume_from is not None:
            saved = json.loads((Path(context.resume_from.path) / "state.json").read_text())
            # A fork from weights keeps the fitted line and counts its steps anew.
            state = saved if context.resume_from.mode == "state" else {**saved, "step": 0}

        run = context.run
        run.plan(max_steps=params["steps"], first_step=state["step"])
        while state["step"] < params["steps"]:
            loss = descend(state, points, params["learning_rate"])
            run.log({"train/loss": loss, "slope": state["slope"], "intercept": state["intercept"]}, step=state["step"])
            stopping = run.should_stop()
            if stopping or state["step"] % params["save_every"] == 0 or state["step"] == params["steps"]:
                save(context, state, loss, final=stopping)
            if stopping:
                return False
        context.model_dir.mkdir(parents=True, exist_ok=True)
        (context.model_dir / "line.json").write_text(json.dumps({"slope": state["slope"], "intercept": state["intercept"]}))
        run.log_artifact(str(context.model_dir), name="model", kind="model")
        return True


def read_points(path):
    """[(x, y)]; ValueError with the row that is no pair of numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"x", "y"} - set(reader.fieldnames or [])
        if missing:
            raise ValueError("{} lacks the column {}; it has: {}".format(path, " and ".join(sorted(missing)), ", ".join(reader.fieldnames or [])))
        points = []
        for number, row in enumerate(reader, 1):
            try:
                points.append((float(row["x"]), float(row["y"])))
            except (TypeError, ValueError):
                raise ValueError("{} row {}: x and y must be numbers, not {!r} and {!r}".format(path, number, row["x"], row["y"])) from None
    if not points:
        raise ValueError("{} holds no points".format(path))
    return points


def descend(state, points, learning_rate):
    """One step down the mean squared error; gives the error before it."""
    errors = [(state["slope"] * x + state["intercept"] - y, x) for x, y in points]
    state["slope"] -= learning_rate * 2 * sum(error * x for error, x in errors) / len(points)
    state["intercept"] -= learning_rate * 2 * sum(error for error, _ in errors) / len(points)
    state["step"] += 1
    return sum(error * error for error, _ in errors) / len(points)


def save(context, state, loss, final):
    folder = context.checkpoint_dir / "checkpoint-{}".format(state["step"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_text(json.dumps(state))
    context.run.log_checkpoint(str(folder), state["step"], framework="custom", metrics={"train/loss": loss}, final=final)
