"""Every argument of the installed configuration classes is a field, and reaches the training."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from recipe_runs import RecipeRun
from trainyard.adapters import installed_arguments
from trainyard.adapters.hf_arguments import PASSED_ON
from trainyard.recipes.catalogue import builtin

#: Set from elsewhere in a run, or by another name in the form.
NOT_A_FIELD = {
    *("output_dir", "seed", "bf16", "fp16", "resume_from_checkpoint", "local_rank", "do_train", "do_eval", "do_predict"),
    *("r", "bias", "task_type", "peft_type", "peft_version", "base_model_name_or_path", "inference_mode", "auto_mapping"),
}


def prepared(recipe: str) -> Any:
    adapter = next(adapter for adapter in builtin() if adapter.id == recipe)
    adapter.prepare(60)
    return adapter


@pytest.mark.parametrize(
    ("recipe", "module", "name"),
    [("hf-lora", "transformers", "TrainingArguments"), ("trl-sft", "trl", "SFTConfig"), ("trl-dpo", "trl", "DPOConfig")],
)
def test_every_argument_is_a_field(recipe: str, module: str, name: str) -> None:
    peft = pytest.importorskip("peft")
    cls = getattr(pytest.importorskip(module), name)
    adapter = prepared(recipe)
    asked = {field.name for found in (cls, peft.LoraConfig) for field in dataclasses.fields(found) if field.init} - NOT_A_FIELD
    assert asked - set(adapter.fields) == set()
    curated = list(type(adapter).fields)
    assert list(adapter.fields)[: len(curated)] == curated
    for field in list(adapter.fields)[len(curated) :]:
        found = adapter.fields[field]
        assert found.advanced and found.problem_with(found.default) is None, field
    json.dumps(adapter.describe(), allow_nan=False)
    # Nothing that was left alone is passed on.
    filled = adapter.fill({})
    assert (filled["training_arguments"], filled["peft_arguments"]) == ({}, {})
    assert set(PASSED_ON) & set(filled["training_arguments"]) == set()


def test_types_choices_and_help() -> None:
    fields = prepared("hf-lora").describe()["schema"]["properties"]
    assert fields["label_smoothing_factor"] == {**fields["label_smoothing_factor"], "type": "number", "default": 0.0, "x-section": "training"}
    assert fields["label_smoothing_factor"]["description"] != ""
    assert {"debug", "info", "passive"} <= set(fields["log_level"]["enum"])
    assert set(fields["logging_strategy"]["enum"]) >= {"no", "steps", "epoch"}
    assert fields["dataloader_drop_last"] == {**fields["dataloader_drop_last"], "type": "boolean", "default": False, "x-section": "compute"}
    assert fields["rank_pattern"]["type"] == "object" or "object" in fields["rank_pattern"]["type"]
    assert fields["init_lora_weights"]["default"] == "true"
    # One that Trainyard sets otherwise than the class.
    assert fields["logging_first_step"]["default"] is True


def test_they_reach_the_training(new_run: Callable[..., RecipeRun], base: Any, data: Path) -> None:
    trainer = {
        "label_smoothing_factor": 0.1,
        "dataloader_drop_last": True,
        "adam_epsilon": 1e-6,
        "neftune_noise_alpha": 5.0,
        "logging_nan_inf_filter": True,
        "lr_scheduler_kwargs": {"num_cycles": 0.25},
        "include_for_metrics": ["loss"],
    }
    adapter: Dict[str, Any] = {
        "rank_pattern": {"q_proj": 2},
        "exclude_modules": ["v_proj"],
        "init_lora_weights": "gaussian",
        "layers_to_transform": [0],
    }
    shown = {"train_file": "sums.jsonl", "max_steps": 1, "lr_scheduler_type": "cosine", "use_cpu": True, "target_modules": ["q_proj", "k_proj"]}
    params = {**trainer, **adapter, **shown, "model": base.model}
    inside = new_run("hf-lora").run("hf-lora", {**params, "max_rows": 16, "omp_threads": 1, "training_arguments": {"adam_epsilon": 1e-5}}).params
    for name, value in {**trainer, "adam_epsilon": 1e-5}.items():
        assert inside[name] == value, name
    config = inside["peft"]["default"]
    for name, value in adapter.items():
        got = config[name]
        assert (list(got) if isinstance(value, list) else got) == value, name


def test_a_class_that_is_annotated_is_made_of_an_object() -> None:
    @dataclasses.dataclass
    class Inner:
        rho: float = 1.0

    @dataclasses.dataclass
    class Outer:
        inner: "Inner | None" = None
        start: bool = True

    Outer.__annotations__.update(inner=Inner, start=bool)
    Outer.__dataclass_fields__["inner"].type = Inner  # as a module without deferred annotations has it
    assert installed_arguments.typed(Outer, {"inner": {"rho": 2.0}, "start": "false"}) == {"inner": Inner(2.0), "start": False}


def test_reading_that_takes_too_long_leaves_the_form_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(installed_arguments, "_reader", [])
    adapter = next(adapter for adapter in builtin() if adapter.id == "hf-lora")
    before = time.monotonic()
    adapter.prepare(0.01)
    assert time.monotonic() - before < 2
    assert adapter.fields == type(adapter).fields
    process = installed_arguments._reader[0][0]
    process.kill()
    process.wait()
