"""Bars as arrays, resampled to longer timeframes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainyard.forecast.candles import Candles
from trainyard.forecast.indicators import Series
from trainyard.forecast.timeframes import grid_start

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Bars:
    """All arrays have one value per bar. ``times`` are opening times in ms; a bar ends ``step`` ms later. ``volume`` is 0 where there is none."""

    step: int
    times: Times
    open: Series
    high: Series
    low: Series
    close: Series
    volume: Series

    def __len__(self) -> int:
        return len(self.times)

    @property
    def ends(self) -> Times:
        """When each bar's close is known."""
        return self.times + self.step


def from_candles(candles: Candles, step: int) -> Bars:
    """The bars of the file; ``step`` is its timeframe in ms."""
    volume = np.array(candles.volume, dtype=np.float64) if len(candles.volume) else np.zeros(len(candles))
    prices = [np.array(getattr(candles, name), dtype=np.float64) for name in ("open", "high", "low", "close")]
    return Bars(step, np.array(candles.times, dtype=np.int64), *prices, volume)


def resample(bars: Bars, step: int) -> Bars:
    """
    Bars of a longer timeframe on the common grid (days begin at 00:00 UTC, weeks on Monday).

    A bar that the data ends in is left out; one with missing bars inside is made of those that are there.

    :param step: ms, a multiple of the bars' own
    """
    if step == bars.step or len(bars) == 0:
        return bars
    opening = bars.times - (bars.times - grid_start(step)) % step
    first = np.flatnonzero(np.diff(opening, prepend=opening[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    result = Bars(
        step,
        opening[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
    )
    if bars.ends[-1] >= result.ends[-1]:
        return result
    return Bars(step, *(column[:-1] for column in (result.times, result.open, result.high, result.low, result.close, result.volume)))
