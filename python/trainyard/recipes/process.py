"""A script or a command of the user's own. The server starts these by itself; here they are described and checked."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path
from typing import Any, Mapping

from trainyard.adapters.base import BaseAdapter, Field, Preflight, RecipeError, Section, TrainContext, resolve_path

_PROCESS = Section("process", "Process", "What is started.")


class Script(BaseAdapter):
    id = "script"
    title = "Python script"
    description = "Runs a Python file as it is. Scripts that use Trainer, TRL, Lightning or SummaryWriter are tracked without a change."
    framework = "script"
    resumable = False
    sections = (_PROCESS,)
    fields = {
        "script": Field(
            "string",
            "Script",
            "Python file to run.",
            "process",
            required=True,
            path="file",
            path_must_exist=True,
            holds="python",
            placeholder="train.py",
        ),
        "args": Field("array", "Arguments", "Command-line arguments of the script.", "process", default=[], items="string", widget="list"),
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        script = resolve_path(params["script"], base_dir)
        try:
            source = script.read_bytes()
            ast.parse(source, str(script))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            report.error("script", "{}{}: {}".format(script, " line {}".format(line) if line else "", getattr(error, "msg", error)))
        except OSError as error:
            report.error("script", "{} cannot be read: {}".format(script, error.strerror))

    def train(self, context: TrainContext) -> None:
        raise RecipeError("the recipe {} is started by the server as a process of its own".format(self.id))


class Command(BaseAdapter):
    id = "command"
    title = "Command"
    description = "Runs any command: a shell script, accelerate launch, torchrun, make."
    framework = "command"
    resumable = False
    sections = (_PROCESS,)
    fields = {
        "command": Field(
            "array",
            "Command",
            "The program and its arguments, one entry each; no shell is in between.",
            "process",
            required=True,
            items="string",
            widget="list",
            placeholder="accelerate launch train.py",
        )
    }

    def check(self, params: Mapping[str, Any], base_dir: Path, report: Preflight) -> None:
        program = os.path.expanduser(params["command"][0])
        if os.sep in program:
            path = base_dir / program
            if not path.is_file():
                report.error("command", "{} does not exist".format(path))
            elif not os.access(path, os.X_OK):
                report.error("command", "{} is not executable".format(path), "chmod +x, or name the interpreter first.")
        elif shutil.which(program) is None:
            # Its PATH may differ from ours (env of the spec), so this does not block.
            report.warning("command", "{} is not on the PATH".format(program))

    train = Script.train
