"""Which recipes there are: those that come with Trainyard, those of installed packages, and those in a workspace's ``trainyard_recipes`` folder."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import inspect
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set

from trainyard.adapters import installed_arguments
from trainyard.adapters.base import BaseAdapter, Field, Problem
from trainyard.recipes import yaml_recipe

#: Folder of a workspace whose Python and YAML files are read as recipes.
USER_FOLDER = "trainyard_recipes"
#: Entry points by which an installed package offers recipes: a class, a module that defines some, or the path of a YAML file.
ENTRY_POINTS = "trainyard.recipes"
#: Versions that are told beside those that the recipes require.
_ALSO_REPORTED = ("numpy", "tokenizers", "safetensors", "tensorboard", "pyarrow", "bitsandbytes", "deepspeed", "flash-attn")
#: A recipe's file has this long to be read, and all of them together so long.
_FILE_SECONDS, _ALL_SECONDS = 4.0, 10.0
#: What is left for a file when the others have used up the time of all.
_LEAST_SECONDS = 0.2
#: The first description waits this long for what only an import of the packages tells; a later one has it.
_PREPARE_SECONDS = 5.0
_ID = re.compile(r"^[a-z0-9][a-z0-9._-]*$")


class Entry(NamedTuple):
    adapter: BaseAdapter
    #: ``builtin``, the file it was found in, or the package that offers it.
    origin: str


class Catalogue(NamedTuple):
    entries: Dict[str, Entry]
    problems: List[Problem]


def builtin() -> List[BaseAdapter]:
    from trainyard.recipes.forecast import Forecast
    from trainyard.recipes.hf import HfCausalLm, HfLora
    from trainyard.recipes.lightning import Lightning
    from trainyard.recipes.process import Command, Script
    from trainyard.recipes.trl import TrlDpo, TrlSft

    return [HfLora(), HfCausalLm(), TrlSft(), TrlDpo(), Lightning(), Forecast(), Script(), Command()]


def load(workspaces: Iterable[Path] = ()) -> Catalogue:
    """All recipes. What fails to be read becomes a problem; the others are still there."""
    found = Catalogue({adapter.id: Entry(adapter, "builtin") for adapter in builtin()}, [])
    until = time.monotonic() + _ALL_SECONDS
    for entry_point in _entry_points():
        distribution = entry_point.dist
        origin = "package {} ({})".format(distribution.name if distribution is not None else entry_point.value, entry_point.name)
        _add(found, origin, lambda entry_point=entry_point: _offered(entry_point), "Mend or remove the package.", until)
    seen = set()
    for workspace in workspaces:
        folder = (workspace / USER_FOLDER).resolve()
        if folder in seen or not folder.is_dir():
            continue
        seen.add(folder)
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", *yaml_recipe.SUFFIXES) and not path.name.startswith("_"):
                _add(found, str(path), lambda path=path: adapters_in(path), "Mend the file; its recipes are left out until then.", until)
    return found


def _add(found: Catalogue, origin: str, read: Callable[[], List[type]], cure: str, until: float) -> None:
    """Takes in what can be read in the time that is left."""
    try:
        with contextlib.redirect_stdout(sys.stderr), _time_limit(max(_LEAST_SECONDS, min(_FILE_SECONDS, until - time.monotonic()))):
            classes = read()
    except (Exception, SystemExit) as error:  # a user's file may do anything, and the form must still be drawn
        kind = "" if type(error) is ValueError else type(error).__name__ + ": "
        found.problems.append(Problem("error", "", "{}{}: {}{}".format(origin, _line_in(Path(origin), error), kind, error), cure))
        return
    if not classes:
        found.problems.append(Problem("warning", "", "{} defines no subclass of BaseAdapter".format(origin), "Start its name with _ if it is a helper."))
    for cls in classes:
        try:
            problem = definition_problem(cls)
        except Exception as error:  # fields or presets of another type than they should have
            problem = "its definition cannot be read: {}: {}".format(type(error).__name__, error)
        if problem is None and cls.id in found.entries:
            problem = "its id {!r} is taken by a recipe from {}".format(cls.id, found.entries[cls.id].origin)
        if problem is not None:
            found.problems.append(Problem("error", "", "{}: {}: {}".format(origin, cls.__name__, problem), None))
            continue
        found.entries[cls.id] = Entry(cls(), origin)


def _entry_points() -> "List[importlib.metadata.EntryPoint]":
    every: Any = importlib.metadata.entry_points()
    # Python 3.9 gives a plain dictionary.
    ours = every.select(group=ENTRY_POINTS) if hasattr(every, "select") else every.get(ENTRY_POINTS, ())
    return sorted(set(ours), key=lambda entry_point: entry_point.name)


def _offered(entry_point: "importlib.metadata.EntryPoint") -> List[type]:
    """What an installed package names: a class, a module, or a YAML file. Imports it."""
    thing = entry_point.load()
    if isinstance(thing, (str, Path)):
        return [yaml_recipe.read_recipe(Path(thing))]
    if isinstance(thing, ModuleType):
        return _defined_in(thing)
    if inspect.isclass(thing) and issubclass(thing, BaseAdapter):
        return [thing]
    raise ValueError("the entry point {} names {!r}, which is no recipe, no module and no path of a YAML file".format(entry_point.value, thing))


def adapters_in(path: Path) -> List[type]:
    """The subclasses of BaseAdapter that a Python file defines, which is run for it, or the recipe of a YAML file."""
    if path.suffix in yaml_recipe.SUFFIXES:
        return [yaml_recipe.read_recipe(path)]
    name = "trainyard_recipes_" + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("{} cannot be imported as Python".format(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return _defined_in(module)


def _defined_in(module: ModuleType) -> List[type]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BaseAdapter) and value.__module__ == module.__name__ and not value.__name__.startswith("_")
    ]


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Ends a file that hangs, so that the others are still described. Only where the system has alarms, and in the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(number: int, frame: Any) -> None:
        raise TimeoutError("it was not read within {:.2g} s; heavy work belongs into train()".format(seconds))

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _dependency_problem(fields: Mapping[str, Field]) -> Optional[str]:
    """A field that depends on one that is not there, or in the end on itself."""
    for name, field in fields.items():
        for other in field.depends_on or {}:
            if other not in fields:
                return "the field {} depends on {}, which is no field".format(name, other)
    for name in fields:
        trail = [name]
        while True:
            following = next((other for other in fields[trail[-1]].depends_on or {} if _leads_to(fields, other, name)), None)
            if following is None:
                break
            trail.append(following)
            if following == name:
                return "its fields depend on each other in a ring: {}".format(" → ".join(trail))
    return None


def _leads_to(fields: Mapping[str, Field], start: str, goal: str) -> bool:
    """Does the goal come up when the dependencies are followed from the start, itself included?"""
    seen: Set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(fields[name].depends_on or {})
    return False


def definition_problem(cls: type) -> Optional[str]:
    """What is missing in a recipe's class, or None."""
    for attribute in ("id", "title"):
        if not isinstance(getattr(cls, attribute, None), str):
            return "lacks {}".format(attribute)
    if not _ID.match(cls.id):  # type: ignore[attr-defined]
        return "its id {!r} must be lower case letters, digits, '.', '_' and '-'".format(cls.id)  # type: ignore[attr-defined]
    if getattr(cls, "train") is BaseAdapter.train:
        return "does not define train"
    for name, field in cls.fields.items():  # type: ignore[attr-defined]
        if not isinstance(field, Field):
            return "the field {} is a {}, not a Field".format(name, type(field).__name__)
    ring = _dependency_problem(cls.fields)  # type: ignore[attr-defined]
    if ring is not None:
        return ring
    for name, field in cls.fields.items():  # type: ignore[attr-defined]
        default = field.to_schema(0).get("default")
        if default is not None and field.problem_with(default) is not None:
            return "the default of the field {} {}".format(name, field.problem_with(default))
    for name, preset in cls.presets.items():  # type: ignore[attr-defined]
        unknown = [key for key in preset.values if key not in cls.fields]  # type: ignore[attr-defined]
        if unknown:
            return "the preset {} sets {}, which is no field".format(name, ", ".join(unknown))
    return None


