"""The catalogue that ``describe`` prints, with and without recipes of the user's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from recipe_runs import EXAMPLES, environment, recipes
from trainyard.recipes import catalogue as recipe_catalogue

BUILTIN = {"hf-causal-lm", "hf-lora", "trl-sft", "trl-dpo", "lightning", "forecast", "script", "command"}


def described(workspace: Path) -> Dict[str, Any]:
    result = recipes("describe", "--workspace", str(workspace))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def by_id(catalogue: Dict[str, Any]) -> Dict[str, Any]:
    return {recipe["id"]: recipe for recipe in catalogue["recipes"]}


def test_the_catalogue_has_the_protocols_shape(tmp_path: Path, valid: Any) -> None:
    catalogue = described(tmp_path)
    valid("recipe-catalogue", catalogue)
    assert set(by_id(catalogue)) == BUILTIN
    assert catalogue["problems"] == []
    assert catalogue["environment"]["executable"] == sys.executable
    assert "torch" in catalogue["environment"]["packages"]


def test_every_field_belongs_to_a_section_and_depends_on_fields_that_exist(tmp_path: Path) -> None:
    for recipe in described(tmp_path)["recipes"]:
        sections = {section["id"] for section in recipe["sections"]}
        fields = recipe["schema"]["properties"]
        for name, field in fields.items():
            assert field["x-section"] in sections, (recipe["id"], name)
            assert field["description"].endswith("."), (recipe["id"], name)
            for other, values in field.get("x-depends-on", {}).items():
                allowed = fields[other].get("enum")
                assert allowed is None or set(values) <= set(allowed), (recipe["id"], name, other)


def test_defaults_and_presets_pass_their_own_recipe() -> None:
    from trainyard.recipes.catalogue import builtin

    for adapter in builtin():
        for name, values in [("defaults", {}), *((name, preset.values) for name, preset in adapter.presets.items())]:
            for field, value in adapter.fill(values).items():
                if value is not None:
                    assert adapter.fields[field].problem_with(value) is None, (adapter.id, name, field)
            assert set(values) <= set(adapter.fields), (adapter.id, name)


def test_describe_imports_nothing_heavy() -> None:
    code = (
        "import sys; from trainyard.recipes.catalogue import describe; describe([]); "
        "print([m for m in ('torch', 'transformers', 'datasets', 'numpy', 'lightning', 'pyarrow', 'trl', 'peft') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert result.stdout.strip() == "[]", result.stderr


def test_a_workspaces_own_recipes_are_found_and_a_broken_one_is_a_problem(tmp_path: Path, valid: Any) -> None:
    folder = tmp_path / "trainyard_recipes"
    shutil.copytree(EXAMPLES / "trainyard_recipes", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "raises.py").write_text("print('loud')\nimport a_package_that_nobody_has\n")
    (folder / "exits.py").write_text("import sys\nsys.exit(3)\n")
    (folder / "syntax.py").write_text("def broken(:\n")
    (folder / "_helper.py").write_text("raise RuntimeError('helpers are not read')\n")
    header = "from trainyard.adapters.base import BaseAdapter, Field\n"
    (folder / "taken.py").write_text(header + "class Taken(BaseAdapter):\n id = 'script'\n title = 'T'\n def train(self, context): pass\n")
    bad_default = "class Bad(BaseAdapter):\n id = 'bad'\n title = 'B'\n fields = {'n': Field('integer', 'N', 'A number.', 's', default='x')}\n"
    (folder / "bad_default.py").write_text(header + bad_default + " def train(self, context): pass\n")
    catalogue = described(tmp_path)
    valid("recipe-catalogue", catalogue)
    found = by_id(catalogue)
    assert set(found) == BUILTIN | {"linear-regression"}
    assert found["linear-regression"]["origin"] == str(folder / "linear_regression.py")
    messages = {os.path.basename(problem["message"].split(".py")[0]): problem["message"] for problem in catalogue["problems"]}
    assert set(messages) == {"raises", "exits", "syntax", "taken", "bad_default"}
    assert "line 2" in messages["raises"] and "a_package_that_nobody_has" in messages["raises"]
    assert "line 1" in messages["syntax"]
    assert "taken" in messages["taken"]
    assert "default of the field n" in messages["bad_default"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("{'a': Field('integer', 'A', '', 's', default=1, depends_on={'gone': [1]})}", "depends on gone, which is no field"),
        (
            "{n: Field('integer', n, '', 's', default=1, depends_on={m: [1]}) for n, m in [('x', 'a'), ('a', 'b'), ('b', 'a')]}",
            "depend on each other in a ring: a → b → a",
        ),
        ("{'a': Field('integer', 'A', '', 's', default=1, depends_on={'a': [1]})}", "in a ring: a → a"),
        ("{'a': 3}", "the field a is a int, not a Field"),
        ("[1, 2]", "its definition cannot be read"),
        ("(_ for _ in iter(int, 1)) and __import__('time').sleep(60)", "TimeoutError: it was not read within"),
    ],
)
def test_a_recipe_that_is_wrong_in_itself_is_a_problem(tmp_path: Path, fields: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_catalogue, "_FILE_SECONDS", 0.5)
    folder = tmp_path / "trainyard_recipes"
    folder.mkdir()
    header = "from trainyard.adapters.base import BaseAdapter, Field\n"
    body = "class Own(BaseAdapter):\n id = 'own'\n title = 'Own'\n fields = {}\n def train(self, context): pass\n"
    (folder / "own.py").write_text(header + body.format(fields))
    found = recipe_catalogue.load([tmp_path])
    assert "own" not in found.entries and "script" in found.entries
    assert len(found.problems) == 1 and words in found.problems[0].message


@pytest.mark.parametrize("document", ["linear-regression", "lightning", "forecast"])
def test_the_examples_documents_pass_the_check(document: str) -> None:
    yaml = pytest.importorskip("yaml")
    spec = yaml.safe_load((EXAMPLES / (document + ".run.yaml")).read_text())
    request = json.dumps({"recipe": spec["recipe"], "params": spec["params"], "base_dir": str(EXAMPLES)})
    result = recipes("check", stdin=request, cwd=EXAMPLES)
    assert [problem for problem in json.loads(result.stdout)["problems"] if problem["severity"] == "error"] == []
