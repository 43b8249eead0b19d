"""
Writer of ``metrics.bin``: append-only wide binary records (protocol/metric-file.ts, docs/run-folder.md).

Little-endian, every record a multiple of 8 bytes:
header ``TYMETRIC`` u32 version u32 0; SET record u32 length u16 0x5901 u16 set u32 count u32 0 (u16 bytes, UTF-8 name)*;
ROW record u32 length u16 0x5902 u16 set f64 ms f64 step f64*count.
"""

import errno
import os
import struct
from typing import Any, Deque, Dict, List, Optional, Sequence, Tuple
from collections import deque

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MAGIC = b"TYMETRIC"
VERSION = 1
FILE_HEADER_BYTES = 16
KIND_SET = 0x5901
KIND_ROW = 0x5902
MAX_SETS = 65_535
_MAX_NAME_BYTES = 65_535

# Rows kept in memory while the disk takes none.
BACKLOG_BYTES = 16 * 1024 * 1024

_RECORD = struct.Struct("<IHH")
_SCAN_BYTES = 4 * 1024 * 1024
# The disk has no room for us now; more may come. Everything else is tried again too, but these have a name for the user.
DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}


class Occupied(Exception):
    """Another living process writes this file."""


class NotOurs(Exception):
    """The file is no metric file of this version; it is left as it is."""


