"""Scripts that know nothing of Trainyard go on from a checkpoint: the import hook gives it to their framework. And scripts that ask for it."""

import json
import os
import shutil

import pytest

from places import SCRIPTS


def place(launch, resume=None, parent=None, recipe="command", mode="state"):
    """What the server writes before it launches: the run and where it goes on from."""
    point = None if resume is None else {"path": str(resume[0]), "step": resume[1], "mode": mode}
    for name, document in (
        ("resolved.json", {"run": "run_0123456789abcdefg", "recipe": recipe, "params": {}, "resume_from": point}),
        ("run.json", {"id": "run_0123456789abcdefg", "parent": parent}),
    ):
        with open(os.path.join(launch.run_dir, name), "w", encoding="utf-8") as file:
            json.dump(document, file)


PARENT = {"run": "run_parent", "checkpoint": "checkpoint-5", "step": 5}


def messages(attempt, level):
    return [record["text"] for record in attempt.of("message") if record["level"] == level]


def tree(folder):
    """Every file below a folder with its size and its time of change."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            state = os.stat(os.path.join(where, name))
            found[os.path.join(where, name)] = (state.st_size, state.st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory, launcher):
    """The run of 12 steps that the tests below go on from: its folder of checkpoints and its attempt."""
    launch = launcher(str(tmp_path_factory.mktemp("whole")))
    place(launch)
    launch.ok(os.path.join(SCRIPTS, "hf_train.py"), os.path.join(launch.folder, "out"))
    yield os.path.join(launch.folder, "out"), launch.attempt()
    launch.close()


@pytest.fixture
def output(launch, whole):
    """A copy of its checkpoints."""
    return shutil.copytree(whole[0], os.path.join(launch.folder, "out"))


@pytest.mark.training
def test_huggingface_goes_on_exactly(launch, script, whole, output, valid):
    first = whole[1]
    assert first.of("framework")[0]["resumes"] is True
    assert first.of("message") == []

    place(launch, (os.path.join(output, "checkpoint-5"), 5))
    launch.ok(script("hf_train"), output)
    second = launch.attempt()
    for record in second.report:
        valid("report-record", record)
    assert second.of("plan")[0]["first_step"] == 5
    # Logged every second step: at step 6 only one step of this attempt is in the mean.
    losses = second.series("train/loss")
    assert {step: loss for step, loss in losses.items() if step > 6} == {step: loss for step, loss in first.series("train/loss").items() if step > 6}
    assert min(losses) == 6
    assert messages(second, "info") == ["Goes on from the checkpoint checkpoint-5 at step 5."]
    assert messages(second, "warning") == []


@pytest.mark.training
def test_a_fork_leaves_the_checkpoints_of_its_parent_alone(launch, script, output):
    before = tree(output)

    place(launch, (os.path.join(output, "checkpoint-5"), 5), PARENT)
    launch.ok(script("hf_train"), output, "14")
    fork = launch.attempt()
    assert tree(output) == before
    own = os.path.join(os.path.realpath(launch.run_dir), "checkpoints")
    assert [(record["step"], record["path"]) for record in fork.of("checkpoint")] == [
        (step, os.path.join(own, "checkpoint-%d" % step)) for step in (10, 14)
    ]
    assert any(own in text and output in text for text in messages(fork, "info"))

    # Continued, it still is a fork.
    place(launch, (os.path.join(own, "checkpoint-14"), 14), PARENT)
    launch.ok(script("hf_train"), output, "16", attempt=2)
    assert [record["path"] for record in launch.attempt(2).of("checkpoint")][-1] == os.path.join(own, "checkpoint-16")
    assert tree(output) == before


@pytest.mark.training
def test_the_script_wins_when_it_names_a_checkpoint(launch, script, output):
    place(launch, (os.path.join(output, "checkpoint-5"), 5))
    launch.ok(script("hf_train"), output, "14", "resume")
    second = launch.attempt()
    assert second.of("plan")[0]["first_step"] == 12
    assert len(messages(second, "warning")) == 1 and "checkpoint-5 was not given" in messages(second, "warning")[0]


@pytest.mark.training
def test_all_ranks_go_on(launch, script):
    """A rank that began at the first step would make the others wait for ever, or train on other weights."""
    output = os.path.join(launch.folder, "out")
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--standalone"]
    place(launch)
    launch.ok(*torchrun, script("hf_train"), output, "8")
    whole = launch.attempt().series("train/loss")
    place(launch, (os.path.join(output, "checkpoint-5"), 5))
    launch.ok(*torchrun, script("hf_train"), output, "8", attempt=2)
    second = launch.attempt(2)
    assert second.of("plan")[0]["first_step"] == 5
    assert second.series("train/loss")[8] == pytest.approx(whole[8], rel=1e-6)


@pytest.mark.training
def test_lightning_goes_on_exactly(launch, script):
    """In the middle and at the end of an epoch of 10 steps, although everything in the script is random."""
    root, losses = os.path.join(launch.folder, "out"), os.path.join(launch.folder, "losses.json")
    own = os.path.join(os.path.realpath(launch.run_dir), "checkpoints")

    def run(attempt):
        launch.ok(script("lightning_random"), root, losses, "2", attempt=attempt)
        with open(losses, encoding="utf-8") as file:
            return {int(number): loss for number, loss in json.load(file).items()}

    place(launch)
    whole = run(1)
    assert sorted(whole) == list(range(1, 21))
    before = tree(root)
    # The last one goes on from what the one before has written.
    for attempt, (folder, step) in enumerate([(root, 10), (root, 13), (root, 4), (own, 16)], 2):
        place(launch, (os.path.join(folder, "at-step=%d.ckpt" % step), step), {**PARENT, "step": step})
        assert run(attempt) == {number: loss for number, loss in whole.items() if number > step}, step
        fork = launch.attempt(attempt)
        assert fork.of("plan")[0]["first_step"] == step and fork.end["step"] == 20
        assert {os.path.dirname(record["path"]) for record in fork.of("checkpoint")} == {own}
        if attempt < 4:
            shutil.rmtree(own)
    assert tree(root) == before


FAKE = """
class Trainer:
    callback_handler = type("Handler", (), {"callbacks": []})()
    def __init__(self, name=""):
        self.name = name
    def add_callback(self, callback):
        pass
    def train(self, resume_from_checkpoint=None, trial=None):
        print(self.name, resume_from_checkpoint)
