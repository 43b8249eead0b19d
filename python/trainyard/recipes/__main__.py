"""``python -m trainyard.recipes``: the way in for the run server.

- ``describe [--workspace DIR]`` prints a RecipeCatalogue (JSON) on stdout.
- ``check`` reads ``{"recipe", "params", "base_dir"}`` and where it would run, ``{"gpus", "checkpoint_dir"}``, (JSON) on stdin and prints a PreflightReport.
- ``inspect SCRIPT.py`` prints the form that the script's source gives: its fields (a map of RecipeField) and how each is passed. The script is
  parsed and never imported. With ``--run-help`` a script whose source tells nothing is run with ``--help``. With ``--arguments`` it reads values as JSON from stdin and prints the list of arguments that they become.
- ``preview`` reads ``{"recipe", "params", "base_dir", "split", "file", "rows"}`` (JSON) on stdin and prints a DatasetPreview.
- ``render`` reads the same with ``sample`` and prints a RenderedDataset: it loads the document's tokenizer.
- ``probe`` reads ``{"recipe", "params", "base_dir"}``, makes three real steps and prints a ProbeAnswer.
- ``search`` reads a question about a sweep (JSON) on stdin and prints what Optuna says.
- ``run`` trains what ``$TRAINYARD_RUN_DIR/resolved.json`` asks for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

#: What was given is at fault (sysexits' EX_DATAERR): the last line on stderr says what, in a sentence for the user.
EXIT_BAD_INPUT = 65
#: A check waits this long for fields that only an import of the packages tells.
_PREPARE_SECONDS = 10.0


def main(argv: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trainyard.recipes", description="Recipes: describe, check, run.")
    commands = parser.add_subparsers(dest="command", required=True)
    describe = commands.add_parser("describe", help="print all recipes as JSON")
    describe.add_argument("--workspace", type=Path, default=None, help="folder whose own recipes are read too")
    commands.add_parser("check", help="check one set of params, read as JSON from stdin")
    inspect = commands.add_parser("inspect", help="print the form of a script, from its source")
    inspect.add_argument("script", type=Path)
    inspect.add_argument("--run-help", action="store_true", help="run the script with --help when its source tells nothing")
    inspect.add_argument("--arguments", action="store_true", help="print the arguments for values read as JSON from stdin")
    commands.add_parser("preview", help="look at a dataset; the request is read as JSON from stdin")
    commands.add_parser("render", help="rows as the training sees them; the request is read as JSON from stdin")
    commands.add_parser("probe", help="make a few real steps and measure them; the request is read as JSON from stdin")
    commands.add_parser("search", help="ask Optuna about a sweep; the question is read as JSON from stdin")
    commands.add_parser("run", help="carry out the launched run")
    arguments = parser.parse_args(argv)

    if arguments.command == "run":
        from trainyard.recipes.runner import run

        return run()
    if arguments.command == "inspect":
        return _inspect(arguments.script, arguments.run_help, arguments.arguments)
    if arguments.command == "describe":
        from trainyard.recipes.catalogue import describe as describe_all

        _print(describe_all([arguments.workspace] if arguments.workspace else []))
        return 0
    if arguments.command == "preview":
        return _preview()
    if arguments.command == "render":
        return _render()
    if arguments.command == "probe":
        from trainyard.recipes.probe import probe

        return _answer(probe)
    if arguments.command == "search":
        return _search()
    return _check()


def _search() -> int:
    from trainyard.recipes.search import BadQuestion, search

    try:
        _print(search(json.loads(sys.stdin.read())))
    except (BadQuestion, json.JSONDecodeError) as error:
        print(str(error), file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0


def _inspect(script: Path, may_run: bool, arguments: bool) -> int:
    from trainyard.script_form.form import ScriptError, inspect_script
    from trainyard.script_form.options import command_line

    try:
        form = inspect_script(script, may_run)
        if arguments:
            _print({"arguments": command_line(form, json.loads(sys.stdin.read()))})
        else:
            _print(form.to_json())
    except ScriptError as error:
        print(str(error), file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyError as error:
        print("{} has no option {}".format(script, error), file=sys.stderr)
        return EXIT_BAD_INPUT
    except ValueError as error:
        print("the values on stdin are not JSON: {}".format(error), file=sys.stderr)
        return 2
    return 0


def _preview() -> int:
    from trainyard.adapters.dataset_preview import preview_request

    return _answer(preview_request)


def _render() -> int:
    from trainyard.adapters.dataset_render import render_request

    return _answer(render_request)


def _answer(function: Callable[[Dict[str, Any]], Dict[str, Any]]) -> int:
    """Answers the request on stdin; what the libraries print meanwhile goes to stderr."""
    from trainyard.adapters.base import RecipeError
    from trainyard.adapters.rows import DatasetError

    request = json.loads(sys.stdin.read())
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = function(request)
    except (DatasetError, RecipeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return EXIT_BAD_INPUT
    except ImportError as error:
        print("{} cannot do this: {}".format(sys.executable, error), file=sys.stderr)
        return EXIT_BAD_INPUT
    _print(answer)
    return 0


def _check() -> int:
    try:
        request = json.loads(sys.stdin.read())
        recipe, params = request["recipe"], request["params"]
        base_dir = Path(request.get("base_dir") or ".").absolute()
    except (ValueError, KeyError, TypeError) as error:
        print("the request on stdin is not {{recipe, params, base_dir}} as JSON: {}".format(error), file=sys.stderr)
        return 2
    _print(check(recipe, params, base_dir, request.get("gpus") or (), request.get("checkpoint_dir")))
    return 0


def check(recipe: str, params: Dict[str, Any], base_dir: Path, gpus: Sequence[str] = (), checkpoint_dir: Optional[str] = None) -> Dict[str, Any]:
    """The PreflightReport for one set of params. ``gpus`` are values for CUDA_VISIBLE_DEVICES."""
    from trainyard.adapters.base import Preflight, Problem, closest
    from trainyard.recipes.catalogue import launch_workspaces, load

    found = load([base_dir] + launch_workspaces())
    if recipe not in found.entries:
        close = closest(recipe, found.entries)
        hint = "Did you mean {}?".format(close) if close else "There are: {}.".format(", ".join(found.entries))
        return Preflight(problems=[Problem("error", "recipe", "there is no recipe {!r}".format(recipe), hint)] + found.problems).to_json()
    adapter = found.entries[recipe].adapter
    try:
        place = Preflight(gpus=gpus, checkpoint_dir=Path(checkpoint_dir) if checkpoint_dir else None)
        adapter.prepare(_PREPARE_SECONDS, params)
        return adapter.preflight(params, base_dir, place).to_json()
    except Exception as error:  # a user's check() may fail; the start is then the user's decision
        message = "the check of the recipe {} failed: {}: {}".format(recipe, type(error).__name__, error)
        return Preflight(problems=[Problem("warning", "", message, None)]).to_json()


def _print(value: Dict[str, Any]) -> None:
    # ASCII: whatever the locale of the launched interpreter, the reader gets what was meant.
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
