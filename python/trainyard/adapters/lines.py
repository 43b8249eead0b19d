"""The lines of a text file, of which none may fill the memory: a file without line breaks, or one that was filled up with zeros, is found out early."""

from __future__ import annotations

from typing import Iterator, TextIO


class LineTooLong(Exception):
    """``number`` is that of the line, from 1. :param longest: what was allowed, in MiB"""

    def __init__(self, number: int, longest: int) -> None:
        super().__init__("line {} is longer than {} MiB".format(number, longest))
        self.number = number


def bounded_lines(file: TextIO, longest: int) -> Iterator[str]:
    """:param longest: in MiB. :raises LineTooLong: before more than that is read of a line"""
    limit = longest * 1024 * 1024
    number = 0
    while True:
        line = file.readline(limit)
        if not line:
            return
        number += 1
        if len(line) >= limit and not line.endswith("\n"):
            raise LineTooLong(number, longest)
        yield line
