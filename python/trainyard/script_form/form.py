"""From the path of a script to its form."""

from __future__ import annotations

import ast
from pathlib import Path

from trainyard.script_form.argparse_form import argparse_form
from trainyard.script_form.ask_help import ask_help
from trainyard.script_form.config_form import hydra_form, key_value_form
from trainyard.script_form.dataclass_form import dataclass_form
from trainyard.script_form.help_text import help_form
from trainyard.script_form.lightning_form import lightning_form
from trainyard.script_form.options import ScriptForm
from trainyard.script_form.source import Source

#: A source beyond this is generated, and no command line.
_LARGEST = 4 * 1024 * 1024


class ScriptError(Exception):
    """The script cannot be read, or is no Python."""


def inspect_script(path: Path, may_run: bool = False) -> ScriptForm:
    """
    The form of a script. One without a command line that is known has the kind ``none`` and no options.

    :param may_run: run it with ``--help`` when the source tells nothing
    :raises ScriptError: with the line where there is one
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ScriptError("{} is larger than any script".format(path))
        source = Source(path.read_bytes(), str(path))
    except OSError as error:
        raise ScriptError("{} cannot be read: {}".format(path, error.strerror)) from None
    except SyntaxError as error:
        raise ScriptError("{} line {}: {}".format(path, error.lineno, error.msg)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ScriptError("{} is no Python that can be read: {}".format(path, error)) from None
    form = _from_source(source, path)
    if may_run and not form.options:
        form = _from_help(path, form)
    form.keep_reserved_free()
    return form


def _from_source(source: Source, path: Path) -> ScriptForm:
    for found in (hydra_form(source, path), lightning_form(source), dataclass_form(source), argparse_form(source), key_value_form(source)):
        if found is not None:
            return found
    form = ScriptForm()
    if any(isinstance(call.func, ast.Attribute) and call.func.attr in ("parse_args", "parse_known_args") for call in source.calls()):
        form.notes.append("the script reads arguments, but they are defined in another file; pass them in the arguments")
    return form


def _from_help(path: Path, form: ScriptForm) -> ScriptForm:
    """The form that ``--help`` gives, or the one that there is with the reason why it gave none."""
    try:
        answer = ask_help(path)
    except OSError as error:
        raise ScriptError("{} cannot be run: {}".format(path, error.strerror)) from None
    found = help_form(answer.text)
    if found is None:
        form.notes.append("{}; pass its options in the arguments".format(answer.problem or "{} --help prints no help that can be read".format(path)))
        return form
    found.read_from = "help"
    return found
