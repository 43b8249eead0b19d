"""A parsed script: what its names stand for, as far as the source itself says. Nothing is executed."""

from __future__ import annotations

import ast
import operator
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Type


class Unknown(Exception):
    """The value follows only when the script runs."""


_BINARY: Mapping[Type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
#: Larger results of a power or a repetition are left alone: reading a script must stay quick.
_LONGEST, _LARGEST_EXPONENT = 10_000, 64


class Source:
    """@raises SyntaxError, ValueError: the text is no Python"""

    def __init__(self, text: bytes, path: str) -> None:
        self.tree = ast.parse(text, path)
        self.imports = _imports(self.tree)
        self.classes = {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}
        self.functions = {node.name: node for node in ast.walk(self.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self.constants: Dict[str, Any] = {}
        for name, value in _assignments(self.tree):
            try:
                self.constants[name] = self.value(value)
            except Unknown:
                self.constants.pop(name, None)

    def calls(self) -> List[ast.Call]:
        """All calls in the order of the text."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        # The end decides: of a chain a.b().c() the first link ends first.
        return sorted(found, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0))

    def full_name(self, node: Optional[ast.AST]) -> str:
        """``argparse.ArgumentParser`` for whatever it is called here; empty for what is no name."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            head = self.full_name(node.value)
            return "{}.{}".format(head, node.attr) if head else ""
        return ""

    def members(self, name: str) -> Optional[Dict[str, Any]]:
        """Names and values of an Enum that the script defines."""
        node = self.classes.get(name)
        if node is None or not any(self.full_name(base).split(".")[-1].endswith(("Enum", "Flag")) for base in node.bases):
            return None
        members: Dict[str, Any] = {}
        for statement in node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                try:
                    members[statement.targets[0].id] = self.value(statement.value)
                except Unknown:
                    members[statement.targets[0].id] = statement.targets[0].id
        return members

    def value(self, node: ast.AST) -> Any:
        """A constant expression's value. @raises Unknown"""
        try:
            return self._evaluate(node)
        except RecursionError:
            raise Unknown("an expression without end") from None

    def _evaluate(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id in self.constants:
                return self.constants[node.id]
            raise Unknown(node.id)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
            try:
                return {self.value(key): self.value(item) for key, item in zip(node.keys, node.values) if key is not None}
            except TypeError:
                raise Unknown("a key that is no key") from None
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part(part) for part in node.values)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return self._comprehension(node)
        raise Unknown(type(node).__name__)

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(value, (int, float)):
            return -value if isinstance(node.op, ast.USub) else value
        raise Unknown("an operator")

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        try:
            if isinstance(node.op, ast.Pow) and abs(right) <= _LARGEST_EXPONENT and abs(left) <= _LONGEST:
                return left**right
            if type(node.op) in _BINARY:
                if isinstance(node.op, ast.Mult) and not all(isinstance(value, (int, float)) for value in (left, right)):
                    raise Unknown("a repetition")
                return _BINARY[type(node.op)](left, right)
        except (TypeError, ValueError, ArithmeticError):
            pass
        raise Unknown("an operator")

    def _part(self, part: ast.AST) -> str:
        if isinstance(part, ast.FormattedValue):
            return str(self.value(part.value))
        return str(self.value(part))

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name):
            members = self.members(node.value.id)
            if members is not None and node.attr in members:
                return members[node.attr]
        if node.attr == "value":
            return self.value(node.value)
        raise Unknown(node.attr)

    def _item(self, node: ast.Subscript) -> Any:
        try:
            return self.value(node.value)[self.value(node.slice)]
        except (TypeError, LookupError):
            raise Unknown("an item") from None

    def _call(self, node: ast.Call) -> Any:
        name = self.full_name(node.func)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "values") and not node.args:
            mapping = self.value(node.func.value)
            if isinstance(mapping, dict):
                return list(mapping if node.func.attr == "keys" else mapping.values())
        if name in ("list", "tuple", "sorted", "set") and len(node.args) == 1:
            if isinstance(node.args[0], ast.Name):
                members = self.members(node.args[0].id)
                if members is not None:
                    return list(members.values())
            values = self.value(node.args[0])
            if isinstance(values, (list, dict, str)):
                return sorted(values) if name == "sorted" else list(values)
        arguments = [self.value(argument) for argument in node.args]
        if name in ("pathlib.Path", "pathlib.PurePath", "os.path.join") and arguments and all(isinstance(part, str) for part in arguments):
            return "/".join(part.rstrip("/") or "/" for part in arguments)
        if name == "range" and 1 <= len(arguments) <= 3 and all(isinstance(part, int) for part in arguments):
            numbers = range(*arguments)
            if len(numbers) <= _LONGEST:
                return list(numbers)
        if name in ("float", "int", "str") and len(arguments) == 1:
            try:
                return {"float": float, "int": int, "str": str}[name](arguments[0])
            except (TypeError, ValueError):
                pass
        raise Unknown(name or "a call")

    def _comprehension(self, node: Any) -> List[Any]:
        """``[m.value for m in Enum]`` and ``[x for x in CONSTANT]``."""
        loop = node.generators[0]
        if len(node.generators) != 1 or loop.ifs or not isinstance(loop.target, ast.Name):
            raise Unknown("a comprehension")
        members = self.members(loop.iter.id) if isinstance(loop.iter, ast.Name) else None
        element = node.elt
        named = element.value if isinstance(element, ast.Attribute) else element
        if not isinstance(named, ast.Name) or named.id != loop.target.id:
            raise Unknown("a comprehension")
        if members is not None:
            return list(members) if isinstance(element, ast.Attribute) and element.attr == "name" else list(members.values())
        if isinstance(element, ast.Name):
            return list(self.value(loop.iter))
        raise Unknown("a comprehension")


def _imports(tree: ast.AST) -> Dict[str, str]:
    """What each imported name stands for: ``ap`` → ``argparse``, ``Parser`` → ``argparse.ArgumentParser``."""
    names: Dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.split(".")[0]
                names[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = "{}.{}".format(node.module, alias.name)
    return names


def _assignments(tree: ast.Module) -> Iterator[Tuple[str, ast.AST]]:
    """Names of the module that are set once; one that changes has no one value."""
    counted: Dict[str, int] = {}
    found: List[Tuple[str, ast.AST]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counted[node.id] = counted.get(node.id, 0) + 1
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
            found.append((statement.targets[0].id, statement.value))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
            found.append((statement.target.id, statement.value))
    return ((name, value) for name, value in found if counted.get(name) == 1)
