"""The class that every recipe extends, built in or your own.

A recipe of your own is a Python file in the folder ``trainyard_recipes`` of the workspace that holds a subclass of :class:`BaseAdapter`::

    from trainyard.adapters.base import BaseAdapter, Field, Section

    class Tabular(BaseAdapter):
        id = "tabular"
        title = "Tabular classifier"
        framework = "custom"
        requires = ("torch",)
        sections = (Section("training", "Training"),)
        fields = {
            "steps": Field("integer", "Steps", "How many steps to train.", "training", default=100, minimum=1),
        }

        def train(self, context):
            import torch  # heavy imports belong here: the file is read each time a form is drawn

            context.run.plan(max_steps=context.params["steps"])
            ...

Only ``id``, ``title``, ``fields`` and :meth:`BaseAdapter.train` are needed. ``docs/recipes.md`` goes through all of it.
"""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional, Sequence

from trainyard.adapters.fields import MISSING, Field, applies, schema_of
from trainyard.adapters.preflight import Fix, Preflight, Problem, set_to

if TYPE_CHECKING:
    from trainyard import Run
    from trainyard.adapters.hf_data import Part

__all__ = ["MISSING", "BaseAdapter", "Field", "Fix", "Preflight", "Preset", "Problem", "RecipeError", "ResumeFrom", "Section", "TrainContext", "set_to"]


class RecipeError(Exception):
    """The training cannot be carried out as asked. ``field`` is the parameter that is to blame, ``hint`` what to do next."""

    def __init__(self, message: str, field: str = "", hint: Optional[str] = None) -> None:
        super().__init__(message if hint is None else message + " " + hint)
        self.message = message
        self.field = field
        self.hint = hint


