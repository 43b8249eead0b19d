"""Starts recipes as the run server does: resolved.json in a run folder, then ``python -m trainyard.recipes run`` in a process of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from reading import Attempt

PYTHON_DIR = Path(__file__).resolve().parents[2]
EXAMPLES = PYTHON_DIR.parent / "examples"
RUN_ID = "run_0123456789abcdefg"


def environment(**more: str) -> Dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRAINYARD_")}
    path = os.pathsep.join([str(PYTHON_DIR / "trainyard" / "_hook"), str(PYTHON_DIR)])  # tracking is on by default
    environ.update(PYTHONPATH=path, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="", PYTHONUNBUFFERED="1", **more)
    return environ


def run_variables(folder: Path, attempt: int) -> Dict[str, str]:
    return {"TRAINYARD_RUN_DIR": str(folder), "TRAINYARD_RUN_ID": RUN_ID, "TRAINYARD_ATTEMPT": str(attempt)}


def recipes(*arguments: str, stdin: str = "", cwd: Optional[Path] = None) -> "subprocess.CompletedProcess[str]":
    """``python -m trainyard.recipes`` with its output."""
    command = [sys.executable, "-m", "trainyard.recipes", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment(), cwd=cwd, timeout=60)


class RecipeRun:
    """One run folder; each call of ``start`` is an attempt."""

    def __init__(self, folder: Path, cwd: Path) -> None:
        self.folder = folder
        self.cwd = cwd
        self.attempts = 0

    def prepare(self, recipe: str, params: Dict[str, Any], resume_from: Optional[Dict[str, Any]] = None, seed: Optional[int] = 3) -> None:
        """Writes what the run server writes before it starts an attempt."""
        self.attempts += 1
        attempt_dir = self.folder / "attempts" / str(self.attempts)
        attempt_dir.mkdir(parents=True)
        resolved = {
            "run": RUN_ID,
            "recipe": recipe,
            "params": params,
            "sources": {},
            "seed": seed,
            "run_dir": str(self.folder),
            "checkpoint_dir": str(self.folder / "checkpoints"),
            "artifact_dir": str(self.folder / "artifacts"),
            "resume_from": resume_from,
            "extra": {},
        }
        (self.folder / "resolved.json").write_text(json.dumps(resolved))

    def start(self, recipe: str, params: Dict[str, Any], through: Sequence[str] = (), **options: Any) -> "subprocess.Popen[bytes]":
        """``through``: a command that runs the one which is put behind it."""
        self.prepare(recipe, params, **options)
        env = environment(**run_variables(self.folder, self.attempts))
        with open(self.folder / "attempts" / str(self.attempts) / "log", "wb") as log:
            command = [*through, sys.executable, "-m", "trainyard.recipes", "run"]
            return subprocess.Popen(command, env=env, cwd=self.cwd, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def run(self, recipe: str, params: Dict[str, Any], expect: int = 0, **options: Any) -> Attempt:
        """To the end, which must have the expected exit status."""
        process = self.start(recipe, params, **options)
        try:
            assert process.wait(240) == expect, self.log()
        finally:
            process.kill()
        return self.attempt()

    def attempt(self) -> Attempt:
        return Attempt(str(self.folder), self.attempts)

    def log(self) -> str:
        return (self.folder / "attempts" / str(self.attempts) / "log").read_text(errors="replace")

    def checkpoint(self, step: int) -> Path:
        return self.folder / "checkpoints" / "checkpoint-{}".format(step)

    def resume(self, step: int, mode: str) -> Dict[str, Any]:
        return {"path": str(self.checkpoint(step)), "step": step, "mode": mode}


class Observed(NamedTuple):
    """A run that was trained under the eyes of ``witness.py``."""

    run: RecipeRun
    #: What reached the trainer.
    inside: Dict[str, Any]


def run_observed(root: Path, cwd: Path, cases: Mapping[str, Tuple[str, Dict[str, Any]]]) -> Dict[str, Observed]:
    """Trains each case (recipe, params) to its end, all in one process."""
    runs = {name: RecipeRun(root / name, cwd) for name in cases}
    for name, (recipe, params) in cases.items():
        runs[name].prepare(recipe, params)
    command = [sys.executable, str(Path(__file__).parent / "witness.py"), *(str(run.folder) for run in runs.values())]
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "forecast")]
    env = environment()
    env["PYTHONPATH"] = os.pathsep.join([str(PYTHON_DIR), *here])
    result = subprocess.run(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=240)
    assert result.returncode == 0, result.stdout[-8000:]
    return {name: Observed(run, json.loads((run.folder / "witness.json").read_text())) for name, run in runs.items()}


def ask_to_stop(run: RecipeRun) -> None:
    """Writes stop.json as the server does, once the training runs."""
    attempt = run.attempt()
    deadline = time.monotonic() + 60
    while not (Path(attempt.dir) / "report.jsonl").exists() or not attempt.of("plan"):
        assert time.monotonic() < deadline, run.log()
        time.sleep(0.05)
    request = {"requested_at": "2026-01-31T12:00:00.000Z", "by": "user", "reason": "test", "grace_seconds": 60, "force": False}
    (Path(attempt.dir) / "stop.json.tmp").write_text(json.dumps(request))
    (Path(attempt.dir) / "stop.json.tmp").rename(Path(attempt.dir) / "stop.json")


def write_jsonl(path: Path, rows: List[Dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


#: A new model that trains in a moment.
TINY_MODEL = {
    "model_source": "new",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.06,
    "max_length": 32,
}
SMALL = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "logging_steps": 1, "use_cpu": True, "omp_threads": 1}
