"""``python -m trainyard.forecast.demo OUT.csv --bars N --seed S`` writes synthetic candles: made by a random process, taken from no market.

The last column says so in every row, and the recipe repeats it wherever the data shows. The same seed gives the same file on every machine.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from trainyard.forecast.candles import SYNTHETIC, SYNTHETIC_COLUMN
from trainyard.forecast.timeframes import DAY, HOUR, TIMEFRAMES
from trainyard.forecast.timestamps import from_iso, to_iso

#: Volatility of a day, and how strongly a bar's drift lasts: weak enough to be a task, strong enough to be learned.
_DAILY_VOLATILITY = 0.03
_DRIFT_KEPT = 0.9
_DRIFT_SHARE = 0.35
#: Steps inside a bar, from which its high and low come.
_TICKS = 8


class Candle(NamedTuple):
    """``time`` is the opening in ms since the epoch."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def synthetic_candles(bars: int, seed: int, step: int, start: int, gaps: int = 0) -> Iterator[Candle]:
    """
    A random walk whose drift lasts for a while, whose volatility comes in clusters and follows the hour.

    :param step: timeframe in ms
    :param start: time of the first bar in ms
    :param gaps: number of places where bars are missing
    """
    random_numbers = random.Random(seed)
    # Before the walk itself, which then is the same with and without gaps.
    holes = set(random_numbers.sample(range(1, bars), gaps)) if gaps else set()
    walk = random.Random(seed * 2 + 1)
    usual = _DAILY_VOLATILITY * math.sqrt(step / DAY)
    price, drift, log_heat, time = 100.0, 0.0, 0.0, start
    for number in range(bars):
        if number in holes:
            time += step * random_numbers.randint(1, 12)
        log_heat = 0.97 * log_heat + 0.15 * walk.gauss(0, 1)
        by_hour = 1 + 0.4 * math.sin(2 * math.pi * (time % DAY) / DAY) if step <= HOUR else 1.0
        volatility = usual * math.exp(log_heat) * by_hour
        drift = _DRIFT_KEPT * drift + math.sqrt(1 - _DRIFT_KEPT**2) * walk.gauss(0, 1)
        # The first trade is seldom at the last price of the bar before.
        price *= math.exp(0.05 * volatility * walk.gauss(0, 1))
        opening = low = high = price
        for _ in range(_TICKS):
            price *= math.exp(volatility * (_DRIFT_SHARE * drift / _TICKS + walk.gauss(0, 1) / math.sqrt(_TICKS)))
            low, high = min(low, price), max(high, price)
        volume = 50 * by_hour * math.exp(0.6 * log_heat + 0.3 * walk.gauss(0, 1))
        yield Candle(time, opening, high, low, price, volume)
        time += step


def write_candles(path: Path, candles: Iterator[Candle]) -> int:
    """Gives the number of rows."""
    lines: List[str] = ["timestamp,open,high,low,close,volume,{}\n".format(SYNTHETIC_COLUMN)]
    for candle in candles:
        prices = ",".join("{:.6f}".format(value) for value in candle[1:5])
        lines.append("{},{},{:.3f},{}\n".format(to_iso(candle.time), prices, candle.volume, SYNTHETIC))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines) - 1


def main(argv: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trainyard.forecast.demo", description="Writes synthetic candles as CSV.")
    parser.add_argument("out", type=Path, metavar="OUT.csv", help="file to write; an existing one is replaced")
    parser.add_argument("--bars", type=int, default=5000, help="number of bars (default 5000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same file")
    parser.add_argument("--timeframe", choices=list(TIMEFRAMES), default="1h", help="length of a bar (default 1h)")
    parser.add_argument("--start", default="2024-01-01", help="time of the first bar, UTC (default 2024-01-01)")
    parser.add_argument("--gaps", type=int, default=0, help="number of places where bars are missing")
    arguments = parser.parse_args(argv)
    if arguments.bars < 1 or not 0 <= arguments.gaps < arguments.bars:
        parser.error("--bars must be at least 1, and --gaps fewer than that")
    try:
        start = from_iso(arguments.start)
    except ValueError:
        parser.error("--start {!r} is no time; write it as 2024-01-31 or 2024-01-31T12:00".format(arguments.start))
    candles = synthetic_candles(arguments.bars, arguments.seed, TIMEFRAMES[arguments.timeframe], start, arguments.gaps)
    try:
        rows = write_candles(arguments.out, candles)
    except OSError as error:
        print("{} cannot be written: {}".format(arguments.out, error.strerror or error), file=sys.stderr)
        return 1
    print("{} synthetic candles of {} written to {}".format(rows, arguments.timeframe, arguments.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
