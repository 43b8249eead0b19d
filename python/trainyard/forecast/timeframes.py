"""Timeframes and durations. All of them are milliseconds, and every bar lies on a grid that is the same for every file."""

from __future__ import annotations

import re
from typing import Optional

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

#: The timeframes that bars can be resampled to.
TIMEFRAMES = {
    "1m": MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "4h": 4 * HOUR,
    "1d": DAY,
    "1w": WEEK,
}
_UNITS = {"m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"^\s*(\d+)\s*(m|min|h|d|w)\s*$")
# The epoch was a Thursday; weeks begin on Monday, 00:00 UTC.
_MONDAY = 4 * DAY


def parse_duration(text: str) -> Optional[int]:
    """``30m``, ``4h``, ``1w`` → milliseconds; None for what is no duration."""
    found = _DURATION.match(text)
    if found is None or int(found.group(1)) == 0:
        return None
    return int(found.group(1)) * _UNITS[found.group(2)]


def duration_name(milliseconds: int) -> str:
    """The shortest way to write a duration: 3600000 → ``1h``; what is no whole minute is in seconds."""
    for unit, size in (("w", WEEK), ("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if milliseconds % size == 0 and milliseconds > 0:
            return "{}{}".format(milliseconds // size, unit)
    return "{:g}s".format(milliseconds / 1000)


def grid_start(step: int) -> int:
    """Where the grid of a timeframe begins: bars of it open at ``grid_start + n * step``."""
    return _MONDAY if step % WEEK == 0 else 0
