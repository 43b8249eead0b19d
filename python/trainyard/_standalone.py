"""A run folder made by the script itself, when no server launched it. A server that looks later finds a run like any other."""

import json
import os
import platform
import re
import sys
import time
from typing import Any, Dict, List, NamedTuple, Optional

from . import _json, _snapshot
from ._memory import peak_rss

RUN_FOLDER_VERSION = 1
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Place(NamedTuple):
    """Where an attempt lives."""

    run_dir: str
    run_id: str
    attempt: int
    store: str
    project: str


def launched_place() -> Optional[Place]:
    """The attempt that launched this process, from its environment; None in a script that runs by itself."""
    run_dir = os.environ.get("TRAINYARD_RUN_DIR")
    if not run_dir:
        return None
    try:
        attempt = max(1, int(os.environ.get("TRAINYARD_ATTEMPT", "1")))
    except ValueError:
        attempt = 1
    return Place(
        run_dir=os.path.abspath(run_dir),
        run_id=os.environ.get("TRAINYARD_RUN_ID") or os.path.basename(os.path.normpath(run_dir)),
        attempt=attempt,
        store=os.environ.get("TRAINYARD_STORE", ""),
        project=os.environ.get("TRAINYARD_PROJECT", "default"),
    )


_VARIABLES = ("TRAINYARD_RUN_DIR", "TRAINYARD_RUN_ID", "TRAINYARD_ATTEMPT", "TRAINYARD_STORE", "TRAINYARD_PROJECT")


def export(place: Place) -> Dict[str, Optional[str]]:
    """
    Let child processes find the run instead of making folders of their own; they do not report while we do.

    :returns: what the variables were before, for ``withdraw``
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    for name, value in zip(_VARIABLES, (place.run_dir, place.run_id, str(place.attempt), place.store, place.project)):
        os.environ[name] = value
    return before


def withdraw(before: Dict[str, Optional[str]]) -> None:
    """Take back what ``export`` set."""
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def new_run_id(now: Optional[float] = None) -> str:
    """``run_`` and 17 characters of Crockford base32: 9 for the milliseconds, 8 random ones (protocol/ids.ts)."""
    import secrets

    rest = int((time.time() if now is None else now) * 1000)
    text = ""
    for _ in range(9):
        text = _ALPHABET[rest % 32] + text
        rest //= 32
    return "run_" + text + "".join(_ALPHABET[secrets.randbelow(32)] for _ in range(8))


def slug(text: str) -> str:
    """``text`` as a folder name (protocol: Slug)."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:80]
    return cleaned or "default"


def find_store(given: Optional[str]) -> str:
    """The store to write to: the one named, TRAINYARD_STORE, the nearest ``.trainyard`` above, or one made here."""
    named = given or os.environ.get("TRAINYARD_STORE")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    folder = os.getcwd()
    while True:
        candidate = os.path.join(folder, ".trainyard")
        if os.path.isdir(candidate):
            return candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return os.path.join(os.getcwd(), ".trainyard")
        folder = parent


def create(
    project: Optional[str],
    name: Optional[str],
    store: Optional[str],
    description: str,
    tags: List[str],
    seed: Optional[int],
    experiment: Optional[str] = None,
) -> Place:
    """
    Make a complete run folder with one running attempt: this process.

    :raises OSError: the store cannot be written
    """
    now = time.time()
    experiment = slug(str(experiment)) if experiment else None
    seed = int(seed) if seed is not None and abs(int(seed)) < 2**53 else None
    root = find_store(store)
    os.makedirs(root, exist_ok=True)
    _ignore_in_git(root)
    run_id = new_run_id(now)
    place = Place(os.path.join(root, slug(project or "default"), "runs", run_id), run_id, 1, root, slug(project or "default"))
    attempt_dir = os.path.join(place.run_dir, "attempts", "1")
    for folder in (attempt_dir, os.path.join(place.run_dir, "artifacts"), os.path.join(place.run_dir, "checkpoints")):
        os.makedirs(folder, exist_ok=True)

    git, patch = _snapshot.git(os.getcwd())
    if patch is not None:
        _json.write_text_atomic(os.path.join(place.run_dir, "git.patch"), patch)
    shown = (name or "").strip()[:200] or "%s %s" % (_script_name(), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)))
    _write_spec(place, shown, experiment, description, tags, seed)
    _json.write_atomic(os.path.join(attempt_dir, "attempt.json"), _attempt(now))
    _json.write_atomic(
        os.path.join(attempt_dir, "process.json"),
        {
            "process": _snapshot.process_identity(os.getpid()),
            "supervisor": None,
            "host": platform.node() or "unknown",
            "started_at": _json.instant(now),
        },
    )
    record = {
        "version": RUN_FOLDER_VERSION,
        "id": run_id,
        "project": place.project,
        "experiment": experiment,
        "name": shown,
        "description": description[:10_000],
        "notes": "",
        "tags": tags,
        "starred": False,
        "archived": False,
        "state": "running",
        "state_reason": None,
        "failure": None,
        "recipe": "script" if _script() else "command",
        "seed": seed,
        "parent": None,
        "attempt": 1,
        "created_at": _json.instant(now),
        "started_at": _json.instant(now),
        "ended_at": None,
        "origin": "sdk",
        "git": git,
        "environment": _snapshot.environment(),
    }
    # Last: a folder without run.json is no run, so nobody meets a half-made one.
    _json.write_atomic(os.path.join(place.run_dir, "run.json"), record)
    return place