class MetricFile:
    """
    One attempt's metric file, open for appending by this process alone.

    A file that exists is cut back to its last whole record, and its sets are used again.

    :raises OSError: the file cannot be opened or read
    :raises Occupied: another process holds it
    :raises NotOurs: it has another magic or version
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # Names in their order -> (id, packer of a whole ROW record, length of that record)
        self._sets: Dict[Tuple[str, ...], Tuple[int, struct.Struct, int]] = {}
        self._next_set = 0
        self._new_sets = bytearray()
        self._rows = bytearray()
        self._row_count = 0
        # Batches that could not be written yet: (set records, row records, number of rows)
        self._backlog: Deque[Tuple[bytes, bytes, int]] = deque()
        self._backlog_bytes = 0
        self.dropped = 0
        # Half a record lies at the end and could not be cut off yet.
        self._torn = False
        # Why the last write failed, None when it went well.
        self.problem: Optional[OSError] = None
        self.last_step: Optional[float] = None
        self.rows_found = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._fd = os.open(path, flags, 0o644)
        try:
            self._lock()
            # Whole records end here; everything behind it is of a write that failed or was cut off.
            self._size = self._recover()
        except BaseException:
            os.close(self._fd)
            raise

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise Occupied(self.path) from error
            # A filesystem without locks: go on, as nearly always there is one writer.

    def _recover(self) -> int:
        size = os.fstat(self._fd).st_size
        head = _read_at(self._fd, 0, FILE_HEADER_BYTES)
        if len(head) < FILE_HEADER_BYTES:
            if not MAGIC.startswith(head[:8]):
                raise NotOurs("%s is no metric file" % self.path)
            os.ftruncate(self._fd, 0)
            self._new_sets += MAGIC + struct.pack("<II", VERSION, 0)
            return 0
        if head[:8] != MAGIC:
            raise NotOurs("%s is no metric file" % self.path)
        (version,) = struct.unpack_from("<I", head, 8)
        if version != VERSION:
            raise NotOurs("%s has version %d of the metric file, this SDK writes %d" % (self.path, version, VERSION))
        whole = self._scan(size)
        if whole != size:
            os.ftruncate(self._fd, whole)
        return whole

    def _scan(self, size: int) -> int:
        """Read all records, learn the sets; the offset behind the last whole record."""
        offset = FILE_HEADER_BYTES
        counts: Dict[int, int] = {}
        while offset < size:
            chunk = _read_at(self._fd, offset, _SCAN_BYTES)
            at = 0
            while at + 8 <= len(chunk):
                length, kind, set_id = _RECORD.unpack_from(chunk, at)
                if length < 8 or length % 8 or offset + at + length > size:
                    return offset + at
                if at + length > len(chunk):
                    if at == 0:
                        # One record larger than a chunk: only a SET with a great many names.
                        chunk = _read_at(self._fd, offset, length)
                        if len(chunk) < length:
                            return offset
                        continue
                    break
                if kind == KIND_SET:
                    names = _parse_set(chunk[at : at + length])
                    if names is None:
                        return offset + at
                    counts[set_id] = len(names)
                    self._define(names, set_id)
                elif kind == KIND_ROW:
                    if counts.get(set_id) != (length - 24) // 8:
                        return offset + at
                    (self.last_step,) = struct.unpack_from("<d", chunk, at + 16)
                    self.rows_found += 1
                at += length
            if at == 0:
                break
            offset += at
        return min(offset, size)

    def _define(self, names: Tuple[str, ...], set_id: int) -> Tuple[int, struct.Struct, int]:
        entry = (set_id, struct.Struct("<IHH%dd" % (2 + len(names))), 24 + 8 * len(names))
        self._sets[names] = entry
        self._next_set = max(self._next_set, set_id + 1)
        return entry

    def add(self, time_ms: float, step: float, names: Tuple[str, ...], values: Sequence[Any]) -> None:
        """
        Pack one row into the batch of the next ``flush``.

        :raises struct.error, TypeError, OverflowError: a value is no number; nothing was added
        """
        entry = self._sets.get(names)
        if entry is None:
            entry = self._new_set(names)
            if entry is None:
                self._add_singly(time_ms, step, names, values)
                return
        self._rows += entry[1].pack(entry[2], KIND_ROW, entry[0], time_ms, step, *values)
        self._row_count += 1

    def knows(self, names: Tuple[Any, ...]) -> bool:
        """Has a set with these names, in this order, been defined?"""
        return names in self._sets

    def _new_set(self, names: Tuple[str, ...]) -> Optional[Tuple[int, struct.Struct, int]]:
        if self._next_set >= MAX_SETS:
            return None
        encoded = [_encode_name(name) for name in names]
        body = b"".join(struct.pack("<H", len(name)) + name for name in encoded)
        body += bytes(-len(body) % 8)
        entry = self._define(names, self._next_set)
        self._new_sets += struct.pack("<IHHII", 16 + len(body), KIND_SET, entry[0], len(names), 0) + body
        return entry

    def _add_singly(self, time_ms: float, step: float, names: Sequence[str], values: Sequence[Any]) -> None:
        """All set ids are taken: names that have a set of their own go there, the others are dropped and counted."""
        for name, value in zip(names, values):
            entry = self._sets.get((name,))
            if entry is None:
                self.dropped += 1
            else:
                self._rows += entry[1].pack(entry[2], KIND_ROW, entry[0], time_ms, step, value)
                self._row_count += 1

    def flush(self) -> bool:
        """Append what was packed. False when the disk refused: the rows wait in memory, up to a bound. Never raises."""
        if self._new_sets or self._rows:
            self._backlog.append((bytes(self._new_sets), bytes(self._rows), self._row_count))
            self._backlog_bytes += len(self._new_sets) + len(self._rows)
            self._new_sets.clear()
            self._rows.clear()
            self._row_count = 0
        while self._backlog:
            sets, rows, count = self._backlog[0]
            try:
                self._append(sets + rows)
            except OSError as error:
                self.problem = error
                self._bound_backlog()
                return False
            self._backlog.popleft()
            self._backlog_bytes -= len(sets) + len(rows)
        self.problem = None
        return True

    def _append(self, data: bytes) -> None:
        # Readers never take a torn record for a whole one, but the next record must begin where the last whole one ends.
        if self._torn:
            os.ftruncate(self._fd, self._size)
            self._torn = False
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            self._torn = True
            os.ftruncate(self._fd, self._size)
            self._torn = False
            raise
        self._size += len(data)

    def _bound_backlog(self) -> None:
        """Drop the oldest rows beyond the bound. Their set records stay: later rows are read by them."""
        kept: List[bytes] = []
        while self._backlog_bytes > BACKLOG_BYTES and self._backlog:
            sets, rows, count = self._backlog.popleft()
            self._backlog_bytes -= len(sets) + len(rows)
            self.dropped += count
            kept.append(sets)
        sets_only = b"".join(kept)
        if sets_only:
            self._backlog.appendleft((sets_only, b"", 0))
            self._backlog_bytes += len(sets_only)

    def take_dropped(self) -> int:
        """Rows given up since the last time this was asked."""
        count, self.dropped = self.dropped, 0
        return count

    @property
    def waiting(self) -> int:
        """Rows that are packed but not on disk."""
        return self._row_count + sum(count for _, _, count in self._backlog)

    def close(self) -> None:
        """Give the file back. What still waits is counted as dropped."""
        self.dropped += self.waiting
        self._backlog.clear()
        self._rows.clear()
        self._row_count = 0
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _encode_name(name: str) -> bytes:
    encoded = name.encode("utf-8", "replace")
    if len(encoded) > _MAX_NAME_BYTES:
        encoded = encoded[:_MAX_NAME_BYTES].decode("utf-8", "ignore").encode("utf-8")
    return encoded


def _parse_set(record: bytes) -> Optional[Tuple[str, ...]]:
    if len(record) < 16:
        return None
    (count,) = struct.unpack_from("<I", record, 8)
    names: List[str] = []
    at = 16
    for _ in range(count):
        if at + 2 > len(record):
            return None
        (length,) = struct.unpack_from("<H", record, at)
        at += 2
        if at + length > len(record):
            return None
        names.append(record[at : at + length].decode("utf-8", "replace"))
        at += length
    return tuple(names)


def _read_at(fd: int, offset: int, length: int) -> bytes:
    os.lseek(fd, offset, os.SEEK_SET)
    parts: List[bytes] = []
    while length > 0:
        part = os.read(fd, length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
