"""Forms from ``--help``: real scripts, checked against what they make of the arguments; scripts that hang, fail and print garbage."""

import json
import os
import random
import string
import time
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from recipe_runs import recipes
from test_script_form import run
from trainyard.script_form import ask_help
from trainyard.script_form.form import inspect_script
from trainyard.script_form.help_text import help_form
from trainyard.script_form.options import command_line

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def reads(name: str, values: Dict[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """The fields, and what the script gets when the values are given."""
    form = inspect_script(SCRIPTS / name, may_run=True)
    assert form.read_from == "help"
    return form.to_json()["fields"], run(SCRIPTS / name, command_line(form, values))


def test_of_argparse() -> None:
    values = {
        "data": "x.csv", "extra": ["a", "b"], "lr": 0.5, "batch_size": 4, "optim": "sgd", "depth": 4, "layers": [7, 9], "tag": ["p", "q"],
        "fast": True, "no_shuffle": True, "amp": False, "name": "-n", "resume": "c", "out_dir": "o", "script_": "y",
        "a_very_long_option_name_for_the_model": "big",
    }  # fmt: skip
    fields, got = reads("options_elsewhere.py", values)
    assert set(fields) == set(values)
    assert got == {
        "data": "x.csv", "extra": ["a", "b"], "lr": 0.5, "batch_size": 4, "optim": "sgd", "depth": 4, "layers": [7, 9], "tag": ["p", "q"],
        "fast": True, "shuffle": False, "amp": False, "name": "-n", "resume": "c", "out_dir": "o", "script": "y",
        "a_very_long_option_name_for_the_model": "big",
    }  # fmt: skip
    assert fields["lr"] == {**fields["lr"], "type": "number", "default": 1e-3, "x-section": "options"}
    assert fields["depth"]["enum"] == [2, 4]
    assert fields["optim"] == {**fields["optim"], "type": "string", "enum": ["adam", "sgd"], "default": "adam"}
    assert fields["layers"] == {**fields["layers"], "type": "array", "items": {"type": "number"}, "default": [224, 256]}
    assert fields["amp"] == {**fields["amp"], "type": "boolean", "default": True}
    assert fields["out_dir"]["x-path"]["kind"] == "folder"
    assert fields["a_very_long_option_name_for_the_model"]["x-section"] == "model"
    assert fields["a_very_long_option_name_for_the_model"]["description"].startswith("its help stands on the next line")


def test_required_ones_of_argparse() -> None:
    form = inspect_script(SCRIPTS / "options_elsewhere.py", may_run=True)
    assert form.to_json()["required"] == ["data", "name"]
    assert command_line(form, {"data": "d", "name": "n", "lr": 0.001, "optim": "adam", "amp": True, "fast": False}) == ["d", "--name", "n"]


def test_of_click() -> None:
    values = {"data": "x", "more": ["y", "z"], "lr": 0.5, "steps": 3, "optim": "sgd", "shuffle": False, "fast": True, "name": "n", "size": [4, 5]}
    fields, got = reads("click_elsewhere.py", values)
    assert set(fields) == set(values)
    assert got == values
    form = inspect_script(SCRIPTS / "click_elsewhere.py", may_run=True)
    assert (form.kind, form.to_json()["required"]) == ("click", ["data", "name"])
    assert fields["steps"] == {**fields["steps"], "type": "integer", "default": 10, "minimum": 1, "maximum": 500}
    assert fields["steps"]["description"].startswith("How many, which is told in a sentence so long that click breaks it into two lines.")
    assert fields["shuffle"] == {**fields["shuffle"], "type": "boolean", "default": True}
    assert fields["optim"]["enum"] == ["adam", "sgd"]


def test_only_when_it_was_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "marks.py"
    script.write_text("import pathlib, sys\npathlib.Path(__file__).with_name('ran').touch()\nprint('usage: x\\n\\noptions:\\n  --a A  b')\n")
    assert inspect_script(script).to_json()["fields"] == {}
    assert not (tmp_path / "ran").exists()
    assert list(inspect_script(script, may_run=True).to_json()["fields"]) == ["a"]
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    assert list(inspect_script(script, may_run=True).to_json()["fields"]) == ["a"]
    assert not (tmp_path / "ran").exists(), "it was asked a second time"


def test_not_when_the_source_tells(tmp_path: Path) -> None:
    script = tmp_path / "told.py"
    script.write_text("import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\nopen(__file__ + '.ran', 'w')\np.parse_args()\n")
    form = inspect_script(script, may_run=True)
    assert (form.read_from, [option.name for option in form.options]) == ("source", ["lr"])
    assert not Path(str(script) + ".ran").exists()


def test_one_that_hangs_ends_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "hangs.py"
    script.write_text(
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(ask_help, "SECONDS", 2.0)
    before = time.monotonic()
    form = inspect_script(script, may_run=True)
    assert time.monotonic() - before < 20
    assert form.read_from == "source" and "did not end within 2 s" in form.notes[-1]
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        # A process that nobody waited for is still listed, as a zombie.
        return Path("/proc/{}/stat".format(pid)).read_text().split(") ")[1][0] != "Z" if Path("/proc").is_dir() else os.kill(pid, 0) is None
    except (OSError, IndexError):
        return False


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos.write(1, os.urandom(100_000))", "no help that can be read"),
        ("for i in range(200_000): print('noise ' * 20)", "no help that can be read"),
        ("raise ValueError('no data here')", "exit status 1: ValueError: no data here"),
        ("import sys\nsys.exit(3)", "exit status 3"),
        ("print('usage: nothing to set')", "no help that can be read"),
    ],
)
def test_garbage_gives_a_note_and_no_form(tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "bad.py").write_text(source + "\n")
    form = inspect_script(tmp_path / "bad.py", may_run=True)
    assert (form.kind, form.options) == ("none", [])
    assert reason in form.notes[-1]


def test_any_text_is_read_or_refused() -> None:
    rng = random.Random(7)
    pieces = ["usage: x [-h]", "options:", "  --a A  b", "  -b {1,2}, --bb {1,2}", "    more", "", "[default: ", "(default: [1", "  {x,y}", "\t--c [C ...]", "│ --d INT │"]
    for _ in range(500):
        lines = [rng.choice([*pieces, "".join(rng.choices(string.printable, k=12))]) for _ in range(12)]
        form = help_form("\n".join(["usage: x [--a A] y", "", "options:", *lines]))
        if form is not None:
            json.dumps(form.to_json(), allow_nan=False)


def test_of_the_command_line() -> None:
    answer = json.loads(recipes("inspect", str(SCRIPTS / "options_elsewhere.py"), "--run-help").stdout)
    assert (answer["kind"], answer["read_from"], answer["fields"]["lr"]["default"]) == ("argparse", "help", 0.001)
