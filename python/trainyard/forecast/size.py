"""How large a model is, counted without building it. Standard library alone."""

from __future__ import annotations

from typing import Any, Mapping

from trainyard.forecast.settings import read_horizons
from trainyard.forecast.timeframes import DAY, WEEK

_PER_INDICATOR = {"rsi": 1, "macd": 3, "atr": 1, "bb": 2, "obv": 1}


def feature_count(params: Mapping[str, Any], context: int, primary: int) -> int:
    """
    :param context: number of further timeframes
    :param primary: timeframe of the bars that are forecast, ms
    """
    counts = {**_PER_INDICATOR, "ema": len(set(params["ema_periods"])), "sma": len(set(params["sma_periods"]))}
    of_a_timeframe = 4 + bool(params["use_volume"]) + sum(counts[name] for name in set(params["indicators"]))
    calendar = 2 * ((primary < DAY) + (primary < WEEK) + 1) if params["calendar_features"] else 0
    return of_a_timeframe * (1 + context) + calendar


def output_count(params: Mapping[str, Any]) -> int:
    """Values per window that the model gives."""
    per_target = {"gaussian_nll": 2, "student_t": 3, "mse": 1}.get(params["loss"], len(params["quantiles"]))
    return per_target * len(read_horizons(params))


def parameter_count(params: Mapping[str, Any], context: int, primary: int) -> int:
    """Trainable parameters of ``forecast.model.Encoder``."""
    width = params["d_model"]
    attention = 4 * width * width + 4 * width
    feed_forward = 2 * 4 * width * width + 4 * width + width
    norms = 2 * 2 * width
    embedding = (feature_count(params, context, primary) + 1) * width
    head = (width + 1) * output_count(params)
    return embedding + params["n_layers"] * (attention + feed_forward + norms) + 2 * width + head
