"""The settings of a script that takes ``key=value`` lines: Hydra, OmegaConf's ``from_cli``, and constants of the module that a line overrides."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from trainyard.adapters.fields import MISSING, Field
from trainyard.script_form.field_values import title_of
from trainyard.script_form.dataclass_form import class_fields, read_annotation
from trainyard.script_form.options import Option, ScriptForm
from trainyard.script_form.source import Source, Unknown

_MOST_FIELDS = 500
_MOST_LEVELS = 12
_EXPONENT = re.compile(r"^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+$")
#: Where Hydra puts what a file of a group holds.
_PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)


def hydra_form(source: Source, script: Path) -> Optional[ScriptForm]:
    """From the primary configuration file beside the script, or the dataclass that is stored under its name; None when it is no Hydra script."""
    main = next((call for call in source.calls() if source.full_name(call.func) in ("hydra.main", "hydra.experimental.main")), None)
    if main is None:
        return None
    arguments: Dict[str, Any] = {}
    named = dict(zip(("config_path", "config_name"), main.args))
    named.update({keyword.arg: keyword.value for keyword in main.keywords if keyword.arg})
    for name, node in named.items():
        try:
            arguments[name] = source.value(node)
        except Unknown:
            continue
    form = ScriptForm("hydra")
    name = arguments.get("config_name")
    if not isinstance(name, str):
        form.notes.append("hydra.main names no configuration; pass key=value lines in the arguments")
        return form
    folder = script.parent / str(arguments.get("config_path") or ".")
    file = folder / (name if name.endswith((".yaml", ".yml")) else name + ".yaml")
    if file.is_file():
        _add_file(form, file, folder)
    elif not _add_stored(form, source, name):
        form.notes.append("{} does not exist; pass key=value lines in the arguments".format(file))
    return form


def key_value_form(source: Source) -> Optional[ScriptForm]:
    """For ``OmegaConf.from_cli()`` and for scripts whose constants are overridden by ``--name=value`` (a ``configurator.py`` that they exec)."""
    names = {source.full_name(call.func).split(".")[-1] for call in source.calls()}
    if "from_cli" in names:
        form = ScriptForm("key_value")
        for call in source.calls():
            last = source.full_name(call.func).split(".")[-1]
            if last == "structured" and call.args and ast.unparse(call.args[0]) in source.classes:
                _add_dataclass(form, source, ast.unparse(call.args[0]), "")
            elif last == "create" and call.args:
                try:
                    value = source.value(call.args[0])
                except Unknown:
                    continue
                if isinstance(value, dict):
                    _add_mapping(form, value, "", "assign")
        if not form.options:
            form.notes.append("the script takes key=value lines, but its defaults are not in the source; pass them in the arguments")
        return form
    configurator = any(isinstance(node, ast.Constant) and node.value == "configurator.py" for node in ast.walk(source.tree))
    if "exec" in names and configurator:
        form = ScriptForm("key_value")
        scalars = {
            name: value
            for name, value in source.constants.items()
            if isinstance(value, (bool, int, float, str)) and not name.startswith("_")
        }
        _add_mapping(form, scalars, "", "joined")
        return form
    return None


def _add_file(form: ScriptForm, file: Path, folder: Path) -> None:
    document = _read_yaml(form, file)
    if document is None:
        return
    groups = [entry for entry in document.pop("defaults", None) or [] if isinstance(entry, dict) and len(entry) == 1]
    chosen = [found for found in (_add_group(form, *next(iter(entry.items())), folder) for entry in groups) if found is not None]
    document.pop("hydra", None)
    _add_mapping(form, document, "", "assign")
    # After the document's own values, which win over those of its groups.
    for name, first in chosen:
        _add_group_values(form, name, first, folder)


def _read_yaml(form: ScriptForm, file: Path) -> Optional[Dict[Any, Any]]:
    """A mapping, with numbers as OmegaConf reads them; None, and a note, where there is none."""
    try:
        import yaml
    except ImportError:
        form.notes.append("{} is not read: this Python lacks PyYAML; pass key=value lines in the arguments".format(file))
        return None

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """YAML 1.1 wants a point and a sign in 1e-3 and takes it for a text; OmegaConf does not."""

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789."))
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        form.notes.append("{} cannot be read: {}".format(file, " ".join(str(error).split())))
        return None
    return document if isinstance(document, dict) else None


def _add_group(form: ScriptForm, group: Any, chosen: Any, folder: Path) -> Optional[Tuple[str, str]]:
    """A group of the defaults list: one file of a folder is chosen. Gives its name and the choice."""
    whole = str(group).replace("override ", "").replace("optional ", "").strip()
    name = whole.split("@")[0].strip()
    choices = sorted(path.stem for path in (folder / name).glob("*.y*ml"))
    if not isinstance(chosen, str) or not choices or name.startswith("hydra/"):
        return None
    text = "Which configuration of {} is used.".format(name)
    form.add(Option(name, Field("string", title_of(name), text, form.section("Configuration"), default=chosen, choices=choices), "assign"))
    # group@package: its values stand elsewhere, which only Hydra knows to compose.
    return (name, chosen) if whole == name else None


def _add_group_values(form: ScriptForm, group: str, first: str, folder: Path) -> None:
    """What the files of a group hold: each value is asked for while its file is the one that is chosen. Of a name in several files the default's is taken."""
    files = sorted((folder / group).glob("*.y*ml"), key=lambda path: (path.stem != first, path.stem))
    for file in files:
        document = _read_yaml(form, file)
        if document is None:
            continue
        document.pop("defaults", None)
        package = _PACKAGE.search(file.read_text(encoding="utf-8"))
        prefix = group.replace("/", ".") if package is None or package.group(1) == "_group_" else package.group(1)
        values = ScriptForm("hydra")
        _add_mapping(values, document, "" if prefix == "_global_" else prefix + ".", "assign")
        known = {option.name for option in form.options}
        for option in values.options:
            if option.name not in known:
                section = form.section(values.sections[option.field.section])
                field = replace(option.field, section=section, depends_on={group: [file.stem]})
                form.add(replace(option, field=field))


