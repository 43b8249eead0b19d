"""What a script's own ``type=`` function takes: a number where its source says so, else a text."""

from __future__ import annotations

import ast
import re
from typing import Iterator, Optional

from trainyard.script_form.source import Source

_NUMBERS = {"int": "integer", "float": "number"}
#: ``positive_int``, ``nonnegative_float``: libraries and utility files name them so.
_NAMED = re.compile(r"(?:^|_)(int|float)$")


def number_type(source: Source, node: ast.AST) -> Optional[str]:
    """``integer`` or ``number``; None for a function that may take any text."""
    if isinstance(node, ast.Lambda):
        parameter = node.args.args[0].arg if node.args.args else ""
        return _converted(node.body, parameter)
    name = source.full_name(node)
    function = source.functions.get(name)
    if function is not None:
        return _returned(function)
    named = _NAMED.search(name.split(".")[-1])
    return _NUMBERS[named.group(1)] if named else None


def _returned(function: ast.AST) -> Optional[str]:
    """By its annotation, else by what it converts its argument to: ``value = int(text)``."""
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    if isinstance(function.returns, ast.Name) and function.returns.id in _NUMBERS:
        return _NUMBERS[function.returns.id]
    if function.returns is not None or not function.args.args:
        return None
    parameter = function.args.args[0].arg
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == parameter and isinstance(node.ctx, ast.Load)]
    kinds = {kind for kind in (_converted(node, parameter) for node in _expressions(function)) if kind is not None}
    # Whoever also looks at the text itself (splits it, compares it) takes more than numbers.
    looked_at = any(isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == parameter for node in ast.walk(function))
    return kinds.pop() if uses and len(kinds) == 1 and not looked_at else None


def _expressions(function: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.Return)) and node.value is not None:
            yield node.value


def _converted(node: ast.AST, parameter: str) -> Optional[str]:
    """The type of ``int(text)`` and ``int(float(text))``: the second takes ``1e3`` too."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NUMBERS and len(node.args) == 1):
        return None
    argument = node.args[0]
    if isinstance(argument, ast.Name) and argument.id == parameter:
        return _NUMBERS[node.func.id]
    return _converted(argument, parameter)
