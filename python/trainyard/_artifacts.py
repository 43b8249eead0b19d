"""Files that a run keeps: copied into its artifacts folder, or recorded where they lie when they are large."""

import os
import threading
from typing import Any, Callable, Dict, List

from ._quiet import warn_once

# Copied in the call itself: a few milliseconds.
INLINE_BYTES = 8 * 1024 * 1024
# Larger ones stay where they are and are recorded by their path.
COPY_BYTES = 1024 * 1024 * 1024
_MAX_FILES = 10_000

Announce = Callable[[str, str, str, Dict[str, Any]], None]


class Artifacts:
    """
    :param folder: the run's artifacts folder
    :param announce: called with path, name, kind and metadata once the artifact is in its place
    """

    def __init__(self, folder: str, announce: Announce) -> None:
        self._folder = folder
        self._announce = announce
        self._copies: List[threading.Thread] = []

    def add(self, path: str, name: str, kind: str) -> None:
        """Keep the file or folder at ``path``. Up to INLINE_BYTES now, up to COPY_BYTES in the background, else by reference."""
        source = os.path.abspath(path)
        size = _size(source)
        if _inside(source, self._folder):
            self._announce(os.path.relpath(source, self._folder), name, kind, {"size_bytes": size})
        elif size > COPY_BYTES:
            self._announce(source, name, kind, {"size_bytes": size, "referenced": True})
        elif size <= INLINE_BYTES:
            self._copy(source, name, kind, size)
        else:
            thread = threading.Thread(target=self._copy_quietly, args=(source, name, kind, size), name="trainyard-artifact", daemon=True)
            self._copies.append(thread)
            thread.start()

    def wait(self, timeout: float) -> bool:
        """Let background copies finish; False when some did not within ``timeout`` seconds."""
        for thread in self._copies:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._copies)

    def _copy_quietly(self, source: str, name: str, kind: str, size: int) -> None:
        try:
            self._copy(source, name, kind, size)
        except Exception as error:
            warn_once("the artifact %s could not be copied: %s" % (source, error))

    def _copy(self, source: str, name: str, kind: str, size: int) -> None:
        import shutil

        relative = _safe_name(name)
        target = os.path.join(self._folder, relative)
        run_dir = os.path.dirname(self._folder)
        if not os.path.isdir(run_dir):  # moved or deleted under us: nothing is made in its old place
            raise OSError("the run folder %s is gone" % run_dir)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = "%s.%d.tmp" % (target, os.getpid())
        try:
            if os.path.isdir(source):
                shutil.copytree(source, temporary, symlinks=True)
            else:
                shutil.copy2(source, temporary)
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target)
            os.replace(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            if os.path.isfile(temporary):
                os.unlink(temporary)
            raise
        self._announce(relative.replace(os.sep, "/"), name, kind, {"size_bytes": size})


def _size(path: str) -> int:
    """Bytes of a file or a whole folder. @raises OSError: nothing is there"""
    if not os.path.isdir(path):
        return os.stat(path).st_size
    total = 0
    files = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
            files += 1
        if files > _MAX_FILES:
            # Too many to copy; say that it is too large.
            return max(total, COPY_BYTES + 1)
    return total


def _inside(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([os.path.realpath(path), os.path.realpath(folder)]) == os.path.realpath(folder)
    except ValueError:
        return False


def _safe_name(name: str) -> str:
    """``name`` as a relative path that stays in the artifacts folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return os.path.join(*parts) if parts else "artifact"