@dataclass(frozen=True)
class Section:
    """A group of fields in the form."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Preset:
    """A named set of values; it applies below what the user writes."""

    title: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class ResumeFrom:
    """The checkpoint to start from. ``state`` restores everything and goes on at ``step``; ``weights`` loads parameters only and starts at 0."""

    path: str
    step: int
    mode: str


@dataclass(frozen=True)
class TrainContext:
    """All that a training needs to know.

    Folders are absolute. ``params`` holds a value for every field of the recipe. ``run`` is the SDK's run: ``run.log({"loss": 0.3}, step=7)``,
    ``run.log_checkpoint(path, step)``, ``run.should_stop()``. Checkpoints belong in ``checkpoint_dir`` as ``checkpoint-<step>`` and the
    final model in ``artifact_dir`` / ``model``.
    """

    params: Mapping[str, Any]
    run: "Run"
    resume_from: Optional[ResumeFrom]
    run_dir: Path
    checkpoint_dir: Path
    artifact_dir: Path
    seed: int

    @property
    def model_dir(self) -> Path:
        """Where the final model goes."""
        return self.artifact_dir / "model"


class BaseAdapter:
    """One thing that can be trained: its form, its check before the start, and the training itself."""

    #: Name that specs use (``recipe: <id>``): lower case, digits and dashes.
    id: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str] = ""
    #: What carries it out, shown beside the run: ``huggingface``, ``lightning``, ``custom`` …
    framework: ClassVar[str] = "custom"
    #: Distributions that the interpreter must have.
    requires: ClassVar[Sequence[str]] = ()
    sections: ClassVar[Sequence[Section]] = ()
    #: Fields in the order of the form.
    fields: ClassVar[Mapping[str, Field]] = {}
    presets: ClassVar[Mapping[str, Preset]] = {}
    #: Shapes of rows that it learns from (``adapters.rows.SHAPES``); empty when its data is of another kind.
    dataset_shapes: ClassVar[Sequence[str]] = ()
    #: Can a run go on from a checkpoint that this recipe reported?
    resumable: ClassVar[bool] = False

    def train(self, context: TrainContext) -> Optional[bool]:
        """Train. Runs in a process of its own, in the folder that relative paths refer to.

        Return when done, or early when ``context.run.should_stop()`` turns true, after a last checkpoint: True means that everything was
        done, False that a stop ended it early, None leaves it to whether a stop was asked for. Any exception fails the run.
        """
        raise NotImplementedError

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        """Look at what only this recipe knows: files, columns, sizes. Called with every field filled in and the fields' own limits checked.

        Keep it quick and free of heavy imports; it runs while the user fills in the form.
        """

    def encode_rows(self, context: TrainContext, shape: str, tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> List[List["Part"]]:
        """Rows of ``dataset_shapes`` as tokens, each as the training would see it but uncut: for the preview of a dataset."""
        raise RecipeError("the recipe {} shows no tokens".format(self.id), "recipe")

    def probe_params(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The params for a probe of a few steps: as they are, without what only costs time there. Called with every field filled in."""
        return dict(params)

    # ---- what the launcher calls; a recipe seldom overrides these ----

    def prepare(self, seconds: float, params: Optional[Mapping[str, Any]] = None) -> None:
        """Called before the fields are used: adds those that only the installed packages know, unless the ``params`` name none of them.

        Takes no longer than ``seconds``.
        """

    def describe(self, origin: str = "builtin") -> Dict[str, Any]:
        """The ``Recipe`` of ``protocol/recipe.ts``."""
        sections: List[Section] = list(self.sections)
        known = {section.id for section in sections}
        for field in self.fields.values():
            if field.section not in known:
                known.add(field.section)
                sections.append(Section(field.section, field.section.replace("_", " ").capitalize()))
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "framework": self.framework,
            "sections": [{"id": s.id, "title": s.title, "description": s.description} for s in sections],
            "schema": schema_of(self.fields),
            "presets": {name: {"title": preset.title, "values": dict(preset.values)} for name, preset in self.presets.items()},
            "requires": list(self.requires),
            "resumable": self.resumable,
            "origin": origin,
        }

    def fill(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Every field with its value: the given one, its default, or None."""
        filled: Dict[str, Any] = {}
        for name, field in self.fields.items():
            value = params[name] if name in params else (None if field.default is MISSING else field.default)
            filled[name] = field.coerce(value)
        return filled

    def preflight(self, params: Mapping[str, Any], base_dir: Path, report: Optional[Preflight] = None) -> Preflight:
        """The whole check: packages, fields, paths, then :meth:`check` where the fields themselves are in order."""
        report = Preflight() if report is None else report
        for name in self.requires:
            if not is_installed(name):
                report.problems.append(
                    Problem(
                        "error",
                        "python",
                        "this Python lacks the package {}, which the recipe {} needs".format(name, self.id),
                        "Install it (pip install {}) or choose another interpreter.".format(name),
                    )
                )
        self._check_fields(params, base_dir, report)
        if all(problem.severity != "error" or problem.field == "python" for problem in report.problems):
            self.check(self.fill(params), base_dir, report)
        return report

    def preflight_fields(self, params: Mapping[str, Any], base_dir: Path) -> Preflight:
        """The fields alone: names, types, limits, paths. Done again where the training starts, for specs that no server checked."""
        report = Preflight()
        self._check_fields(params, base_dir, report)
        return report

    def _check_fields(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        for name in params:
            if name not in self.fields:
                close = closest(name, self.fields)
                report.error(name, "the recipe {} has no field {!r}".format(self.id, name), "Did you mean {}?".format(close) if close else None)
        filled = self.fill(params)
        for name, field in self.fields.items():
            if not applies(field, filled):
                continue
            if field.required and filled[name] is None:
                report.error(name, "{} is missing".format(name), "Give {}: {}".format(name, field.description))
                continue
            if filled[name] is None and name not in params:
                continue
            problem = field.problem_with(filled[name])
            if problem is not None:
                report.error(name, "{} {}".format(name, problem))
            elif field.path and field.path_must_exist and filled[name]:
                paths = filled[name] if isinstance(filled[name], list) else [filled[name]]
                missing = next(filter(None, (path_problem(resolve_path(path, base_dir), str(field.path)) for path in paths)), None)
                if missing:
                    report.error(name, missing, "Relative paths start at {}.".format(base_dir))


def resolve_path(value: str, base_dir: Path) -> Path:
    """The path as the training would see it: ``~`` expanded, relative ones from the base folder."""
    return base_dir / Path(os.path.expanduser(value))


def path_problem(path: Path, kind: str) -> Optional[str]:
    """What is wrong with a path that must exist, or None."""
    if not path.exists():
        return "{} does not exist".format(path)
    if kind == "file" and not path.is_file():
        return "{} is not a file".format(path)
    if kind == "folder" and not path.is_dir():
        return "{} is not a folder".format(path)
    if not os.access(path, os.R_OK):
        return "{} cannot be read (permission denied)".format(path)
    return None


def is_installed(distribution: str) -> bool:
    """Is a distribution there? Reads metadata alone: nothing is imported."""
    return installed_version(distribution) is not None


def installed_version(distribution: str) -> Optional[str]:
    """Version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def closest(name: str, candidates: Mapping[str, Any]) -> Optional[str]:
    """The candidate that a misspelt name most likely meant."""
    import difflib  # only on the error path: describe stays fast without it

    found = difflib.get_close_matches(name, list(candidates), n=1)
    return found[0] if found else None
