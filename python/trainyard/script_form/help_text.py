"""A form from what a script prints for ``--help``, as argparse and click write it (and what imitates them: tyro, typer, jsonargparse).

The text says less than the source: a type shows only in a metavar or a default, and a flag does not say what it sets.
"""

from __future__ import annotations

import ast
import re
from typing import Any, List, NamedTuple, Optional

from trainyard.adapters.fields import MISSING, Field
from trainyard.script_form.argparse_form import MAIN_SECTION
from trainyard.script_form.field_values import fitting, path_kind, sentence, title_of
from trainyard.script_form.options import Option, ScriptForm

_MOST_OPTIONS = 500
_BOX = re.compile(r"[│┃]\s*$|^\s*[│┃]")
_BOX_TITLE = re.compile(r"^\s*[╭┌┏][─━]+\s*([^─━]+?)\s*[─━]+[╮┐┓]\s*$")
_TITLE = re.compile(r"^(\S.*):\s*$")
_ENTRY = re.compile(r"^(\s+)(\S.*?)(?:\s{2,}(\S.*))?$")
_FLAG = re.compile(r"^--?[A-Za-z0-9?][\w.-]*")
_CLICK_RANGE = re.compile(r"[\[;]\s*(?:([-+\d.eE]+)(<=?))?x(?:(<=?|>=?)([-+\d.eE]+))?\s*[\];]")
#: Metavars that name a type: click's, jsonargparse's and those that people write.
_METAVAR_TYPES = {
    "INTEGER": "integer", "INT": "integer", "FLOAT": "number", "NUMBER": "number", "TEXT": "string", "STR": "string", "STRING": "string",
    "BOOLEAN": "boolean", "BOOL": "boolean", "PATH": "string", "FILE": "string", "FILENAME": "string", "DIRECTORY": "string",
}  # fmt: skip
_METAVAR_PATHS = {"PATH": "any", "FILE": "file", "FILENAME": "file", "DIRECTORY": "folder"}
_OWN_SECTIONS = ("options", "optional arguments", "positional arguments", "arguments")


class _Entry(NamedTuple):
    section: str
    #: ``-o OPT, --optim OPT``, or the name of a positional argument.
    invocation: str
    help: str


class _Value(NamedTuple):
    """What an option takes, as far as its metavar says."""

    kind: str
    several: bool = False
    choices: Optional[List[Any]] = None
    path: Optional[str] = None
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    exclusive_minimum: Optional[float] = None


def help_form(text: str) -> Optional[ScriptForm]:
    """None when the text is no help: it has no line of usage, or nothing that could be set."""
    lines = [_BOX.sub("", _BOX_TITLE.sub(r"\1:", line.expandtabs())).rstrip() for line in text.splitlines()]
    begin = next((at for at, line in enumerate(lines) if re.match(r"\s*usage:", line, re.IGNORECASE)), None)
    if begin is None:
        return None
    end = next((at for at in range(begin + 1, len(lines)) if not lines[at].strip()), len(lines))
    usage = " ".join(lines[begin:end])
    form = ScriptForm("argparse" if "usage:" in usage else "click")
    if form.kind == "click":
        _add_click_arguments(form, usage)
    for entry in _entries(lines[end:]):
        if len(form.options) < _MOST_OPTIONS:
            _add(form, entry, usage)
    return form if form.options else None


def _entries(lines: List[str]) -> List[_Entry]:
    entries: List[_Entry] = []
    section: Optional[str] = None
    indent = 0
    for line in lines:
        title = _TITLE.match(line)
        if title is not None:
            section, indent = title.group(1), 0
            continue
        match = _ENTRY.match(line)
        # Prose stands before the first section, or at the margin between two.
        if section is None or match is None:
            continue
        own = len(match.group(1))
        if entries and entries[-1].section == section and indent and own > indent + 1:
            # A box may indent a flag that has no short form by the width of one.
            if not _FLAG.match(match.group(2)) or own > indent + 5:
                last = entries[-1]
                entries[-1] = last._replace(help="{} {}".format(last.help, line.strip()).strip())
                continue
        indent = indent or own
        entries.append(_Entry(section, match.group(2), match.group(3) or ""))
    return entries


