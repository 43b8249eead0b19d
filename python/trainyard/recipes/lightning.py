"""A LightningModule of the user's own, trained by a Trainer that is set up from the form."""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path
from typing import Any, Mapping

from trainyard.adapters.base import BaseAdapter, Field, Preflight, Preset, Section, TrainContext, resolve_path
from trainyard.adapters.hf_training_fields import threads_field

_CODE = "code"
_PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true")


class Lightning(BaseAdapter):
    id = "lightning"
    title = "Lightning module"
    description = "Trains a LightningModule (with a LightningDataModule, or data loaders of its own) from a Python file, or its LightningCLI."
    framework = "lightning"
    requires = ("torch", "lightning")
    resumable = True
    sections = (
        Section(_CODE, "Code", "Where the module and the data come from."),
        Section("training", "Training", "Length and optimization."),
        Section("evaluation", "Evaluation & checkpoints", "What is measured and kept, and how often."),
        Section("compute", "Compute", "Devices, precision and threads."),
    )
    fields = {
        "module_file": Field(
            "string",
            "Module file",
            "Python file that defines the LightningModule.",
            _CODE,
            required=True,
            path="file",
            path_must_exist=True,
            holds="python",
            placeholder="model.py",
        ),
        "module_class": Field(
            "string", "Module class", "Name of the LightningModule; not needed when the file has one alone.", _CODE, default=None, nullable=True
        ),
        "module_args": Field("object", "Module arguments", "Arguments of its constructor.", _CODE, default={}, widget="json"),
        "data_file": Field(
            "string",
            "Data file",
            "Python file that defines the LightningDataModule; by default the module file.",
            _CODE,
            default=None,
            nullable=True,
            path="file",
            path_must_exist=True,
            holds="python",
        ),
        "data_class": Field(
            "string",
            "Data class",
            "Name of the LightningDataModule; without one in the file the module's own data loaders are used.",
            _CODE,
            default=None,
            nullable=True,
        ),
        "data_args": Field("object", "Data arguments", "Arguments of its constructor.", _CODE, default={}, widget="json"),
        "cli_config": Field(
            "array",
            "CLI configuration",
            "YAML files of a LightningCLI (model, data, trainer); a later one wins, and what is changed in this form wins over all.",
            _CODE,
            default=[],
            items="string",
            path="file",
            path_must_exist=True,
            widget="list",
        ),
        "cli_args": Field(
            "array",
            "CLI arguments",
            "Further words for a LightningCLI, such as --model.width=8; these win over everything else.",
            _CODE,
            default=[],
            items="string",
            widget="list",
            advanced=True,
        ),
        "max_epochs": Field("integer", "Epochs", "How often the data is gone through; −1 for no limit.", "training", default=10, minimum=-1),
        "max_steps": Field("integer", "Max steps", "Stop after this many optimizer steps; −1 leaves it to the epochs.", "training", default=-1, minimum=-1),
        "accumulate_grad_batches": Field(
            "integer", "Gradient accumulation", "Batches per optimizer step.", "training", default=1, minimum=1, maximum=1024, usual=(1, 64)
        ),
        "gradient_clip_val": Field(
            "number", "Gradient clipping", "Longer gradients are cut to this norm; empty turns it off.", "training", default=None, nullable=True, minimum=0
        ),
        "limit_train_batches": Field(
            "number",
            "Training batches",
            "Batches per epoch: a whole number above 1, or a share.",
            "training",
            default=1.0,
            exclusive_minimum=0,
            advanced=True,
        ),
        "deterministic": Field(
            "boolean", "Deterministic", "Use deterministic algorithms where there are some; slower.", "training", default=False, advanced=True
        ),
        "log_every_n_steps": Field(
            "integer", "Log every", "Steps between two points of the curves.", "evaluation", default=10, minimum=1, unit="steps"
        ),
        "val_check_interval": Field(
            "number",
            "Validate every",
            "Share of an epoch, or a whole number of batches above 1.",
            "evaluation",
            default=1.0,
            exclusive_minimum=0,
        ),
        "check_val_every_n_epoch": Field(
            "integer", "Validation epochs", "Validate only every so many epochs.", "evaluation", default=1, minimum=1, unit="epochs", advanced=True
        ),
        "limit_val_batches": Field(
            "number", "Validation batches", "Batches per validation: a whole number above 1, or a share; 0 turns it off.", "evaluation", default=1.0, minimum=0
        ),
        "checkpoint_every_n_steps": Field(
            "integer",
            "Save every",
            "Steps between two checkpoints; empty saves at the end of each epoch.",
            "evaluation",
            default=None,
            nullable=True,
            minimum=1,
            unit="steps",
        ),
        "save_top_k": Field(
            "integer", "Keep", "Number of checkpoints that are kept; −1 keeps all.", "evaluation", default=-1, minimum=-1, unit="checkpoints"
        ),
        "monitor": Field(
            "string",
            "Keep the best by",
            "Logged metric that decides which checkpoints are kept; empty keeps the newest.",
            "evaluation",
            default=None,
            nullable=True,
            placeholder="val_loss",
        ),
        "mode": Field("string", "Best is", "Direction of that metric.", "evaluation", default="min", choices=("min", "max"), widget="segments"),
        "accelerator": Field(
            "string", "Accelerator", "What to train on.", "compute", default="auto", choices=("auto", "cpu", "gpu", "mps", "tpu"), widget="segments"
        ),
        "devices": Field(
            "string", "Devices", "auto, a number of devices, or their indices (0,1).", "compute", default="auto", placeholder="auto"
        ),
        "strategy": Field("string", "Strategy", "How several devices share the work: auto, ddp, fsdp, deepspeed.", "compute", default="auto", advanced=True),
        "precision": Field("string", "Precision", "Number format of the training.", "compute", default="32-true", choices=_PRECISIONS),
        "fast_dev_run": Field("boolean", "Trial run", "One batch of training and validation, nothing saved.", "compute", default=False, advanced=True),
        "trainer_args": Field(
            "object", "Further arguments", "Any other argument of lightning.Trainer; these win over the fields.", "compute", default={}, widget="json", advanced=True
        ),
        **threads_field(),
    }
    presets = {
        "base": Preset("Base", {"max_epochs": 10}),
        "mixed": Preset("Mixed precision", {"precision": "bf16-mixed", "gradient_clip_val": 1.0}),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        """Looks for the classes in the source, which needs no import of it."""
        for file_field, class_field in (("module_file", "module_class"), ("data_file", "data_class")):
            if not params[file_field]:
                continue
            path = resolve_path(params[file_field], base_dir)
            try:
                tree = ast.parse(path.read_bytes(), str(path))
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None)
                report.error(file_field, "{}{}: {}".format(path, " line {}".format(line) if line else "", getattr(error, "msg", error)))
                continue
            if file_field == "module_file" and makes_cli(tree):
                continue
            names = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
            imported = [alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
            if params[class_field] and params[class_field] not in names + imported:
                report.error(class_field, "{} has no class {!r}; it has: {}".format(path, params[class_field], ", ".join(names) or "none"))
            elif not names and not imported:
                report.error(file_field, "{} defines no class".format(path))
        self._check_cli(params, base_dir, report)
        if not accepts_devices(params["devices"]):
            report.error("devices", "devices must be auto, a number or indices such as 0,1; not {!r}".format(params["devices"]))
        # What a module needs shows only when it runs: earlier runs and a probe fill this in.
        report.estimate = {
            **dict.fromkeys(("train_rows", "eval_rows", "effective_batch", "total_parameters", "trainable_parameters", "disk", "time")),
            "devices": 1,
            "steps": params["max_steps"] if params["max_steps"] > 0 else None,
            "memory": [],
        }
        if params["max_epochs"] == -1 and params["max_steps"] == -1:
            report.warning("max_epochs", "neither max_epochs nor max_steps ends this training; it runs until it is stopped")

    def _check_cli(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        if not uses_cli(params, base_dir):
            return
        if importlib.util.find_spec("jsonargparse") is None:
            report.error("cli_config", "a LightningCLI needs the package jsonargparse", "python -m pip install 'jsonargparse[signatures]'")
            return
        import yaml

        for name in params["cli_config"]:
            path = resolve_path(name, base_dir)
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                report.error("cli_config", "{} cannot be read: {}".format(path, " ".join(str(error).split())))
                continue
            if not isinstance(content, dict):
                report.error("cli_config", "{} is no mapping of model, data and trainer".format(path))

    def train(self, context: TrainContext) -> bool:
        if context.params["omp_threads"]:
            os.environ["OMP_NUM_THREADS"] = str(context.params["omp_threads"])
        if uses_cli(context.params, Path.cwd()):
            from trainyard.adapters.lightning_cli import train_cli

            return train_cli(context, file_makes_cli(context.params, Path.cwd()))
        from trainyard.adapters.lightning import train

        return train(context)


def makes_cli(tree: ast.AST) -> bool:
    """Does a file make a LightningCLI, or one of a class of its own that is named so?"""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any((func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")).endswith("LightningCLI") for func in calls)


def file_makes_cli(params: Mapping[str, Any], base_dir: Path) -> bool:
    try:
        return makes_cli(ast.parse(resolve_path(params["module_file"], base_dir).read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return False


def uses_cli(params: Mapping[str, Any], base_dir: Path) -> bool:
    return bool(params["cli_config"] or params["cli_args"]) or file_makes_cli(params, base_dir)


def accepts_devices(text: str) -> bool:
    return text == "auto" or all(part.strip().lstrip("-").isdigit() for part in text.split(","))


def parse_devices(text: str) -> Any:
    """``auto``, a count, or a list of indices, as lightning.Trainer takes them."""
    if text == "auto":
        return text
    parts = [int(part) for part in text.split(",")]
    return parts[0] if len(parts) == 1 else parts
