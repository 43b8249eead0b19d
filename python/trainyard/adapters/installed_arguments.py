"""All arguments of the installed ``TrainingArguments``, ``LoraConfig``, ``SFTConfig`` and the like as fields of a form.

Importing those classes takes seconds. It is done in a process of its own, once for each interpreter and set of versions; the answer stands in
the user's cache folder, so that a form is drawn at once. ``python -m trainyard.adapters.installed_arguments`` is that process.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
import math
import os
import subprocess
import sys
import time
import typing
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from trainyard.adapters.fields import Field
from trainyard.adapters.user_cache import keep, recall

TRAINING_ARGUMENTS, LORA_CONFIG = "transformers.TrainingArguments", "peft.LoraConfig"
SFT_CONFIG, DPO_CONFIG = "trl.SFTConfig", "trl.DPOConfig"
#: Those after the first four are what scripts take besides.
CLASSES = (
    TRAINING_ARGUMENTS, LORA_CONFIG, SFT_CONFIG, DPO_CONFIG,
    "transformers.Seq2SeqTrainingArguments", "trl.ScriptArguments", "trl.ModelConfig", "trl.RewardConfig", "trl.GRPOConfig",
)  # fmt: skip
_PACKAGES = ("transformers", "peft", "trl", "accelerate", "torch")
#: Raised when what is kept changes its meaning.
_FORMAT = 3
_KEEP_SECONDS = 7 * 86_400.0
_LONGEST_HELP = 400
#: The process that reads them ends after this, whatever it imports.
_READ_SECONDS = 120.0

_SIMPLE = {bool: "boolean", int: "integer", float: "number", str: "string"}
_SECTIONS = (
    ("evaluation", ("eval_", "save_", "log_", "logging_", "load_best", "metric_", "hub_", "push_to_", "report_to", "include_", "prediction_", "batch_eval")),
    ("compute", ("dataloader_", "ddp_", "fsdp", "torch_", "bf16", "fp16", "tf32", "gradient_checkpointing", "accelerator_", "use_liger", "liger_")),
)


class Argument(NamedTuple):
    """One argument of a class, as it is kept: every value is JSON."""

    name: str
    type: str
    nullable: bool
    default: Any
    description: str
    choices: Optional[List[Any]]
    items: Optional[str]

    def to_field(self, section: str, depends_on: Optional[Mapping[str, Any]]) -> Field:
        return Field(
            self.type,
            self.name.replace("_", " ").strip().capitalize(),
            self.description,
            section,
            default=self.default,
            nullable=self.nullable,
            choices=self.choices,
            items=self.items,
            advanced=True,
            depends_on=depends_on,
            widget="json" if self.type == "object" or self.type == "array" and self.items is None else "list" if self.type == "array" else None,
        )


def section_of(name: str) -> str:
    """Where an argument of a trainer stands in the form."""
    return next((section for section, beginnings in _SECTIONS if name.startswith(beginnings)), "training")


def arguments_of(cls: str, seconds: float) -> List[Argument]:
    """Those of one of ``CLASSES``; empty where the package is not there, or when they are not known within ``seconds``."""
    known = recall("arguments", _key(), _KEEP_SECONDS)
    if known is None and _read_elsewhere(seconds):
        known = recall("arguments", _key(), _KEEP_SECONDS)
    return [Argument(*values) for values in (known or {}).get(cls, [])]


def typed(cls: type, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Values of the form as the class takes them: an object becomes the configuration class that is annotated, ``true`` as a text the truth."""
    hints = _hints(cls)
    result: Dict[str, Any] = {}
    for name, value in values.items():
        parts = list(_parts(hints.get(name, Any)))
        config = next((part for part in parts if isinstance(part, type) and dataclasses.is_dataclass(part)), None)
        if isinstance(value, dict) and config is not None and dict not in parts:
            value = config(**value)
        elif value in ("true", "false") and bool in parts and str not in parts:
            value = value == "true"
        result[name] = value
    return result


def _key() -> List[Any]:
    from trainyard.adapters.base import installed_version

    return [_FORMAT, sys.executable, sys.version, [[name, installed_version(name)] for name in _PACKAGES]]


#: The process that was started here, and when; a second would read the same.
_reader: "List[Tuple[subprocess.Popen[bytes], float]]" = []


def _read_elsewhere(seconds: float) -> bool:
    """Did the reading end in time? One that is late goes on by itself, and its answer is there the next time."""
    if not _reader:
        folder = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "", "TRAINYARD_DISABLED": "1"}
        command = [sys.executable, "-m", "trainyard.adapters.installed_arguments"]
        nothing = subprocess.DEVNULL
        try:
            process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, env=environment, start_new_session=True)
        except OSError:
            return False
        _reader.append((process, time.monotonic()))
    process, begin = _reader[0]
    try:
        # From its start on: several recipes ask, and all of them together wait no longer than one.
        return process.wait(timeout=max(0.0, begin + seconds - time.monotonic())) == 0
    except subprocess.TimeoutExpired:
        return False


