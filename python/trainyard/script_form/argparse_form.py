"""The options of a script that uses ``argparse``: every ``add_argument`` in it, whatever the parser is called and wherever it is filled."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from trainyard.adapters.fields import MISSING, Field
from trainyard.script_form.converters import number_type
from trainyard.script_form.field_values import fitting, fitting_choices, help_text, path_kind, placeholder_text, sentence, title_of
from trainyard.script_form.options import Exclusive, Option, ScriptForm
from trainyard.script_form.source import Source, Unknown

_TYPES = {"int": "integer", "float": "number", "str": "string", "json.loads": "object", "argparse.FileType": "string"}
_PATHS = ("pathlib.Path", "pathlib.PurePath", "argparse.FileType", "open")
_LOOKS_LIKE_BOOL = re.compile(r"bool|strtobool|true_false|yes_no", re.IGNORECASE)
_SKIPPED_ACTIONS = ("help", "version")
MAIN_SECTION = "Options"


class _Owner(NamedTuple):
    """What a variable of the script stands for: a parser, or a group in one."""

    parser: str
    section: str
    exclusive: str


def argparse_form(source: Source) -> Optional[ScriptForm]:
    """None when the script has no parser."""
    calls = source.calls()
    if not any(_method(call) == "add_argument" and call.args for call in calls):
        return None
    if not any(name.split(".")[0] in ("argparse", "configargparse", "jsonargparse", "tap") for name in source.imports.values()):
        return None
    return _Reader(source).read(calls)


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._form = ScriptForm("argparse")
        self._targets = _assigned_calls(source.tree)
        self._owners: Dict[str, _Owner] = {}
        #: Parser → the subcommands that know its options.
        self._commands: Dict[str, List[str]] = {}
        self._parsers_of_commands: List[str] = []
        self._defaults: Dict[str, Any] = {}
        #: Where each option was added; one that several subcommands know alike was added to each of them.
        self._places: Dict[str, List[_Owner]] = {}
        #: Groups of options that exclude each other → must one of them be given?
        self._exclusive: Dict[str, bool] = {}

    def read(self, calls: Sequence[ast.Call]) -> ScriptForm:
        handlers = {
            "add_argument": self._argument,
            "add_argument_group": self._group,
            "add_mutually_exclusive_group": self._group,
            "add_subparsers": self._subcommands,
            "add_parser": self._subcommand,
        }
        for call in calls:
            if _method(call) == "set_defaults":
                for keyword in call.keywords:
                    if keyword.arg:
                        self._known(keyword.value, lambda value, name=keyword.arg: self._defaults.__setitem__(name, value))
            if self._source.full_name(call.func).split(".")[-1].endswith("ArgumentParser"):
                # A parser of its own; until it is known as a parent, its options are everybody's.
                self._bind(call, _Owner(self._name(call), "", ""))
        for call in calls:
            handler = handlers.get(_method(call))
            if handler is not None:
                handler(call)
        self._finish()
        return self._form

    # ---- parsers and groups ----

    def _name(self, call: ast.Call) -> str:
        return self._targets.get(id(call), "")

    def _bind(self, call: ast.Call, owner: _Owner) -> None:
        self._owners[self._name(call) or "call {}".format(id(call))] = owner

    def _owner(self, call: ast.Call) -> _Owner:
        """Whose method it is. A parameter of a function, or an attribute, counts as the main parser."""
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        key = ast.unparse(receiver) if isinstance(receiver, (ast.Name, ast.Attribute)) else "call {}".format(id(receiver))
        return self._owners.get(key, _Owner("", "", ""))

    def _group(self, call: ast.Call) -> None:
        over = self._owner(call)
        arguments = _arguments(call, ("title", "description"))
        title = self._value(arguments.get("title"), "")
        exclusive = over.exclusive
        if _method(call) == "add_mutually_exclusive_group":
            exclusive, title = "line {}".format(call.lineno), ""
            self._exclusive[exclusive] = self._value(arguments.get("required"), False) is True
        self._bind(call, _Owner(over.parser, str(title or over.section), exclusive))

    def _subcommands(self, call: ast.Call) -> None:
        arguments = _arguments(call, ())
        name = self._value(arguments.get("dest"), None) or "command"
        text = self._value(arguments.get("help"), None) or "What the script is to do."
        field = Field("string", title_of(name), sentence(text), self._form.section(MAIN_SECTION), required=True, choices=[])
        self._form.add(Option(name, field, "command", line=call.lineno))
        self._bind(call, _Owner(self._name(call), "", ""))

    def _subcommand(self, call: ast.Call) -> None:
        arguments = _arguments(call, ("name",))
        name = self._value(arguments.get("name"), None)
        if not isinstance(name, str):
            self._note(call, "a subcommand whose name is computed")
            return
        self._parsers_of_commands.append(name)
        parser = "command {}".format(name)
        self._commands[parser] = [name]
        self._bind(call, _Owner(parser, title_of(name), ""))
        parents = arguments.get("parents")
        for parent in parents.elts if isinstance(parents, (ast.List, ast.Tuple)) else []:
            self._commands.setdefault(ast.unparse(parent), []).append(name)

    # ---- options ----

    def _argument(self, call: ast.Call) -> None:
        names = [self._value(argument, None) for argument in call.args]
        if not names or not all(isinstance(name, str) for name in names):
            self._note(call, "an option whose name is computed")
            return
        arguments = _arguments(call, ())
        action = self._action(arguments.get("action"))
        if action in _SKIPPED_ACTIONS:
            return
        owner = self._owner(call)
        flags = [name for name in names if name.startswith("-")]
        flag = next((name for name in flags if name.startswith("--")), flags[0] if flags else None)
        by_flag = (flag or names[0]).lstrip("-").replace("-", "_")
        dest = self._value(arguments.get("dest"), None) or by_flag
        if action == "append_const":
            # Several flags fill one list: each is a choice of its own.
            dest = by_flag
        self._add(self._option(call, dest, flag, action, arguments, owner), by_flag, owner)

    def _add(self, option: Option, by_flag: str, owner: _Owner) -> None:
        """A name may come twice: in two subcommands, as a pair of switches, or as several flags that set one thing."""
        options = self._form.options
        at = next((at for at, known in enumerate(options) if known.name == option.name), None)
        if at is None:
            self._form.add(option)
            self._places[option.name] = [owner]
            return
        known = options[at]
        places = self._places.get(option.name, [])
        if owner.parser in self._commands and all(place.parser in self._commands and place.parser != owner.parser for place in places):
            section = self._form.section(MAIN_SECTION)
            if replace(known, field=replace(known.field, section=section), line=0) == replace(option, field=replace(option.field, section=section), line=0):
                options[at] = _replaced(known, section=section)
                places.append(owner)
            else:
                self._add(replace(option, name="{}_{}".format(self._commands[owner.parser][0], option.name)), by_flag, owner)
        elif {known.style, option.style} == {"flag", "unflag"}:
            on, off = (known, option) if known.style == "flag" else (option, known)
            options[at] = replace(known, style="switch", flag=on.flag, negative=off.flag)
            self._exclusive.pop(owner.exclusive, None)
        elif option.style in ("flag", "unflag") and by_flag != option.name:
            self._add(replace(option, name=by_flag, field=replace(option.field, title=title_of(by_flag))), by_flag, owner)
        else:
            self._form.add(option)

    def _option(
        self, call: ast.Call, name: str, flag: Optional[str], action: str, arguments: Dict[str, ast.AST], owner: _Owner
    ) -> Option:
        kind, words, path = self._type(name, arguments.get("type"), call)
        # What stands for None takes no default; None itself is one.
        default = self._value(arguments["default"], MISSING) if "default" in arguments else None
        if "default" in arguments and default is MISSING and not self._suppressed(arguments["default"]):
            self._form.notes.append("line {}: the default of {} is known only when the script runs".format(call.lineno, name))
        nargs = self._value(arguments.get("nargs"), None)
        if "nargs" in arguments and nargs is None:
            nargs = "*"  # argparse.REMAINDER and other constants
        several = isinstance(nargs, int) or nargs in ("*", "+", "...")
        items: Optional[str] = None
        style = "value" if flag else "positional"
        negative = None
        choices = self._value(arguments.get("choices"), None) if "choices" in arguments else self._enum_choices(arguments.get("type"))
        if action in ("store_true", "store_false", "store_const", "append_const"):
            style, kind = ("unflag" if action == "store_false" else "flag"), "boolean"
            default = default if isinstance(default, bool) and not action.endswith("_const") else action == "store_false"
        elif action == "BooleanOptionalAction":
            style, kind, negative = "switch", "boolean", "--no-" + (flag or "").lstrip("-")
        elif action == "count":
            style, kind = "count", "integer"
        elif action in ("append", "extend") or several:
            style = style if style == "positional" else "repeated" if action == "append" and not several else "values"
            items, kind = kind, "array"
        elif action != "store":
            self._form.notes.append("line {}: {} has an action of its own; it is passed as a text".format(call.lineno, name))
        required = self._value(arguments.get("required"), False) is True or (flag is None and nargs not in ("?", "*", "..."))
        placeholder = placeholder_text(self._value(arguments.get("metavar"), None))
        if kind == "string" and style == "value" and choices is None and not isinstance(default, str) and default not in (None, MISSING):
            # What the script's own function made: no text that could be given back to it.
            placeholder, default = placeholder or str(default), None
        if default is not MISSING:
            default = fitting(default, kind, items)
        choices = fitting_choices(choices, items or kind, default)
        nullable = default is None and not required
        if required and default is None:
            default = MISSING
        text = self._value(arguments.get("help"), "")
        hidden = self._suppressed(arguments.get("help"))
        field = Field(
            kind,
            title_of(name),
            sentence(help_text(text, default) if isinstance(text, str) else ""),
            self._form.section(owner.section or MAIN_SECTION),
            default=default,
            required=required,
            nullable=nullable,
            choices=choices if kind != "array" else None,
            item_choices=choices if kind == "array" else None,
            items=items,
            minimum=0 if action == "count" else None,
            min_items=nargs if isinstance(nargs, int) else 1 if nargs == "+" and kind == "array" else None,
            max_items=nargs if isinstance(nargs, int) else None,
            path=path if kind == "string" and choices is None else None,
            widget=("multiselect" if choices is not None else "list") if kind == "array" else "json" if kind == "object" else None,
            placeholder=placeholder,
            advanced=hidden,
        )
        return Option(name, field, style, flag, negative, words, line=call.lineno)

    def _type(self, name: str, node: Optional[ast.AST], call: ast.Call) -> Any:
        """JSON type, the words for true and false, and the kind of path."""
        path = path_kind(name)
        if node is None:
            return "string", None, path
        full = self._source.full_name(node.func if isinstance(node, ast.Call) else node)
        if full in _PATHS:
            return "string", None, path or ("file" if full != "pathlib.Path" else "any")
        if full == "bool":
            text = "line {}: type=bool takes every text but the empty one for true; the form passes the empty one for false"
            self._form.notes.append(text.format(call.lineno))
            return "boolean", ("True", ""), None
        if full in _TYPES:
            return _TYPES[full], None, path
        if _LOOKS_LIKE_BOOL.search(full):
            return "boolean", ("true", "false"), None
        number = number_type(self._source, node)
        if number is not None:
            return number, None, None
        if self._source.members(full) is None and not full.startswith("str."):
            self._form.notes.append("line {}: {} is converted by the script itself; it is passed as a text".format(call.lineno, name))
        return "string", None, None

    def _enum_choices(self, node: Optional[ast.AST]) -> Optional[List[Any]]:
        members = self._source.members(node.id) if isinstance(node, ast.Name) else None
        return None if members is None else list(members.values())

    def _action(self, node: Optional[ast.AST]) -> str:
        if node is None:
            return "store"
        value = self._value(node, None)
        return value if isinstance(value, str) else self._source.full_name(node).split(".")[-1] or "custom"

    # ---- the end ----

    def _finish(self) -> None:
        """What is known only when the whole script was read: subcommands, defaults that were set later, options that exclude each other."""
        options = self._form.options
        command = next((option.name for option in options if option.style == "command"), None)
        for at, option in enumerate(options):
            if option.style == "command":
                options[at] = _replaced(option, choices=list(self._parsers_of_commands))
                continue
            places = self._places[option.name]
            commands = [command for place in places for command in self._commands.get(place.parser, [])]
            changes: Dict[str, Any] = {}
            others = [name for name in self._excluding(places[0].exclusive) if name != option.name]
            if others:
                changes["description"] = "{} Not together with {}.".format(option.field.description, ", ".join(others)).strip()
            if option.name in self._defaults:
                changes["default"] = fitting(self._defaults[option.name], option.field.type, option.field.items)
            if commands and command is not None:
                changes["depends_on"] = {command: commands}
            options[at] = _replaced(option, commands, **changes)
        for group, required in self._exclusive.items():
            names = self._excluding(group)
            commands = sorted({command for option in options if option.name in names for command in option.commands})
            if len(names) > 1 or (required and names):
                self._form.exclusive.append(Exclusive(names, required, commands))

    def _excluding(self, group: str) -> List[str]:
        return [name for name, places in self._places.items() if group and places[0].exclusive == group]

    def _value(self, node: Optional[ast.AST], otherwise: Any) -> Any:
        if node is None:
            return otherwise
        try:
            return self._source.value(node)
        except Unknown:
            return otherwise

    def _known(self, node: ast.AST, use: Any) -> None:
        try:
            use(self._source.value(node))
        except Unknown:
            return

    def _suppressed(self, node: Optional[ast.AST]) -> bool:
        return node is not None and self._source.full_name(node).split(".")[-1] == "SUPPRESS"

    def _note(self, call: ast.Call, what: str) -> None:
        self._form.notes.append("line {}: {} is not in the form; pass it in the arguments".format(call.lineno, what))


def _replaced(option: Option, commands: Sequence[str] = (), **changes: Any) -> Option:
    return replace(option, field=replace(option.field, **changes), commands=tuple(commands))


def _assigned_calls(tree: ast.AST) -> Dict[int, str]:
    """The name that the result of a call is kept under."""
    names: Dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], (ast.Name, ast.Attribute)):
            names[id(node.value)] = ast.unparse(node.targets[0])
    return names


def _arguments(call: ast.Call, positional: Sequence[str]) -> Dict[str, ast.AST]:
    found: Dict[str, ast.AST] = dict(zip(positional, call.args))
    found.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    return found
