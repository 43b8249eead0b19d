"""Recipes of the user's own: the examples of docs/recipes.md train as they stand there, and what is wrong in one is said in a sentence."""

import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from recipe_runs import PYTHON_DIR, RecipeRun
from trainyard.recipes import catalogue as recipe_catalogue
from trainyard.recipes.yaml_recipe import read_recipe

NewRun = Callable[..., RecipeRun]
POINTS = "x,y\n" + "".join("{},{}\n".format(x / 10, 3 * x / 10) for x in range(10))


def example(language: str, beginning: str) -> str:
    """A block of code of the documentation."""
    text = (PYTHON_DIR.parent / "docs" / "recipes.md").read_text(encoding="utf-8")
    blocks: List[str] = re.findall(r"^```{}\n(.*?)^```".format(language), text, re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if block.startswith(beginning))


def recipe_file(folder: Path, name: str, text: str) -> Path:
    recipes = folder / "trainyard_recipes"
    recipes.mkdir(exist_ok=True)
    (recipes / name).write_text(text, encoding="utf-8")
    return recipes / name


def test_the_yaml_file_of_the_documentation_trains(new_run: NewRun) -> None:
    run = new_run()
    recipe_file(run.cwd, "curve.yaml", example("yaml", "# trainyard_recipes/curve.yaml"))
    (run.cwd / "fit_curve.py").write_text(example("python", "# fit_curve.py"))
    (run.cwd / "points.csv").write_text(POINTS)
    attempt = run.run("curve", {"points": "points.csv", "steps": 12, "rate": 0.5, "verbose": True})
    assert set(attempt.series("train/loss")) == set(range(1, 13))
    assert attempt.end["status"] == "completed"
    assert run.log().count("slope") == 12
    quiet = new_run("quiet")
    losses = quiet.run("curve", {"points": "points.csv"}).series("train/loss")
    assert len(losses) == 20 and losses[20] < losses[1] and "slope" not in quiet.log()


def test_the_class_of_the_documentation_trains(new_run: NewRun) -> None:
    run = new_run()
    recipe_file(run.cwd, "tabular.py", example("python", "from trainyard.adapters.base import BaseAdapter"))
    assert set(run.run("tabular", {"steps": 20}).series("train/loss")) == set(range(1, 21))


def test_values_become_words(tmp_path: Path) -> None:
    fields = "\n".join(
        [
            "  text: {type: string, default: 'a b', flag: ''}",
            "  layers: {type: array, items: integer, default: [1, 2]}",
            "  rate: {type: number, default: 1.0e-4, flag: -r}",
            "  on: {type: boolean, default: true}",
            "  off: {type: boolean, default: false}",
            "  none: {type: integer, nullable: true, default: null}",
            "  map: {type: object, default: {a: 1}}",
        ]
    )
    # YAML reads on and off as truth values unless they are quoted.
    fields = fields.replace("  on:", "  'on':").replace("  off:", "  'off':")
    adapter: Any = read_recipe(recipe_file(tmp_path, "own.yaml", "id: own\ntitle: Own\nscript: x.py\nfields:\n" + fields))()
    assert adapter.words(adapter.fill({})) == ["a b", "--layers", "1", "2", "-r", "0.0001", "--on", "--map", '{"a": 1}']


