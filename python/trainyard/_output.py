"""
Keeps a full disk from ending a training through its own ``print``: stdout and stderr of a launched process go straight to the attempt's
``log``, and Python raises OSError when that write finds no room.
"""

import atexit
import contextlib
import errno
import io
import os
import sys
from typing import Any, Optional

from ._metric_file import DISK_FULL

_STREAMS = (("stdout", 1), ("stderr", 2))


def survive_full_disk(log: str) -> None:
    """
    From here on what finds no room is left out, and one line says how much once there is room again. Streams that do not go to ``log``,
    or that somebody has replaced already, stay as they are.

    :param log: the file that the launcher gave this process as its output
    """
    try:
        place = os.stat(log)
        for name, fd in _STREAMS:
            stream = getattr(sys, name)
            if isinstance(getattr(stream.buffer, "raw", stream.buffer), _PatientFile):
                continue
            if not isinstance(stream, io.TextIOWrapper) or stream.fileno() != fd or not os.path.samestat(os.fstat(fd), place):
                continue
            stream.flush()
            raw = _PatientFile(fd, "wb", closefd=False)
            patient = io.TextIOWrapper(
                # As Python itself does under PYTHONUNBUFFERED: no buffer between text and file.
                raw if stream.write_through else io.BufferedWriter(raw),  # type: ignore[arg-type]
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            # Python's own stream stays open behind it: whoever kept it (a log handler) goes on writing there.
            setattr(sys, name, patient)
            # The last lines of a training may be what was left out, and no later write would say so.
            atexit.register(raw.say_what_is_missing)
    except (OSError, ValueError, AttributeError):
        pass  # A stream without a file behind it.


class _PatientFile(io.FileIO):
    """A file that takes everything: what a full disk refuses is counted."""

    _lost = 0

    def write(self, data: Any) -> Optional[int]:
        rest = memoryview(data)
        try:
            self._note_the_gap()
            while rest:
                # A disk takes what fits and says so: the next try then finds no room at all.
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            self._lost += len(rest)
        return len(data)

    def say_what_is_missing(self) -> None:
        """The note that a later write would bring; nothing when nothing is missing or there is still no room."""
        with contextlib.suppress(OSError, ValueError):
            self._note_the_gap()

    def _note_the_gap(self) -> None:
        """:raises OSError: no room for the note"""
        if not self._lost:
            return
        note = b"\n[trainyard: %d bytes of output are missing here: the disk was full]\n" % self._lost
        if (super().write(note) or 0) < len(note):
            raise OSError(errno.ENOSPC, "no room for all of it")
        self._lost = 0
