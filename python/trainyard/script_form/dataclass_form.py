"""The options of a script whose command line is made from dataclasses: ``HfArgumentParser`` and TRL's, simple-parsing, tyro, pyrallis, draccus."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from trainyard.adapters.fields import MISSING, Field
from trainyard.adapters.hf_training_fields import compute_fields, evaluation_fields, training_fields
from trainyard.adapters.installed_arguments import CLASSES, arguments_of
from trainyard.script_form.field_values import fitting, sentence, title_of
from trainyard.script_form.options import Option, ScriptForm
from trainyard.script_form.source import Source, Unknown


class _Dialect(NamedTuple):
    """How a library turns a field into an option."""

    dashes: bool
    #: Are the fields of a nested class ``--optim.lr``?
    nested: bool
    #: ``words``: ``--fast true``; ``switch``: ``--fast`` and ``--no-fast``.
    booleans: str


_HF = _Dialect(False, False, "words")
_SIMPLE = _Dialect(False, False, "words")
_TYRO = _Dialect(True, True, "switch")
_NESTED = _Dialect(False, True, "words")
#: The last part of the name of what takes the classes → its dialect.
_CALLS = {
    "HfArgumentParser": _HF,
    "TrlParser": _HF,
    "H4ArgumentParser": _HF,
    "simple_parsing.parse": _SIMPLE,
    "add_arguments": _SIMPLE,
    "tyro.cli": _TYRO,
    "pyrallis.parse": _NESTED,
    "pyrallis.wrap": _NESTED,
    "draccus.parse": _NESTED,
    "draccus.wrap": _NESTED,
}
_SCALARS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "dict": "object", "Dict": "object"}
_MOST_LEVELS = 4
#: The first form with a class of an installed package waits this long for what only an import of the package tells.
_INSTALLED_SECONDS = 12.0


def dataclass_form(source: Source) -> Optional[ScriptForm]:
    """None when no such parser is called."""
    form = ScriptForm("dataclass")
    found = False
    for call in source.calls():
        name = source.full_name(call.func)
        last = name.split(".")[-1]
        key = next((key for key in (".".join(name.split(".")[-2:]), last) if key in _CALLS), None)
        if key is None and last == "add_arguments" or isinstance(call.func, ast.Attribute) and call.func.attr == "add_arguments":
            key = "add_arguments"
        if key is None:
            continue
        found = True
        for node in _class_nodes(call, source):
            _add_class(form, source, node, _CALLS[key])
    return form if found else None


def _class_nodes(call: ast.Call, source: Source) -> List[ast.AST]:
    """The classes that are handed over, as they stand in the call; those of ``@wrap()`` are the types of the function's parameters."""
    if source.full_name(call.func).split(".")[-1] == "wrap":
        for function in source.functions.values():
            if any(decorator is call for decorator in function.decorator_list):
                return [argument.annotation for argument in function.args.args[:1] if argument.annotation is not None]
        return []
    given = call.args[:1] or [keyword.value for keyword in call.keywords if keyword.arg in ("dataclass_types", "config_class")]
    return [item for node in given for item in (node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node])]


def _add_class(form: ScriptForm, source: Source, node: ast.AST, dialect: _Dialect) -> None:
    name = ast.unparse(node)
    installed = _installed(source, node)
    if installed is not None and name not in source.classes:
        _add_installed(form, installed, form.section(title_of(_words(name))))
        return
    if name not in source.classes:
        form.notes.append("the options of {} are not in the form: it is not defined in this file; pass them in the arguments".format(name))
        return
    for field_name, annotation, value, line in class_fields(source, name, form):
        _add_field(form, source, field_name, annotation, value, line, dialect, form.section(title_of(_words(name))), 0)
    for base in source.classes[name].bases:
        inherited = _installed(source, base)
        if inherited is not None:
            _add_installed(form, inherited, form.section(title_of(_words(name))))


