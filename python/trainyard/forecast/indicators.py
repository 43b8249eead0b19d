"""Technical indicators as Wilder, Appel, Bollinger and Granville defined them. Arrays in, arrays of the same length out.

Each value depends on its own bar and earlier ones only. Bars before the first defined value are NaN. ``period`` is in bars.
"""

from __future__ import annotations

from typing import Any, Callable, Tuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
_ROWS_AT_ONCE = 65_536


def sma(values: Series, period: int) -> Series:
    """Simple moving average: the mean of the last ``period`` values."""
    return _over_windows(values, period, np.mean)


def ema(values: Series, period: int) -> Series:
    """Exponential moving average with the weight 2 / (period + 1), begun with the mean of the first ``period`` values."""
    return _smoothed(values, period, 2.0 / (period + 1))


def wilder(values: Series, period: int) -> Series:
    """Wilder's smoothing: the weight of the newest value is 1 / period, begun with the mean of the first ``period`` values."""
    return _smoothed(values, period, 1.0 / period)


def rsi(close: Series, period: int) -> Series:
    """Relative strength index, 0 to 100; 50 where nothing moved."""
    change = np.diff(close, prepend=np.nan)
    gain = wilder(np.where(np.isnan(change), np.nan, np.maximum(change, 0.0)), period)
    loss = wilder(np.where(np.isnan(change), np.nan, np.maximum(-change, 0.0)), period)
    total = gain + loss
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, 100.0 * gain / total, 50.0)
    return np.where(np.isnan(total), np.nan, share)


def macd(close: Series, fast: int, slow: int, signal: int) -> Tuple[Series, Series, Series]:
    """The difference of two EMAs, its own EMA, and the difference of these two (the histogram)."""
    line = ema(close, fast) - ema(close, slow)
    signal_line = ema(line, signal)
    return line, signal_line, line - signal_line


def true_range(high: Series, low: Series, close: Series) -> Series:
    """The range of a bar, extended to the close before it."""
    before = np.roll(close, 1)
    before[:1] = np.nan
    reach = np.maximum(np.abs(high - before), np.abs(low - before))
    return np.fmax(high - low, reach)


def atr(high: Series, low: Series, close: Series, period: int) -> Series:
    """Average true range, smoothed as Wilder did."""
    return wilder(true_range(high, low, close), period)


def bollinger(close: Series, period: int, width: float) -> Tuple[Series, Series, Series]:
    """Lower band, middle and upper band: the moving average and ``width`` population standard deviations around it."""
    middle = sma(close, period)
    spread = width * _over_windows(close, period, np.std)
    return middle - spread, middle, middle + spread


def obv(close: Series, volume: Series) -> Series:
    """On-balance volume from 0: the volume of a rising bar is added, that of a falling one taken off."""
    direction = np.sign(np.diff(close, prepend=close[:1]))
    return np.cumsum(direction * volume)


def rolling_sum(values: Series, period: int) -> Series:
    """The sum of the last ``period`` values."""
    return _over_windows(values, period, np.sum)


def _smoothed(values: Series, period: int, weight: float) -> Series:
    """Recursive smoothing that begins after the leading NaNs."""
    result = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    first = int(known[0]) + period - 1 if len(known) else len(values)
    if first >= len(values):
        return result
    average = float(np.mean(values[first - period + 1 : first + 1]))
    result[first] = average
    # Each value needs the one before, which no numpy function does; on Python floats the loop takes 0.1 s for a million bars.
    rest = values[first + 1 :].tolist()
    smoothed = []
    for value in rest:
        average += weight * (value - average)
        smoothed.append(average)
    result[first + 1 :] = smoothed
    return result


def _over_windows(values: Series, period: int, function: Callable[..., Any]) -> Series:
    """A function of each ``period`` values in a row. No running sums: those carry the rounding of all bars before, also of a huge volume."""
    result = np.full(len(values), np.nan)
    if len(values) >= period:
        windows = np.lib.stride_tricks.sliding_window_view(values, period)
        filled = result[period - 1 :]
        # The standard deviation copies what it is given: years of minutes at once would be gigabytes.
        for start in range(0, len(windows), _ROWS_AT_ONCE):
            filled[start : start + _ROWS_AT_ONCE] = function(windows[start : start + _ROWS_AT_ONCE], axis=-1)
    return result