def _line_in(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return " line {}".format(error.lineno)
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else " line {}".format(line)


def describe(workspaces: Iterable[Path] = ()) -> Dict[str, Any]:
    """The ``RecipeCatalogue`` of ``protocol/recipe.ts``."""
    catalogue = load(workspaces)
    recipes: List[Dict[str, Any]] = []
    problems = list(catalogue.problems)
    for entry in catalogue.entries.values():
        try:
            entry.adapter.prepare(_PREPARE_SECONDS)
            recipes.append(entry.adapter.describe(entry.origin))
        except Exception as error:  # a user's describe() may fail as well
            problems.append(Problem("error", "", "{}: {}: {}".format(entry.origin, type(error).__name__, error), None))
    wanted = {name for recipe in recipes for name in recipe["requires"]} | set(_ALSO_REPORTED)
    return {
        "environment": {
            "executable": sys.executable,
            "version": ".".join(map(str, sys.version_info[:3])),
            "prefix": sys.prefix,
            "packages": installed(wanted),
        },
        "recipes": recipes,
        "problems": [problem.to_json() for problem in problems],
        "complete": not installed_arguments.still_reading(),
    }


def installed(names: Iterable[str]) -> Dict[str, str]:
    """Versions of those distributions that are installed."""
    versions: Dict[str, str] = {}
    for name in sorted(names):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def launch_workspaces() -> List[Path]:
    """Where a launched training looks for its recipe: its own folder, and the one that holds the store."""
    folders = [Path.cwd()]
    store = os.environ.get("TRAINYARD_STORE")
    if store:
        folders.append(Path(store).parent)
    return folders
