"""Forecasts of market candles: a transformer on log returns, trained with Lightning. ``docs/forecast.md`` goes through it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Mapping

from trainyard.adapters.base import BaseAdapter, Preflight, Preset, TrainContext, resolve_path
from trainyard.forecast.candles import CandleError, Candles, ReadOptions, base_step, describe_gaps, find_gaps, read_candles
from trainyard.forecast.estimate import add_estimate
from trainyard.forecast.fields import SECTIONS, all_fields
from trainyard.forecast.plan import NotEnough, Plan, make_plan
from trainyard.forecast.settings import Setting, normalised, read_horizons, setting_problems, timeframe_problems
from trainyard.forecast.size import parameter_count
from trainyard.forecast.timeframes import duration_name
from trainyard.forecast.timestamps import to_iso

#: The check reads so many rows at most (a second or so), and says when a file has more; the training reads and checks them all.
CHECKED_ROWS = 300_000


class Forecast(BaseAdapter):
    id = "forecast"
    title = "Time-series forecast"
    description = "Trains a transformer on OHLCV candles from a CSV file to forecast log returns over one to three horizons."
    framework = "lightning"
    requires = ("torch", "lightning", "numpy", "pyarrow")
    resumable = True
    sections = SECTIONS
    fields = all_fields()
    presets = {
        "base": Preset("Base", {"d_model": 256, "n_layers": 2, "batch_size": 32}),
        "medium": Preset("Medium", {"d_model": 512, "n_layers": 3, "batch_size": 64}),
        "large": Preset("Large", {"d_model": 768, "n_layers": 4, "batch_size": 128}),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        values = normalised(params)
        problems = setting_problems(values)
        try:
            candles = read_candles(resolve_path(params["data_file"], base_dir), ReadOptions.from_params(params), CHECKED_ROWS)
        except CandleError as error:
            _report(problems, report)
            report.error(error.parameter, error.message, error.hint)
            return
        if len(candles) < 2:
            report.error("data_file", "{} holds a single bar".format(params["data_file"]))
            return
        base = base_step(candles.times)
        _data_facts(candles, base, report)
        problems.extend([] if problems else timeframe_problems(values, base))
        if problems:
            _report(problems, report)
            return
        try:
            plan = make_plan(candles.times, base, values)
        except NotEnough as error:
            if candles.whole:
                _report([error.setting], report)
            return
        _plan_facts(plan, values, candles.whole, report)

    def train(self, context: TrainContext) -> bool:
        if context.params["omp_threads"]:
            os.environ["OMP_NUM_THREADS"] = str(context.params["omp_threads"])
        from trainyard.forecast.training import train

        return train(context)


def _report(problems: "list[Setting]", report: Preflight) -> None:
    for field, message, hint in problems:
        report.error(field, message, hint)


def _data_facts(candles: Candles, base: int, report: Preflight) -> None:
    """What the file holds: shown beside the form."""
    gaps = find_gaps(candles.times, base)
    report.facts.update(
        rows=len(candles) if candles.whole else "more than {}".format(len(candles)),
        base_timeframe=duration_name(base),
        first_bar=to_iso(candles.times[0]),
        last_bar=to_iso(candles.times[-1]),
        missing_bars=sum(gap.missing for gap in gaps),
        gaps=len(gaps),
        columns=dict(candles.columns),
        synthetic=candles.synthetic,
    )
    if candles.synthetic:
        report.info("data_file", "the candles are synthetic: they say nothing of any market")
    if not candles.whole:
        report.facts["last_bar"] = None
        report.info("data_file", "the first {} rows were checked; the training checks them all".format(len(candles)))
    uneven = sum(1 for earlier, later in zip(candles.times, candles.times[1:]) if (later - earlier) % base)
    if uneven:
        report.warning(
            "data_file",
            "{} of {} bars are not a multiple of {} after the one before".format(uneven, len(candles), duration_name(base)),
            "Were files of different timeframes joined, or the clocks changed? Times should be in UTC.",
        )
    if gaps:
        report.info("gaps", describe_gaps(gaps, base), "bridge treats the bars around a gap as neighbours, split keeps windows from reaching across.")


def _plan_facts(plan: Plan, params: Mapping[str, Any], whole: bool, report: Preflight) -> None:
    report.facts["parameters"] = parameter_count(params, len(plan.context), plan.primary)
    if not whole:
        return
    report.facts.update(plan.facts)
    per_epoch = math.ceil(len(plan.train) / params["batch_size"])
    report.facts["steps_per_epoch"] = per_epoch
    limits = [params["max_steps"]] if params["max_steps"] > 0 else []
    limits += [per_epoch * params["max_epochs"]] if params["max_epochs"] > 0 else []
    steps = min(limits, default=None)
    report.facts["steps_on_one_device"] = steps
    add_estimate(params, plan, steps, report)
    if params["val_check_interval"] > max(1, per_epoch):
        report.error(
            "val_check_interval",
            "val_check_interval is {:g} batches, but an epoch has {}".format(params["val_check_interval"], per_epoch),
            "Choose at most {}, or 1 for once an epoch.".format(per_epoch),
        )
    horizons = {horizon.name: row for horizon, row in zip(read_horizons(params), plan.target_bars)}
    names = list(horizons)
    for first, second in zip(names, names[1:]):
        if horizons[first] == horizons[second]:
            report.warning("horizon_" + second, "horizon_{} is the same as horizon_{}: both end at the same bars".format(second, first))
