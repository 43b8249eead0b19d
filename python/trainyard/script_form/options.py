"""What a script can be told on its command line: one option is one field of the form and one way of passing it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from trainyard.adapters.fields import MISSING, Field, applies

#: How a value is written. ``value``: ``--lr 0.1``; ``joined``: ``--lr=0.1``; ``values``: ``--x 1 2``; ``repeated``: ``--x 1 --x 2``;
#: ``flag``: ``--fast`` when true; ``unflag``: ``--slow`` when false; ``switch``: ``--fast`` or ``--no-fast``; ``count``: ``-v -v``;
#: ``positional``; ``command``: the name of a subcommand; ``assign``: ``lr=0.1``.
STYLES = ("value", "joined", "values", "repeated", "flag", "unflag", "switch", "count", "positional", "command", "assign")


#: Fields of the recipe ``script`` itself: an option of such a name gets an underscore in the form, and keeps its name on the command line.
RESERVED = ("script", "args", "script_form")


@dataclass(frozen=True)
class Option:
    """``flag`` is None for positional ones; of ``assign`` it is the key. ``words``: what true and false are written as; None leaves numbers and texts as they are."""

    name: str
    field: Field
    style: str
    flag: Optional[str] = None
    negative: Optional[str] = None
    words: Optional[Sequence[str]] = None
    #: The subcommands that know it; empty for all.
    commands: Sequence[str] = ()
    line: int = 0


@dataclass(frozen=True)
class Exclusive:
    """Options of which the script takes one at most; with ``required`` exactly one. ``commands``: the subcommands that know them, empty for all."""

    names: Sequence[str]
    required: bool
    commands: Sequence[str] = ()


@dataclass
class ScriptForm:
    """``kind`` is ``argparse``, ``click``, ``dataclass``, ``hydra``, ``lightning``, ``key_value`` or ``none``; ``notes`` say what the form leaves out, and why."""

    kind: str = "none"
    #: ``source``, or ``help`` when the script was run with ``--help``.
    read_from: str = "source"
    options: List[Option] = field(default_factory=list)
    sections: Dict[str, str] = field(default_factory=dict)
    exclusive: List[Exclusive] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)

    def section(self, title: str) -> str:
        """The id of the section with a title, made when it is new."""
        name = "".join(letter if letter.isalnum() else "_" for letter in title.lower()).strip("_") or "options"
        self.sections.setdefault(name, title)
        return name

    def add(self, option: Option) -> None:
        """The first of a name stays: a later one of the same name is noted."""
        if option.style == "assign" and option.flag is None:
            option = replace(option, flag=option.name)
        if any(known.name == option.name for known in self.options):
            self.notes.append("line {}: {} is defined a second time".format(option.line, option.name))
            return
        self.options.append(option)

    def keep_reserved_free(self) -> None:
        """Renames options that are called like a field of the recipe ``script`` itself."""
        self.options = [replace(option, name=_free(option.name)) for option in self.options]
        self.exclusive = [replace(one, names=[_free(name) for name in one.names]) for one in self.exclusive]

    def to_json(self) -> Dict[str, Any]:
        """``fields`` maps names to RecipeField; ``arguments`` says how each is passed."""
        return {
            "kind": self.kind,
            "read_from": self.read_from,
            "sections": [{"id": name, "title": title, "description": ""} for name, title in self.sections.items()],
            "fields": {option.name: option.field.to_schema(order) for order, option in enumerate(self.options)},
            "required": [option.name for option in self.options if option.field.required and not option.field.depends_on],
            "arguments": {
                option.name: {"style": option.style, "flag": option.flag, "negative": option.negative, "commands": list(option.commands)}
                for option in self.options
            },
            "exclusive": [{"names": list(one.names), "required": one.required, "commands": list(one.commands)} for one in self.exclusive],
            "notes": self.notes,
        }


def _free(name: str) -> str:
    return name + "_" if name in RESERVED else name


def command_line(form: ScriptForm, values: Mapping[str, Any]) -> List[str]:
    """
    The arguments for the values that differ from their defaults, each a text of argv.

    :raises KeyError: a value has no option
    """
    known = {option.name: option for option in form.options}
    for name in values:
        if name not in known:
            raise KeyError(name)
    effective = {option.name: values.get(option.name, option.field.default) for option in form.options}
    chosen = [
        option
        for option in form.options
        if values.get(option.name) is not None
        and (option.field.default is MISSING or values[option.name] != option.field.default)
        and applies(option.field, effective)
    ]
    command = next((str(values[option.name]) for option in form.options if option.style == "command" and values.get(option.name)), None)
    main = [option for option in chosen if not option.commands and option.style != "command"]
    own = [option for option in chosen if command is not None and command in option.commands]
    if command is None:
        return _ordered(main, values)
    return [*_before_command(main, values, form), command, *_ordered(own, values)]


def _ordered(options: Sequence[Option], values: Mapping[str, Any]) -> List[str]:
    """Positional arguments first: an option that takes any number of values would swallow them."""
    words: List[str] = []
    for option in sorted(options, key=lambda option: option.style != "positional"):
        words.extend(_words(option, values[option.name]))
    return words


def _before_command(options: Sequence[Option], values: Mapping[str, Any], form: ScriptForm) -> List[str]:
    """
    argparse fills all positional arguments at once, the subcommand among them: they stand together, at the end. An option that takes any number
    of values must not be the last before them, so another one follows it, if need be with its default.
    """
    lists = [option for option in options if option.style == "values"]
    positional = [option for option in options if option.style == "positional"]
    others = [option for option in options if option not in lists and option not in positional]
    words = [word for option in lists + others for word in _words(option, values[option.name])]
    if lists and not others:
        fence = next((option for option in form.options if option.style == "value" and not option.commands and option.field.default not in (None, MISSING)), None)
        words += [] if fence is None else _words(fence, fence.field.default)
    return words + _ordered(positional, values)


def _words(option: Option, value: Any) -> List[str]:
    flag, style = option.flag or "", option.style
    if style == "flag":
        return [flag] if value else []
    if style == "unflag":
        return [] if value else [flag]
    if style == "switch":
        return [flag] if value else [option.negative or flag]
    if style == "count":
        return [flag] * int(value)
    if style == "repeated":
        return [word for item in value for word in _pair(flag, _text(item, option))]
    if style == "values":
        return [flag] + [_text(item, option) for item in value]
    if style == "positional":
        return [_text(item, option) for item in value] if isinstance(value, list) else [_text(value, option)]
    if style == "joined":
        return ["{}={}".format(flag, _text(value, option))]
    if style == "assign":
        return ["{}={}".format(flag, _assigned(value))]
    return _pair(flag, _text(value, option))


def _pair(flag: str, text: str) -> List[str]:
    # A text such as -1e3x would be taken for an option.
    return ["{}={}".format(flag, text)] if text.startswith("-") and flag.startswith("--") else [flag, text]


def _text(value: Any, option: Option) -> str:
    if isinstance(value, bool):
        return (option.words or ("true", "false"))[0 if value else 1]
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value)
    if isinstance(value, float) and value.is_integer() and option.field.type == "integer":
        return str(int(value))
    return str(value)


def _assigned(value: Any) -> str:
    """As Hydra's grammar reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[{}]".format(",".join(_assigned(item) for item in value))
    if isinstance(value, dict):
        return "{{{}}}".format(",".join("{}:{}".format(key, _assigned(item)) for key, item in value.items()))
    if isinstance(value, str) and (value == "" or any(letter in "=,{}[]()'\" \t:$#" for letter in value)):
        return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))
    return str(value)
