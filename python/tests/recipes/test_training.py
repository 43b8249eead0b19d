"""Every recipe trains for real, in a process of its own, on a model of a few thousand parameters."""

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from recipe_runs import EXAMPLES, SMALL, TINY_MODEL, RecipeRun, ask_to_stop

pytestmark = pytest.mark.training
NewRun = Callable[..., RecipeRun]


def assert_arguments(found: Dict[str, Any], wanted: Dict[str, Any]) -> None:
    assert {name: found.get(name) for name in wanted} == wanted


def test_a_new_model_learns_and_every_choice_shows(base: Any) -> None:
    attempt = base.run.attempt()
    losses = list(attempt.series("train/loss").values())
    assert len(losses) == 12 and min(losses[-3:]) < losses[0] * 0.8
    assert set(attempt.series("eval/exact_match")) == {6, 12}
    assert attempt.end["status"] == "completed"
    assert [(record["step"], record["kind"]) for record in attempt.of("checkpoint")] == [(6, "full"), (12, "full")]
    assert "eval/exact_match" in attempt.of("checkpoint")[0]["metrics"]
    config = json.loads((Path(base.model) / "config.json").read_text())
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "initializer_range"):
        assert config[name] == TINY_MODEL[name]
    assert [record["kind"] for record in attempt.of("artifact")] == ["model"]
    # seed, and not the default one, reached the arguments
    assert attempt.params["seed"] == 3 and attempt.params["report_to"] in ("none", ["none"], [])


def test_continuing_is_exact(base: Any, tmp_path: Path) -> None:
    run = RecipeRun(tmp_path / "run", base.run.cwd)
    shutil.copytree(base.run.folder / "checkpoints", run.folder / "checkpoints")
    attempt = run.run("hf-causal-lm", base.params, resume_from=run.resume(6, "state"))
    whole = base.run.attempt().series("train/loss")
    again = attempt.series("train/loss")
    assert again == {step: loss for step, loss in whole.items() if step > 6}
    assert attempt.series("train/learning_rate") == {s: v for s, v in base.run.attempt().series("train/learning_rate").items() if s > 6}
    assert attempt.of("plan")[0]["first_step"] == 6


def test_a_fork_with_state_takes_its_own_learning_rate(base: Any, new_run: NewRun) -> None:
    run = new_run()
    resume = {"path": str(base.run.checkpoint(6)), "step": 6, "mode": "state"}
    params = {**base.params, "learning_rate": 0.002, "weight_decay": 0.3, "logging_steps": 2, "eval_steps": 3, "eval_exact_match": False}
    attempt = run.run("hf-causal-lm", params, resume_from=resume)
    rates = attempt.series("train/learning_rate")
    # linear from 0.002 over 12 steps: the schedule goes on at step 6 as if the rate had been so from the start
    assert rates[8] == pytest.approx(0.002 * (12 - 7) / 12)
    assert set(rates) == {8, 10, 12} and set(attempt.series("eval/loss")) == {9, 12}


def test_a_fork_from_weights_starts_at_the_first_step_with_what_was_learned(base: Any, new_run: NewRun) -> None:
    run = new_run()
    resume = {"path": str(base.run.checkpoint(12)), "step": 12, "mode": "weights"}
    attempt = run.run("hf-causal-lm", {**base.params, "max_steps": 2, "save_strategy": "no"}, resume_from=resume)
    losses = attempt.series("train/loss")
    first = base.run.attempt().series("train/loss")[1]
    assert set(losses) == {1, 2} and losses[1] < first * 0.9
    assert attempt.of("plan")[0]["first_step"] == 0


def test_other_sizes_are_refused_on_resume(base: Any, new_run: NewRun) -> None:
    run = new_run()
    resume = {"path": str(base.run.checkpoint(6)), "step": 6, "mode": "state"}
    attempt = run.run("hf-causal-lm", {**base.params, "num_hidden_layers": 3}, expect=78, resume_from=resume)
    assert attempt.end["status"] == "failed"
    assert "num_hidden_layers is 3 but the checkpoint was trained with 2" in run.log()


