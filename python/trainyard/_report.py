"""Writer of ``report.jsonl``: what the process says besides numbers, one strict JSON object per line (protocol/report.ts)."""

import os
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, List

from . import _json

_PENDING_LINES = 10_000
_RECENT_BYTES = 65_536


class Report:
    """
    Appends records at once, from any thread, so that a checkpoint is known the moment it is written.
    When the disk is full the lines wait in memory (bounded) and ``retry`` writes them later.

    :raises OSError: the file cannot be opened
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # Reentrant: a signal handler may report while the main thread does.
        self._lock = threading.RLock()
        self._pending: Deque[bytes] = deque(maxlen=_PENDING_LINES)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._fd = os.open(path, flags, 0o644)
        self._busy = False
        self._cut_torn_line()
        self._size = os.fstat(self._fd).st_size

    def _cut_torn_line(self) -> None:
        """A process that was killed while it wrote leaves half a line; the next record must not be glued to it."""
        size = os.fstat(self._fd).st_size
        end = size
        while end > 0:
            start = max(0, end - _RECENT_BYTES)
            os.lseek(self._fd, start, os.SEEK_SET)
            chunk = os.read(self._fd, end - start)
            newline = chunk.rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            os.ftruncate(self._fd, end)

    def add(self, type: str, **fields: Any) -> None:
        """Append one record with the current time. Values must be JSON already, see ``_json``."""
        record: Dict[str, Any] = {"type": type, "time": time.time()}
        record.update(fields)
        line = (_json.dumps(record) + "\n").encode("utf-8", "replace")
        with self._lock:
            self._pending.append(line)
            self.retry()

    def retry(self) -> bool:
        """Write the lines that wait; False when some still do. Never raises OSError."""
        with self._lock:
            if self._fd < 0:
                return False
            if self._busy:  # entered again from a signal handler: the outer call writes our line too
                return True
            self._busy = True
            try:
                while self._pending:
                    if not self._append(self._pending[0]):
                        return False
                    self._pending.popleft()
                return True
            finally:
                self._busy = False

    def _append(self, line: bytes) -> bool:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                pass
            return False
        self._size += len(line)
        return True

    @property
    def waiting(self) -> List[bytes]:
        """Lines that are not on disk."""
        return list(self._pending)

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