def write_exit(place: Place, status: Optional[str], started: float, stopped: bool, code: Optional[int]) -> None:
    """exit.json of a run that has no supervisor. @raises OSError"""
    record = {
        "code": code if code is not None else (1 if status == "failed" else 0),
        "signal": None,
        "started_at": _json.instant(started),
        "ended_at": _json.instant(time.time()),
        "escalation": "graceful" if stopped else "none",
        "launch_error": None,
        "peak_rss_bytes": peak_rss(),
        "by": "sdk",
    }
    _json.write_atomic(os.path.join(place.run_dir, "attempts", str(place.attempt), "exit.json"), record)


def _ignore_in_git(root: str) -> None:
    try:
        with open(os.path.join(root, ".gitignore"), "x", encoding="ascii") as file:
            file.write("*\n")
    except FileExistsError:
        pass


def _script() -> Optional[str]:
    path = sys.argv[0] if sys.argv else ""
    return os.path.abspath(path) if path and os.path.isfile(path) else None


def _script_name() -> str:
    script = _script()
    return os.path.splitext(os.path.basename(script))[0] if script else "python"


def _attempt(now: float) -> Dict[str, Any]:
    return {
        "version": RUN_FOLDER_VERSION,
        "number": 1,
        "kind": "start",
        "resumed_from": None,
        "launcher": "none",
        "command": [sys.executable or "python"] + [str(argument) for argument in (sys.argv or [])],
        "cwd": os.getcwd(),
        "env": {},
        "python": sys.executable or None,
        "grace_seconds": 60,
        "created_at": _json.instant(now),
    }


def _write_spec(
    place: Place, name: str, experiment: Optional[str], description: str, tags: List[str], seed: Optional[int]
) -> None:
    """spec.yaml and resolved.json, as if the script had been launched, so that the run can be started again from the editor."""
    script = _script()
    recipe = "script" if script else "command"
    arguments = [str(argument) for argument in sys.argv[1:]]
    params: Dict[str, Any] = {"script": script} if script else {"command": [sys.executable or "python"]}
    spec: Dict[str, Any] = {"name": name, "project": place.project, "recipe": recipe, "params": params, "args": arguments}
    spec.update({"python": sys.executable or "python", "cwd": os.getcwd()})
    if experiment:
        spec["experiment"] = experiment
    if description:
        spec["description"] = description[:10_000]
    if tags:
        spec["tags"] = tags
    if seed is not None:
        spec["seed"] = seed
    # JSON values are YAML too.
    lines = ["# Written by the trainyard SDK: this run was started by hand."]
    lines += ["%s: %s" % (key, json.dumps(value)) for key, value in spec.items()]
    _json.write_text_atomic(os.path.join(place.run_dir, "spec.yaml"), "\n".join(lines) + "\n")
    resolved = {
        "run": place.run_id,
        "recipe": recipe,
        "params": params,
        "sources": {key: "script" for key in params},
        "seed": seed,
        "run_dir": place.run_dir,
        "checkpoint_dir": os.path.join(place.run_dir, "checkpoints"),
        "artifact_dir": os.path.join(place.run_dir, "artifacts"),
        "resume_from": None,
        "extra": {},
    }
    _json.write_atomic(os.path.join(place.run_dir, "resolved.json"), resolved)