def _add(form: ScriptForm, entry: _Entry, usage: str) -> None:
    if form.kind == "click" and entry.section.lower() == "commands":
        _add_click_command(form, entry)
        return
    parts = _split(entry.invocation)
    flags = [match.group(0) for match in map(_FLAG.match, parts) if match is not None]
    if not flags:
        _add_positional(form, entry, usage)
        return
    if {"--help", "--version", "--install-completion", "--show-completion"} & set(flags):
        return
    flag = next((name for name in flags if name.startswith("--") and not name.startswith("--no-")), flags[-1])
    metavar = parts[-1][len(flags[-1]) :].strip() if _FLAG.match(parts[-1]) else ""
    negative = next((name for name in flags if name.startswith("--no-") and name[5:] == flag[2:]), None)
    if form.kind == "click" and metavar.startswith("/ "):
        negative, metavar = metavar[2:].split(",")[0].strip(), ""
    name = flag.lstrip("-").replace("-", "_")
    shown = _default_in(entry.help)
    section = form.section(MAIN_SECTION if entry.section.lower() in _OWN_SECTIONS else entry.section)
    description = sentence(entry.help)
    if negative is not None:
        default = {"true": True, "false": False}.get(str(shown).lower())
        if form.kind == "click" and shown not in (None, MISSING) and default is None:
            default = shown == flag.lstrip("-")  # click shows the name of the one that holds
        field = Field("boolean", title_of(name), description, section, default=default, nullable=default is None)
        form.add(Option(name, field, "switch", flag, negative))
        return
    if not metavar:
        # Whatever it sets when it is given: not given is false here.
        form.add(Option(name, Field("boolean", title_of(name), description, section, default=False), "flag", flag))
        return
    outside = _outside_brackets(usage)
    required = re.search(r"(?:^|\s){}(?:[\s=]|$)".format(re.escape(flag)), outside) is not None
    required = required or any(re.search(r"(?:^|\s){}\s".format(re.escape(other)), outside) for other in flags) or "[required]" in entry.help
    value = _value_of(metavar, name)
    if form.kind == "click" and value.kind in ("integer", "number"):
        value = _ranged(value, entry.help)
    style = "values" if value.several else "value"
    if isinstance(_literal(shown), list) and not value.several:
        value, style = value._replace(several=True), "repeated"  # an action that appends
    form.add(Option(name, _field(name, value, description, section, shown, required), style, flag, words=("True", "False")))


def _add_positional(form: ScriptForm, entry: _Entry, usage: str) -> None:
    invocation = entry.invocation.split("  ")[0]
    section = form.section(MAIN_SECTION if entry.section.lower() in _OWN_SECTIONS else entry.section)
    if invocation.startswith("{") and "{} ...".format(invocation) in usage:
        choices: List[Any] = invocation.strip("{}").split(",")
        field = Field("string", "Command", "What the script is to do.", section, required=True, choices=choices)
        form.add(Option("command", field, "command"))
        form.notes.append("the options of the commands are not in the form; pass them in the arguments")
        return
    # In the usage a list stands as ``x [x ...]``, ``[x ...]`` or ``X...``.
    plain = invocation.strip("[]").replace("...", "").strip()
    if not re.match(r"^(\{[^}]*\}|[\w.<>-]+)$", plain):
        return
    escaped = re.escape(plain)
    several = re.search(r"\[{0} \.\.\.\]|{0}\.\.\.|\[{0}\.\.\.\]".format(escaped), usage) is not None
    required = re.search(r"(?:^|\s){}(?:\s|\.\.\.|$)".format(escaped), _outside_brackets(usage)) is not None
    value = _value_of(plain, plain)
    name = "argument" if plain.startswith("{") else plain.strip("<>").lower().replace("-", "_").replace(".", "_")
    field = _field(name, value._replace(several=several), sentence(entry.help), section, _default_in(entry.help), required)
    form.add(Option(name, field, "positional", words=("True", "False")))


def _add_click_arguments(form: ScriptForm, usage: str) -> None:
    """click names its arguments in the usage alone: ``[OPTIONS] DATA [MORE]...``."""
    for bracket, word, dots in re.findall(r"\s(\[?)([A-Z][A-Z0-9_]*)\]?(\.\.\.)?(?=\s|$)", usage):
        if word in ("OPTIONS", "COMMAND", "ARGS"):
            continue
        name, kind = word.lower(), path_kind(word.lower())
        value = _Value("string", dots != "", None, kind)
        form.add(Option(name, _field(name, value, "", form.section(MAIN_SECTION), MISSING, bracket == ""), "positional"))


def _add_click_command(form: ScriptForm, entry: _Entry) -> None:
    name = entry.invocation.split()[0]
    known = next((at for at, option in enumerate(form.options) if option.style == "command"), None)
    choices = [name] if known is None else [*(form.options[known].field.choices or ()), name]
    field = Field("string", "Command", "What the script is to do.", form.section(MAIN_SECTION), required=True, choices=choices)
    option = Option("command", field, "command")
    if known is None:
        form.notes.append("the options of the commands are not in the form; pass them in the arguments")
        form.add(option)
    else:
        form.options[known] = option


