"""From the path of a script to its form."""

from __future__ import annotations

import ast
from pathlib import Path

from trainyard.script_form.argparse_form import argparse_form
from trainyard.script_form.config_form import hydra_form, key_value_form
from trainyard.script_form.dataclass_form import dataclass_form
from trainyard.script_form.options import ScriptForm
from trainyard.script_form.source import Source

#: A source beyond this is generated, and no command line.
_LARGEST = 4 * 1024 * 1024


class ScriptError(Exception):
    """The script cannot be read, or is no Python."""


def inspect_script(path: Path) -> ScriptForm:
    """
    The form of a script. One without a command line that is known has the kind ``none`` and no options.

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
    for form in (hydra_form(source, path), dataclass_form(source), argparse_form(source), key_value_form(source)):
        if form is not None:
            form.keep_reserved_free()
            return form
    form = ScriptForm()
    if any(isinstance(call.func, ast.Attribute) and call.func.attr in ("parse_args", "parse_known_args") for call in source.calls()):
        form.notes.append("the script reads arguments, but they are defined in another file; pass them in the arguments")
    return form