"""


@pytest.fixture
def fake(launch):
    """A transformers of which only the names are true, and a checkpoint."""
    for name, text in {"transformers/__init__.py": "__version__ = '0'\nclass TrainerCallback: pass\n", "transformers/trainer.py": FAKE}.items():
        path = os.path.join(launch.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    checkpoint = os.path.join(launch.folder, "out", "checkpoint-5")
    os.makedirs(checkpoint)
    with open(os.path.join(checkpoint, "trainer_state.json"), "w", encoding="utf-8") as file:
        file.write("{}")

    def run(source, attempt=1):
        process = launch.code("from transformers.trainer import Trainer\n" + source, attempt=attempt)
        assert process.wait() == 0, process.output
        lines = process.output.splitlines()
        open(os.path.join(launch.folder, "log"), "w").close()
        return lines

    run.checkpoint = checkpoint
    return run


def test_only_the_first_training_gets_it(launch, fake):
    place(launch, (fake.checkpoint, 5))
    assert fake("Trainer('a').train()\nTrainer('b').train()") == ["a %s" % fake.checkpoint, "b None"]


def test_it_gets_it_also_where_the_script_says_false_or_searches_first(launch, fake):
    place(launch, (fake.checkpoint, 5))
    source = "Trainer('trial').train(trial={'lr': 1})\nTrainer('real').train(False, None)"
    assert fake(source) == ["trial None", "real %s" % fake.checkpoint]


def test_a_subclass_that_trains_its_own_way_still_passes_by(launch, fake):
    place(launch, (fake.checkpoint, 5))
    source = "class Mine(Trainer):\n  def train(self, *args, **kwargs):\n    super().train(*args, **kwargs)\nMine('mine').train()"
    assert fake(source) == ["mine %s" % fake.checkpoint]


def test_a_recipe_of_ours_is_left_alone(launch, fake):
    place(launch, (fake.checkpoint, 5), recipe="hf-lora")
    assert fake("Trainer('a').train()") == ["a None"]


def test_the_checkpoint_of_another_framework_is_not_given(launch, fake):
    os.remove(os.path.join(fake.checkpoint, "trainer_state.json"))
    place(launch, (fake.checkpoint, 5))
    assert fake("Trainer('a').train()") == ["a None"]


def test_a_second_process_of_the_attempt_does_not_get_it(launch, fake):
    """`python pretrain.py && python finetune.py` as one command: the checkpoint is of one of them alone."""
    place(launch, (fake.checkpoint, 5))
    assert fake("import trainyard\nTrainer('a').train()\ntrainyard.init().plan(max_steps=1)") == ["a %s" % fake.checkpoint]
    assert fake("Trainer('b').train()") == ["b None"]
    assert any("another one of this attempt" in text for text in messages(launch.attempt(), "warning"))


def test_a_script_that_asks_goes_on_by_itself(launch, fake, valid):
    source = """
import trainyard
run = trainyard.init()
point = run.resume_from
print(point and (point.path, point.step))
Trainer('a').train()
run.should_stop()
"""
    place(launch)
    assert fake(source) == ["None", "a None"]
    first = launch.attempt()
    for record in first.report:
        valid("report-record", record)
    assert [(record["name"], record["resumes"], record["graceful_stop"]) for record in first.of("framework")] == [
        ("custom", True, False),
        ("custom", False, True),
    ]
    place(launch, (fake.checkpoint, 5))
    assert fake(source, attempt=2) == [str((fake.checkpoint, 5)), "a None"]


def test_nobody_asked_in_a_script_by_itself(launch):
    process = launch.code("import trainyard\nprint(trainyard.init(store='s').resume_from)", launched=False)
    assert process.wait() == 0 and process.output.strip() == "None", process.output