def _value_of(metavar: str, name: str) -> _Value:
    braces = re.match(r"^\{([^}]*)\}", metavar) or re.match(r"^\[([^\]\s]*\|[^\]]*)\]$", metavar)
    repeated = metavar.endswith("...") or metavar.endswith("...]") or len(_words(metavar)) > 1
    if braces is not None:
        choices: List[Any] = [choice for choice in re.split(r"[,|]", braces.group(1)) if choice]
        if choices and all(re.match(r"^-?\d+$", choice) for choice in choices):
            return _Value("integer", repeated, [int(choice) for choice in choices])
        return _Value("string", repeated, choices)
    word = re.sub(r"[^A-Z]", "", metavar.strip("[]").split(" ")[0].split(".")[0].upper()) if metavar else ""
    written = metavar.strip("[]").split(" ")[0].rstrip(".")
    kind = _METAVAR_TYPES.get(word, "") if written in (word, word.lower(), "<{}>".format(word.lower())) else ""
    return _Value(kind, repeated, None, _METAVAR_PATHS.get(word) if kind else path_kind(name))


def _ranged(value: _Value, text: str) -> _Value:
    """With the limits of click's ``[1<=x<=5]``. An open upper end has no word in the form: it is left to the script."""
    match = _CLICK_RANGE.search(text)
    if match is None:
        return value
    low, low_sign, high_sign, high = match.groups()
    if high_sign in (">", ">="):
        low, low_sign, high = high, high_sign.replace(">", "<"), None
    if low is not None:
        value = value._replace(minimum=float(low)) if low_sign == "<=" else value._replace(exclusive_minimum=float(low))
    if high is not None and high_sign == "<=":
        value = value._replace(maximum=float(high))
    return value


def _words(metavar: str) -> List[str]:
    return re.findall(r"\S+", re.sub(r"\[[^\]]*\]", "", re.sub(r"\bRANGE\b", "", metavar)))


def _field(name: str, value: _Value, description: str, section: str, shown: Any, required: bool) -> Field:
    literal = _literal(shown)
    kind = value.kind
    if not kind:
        sample = literal[0] if isinstance(literal, list) and literal else literal
        # A whole number may stand for a float: what the script takes is known only to the script.
        kind = "number" if isinstance(sample, (int, float)) and not isinstance(sample, bool) else "string"
    if shown is MISSING or shown is None:
        default = None
    elif value.several:
        default = fitting(literal if isinstance(literal, list) else _text_of(shown).split(), "array", kind)
    else:
        default = fitting(literal if kind != "string" else _text_of(shown), kind, None)
    if default is MISSING or value.choices is not None and not value.several and default not in (None, *value.choices):
        default = None
    if required:
        default = MISSING
    return Field(
        "array" if value.several else kind,
        title_of(name),
        description,
        section,
        default=default,
        required=required,
        nullable=default is None,
        choices=None if value.several else value.choices,
        item_choices=value.choices if value.several else None,
        items=kind if value.several else None,
        minimum=value.minimum,
        maximum=value.maximum,
        exclusive_minimum=value.exclusive_minimum,
        path=value.path if kind == "string" and not value.several and value.choices is None else None,
        widget=None if not value.several else "list" if value.choices is None else "multiselect",
    )


def _split(invocation: str) -> List[str]:
    """At commas outside of brackets: ``-o {a,b}, --optim {a,b}`` has two parts."""
    return [part.strip() for part in re.split(r",\s+(?=-)", invocation)]


def _default_in(text: str) -> Any:
    """What stands in ``(default: …)`` or ``[default: …]``; None for the word None and MISSING where there is no such note."""
    begin = re.search(r"([(\[;,]|^)\s*defaults?(?: to| is)?\s*[:=]?\s+", text, re.IGNORECASE)
    if begin is None:
        return MISSING
    depth, at = 0, begin.end()
    while at < len(text):
        letter = text[at]
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif letter == ";" and depth == 0:
            break
        at += 1
    shown = text[begin.end() : at].strip()
    return None if shown in ("None", "null", "") else shown


def _text_of(shown: str) -> str:
    """Without the quotes that some formatters put around it."""
    return shown[1:-1] if len(shown) > 1 and shown[0] == shown[-1] and shown[0] in "'\"" else shown


def _literal(shown: Any) -> Any:
    if not isinstance(shown, str):
        return shown
    try:
        value = ast.literal_eval(shown)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(shown.lower(), shown)
    return list(value) if isinstance(value, (tuple, set)) else value


def _outside_brackets(usage: str) -> str:
    found, depth = [], 0
    for letter in usage:
        depth += letter == "["
        if depth == 0:
            found.append(letter)
        depth -= letter == "]" and depth > 0
    return "".join(found)
