"""A store and its runs, read from their folders."""

import fnmatch
import json
import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Union

from . import _metrics
from ._fields import RECORD_FIELDS, Derived, fields_of, progress
from ._metrics import AttemptPoints, Curve, Summary
from ._query import holds, parse_filter
from ._tokens import FilterError
from ._values import Value

_RUN_ID = re.compile(r"run_[0-9a-hjkmnp-tv-z]{17}")
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_VERSION = 1
_LIVE = ("starting", "running", "stopping")


class Run:
    """One run, read when it is asked for. ``refresh`` forgets what was read, for a run that goes on."""

    def __init__(self, store: "Store", project: str, folder: str, record: Mapping[str, Any]) -> None:
        self._store = store
        self._attempts: Optional[List[AttemptPoints]] = None
        self._reports: Optional[Dict[int, List[Dict[str, Any]]]] = None
        #: The run folder, absolute.
        self.dir = folder
        #: run.json as it stands there.
        self.record: Dict[str, Any] = {**record, "project": project}

    def __repr__(self) -> str:
        return "<trainyard run %s %r %s>" % (self.id, self.name, self.state)

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def name(self) -> str:
        return str(self.record.get("name", ""))

    @property
    def project(self) -> str:
        return str(self.record["project"])

    @property
    def state(self) -> str:
        """
        As run.json has it. A run that ended while no server looked is still *running* there: then what its process said at its
        end counts, where it said something.
        """
        state = str(self.record.get("state", ""))
        number = int(self.record.get("attempt") or 0)
        if state not in _LIVE or not os.path.exists(os.path.join(self.dir, "attempts", str(number), "exit.json")):
            return state
        ends = [record for record in self._report().get(number, []) if record.get("type") == "end"]
        return str(ends[-1].get("status", state)) if ends else state

    @property
    def tags(self) -> List[str]:
        return list(self.record.get("tags") or [])

    @property
    def params(self) -> Dict[str, Any]:
        """Every effective param: those of resolved.json, and above them what the script itself reported."""
        resolved = _json(os.path.join(self.dir, "resolved.json")) or {}
        params = dict(resolved.get("params") or {})
        for records in self._report().values():
            for record in records:
                if record.get("type") == "params":
                    params.update(record.get("params") or {})
        return params

    @property
    def metric_names(self) -> List[str]:
        """In the order of their first appearance, without the SDK's own (``_…``)."""
        names = {name: None for attempt in self._points() for name in attempt.curves if not name.startswith("_")}
        return [name for name in names if len(_metrics.joined(self._points(), name))]

    def metric(self, name: str, attempt: Optional[int] = None) -> Curve:
        """
        The curve of one metric, without points where the run has none of it.

        :param attempt: everything that this attempt wrote; left out: the joined curve, in which a later attempt replaces the steps
            that it went over again
        """
        if attempt is None:
            return _metrics.joined(self._points(), name)
        found = [points for points in self._points() if points.number == attempt]
        return _metrics.of_attempt(found[0], name) if found else _metrics.joined([], name)

    def metrics(self, names: Union[str, Iterable[str]] = "*", attempt: Optional[int] = None) -> Dict[str, Curve]:
        """Curves by name. ``names``: one or several; each may hold ``*``."""
        patterns = [names] if isinstance(names, str) else list(names)
        wanted = [name for name in self.metric_names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
        return {name: self.metric(name, attempt) for name in wanted}

    def summary(self) -> Dict[str, Summary]:
        """Last, least and greatest value of each metric, with their steps."""
        summaries = {name: _metrics.summarise(self.metric(name)) for name in self.metric_names}
        return {name: summary for name, summary in summaries.items() if summary is not None}

    def checkpoints(self) -> List[Dict[str, Any]]:
        """
        Newest first: ``name``, ``path`` (absolute), ``step``, ``kind`` (None where nobody said), ``attempt``, ``exists``. They are not
        looked into: whether one is whole, the server says.
        """
        found: Dict[str, Dict[str, Any]] = {}
        for attempt, records in sorted(self._report().items()):
            for record in records:
                if record.get("type") == "checkpoint":
                    path = os.path.normpath(os.path.join(self.dir, str(record.get("path", ""))))
                    found[path] = {"step": record.get("step"), "kind": record.get("kind"), "attempt": attempt}
        folder = os.path.join(self.dir, "checkpoints")
        for name in _names(folder):
            step = re.search(r"(\d+)(?!.*\d)", name)
            place = {"step": int(step.group(1)) if step else None, "kind": None, "attempt": None}
            found.setdefault(os.path.join(folder, name), place)
        every = [{"name": os.path.basename(path), "path": path, **facts, "exists": os.path.exists(path)} for path, facts in found.items()]
        return sorted(every, key=lambda one: (one["step"] is None, -(one["step"] or 0), one["path"]))

    def artifacts(self) -> List[Dict[str, Any]]:
        """Files of the run: ``path`` (absolute), ``name``, ``size_bytes``, ``kind`` and ``metadata`` where the script told them."""
        folder = os.path.join(self.dir, "artifacts")
        told: Dict[str, Dict[str, Any]] = {}
        for records in self._report().values():
            for record in records:
                if record.get("type") == "artifact":
                    # As the server takes them: relative paths are of the artifacts folder where they are there, else of the run's.
                    told[os.path.normpath(os.path.join(folder, str(record.get("path", ""))))] = record
        found: Dict[str, Dict[str, Any]] = {}
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                found[path] = {"name": os.path.relpath(path, folder), "kind": "other", "metadata": {}}
        for path, record in told.items():
            if os.path.exists(path):
                found[path] = {"name": record.get("name"), "kind": record.get("kind"), "metadata": record.get("metadata") or {}}
        return [{"path": path, **found[path], "size_bytes": os.path.getsize(path)} for path in sorted(found)]

    def log(self, attempt: Optional[int] = None) -> str:
        """The log of the newest attempt, or of the one asked for; empty where there is none."""
        number = attempt if attempt is not None else int(self.record.get("attempt") or 0)
        try:
            with open(os.path.join(self.dir, "attempts", str(number), "log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def fields(self) -> Dict[str, Value]:
        """What filters see: ``record.*``, ``params.*``, ``metrics.*`` and the project's ``derived.*``."""
        attempts = self._points()
        steps = [attempt.newest_step for attempt in attempts if attempt.newest_step is not None]
        newest = self._report().get(int(self.record.get("attempt") or 0), [])
        plans = [record for record in newest if record.get("type") == "plan"]
        epoch = next((attempt.epoch for attempt in reversed(attempts) if attempt.newest_step is not None), None)
        facts = {
            **progress(plans[-1] if plans else None, steps[-1] if steps else None, epoch),
            "checkpoint_count": sum(1 for one in self.checkpoints() if one["exists"]),
        }
        fields = fields_of({**self.record, "state": self.state}, self.params, self.summary(), facts)
        self._store._derived(self.project).add_to(fields)
        return fields

    def refresh(self) -> "Run":
        self._attempts = self._reports = None
        record = _json(os.path.join(self.dir, "run.json"))
        if record is not None:
            self.record = {**record, "project": self.project}
        return self

    def to_pandas(self, names: Union[str, Iterable[str]] = "*") -> Any:
        """One point per row: metric, attempt, step, time (UTC), value. Needs pandas."""
        from ._tables import points_frame

        return points_frame([self], names)

    def to_arrow(self, names: Union[str, Iterable[str]] = "*") -> Any:
        """The same as a pyarrow table. Needs pyarrow."""
        from ._tables import points_table

        return points_table([self], names)

    def _points(self) -> List[AttemptPoints]:
        if self._attempts is None:
            folder = os.path.join(self.dir, "attempts")
            attempts = []
            for number in _metrics.attempt_numbers(folder):
                record = _json(os.path.join(folder, str(number), "attempt.json")) or {}
                resumed = (record.get("resumed_from") or {}).get("step")
                path = os.path.join(folder, str(number), "metrics.bin")
                attempts.append(AttemptPoints(number, path, resumed, record.get("kind") == "import"))
            self._attempts = attempts
        return self._attempts

    def _report(self) -> Dict[int, List[Dict[str, Any]]]:
        if self._reports is None:
            folder = os.path.join(self.dir, "attempts")
            numbers = _metrics.attempt_numbers(folder)
            self._reports = {number: list(_json_lines(os.path.join(folder, str(number), "report.jsonl"))) for number in numbers}
        return self._reports


class Store:
    """A folder of projects. Nothing is kept open and nothing is written."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        if not os.path.isdir(self.path):
            raise FileNotFoundError("there is no store at %s" % self.path)
        store = _json(os.path.join(self.path, "store.json"))
        if store is not None and isinstance(store.get("version"), int) and store["version"] > _VERSION:
            raise ValueError("%s was made by a newer Trainyard (version %s)" % (self.path, store["version"]))
        self._derived_metrics: Dict[str, Derived] = {}

    def __repr__(self) -> str:
        return "<trainyard store %s>" % self.path

    def projects(self) -> List[str]:
        return sorted(name for name in _names(self.path) if _SLUG.fullmatch(name) and os.path.isdir(os.path.join(self.path, name)))

    def runs(self, filter: Optional[str] = None, project: Optional[str] = None) -> List[Run]:
        """
        Runs, newest first. Folders whose run.json cannot be read are passed over.

        :param filter: in the query language, e.g. ``metrics.eval/loss:min < 0.4 and "baseline" in record.tags``
        :raises FilterError: the filter cannot be understood, or names a field that no run has; with the place
        """
        expression = None if filter is None or not filter.strip() else parse_filter(filter)
        found = sorted(self._all(), key=lambda run: run.id, reverse=True)
        if expression is not None:
            fields = {run.id: run.fields() for run in found}
            self._check(expression.fields, fields.values(), str(filter))
            found = [run for run in found if holds(expression, fields[run.id])]
        return [run for run in found if project is None or run.project == project]

    def run(self, name: str) -> Run:
        """The run with this id, or the newest with this name. :raises KeyError: there is none"""
        found = [run for run in self.runs() if name in (run.id, run.name)]
        if not found:
            raise KeyError("there is no run %s in %s" % (name, self.path))
        return next((run for run in found if run.id == name), found[0])

    def to_pandas(self, filter: Optional[str] = None, project: Optional[str] = None) -> Any:
        """A row per run with every field as a column, by id. Needs pandas."""
        from ._tables import runs_frame

        return runs_frame(self.runs(filter, project))

    def _all(self) -> Iterator[Run]:
        for project in self.projects():
            folder = os.path.join(self.path, project, "runs")
            for name in _names(folder):
                record = _json(os.path.join(folder, name, "run.json")) if _RUN_ID.fullmatch(name) else None
                if record is not None and record.get("id") == name and record.get("version") == _VERSION:
                    yield Run(self, project, os.path.join(folder, name), record)

    def _derived(self, project: str) -> Derived:
        if project not in self._derived_metrics:
            settings = _json(os.path.join(self.path, project, "project.json")) or {}
            self._derived_metrics[project] = Derived(settings.get("derived") or {})
        return self._derived_metrics[project]

    def _check(self, wanted: Any, runs: Iterable[Mapping[str, Value]], text: str) -> None:
        known = {"record.%s" % name for name in RECORD_FIELDS}
        empty = True
        for fields in runs:
            empty = False
            known.update(fields)
        for project in self.projects():
            known.update(self._derived(project).names)
        for field, start, end in wanted:
            # Before the first run, any param and metric may come.
            if field not in known and not (empty and field.startswith(("params.", "metrics."))):
                raise FilterError("no run has the field %s" % field, text, start, end)


def open_store(path: Optional[str] = None) -> Store:
    """
    A store to read from: ``trainyard.open(".trainyard").runs(filter="record.state = 'completed'")``.

    :param path: the store's folder. Default: TRAINYARD_STORE, or the nearest ``.trainyard`` above the working folder.
    :raises FileNotFoundError: there is none
    """
    if path is not None:
        return Store(os.fspath(path))
    named = os.environ.get("TRAINYARD_STORE")
    if named:
        return Store(named)
    folder = os.getcwd()
    while True:
        if os.path.isdir(os.path.join(folder, ".trainyard")):
            return Store(os.path.join(folder, ".trainyard"))
        if os.path.dirname(folder) == folder:
            raise FileNotFoundError("there is no .trainyard in %s or above it" % os.getcwd())
        folder = os.path.dirname(folder)


def _names(folder: str) -> List[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []


def _json(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _json_lines(path: str) -> Iterator[Dict[str, Any]]:
    """Whole lines; a last one that is half written and damaged ones are left out."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
