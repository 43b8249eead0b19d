"""What a training leaves in its artifacts: ``config.yaml``, ``predictions.parquet`` and ``metrics.json``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping

import numpy as np

from trainyard._words import counted
from trainyard.forecast.timeframes import duration_name
from trainyard.forecast.timestamps import to_iso
from trainyard.forecast.windows import ForecastData

PredictionTable = Dict[str, "np.ndarray[Any, Any]"]


def describe_data(data: ForecastData) -> Dict[str, Any]:
    """What was found in the data and made of it."""
    times, plan = data.bars.times, data.plan
    described: Dict[str, Any] = {
        "synthetic": data.synthetic,
        "sha256": data.fingerprint,
        "base_timeframe": duration_name(data.base),
        "context_timeframes": [duration_name(step) for step in plan.context],
        "first_bar": to_iso(int(times[0])),
        "last_bar": to_iso(int(times[-1])),
        "validation_from": to_iso(int(times[plan.val_start])),
        "test_from": to_iso(int(times[plan.test_start])) if len(plan.test) else None,
        "features": data.names,
    }
    return {**plan.facts, **described}


def write_config(path: Path, params: Mapping[str, Any], seed: int, data: ForecastData, versions: Mapping[str, str]) -> None:
    """Every effective value, what the data is, and the scales: enough to make the same model again and to use it elsewhere."""
    scales = data.scales
    document = {
        "recipe": "forecast",
        "seed": seed,
        "params": dict(params),
        "data": describe_data(data),
        "horizons": {
            horizon.name: counted(horizon.bars, "bar") if horizon.bars else duration_name(horizon.milliseconds) for horizon in data.horizons
        },
        "scales": {
            "features": {
                name: {"mean": float(mean), "scale": float(scale)}
                for name, mean, scale in zip(data.names, scales.feature_mean, scales.feature_scale)
            },
            "targets": {horizon.name: float(scale) for horizon, scale in zip(data.horizons, scales.target_scale)},
        },
        "versions": dict(versions),
    }
    _replace(path, "\n".join(yaml_lines(document)) + "\n")


def yaml_lines(value: Mapping[str, Any], indent: str = "") -> List[str]:
    """Block mappings with JSON scalars and lists, which every YAML reader takes (PyYAML need not be installed)."""
    lines: List[str] = []
    for key, item in value.items():
        # Keys such as 1h:rsi or y need quotes, and quotes harm no other.
        name = key if key.isidentifier() and len(key) > 3 else json.dumps(key)
        if isinstance(item, Mapping) and item:
            lines.append("{}{}:".format(indent, name))
            lines.extend(yaml_lines(item, indent + "  "))
        else:
            lines.append("{}{}: {}".format(indent, name, _scalar(item)))
    return lines


def _scalar(value: Any) -> str:
    text = json.dumps(value, allow_nan=False)
    # YAML 1.1 reads 1e-05 as text: a number needs a point.
    if isinstance(value, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    _replace(path, json.dumps(metrics, indent=2, sort_keys=True) + "\n")


def prediction_table(data: ForecastData, part: str, ends: "np.ndarray[Any, Any]", forecasts: Mapping[str, "np.ndarray[Any, Any]"]) -> PredictionTable:
    """
    One row per window and horizon, in the order of time.

    :param ends: (windows,), last bars
    :param forecasts: ``predicted`` and others, (windows, horizons)
    """
    count, horizons = len(ends), len(data.horizons)
    targets = np.array(data.plan.target_bars, dtype=np.int64).T[ends]
    table: PredictionTable = {
        "time": np.repeat(data.bars.ends[ends], horizons),
        "split": np.full(count * horizons, part, dtype=object),
        "horizon": np.tile(np.array([horizon.name for horizon in data.horizons], dtype=object), count),
        "target_time": data.bars.ends[targets].reshape(-1),
        "close": np.repeat(data.bars.close[ends], horizons),
        "actual": data.targets[ends].reshape(-1),
    }
    for name, values in forecasts.items():
        table[name] = values.reshape(-1)
    table["predicted_close"] = table["close"] * np.exp(table["predicted"])
    return table


def write_predictions(path: Path, tables: List[PredictionTable], synthetic: bool) -> int:
    """
    ``time`` and ``target_time`` are the ends of bars (UTC), when their closes were known; returns are log returns. Gives the number of rows.
    """
    import pyarrow
    from pyarrow import parquet

    moment = pyarrow.timestamp("ms", tz="UTC")
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    arrays = {
        name: pyarrow.array(values, type=moment if name in ("time", "target_time") else pyarrow.string() if values.dtype == object else None)
        for name, values in columns.items()
    }
    table = pyarrow.table(arrays).replace_schema_metadata({"trainyard.synthetic": "true" if synthetic else "false"})
    temporary = path.with_name("." + path.name + ".tmp")
    parquet.write_table(table, str(temporary))
    os.replace(temporary, path)
    return table.num_rows


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name("." + path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
