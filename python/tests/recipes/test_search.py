"""The search of a sweep: what Optuna is told and what it answers. Every question is whole, so each test is a pure function of its question."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List

import pytest

from trainyard.recipes.search import BadQuestion, search

PARAMS = {"x": {"uniform": [-20, 20]}, "rate": {"loguniform": [1e-5, 1]}, "depth": {"int": [1, 4]}, "kind": ["plain", 1, True, None, [1, 2]]}


def sweep(**changes: Any) -> Dict[str, Any]:
    objective = {"metric": "loss", "direction": "min"}
    return {"method": "optuna", "seed": 1, "sampler": "tpe", "startup_trials": 10, "params": PARAMS, "objective": objective, **changes}


def suggest(trials: List[Dict[str, Any]], count: int = 1, **changes: Any) -> List[Dict[str, Any]]:
    answer = search({"ask": "suggest", "count": count, "sweep": sweep(**changes), "trials": trials})
    return answer["suggestions"]


def trial(params: Dict[str, Any], state: str = "complete", value: Any = None, steps: Any = (), judged: Any = None) -> Dict[str, Any]:
    return {"params": params, "state": state, "value": value, "steps": [list(each) for each in steps], "judged": judged}


def loss(params: Dict[str, Any]) -> float:
    return (params["x"] - 2) ** 2


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_suggestions_lie_in_their_ranges_and_choices_come_out_as_values(sampler: str) -> None:
    trials: List[Dict[str, Any]] = []
    for _ in range(25):
        (params,) = suggest(trials, sampler=sampler)
        assert -20 <= params["x"] <= 20 and 1e-5 <= params["rate"] <= 1
        assert params["depth"] in (1, 2, 3, 4) and isinstance(params["depth"], int)
        assert json.dumps(params["kind"]) in [json.dumps(each) for each in PARAMS["kind"]]
        trials.append(trial(params, value=loss(params)))
    assert len({json.dumps(each["params"]["x"]) for each in trials}) == 25


def test_the_first_draws_follow_from_the_seed_alone() -> None:
    drawn = suggest([], count=6)
    assert suggest([], count=6) == drawn
    assert suggest([], count=6, seed=2) != drawn
    # One by one, whatever they reached: the list that was shown beforehand holds.
    trials = [trial(params, state="failed") for params in drawn[:3]]
    assert suggest(trials) == [drawn[3]]


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_the_search_comes_nearer_to_the_best(direction: str, sign: int) -> None:
    objective = {"metric": "loss", "direction": direction}
    trials: List[Dict[str, Any]] = []
    for _ in range(40):
        (params,) = suggest(trials, objective=objective)
        trials.append(trial(params, value=sign * loss(params)))
    distances = [abs(each["params"]["x"] - 2) for each in trials]
    draws, chosen = sorted(distances[:10]), sorted(distances[25:])
    assert chosen[len(chosen) // 2] < draws[len(draws) // 2] / 2


def test_runs_of_every_state_are_understood() -> None:
    drawn = suggest([], count=5)
    states = ["complete", "running", "pruned", "failed", "complete"]
    trials = [trial(p, state=s, value=3.0 if s == "complete" else None, steps=[(0, 2.0), (4, 1.0)]) for p, s in zip(drawn, states)]
    assert len(suggest(trials, count=2, startup_trials=1)) == 2


def curve(factor: float, steps: int = 9) -> List[List[float]]:
    return [[step, factor / step] for step in range(1, steps + 1)]


def prune(pruner: Dict[str, Any], trials: List[Dict[str, Any]], direction: str = "min") -> List[int]:
    question = sweep(params={"x": [1, 2]}, pruner=pruner, objective={"metric": "loss", "direction": direction})
    return search({"ask": "prune", "sweep": question, "trials": trials})["prune"]


MEDIAN = {"kind": "median", "startup_trials": 2, "warmup_steps": 0}
ASHA = {"kind": "asha", "min_steps": 2, "reduction_factor": 2}


def test_median_ends_those_worse_than_the_middle_once_enough_are_over() -> None:
    over = [trial({"x": 1}, value=1.0, steps=curve(1)), trial({"x": 1}, value=2.0, steps=curve(2))]
    live = [trial({"x": 2}, state="running", steps=curve(9, 3)), trial({"x": 2}, state="running", steps=curve(1.1, 3))]
    assert prune(MEDIAN, over + live) == [2]
    assert prune(MEDIAN, over[:1] + live) == []
    assert prune({**MEDIAN, "warmup_steps": 5}, over + live) == []
    # More is better: then it is the other one.
    assert prune(MEDIAN, over + live, "max") == [3]


def test_what_was_judged_before_is_not_judged_again() -> None:
    over = [trial({"x": 1}, value=1.0, steps=curve(1)), trial({"x": 1}, value=2.0, steps=curve(2))]
    live = trial({"x": 2}, state="running", steps=curve(9, 3), judged=3)
    assert prune(MEDIAN, over + [live]) == []
    assert prune(MEDIAN, over + [{**live, "steps": curve(9, 4)}]) == [2]


def test_asha_lets_the_best_of_each_rung_go_on() -> None:
    live = [trial({"x": 1}, state="running", steps=curve(factor, 3)) for factor in (5, 1, 4)]
    over = [trial({"x": 1}, value=1.0, steps=curve(2)), trial({"x": 1}, state="pruned", steps=curve(8, 2))]
    assert prune(ASHA, over + live) == [2, 4]
    assert prune({**ASHA, "min_steps": 5}, over + live) == []


def test_failed_runs_say_nothing_to_a_pruner() -> None:
    failed = [trial({"x": 1}, state="failed", steps=curve(0.01)) for _ in range(5)]
    assert prune(MEDIAN, failed + [trial({"x": 2}, state="running", steps=curve(9, 3))]) == []


def test_importance_is_the_share_of_what_matters() -> None:
    drawn = suggest([], count=30, startup_trials=30)
    trials = [trial(params, value=loss(params)) for params in drawn]
    found = search({"ask": "importance", "sweep": sweep(), "trials": trials})["importance"]
    assert found["method"] in ("fanova", "ped_anova")
    shares = found["params"]
    assert set(shares) == set(PARAMS) and abs(sum(shares.values()) - 1) < 1e-6
    assert shares["x"] > 0.5


def test_what_optuna_refuses_is_a_sentence() -> None:
    (params,) = suggest([])
    # A run that completed without a value is none that the server tells of.
    answer = search({"ask": "suggest", "count": 1, "sweep": sweep(), "trials": [trial(params, value=None)]})
    assert answer["failed"].startswith("ValueError: ")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert search({"ask": "suggest", "count": 1, "sweep": sweep(), "trials": []}) == {"missing": "optuna"}


@pytest.mark.parametrize("question", [{}, {"ask": "sing"}, {"ask": "suggest", "sweep": {}}, []])
def test_what_is_no_question_is_refused(question: Any) -> None:
    with pytest.raises(BadQuestion):
        search(question)
