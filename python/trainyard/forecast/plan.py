"""How many windows the data gives, counted from the times alone: the check before the start tells it without numpy, and the training
compares its own arrays with it.

A *window* ends at bar ``i`` and holds ``window`` bars up to and with it; its targets are closes after ``i``. The bars are cut into training,
validation and test by time. A training window whose target lies in the validation part, or nearer to it than the embargo, is left out (the
purge), so that no price of the later part is ever a target of the earlier one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from trainyard._words import counted
from trainyard.forecast.settings import FeatureSettings, Horizon, Setting, read_horizons, split_timeframes
from trainyard.forecast.timeframes import duration_name, grid_start


@dataclass(frozen=True)
class Plan:
    """Indices are of bars of the primary timeframe; a window is named by its last bar."""

    primary: int
    context: Sequence[int]
    bars: int
    #: The first bar at which every feature of every timeframe is known.
    first_valid: int
    #: First bars of the parts.
    val_start: int
    test_start: int
    train: Sequence[int]
    val: Sequence[int]
    test: Sequence[int]
    #: Training windows that were left out at the border.
    purged: int
    #: For each horizon the target's bar of each bar; the number of bars where it is not known yet.
    target_bars: Sequence[Sequence[int]]

    @property
    def facts(self) -> Dict[str, Any]:
        return {
            "timeframe": duration_name(self.primary),
            "bars": self.bars,
            "train_windows": len(self.train),
            "val_windows": len(self.val),
            "test_windows": len(self.test),
            "purged_windows": self.purged,
        }


class NotEnough(Exception):
    """Too few bars for what was asked; ``setting`` says where to change it."""

    def __init__(self, field: str, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.setting = Setting(field, message, hint)


def resampled_times(times: Sequence[int], base: int, step: int) -> List[int]:
    """
    Opening times of the bars of timeframe ``step`` (ms). A bar that the data ends in is left out: its close is not known yet.
    """
    if step == base:
        return list(times)
    start = grid_start(step)
    opens: List[int] = []
    for time in times:
        opening = time - (time - start) % step
        if not opens or opens[-1] != opening:
            opens.append(opening)
    if opens and times[-1] + base < opens[-1] + step:
        opens.pop()
    return opens


def target_bars(opens: Sequence[int], step: int, horizon: Horizon) -> List[int]:
    """For each bar the one whose close is its target: so many bars on, or the first that ends at or after the duration."""
    count = len(opens)
    if horizon.bars:
        return [min(at + horizon.bars, count) for at in range(count)]
    # Both ends move by the same bar length, so opening times compare as closing times do.
    return [bisect_left(opens, opening + horizon.milliseconds, at + 1) for at, opening in enumerate(opens)]


def make_plan(times: Sequence[int], base: int, params: Mapping[str, Any]) -> Plan:
    """@raises NotEnough"""
    primary, context = split_timeframes(params, base)
    features = FeatureSettings.from_params(params)
    opens = resampled_times(times, base, primary)
    reach = first = features.first_valid()
    why = "the indicators look back over {}".format(counted(reach, "bar"))
    _require(len(opens) > reach, "timeframes", len(opens), primary, why)
    for step in context:
        higher = resampled_times(times, base, step)
        _require(len(higher) > reach, "timeframes", len(higher), step, why)
        known_from = higher[reach] + step
        first = max(first, bisect_left(opens, known_from - primary))
    count = len(opens)
    targets = [target_bars(opens, primary, horizon) for horizon in read_horizons(params)]
    furthest = [max(row) for row in zip(*targets)]
    segments = segment_numbers(opens, primary) if params["gaps"] == "split" else [0] * count
    window = params["window"]
    usable = [
        at
        for at in range(first + window - 1, count)
        if furthest[at] < count and segments[at - window + 1] == segments[furthest[at]]
    ]
    horizon_field = max(zip(targets, read_horizons(params)), key=lambda pair: pair[0][0] if pair[0] else 0)[1].name
    if not usable:
        message = "{} bars of {} are too few: the indicators take {}, a window {}, and the furthest target lies {} bars on".format(
            count, duration_name(primary), first, window, furthest[0] if furthest else 0
        )
        field = "window" if window + first >= count else "horizon_" + horizon_field
        raise NotEnough(field, message, "Use more data, a shorter window, shorter horizons or shorter timeframes.")
    # Cut by usable windows, so that a part is as large as it was asked for however long the warm-up is.
    total = len(usable)
    test_count = round(total * params["test_fraction"])
    val_count = max(1, round(total * params["val_fraction"]))
    test_start = usable[total - test_count] if test_count else count
    val_at = total - test_count - val_count
    val_start = usable[val_at] if val_at >= 0 else usable[0]
    train = [at for at in usable[: max(val_at, 0)] if furthest[at] < val_start - params["embargo_bars"]]
    val = [at for at in usable[max(val_at, 0) : total - test_count] if test_count == 0 or furthest[at] < test_start - params["embargo_bars"]]
    test = usable[total - test_count :] if test_count else []
    purged = total - len(train) - len(val) - len(test)
    for name, part in (("training", train), ("validation", val)):
        if not part:
            message = "no window is left for {}: of {} windows {} reach across the border to what comes later".format(name, total, purged)
            raise NotEnough("horizon_" + horizon_field, message, "Use more data, shorter horizons, or other fractions.")
    return Plan(primary, context, count, first, val_start, test_start, train, val, test, purged, targets)


def segment_numbers(opens: Sequence[int], step: int) -> List[int]:
    """Bars with no missing bar between them have the same number."""
    numbers: List[int] = []
    number = 0
    for at, opening in enumerate(opens):
        if at and opening - opens[at - 1] >= 2 * step:
            number += 1
        numbers.append(number)
    return numbers


def last_known(opens: Sequence[int], step: int, moment: int) -> int:
    """Index of the last bar that has ended at a moment (ms), or -1."""
    return bisect_right(opens, moment - step) - 1


def _require(enough: bool, field: str, count: int, step: int, why: str) -> None:
    if not enough:
        message = "the file gives {} of {}, too few: {}".format(counted(count, "bar"), duration_name(step), why)
        raise NotEnough(field, message, "Use more data, shorter timeframes or shorter periods.")
