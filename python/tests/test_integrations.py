"""Real, tiny trainings by scripts that import nothing of ours, tracked by the hook: numbers, parameters, checkpoints, stop, resume."""

import json
import os

import pytest

pytestmark = pytest.mark.training


def check_report(attempt, valid):
    for record in attempt.report:
        valid("report-record", record)


def trainer_state(output, step):
    with open(os.path.join(output, "checkpoint-%d" % step, "trainer_state.json"), encoding="utf-8") as file:
        return json.load(file)


def reported(attempt):
    report = os.path.join(attempt.dir, "report.jsonl")
    return attempt.report if os.path.exists(report) else []


def test_huggingface(launch, script, valid):
    output = os.path.join(launch.folder, "out")
    launch.ok(script("hf_train"), output)
    attempt = launch.attempt()
    check_report(attempt, valid)
    history = trainer_state(output, 12)["log_history"]
    for ours, theirs in (("train/loss", "loss"), ("train/grad_norm", "grad_norm"), ("train/learning_rate", "learning_rate")):
        assert attempt.series(ours) == {float(row["step"]): row[theirs] for row in history if theirs in row}
    # trainer_state.json is written before the evaluation of the last step is.
    losses = attempt.series("eval/loss")
    assert sorted(losses) == [5, 10, 12]
    assert all(losses[row["step"]] == row["eval_loss"] for row in history if "eval_loss" in row)
    assert "train/train_runtime" not in attempt.names() and attempt.params["summary"]["train_loss"] > 0
    assert [record["name"] for record in attempt.of("framework")] == ["huggingface"]
    assert attempt.of("framework")[0]["graceful_stop"] is True
    plan = attempt.of("plan")[0]
    assert (plan["first_step"], plan["max_steps"]) == (0, 12)
    assert attempt.params["learning_rate"] == 1e-2 and attempt.params["model"]["hidden_size"] == 16
    assert attempt.params["train_examples"] == 64 and attempt.params["trainable_parameters"] > 0
    checkpoints = attempt.of("checkpoint")
    assert [record["step"] for record in checkpoints] == [5, 10, 12]
    assert all(os.path.isdir(record["path"]) and record["kind"] == "full" and not record["final"] for record in checkpoints)
    assert checkpoints[0]["metrics"]["eval/loss"] == losses[5]
    assert (attempt.end["status"], attempt.end["step"]) == ("completed", 12)


def test_huggingface_stops_with_a_checkpoint_and_resumes_from_it(launch, script, valid):
    output = os.path.join(launch.folder, "out")
    process = launch(script("hf_train"), output, "100000")
    process.until(lambda: any(record["type"] == "checkpoint" for record in reported(launch.attempt())))
    launch.ask_to_stop()
    assert process.wait() == 0, process.output
    first = launch.attempt()
    check_report(first, valid)
    last = first.of("checkpoint")[-1]
    assert last["final"] is True and os.path.exists(os.path.join(last["path"], "optimizer.pt"))
    assert first.end["status"] == "cancelled" and first.end["step"] == last["step"]
    assert trainer_state(output, last["step"])["global_step"] == last["step"]
    # The loss up to the stop is there too.
    assert max(first.series("train/loss")) == last["step"]

    target = last["step"] + 4
    launch.ok(script("hf_train"), output, str(target), "resume", attempt=2)
    second = launch.attempt(2)
    assert second.of("plan")[0]["first_step"] == last["step"]
    assert min(second.series("train/loss")) > last["step"]
    assert (second.end["status"], second.end["step"]) == ("completed", target)


def test_huggingface_that_also_writes_to_tensorboard_is_not_counted_twice(launch, script):
    output = os.path.join(launch.folder, "out")
    launch.ok(script("hf_train"), output, "6", "", "tensorboard")
    attempt = launch.attempt()
    assert [record["name"] for record in attempt.of("framework")] == ["huggingface"]
    assert all(name.startswith(("train/", "eval/")) for name in attempt.names())
    assert sorted(attempt.series("train/loss")) == [2, 4, 6]


def test_huggingface_sigterm_stops_with_a_checkpoint(launch, script):
    process = launch(script("hf_train"), os.path.join(launch.folder, "out"), "100000")
    process.until(lambda: any(record["type"] == "checkpoint" for record in reported(launch.attempt())))
    process.popen.terminate()
    assert process.wait() == 0, process.output
    assert launch.attempt().of("checkpoint")[-1]["final"] is True and launch.attempt().end["status"] == "cancelled"


def test_trl_with_an_adapter(launch, script, valid):
    launch.ok(script("trl_train"), os.path.join(launch.folder, "out"))
    attempt = launch.attempt()
    check_report(attempt, valid)
    assert sorted(attempt.series("train/loss")) == [2, 4, 6]
    assert "train/mean_token_accuracy" in attempt.names()
    assert [record["step"] for record in attempt.of("checkpoint")] == [3, 6]
    assert attempt.params["peft"]["default"]["r"] == 2
    assert attempt.params["trainable_parameters"] < attempt.params["model_parameters"]
    with open(os.path.join(attempt.dir, "report.jsonl"), encoding="utf-8") as file:
        assert "do-not-tell" not in file.read()
    assert attempt.end["status"] == "completed"


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning(launch, script, valid, package):
    root = os.path.join(launch.folder, "out")
    launch.ok(script("lightning_train"), root, env={"LIGHTNING_PACKAGE": package})
    attempt = launch.attempt()
    check_report(attempt, valid)
    # 10 batches an epoch, logged every second step, counted from 1; the validation at the end of each epoch.
    assert sorted(attempt.series("train/loss")) == list(range(2, 21, 2))
    assert sorted(attempt.series("val/loss")) == [10, 20]
    assert attempt.names() == ["train/loss", "val/loss"]
    assert attempt.params["lr"] == 0.05 and attempt.params["train_examples"] == 40
    plan = attempt.of("plan")[0]
    assert (plan["max_steps"], plan["max_epochs"], plan["first_step"]) == (20, 2, 0)
    checkpoints = attempt.of("checkpoint")
    assert [record["step"] for record in checkpoints] == [10, 20]
    assert os.path.isfile(checkpoints[-1]["path"]) and "val/loss" in checkpoints[-1]["metrics"]
    # The folders are where they would be without us.
    assert os.path.join("lightning_logs", "version_0", "checkpoints") in checkpoints[-1]["path"]
    assert (attempt.end["status"], attempt.end["step"]) == ("completed", 20)


