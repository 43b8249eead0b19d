"""What a check before the start finds: problems and facts (``PreflightReport`` in ``protocol/recipe.ts``)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class Problem:
    """``severity`` is ``error`` (blocks the start), ``warning`` or ``info``; ``field`` a dotted path such as ``params.learning_rate``."""

    severity: str
    field: str
    message: str
    hint: Optional[str] = None


@dataclass
class Preflight:
    """Collects problems and facts. Facts are shown beside the form: rows of a dataset, size of a model."""

    problems: List[Problem] = field(default_factory=list)
    facts: Dict[str, Any] = field(default_factory=dict)

    def error(self, field_name: str, message: str, hint: Optional[str] = None) -> None:
        """``field_name`` is the name of a parameter, or empty for the whole."""
        self._add("error", field_name, message, hint)

    def warning(self, field_name: str, message: str, hint: Optional[str] = None) -> None:
        self._add("warning", field_name, message, hint)

    def info(self, field_name: str, message: str, hint: Optional[str] = None) -> None:
        self._add("info", field_name, message, hint)

    @property
    def ok(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    def to_json(self) -> Dict[str, Any]:
        return {"problems": [asdict(problem) for problem in self.problems], "facts": self.facts}

    def _add(self, severity: str, name: str, message: str, hint: Optional[str]) -> None:
        self.problems.append(Problem(severity, "params." + name if name else "", message, hint))
