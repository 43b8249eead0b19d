"""Runs and points as tables of pandas and pyarrow, where these are installed."""

from array import array
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Union

if TYPE_CHECKING:
    from ._store import Run

Names = Union[str, Iterable[str]]


def _columns(runs: "List[Run]", names: Names) -> Dict[str, Any]:
    texts: Dict[str, List[str]] = {"run": [], "metric": []}
    attempts = array("i")
    steps, times, values = array("d"), array("d"), array("d")
    for run in runs:
        for name, curve in run.metrics(names).items():
            texts["run"] += [run.id] * len(curve)
            texts["metric"] += [name] * len(curve)
            attempts.extend(curve.attempts)
            steps.extend(curve.steps)
            times.extend(curve.times)
            values.extend(curve.values)
    return {**texts, "attempt": attempts, "step": steps, "time": times, "value": values}


def points_frame(runs: "List[Run]", names: Names) -> Any:
    import pandas

    columns = _columns(runs, names)
    frame = pandas.DataFrame({name: pandas.Series(column) for name, column in columns.items()})
    frame["time"] = pandas.to_datetime(frame["time"], unit="ms", utc=True)
    return frame


def points_table(runs: "List[Run]", names: Names) -> Any:
    import pyarrow

    columns = _columns(runs, names)
    types = {"run": pyarrow.string(), "metric": pyarrow.string(), "attempt": pyarrow.int32()}
    return pyarrow.table({name: pyarrow.array(column, types.get(name, pyarrow.float64())) for name, column in columns.items()})


def runs_frame(runs: "List[Run]") -> Any:
    import pandas

    rows = [run.fields() for run in runs]
    return pandas.DataFrame(rows, index=pandas.Index([run.id for run in runs], name="id"))
