"""The import hook on scripts that import nothing of ours, and what it costs those that import no framework either."""

import os
import sys

from places import PYTHON

HOOK = os.path.join(PYTHON, "trainyard", "_hook")

FAKE_TRANSFORMERS = {
    "transformers/__init__.py": "",
    "transformers/trainer.py": "class Trainer:\n    def __init__(self, model=None):\n        self.model = model\n",
}


def plant(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def test_it_imports_nothing_until_a_framework_is(launch):
    process = launch.code(
        "import sys; print(sorted(name for name in sys.modules if name.startswith(('trainyard', 'torch', 'json', 'importlib.util'))))"
    )
    assert process.wait() == 0 and process.output.strip() == "[]"
    assert not os.listdir(launch.attempt().dir)


def test_it_does_nothing_outside_of_a_run(launch):
    code = "import sys; print([finder for finder in sys.meta_path if getattr(finder, '__name__', '') == '_Finder'])"
    process = launch.code(code, launched=False)
    assert process.wait() == 0 and process.output.strip() == "[]"
    process = launch.code(code)
    assert process.wait() == 0 and "_Finder" in process.output


def test_another_sitecustomize_still_runs(launch):
    plant(launch.folder, {"other/sitecustomize.py": "import sys\nsys.other_ran = __file__\n"})
    path = os.pathsep.join([HOOK, os.path.join(launch.folder, "other"), PYTHON])
    process = launch.code("import sys; import sitecustomize; print(sys.other_ran == sitecustomize.__file__)", env={"PYTHONPATH": path})
    assert process.wait() == 0 and process.output.strip() == "True"


def test_a_sitecustomize_that_fails_is_reported_by_python_as_ever(launch):
    plant(launch.folder, {"other/sitecustomize.py": "raise RuntimeError('theirs')\n"})
    path = os.pathsep.join([HOOK, os.path.join(launch.folder, "other"), PYTHON])
    process = launch.code("print('ran')", env={"PYTHONPATH": path})
    assert process.wait() == 0 and "theirs" in process.output and process.output.endswith("ran\n")


def test_a_framework_that_looks_different_is_left_alone(launch):
    """A Trainer without callbacks: no exception, one line on stderr, and the script goes on."""
    plant(launch.folder, FAKE_TRANSFORMERS)
    process = launch.code("from transformers.trainer import Trainer\nprint(Trainer(model=3).model)")
    assert process.wait() == 0, process.output
    assert "3" in process.output and "is not tracked" in process.output
    plant(launch.folder, {"transformers/trainer.py": "renamed = True\n"})
    process = launch.code("import transformers.trainer as t\nprint(t.renamed)")
    assert process.wait() == 0 and process.output.rstrip().endswith("True")


def test_tensorboardx_is_listened_to(launch):
    """The package itself is not installed: what counts is the module's name and the methods' signatures."""
    writer = "class SummaryWriter:\n    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None):\n        return 'theirs'\n"
    plant(launch.folder, {"tensorboardX/__init__.py": "from .writer import SummaryWriter\n", "tensorboardX/writer.py": writer})
    process = launch.code("from tensorboardX import SummaryWriter\nprint(SummaryWriter().add_scalar('loss', 0.5, global_step=3))")
    assert process.wait() == 0 and process.output.strip() == "theirs"
    assert launch.attempt().series("loss") == {3.0: 0.5}


def test_the_module_keeps_its_loader_and_source(launch):
    plant(launch.folder, FAKE_TRANSFORMERS)
    process = launch.code(
        "import inspect, transformers.trainer as t\n"
        "print(type(t.__loader__).__name__, 'class Trainer' in inspect.getsource(t), inspect.signature(t.Trainer.__init__))"
    )
    assert process.wait() == 0
    assert process.output.strip() == "SourceFileLoader True (self, model=None)"


def test_isolated_python_passes_it_by(launch):
    process = launch.code("import sys; print('sitecustomize' in sys.modules and hasattr(sys.modules['sitecustomize'], '_PATCHES'))", python=[sys.executable, "-I"])
    assert process.wait() == 0 and process.output.strip() == "False"
