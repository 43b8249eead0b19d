"""Carries out one attempt: reads ``resolved.json`` of the launched run, trains, and says how it ended."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Dict, Optional

import trainyard
from trainyard.adapters.base import BaseAdapter, RecipeError, ResumeFrom, TrainContext
from trainyard.recipes import catalogue

DEFAULT_SEED = 42
#: A training waits this long for fields that only an import of the packages tells.
_PREPARE_SECONDS = 120.0
#: Exit status of a run whose settings cannot be carried out (sysexits' EX_CONFIG).
EXIT_BAD_SETTINGS = 78


def run(run_dir: Optional[str] = None) -> int:
    """Train what ``<run_dir>/resolved.json`` (a ``ResolvedSpec``) asks for; ``$TRAINYARD_RUN_DIR`` when no folder is given.

    The exit status is 0 when the training completed or ended because a stop was asked for.
    """
    folder = run_dir or os.environ.get("TRAINYARD_RUN_DIR")
    if not folder:
        print("TRAINYARD_RUN_DIR is not set: this command is started by the run server.", file=sys.stderr)
        return 2
    resolved: Dict[str, Any] = json.loads((Path(folder) / "resolved.json").read_text(encoding="utf-8"))
    active = trainyard.init()
    try:
        adapter = find(resolved["recipe"])
        context = make_context(resolved, adapter, active)
        completed = adapter.train(context)
    except KeyboardInterrupt:
        active.finish("cancelled", reason="interrupted from the keyboard")
        return 130
    except RecipeError as error:
        # The sentence says it all: a traceback through this code would only hide it.
        print("error: {}{}".format(error, " [{}]".format(error.field) if error.field else ""), file=sys.stderr)
        active.finish("failed", reason=str(error), error=error)
        return EXIT_BAD_SETTINGS
    except Exception as error:
        traceback.print_exc()
        active.finish("failed", reason="{}: {}".format(type(error).__name__, error), error=error)
        return 1
    active.finish(None if completed is None else "completed" if completed else "cancelled")
    return 0


def find(recipe: str) -> BaseAdapter:
    """The recipe of a name. @raises RecipeError when there is none"""
    found = catalogue.load(catalogue.launch_workspaces())
    if recipe in found.entries:
        return found.entries[recipe].adapter
    broken = "; ".join(problem.message for problem in found.problems)
    hint = "Broken recipe files: " + broken if broken else "There are: {}.".format(", ".join(found.entries))
    raise RecipeError("there is no recipe {!r}".format(recipe), "recipe", hint)


def make_context(resolved: Dict[str, Any], adapter: BaseAdapter, active: Any) -> TrainContext:
    """Folders made, params filled and checked. @raises RecipeError naming the first field that is wrong"""
    adapter.prepare(_PREPARE_SECONDS, resolved["params"])
    params = adapter.fill(resolved["params"])
    report = adapter.preflight_fields(resolved["params"], Path.cwd())
    for problem in report.problems:
        if problem.severity == "error":
            raise RecipeError(problem.message, problem.field, problem.hint)
    resume = resolved.get("resume_from")
    checkpoint_dir = Path(resolved["checkpoint_dir"])
    artifact_dir = Path(resolved["artifact_dir"])
    checkpoint_dir.mkdir(parents=True, exist_ok=True)
    artifact_dir.mkdir(parents=True, exist_ok=True)
    seed = resolved.get("seed")
    return TrainContext(
        params=params,
        run=active,
        resume_from=ResumeFrom(resume["path"], resume["step"], resume["mode"]) if resume else None,
        run_dir=Path(resolved["run_dir"]),
        checkpoint_dir=checkpoint_dir,
        artifact_dir=artifact_dir,
        seed=DEFAULT_SEED if seed is None else seed,
    )