def _installed(source: Source, node: ast.AST) -> Optional[str]:
    """The class of an installed package that a name stands for, where its fields are known: ``transformers.TrainingArguments``."""
    package, _, name = source.full_name(node).rpartition(".")
    path = "{}.{}".format(package.split(".")[0], name)
    return path if path in CLASSES else None


def _add_installed(form: ScriptForm, path: str, section: str) -> None:
    """All arguments of the class as this interpreter has it, the usual ones first; what the script has of the same name stays."""
    arguments = arguments_of(path, _INSTALLED_SECONDS)
    if not arguments:
        form.notes.append("the options of {} are not in the form: the class could not be read; pass them in the arguments".format(path))
    known = {option.name for option in form.options}
    usual = [name for fields in (training_fields(0.0, (0.0, 0.0)), evaluation_fields(False), compute_fields()) for name, field in fields.items() if not field.advanced]
    for argument in sorted(arguments, key=lambda argument: argument.name not in usual):
        if argument.name in known:
            continue
        field = replace(argument.to_field(section, None), advanced=argument.name not in (*usual, "output_dir", "seed"))
        style, words = ("values", None) if field.type == "array" else ("value", ("true", "false"))
        form.add(Option(argument.name, field, style, "--" + argument.name, words=words))


def class_fields(source: Source, name: str, form: ScriptForm) -> List[Tuple[str, ast.AST, Optional[ast.AST], int]]:
    """Name, annotation, default and line of each field, those of base classes first."""
    found: Dict[str, Tuple[str, ast.AST, Optional[ast.AST], int]] = {}
    node = source.classes[name]
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in source.classes and base.id != name:
            found.update({item[0]: item for item in class_fields(source, base.id, form)})
        elif ast.unparse(base) not in ("object",) and _installed(source, base) is None:
            form.notes.append("the options that {} has from {} are not in the form: it is not defined in this file".format(name, ast.unparse(base)))
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and "ClassVar" not in ast.unparse(statement.annotation):
            found[statement.target.id] = (statement.target.id, statement.annotation, statement.value, statement.lineno)
    return list(found.values())


def _add_field(
    form: ScriptForm,
    source: Source,
    name: str,
    annotation: ast.AST,
    value: Optional[ast.AST],
    line: int,
    dialect: _Dialect,
    section: str,
    level: int,
) -> None:
    nested = ast.unparse(annotation)
    if nested in source.classes and source.members(nested) is None:
        if level < _MOST_LEVELS:
            for inner, inner_annotation, inner_value, inner_line in class_fields(source, nested, form):
                full = "{}.{}".format(name, inner) if dialect.nested else inner
                _add_field(form, source, full, inner_annotation, inner_value, inner_line, dialect, form.section(title_of(_words(nested))), level + 1)
        return
    kind, items, choices, nullable = read_annotation(source, annotation)
    default, metadata, known = _default(source, value)
    if not known:
        form.notes.append("line {}: the default of {} is known only when the script runs".format(line, name))
    required = default is MISSING and known
    if default is not MISSING:
        default = fitting(default, kind, items)
    help_text = metadata.get("help", "")
    choices = metadata.get("choices", choices)
    flag = "--" + (name.replace("_", "-") if dialect.dashes else name)
    style, negative, words = "value", None, None
    if kind == "boolean":
        if dialect.booleans == "switch":
            head, _, tail = flag[2:].rpartition(".")
            style, negative = "switch", "--{}no-{}".format(head + "." if head else "", tail)
        else:
            words = ("true", "false")
    elif kind == "array":
        style = "values"
    field = Field(
        kind,
        title_of(name),
        sentence(help_text),
        section,
        default=default,
        required=required,
        nullable=nullable or (default is None and not required),
        choices=choices if kind != "array" else None,
        item_choices=choices if kind == "array" else None,
        items=items,
        widget=("multiselect" if choices else "list") if kind == "array" else "json" if kind == "object" else None,
    )
    form.add(Option(name, field, style, flag, negative, words, line=line))


