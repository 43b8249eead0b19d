"""Synthetic candles for the tests, and run folders for the recipe."""

import sys
from pathlib import Path
from typing import Callable

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent, HERE.parent / "recipes"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from candle_files import write_demo  # noqa: E402
from recipe_runs import RecipeRun  # noqa: E402


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with ``candles.csv``: 400 synthetic bars of an hour."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    write_demo(folder / "candles.csv", bars=400)
    return folder


@pytest.fixture
def forecast_run(tmp_path: Path, workspace: Path) -> Callable[..., RecipeRun]:
    return lambda name="run": RecipeRun(tmp_path / name, workspace)
