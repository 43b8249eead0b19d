"""Runs a script with ``--help``. This runs the user's code, so it happens only when it was asked for; it is bounded in time and output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Dict, List, NamedTuple, Optional

from trainyard.adapters.user_cache import keep, recall

#: A script has this long to print its help: imports of torch are among what it does first.
SECONDS = 10.0
_LARGEST = 256 * 1024
#: An answer is good while the script is the same, and for this long: what it imports may change too.
_KEEP_SECONDS, _KEEP_FAILURE_SECONDS = 600.0, 30.0


class Help(NamedTuple):
    text: str
    #: Why there is no text, as a sentence; None when there is.
    problem: Optional[str]


def ask_help(script: Path) -> Help:
    """What the script prints for ``--help``, in this interpreter and folder."""
    stat = script.stat()
    key = [sys.executable, str(script.absolute()), stat.st_mtime_ns, stat.st_size, os.getcwd()]
    known = recall("help", key, _KEEP_SECONDS)
    if known is None:
        known = recall("help-failed", key, _KEEP_FAILURE_SECONDS)
    if isinstance(known, list) and len(known) == 2:
        return Help(*known)
    answer = _run(script, SECONDS)
    keep("help" if answer.problem is None else "help-failed", key, list(answer))
    return answer


def _run(script: Path, seconds: float) -> Help:
    # No colours, no boxes, and as wide as can be: a line is then one option.
    plain = {"NO_COLOR": "1", "PYTHON_COLORS": "0", "TERM": "dumb", "COLUMNS": "400", "TYPER_USE_RICH": "0", "PYTHONIOENCODING": "utf-8"}
    environment: Dict[str, str] = {**os.environ, **plain}
    environment.pop("FORCE_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, str(script), "--help"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # A group of its own: whatever the script starts ends with it.
        start_new_session=True,
    )
    texts: List[bytes] = [b"", b""]
    readers = [threading.Thread(target=_read, args=(stream, texts, at), daemon=True) for at, stream in enumerate((process.stdout, process.stderr))]
    for reader in readers:
        reader.start()
    try:
        code: Optional[int] = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        code = None
    _end(process)
    for reader in readers:
        reader.join(timeout=1)
    text = texts[0].decode("utf-8", "replace")
    if code is None:
        return Help("", "{} --help did not end within {:g} s".format(script, seconds))
    if code != 0 and "usage:" not in text.lower():
        last = texts[1].decode("utf-8", "replace").strip().splitlines()[-1:]
        return Help("", "{} --help failed with exit status {}{}".format(script, code, "".join(": " + line.strip() for line in last)))
    return Help(text, None)


def _read(stream: Optional[IO[bytes]], texts: List[bytes], at: int) -> None:
    """Keeps the first part and reads the rest, so that the script is not held up by a full pipe."""
    if stream is None:
        return
    with stream:
        for chunk in iter(lambda: stream.read1(65_536), b""):  # type: ignore[attr-defined]
            if len(texts[at]) < _LARGEST:
                texts[at] += chunk


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, with all that it started
    process.wait()