def test_lightning_stops_with_a_checkpoint_and_resumes_from_it(launch, script, valid):
    root = os.path.join(launch.folder, "out")
    process = launch(script("lightning_train"), root, "100000")
    process.until(lambda: any(record["type"] == "checkpoint" for record in reported(launch.attempt())))
    launch.ask_to_stop()
    assert process.wait() == 0, process.output
    first = launch.attempt()
    check_report(first, valid)
    last = first.of("checkpoint")[-1]
    assert last["final"] is True and os.path.isfile(last["path"])
    assert [record["step"] for record in first.of("checkpoint")].count(last["step"]) == 1
    assert not os.path.exists(os.path.join(os.path.dirname(last["path"]), "epoch=%d-step=%d.ckpt" % (last["step"] // 10, last["step"])))
    assert first.end["status"] == "cancelled" and first.end["step"] == last["step"]

    launch.ok(script("lightning_train"), root, str(last["step"] // 10 + 2), last["path"], attempt=2)
    second = launch.attempt(2)
    assert second.of("plan")[0]["first_step"] == last["step"]
    steps = sorted(second.series("train/loss"))
    assert steps[0] in (last["step"] + 1, last["step"] + 2) and all(b - a == 2 for a, b in zip(steps, steps[1:]))
    assert second.end["status"] == "completed" and second.end["step"] == (last["step"] // 10 + 2) * 10


def test_lightning_sigterm_stops_with_a_checkpoint(launch, script):
    process = launch(script("lightning_train"), os.path.join(launch.folder, "out"), "100000")
    process.until(lambda: any(record["type"] == "checkpoint" for record in reported(launch.attempt())))
    process.popen.terminate()
    process.wait()
    last = launch.attempt().of("checkpoint")[-1]
    assert last["final"] is True and os.path.isfile(last["path"]), process.output
    assert launch.attempt().end["status"] == "cancelled"


def test_summary_writer(launch, script, valid):
    launch.ok(script("summary_writer"), os.path.join(launch.folder, "tb"))
    attempt = launch.attempt()
    check_report(attempt, valid)
    assert attempt.names() == ["acc/train", "acc/val", "loss"]
    assert attempt.series("loss") == {float(step): 1 / step for step in range(1, 11)}
    assert attempt.series("acc/val") == {float(step): step / 20 for step in range(1, 11)}
    assert attempt.params["lr"] == 0.1 and attempt.params["summary"] == {"best": 0.5}
    assert [record["graceful_stop"] for record in attempt.of("framework")] == [False]
    assert any(name.startswith("events.out") for name in os.listdir(os.path.join(launch.folder, "tb")))


def test_torchrun_reports_from_rank_0_and_stops_all_ranks(launch, script):
    """Two processes that train together: the stop is decided by both at one step, so neither waits for the other for ever."""
    output = os.path.join(launch.folder, "out")
    arguments = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--standalone"]
    process = launch(*arguments, script("hf_train"), output, "100000")
    process.until(lambda: any(record["type"] == "checkpoint" for record in reported(launch.attempt())), timeout=90)
    launch.ask_to_stop()
    code = process.wait(60)
    # PyTorch's gloo threads abort now and then while an interpreter that has finished its script shuts down; that is not ours to judge.
    assert code == 0 or "terminate called without an active exception" in process.output, process.output
    attempt = launch.attempt()
    assert len(attempt.of("hello")) == 1
    assert attempt.of("checkpoint")[-1]["final"] is True and attempt.end["status"] == "cancelled"
    assert len(attempt.series("train/loss")) > 0


def test_the_integrations_read_a_second_training_of_one_script(launch):
    """Explicit callbacks in a script that trains twice: one end record, from the last training."""
    source = """
import torch
from transformers import Trainer, TrainingArguments
from trainyard.integrations.huggingface import TrainyardCallback

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Linear(1, 1)
    def forward(self, x, labels):
        return {"loss": ((self.w(x) - labels) ** 2).mean()}

data = [{"x": torch.ones(1), "labels": torch.ones(1)}] * 8
for steps in (2, 3):
    args = TrainingArguments("out", max_steps=steps, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True)
    Trainer(Model(), args, train_dataset=data, callbacks=[TrainyardCallback()]).train()
"""
    process = launch.code(source)
    assert process.wait() == 0, process.output
    attempt = launch.attempt()
    assert [record["max_steps"] for record in attempt.of("plan")] == [2, 3]
    assert (attempt.end["status"], attempt.end["step"]) == ("completed", 3)
    assert len([point for point in attempt.points if "train/loss" in point.values]) == 5