def still_reading() -> bool:
    """Was something asked for that is not known yet, but soon will be?"""
    return any(process.poll() is None for process, _ in _reader)


def read_all() -> Dict[str, List[Argument]]:
    """Imports what is installed of ``CLASSES``. Slow."""
    found: Dict[str, List[Argument]] = {}
    for path in CLASSES:
        module, name = path.split(".")
        try:
            found[path] = read_class(getattr(importlib.import_module(module), name))
        except Exception as error:  # not installed, or broken: its arguments are then unknown
            print("{}: {}: {}".format(path, type(error).__name__, error), file=sys.stderr)
    return found


def read_class(cls: type) -> List[Argument]:
    """The arguments of a dataclass, in its order."""
    hints = _hints(cls)
    return [_argument(field, hints.get(field.name, Any)) for field in dataclasses.fields(cls) if field.init]


def _argument(field: "dataclasses.Field[Any]", hint: Any) -> Argument:
    parts = list(_parts(hint))
    nullable = type(None) in parts or not parts
    parts = [part for part in parts if part is not type(None)]
    default = _json(_default(field))
    kind, items, choices = _kind(parts, default)
    offered = field.metadata.get("choices")
    if offered is not None and kind == "string":
        choices = [str(choice) for choice in offered]
    if kind == "string" and isinstance(default, bool):
        default = "true" if default else "false"
    text = _help_of(field)
    plain = Field(kind, "", "", "", nullable=nullable, choices=choices, items=items)
    if default is not None and plain.problem_with(default) is not None:
        if choices is None or not isinstance(default, str):
            default = None  # of a type that is not annotated: the class itself fills it in
        else:
            choices = [*choices, default]
    return Argument(field.name, kind, nullable or default is None, default, text, choices, items)


def _help_of(field: "dataclasses.Field[Any]") -> str:
    """Whole sentences of it."""
    text = " ".join(str(field.metadata.get("help") or "The argument {}.".format(field.name)).split())
    if len(text) > _LONGEST_HELP:
        cut = text[:_LONGEST_HELP]
        text = cut[: cut.rindex(". ") + 1] if ". " in cut else cut + " …"
    return text if text.endswith(".") else text + "."


def _kind(parts: List[Any], default: Any) -> Tuple[str, Optional[str], Optional[List[Any]]]:
    """JSON type, that of the items, and what may be chosen. Of several types the richest one is taken that holds the default."""
    words = [value for part in parts if typing.get_origin(part) is typing.Literal for value in typing.get_args(part)]
    enums = [part for part in parts if isinstance(part, type) and issubclass(part, enum.Enum)]
    lists = [part for part in parts if part in (list, tuple, set) or typing.get_origin(part) in (list, tuple, set)]
    objects = [part for part in parts if _is_object(part)]
    if enums:
        return "string", None, [str(member.value) for member in enums[0]]
    if words and len(words) == sum(isinstance(word, str) for word in words) and bool not in parts:
        return "string", None, None if str in parts else list(words)
    if words:
        return "string", None, None
    if lists and not isinstance(default, (str, dict)):
        inner = [part for part in typing.get_args(lists[0]) if part is not Ellipsis]
        return "array", _SIMPLE.get(inner[0]) if len(inner) == 1 else None, None
    if objects and not isinstance(default, str):
        return "object", None, None
    if isinstance(default, str) or str in parts:
        return "string", None, None
    return next((_SIMPLE[kind] for kind in (float, int, bool) if kind in parts), "string"), None, None


def _is_object(part: Any) -> bool:
    return part is dict or typing.get_origin(part) is dict or isinstance(part, type) and dataclasses.is_dataclass(part)


def _parts(hint: Any) -> Iterator[Any]:
    """The alternatives of a union; ``list[str]`` and the like are one."""
    if hint is Any:
        return
    if typing.get_origin(hint) is typing.Union or type(hint).__name__ == "UnionType":
        for inner in typing.get_args(hint):
            yield from _parts(inner)
    elif typing.get_origin(hint) is getattr(typing, "Annotated", None):
        yield from _parts(typing.get_args(hint)[0])
    else:
        yield hint


def _hints(cls: type) -> Dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception:  # a name that is imported for type checkers only, or a form that this Python lacks
        return {field.name: field.type for field in dataclasses.fields(cls) if not isinstance(field.type, str)}


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory()


def _json(value: Any) -> Any:
    """None for what JSON cannot hold."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _json(dataclasses.asdict(value))
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str)) else None


def main() -> int:
    import threading

    # Whatever hangs in an import: nobody waits for this process.
    watch = threading.Timer(_READ_SECONDS, os._exit, (1,))
    watch.daemon = True
    watch.start()
    keep("arguments", _key(), json.loads(json.dumps(read_all())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
