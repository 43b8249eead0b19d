"""The reading API against run folders that the SDK itself wrote, and against the rule of joined curves told in the plainest way."""

import json
import math
import os
import random
import struct
from typing import Any, Dict, List, Optional, Tuple

import pytest

import trainyard
from trainyard.reading import FilterError

RUNS = ["run_%017d" % number for number in range(1, 4)]


def _write(folder: str, record: Dict[str, Any], attempts: List[Dict[str, Any]], params: Optional[Dict[str, Any]] = None) -> None:
    for number, attempt in enumerate(attempts, 1):
        place = os.path.join(folder, "attempts", str(number))
        os.makedirs(place)
        data = [b"TYMETRIC", struct.pack("<II", 1, 0)]
        sets: Dict[Tuple[str, ...], int] = {}
        for time, step, values in attempt["rows"]:
            names = tuple(values)
            if names not in sets:
                sets[names] = len(sets)
                body = struct.pack("<II", len(names), 0) + b"".join(struct.pack("<H", len(n.encode())) + n.encode() for n in names)
                body += b"\0" * (-len(body) % 8)
                data.append(struct.pack("<IHH", 8 + len(body), 0x5901, sets[names]) + body)
            data.append(struct.pack("<IHH", 24 + 8 * len(names), 0x5902, sets[names]) + struct.pack("<%dd" % (2 + len(names)), time, step, *values.values()))
        with open(os.path.join(place, "metrics.bin"), "wb") as file:
            file.write(b"".join(data) + attempt.get("tail", b""))
        resumed = attempt.get("resumed")
        kind = attempt.get("kind", "start")
        with open(os.path.join(place, "attempt.json"), "w") as file:
            json.dump({"number": number, "kind": kind, "resumed_from": None if resumed is None else {"step": resumed}}, file)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "resolved.json"), "w") as file:
        json.dump({"params": params or {}}, file)
    with open(os.path.join(folder, "run.json"), "w") as file:
        json.dump({"version": 1, "state": "completed", "tags": [], "attempt": len(attempts), **record}, file)


def _store(path: Any) -> str:
    root = str(path / "store")
    rows = [(1000.0 + step, float(step), {"loss": 1 / (step + 1), "odd \u00fc": float("nan")}) for step in range(10)]
    _write(
        os.path.join(root, "demo", "runs", RUNS[0]),
        {"id": RUNS[0], "name": "first", "tags": ["baseline"], "created_at": "2026-01-01T00:00:00Z", "seed": 1},
        [{"rows": rows, "tail": b"\0" * 40}, {"rows": [(5000.0, 6.0, {"loss": -0.0})], "resumed": 4}],
        {"lr": 0.1, "deep": {"on": True}},
    )
    _write(os.path.join(root, "demo", "runs", RUNS[1]), {"id": RUNS[1], "name": "second"}, [{"rows": rows[:3]}], {"lr": 0.2})
    _write(os.path.join(root, "other", "runs", RUNS[2]), {"id": RUNS[2], "name": "third"}, [])
    with open(os.path.join(root, "demo", "project.json"), "w") as file:
        json.dump({"derived": {"double": "derived.half * 4", "half": "metrics.loss / 2"}}, file)
    return root


def test_runs_curves_and_params(tmp_path: Any) -> None:
    store = trainyard.open(_store(tmp_path))
    assert store.projects() == ["demo", "other"]
    assert [run.id for run in store.runs()] == RUNS[::-1]
    run = store.run("first")
    assert run.params == {"lr": 0.1, "deep": {"on": True}} and run.tags == ["baseline"]
    curve = run.metric("loss")
    # The second attempt went on from step 4: what came after it is replaced.
    assert list(curve.steps) == [0, 1, 2, 3, 4, 6] and list(curve.attempts) == [1] * 5 + [2]
    assert math.copysign(1, curve.values[-1]) == -1
    assert len(run.metric("loss", attempt=1)) == 10 and len(run.metric("none")) == 0
    assert set(run.metrics("l*")) == {"loss"} and set(run.metrics()) == {"loss", "odd \u00fc"}
    summary = run.summary()["loss"]
    assert (summary.last, summary.last_step, summary.max, summary.max_step, summary.count) == (0, 6, 1, 0, 6)
    with pytest.raises(KeyError):
        store.run("nobody")
    with pytest.raises(FileNotFoundError):
        trainyard.open(str(tmp_path / "nothing"))