def read_annotation(source: Source, node: ast.AST) -> Tuple[str, Optional[str], Optional[List[Any]], bool]:
    """JSON type, type of the items, choices, and whether None is allowed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return read_annotation(source, ast.parse(node.value, mode="eval").body)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(source, [node.left, node.right])
    if isinstance(node, ast.Subscript):
        name = source.full_name(node.value).split(".")[-1]
        parts: Sequence[ast.AST] = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Optional":
            kind, items, choices, _ = read_annotation(source, parts[0])
            return kind, items, choices, True
        if name == "Union":
            return _union(source, parts)
        if name == "Literal":
            return _literal(source, parts)
        if name in ("List", "list", "Sequence", "Tuple", "tuple", "Set", "set", "Iterable"):
            kind, _, choices, _ = read_annotation(source, parts[0])
            return "array", kind, choices, False
        if name == "Annotated":
            return read_annotation(source, parts[0])
        return _SCALARS.get(name, "string"), None, None, False
    name = source.full_name(node).split(".")[-1]
    if name in ("list", "List", "tuple", "Tuple"):
        return "array", "string", None, False
    members = source.members(name)
    if members is not None:
        return "string", None, [str(value) for value in members.values()], False
    return _SCALARS.get(name, "string"), None, None, False


def _union(source: Source, parts: Sequence[ast.AST]) -> Tuple[str, Optional[str], Optional[List[Any]], bool]:
    options = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    read = [read_annotation(source, part) for part in options]
    nullable = len(options) < len(parts) or any(item[3] for item in read)
    kinds = {item[0] for item in read}
    if len(kinds) == 1:
        return read[0][0], read[0][1], read[0][2], nullable
    return ("number" if kinds == {"integer", "number"} else "string"), None, None, nullable


def _literal(source: Source, parts: Sequence[ast.AST]) -> Tuple[str, Optional[str], Optional[List[Any]], bool]:
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    choices = [value for value in values if value is not None]
    kinds = {type(value) for value in choices}
    kind = {int: "integer", float: "number", bool: "boolean"}.get(kinds.pop(), "string") if len(kinds) == 1 else "string"
    return kind, None, choices if kind != "string" else [str(value) for value in choices], None in values


def _default(source: Source, node: Optional[ast.AST]) -> Tuple[Any, Dict[str, Any], bool]:
    """The default (MISSING for none or an unknown one), the metadata, and whether what is there could be read."""
    if node is None:
        return MISSING, {}, True
    metadata: Dict[str, Any] = {}
    if isinstance(node, ast.Call) and source.full_name(node.func).split(".")[-1] in ("field", "Field", "HfArg", "list_field", "mutable_field"):
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if isinstance(keywords.get("metadata"), ast.Dict):
            metadata = _entries(source, keywords["metadata"])
        metadata.update(_entries_of(source, {name: keywords[name] for name in ("help", "choices") if name in keywords}))
        chosen: Optional[ast.AST] = keywords.get("default")
        factory = keywords.get("default_factory")
        if chosen is None and factory is not None:
            if isinstance(factory, ast.Lambda):
                chosen = factory.body
            elif isinstance(factory, ast.Name) and factory.id in ("list", "dict"):
                return ([] if factory.id == "list" else {}), metadata, True
            else:
                return MISSING, metadata, False
        if chosen is None:
            return MISSING, metadata, True
        node = chosen
    try:
        return source.value(node), metadata, True
    except Unknown:
        return MISSING, metadata, False


def _entries(source: Source, node: ast.AST) -> Dict[str, Any]:
    assert isinstance(node, ast.Dict)
    named = {key.value: value for key, value in zip(node.keys, node.values) if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return _entries_of(source, named)


def _entries_of(source: Source, named: Dict[str, ast.AST]) -> Dict[str, Any]:
    """Those that are constant: a help text that is computed does not spoil the choices beside it."""
    found: Dict[str, Any] = {}
    for name, value in named.items():
        try:
            found[name] = source.value(value)
        except Unknown:
            continue
    return found


def _words(name: str) -> str:
    """``ModelArguments`` → ``Model arguments``"""
    return "".join(" " + letter.lower() if letter.isupper() and at else letter for at, letter in enumerate(name))
