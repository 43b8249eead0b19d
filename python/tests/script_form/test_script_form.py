"""Forms of scripts: what the source says, checked against what the script itself makes of the arguments."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from recipe_runs import environment, recipes
from trainyard.script_form.form import ScriptError, inspect_script
from trainyard.script_form.options import ScriptForm, command_line

SCRIPTS = Path(__file__).parent / "scripts"


def form_of(tmp_path: Path, source: str) -> ScriptForm:
    path = tmp_path / "script.py"
    path.write_text(source)
    return inspect_script(path)


def run(script: Path, arguments: List[str]) -> Dict[str, Any]:
    """What the script prints of its arguments."""
    done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def fields() -> Dict[str, Any]:
    return inspect_script(SCRIPTS / "all_kinds.py").to_json()["fields"]


#: Name → what the form must say of it.
EXPECTED: Dict[str, Dict[str, Any]] = {
    "data": {"type": "string", "description": "training file.", "x-section": "data"},
    "extra": {"type": ["array", "null"], "items": {"type": "string"}},
    "cache_dir": {"type": "string", "x-path": {"kind": "folder", "must_exist": False}},
    "columns": {"type": "array", "default": ["text"], "x-placeholder": "NAME", "x-section": "data"},
    "image_size": {"type": "array", "default": [224, 256], "items": {"type": "integer"}},
    "lr": {"type": "number", "default": 3e-4, "description": "peak (default: 0.0003, 100% of it).", "x-section": "options"},
    "batch_size": {"type": "integer", "default": 32, "title": "Batch size"},
    "epochs": {"type": "integer", "description": "how often."},
    "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
    "layers": {"type": "integer", "enum": [1, 2, 3, 4], "default": 2},
    "optimizer": {"type": "string", "enum": ["adam", "sgd"], "default": "adam"},
    "name": {"type": "string", "default": "run-two"},
    "fast": {"type": "boolean", "default": False, "description": "Cut corners."},
    "shuffle": {"type": "boolean", "default": True},
    "amp": {"type": "boolean", "default": True},
    "compile": {"type": "boolean", "default": False},
    "trap": {"type": "boolean", "default": True},
    "verbose": {"type": "integer", "default": 0, "minimum": 0},
    "tag": {"type": "array", "default": [], "items": {"type": "string"}},
    "weights": {"type": ["array", "null"], "default": None, "items": {"type": "number"}},
    "resume": {"type": ["string", "null"], "default": None},
    "options": {"type": "object", "default": {"a": 1}, "x-widget": "json"},
    "steps": {"type": "integer", "default": -1},
    "limit": {"type": "number"},
    "host": {"type": "string"},
    "secret_knob": {"type": "integer", "default": 7, "x-advanced": True},
    "cpu": {"type": "boolean", "description": "Not together with gpu."},
    "gpu": {"type": ["integer", "null"], "description": "Not together with cpu."},
    "log_every": {"type": "integer", "default": 10, "x-section": "logging"},
}


def test_every_kind_of_option_has_its_field(fields: Dict[str, Any]) -> None:
    assert list(fields) == list(EXPECTED)
    for name, wanted in EXPECTED.items():
        assert {key: fields[name].get(key) for key in wanted} == wanted, name
    for name in ("limit", "host", "data", "epochs"):
        assert "default" not in fields[name], name


def test_the_form_says_what_it_leaves_out() -> None:
    form = inspect_script(SCRIPTS / "all_kinds.py").to_json()
    assert form["kind"] == "argparse" and form["required"] == ["data", "epochs"]
    notes = "\n".join(form["notes"])
    assert "an option whose name is computed is not in the form" in notes
    assert "the default of host is known only when the script runs" in notes
    assert "takes every text but the empty one for true" in notes
    assert [section["title"] for section in form["sections"]] == ["Data", "Options", "Logging"]


def test_the_map_has_the_protocols_shape(fields: Dict[str, Any], valid: Any) -> None:
    catalogue = json.loads(recipes("describe").stdout)
    catalogue["recipes"][0]["schema"]["properties"] = fields
    valid("recipe-catalogue", catalogue)


CHANGED: Dict[str, Any] = {
    "data": "rows.csv",
    "extra": ["a", "b c"],
    "cache_dir": "/somewhere",
    "columns": ["x", "y"],
    "image_size": [1, 2],
    "lr": 0.5,
    "batch_size": 3,
    "epochs": 9,
    "size": "large",
    "layers": 4,
    "optimizer": "sgd",
    "name": "-dash",
    "fast": True,
    "shuffle": False,
    "amp": False,
    "compile": True,
    "trap": False,
    "verbose": 3,
    "tag": ["one", "--two"],
    "weights": [0.5, -1.5],
    "resume": "here",
    "options": {"b": [1, "x"]},
    "steps": -5,
    "limit": 2.5,
    "host": "example",
    "secret_knob": 1,
    "gpu": 2,
    "log_every": 1,
}


def test_values_reach_the_script() -> None:
    script = SCRIPTS / "all_kinds.py"
    form = inspect_script(script)
    found = run(script, command_line(form, CHANGED))
    assert {name: found[name] for name in CHANGED} == CHANGED


def test_defaults_are_those_of_the_script(fields: Dict[str, Any]) -> None:
    script = SCRIPTS / "all_kinds.py"
    needed = {"data": "rows.csv", "epochs": 1}
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    arguments = command_line(inspect_script(script), {**defaults, **needed})
    assert arguments == ["rows.csv", "-e", "1"]
    found = run(script, arguments)
    for name, default in defaults.items():
        assert found[name] == ([] if name == "extra" else default), name


def test_a_script_is_never_imported(tmp_path: Path) -> None:
    shutil.copy(SCRIPTS / "all_kinds.py", tmp_path)
    (tmp_path / "writes.py").write_text(
        "import argparse\nfrom pathlib import Path\nPath(__file__).with_name('written').write_text('x')\n"
        "import a_package_that_nobody_has\n"
        "p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=Path('written2').write_text('x') or 0.1)\n"
        "x = [print('loud') for _ in range(3)]\np.parse_args()\n"
    )
    (tmp_path / "argparse.py").write_text("raise SystemExit('a neighbour was imported')\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    for name in ("writes.py", "all_kinds.py"):
        done = recipes("inspect", str(tmp_path / name), cwd=tmp_path.parent)
        assert done.returncode == 0 and "loud" not in done.stdout, done.stderr
    assert list(json.loads(recipes("inspect", str(tmp_path / "writes.py"), cwd=tmp_path.parent).stdout)["fields"]) == ["lr"]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_subcommands() -> None:
    script = SCRIPTS / "subcommands.py"
    form = inspect_script(script)
    fields = form.to_json()["fields"]
    assert fields["task"]["enum"] == ["train", "test"]
    depends = {name: field.get("x-depends-on") for name, field in fields.items()}
    both = {"task": ["train", "test"]}
    assert depends == {
        "seed": both,
        "quiet": None,
        "task": None,
        "file": {"task": ["train"]},
        "epochs": {"task": ["train"]},
        "checkpoint": {"task": ["test"]},
    }
    values = {"task": "train", "file": "f", "quiet": True, "seed": 4, "epochs": 5}
    assert run(script, command_line(form, {**values, "checkpoint": "unused"})) == values
    assert run(script, command_line(form, {"task": "test", "checkpoint": "c"})) == {"task": "test", "checkpoint": "c", "quiet": False, "seed": 0}


ODD: Dict[str, Dict[str, Any]] = {
    "epochs": {"type": "integer", "default": 3},
    "dropout": {"type": "number", "default": 0.1},
    "rows": {"type": "number", "default": 1000},
    "crop": {"type": ["string", "null"], "default": None, "x-placeholder": "[2, 3]"},
    "case": {"type": "string", "default": "low"},
    "betas": {"minItems": 2, "maxItems": 2, "items": {"type": "number"}},
    "layers": {"minItems": 1},
    "level": {"type": "boolean", "default": False},
    "amp": {"type": "boolean", "default": True},
    "adam": {"type": "boolean", "default": False, "title": "Adam"},
    "lion": {"type": "boolean", "default": False},
    "quality": {"type": "boolean", "default": False},
    "fine": {"type": "boolean", "default": False, "title": "Fine"},
    "metric": {"x-depends-on": {"task": ["train", "test"]}, "x-section": "options"},
    "steps": {"x-depends-on": {"task": ["train"]}, "default": 5},
    "test_steps": {"x-depends-on": {"task": ["test"]}, "default": 50},
}


def test_converters_constants_and_names_in_two_places() -> None:
    form = inspect_script(SCRIPTS / "odd_kinds.py").to_json()
    for name, wanted in ODD.items():
        assert {key: form["fields"][name].get(key) for key in wanted} == wanted, name
    assert form["exclusive"] == [{"names": ["scratch", "resume"], "required": True, "commands": []}]
    assert [note.split(": ", 1)[1] for note in form["notes"]] == ["crop is converted by the script itself; it is passed as a text"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"betas": [0.1, 0.2], "layers": [4, 5], "scratch": True, "task": "train"}, {"betas": [0.1, 0.2], "layers": [4, 5], "note": "none"}),
        # Nothing but a list before the subcommand, which would be taken for one more of its items.
        ({"layers": [4], "note": "n", "resume": None, "scratch": True, "task": "train", "steps": 9}, {"layers": [4], "note": "n", "steps": 9}),
        ({"epochs": 4, "dropout": 0.5, "rows": 2e3, "crop": "4x5", "resume": "-last", "task": "train"}, {"epochs": 4, "rows": 2000, "crop": [4, 5], "resume": "-last"}),
        ({"amp": False, "level": True, "adam": True, "lion": True, "scratch": True, "task": "train"}, {"amp": False, "level": 5, "optimizers": ["adam", "lion"]}),
        ({"fine": True, "scratch": True, "task": "test", "test_steps": 7, "steps": 1, "split": "val", "metric": "f1"}, {"quality": "fine", "steps": 7, "metric": "f1"}),
    ],
)
def test_odd_values_reach_the_script(values: Dict[str, Any], wanted: Dict[str, Any]) -> None:
    script = SCRIPTS / "odd_kinds.py"
    found = run(script, command_line(inspect_script(script), {"data": "rows.csv", **values}))
    assert found["data"] == "rows.csv"
    assert {name: found[name] for name in wanted} == wanted


def test_only_a_list_stands_before_the_subcommand() -> None:
    script = SCRIPTS / "odd_kinds.py"
    arguments = [word for word in command_line(inspect_script(script), {"data": "d", "layers": [4], "task": "train"}) if word != "--scratch"]
    found = run(script, ["--scratch", *arguments])
    assert found["layers"] == [4] and found["task"] == "train"


@pytest.mark.training
def test_dataclasses_of_huggingface(tmp_path: Path) -> None:
    script = SCRIPTS / "hf_dataclasses.py"
    form = inspect_script(script)
    document = form.to_json()
    fields = document["fields"]
    assert document["kind"] == "dataclass" and document["required"] == ["model"]
    assert fields["model"]["description"] == "Folder or name of the model."
    assert (fields["scale"]["type"], fields["scale"]["default"]) == (["number", "null"], None)
    assert fields["mode"]["enum"] == ["full", "lora"] and fields["mode"]["default"] == "lora"
    assert fields["dtype"]["enum"] == ["float32", "bfloat16"] and fields["kind"]["enum"] == ["a", "b"]
    assert fields["targets"]["items"] == {"type": "string"} and fields["targets"]["default"] == ["q", "v"]
    assert fields["note"]["type"] == ["string", "null"] and fields["shots"]["default"] == 3
    assert document["notes"] == []
    # Of this interpreter's transformers, which are not in the source; those that are set most are not hidden.
    assert fields["learning_rate"]["default"] == 5e-5 and "x-advanced" not in fields["learning_rate"]
    assert fields["adam_epsilon"]["x-advanced"] is True and fields["seed"]["x-section"] == "training_arguments"
    values = {"model": "m", "rank": 2, "scale": 0.5, "mode": "full", "dtype": "bfloat16", "targets": ["k"], "freeze": False, "bias": True}
    values.update(kind="b", note="n", shots=9)
    values.update(learning_rate=0.25, use_cpu=True, lr_scheduler_kwargs={"num_cycles": 2}, label_names=["x", "y"], seed=5)
    found = run(script, [*command_line(form, values), "--output_dir", str(tmp_path)])
    assert {name: found[name] for name in values} == {**values, "mode": found["mode"]} and found["mode"] in ("full", "Mode.FULL")


def test_tyro_and_its_like(tmp_path: Path) -> None:
    source = (
        "from dataclasses import dataclass, field\nimport tyro\n"
        "@dataclass\nclass Optim:\n    lr: float = 1e-3\n    use_amsgrad: bool = False\n"
        "@dataclass\nclass Config:\n    data_file: str\n    optim: Optim = field(default_factory=Optim)\n    steps: int | None = None\n"
        "config = tyro.cli(Config)\n"
    )
    form = form_of(tmp_path, source)
    assert form.kind == "dataclass" and [option.name for option in form.options] == ["data_file", "optim.lr", "optim.use_amsgrad", "steps"]
    values = {"data_file": "d", "optim.lr": 0.5, "optim.use_amsgrad": True, "steps": 3}
    assert command_line(form, values) == ["--data-file", "d", "--optim.lr", "0.5", "--optim.use-amsgrad", "--steps", "3"]


def test_hydra(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "small.yaml").write_text("width: 8\n")
    (tmp_path / "conf" / "model" / "large.yaml").write_text("width: 80\n")
    (tmp_path / "conf" / "config.yaml").write_text(
        "defaults:\n  - _self_\n  - model: small\n"
        "lr: 0.1\nname: ???\ndata:\n  path: a b\n  sizes: [1, 2]\n  copy: ${lr}\nflag: true\nempty: null\nhydra:\n  run: {dir: x}\n"
    )
    form = form_of(tmp_path, "import hydra\n@hydra.main(version_base=None, config_path='conf', config_name='config')\ndef main(cfg): ...\n")
    document = form.to_json()
    assert document["kind"] == "hydra" and document["required"] == ["name"]
    assert list(document["fields"]) == ["model", "lr", "name", "data.path", "data.sizes", "data.copy", "flag", "empty", "model.width"]
    assert document["fields"]["model"]["enum"] == ["large", "small"] and "default" not in document["fields"]["data.copy"]
    values = {"model": "large", "lr": 0.5, "name": "x=y", "data.sizes": [3], "flag": False}
    assert command_line(form, values) == ["model=large", "lr=0.5", "name='x=y'", "data.sizes=[3]", "flag=false"]


def test_values_reach_hydra_with_its_groups(tmp_path: Path) -> None:
    pytest.importorskip("hydra")
    (tmp_path / "conf" / "optim").mkdir(parents=True)
    (tmp_path / "conf" / "optim" / "adam.yaml").write_text("lr: 1e-3\nbetas: [0.9, 0.99]\n")
    (tmp_path / "conf" / "optim" / "sgd.yaml").write_text("# @package _global_\nmomentum: 5E-1\noptim: {lr: 0.2}\n")
    (tmp_path / "conf" / "config.yaml").write_text("defaults:\n  - optim: adam\n  - _self_\ndecay: 1e-4\nseed: 1\n")
    script = tmp_path / "train.py"
    script.write_text(
        "import hydra, json\nfrom omegaconf import OmegaConf\n"
        "@hydra.main(version_base=None, config_path='conf', config_name='config')\n"
        "def main(cfg):\n    print(json.dumps(OmegaConf.to_container(cfg)))\n"
        "main()\n"
    )
    form = inspect_script(script)
    fields = form.to_json()["fields"]
    assert {name: (field["type"], field.get("default"), field.get("x-depends-on")) for name, field in fields.items()} == {
        "optim": ("string", "adam", None),
        "decay": ("number", 1e-4, None),
        "seed": ("integer", 1, None),
        "optim.lr": ("number", 1e-3, {"optim": ["adam"]}),
        "optim.betas": ("array", [0.9, 0.99], {"optim": ["adam"]}),
        "momentum": ("number", 0.5, {"optim": ["sgd"]}),
    }
    quiet = ["hydra.run.dir={}".format(tmp_path), "hydra.output_subdir=null", "hydra/job_logging=disabled"]
    adam = {"decay": 0.5, "optim.betas": [0.1, 0.2], "seed": 4}
    assert run(script, [*command_line(form, adam), *quiet]) == {"optim": {"lr": 1e-3, "betas": [0.1, 0.2]}, "decay": 0.5, "seed": 4}
    # Of the other choice's values none is passed: Hydra would refuse them.
    sgd = {"optim": "sgd", "optim.betas": [0.3], "momentum": 0.75}
    assert run(script, [*command_line(form, sgd), *quiet]) == {"optim": {"lr": 0.2}, "momentum": 0.75, "decay": 1e-4, "seed": 1}


def test_a_stored_dataclass_of_hydra_and_one_that_is_missing(tmp_path: Path) -> None:
    source = (
        "import hydra\nfrom dataclasses import dataclass\nfrom hydra.core.config_store import ConfigStore\n"
        "@dataclass\nclass Net:\n    width: int = 4\n"
        "@dataclass\nclass Config:\n    net: Net\n    lr: float = 0.1\n"
        "ConfigStore.instance().store(name='base', node=Config)\n"
        "@hydra.main(config_name='base')\ndef main(cfg): ...\n"
    )
    form = form_of(tmp_path, source)
    assert [(option.name, option.field.default) for option in form.options] == [("net.width", 4), ("lr", 0.1)]
    gone = form_of(tmp_path, "import hydra\n@hydra.main(config_path='c', config_name='n')\ndef main(cfg): ...\n")
    assert gone.kind == "hydra" and "does not exist" in gone.notes[0]


def test_key_value_scripts(tmp_path: Path) -> None:
    form = form_of(
        tmp_path,
        "batch_size = 12\nlearning_rate = 6e-4\ncompile = True\nout_dir = 'out'\n_private = 1\nimport torch\n"
        "exec(open('configurator.py').read())\ntokens = batch_size * 2\n",
    )
    assert form.kind == "key_value"
    assert command_line(form, {"batch_size": 4, "compile": False, "out_dir": "x", "learning_rate": 6e-4}) == [
        "--batch_size=4", "--compile=False", "--out_dir=x",
    ]  # fmt: skip
    form = form_of(
        tmp_path,
        "from omegaconf import OmegaConf\nbase = OmegaConf.create({'lr': 0.1, 'net': {'width': 8}})\ncfg = OmegaConf.merge(base, OmegaConf.from_cli())\n",
    )
    assert command_line(form, {"lr": 0.2, "net.width": 9}) == ["lr=0.2", "net.width=9"]


def test_a_script_without_options_and_one_that_is_no_python(tmp_path: Path) -> None:
    assert form_of(tmp_path, "print(1)\n").to_json() == {
        "kind": "none", "read_from": "source", "sections": [], "fields": {}, "required": [], "arguments": {}, "exclusive": [], "notes": [],
    }  # fmt: skip
    elsewhere = form_of(tmp_path, "from options import parser\nargs = parser.parse_args()\n")
    assert elsewhere.kind == "none" and "another file" in elsewhere.notes[0]
    with pytest.raises(ScriptError, match="script.py line 1"):
        form_of(tmp_path, "def broken(:\n")
    with pytest.raises(ScriptError, match="cannot be read"):
        inspect_script(tmp_path / "gone.py")
    (tmp_path / "null.py").write_bytes(b"x = '\0'\n")
    with pytest.raises(ScriptError):
        inspect_script(tmp_path / "null.py")


def test_a_hostile_source_is_read_at_once(tmp_path: Path) -> None:
    source = (
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--a', type=int, default=9**9**9**9)\n"
        "p.add_argument('--b', default='x' * 10**12)\n"
        "p.add_argument('--c', type=int, choices=range(10**12))\n"
        "p.add_argument('--d', type=int, default=2**32)\n"
    )
    form = form_of(tmp_path, source)
    assert [option.name for option in form.options] == ["a", "b", "c", "d"]
    assert form.to_json()["fields"]["d"]["default"] == 2**32


def test_choices_hold_the_default_and_fit_the_type(tmp_path: Path) -> None:
    source = (
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--a', choices=['x', 'y'], default='auto')\n"
        "p.add_argument('--b', choices=[1, 2])\n"
        "p.add_argument('--c', nargs='+', type=int, choices=[1, 2, 3], default=[1])\n"
        "p.add_argument('--d', choices='rgb', default='r')\n"
    )
    fields = form_of(tmp_path, source).to_json()["fields"]
    assert fields["a"]["enum"] == ["x", "y", "auto"] and fields["b"]["enum"] == ["1", "2", None]
    assert fields["c"]["items"] == {"type": "integer", "enum": [1, 2, 3]} and fields["c"]["x-widget"] == "multiselect"
    assert fields["d"]["enum"] == ["r", "g", "b"]


def test_endless_expressions_and_aliases_end(tmp_path: Path) -> None:
    form = form_of(
        tmp_path,
        "import argparse\nBIG = " + "+".join(["1"] * 900) + "\np = argparse.ArgumentParser()\n"
        "p.add_argument('--a', type=int, default=BIG)\np.add_argument('--b', type=int, default=2)\n",
    )
    assert [option.name for option in form.options] == ["a", "b"]
    pytest.importorskip("yaml")
    levels = ["a0: &a0 {x: 1, y: 2}\n"] + ["a{0}: &a{0} {{x: *a{1}, y: *a{1}}}\n".format(level, level - 1) for level in range(1, 40)]
    (tmp_path / "bomb.yaml").write_text("".join(levels))
    form = form_of(tmp_path, "import hydra\n@hydra.main(config_path='.', config_name='bomb')\ndef main(cfg): ...\n")
    assert 0 < len(form.options) <= 500


def test_the_command(tmp_path: Path) -> None:
    script = str(SCRIPTS / "subcommands.py")
    done = recipes("inspect", script, "--arguments", stdin=json.dumps({"task": "test", "checkpoint": "c"}))
    assert json.loads(done.stdout) == {"arguments": ["test", "--checkpoint", "c"]}
    wrong = recipes("inspect", script, "--arguments", stdin=json.dumps({"lr": 1}))
    assert wrong.returncode == 65 and "has no option 'lr'" in wrong.stderr
    assert recipes("inspect", str(tmp_path / "gone.py")).returncode == 65


class TestLightning:
    SCRIPT = SCRIPTS / "lightning_cli.py"

    def test_the_constructors_and_the_trainer_are_fields(self) -> None:
        form = inspect_script(self.SCRIPT).to_json()
        fields = form["fields"]
        assert form["kind"] == "lightning" and form["notes"] == []
        assert fields["subcommand"]["enum"] == ["fit", "validate", "test", "predict"]
        assert form["required"] == ["subcommand", "model.name", "data.path"]
        assert (fields["model.width"]["type"], fields["model.width"]["default"]) == ("integer", 8)
        assert fields["model.layers"]["type"] == ["array", "null"] and fields["model.layers"]["items"] == {"type": "integer"}
        assert fields["data.batch"]["type"] == "integer" and fields["model.fast"]["type"] == "boolean"

    def test_the_words_are_what_the_script_takes(self) -> None:
        values = {
            "subcommand": "fit",
            "model.width": 16,
            "model.layers": [2, 3],
            "model.fast": True,
            "model.name": "a b",
            "data.path": "-x",
            "trainer.max_steps": 7,
        }
        words = command_line(inspect_script(self.SCRIPT), values)
        assert words[0] == "fit"
        expected = {"width": 16, "layers": [2, 3], "rate": 0.001, "fast": True, "name": "a b", "path": "-x", "batch": 4, "max_steps": 7}
        assert run(self.SCRIPT, words) == {**expected, "fast_dev_run": False}

    def test_what_the_source_does_not_say_is_noted(self, tmp_path: Path) -> None:
        form = form_of(tmp_path, "from lightning.pytorch.cli import LightningCLI\nfrom models import Model\nLightningCLI(Model, run=False)\n")
        assert "Model is from another file" in form.notes[0]
        assert [option.name for option in form.options][:2] == ["config", "seed_everything"] and not form.options[0].commands
