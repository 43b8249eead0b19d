"""How good forecasts are. Returns are log returns; all arrays are (windows,)."""

from __future__ import annotations

from typing import Dict

import numpy as np
from numpy.typing import NDArray

Returns = NDArray[np.float64]


def measures(predicted: Returns, actual: Returns) -> Dict[str, float]:
    """
    ``rmse`` in log returns; ``directional_accuracy``: the share of moves whose sign was right, bars that did not move left out;
    ``f1`` of "it will rise": the harmonic mean of precision and recall, 0 where neither is defined.
    """
    moved = actual != 0
    right = np.sign(predicted[moved]) == np.sign(actual[moved])
    up, rises = predicted > 0, actual > 0
    hits = int(np.sum(up & rises))
    called = int(np.sum(up)) + int(np.sum(rises))
    return {
        "rmse": float(np.sqrt(np.mean((predicted - actual) ** 2))),
        "directional_accuracy": float(np.mean(right)) if len(right) else 0.0,
        "f1": 2 * hits / called if called else 0.0,
    }


def baselines(actual: Returns) -> Dict[str, float]:
    """What it takes to be better than nothing: the RMSE of "no change", and the directional accuracy of always saying the commoner side."""
    moved = actual[actual != 0]
    up = float(np.mean(moved > 0)) if len(moved) else 0.0
    return {"rmse_no_change": float(np.sqrt(np.mean(actual**2))), "directional_accuracy_one_side": max(up, 1 - up) if len(moved) else 0.0}
