"""
Carries out the recipe ``lightning`` for a ``LightningCLI``: the script's own, or one made here for the classes of the file and a configuration.

Of three places that may say something about the Trainer the form's defaults come last, then the configuration, then what was changed in the form.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

import lightning.pytorch
from lightning.pytorch.cli import LightningCLI

from trainyard.adapters.base import RecipeError, TrainContext, resolve_path
from trainyard.adapters.lightning import checkpoints, choose, finish, has_data_class, load_file, state_dict_of, trainer_options
from trainyard.integrations.lightning import attach


def train_cli(context: TrainContext, of_script: bool) -> bool:
    """
    Gives False when a stop ended it early.

    :param of_script: the file makes a LightningCLI itself; else one is made of its classes
    """
    params = context.params
    file = resolve_path(params["module_file"], Path.cwd())
    trainers: List[Any] = []
    with _within(context, trainers):
        if of_script:
            sys.argv = [str(file)]
            sys.path.insert(0, str(file.parent))
            runpy.run_path(str(file), run_name="__main__")
        else:
            _make(context, file)
    if not trainers or trainers[-1].lightning_module is None:
        raise RecipeError("{} made no LightningCLI that trains".format(file), "params.module_file")
    return finish(context, trainers[-1], trainers[-1].lightning_module)


def _make(context: TrainContext, file: Path) -> None:
    params = context.params
    source = load_file(file)
    written = [_content(resolve_path(path, Path.cwd())) for path in params["cli_config"]]
    model, _ = choose(source, lightning.pytorch.LightningModule, params["module_class"], "module")
    elsewhere = load_file(resolve_path(params["data_file"], Path.cwd())) if params["data_file"] else source
    data = None
    if params["data_file"] or has_data_class(source, params):
        data, _ = choose(elsewhere, lightning.pytorch.LightningDataModule, params["data_class"], "data")
    LightningCLI(
        model,
        data,
        subclass_mode_model=_names_class(written, "model"),
        subclass_mode_data=_names_class(written, "data"),
        seed_everything_default=context.seed,
    )


def _names_class(written: List[Mapping[str, Any]], part: str) -> bool:
    """Does a configuration choose the class itself (``class_path``)?"""
    places = [place for content in written for place in (content, content.get("fit")) if isinstance(place, Mapping)]
    return any(isinstance(place.get(part), Mapping) and "class_path" in place[part] for place in places)


def _content(path: Path) -> Mapping[str, Any]:
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, Mapping) else {}


@contextlib.contextmanager
def _within(context: TrainContext, trainers: List[Any]) -> Iterator[None]:
    """Every LightningCLI that is made takes our words, and its Trainer reports and saves into the run."""
    original = {name: getattr(LightningCLI, name) for name in ("__init__", "parse_arguments", "instantiate_trainer", "instantiate_classes")}
    runs: Dict[int, bool] = {}

    @functools.wraps(original["__init__"])
    def init(cli: Any, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(original["__init__"]).bind(cli, *args, **kwargs).arguments
        runs[id(cli)] = given.get("run", True)
        own = dict(given.get("trainer_defaults") or {})
        callbacks = own.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        if not context.params["fast_dev_run"]:
            callbacks.append(checkpoints(context))
        defaults = {**trainer_options(context.params), "default_root_dir": str(context.run_dir), **own, "callbacks": callbacks}
        given = {name: value for name, value in given.items() if name not in ("self", "trainer_defaults")}
        original["__init__"](cli, **{**given, "trainer_defaults": defaults})

    def parse_arguments(cli: Any, parser: Any, _args: Any) -> None:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                original["parse_arguments"](cli, parser, command_words(context, runs.get(id(cli), True)))
        except SystemExit as error:
            lines = [line.strip() for line in said.getvalue().splitlines() if line.strip()]
            raise RecipeError("LightningCLI refuses the settings: {}".format(" ".join(_meaning(lines))), "params.cli_config") from error

    def instantiate_trainer(cli: Any, **kwargs: Any) -> Any:
        trainer = original["instantiate_trainer"](cli, **kwargs)
        attach(trainer, lightning.pytorch)
        trainers.append(trainer)
        resume = context.resume_from
        if resume is not None and resume.mode == "state":
            _begin_at(trainer, resume.path)
        return trainer

    def instantiate_classes(cli: Any) -> None:
        original["instantiate_classes"](cli)
        resume = context.resume_from
        if resume is not None and resume.mode == "weights":
            cli.model.load_state_dict(state_dict_of(resume.path))

    replaced = {"__init__": init, "parse_arguments": parse_arguments, "instantiate_trainer": instantiate_trainer, "instantiate_classes": instantiate_classes}
    for name, function in replaced.items():
        setattr(LightningCLI, name, function)
    try:
        yield
    finally:
        for name, function in original.items():
            setattr(LightningCLI, name, function)


def _begin_at(trainer: Any, checkpoint: str) -> None:
    fit = trainer.fit

    @functools.wraps(fit)
    def fit_from(*args: Any, **kwargs: Any) -> Any:
        return fit(*args, **{**kwargs, "ckpt_path": kwargs.get("ckpt_path") or checkpoint})

    trainer.fit = fit_from


def _meaning(lines: List[str]) -> List[str]:
    """What is wrong, without the usage that stands before it."""
    start = next((at for at, line in enumerate(lines) if line.startswith("error:") or ": error:" in line), 0)
    return lines[start:] or ["it ended without a word"]


def command_words(context: TrainContext, subcommand: bool) -> List[str]:
    """
    The command line: files first, then the seed, then what the form changed, then the user's own words, each of which wins over what stands before it.

    :param subcommand: does the LightningCLI take one (``run=True``)?
    """
    from trainyard.recipes.lightning import Lightning

    params, fields = context.params, Lightning.fields
    files = [str(resolve_path(path, Path.cwd())) for path in params["cli_config"]]
    # A file of a CLI with subcommands may be of the whole, with a key for each of them.
    whole = [file for file in files if subcommand and "fit" in _content(Path(file))]
    words = ["--config=" + file for file in whole] + (["fit"] if subcommand else []) + ["--config=" + file for file in files if file not in whole]
    words.append("--seed_everything={}".format(context.seed))
    options = trainer_options(params)
    changed = [name for name in options if name in params["trainer_args"] or name in fields and params[name] != fields[name].default]
    given: Dict[str, Optional[Mapping[str, Any]]] = {
        "trainer": {name: options[name] for name in changed},
        "model": params["module_args"],
        "data": params["data_args"],
    }
    for part, values in given.items():
        words += ["--{}.{}={}".format(part, name, _word(value)) for name, value in (values or {}).items()]
    return words + list(params["cli_args"])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
