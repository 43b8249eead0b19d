"""What a filter sees of a run: ``record.*``, ``params.*``, ``metrics.*`` and ``derived.*``."""

import datetime
import json
import math
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ._metrics import Summary
from ._query import Expression, parse_value
from ._tokens import METRIC_PARTS, FilterError, metric_field
from ._values import Value

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")
#: As on the server, but for what only a server knows: eta_seconds and steps_per_second.
RECORD_FIELDS = (
    "id name project experiment recipe state state_reason description notes tags starred archived seed attempt parent origin failure damage "
    "created_at started_at ended_at duration_seconds progress step eta_seconds steps_per_second checkpoint_count commit branch dirty_files"
).split()


def fields_of(
    record: Mapping[str, Any],
    params: Mapping[str, Any],
    metrics: Mapping[str, Summary],
    facts: Mapping[str, Any],
) -> Dict[str, Value]:
    """:param facts: further fields of the record that do not stand in run.json"""
    fields: Dict[str, Value] = {}
    for name, value in {**_record(record), **facts}.items():
        _add(fields, "record.%s" % name, value)
    for key, value in params.items():
        _add(fields, "params.%s" % key, value)
    for name, summary in metrics.items():
        for part in METRIC_PARTS:
            fields[metric_field(name, part)] = float(getattr(summary, part))
    return fields


def _record(record: Mapping[str, Any]) -> Dict[str, Any]:
    plain = "id name project experiment recipe state state_reason description notes tags starred archived seed attempt origin".split()
    git = record.get("git") or {}
    found = {name: record.get(name) for name in plain}
    found["parent"] = (record.get("parent") or {}).get("run")
    found["failure"] = (record.get("failure") or {}).get("class")
    found.update({"commit": git.get("commit"), "branch": git.get("branch"), "dirty_files": git.get("dirty_files")})
    for name in ("created_at", "started_at", "ended_at"):
        time = instant(record.get(name))
        # In one way of writing, so that texts compare as times do.
        found[name] = None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    started, ended = instant(record.get("started_at")), instant(record.get("ended_at"))
    found["duration_seconds"] = (ended - started).total_seconds() if started and ended else None
    return found


def instant(text: Optional[str]) -> Optional[datetime.datetime]:
    """An RFC 3339 instant in UTC, None for what is none."""
    if not isinstance(text, str):
        return None
    # Python before 3.11 reads neither "Z" nor digits of seconds other than three or six.
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    seconds, digits, zone = match.groups()
    try:
        time = datetime.datetime.fromisoformat("%s.%s%s" % (seconds, (digits or "")[:6].ljust(6, "0"), "+00:00" if zone in ("Z", "z") else zone))
    except ValueError:
        return None
    return time.astimezone(datetime.timezone.utc)


def _add(fields: Dict[str, Value], field: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _add(fields, "%s.%s" % (field, key), inner)
    elif isinstance(value, list):
        scalars = [_scalar(item) for item in value]
        whole = all(item is not None for item in scalars)
        fields[field] = tuple(scalars) if whole else json.dumps(value, separators=(",", ":"), ensure_ascii=False)  # type: ignore[arg-type]
    elif value is not None:
        fields[field] = _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        return value
    return float(value) if isinstance(value, (int, float)) else None


class Derived:
    """A project's derived metrics, each computed when it is asked for. What forms a ring or does not parse has no value."""

    def __init__(self, definitions: Mapping[str, str]) -> None:
        self._expressions: Dict[str, Expression] = {}
        try:
            self._expressions = {name: parse_value(text) for name, text in definitions.items()}
            self._order = self._ordered()
        except FilterError:
            # As on the server: a file that was changed by hand may hold anything.
            self._expressions, self._order = {}, []

    @property
    def names(self) -> List[str]:
        return ["derived.%s" % name for name in self._expressions]

    def add_to(self, fields: Dict[str, Value]) -> None:
        for name in self._order:
            value = self._expressions[name].value(fields)
            if value is not None:
                fields["derived.%s" % name] = value

    def _ordered(self) -> List[str]:
        """Each behind those that it builds on. :raises FilterError: a ring, or one that is not there"""
        order: List[str] = []

        def visit(name: str, path: Tuple[str, ...]) -> None:
            if name in order:
                return
            if name in path or name not in self._expressions:
                raise FilterError("derived.%s cannot be computed" % name, "", 0, 0)
            for field, _, _ in self._expressions[name].fields:
                if field.startswith("derived."):
                    visit(field[len("derived.") :], path + (name,))
            order.append(name)

        for name in self._expressions:
            visit(name, ())
        return order


def progress(plan: Optional[Mapping[str, Any]], step: Optional[float], epoch: Optional[float]) -> Dict[str, Any]:
    """``step`` and ``progress`` (0 to 1) as the server shows them."""
    if plan is None and step is None:
        return {}
    at = max(0, math.floor(step if step is not None else (plan or {}).get("first_step") or 0))
    max_steps, max_epochs = (plan or {}).get("max_steps"), (plan or {}).get("max_epochs")
    passed = epoch if epoch is not None and epoch >= 0 else None
    if max_steps is None and passed and max_epochs is not None and at > 0:
        max_steps = max(at, math.floor(at / passed * max_epochs + 0.5))
    if max_steps is not None:
        return {"step": at, "progress": min(1.0, at / max_steps)}
    return {"step": at, "progress": min(1.0, passed / max_epochs) if passed is not None and max_epochs is not None else None}