def _add_mapping(form: ScriptForm, mapping: Mapping[Any, Any], prefix: str, style: str) -> None:
    for key, value in mapping.items():
        # First: aliases of YAML can make a small file endless.
        if len(form.options) >= _MOST_FIELDS or prefix.count(".") >= _MOST_LEVELS:
            return
        name = "{}{}".format(prefix, key)
        if isinstance(value, Mapping) and value:
            _add_mapping(form, value, name + ".", style)
            continue
        kind, default, nullable = _kind(value)
        description = ""
        if isinstance(value, str) and (value == "???" or "${" in value):
            default = MISSING
            description = "Taken from {} unless it is set.".format(value) if "${" in value else ""
        section = form.section(title_of(name.split(".")[0]) if "." in name else "Options")
        items = _items(value) if kind == "array" else None
        field = Field(
            kind, title_of(name), description, section, default=default, nullable=nullable, required=value == "???", items=items,
            widget="list" if kind == "array" else "json" if kind == "object" else None,
        )  # fmt: skip
        form.add(Option(name, field, style, "--" + name if style == "joined" else None, words=("True", "False") if style == "joined" else None))


def _kind(value: Any) -> Any:
    if isinstance(value, bool):
        return "boolean", value, False
    if isinstance(value, int):
        return "integer", value, False
    if isinstance(value, float):
        return "number", value if math.isfinite(value) else MISSING, False
    if isinstance(value, (list, tuple)):
        return "array", list(value), False
    if isinstance(value, Mapping):
        return "object", dict(value), False
    if value is None:
        return "string", None, True
    return "string", str(value), False


def _items(values: List[Any]) -> Optional[str]:
    kinds = {_kind(value)[0] for value in values}
    return kinds.pop() if len(kinds) == 1 else None


def _add_stored(form: ScriptForm, source: Source, name: str) -> bool:
    """A dataclass that the script itself puts into Hydra's ConfigStore."""
    for call in source.calls():
        if isinstance(call.func, ast.Attribute) and call.func.attr == "store":
            keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            stored = keywords.get("name")
            node = keywords.get("node")
            if isinstance(stored, ast.Constant) and stored.value == name and node is not None and ast.unparse(node) in source.classes:
                _add_dataclass(form, source, ast.unparse(node), "")
                return True
    return False


def _add_dataclass(form: ScriptForm, source: Source, name: str, prefix: str) -> None:
    for field_name, annotation, value, line in class_fields(source, name, form):
        nested = ast.unparse(annotation)
        full = prefix + field_name
        if nested in source.classes and source.members(nested) is None and nested != name:
            _add_dataclass(form, source, nested, full + ".")
            continue
        kind, items, choices, nullable = read_annotation(source, annotation)
        default: Any = MISSING
        try:
            default = MISSING if value is None else source.value(value)
        except Unknown:
            pass
        section = form.section(title_of(full.split(".")[0]) if "." in full else "Options")
        required = value is None or source.full_name(value).split(".")[-1] == "MISSING"
        field = Field(kind, title_of(full), "", section, default=default, required=required, nullable=nullable, choices=choices, items=items)
        form.add(Option(full, field, "assign", line=line))
