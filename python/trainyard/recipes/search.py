"""The search of a sweep through Optuna: what to try next, which runs to end early, which params mattered.

Every question holds all that is known of the sweep and the study is built anew from it, so nothing is remembered here: the plain files of
the store are the only state, and a server or a helper that is killed loses nothing. Optuna is imported from the interpreter that the user
chose; where it is missing, the answer says so.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import Any, Callable, Dict, List

#: An answer, as JSON: ``suggestions``, ``prune`` or ``importance``, or what kept from one: ``missing`` (a package) or ``failed`` (a sentence).
Answer = Dict[str, Any]


class BadQuestion(ValueError):
    """The question does not have the shape of ``SearchQuestion`` (protocol/sweep-search.ts)."""


def search(question: Dict[str, Any]) -> Answer:
    """Answers one question; never raises for what Optuna or the lack of it does."""
    try:
        ask = _ASKS[question["ask"]]
        params, trials = question["sweep"]["params"], question["trials"]
    except (KeyError, TypeError) as error:
        raise BadQuestion("not a question about a sweep: {}".format(error)) from error
    try:
        import optuna
    except ImportError:
        return {"missing": "optuna"}
    # Its log goes to stderr, where only a failure is looked for; its warnings of what is experimental are not the user's.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    try:
        return ask(optuna, question, _Space(optuna, params), trials)
    except ImportError as error:
        named = re.search(r"'([\w.-]+)'", str(error))
        return {"missing": named.group(1) if named else str(error)}
    except Exception as error:  # whatever its version does: the sweep says it and stops
        return {"failed": "{}: {}".format(type(error).__name__, error)}


class _Space:
    """The ranges of a sweep as Optuna's distributions. A list is a choice among its places: its values may be anything."""

    def __init__(self, optuna: Any, ranges: Dict[str, Any]) -> None:
        self._ranges = ranges
        self.distributions = {name: _distribution(optuna, each) for name, each in ranges.items()}

    def inward(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """@raises KeyError or ValueError for params of another sweep"""
        return {name: _place(each, params[name]) if isinstance(each, list) else params[name] for name, each in self._ranges.items()}

    def outward(self, params: Dict[str, Any]) -> Dict[str, Any]:
        return {name: each[params[name]] if isinstance(each, list) else params[name] for name, each in self._ranges.items()}


def _distribution(optuna: Any, given: Any) -> Any:
    kinds = optuna.distributions
    if isinstance(given, list):
        return kinds.CategoricalDistribution(list(range(len(given))))
    if "int" in given:
        return kinds.IntDistribution(*given["int"])
    if "uniform" in given:
        return kinds.FloatDistribution(*given["uniform"])
    return kinds.FloatDistribution(*given["loguniform"], log=True)


def _place(values: List[Any], value: Any) -> int:
    # By its text: 1 and true are equal in Python and are two values here.
    return [json.dumps(each, sort_keys=True) for each in values].index(json.dumps(value, sort_keys=True))


def _direction(question: Dict[str, Any]) -> str:
    return "maximize" if question["sweep"]["objective"]["direction"] == "max" else "minimize"


def _study(optuna: Any, question: Dict[str, Any], space: _Space, trials: List[Dict[str, Any]], sampler: Any = None) -> Any:
    study = optuna.create_study(direction=_direction(question), sampler=sampler or optuna.samplers.RandomSampler(seed=0))
    states = optuna.trial.TrialState
    for trial in trials:
        state = {"complete": states.COMPLETE, "pruned": states.PRUNED, "running": states.RUNNING}.get(trial["state"], states.FAIL)
        study.add_trial(
            optuna.trial.create_trial(
                params=space.inward(trial["params"]),
                distributions=space.distributions,
                state=state,
                value=trial["value"] if state == states.COMPLETE else None,
                intermediate_values={int(step): value for step, value in trial["steps"]},
            )
        )
    return study


def _suggest(optuna: Any, question: Dict[str, Any], space: _Space, trials: List[Dict[str, Any]]) -> Answer:
    """``count`` sets of params, each knowing of those before it. The first ``startup_trials`` of a sweep are random draws."""
    known = list(trials)
    suggestions = []
    for _ in range(question["count"]):
        study = _study(optuna, question, space, known, _sampler(optuna, question["sweep"], len(known)))
        params = space.outward(study.ask(space.distributions).params)
        suggestions.append(params)
        known.append({"params": params, "state": "running", "value": None, "steps": []})
    return {"suggestions": suggestions}


def _sampler(optuna: Any, sweep: Dict[str, Any], number: int) -> Any:
    samplers = optuna.samplers
    # Another seed for each trial: the sampler is new each time, and one seed would draw one trial over and over.
    seed = (sweep["seed"] + number) % 2**32
    if sweep["sampler"] == "gp":
        # Also for the first draws, which do not need it: a missing package shows before anything is started.
        chosen = samplers.GPSampler(seed=seed, n_startup_trials=1)
    elif sweep["sampler"] == "tpe":
        # Runs that live count as bad ones for the moment, so that those at one time are spread.
        chosen = samplers.TPESampler(seed=seed, n_startup_trials=1, constant_liar=True)
    else:
        chosen = samplers.RandomSampler(seed=seed)
    return samplers.RandomSampler(seed=seed) if number < sweep["startup_trials"] else chosen


def _prune(optuna: Any, question: Dict[str, Any], space: _Space, trials: List[Dict[str, Any]]) -> Answer:
    """Which of the running trials, by their place, the pruner ends. All trials are told again step by step, those that are over first."""
    rule = question["sweep"]["pruner"]
    if rule["kind"] == "median":
        pruner = optuna.pruners.MedianPruner(n_startup_trials=rule["startup_trials"], n_warmup_steps=rule["warmup_steps"])
    else:
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=rule["min_steps"], reduction_factor=rule["reduction_factor"])
    study = optuna.create_study(direction=_direction(question), sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
    states = optuna.trial.TrialState
    ended: List[int] = []
    for running in (False, True):
        for place, trial in enumerate(trials):
            if (trial["state"] == "running") != running or trial["state"] == "failed":
                continue
            told = study.ask()
            for step, value in trial["steps"]:
                told.report(value, int(step))
                # Successive halving notes here how far a trial came, so it is asked of each.
                bad = told.should_prune()
                if running and bad and (trial["judged"] is None or step > trial["judged"]):
                    ended.append(place)
                    break
            if trial["state"] == "complete":
                study.tell(told, trial["value"])
            elif not running:
                study.tell(told, state=states.PRUNED)
    return {"prune": ended}


def _importance(optuna: Any, question: Dict[str, Any], space: _Space, trials: List[Dict[str, Any]]) -> Answer:
    """The share of each param in how much the objective differs: by fANOVA where scikit-learn is installed too, else by PED-ANOVA."""
    study = _study(optuna, question, space, [trial for trial in trials if trial["state"] == "complete"])
    evaluators = optuna.importance
    try:
        method, evaluator = "fanova", evaluators.FanovaImportanceEvaluator(seed=0)
    except ImportError:
        method, evaluator = "ped_anova", evaluators.PedAnovaImportanceEvaluator()
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {"importance": {"method": method, "params": {name: float(share) for name, share in shares.items()}}}


_ASKS: Dict[str, Callable[[Any, Dict[str, Any], _Space, List[Dict[str, Any]]], Answer]] = {
    "suggest": _suggest,
    "prune": _prune,
    "importance": _importance,
}
