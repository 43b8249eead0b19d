"""The demo's data: sums that the base model learns, and differences that the adapter learns. The same rows on every machine."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Tuple

Pair = Tuple[int, int]
#: Numbers below this are added.
NUMBERS = 100
HELD_OUT = 400
_SHUFFLE_SEED = 20


def write_data(folder: Path) -> Dict[str, int]:
    """Writes the four files; gives the number of rows of each. Held-out rows are in no training file."""
    pairs = [(a, b) for a in range(NUMBERS) for b in range(NUMBERS)]
    random.Random(_SHUFFLE_SEED).shuffle(pairs)
    ordered = [(a, b) for a, b in pairs if a >= b]
    return {
        "addition.eval.jsonl": _write(folder / "addition.eval.jsonl", pairs[:HELD_OUT], addition),
        "addition.train.jsonl": _write(folder / "addition.train.jsonl", pairs[HELD_OUT:], addition),
        "subtraction.eval.jsonl": _write(folder / "subtraction.eval.jsonl", ordered[:HELD_OUT], subtraction),
        "subtraction.train.jsonl": _write(folder / "subtraction.train.jsonl", ordered[HELD_OUT:], subtraction),
    }


def addition(a: int, b: int) -> Dict[str, str]:
    """``12+34=`` → ``46``"""
    return {"prompt": "{}+{}=".format(a, b), "completion": str(a + b)}


def subtraction(a: int, b: int) -> Dict[str, str]:
    """``46-12=`` → ``34``"""
    return {"prompt": "{}-{}=".format(a, b), "completion": str(a - b)}


def _write(path: Path, pairs: Iterable[Pair], task: Callable[[int, int], Dict[str, str]]) -> int:
    rows: List[Dict[str, str]] = [task(a, b) for a, b in pairs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)
