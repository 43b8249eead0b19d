"""Candles on disk and the params of a training that takes a moment."""

from pathlib import Path
from typing import Any, Dict

from trainyard.forecast.demo import synthetic_candles, write_candles
from trainyard.forecast.timeframes import HOUR
from trainyard.recipes.forecast import Forecast

#: 2024-01-01, a Monday.
START = 1_704_067_200_000

#: A model of a few thousand parameters on 400 bars: 60 windows of 8 bars in 16 steps an epoch.
TINY: Dict[str, Any] = {
    "data_file": "candles.csv",
    "window": 8,
    "d_model": 16,
    "n_heads": 2,
    "n_layers": 1,
    "batch_size": 32,
    "max_epochs": 2,
    "log_every_n_steps": 1,
    "accelerator": "cpu",
    "omp_threads": 1,
}


def write_demo(path: Path, bars: int, step: int = HOUR, seed: int = 5, gaps: int = 0) -> Path:
    write_candles(path, synthetic_candles(bars, seed, step, START, gaps))
    return path


def filled(**params: Any) -> Dict[str, Any]:
    """Every field of the recipe with its value."""
    return Forecast().fill({**TINY, **params})