GOOD = "id: own\ntitle: Own\nscript: train.py\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id: [own\n", "line 2: "),
        ("- a\n", "the file must be a mapping"),
        ("id: own\ntitle: Own\n", "lacks script"),
        (GOOD + "scirpt: a\n", "the file has no 'scirpt'; did you mean script?"),
        (GOOD + "fields: {n: {type: integer, defualt: 3}}\n", "the field n has no 'defualt'; did you mean default?"),
        (GOOD + "fields: {n: {type: int}}\n", "the field n: its type must be one of string, integer"),
        (GOOD + "fields: {n: 3}\n", "the field n must be a mapping"),
        (GOOD + "fields: {n: {type: integer, default: x}}\n", "the default of the field n must be an integer"),
        (GOOD + "fields: {a: {type: integer, depends_on: {b: [1]}}, b: {type: integer, depends_on: {a: [1]}}}\n", "in a ring: a → b → a"),
        (GOOD + "presets: {p: {title: P, values: {gone: 1}}}\n", "the preset p sets gone, which is no field"),
        (GOOD + "presets: {p: {title: P}}\n", "the preset p lacks values"),
        ("id: script\ntitle: Own\nscript: train.py\n", "its id 'script' is taken"),
        ("id: Own Recipe\ntitle: Own\nscript: train.py\n", "must be lower case"),
    ],
)
def test_what_is_wrong_in_a_yaml_file_is_said(tmp_path: Path, text: str, words: str) -> None:
    path = recipe_file(tmp_path, "own.yaml", text)
    found = recipe_catalogue.load([tmp_path])
    assert "own" not in found.entries and "hf-lora" in found.entries
    (problem,) = found.problems
    assert words in problem.message and str(path) in problem.message


def test_a_script_that_is_gone_or_fails_is_said(new_run: NewRun) -> None:
    run = new_run()
    recipe_file(run.cwd, "own.yaml", GOOD)
    recipe_file(run.cwd, "train.py", "raise SystemExit('no data today')\n")
    # A Python file in the folder is read as a recipe as well, so a script stands elsewhere or begins with _.
    recipe_file(run.cwd, "own.yaml", GOOD.replace("train.py", "_train.py"))
    attempt = run.run("own", {}, expect=78)
    assert "_train.py does not exist" in attempt.end["reason"]
    (run.cwd / "trainyard_recipes" / "train.py").rename(run.cwd / "trainyard_recipes" / "_train.py")
    attempt = run.run("own", {}, expect=78)
    assert "_train.py ended with no data today" in attempt.end["reason"] and "Traceback" not in run.log()


def test_files_that_hang_share_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_catalogue, "_FILE_SECONDS", 0.3)
    monkeypatch.setattr(recipe_catalogue, "_ALL_SECONDS", 0.4)
    for number in range(4):
        recipe_file(tmp_path, "hangs{}.py".format(number), "import time\ntime.sleep(60)\n")
    recipe_file(tmp_path, "last.yaml", GOOD)
    found = recipe_catalogue.load([tmp_path])
    assert len(found.problems) == 4 and all("line 2: TimeoutError: it was not read within" in problem.message for problem in found.problems)
    assert "own" in found.entries


def test_an_installed_package_offers_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    info = site / "packaged-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged\nVersion: 1.0\n")
    entries = {"tabular": "packaged:Tabular", "all": "packaged", "curve": "packaged:CURVE", "broken": "packaged.gone", "odd": "packaged:NUMBER"}
    (info / "entry_points.txt").write_text("[trainyard.recipes]\n" + "".join("{} = {}\n".format(*one) for one in entries.items()))
    package = site / "packaged"
    package.mkdir()
    own = example("python", "from trainyard.adapters.base import BaseAdapter")
    second = own.replace('id = "tabular"', 'id = "second"').replace("class Tabular", "class Second")
    (package / "__init__.py").write_text("from pathlib import Path\n" + own + second + "CURVE = Path(__file__).with_name('curve.yaml')\nNUMBER = 3\n")
    (package / "curve.yaml").write_text(example("yaml", "# trainyard_recipes/curve.yaml"))
    monkeypatch.syspath_prepend(str(site))
    found = recipe_catalogue.load([])
    origins: Dict[str, str] = {name: entry.origin for name, entry in found.entries.items() if entry.origin != "builtin"}
    assert origins == {"second": "package packaged (all)", "tabular": "package packaged (all)", "curve": "package packaged (curve)"}
    messages = sorted(problem.message for problem in found.problems)
    assert [message.split(":")[0] for message in messages] == ["package packaged (broken)", "package packaged (odd)", "package packaged (tabular)"]
    assert "No module named 'packaged.gone'" in messages[0]
    assert "names 3, which is no recipe" in messages[1]
    assert "is taken by a recipe from package packaged (all)" in messages[2]
