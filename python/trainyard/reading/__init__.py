"""
Reads a store's run folders: standard library alone, no server needed.

    import trainyard

    store = trainyard.open(".trainyard")
    for run in store.runs(filter='metrics.eval/loss:min < 0.4 and "baseline" in record.tags'):
        curve = run.metric("eval/loss")
        print(run.name, run.params["learning_rate"], list(zip(curve.steps, curve.values)))
"""

from ._metrics import Curve, Summary
from ._store import Run, Store, open_store
from ._tokens import FilterError

__all__ = ["Curve", "FilterError", "Run", "Store", "Summary", "open_store"]
