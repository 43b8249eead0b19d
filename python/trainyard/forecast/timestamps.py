"""Timestamps of candles as they occur in the wild, to milliseconds since the epoch. A time without a zone is UTC.

Which format a file has is decided from its first rows and then holds for all of it: a file that changes its format half way is damaged.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Callable, Dict, List, Sequence

#: Milliseconds since the epoch, or ValueError.
Parser = Callable[[str], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_NUMBER = re.compile(r"^\d+(\.\d+)?$")
_COMPACT_DAY = re.compile(r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
_YEAR_FIRST = re.compile(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
#: Formats with the day or the month first. Day-first and month-first cannot be told apart by every file.
_OTHERS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H:%M",
    "%Y%m%d",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y",
    "%b %d, %Y",
)
#: Below these a number counts seconds, milliseconds, microseconds (and beyond the last nanoseconds) for any year until 5138.
_SCALES = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3))


class AmbiguousFormat(ValueError):
    """More than one format fits, with different times."""

    def __init__(self, formats: Sequence[str]) -> None:
        super().__init__("the timestamps fit {}".format(" and ".join(formats)))
        self.formats = list(formats)


def find_parser(samples: Sequence[str], wanted: str = "auto") -> Parser:
    """
    The parser that all samples fit.

    :param samples: the first timestamps of a file, stripped
    :param wanted: ``auto`` or a format of ``datetime.strptime``
    :raises AmbiguousFormat: two formats fit and disagree
    :raises ValueError: none fits; the message quotes a sample
    """
    if wanted != "auto":
        return _strptime(wanted)
    if all(_COMPACT_DAY.match(text) for text in samples):
        return _strptime("%Y%m%d")
    if all(_NUMBER.match(text) for text in samples):
        return from_number
    if all(_YEAR_FIRST.match(text) for text in samples) and _fits(from_iso, samples):
        return from_iso
    fitting: Dict[str, List[int]] = {}
    for form in _OTHERS:
        parser = _strptime(form)
        if _fits(parser, samples):
            fitting[form] = [parser(text) for text in samples]
    if not fitting:
        raise ValueError("{!r} is no timestamp in a known format".format(samples[0]))
    if len({tuple(times) for times in fitting.values()}) > 1:
        rising = [form for form, times in fitting.items() if _rises(times)]
        if len(rising) != 1:
            raise AmbiguousFormat(list(fitting))
        return _strptime(rising[0])
    return _strptime(next(iter(fitting)))


def from_number(text: str) -> int:
    """Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size. @raises ValueError"""
    value = int(text) if text.isdigit() else float(text)
    for limit, factor in _SCALES:
        if value < limit:
            return round(value * factor)
    return round(value * 1e-6)


def from_iso(text: str) -> int:
    """``2024-01-31``, with ``/`` or ``.`` between the parts, with ``T`` or a blank before the time, with ``Z``, ``UTC`` or an offset. @raises ValueError"""
    head, separator, rest = re.sub(r"(?<=\d)T", " ", text, count=1).partition(" ")
    year, month, day = (int(part) for part in re.split(r"[-/.]", head))
    if not separator:
        return _milliseconds(datetime(year, month, day))
    rest = rest.strip()
    for zone in ("Z", " UTC", "UTC"):
        if rest.endswith(zone):
            rest = rest[: -len(zone)].rstrip() + "+00:00"
            break
    found = re.match(r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*([+-]\d{2}:?\d{2})?$", rest)
    if found is None:
        raise ValueError("{!r} is no time of day".format(rest))
    hour, minute, second, fraction, offset = found.groups()
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    moment = datetime(year, month, day, int(hour), int(minute), int(second or 0), microsecond)
    if offset is None:
        return _milliseconds(moment)
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return _milliseconds(moment) - (1 if offset[0] == "+" else -1) * minutes * 60_000


def to_iso(milliseconds: int) -> str:
    """``2024-01-31T12:00:00Z``"""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _strptime(form: str) -> Parser:
    def parse(text: str) -> int:
        return _milliseconds(datetime.strptime(text, form))

    return parse


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    # Exact: a float of seconds is off by a microsecond now and then.
    return (moment - _EPOCH) // _MILLISECOND


def _fits(parser: Parser, samples: Sequence[str]) -> bool:
    try:
        for text in samples:
            parser(text)
    except ValueError:
        return False
    return True


def _rises(times: Sequence[int]) -> bool:
    return all(later > earlier for earlier, later in zip(times, times[1:]))


def known_formats() -> str:
    """What :func:`find_parser` knows, as the end of a sentence."""
    return "seconds, milliseconds, microseconds or nanoseconds since 1970, ISO 8601, or a format such as 31.01.2024 12:00"
