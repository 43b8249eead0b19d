"""From bars to a matrix of features, one row per bar. A row is made of what was known when its bar ended, and of nothing later.

Features have no level: prices enter as log ratios, volumes as shares. What was learned at one price can hold at another.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from trainyard.forecast import indicators as of
from trainyard.forecast.bars import Bars
from trainyard.forecast.indicators import Series
from trainyard.forecast.settings import FeatureSettings
from trainyard.forecast.timeframes import DAY, HOUR, WEEK, duration_name


class Features(NamedTuple):
    """``values``: (bars, features) float64; rows before the first valid one hold NaN."""

    names: List[str]
    values: NDArray[np.float64]


def make_features(primary: Bars, context: Sequence[Bars], settings: FeatureSettings, calendar: bool) -> Features:
    """
    The features of every bar of ``primary``: its own, those of the last bar of each longer timeframe that had ended by then, and the calendar.
    """
    columns = bar_features(primary, settings)
    for bars in context:
        # The last bar that had ended when this one did; -1 before the first.
        known = np.searchsorted(bars.ends, primary.ends, side="right") - 1
        for name, values in bar_features(bars, settings).items():
            columns["{}:{}".format(duration_name(bars.step), name)] = np.where(known >= 0, values[known], np.nan)
    if calendar:
        columns.update(calendar_features(primary))
    return Features(list(columns), np.column_stack(list(columns.values())))


def bar_features(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    """The features of one timeframe by name; each has one value per bar."""
    close = bars.close
    before = np.roll(close, 1)
    before[:1] = np.nan
    columns = {
        "return": np.log(close / before),
        "open": np.log(bars.open / before),
        "high": np.log(bars.high / close),
        "low": np.log(bars.low / close),
    }
    if settings.use_volume:
        columns["volume"] = np.diff(np.log1p(bars.volume), prepend=np.nan)
    for name in settings.indicators:
        columns.update(_INDICATORS[name](bars, settings))
    return columns


def calendar_features(bars: Bars) -> Dict[str, Series]:
    """Time of day, day of the week and month of each bar's opening (UTC), as points on a circle; cycles that bars are too long for are left out."""
    columns: Dict[str, Series] = {}
    if bars.step < DAY:
        _circle(columns, "hour", (bars.times % DAY) / DAY)
    if bars.step < WEEK:
        # The epoch was a Thursday.
        _circle(columns, "weekday", ((bars.times + 3 * DAY) % WEEK) / WEEK)
    days = bars.times.astype("datetime64[ms]")
    months = days.astype("datetime64[M]")
    into = (days - months.astype("datetime64[ms]")).astype(np.int64) / (31 * DAY)
    _circle(columns, "month", (months.astype(np.int64) % 12 + into) / 12)
    return columns


def _circle(columns: Dict[str, Series], name: str, turn: Series) -> None:
    columns[name + "_sin"] = np.sin(2 * np.pi * turn)
    columns[name + "_cos"] = np.cos(2 * np.pi * turn)


def _rsi(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    return {"rsi": of.rsi(bars.close, settings.rsi_period) / 100 - 0.5}


def _macd(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    line, signal, histogram = of.macd(bars.close, settings.macd_fast, settings.macd_slow, settings.macd_signal)
    return {"macd": line / bars.close, "macd_signal": signal / bars.close, "macd_histogram": histogram / bars.close}


def _atr(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    return {"atr": of.atr(bars.high, bars.low, bars.close, settings.atr_period) / bars.close}


def _bb(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    lower, middle, upper = of.bollinger(bars.close, settings.bb_period, settings.bb_width)
    width = upper - lower
    return {"bb_place": _ratio(bars.close - middle, width), "bb_width": width / middle}


def _ema(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    return {"ema_{}".format(period): np.log(bars.close / of.ema(bars.close, period)) for period in settings.ema_periods}


def _sma(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    return {"sma_{}".format(period): np.log(bars.close / of.sma(bars.close, period)) for period in settings.sma_periods}


def _obv(bars: Bars, settings: FeatureSettings) -> Dict[str, Series]:
    """The change of OBV over a period as a share of the volume in it: OBV itself grows without end."""
    period = settings.obv_period
    balance = of.obv(bars.close, bars.volume)
    change = np.full(len(balance), np.nan)
    change[period:] = balance[period:] - balance[:-period]
    return {"obv": _ratio(change, of.rolling_sum(bars.volume, period))}


_INDICATORS = {"rsi": _rsi, "macd": _macd, "atr": _atr, "bb": _bb, "ema": _ema, "sma": _sma, "obv": _obv}


def _ratio(above: Series, below: Series) -> Series:
    """``above / below``; 0 where nothing moved or nothing was traded, NaN where either is not known."""
    safe = np.where(below == 0, 1.0, below)
    return np.where(below == 0, np.where(np.isnan(above), np.nan, 0.0), above / safe)
