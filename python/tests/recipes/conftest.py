"""A folder of tiny datasets, a run folder, and a tiny base model that is trained once for all tests."""

import sys
from pathlib import Path
from typing import Any, Callable

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "forecast"))

from recipe_runs import SMALL, TINY_MODEL, RecipeRun, write_jsonl  # noqa: E402


def make_data(folder: Path) -> Path:
    pairs = [(a, b) for a in range(10) for b in range(10)]
    write_jsonl(folder / "sums.jsonl", [{"prompt": "{}+{}=".format(a, b), "completion": str(a + b)} for a, b in pairs])
    write_jsonl(folder / "texts.jsonl", [{"body": "{} and {} make {}".format(a, b, a + b)} for a, b in pairs])
    chats = [[{"role": "user", "content": "{}+{}".format(a, b)}, {"role": "assistant", "content": str(a + b)}] for a, b in pairs]
    write_jsonl(folder / "chats.jsonl", [{"messages": chat} for chat in chats])
    preferences = [{"prompt": "{}+{}=".format(a, b), "chosen": str(a + b), "rejected": str(a + b + 1)} for a, b in pairs]
    write_jsonl(folder / "preferences.jsonl", preferences)
    (folder / "sums.csv").write_text("prompt,completion\n" + "".join("{:03d}+{:03d}=,{:03d}\n".format(a, b, a + b) for a, b in pairs))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return make_data(folder)


@pytest.fixture
def new_run(tmp_path: Path, data: Path) -> Callable[[str], RecipeRun]:
    return lambda name="run": RecipeRun(tmp_path / name, data)


class Trained:
    """A finished run of ``hf-causal-lm`` and the params it had."""

    def __init__(self, run: RecipeRun, params: Any) -> None:
        self.run = run
        self.params = params
        self.model = str(run.folder / "artifacts" / "model")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """12 steps with checkpoints at 6 and 12, evaluation with exact match at both."""
    root = tmp_path_factory.mktemp("base")
    workspace = root / "workspace"
    workspace.mkdir()
    make_data(workspace)
    params = {
        **TINY_MODEL,
        **SMALL,
        "train_file": "sums.jsonl",
        "eval_fraction": 0.2,
        "completion_only_loss": True,
        "max_steps": 12,
        "save_steps": 6,
        "eval_strategy": "steps",
        "eval_steps": 6,
        "eval_exact_match": True,
        "exact_match_max_new_tokens": 3,
    }
    run = RecipeRun(root / "run", workspace)
    run.run("hf-causal-lm", params)
    return Trained(run, params)
