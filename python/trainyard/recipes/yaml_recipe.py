"""A recipe that is a YAML file: the form of a script, with what each field becomes on its command line. ``docs/recipes.md`` shows one."""

from __future__ import annotations

import dataclasses
import json
import runpy
import sys
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Set

from trainyard.adapters.base import BaseAdapter, Field, Preflight, Preset, RecipeError, Section, TrainContext, closest, path_problem

SUFFIXES = (".yaml", ".yml")
_TOP = {"id", "title", "description", "framework", "requires", "resumable", "sections", "fields", "presets", "script"}
#: How a value stands on the command line; of a field alone, not of the form.
_FLAG = "flag"
_FIELD = {field.name for field in dataclasses.fields(Field)} | {_FLAG}
_TYPES = ("string", "integer", "number", "boolean", "array", "object")


class ScriptRecipe(BaseAdapter):
    """Runs its script in the training process, so that what the script logs, its stop and its checkpoints are those of the run."""

    script: ClassVar[Path]
    #: Field → the word before its value; an empty one gives the value alone.
    flags: ClassVar[Mapping[str, str]] = {}

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        missing = path_problem(self.script, "file")
        if missing:
            report.error("recipe", "the script of the recipe {}: {}".format(self.id, missing))

    def train(self, context: TrainContext) -> Optional[bool]:
        missing = path_problem(self.script, "file")
        if missing:
            raise RecipeError("the script of the recipe {}: {}".format(self.id, missing), "recipe")
        # As for a script that is started by its name: its words, its folder first on the path.
        sys.argv = [str(self.script), *self.words(context.params)]
        sys.path.insert(0, str(self.script.parent))
        try:
            runpy.run_path(str(self.script), run_name="__main__")
        except SystemExit as error:
            if error.code not in (None, 0):
                raise RecipeError("{} ended with {}".format(self.script, error.code)) from error
        return None

    def words(self, params: Mapping[str, Any]) -> List[str]:
        """The command line of the script: ``--name value`` for each field that has one, ``--name`` alone for what is switched on."""
        words: List[str] = []
        for name in self.fields:
            flag, value = self.flags.get(name, "--" + name), params[name]
            if value is None or value is False:
                continue
            if flag:
                words.append(flag)
            if value is not True:
                words += [_word(item) for item in value] if isinstance(value, (list, tuple)) else [_word(value)]
        return words


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_recipe(path: Path) -> type:
    """The recipe of a file, as a class. :raises ValueError: naming what is wrong in it, with its line where that is known"""
    try:
        import yaml
    except ImportError as error:
        raise ValueError("this Python lacks PyYAML, which reads recipes from YAML (pip install pyyaml)") from error
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "line {}: ".format(mark.line + 1) if mark is not None else ""
        raise ValueError("{}{}".format(where, getattr(error, "problem", None) or error)) from error
    content = _mapping(content, "the file", _TOP)
    for name in ("id", "title", "script"):
        if not isinstance(content.get(name), str):
            raise ValueError("lacks {}, which is a text".format(name))
    written = _mapping(content.get("fields", {}), "fields")
    sections = [_made(Section, one, "sections") for one in content.get("sections", ())]
    presets = {name: _made(Preset, one, "the preset " + name) for name, one in _mapping(content.get("presets", {}), "presets").items()}
    for name, preset in presets.items():
        _mapping(preset.values, "values of the preset " + name)
    fields = {name: _field(name, one, sections) for name, one in written.items()}
    attributes: Dict[str, Any] = {
        **{name: content[name] for name in ("id", "title", "description", "framework") if name in content},
        "requires": tuple(content.get("requires", ())),
        "resumable": content.get("resumable", False) is True,
        "sections": tuple(sections),
        "fields": fields,
        "presets": presets,
        "script": path.parent / content["script"],
        "flags": {name: str(one[_FLAG]) for name, one in written.items() if _FLAG in one},
        "__module__": __name__,
    }
    return type("ScriptRecipe_" + path.stem, (ScriptRecipe,), attributes)


def _field(name: str, written: Any, sections: List[Section]) -> Field:
    values = {key: value for key, value in _mapping(written, "the field " + name, _FIELD).items() if key != _FLAG}
    if values.get("type") not in _TYPES:
        raise ValueError("the field {}: its type must be one of {}, not {!r}".format(name, ", ".join(_TYPES), values.get("type")))
    values.setdefault("title", name.replace("_", " ").capitalize())
    values.setdefault("description", "")
    values.setdefault("section", sections[0].id if sections else "options")
    if "usual" in values:
        values["usual"] = tuple(values["usual"])
    return Field(**values)


def _made(cls: type, written: Any, where: str) -> Any:
    fields = dataclasses.fields(cls)
    values = _mapping(written, where, {field.name for field in fields})
    for field in fields:
        if field.name not in values and field.default is dataclasses.MISSING:
            raise ValueError("{} lacks {}".format(where, field.name))
    return cls(**values)


def _mapping(value: Any, where: str, known: Optional[Set[str]] = None) -> Dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError("{} must be a mapping, not {!r}".format(where, value))
    unknown = [key for key in value if known is not None and key not in known]
    if unknown:
        close = closest(unknown[0], dict.fromkeys(known or ()))
        raise ValueError("{} has no {!r}{}".format(where, unknown[0], "; did you mean {}?".format(close) if close else ""))
    return value