def test_filters(tmp_path: Any) -> None:
    store = trainyard.open(_store(tmp_path))

    def names(filter: str, project: Optional[str] = None) -> List[str]:
        return [run.name for run in store.runs(filter, project)]

    assert names("params.lr > 0.1") == ["second"]
    assert names('"baseline" in record.tags and params.deep.on') == ["first"]
    assert names("not (metrics.loss < 1)") == ["third"]
    assert names("derived.double = metrics.loss * 2", "demo") == ["second", "first"]
    assert names("record.created_at < '2026-02'") == ["first"]
    assert names("record.step = 2 or record.step = 6") == ["second", "first"]
    with pytest.raises(FilterError) as unknown:
        names("params.lr > 1 and metrics.nothing < 1")
    assert (unknown.value.start, unknown.value.end) == (18, 33)


def test_joined_curves_are_those_of_the_rule(tmp_path: Any) -> None:
    chance = random.Random(1)
    for case in range(150):
        attempts: List[Dict[str, Any]] = []
        for _ in range(chance.randint(1, 4)):
            rows = []
            for _ in range(chance.randint(0, 8)):
                metrics = {name: chance.random() for name in chance.sample(["a", "b", "_epoch"], chance.randint(1, 3))}
                rows.append((float(chance.randint(0, 5)), float(chance.randint(0, 12)), metrics))
            attempts.append({"rows": rows, "resumed": chance.choice([None, chance.randint(0, 10)])})
        folder = str(tmp_path / ("s%d" % case) / "p" / "runs" / RUNS[0])
        _write(folder, {"id": RUNS[0]}, attempts)
        run = trainyard.open(str(tmp_path / ("s%d" % case))).runs()[0]
        for name in ("a", "b"):
            curve = run.metric(name)
            found = list(zip(curve.steps, curve.times, curve.values, curve.attempts))
            assert found == _plainly(attempts, name), attempts


def _plainly(attempts: List[Dict[str, Any]], name: str) -> List[Tuple[float, float, float, int]]:
    cuts = []
    for attempt in attempts:
        first = next((step for _, step, values in attempt["rows"] if set(values) - {"_epoch"}), None)
        resumed = attempt["resumed"]
        cuts.append(math.inf if first is None else first if resumed is None else min(first, resumed + 1))
    points = []
    for index, attempt in enumerate(attempts):
        for time, step, values in attempt["rows"]:
            if name in values and all(step < cut for cut in cuts[index + 1 :]):
                points.append((step, time, values[name], index + 1))
    return sorted(points, key=lambda point: point[0])


def test_damage_is_passed_over(tmp_path: Any) -> None:
    root = _store(tmp_path)
    path = os.path.join(root, "demo", "runs", RUNS[1], "attempts", "1", "metrics.bin")
    with open(path, "rb") as file:
        content = file.read()
    row = 24 + 16
    with open(path, "wb") as file:
        file.write(content[:-row] + b"\xff" * 24 + content[-row:] + content[-row:-8])
    assert list(trainyard.open(root).run("second").metric("loss").steps) == [0, 1, 2]
    with open(path, "wb") as file:
        file.write(b"something else")
    with open(os.path.join(root, "other", "runs", RUNS[2], "run.json"), "w") as file:
        file.write("{ torn")
    store = trainyard.open(root)
    assert [run.name for run in store.runs()] == ["second", "first"]
    assert store.run("second").metric_names == []


def test_what_the_sdk_wrote_and_tables(tmp_path: Any) -> None:
    import subprocess
    import sys

    from places import PYTHON

    code = """
import trainyard
run = trainyard.init(project="p", name="n", params={"lr": 0.1}, store=%r)
run.plan(max_steps=10)
for step in range(1, 6):
    run.log({"loss": 1 / step}, step=step)
run.log_image("sample", [[0, 255]], step=3, dataformats="HW")
run.log_checkpoint(run.checkpoint_dir + "/step-5.pt", 5)
run.finish()
"""
    root = str(tmp_path / "made")
    os.makedirs(root)
    subprocess.run([sys.executable, "-c", code % root], check=True, env={**os.environ, "PYTHONPATH": PYTHON})
    store = trainyard.open(root)
    run = store.runs('record.state = "completed" and record.progress = 0.5 and record.step = 5 and params.lr = 0.1')[0]
    assert list(run.metric("loss").values) == [1 / step for step in range(1, 6)]
    assert [(one["name"], one["metadata"].get("step")) for one in run.artifacts()] == [("sample", 3)]
    assert [(one["name"], one["step"], one["exists"]) for one in run.checkpoints()] == [("step-5.pt", 5, False)]
    frame = run.to_pandas()
    assert list(frame.columns) == ["run", "metric", "attempt", "step", "time", "value"]
    assert list(frame["value"]) == [1 / step for step in range(1, 6)]
    assert run.to_arrow("loss").num_rows == 5
    assert store.to_pandas().loc[run.id, "params.lr"] == 0.1
