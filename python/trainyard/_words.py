"""Counts in sentences that people read."""

from __future__ import annotations

from typing import Optional


def counted(count: int, one: str, many: Optional[str] = None) -> str:
    """``1 row``, ``2 rows``, ``12,345 rows``.

    :param many: what follows other numbers, where that is not the word with an s: ``rows are``
    """
    return "{:,} {}".format(count, one if count == 1 else many or one + "s")