def test_an_adapter_goes_on_and_is_merged_at_the_end(base: Any, new_run: NewRun) -> None:
    run = new_run()
    data = {"train_file": "sums.csv", "eval_file": "sums.jsonl", "eval_strategy": "steps", "eval_steps": 2, "eval_exact_match": True, "exact_match_max_new_tokens": 3}
    best = {"load_best_model_at_end": True, "metric_for_best_model": "exact_match"}
    params = {**SMALL, **data, **best, "model": base.model, "max_steps": 4, "save_steps": 2, "lora_bias": "all", "modules_to_save": ["embed_tokens"]}
    attempt = run.run("hf-lora", params)
    assert_arguments(attempt.params, {**best, "eval_steps": 2})
    assert set(attempt.series("eval/exact_match")) == {2, 4}
    assert (run.folder / "artifacts" / "model" / "adapter_model.safetensors").is_file()
    step = attempt.of("checkpoint")[-1]["step"]
    again = run.run("hf-lora", {**params, "max_steps": step + 2, "merge_adapter": True}, resume_from=run.resume(step, "state"))
    assert again.of("plan")[0]["first_step"] == step and again.end["step"] == step + 2
    model = run.folder / "artifacts" / "model"
    assert (model / "model.safetensors").is_file() and not list(model.glob("adapter_*"))


@pytest.mark.parametrize(
    ("data_params", "method"),
    [
        ({"train_file": "sums.jsonl", "eval_fraction": 0.1, "completion_only_loss": False}, "lora"),
        ({"train_file": "chats.jsonl", "eval_fraction": 0.1}, "full"),
    ],
)
def test_sft_trains(base: Any, new_run: NewRun, data_params: Dict[str, Any], method: str) -> None:
    run = new_run()
    params = {**SMALL, **data_params, "model": base.model, "method": method, "max_length": 24, "max_steps": 3, "save_steps": 2}
    attempt = run.run("trl-sft", {**params, "eval_strategy": "steps", "eval_steps": 3})
    assert set(attempt.series("train/loss")) == {1, 2, 3} and set(attempt.series("eval/loss")) == {3}
    wanted = {"max_length": 24, "packing": False, "learning_rate": 0.01, "max_steps": 3, "save_steps": 2}
    if "completion_only_loss" in data_params:
        wanted["completion_only_loss"] = False
    assert_arguments(attempt.params, wanted)
    saved = {path.name for path in (run.folder / "artifacts" / "model").iterdir()}
    assert ("adapter_config.json" if method == "lora" else "model.safetensors") in saved
    again = run.run("trl-sft", {**params, "max_steps": 4}, resume_from=run.resume(2, "state"))
    assert set(again.series("train/loss")) == {3, 4}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_dpo_trains_and_goes_on_with_the_first_reference(base: Any, new_run: NewRun, method: str) -> None:
    run = new_run()
    params = {**SMALL, "train_file": "preferences.jsonl", "model": base.model, "method": method, "max_length": 24, "beta": 0.3}
    params.update(loss_type="ipo", max_steps=4, save_steps=2)
    attempt = run.run("trl-dpo", params)
    losses = attempt.series("train/loss")
    assert set(losses) == {1, 2, 3, 4}
    assert_arguments(attempt.params, {"beta": 0.3, "loss_type": ["ipo"], "max_length": 24})
    shutil.rmtree(run.checkpoint(4))
    again = run.run("trl-dpo", params, resume_from=run.resume(2, "state")).series("train/loss")
    # equal only when the reference is still the model that training began from
    assert again == {step: pytest.approx(loss, rel=1e-5) for step, loss in losses.items() if step > 2}


