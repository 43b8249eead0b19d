"""Fixtures: run folders, and scripts as processes of their own."""

import json
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Optional

import pytest

from places import GENERATED, PYTHON, SCRIPTS
from reading import Attempt

RUN_ID = "run_0123456789abcdefg"


class Process:
    """A script that runs in a process of its own, with what it printed."""

    def __init__(self, command: List[str], env: Dict[str, str], cwd: str, log: str) -> None:
        self._log = log
        with open(log, "ab") as file:
            self.popen = subprocess.Popen(command, env=env, cwd=cwd, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def output(self) -> str:
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait(self, timeout: float = 60) -> int:
        return self.popen.wait(timeout)

    def until(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        """Wait for ``condition`` while the process lives. @raises AssertionError"""
        deadline = time.monotonic() + timeout
        while not condition():
            assert self.popen.poll() is None, "ended with %s:\n%s" % (self.popen.returncode, self.output)
            assert time.monotonic() < deadline, "not in time:\n%s" % self.output
            time.sleep(0.02)

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


class Launch:
    """Starts scripts as the launcher would: in an attempt's folder, with the hook in front."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.run_dir = os.path.join(folder, "run")
        os.makedirs(self.run_dir)
        self._started: List[Process] = []

    def __call__(
        self,
        *command: str,
        attempt: int = 1,
        hook: bool = True,
        launched: bool = True,
        env: Optional[Dict[str, str]] = None,
        python: Optional[List[str]] = None,
    ) -> Process:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("TRAINYARD_", "RANK", "LOCAL_RANK"))}
        path = ([os.path.join(PYTHON, "trainyard", "_hook")] if hook else []) + [PYTHON]
        environ.update({"PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"})
        environ.update({"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})
        if launched:
            os.makedirs(os.path.join(self.run_dir, "attempts", str(attempt)), exist_ok=True)
            environ.update({"TRAINYARD_RUN_DIR": self.run_dir, "TRAINYARD_RUN_ID": RUN_ID, "TRAINYARD_ATTEMPT": str(attempt)})
        environ.update(env or {})
        started = Process((python or [sys.executable]) + list(command), environ, self.folder, os.path.join(self.folder, "log"))
        self._started.append(started)
        return started

    def code(self, source: str, *arguments: str, **options: Any) -> Process:
        """A script given by its text."""
        path = os.path.join(self.folder, "script%d.py" % len(self._started))
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        return self(path, *arguments, **options)

    def ok(self, *command: str, **options: Any) -> Process:
        """Run to the end, which must be a good one."""
        process = self(*command, **options)
        assert process.wait() == 0, process.output
        return process

    def attempt(self, number: int = 1) -> Attempt:
        return Attempt(self.run_dir, number)

    def ask_to_stop(self, attempt: int = 1) -> None:
        """Write stop.json as the server does."""
        path = os.path.join(self.run_dir, "attempts", str(attempt), "stop.json")
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            request = {"requested_at": "2026-01-31T12:00:00.000Z", "by": "user", "reason": "test", "grace_seconds": 60, "force": False}
            json.dump(request, file)
        os.replace(path + ".tmp", path)

    def close(self) -> None:
        for process in self._started:
            process.close()


@pytest.fixture(scope="session")
def launcher() -> Any:
    """For fixtures that outlive one test: makes a ``Launch`` in a folder."""
    return Launch


@pytest.fixture
def launch(tmp_path: Any) -> Any:
    starter = Launch(str(tmp_path))
    yield starter
    starter.close()


@pytest.fixture
def script() -> Callable[[str], str]:
    """Path of a script in tests/scripts."""
    return lambda name: os.path.join(SCRIPTS, name + ".py")


@pytest.fixture(scope="session")
def valid() -> Callable[[str, Any], None]:
    """Check a document against a schema generated from protocol/. @raises jsonschema.ValidationError"""
    from jsonschema import Draft202012Validator

    def check(shape: str, document: Any) -> None:
        with open(os.path.join(GENERATED, shape + ".schema.json"), encoding="utf-8") as file:
            Draft202012Validator(json.load(file)).validate(document)

    return check
