"""The indicators against plain loops written from the textbooks, which share no code with them."""

import math
import random
from typing import Callable, List, Optional, Tuple

import numpy as np
import pytest
from trainyard.forecast import indicators

Value = Optional[float]


def walk(seed: int, count: int = 160) -> Tuple[List[float], List[float], List[float], List[float]]:
    """High, low, close and volume, with bars that do not move at all."""
    numbers = random.Random(seed)
    highs, lows, closes, volumes = [], [], [], []
    price = 50.0
    for number in range(count):
        opened = price
        price *= 1.0 if number % 11 == 0 else math.exp(numbers.gauss(0, 0.02))
        highs.append(max(opened, price) * (1 + numbers.random() * 0.01))
        lows.append(min(opened, price) * (1 - numbers.random() * 0.01))
        closes.append(price)
        volumes.append(0.0 if number % 17 == 0 else numbers.random() * 1e6)
    return highs, lows, closes, volumes


def mean(values: List[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def naive_sma(values: List[float], period: int) -> List[Value]:
    return [None if at < period - 1 else mean([values[at - back] for back in range(period)]) for at in range(len(values))]


def naive_smoothed(values: List[Value], period: int, weight: float) -> List[Value]:
    """Written out as a weighted sum instead of step by step: newest value times ``weight``, older ones fading, the seed last."""
    start = next(at for at, value in enumerate(values) if value is not None)
    seed_at = start + period - 1
    result: List[Value] = []
    for at in range(len(values)):
        if at < seed_at:
            result.append(None)
            continue
        seed = mean([values[back] for back in range(start, seed_at + 1)])  # type: ignore[misc]
        total = seed * (1 - weight) ** (at - seed_at)
        for back in range(seed_at + 1, at + 1):
            total += weight * values[back] * (1 - weight) ** (at - back)  # type: ignore[operator]
        result.append(total)
    return result


def naive_ema(values: List[Value], period: int) -> List[Value]:
    return naive_smoothed(values, period, 2 / (period + 1))


def naive_rsi(closes: List[float], period: int) -> List[Value]:
    result: List[Value] = [None] * len(closes)
    ups = [max(closes[at] - closes[at - 1], 0) for at in range(1, len(closes))]
    downs = [max(closes[at - 1] - closes[at], 0) for at in range(1, len(closes))]
    average_up, average_down = mean(ups[:period]), mean(downs[:period])
    for at in range(period, len(closes)):
        if at > period:
            average_up = (average_up * (period - 1) + ups[at - 1]) / period
            average_down = (average_down * (period - 1) + downs[at - 1]) / period
        if average_down == 0:
            result[at] = 50.0 if average_up == 0 else 100.0
        else:
            result[at] = 100 - 100 / (1 + average_up / average_down)
    return result


def naive_atr(highs: List[float], lows: List[float], closes: List[float], period: int) -> List[Value]:
    ranges: List[Value] = []
    for at in range(len(closes)):
        candidates = [highs[at] - lows[at]]
        if at:
            candidates += [abs(highs[at] - closes[at - 1]), abs(lows[at] - closes[at - 1])]
        ranges.append(max(candidates))
    return naive_smoothed(ranges, period, 1 / period)


def naive_bollinger(closes: List[float], period: int, width: float) -> List[List[Value]]:
    bands: List[List[Value]] = [[], [], []]
    for at in range(len(closes)):
        if at < period - 1:
            for band in bands:
                band.append(None)
            continue
        window = closes[at - period + 1 : at + 1]
        middle = mean(window)
        deviation = math.sqrt(mean([(value - middle) ** 2 for value in window]))
        for band, factor in zip(bands, (-width, 0, width)):
            band.append(middle + factor * deviation)
    return bands


def naive_obv(closes: List[float], volumes: List[float]) -> List[Value]:
    result: List[Value] = [0.0]
    for at in range(1, len(closes)):
        step = volumes[at] if closes[at] > closes[at - 1] else -volumes[at] if closes[at] < closes[at - 1] else 0.0
        result.append(result[-1] + step)  # type: ignore[operator]
    return result


def assert_same(found: "np.ndarray", wanted: List[Value]) -> None:  # type: ignore[type-arg]
    assert [None if math.isnan(value) else True for value in found] == [None if value is None else True for value in wanted]
    for at, (value, other) in enumerate(zip(found, wanted)):
        if other is not None:
            assert value == pytest.approx(other, rel=1e-9, abs=1e-9), at


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("period", [2, 5, 14])
def test_they_are_what_the_textbooks_say(seed: int, period: int) -> None:
    highs, lows, closes, volumes = walk(seed)
    high, low, close, volume = (np.array(values) for values in (highs, lows, closes, volumes))
    assert_same(indicators.sma(close, period), naive_sma(closes, period))
    assert_same(indicators.ema(close, period), naive_ema(list(closes), period))
    assert_same(indicators.rsi(close, period), naive_rsi(closes, period))
    assert_same(indicators.atr(high, low, close, period), naive_atr(highs, lows, closes, period))
    for found, wanted in zip(indicators.bollinger(close, period, 2.5), naive_bollinger(closes, period, 2.5)):
        assert_same(found, wanted)
    assert_same(indicators.obv(close, volume), naive_obv(closes, volumes))


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (2, 3, 2), (5, 34, 5)])
def test_macd(fast: int, slow: int, signal: int) -> None:
    _, _, closes, _ = walk(4)
    line = [None if s is None or f is None else f - s for f, s in zip(naive_ema(list(closes), fast), naive_ema(list(closes), slow))]
    signal_line = naive_ema(line, signal)
    histogram = [None if s is None or m is None else m - s for m, s in zip(line, signal_line)]
    for found, wanted in zip(indicators.macd(np.array(closes), fast, slow, signal), (line, signal_line, histogram)):
        assert_same(found, wanted)


def test_wilders_own_worked_values() -> None:
    """The 14-period example that is printed with most descriptions of the RSI; its table is rounded to two places."""
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03]
    found = indicators.rsi(np.array(closes), 14)
    assert found[14:].tolist() == pytest.approx([70.46, 66.25, 66.48], abs=0.05)


@pytest.mark.parametrize(
    "function",
    [lambda v: indicators.sma(v, 5), lambda v: indicators.ema(v, 5), lambda v: indicators.rsi(v, 5), lambda v: indicators.bollinger(v, 5, 2.0)[0]],
)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_values_give_none(function: Callable[..., "np.ndarray"], count: int) -> None:  # type: ignore[type-arg]
    assert np.isnan(function(np.full(count, 3.0))).all()


def test_a_flat_market() -> None:
    flat = np.full(40, 3.0)
    assert set(indicators.rsi(flat, 14)[14:]) == {50.0}
    assert set(indicators.atr(flat, flat, flat, 14)[13:]) == {0.0}
    assert set(indicators.obv(flat, flat)) == {0.0}
    rising = np.arange(1.0, 41.0)
    assert set(indicators.rsi(rising, 14)[14:]) == {100.0}