def test_lightning_trains_stops_and_goes_on(new_run: NewRun) -> None:
    run = new_run()
    shutil.copy(EXAMPLES / "lightning_module.py", run.cwd)
    params = {"module_file": "lightning_module.py", "module_args": {"width": 8}, "data_args": {"points": 128, "batch_size": 16}}
    params.update(max_epochs=2, log_every_n_steps=1, checkpoint_every_n_steps=7, accelerator="cpu", omp_threads=1)
    attempt = run.run("lightning", params)
    assert attempt.end["status"] == "completed" and attempt.end["step"] == 14
    steps = [record["step"] for record in attempt.of("checkpoint")]
    assert 7 in steps and 14 in steps
    assert any("accuracy" in name for name in attempt.names()), attempt.names()
    path = next(record["path"] for record in attempt.of("checkpoint") if record["step"] == 7)
    assert Path(path).name == "checkpoint-7.ckpt"
    again = run.run("lightning", {**params, "max_epochs": 3}, resume_from={"path": path, "step": 7, "mode": "state"})
    assert again.of("plan")[0]["first_step"] == 7 and again.end["step"] == 21
    fork = run.run("lightning", {**params, "max_epochs": 1}, resume_from={"path": path, "step": 7, "mode": "weights"})
    assert fork.end["step"] == 7 and fork.of("plan")[0]["first_step"] == 0


def test_a_recipe_of_ones_own_trains_stops_and_goes_on(new_run: NewRun) -> None:
    run = new_run()
    shutil.copytree(EXAMPLES / "trainyard_recipes", run.cwd / "trainyard_recipes")
    shutil.copy(EXAMPLES / "data" / "points.csv", run.cwd)
    params = {"points": "points.csv", "steps": 40, "save_every": 20}
    losses = run.run("linear-regression", params).series("train/loss")
    assert losses[40] < losses[1] / 10
    again = run.run("linear-regression", params, resume_from=run.resume(20, "state")).series("train/loss")
    assert again == {step: loss for step, loss in losses.items() if step > 20}

    process = run.start("linear-regression", {**params, "steps": 100_000_000, "save_every": 100_000_000})
    try:
        ask_to_stop(run)
        assert process.wait(60) == 0, run.log()
    finally:
        process.kill()
    attempt = run.attempt()
    assert attempt.end["status"] == "cancelled"
    final = attempt.of("checkpoint")[-1]
    assert final["final"] and (Path(final["path"]) / "state.json").is_file()


def test_a_stop_leaves_a_checkpoint_that_resume_accepts(base: Any, new_run: NewRun) -> None:
    run = new_run()
    params = {**base.params, "max_steps": 100_000, "save_strategy": "no", "eval_strategy": "no"}
    process = run.start("hf-causal-lm", params)
    try:
        ask_to_stop(run)
        assert process.wait(60) == 0, run.log()
    finally:
        process.kill()
    attempt = run.attempt()
    assert attempt.end["status"] == "cancelled"
    final = attempt.of("checkpoint")[-1]
    assert final["final"] and final["step"] == attempt.end["step"]
    assert not (run.folder / "artifacts" / "model").exists()
    again = run.run("hf-causal-lm", {**params, "max_steps": final["step"] + 2}, resume_from=run.resume(final["step"], "state"))
    assert set(again.series("train/loss")) == {final["step"] + 1, final["step"] + 2}


def test_wrong_settings_end_with_one_sentence(new_run: NewRun) -> None:
    run = new_run()
    attempt = run.run("hf-causal-lm", {**TINY_MODEL, "train_file": "sums.jsonl", "learning_rate": -1}, expect=78)
    assert "learning_rate must be at least 0" in run.log() and "Traceback" not in run.log()
    assert attempt.end["status"] == "failed"
    run.run("no-such-recipe", {}, expect=78)
    assert "there is no recipe 'no-such-recipe'" in run.log()
    params = {**TINY_MODEL, **SMALL, "train_file": "sums.jsonl", "training_arguments": {"lerning_rate": 1}}
    run.run("hf-causal-lm", params, expect=78)
    assert "no argument 'lerning_rate'" in run.log() and "learning_rate" in run.log()
