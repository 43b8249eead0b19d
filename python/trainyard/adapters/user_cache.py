"""Answers that take long to find, kept as JSON files in the user's cache folder. Losing them costs time and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Optional


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/trainyard``, or where the system keeps such things."""
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return (Path(base) if base else Path.home() / ".cache") / "trainyard"


def recall(kind: str, key: Any, seconds: Optional[float] = None) -> Optional[Any]:
    """What was kept under a key (any JSON value), unless it is older than ``seconds``; None when there is nothing that can be read."""
    try:
        path = _path(kind, key)
        if seconds is not None and not 0 <= time.time() - path.stat().st_mtime <= seconds:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no home folder
        return None


def keep(kind: str, key: Any, value: Any) -> None:
    """Whole or not at all: another process may read at any time. A folder that cannot be written is no mistake of the user's."""
    try:
        path = _path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            json.dump(value, file)
        os.replace(file.name, path)
    except (OSError, RuntimeError):
        return


def _path(kind: str, key: Any) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return cache_folder() / kind / (digest[:32] + ".json")
