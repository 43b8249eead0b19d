"""Which recipes there are: those that come with Trainyard and those in a workspace's ``trainyard_recipes`` folder."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from trainyard.adapters.base import BaseAdapter, Problem

#: Folder of a workspace whose ``*.py`` files are read as recipes.
USER_FOLDER = "trainyard_recipes"
#: Versions that are told beside those that the recipes require.
_ALSO_REPORTED = ("numpy", "tokenizers", "safetensors", "tensorboard", "pyarrow", "bitsandbytes", "deepspeed", "flash-attn")
_ID = re.compile(r"^[a-z0-9][a-z0-9._-]*$")


class Entry(NamedTuple):
    adapter: BaseAdapter
    #: ``builtin`` or the file it was found in.
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
    """All recipes. A user's file that fails becomes a problem; the others are still there."""
    entries = {adapter.id: Entry(adapter, "builtin") for adapter in builtin()}
    problems: List[Problem] = []
    seen = set()
    for workspace in workspaces:
        folder = (workspace / USER_FOLDER).resolve()
        if folder in seen or not folder.is_dir():
            continue
        seen.add(folder)
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                _add_file(path, entries, problems)
    return Catalogue(entries, problems)


def _add_file(path: Path, entries: Dict[str, Entry], problems: List[Problem]) -> None:
    try:
        classes = adapters_in(path)
    except (Exception, SystemExit) as error:  # a user's file may do anything, and the form must still be drawn
        where = _line_in(path, error)
        message = "{}{}: {}: {}".format(path, where, type(error).__name__, error)
        problems.append(Problem("error", "", message, "Mend the file; its recipes are left out until then."))
        return
    if not classes:
        problems.append(Problem("warning", "", "{} defines no subclass of BaseAdapter".format(path), "Start its name with _ if it is a helper."))
    for cls in classes:
        problem = definition_problem(cls)
        if problem is None and cls.id in entries:
            problem = "its id {!r} is taken by a recipe from {}".format(cls.id, entries[cls.id].origin)
        if problem is not None:
            problems.append(Problem("error", "", "{}: {}: {}".format(path, cls.__name__, problem), None))
            continue
        entries[cls.id] = Entry(cls(), str(path))


def adapters_in(path: Path) -> List[type]:
    """The subclasses of BaseAdapter that a file defines. Runs the file; what it prints goes to stderr."""
    name = "trainyard_recipes_" + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("{} cannot be imported as Python".format(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BaseAdapter) and value.__module__ == name and not value.__name__.startswith("_")
    ]


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
