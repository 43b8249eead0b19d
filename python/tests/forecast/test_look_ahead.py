"""Nothing that comes later changes what was known before: features, scales, targets, forecasts."""

import random
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
import torch
from candle_files import START, filled
from trainyard.forecast.candles import Candles
from trainyard.forecast.demo import Candle, synthetic_candles
from trainyard.forecast.timeframes import HOUR
from trainyard.forecast.training import forecast_part, make_loader, make_module
from trainyard.forecast.windows import ForecastData, make_data

PARAMS: Dict[str, Any] = filled(
    timeframes=["1h", "4h", "1d"],
    sma_periods=[3, 7],
    ema_periods=[4],
    macd_fast=2,
    macd_slow=4,
    macd_signal=3,
    rsi_period=5,
    atr_period=5,
    bb_period=5,
    obv_period=5,
    horizon_next=2,
    horizon_short="4h",
    horizon_long="1d",
)
BARS = 600


def candles_of(rows: List[Candle]) -> Candles:
    candles = Candles()
    for row in rows:
        candles.times.append(row.time)
        for name in ("open", "high", "low", "close", "volume"):
            getattr(candles, name).append(getattr(row, name))
    return candles


@pytest.fixture(scope="module")
def rows() -> List[Candle]:
    return list(synthetic_candles(BARS, 8, HOUR, START, gaps=5))


def other_future(rows: List[Candle], cut: int, how: str) -> List[Candle]:
    """The same bars before ``cut``, and another future after it."""
    numbers = random.Random(cut)
    times = [row.time for row in rows[cut:]]
    if how == "cut off":
        return rows[:cut]
    future = rows[cut:]
    if how == "shuffled":
        numbers.shuffle(future)
    else:
        future = [row._replace(open=1e3, high=5e3, low=1e-3, close=numbers.uniform(1e-3, 5e3), volume=1e9) for row in future]
    return rows[:cut] + [row._replace(time=time) for row, time in zip(future, times)]


def raw_features(rows: List[Candle]) -> Any:
    from trainyard.forecast.bars import from_candles, resample
    from trainyard.forecast.features import make_features
    from trainyard.forecast.settings import FeatureSettings
    from trainyard.forecast.timeframes import DAY

    bars = from_candles(candles_of(rows), HOUR)
    return make_features(bars, [resample(bars, 4 * HOUR), resample(bars, DAY)], FeatureSettings.from_params(PARAMS), True).values


@pytest.mark.parametrize("how", ["shuffled", "altered", "cut off"])
@pytest.mark.parametrize("cut", [250, 251, 253, 301, 333, 480, BARS - 1])
def test_features_of_the_past_stay_as_they_were(rows: List[Candle], cut: int, how: str) -> None:
    before, after = raw_features(rows)[:cut], raw_features(other_future(rows, cut, how))[:cut]
    np.testing.assert_array_equal(before, after)
    assert np.isfinite(before[-1]).all()


def test_the_last_feature_row_does_know_its_own_bar(rows: List[Candle]) -> None:
    """The check above would also pass if features lagged behind for ever."""
    changed = other_future(rows, 300, "altered")
    assert not np.array_equal(raw_features(rows)[300], raw_features(changed)[300])


def trained_parts(data: ForecastData) -> List[Any]:
    return [list(batch) for batch in make_loader(data, "train", PARAMS, 64)]


@pytest.mark.parametrize("how", ["shuffled", "altered"])
def test_training_learns_nothing_of_validation(rows: List[Candle], how: str) -> None:
    """Inputs, targets and scales of the training part are the same whatever happens from the first validation bar on."""
    data = make_data(candles_of(rows), PARAMS)
    changed = make_data(candles_of(other_future(rows, data.plan.val_start, how)), PARAMS)
    assert changed.plan.val_start == data.plan.val_start and not np.array_equal(data.targets, changed.targets, equal_nan=True)
    for one, other in zip(data.scales.__dict__.values(), changed.scales.__dict__.values()):
        np.testing.assert_array_equal(one, other)
    for batch, same in zip(trained_parts(data), trained_parts(changed)):
        for one, other in zip(batch, same):
            assert torch.equal(one, other)


@pytest.mark.parametrize("how", ["shuffled", "altered"])
def test_forecasts_of_past_windows_stay_as_they_were(rows: List[Candle], how: str) -> None:
    data = make_data(candles_of(rows), PARAMS)
    torch.manual_seed(0)
    module = make_module(data, PARAMS)
    torch.nn.init.normal_(module.net.head.weight)
    ends, forecasts = forecast_part(module, data, "val", PARAMS)
    cut = int(ends[len(ends) // 2]) + 1
    changed = make_data(candles_of(other_future(rows, cut, how)), PARAMS)
    other_ends, others = forecast_part(module, changed, "val", PARAMS)
    past = ends < cut
    np.testing.assert_array_equal(ends, other_ends)
    # batches are the same size in both, so even the rounding is
    np.testing.assert_array_equal(forecasts["predicted"][past], others["predicted"][past])
    assert not np.array_equal(forecasts["predicted"][~past], others["predicted"][~past])


def test_no_training_target_reaches_into_validation(rows: List[Candle]) -> None:
    for embargo in (0, 7):
        data = make_data(candles_of(rows), {**PARAMS, "embargo_bars": embargo, "test_fraction": 0.1})
        plan = data.plan
        furthest = np.array(plan.target_bars).max(axis=0)
        assert furthest[list(plan.train)].max() < plan.val_start - embargo
        assert furthest[list(plan.val)].max() < plan.test_start - embargo
        assert min(plan.val) >= plan.val_start and min(plan.test) >= plan.test_start
        # the purge takes what it must and no more
        assert furthest[max(plan.train) + 1] >= plan.val_start - embargo
        assert plan.purged > 0


def test_split_lets_nothing_reach_across_a_gap(rows: List[Candle]) -> None:
    data = make_data(candles_of(rows), {**PARAMS, "gaps": "split"})
    times, window = data.bars.times, PARAMS["window"]
    furthest = np.array(data.plan.target_bars).max(axis=0)
    for part in data.parts.values():
        for end in part:
            assert (np.diff(times[end - window + 1 : furthest[end] + 1]) == HOUR).all()
    assert len(data.plan.train) < len(make_data(candles_of(rows), PARAMS).plan.train)


def test_the_shuffle_stays_in_the_training_part(rows: List[Candle], tmp_path: Path) -> None:
    from trainyard.forecast.loader import Progress

    data = make_data(candles_of(rows), PARAMS)
    progress = Progress()
    loader = make_loader(data, "train", PARAMS, 32, seed=1, progress=progress)
    first = torch.cat([batch.at for batch in loader])
    progress.batches = len(loader)
    second = torch.cat([batch.at for batch in loader])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(data.plan.train)
    assert first.tolist() != second.tolist() != list(data.plan.train)
    progress.batches = len(loader) + 2
    assert torch.cat([batch.at for batch in loader]).tolist() == second.tolist()[64:]
