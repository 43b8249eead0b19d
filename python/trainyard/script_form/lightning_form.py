"""The options of a script that is a ``LightningCLI``: the constructors of its classes, and the Trainer's options that are set most."""

from __future__ import annotations

import ast
from typing import Any, Dict, List, Optional, Sequence, Tuple

from trainyard.adapters.fields import MISSING, Field
from trainyard.script_form.field_values import title_of
from trainyard.script_form.dataclass_form import read_annotation
from trainyard.script_form.options import Option, ScriptForm
from trainyard.script_form.source import Source, Unknown

_COMMANDS = ("fit", "validate", "test", "predict")
#: Name, type and meaning. All may be left out: then the configuration file, the script's own defaults or Lightning's hold.
_TRAINER = (
    ("max_epochs", "integer", "How often the data is gone through."),
    ("max_steps", "integer", "Stop after this many optimizer steps."),
    ("accelerator", "string", "What to train on: auto, cpu, gpu."),
    ("devices", "string", "auto, a number of devices, or their indices."),
    ("strategy", "string", "How several devices share the work."),
    ("precision", "string", "Number format of the training, such as bf16-mixed."),
    ("accumulate_grad_batches", "integer", "Batches per optimizer step."),
    ("gradient_clip_val", "number", "Longer gradients are cut to this norm."),
    ("val_check_interval", "number", "Share of an epoch, or a number of batches."),
    ("limit_train_batches", "number", "Batches per epoch, or a share of them."),
    ("limit_val_batches", "number", "Batches per validation, or a share of them."),
    ("log_every_n_steps", "integer", "Steps between two points of the curves."),
    ("fast_dev_run", "boolean", "One batch of everything, nothing saved."),
)


def lightning_form(source: Source) -> Optional[ScriptForm]:
    """None when the script makes no LightningCLI."""
    call = next((one for one in source.calls() if source.full_name(one.func).split(".")[-1] == "LightningCLI"), None)
    if call is None:
        return None
    given: Dict[str, ast.AST] = dict(zip(("model_class", "datamodule_class"), call.args))
    given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    form = ScriptForm("lightning")
    commands: Sequence[str] = ()
    if not _is_false(given.get("run")):
        text = "What the script is to do."
        commands = _COMMANDS
        field = Field("string", "Subcommand", text, form.section("Options"), required=True, choices=list(_COMMANDS))
        form.add(Option("subcommand", field, "command", line=call.lineno))
    _add(form, "config", Field("string", "Config", "YAML file with values.", form.section("Options"), default=None, nullable=True, path="file"), commands)
    seed = Field("integer", "Seed", "Seed of everything that is random.", form.section("Options"), default=None, nullable=True)
    _add(form, "seed_everything", seed, commands)
    for prefix, key in (("model", "model_class"), ("data", "datamodule_class")):
        _add_class(form, source, prefix, given.get(key), commands)
    for name, kind, text in _TRAINER:
        field = Field(kind, title_of(name), text, form.section("Trainer"), default=None, nullable=True)
        _add(form, "trainer." + name, field, commands)
    return form


def _add(form: ScriptForm, name: str, field: Field, commands: Sequence[str], line: int = 0) -> None:
    form.add(Option(name, field, "joined", "--" + name, commands=commands, line=line))


def _is_false(node: Optional[ast.AST]) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _add_class(form: ScriptForm, source: Source, prefix: str, node: Optional[ast.AST], commands: Sequence[str]) -> None:
    """The parameters of a class's constructor as ``--<prefix>.<name>``."""
    if node is None or isinstance(node, ast.Constant):
        if prefix == "model":
            form.notes.append("the class of the model is chosen on the command line; pass --model and its values in the arguments")
        return
    name = ast.unparse(node)
    made = _constructor(source, name)
    if made is None:
        form.notes.append("{} is from another file; pass its values in the arguments (--{}.name=value)".format(name, prefix))
        return
    for argument, default in _parameters(made):
        kind, items, choices, nullable = ("string", None, None, False) if argument.annotation is None else read_annotation(source, argument.annotation)
        value: Any = MISSING
        if default is not None:
            try:
                value = source.value(default)
            except Unknown:
                form.notes.append("line {}: the default of {} cannot be read from the source".format(default.lineno, argument.arg))
        if argument.annotation is None and isinstance(value, (bool, int, float)):
            kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "number"
        field = Field(
            kind, title_of(argument.arg), "", form.section(title_of(prefix)), default=value, required=default is None,
            nullable=nullable or value is None, choices=choices, items=items, widget="list" if kind == "array" else None,
        )  # fmt: skip
        _add(form, "{}.{}".format(prefix, argument.arg), field, commands, argument.lineno)


def _constructor(source: Source, name: str) -> Optional[ast.FunctionDef]:
    """``__init__`` of a class of the script, or of the first base that is there too and has one."""
    node, seen = source.classes.get(name), set()
    while node is not None and node.name not in seen:
        seen.add(node.name)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                return statement
        node = next((source.classes[ast.unparse(base)] for base in node.bases if ast.unparse(base) in source.classes), None)
    return None


def _parameters(function: ast.FunctionDef) -> List[Tuple[ast.arg, Optional[ast.expr]]]:
    plain = [*function.args.posonlyargs, *function.args.args][1:]
    missing: List[Optional[ast.expr]] = [None] * (len(plain) - len(function.args.defaults))
    return [*zip(plain, [*missing, *function.args.defaults]), *zip(function.args.kwonlyargs, function.args.kw_defaults)]
