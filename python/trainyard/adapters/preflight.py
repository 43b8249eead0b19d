"""What a check before the start finds: problems, facts and needs (``PreflightReport`` in ``protocol/recipe.ts``)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence


@dataclass(frozen=True)
class Fix:
    """One change of the document that cures a problem: ``path`` such as ``params.save_steps``; ``label`` says it for a button."""

    path: str
    value: Any
    label: str


@dataclass(frozen=True)
class Problem:
    """``severity`` is ``error`` (blocks the start), ``warning`` or ``info``; ``field`` a dotted path such as ``params.learning_rate``.

    Each of ``fixes`` cures it by itself, the smallest first.
    """

    severity: str
    field: str
    message: str
    hint: Optional[str] = None
    fixes: Sequence[Fix] = ()

    def to_json(self) -> Dict[str, Any]:
        """The ``Problem`` of ``protocol/errors.ts``."""
        shape: Dict[str, Any] = {"severity": self.severity, "field": self.field, "message": self.message, "hint": self.hint}
        if self.fixes:
            shape["fixes"] = [asdict(fix) for fix in self.fixes]
        return shape


def set_to(parameter: str, value: Any, label: Optional[str] = None) -> Fix:
    """The change that gives one parameter another value."""
    shown = {True: "on", False: "off", None: "empty"}.get(value, value) if isinstance(value, (bool, type(None))) else value
    return Fix("params." + parameter, value, label or "Set {} to {}".format(parameter, shown))


@dataclass
class Preflight:
    """Collects problems, facts and the estimate. Facts are shown beside the form: rows of a dataset, size of a model."""

    problems: List[Problem] = field(default_factory=list)
    facts: Dict[str, Any] = field(default_factory=dict)
    #: What the run will need, as far as the recipe can tell (``RunEstimate`` in ``protocol/estimate.ts``).
    estimate: Optional[Dict[str, Any]] = None

    def error(self, field_name: str, message: str, hint: Optional[str] = None, fixes: Sequence[Fix] = ()) -> None:
        """``field_name`` is the name of a parameter, or empty for the whole."""
        self._add("error", field_name, message, hint, fixes)

    def warning(self, field_name: str, message: str, hint: Optional[str] = None, fixes: Sequence[Fix] = ()) -> None:
        self._add("warning", field_name, message, hint, fixes)

    def info(self, field_name: str, message: str, hint: Optional[str] = None, fixes: Sequence[Fix] = ()) -> None:
        self._add("info", field_name, message, hint, fixes)

    @property
    def ok(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    def to_json(self) -> Dict[str, Any]:
        return {"problems": [problem.to_json() for problem in self.problems], "facts": self.facts, "estimate": self.estimate}

    def _add(self, severity: str, name: str, message: str, hint: Optional[str], fixes: Sequence[Fix]) -> None:
        self.problems.append(Problem(severity, "params." + name if name else "", message, hint, fixes))
