"""The data of a training: features and targets of every bar, which windows are learned from and which are measured, and the scales.

Scales are fitted on what the training part knows alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainyard.forecast.bars import Bars, from_candles, resample
from trainyard.forecast.candles import Candles, base_step
from trainyard.forecast.features import make_features
from trainyard.forecast.plan import Plan, make_plan
from trainyard.forecast.settings import FeatureSettings, Horizon, read_horizons

#: A feature beyond so many standard deviations is cut: one bad print should not rule a window.
CLIP = 10.0
_SMALLEST_SCALE = 1e-8


@dataclass(frozen=True)
class Scales:
    """``feature_mean`` and ``feature_scale``: (features,); ``target_scale``: (horizons,), the spread of the log returns around 0."""

    feature_mean: NDArray[np.float64]
    feature_scale: NDArray[np.float64]
    target_scale: NDArray[np.float64]


@dataclass(frozen=True)
class ForecastData:
    """``features``: (bars, features) float32, scaled; ``targets``: (bars, horizons) log returns, NaN where not known yet."""

    bars: Bars
    plan: Plan
    horizons: List[Horizon]
    names: List[str]
    features: NDArray[np.float32]
    targets: NDArray[np.float64]
    scales: Scales
    base: int
    synthetic: bool
    #: SHA-256 of the bars that were read: a continued run says when the file has changed.
    fingerprint: str

    @property
    def parts(self) -> Dict[str, NDArray[np.int64]]:
        """The windows of each part, named by their last bars."""
        parts = {"train": self.plan.train, "val": self.plan.val, "test": self.plan.test}
        return {name: np.array(windows, dtype=np.int64) for name, windows in parts.items()}


def make_data(candles: Candles, params: Mapping[str, Any]) -> ForecastData:
    """
    :raises NotEnough: no window is left
    :raises ValueError: a feature is not finite where it should be; the message names it and the time
    """
    base = base_step(candles.times)
    file_bars = from_candles(candles, base)
    plan = make_plan(candles.times.tolist(), base, params)
    primary = resample(file_bars, plan.primary)
    context = [resample(file_bars, step) for step in plan.context]
    names, raw = make_features(primary, context, FeatureSettings.from_params(params), params["calendar_features"])
    _check_finite(raw, names, primary, plan.first_valid)
    targets = log_returns(primary.close, plan.target_bars)
    windows = np.array(plan.train, dtype=np.int64)
    scales = fit_scales(raw[plan.first_valid : int(windows[-1]) + 1], targets[windows])
    # In place: of years of minutes every copy is gigabytes.
    raw -= scales.feature_mean
    raw /= scales.feature_scale
    np.clip(raw, -CLIP, CLIP, out=raw)
    digest = hashlib.sha256(file_bars.times.tobytes() + file_bars.close.tobytes() + file_bars.volume.tobytes()).hexdigest()
    horizons = read_horizons(params)
    return ForecastData(
        primary, plan, horizons, names, raw.astype(np.float32), targets, scales, base, candles.synthetic, digest
    )


def log_returns(close: NDArray[np.float64], target_bars: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """(bars, horizons): the log of the target's close over the bar's own, NaN where the target lies beyond the data."""
    logs = np.append(np.log(close), np.nan)
    return np.column_stack([logs[np.array(bars, dtype=np.int64)] - logs[:-1] for bars in target_bars])


def fit_scales(features: NDArray[np.float64], targets: NDArray[np.float64]) -> Scales:
    """From the rows of the training part. A constant feature keeps its size; a target's 0 stays 0, so that its sign is the direction."""
    spread = features.std(axis=0)
    returns = np.sqrt(np.mean(targets**2, axis=0))
    return Scales(
        features.mean(axis=0),
        np.where(spread > _SMALLEST_SCALE, spread, 1.0),
        np.where(returns > _SMALLEST_SCALE, returns, 1.0),
    )


def _check_finite(raw: NDArray[np.float64], names: Sequence[str], bars: Bars, first: int) -> None:
    wrong = np.argwhere(~np.isfinite(raw[first:]))
    if len(wrong):
        from trainyard.forecast.timestamps import to_iso

        row, column = wrong[0]
        raise ValueError("the feature {} is not finite at {}".format(names[column], to_iso(int(bars.times[first + row]))))
