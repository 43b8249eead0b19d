"""Resampling and targets against loops over the bars, and the plan of the check against the arrays of the training."""

import random
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List

import numpy as np
import pytest
from candle_files import START, filled
from test_look_ahead import candles_of
from trainyard.forecast.bars import from_candles, resample
from trainyard.forecast.candles import base_step
from trainyard.forecast.demo import Candle, synthetic_candles
from trainyard.forecast.plan import NotEnough, make_plan, resampled_times
from trainyard.forecast.size import feature_count, parameter_count
from trainyard.forecast.timeframes import DAY, HOUR, MINUTE, TIMEFRAMES, WEEK, duration_name, parse_duration
from trainyard.forecast.training import make_module
from trainyard.forecast.windows import make_data


def opening(time: int, timeframe: str) -> int:
    """When the bar of a timeframe that holds a moment opened, by the calendar."""
    moment = datetime.fromtimestamp(time / 1000, timezone.utc)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if timeframe == "1w":
        start = midnight - timedelta(days=moment.weekday())
    elif timeframe == "1d":
        start = midnight
    elif timeframe.endswith("h"):
        start = midnight.replace(hour=moment.hour // int(timeframe[:-1]) * int(timeframe[:-1]))
    else:
        start = midnight.replace(hour=moment.hour, minute=moment.minute // int(timeframe[:-1]) * int(timeframe[:-1]))
    return round(start.timestamp() * 1000)


def naive_resample(rows: List[Candle], timeframe: str, base: int) -> List[Candle]:
    result: List[Candle] = []
    for row in rows:
        start = opening(row.time, timeframe)
        if not result or result[-1].time != start:
            result.append(row._replace(time=start))
            continue
        bar = result[-1]
        result[-1] = Candle(start, bar.open, max(bar.high, row.high), min(bar.low, row.low), row.close, bar.volume + row.volume)
    if rows[-1].time + base < result[-1].time + TIMEFRAMES[timeframe]:
        result.pop()
    return result


@pytest.mark.parametrize(
    ("base", "timeframe"), [(base, name) for base in ("1m", "15m", "4h") for name, step in TIMEFRAMES.items() if step >= TIMEFRAMES[base]]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_resampling(base: str, timeframe: str, seed: int) -> None:
    step = TIMEFRAMES[timeframe]
    start = START + random.Random(seed).randrange(0, 500) * TIMEFRAMES[base]
    rows = list(synthetic_candles(700, seed, TIMEFRAMES[base], start, gaps=20))
    wanted = naive_resample(rows, timeframe, TIMEFRAMES[base])
    found = resample(from_candles(candles_of(rows), TIMEFRAMES[base]), step)
    assert found.times.tolist() == [row.time for row in wanted] == resampled_times([row.time for row in rows], TIMEFRAMES[base], step)
    for name in ("open", "high", "low", "close"):
        assert getattr(found, name).tolist() == [getattr(row, name) for row in wanted], name
    assert found.volume.tolist() == pytest.approx([row.volume for row in wanted])


def test_a_week_begins_on_monday() -> None:
    assert opening(START, "1w") == START
    days = list(synthetic_candles(15, 1, DAY, START + 2 * DAY))
    assert resample(from_candles(candles_of(days), DAY), WEEK).times.tolist() == [START, START + WEEK]


def test_a_duration_over_a_weekend_ends_with_the_first_bar_after_it() -> None:
    days = [row for row in synthetic_candles(60, 1, DAY, START) if (row.time - START) // DAY % 7 < 5]
    params = filled(window=2, indicators=[], horizon_next=0, horizon_short="1d", horizon_long="1w")
    plan = make_plan([row.time for row in days], DAY, params)
    short, long = plan.target_bars
    # Thursday to Friday, Friday to Monday, and each weekday to the same one of the next week
    assert short[3] == 4 and short[4] == 5 and all(long[at] == at + 5 for at in range(30))


CASES: List[Dict[str, Any]] = [
    {},
    {"timeframes": ["1h", "4h", "1d"], "indicators": ["rsi", "obv"], "horizon_short": "4h", "loss": "student_t"},
    {"timeframes": ["4h"], "gaps": "split", "horizon_long": "1d", "test_fraction": 0.2, "loss": "quantile", "window": 3},
    {"use_volume": False, "indicators": ["macd", "ema", "sma", "bb", "atr"], "calendar_features": False, "loss": "mse", "n_layers": 3},
    {"timeframes": ["1d"], "indicators": ["rsi"], "window": 2, "ema_periods": [3, 3, 5]},
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_check_counts_what_the_training_has(case: int) -> None:
    params = filled(**CASES[case])
    candles = candles_of(list(synthetic_candles(900, case, HOUR, START, gaps=9)))
    plan = make_plan(candles.times.tolist(), base_step(candles.times), params)
    data = make_data(candles, params)
    assert data.plan == plan and len(data.bars) == plan.bars
    assert len(data.names) == feature_count(params, len(plan.context), plan.primary)
    module = make_module(data, params)
    assert sum(parameter.numel() for parameter in module.parameters()) == parameter_count(params, len(plan.context), plan.primary)
    assert np.isfinite(data.features[plan.first_valid :]).all()
    for part in data.parts.values():
        assert np.isfinite(data.targets[part]).all()


def test_scales_are_those_of_the_training_part() -> None:
    data = make_data(candles_of(list(synthetic_candles(900, 1, HOUR, START))), filled())
    seen = data.features[data.plan.first_valid : max(data.plan.train) + 1].astype(np.float64)
    assert np.abs(seen.mean(axis=0)).max() < 0.1 and np.abs(seen.std(axis=0) - 1).max() < 0.1


@pytest.mark.parametrize(
    ("bars", "params", "field"),
    [
        (30, {}, "timeframes"),
        (100, {"window": 90}, "window"),
        (100, {"horizon_long": "4d"}, "horizon_long"),
        (400, {"timeframes": ["1h", "1w"]}, "timeframes"),
    ],
)
def test_too_few_bars_are_said_at_their_field(bars: int, params: Dict[str, Any], field: str) -> None:
    candles = candles_of(list(synthetic_candles(bars, 1, HOUR, START)))
    with pytest.raises(NotEnough) as caught:
        make_plan(candles.times, HOUR, filled(**params))
    assert caught.value.setting.field == field and caught.value.setting.hint


def test_durations() -> None:
    assert [parse_duration(text) for text in ("30m", " 4 h", "1w", "15min")] == [30 * MINUTE, 4 * HOUR, WEEK, 15 * MINUTE]
    assert [parse_duration(text) for text in ("", "0m", "m", "1.5h", "-1d", "1y")] == [None] * 6
    assert [duration_name(value) for value in (MINUTE, 90 * MINUTE, 24 * HOUR, WEEK, 1500)] == ["1m", "90m", "1d", "1w", "1.5s"]
