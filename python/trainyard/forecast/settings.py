"""The recipe's values as the code works with them, and what of them contradicts itself or the data. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from trainyard.forecast.timeframes import TIMEFRAMES, duration_name, parse_duration

INDICATORS = ("rsi", "macd", "atr", "bb", "ema", "sma", "obv")
LOSSES = ("gaussian_nll", "student_t", "quantile", "mse")
GAP_RULES = ("bridge", "split")


class Setting(NamedTuple):
    """A field that does not fit: ``message`` is the whole sentence."""

    field: str
    message: str
    hint: Optional[str]


class Horizon(NamedTuple):
    """A target: the log return from the close of a bar to that of a later one. Either ``bars`` or ``milliseconds`` is set."""

    name: str
    bars: int
    milliseconds: int


@dataclass(frozen=True)
class FeatureSettings:
    """Which features are made of the bars of one timeframe. Periods are in bars."""

    indicators: Sequence[str]
    use_volume: bool
    rsi_period: int
    macd_fast: int
    macd_slow: int
    macd_signal: int
    atr_period: int
    bb_period: int
    bb_width: float
    ema_periods: Sequence[int]
    sma_periods: Sequence[int]
    obv_period: int

    @staticmethod
    def from_params(params: Mapping[str, Any]) -> "FeatureSettings":
        names = [name for name in FeatureSettings.__dataclass_fields__ if name not in ("ema_periods", "sma_periods", "indicators")]
        return FeatureSettings(
            indicators=[name for name in INDICATORS if name in params["indicators"]],
            # Each period once, shortest first: a list in a form has no order that means anything.
            ema_periods=sorted(set(params["ema_periods"])),
            sma_periods=sorted(set(params["sma_periods"])),
            **{name: params[name] for name in names},
        )

    def first_valid(self) -> int:
        """Index of the first bar for which every feature is defined: earlier ones lack the bars that the indicators look back to."""
        reach = {
            "rsi": self.rsi_period,
            "macd": self.macd_slow + self.macd_signal - 2,
            "atr": self.atr_period - 1,
            "bb": self.bb_period - 1,
            "ema": max(self.ema_periods, default=1) - 1,
            "sma": max(self.sma_periods, default=1) - 1,
            "obv": self.obv_period,
        }
        # The return of a bar needs the bar before.
        return max([1] + [reach[name] for name in self.indicators])


def read_horizons(params: Mapping[str, Any]) -> List[Horizon]:
    """Those that are on, shortest kind first. The params must have passed :func:`setting_problems`."""
    horizons = [Horizon("next", params["horizon_next"], 0)] if params["horizon_next"] else []
    for name in ("short", "long"):
        text = params["horizon_" + name]
        if text:
            horizons.append(Horizon(name, 0, parse_duration(text) or 0))
    return horizons


def split_timeframes(params: Mapping[str, Any], base: int) -> Tuple[int, List[int]]:
    """The timeframe whose bars are forecast and the longer ones that give further features, in ms; no timeframes means the file's own."""
    steps = sorted({TIMEFRAMES[name] for name in params["timeframes"]}) or [base]
    return steps[0], steps[1:]


def setting_problems(params: Mapping[str, Any]) -> List[Setting]:
    """Contradictions that need no look at the data."""
    found: List[Setting] = []

    def wrong(name: str, message: str, hint: Optional[str] = None) -> None:
        found.append(Setting(name, "{} {}".format(name, message), hint))

    if "obv" in params["indicators"] and not params["use_volume"]:
        wrong("indicators", "has obv, which needs the volume", "Leave obv out or turn use_volume on.")
    if params["macd_fast"] >= params["macd_slow"]:
        wrong("macd_fast", "is {}, not shorter than macd_slow {}".format(params["macd_fast"], params["macd_slow"]))
    for name in ("ema_periods", "sma_periods"):
        low = [period for period in params[name] if period < 2]
        if low:
            wrong(name, "holds {}; a period has at least 2 bars".format(low[0]))
        elif name[:3] in params["indicators"] and not params[name]:
            wrong(name, "is empty", "Give a period, or leave {} out of the indicators.".format(name[:3]))
    for name in ("horizon_short", "horizon_long"):
        if params[name] and parse_duration(params[name]) is None:
            wrong(name, "is {!r} and no duration".format(params[name]), "Write it as 30m, 4h, 1d or 1w.")
    if not any(params["horizon_" + name] for name in ("next", "short", "long")):
        wrong("horizon_next", "is 0 and no other horizon is set: there is nothing to forecast", "Set one of the horizons.")
    short, long = (parse_duration(params[name] or "") for name in ("horizon_short", "horizon_long"))
    if short and long and short >= long:
        wrong("horizon_long", "is {}, not longer than horizon_short {}".format(params["horizon_long"], params["horizon_short"]))
    if params["d_model"] % params["n_heads"]:
        wrong("d_model", "is {}, no multiple of n_heads {}".format(params["d_model"], params["n_heads"]))
    if params["val_fraction"] + params["test_fraction"] >= 0.9:
        wrong("val_fraction", "and test_fraction leave less than a tenth of the bars for training")
    if params["max_epochs"] == -1 and params["max_steps"] == -1:
        wrong("max_epochs", "and max_steps are both -1: the training would have no end")
    if params["loss"] == "quantile":
        found.extend(_quantile_problems(params["quantiles"]))
    return found


def _quantile_problems(quantiles: Sequence[float]) -> List[Setting]:
    if any(not 0 < value < 1 for value in quantiles):
        return [Setting("quantiles", "quantiles must lie between 0 and 1, not {}".format(list(quantiles)), None)]
    if 0.5 not in quantiles:
        return [Setting("quantiles", "quantiles lack 0.5, the forecast itself", "Add 0.5.")]
    if len(set(quantiles)) < len(quantiles):
        return [Setting("quantiles", "quantiles hold a value twice: {}".format(list(quantiles)), None)]
    return []


def timeframe_problems(params: Mapping[str, Any], base: int) -> List[Setting]:
    """What does not fit the timeframe of the file (ms)."""
    found: List[Setting] = []
    name = duration_name(base)
    for timeframe in params["timeframes"]:
        step = TIMEFRAMES[timeframe]
        if step < base:
            message = "timeframes has {}, but the file has one bar per {}: bars cannot be made shorter".format(timeframe, name)
            found.append(Setting("timeframes", message, "Choose {} or longer.".format(name)))
        elif step % base:
            message = "timeframes has {}, which is no multiple of the file's {}".format(timeframe, name)
            found.append(Setting("timeframes", message, None))
    if found:
        return found
    primary, _ = split_timeframes(params, base)
    for horizon in read_horizons(params):
        if horizon.milliseconds % primary:
            text = params["horizon_" + horizon.name]
            what = "is {}, shorter than a bar of {}" if horizon.milliseconds < primary else "is {}, no multiple of a bar of {}"
            message = "horizon_{} {}".format(horizon.name, what.format(text, duration_name(primary)))
            found.append(Setting("horizon_" + horizon.name, message, "Choose a multiple of {}, or shorter timeframes.".format(duration_name(primary))))
    return found


def normalised(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Params as numbers of the right kind: a form gives 12.0 for 12 inside a list."""
    values = dict(params)
    for name in ("ema_periods", "sma_periods"):
        values[name] = [int(value) for value in params[name]]
    values["quantiles"] = sorted(float(value) for value in params["quantiles"])
    return values
