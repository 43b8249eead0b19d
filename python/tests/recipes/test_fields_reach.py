"""Every field of the forms on transformers and TRL, set to something else than its default, and read back from inside the training process."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import pytest
from recipe_runs import TINY_MODEL, Observed, run_observed, write_jsonl
from trainyard.recipes.catalogue import builtin

pytestmark = pytest.mark.training
FIELDS = {adapter.id: adapter.fields for adapter in builtin()}
#: Values for the arguments of the trainer, all of which a CPU can carry out together.
ARGUMENTS: Dict[str, Any] = {
    "num_train_epochs": 2.5,
    "max_steps": 2,
    "per_device_train_batch_size": 3,
    "per_device_eval_batch_size": 5,
    "gradient_accumulation_steps": 2,
    "learning_rate": 0.0123,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 1,
    "weight_decay": 0.02,
    "max_grad_norm": 0.7,
    "optim": "adamw_torch",
    "adam_beta1": 0.8,
    "adam_beta2": 0.95,
    "logging_steps": 1,
    "eval_strategy": "steps",
    "eval_steps": 2,
    "save_strategy": "steps",
    "save_steps": 2,
    "save_total_limit": 3,
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "greater_is_better": False,
    "gradient_checkpointing": True,
    "use_cpu": True,
    "auto_find_batch_size": True,
    "dataloader_num_workers": 1,
}
#: They need what a test machine has not: DeepSpeed, a GPU with bitsandbytes. What is said then: test_check.py.
NOT_HERE = {"deepspeed", "quantization"}
#: A backend that needs no compiler. TRL's DPO trainer cannot be traced by it.
COMPILED = {"torch_compile": True, "training_arguments": {"torch_compile_backend": "eager"}}
ADAPTER: Dict[str, Any] = {
    "lora_r": 4,
    "lora_alpha": 12,
    "lora_dropout": 0.1,
    "target_modules": ["q_proj", "v_proj"],
    "lora_bias": "lora_only",
    "use_rslora": True,
    "use_dora": True,
    "modules_to_save": ["lm_head"],
}
#: Name in LoraConfig of a field that is called otherwise in the form.
IN_PEFT = {"lora_r": "r", "lora_bias": "bias"}
NEW_MODEL: Dict[str, Any] = {**TINY_MODEL, "num_hidden_layers": 1, "new_tokenizer": "bpe", "vocab_size": 300}
#: Rows with columns of other names than the usual ones.
PAIRS = {
    "train_file": "pairs.jsonl",
    "eval_file": "more-pairs.jsonl",
    "data_format": "prompt_completion",
    "prompt_column": "question",
    "completion_column": "answer",
    "max_length": 24,
    "max_rows": 30,
}
ANSWERS = {"eval_exact_match": True, "exact_match_rows": 3, "exact_match_max_new_tokens": 2}
TEXTS = {"train_file": "texts.jsonl", "eval_fraction": 0.2, "data_format": "text", "text_column": "body", "packing": True}
CHATS = {"train_file": "chats.jsonl", "data_format": "messages", "messages_column": "talk"}
CHOICES = {
    "train_file": "choices.jsonl",
    "eval_file": "choices.jsonl",
    "prompt_column": "question",
    "chosen_column": "good",
    "rejected_column": "bad",
    "max_length": 24,
    "max_rows": 30,
}
DPO = {"beta": 0.3, "loss_type": "robust", "label_smoothing": 0.05, "precompute_ref_log_probs": True}
#: A step of next to nothing, for what only needs other rows or another model.
ONE_STEP = {"max_steps": 1, "use_cpu": True, "per_device_train_batch_size": 2, "save_strategy": "epoch"}
LAST = {"precision": "bf16", "training_arguments": {"dataloader_drop_last": True}}
MARKED = "{% for message in messages %}{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}{% endgeneration %}{% else %}{{ message['content'] }}{% endif %}{% endfor %}"


def cases(model: str, tokenizer: str) -> Dict[str, Tuple[str, Dict[str, Any]]]:
    other = {"model": model, "tokenizer": tokenizer, "dtype": "bfloat16", "trust_remote_code": True, "attn_implementation": "eager"}
    lora = {"model": model, **ADAPTER}
    own: Dict[str, List[Dict[str, Any]]] = {
        "hf-causal-lm": [
            {**ARGUMENTS, **NEW_MODEL, **PAIRS, **ANSWERS, **LAST, "completion_only_loss": True},
            {**ONE_STEP, **other, **TEXTS},
            {**ONE_STEP, **CHATS, **COMPILED, "model": model},
        ],
        "hf-lora": [
            {**ARGUMENTS, **lora, **PAIRS, **ANSWERS, **LAST, "completion_only_loss": True},
            {**ONE_STEP, **other, **TEXTS, "merge_adapter": True},
            {**ONE_STEP, **CHATS, **COMPILED, "model": model},
        ],
        "trl-sft": [
            {**ARGUMENTS, **lora, **PAIRS, **ANSWERS, **LAST, "completion_only_loss": False},
            {**ONE_STEP, **other, **TEXTS, "method": "full"},
            {**ONE_STEP, **CHATS, "model": model, "tokenizer": tokenizer, "assistant_only_loss": True, "merge_adapter": True, **COMPILED},
        ],
        "trl-dpo": [
            {**ARGUMENTS, **lora, **CHOICES, **DPO, **LAST},
            {**ONE_STEP, **other, "train_file": "preferences.jsonl", "eval_fraction": 0.2, "method": "full"},
            {**ONE_STEP, "model": model, "train_file": "preferences.jsonl", "merge_adapter": True},
        ],
    }
    numbered = [(recipe, params) for recipe, all_params in own.items() for params in all_params]
    return {
        "{}-{}".format(recipe, "abc"[number % 3]): (recipe, {**params, "omp_threads": 1 + number % 3}) for number, (recipe, params) in enumerate(numbered)
    }


class Trained(NamedTuple):
    cases: Dict[str, Tuple[str, Dict[str, Any]]]
    found: Dict[str, Observed]


@pytest.fixture(scope="module")
def trained(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("fields")
    folder = root / "workspace"
    shutil.copytree(base.run.cwd, folder)
    sums = [(a, b) for a in range(8) for b in range(8)]
    for name in ("pairs.jsonl", "more-pairs.jsonl"):
        write_jsonl(folder / name, [{"question": "{}+{}=".format(a, b), "answer": str(a + b)} for a, b in sums])
    write_jsonl(folder / "chats.jsonl", [{"talk": [{"role": "user", "content": "{}+{}".format(a, b)}, {"role": "assistant", "content": str(a + b)}]} for a, b in sums])
    write_jsonl(folder / "choices.jsonl", [{"question": "{}+{}=".format(a, b), "good": str(a + b), "bad": str(a - b)} for a, b in sums])
    tokenizer = folder / "other-tokenizer"
    tokenizer.mkdir()
    for path in Path(base.model).glob("*token*"):
        shutil.copy(path, tokenizer)
    (tokenizer / "chat_template.jinja").write_text(MARKED)
    wanted = cases(base.model, str(tokenizer))
    return Trained(wanted, run_observed(root / "runs", folder, wanted))


@pytest.mark.parametrize("recipe", ["hf-causal-lm", "hf-lora", "trl-sft", "trl-dpo"])
def test_no_field_is_left_out(recipe: str) -> None:
    given = [params for name, params in cases("model", "tokenizer").values() if name == recipe]
    untried = NOT_HERE | ({"torch_compile"} if recipe == "trl-dpo" else set())
    assert set(FIELDS[recipe]) - untried == set().union(*given)
    for name in FIELDS[recipe].keys() - untried:
        assert any(name in params and params[name] != FIELDS[recipe][name].default for params in given), "{} is left at its default".format(name)


@pytest.mark.parametrize("recipe", ["hf-causal-lm", "hf-lora", "trl-sft", "trl-dpo"])
def test_arguments_reach_the_trainer(recipe: str, trained: Trained) -> None:
    inside = trained.found[recipe + "-a"].inside
    own = {"trl-sft": {"max_length": 24, "completion_only_loss": False}, "trl-dpo": {**DPO, "loss_type": ["robust"], "max_length": 24}}
    wanted = {**ARGUMENTS, **own.get(recipe, {}), "bf16": True, "dataloader_drop_last": True}
    assert {name: inside["arguments"].get(name) for name in wanted} == wanted
    assert trained.found[recipe + "-b"].inside["arguments"]["save_strategy"] == "epoch"
    if recipe != "trl-dpo":
        compiled = trained.found[recipe + "-c"].inside["arguments"]
        assert (compiled["torch_compile"], compiled["torch_compile_backend"]) == (True, "eager")
    for name, (_, params) in trained.cases.items():
        assert trained.found[name].inside["threads"] == str(params["omp_threads"])


@pytest.mark.parametrize("recipe", ["hf-lora", "trl-sft", "trl-dpo"])
def test_the_adapter_is_the_one_of_the_form(recipe: str, trained: Trained) -> None:
    config = trained.found[recipe + "-a"].inside["adapter"]
    got = {name: config[IN_PEFT.get(name, name)] for name in ADAPTER}
    assert {name: sorted(value) if isinstance(value, list) else value for name, value in got.items()} == ADAPTER
    merged = trained.found[recipe + ("-b" if recipe == "hf-lora" else "-c")].run.folder / "artifacts" / "model"
    assert (merged / "model.safetensors").is_file() and not list(merged.glob("adapter_*"))
    if recipe != "hf-lora":
        assert trained.found[recipe + "-b"].inside["adapter"] is None  # method: full


@pytest.mark.parametrize("recipe", ["hf-causal-lm", "hf-lora", "trl-sft", "trl-dpo"])
def test_the_model_and_the_tokenizer_are_those_of_the_form(recipe: str, trained: Trained) -> None:
    params = trained.cases[recipe + "-b"][1]
    inside = trained.found[recipe + "-b"].inside
    assert inside["tokenizer"] == params["tokenizer"]
    assert inside["attention"] == "eager"
    assert inside["loaded"] == {"name": params["model"], "dtype": "torch.bfloat16", "trust_remote_code": "True", "attn_implementation": "eager"}
    assert inside["parameter_type"] == "torch.bfloat16"
    if recipe == "hf-causal-lm":
        new = trained.found[recipe + "-a"].inside
        sizes = {name: new["model"][name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "initializer_range")}
        assert sizes == {name: NEW_MODEL[name] for name in sizes}
        assert new["spread"] == pytest.approx(NEW_MODEL["initializer_range"], rel=0.1)
        assert "loaded" not in new and 256 < new["tokens"] <= NEW_MODEL["vocab_size"]


@pytest.mark.parametrize("recipe", ["hf-causal-lm", "hf-lora", "trl-sft"])
def test_rows_are_read_as_the_form_says(recipe: str, trained: Trained) -> None:
    pairs, texts, chats = (trained.found[recipe + case].inside for case in ("-a", "-b", "-c"))
    assert pairs["rows"] == pairs["eval_rows"] == 30
    assert pairs["answers"] == [[3, 2]]
    assert "0+0=" in json.dumps(pairs["first"])
    assert chats["eval_rows"] is None and chats["rows"] == 64
    assert "0+0" in json.dumps(chats["first"])
    if recipe == "trl-sft":
        assert texts["arguments"]["packing"] is True and texts["eval_rows"] is not None
        assert chats["arguments"]["assistant_only_loss"] is True
        assert pairs["arguments"]["max_length"] == 24
        return
    assert pairs["masked"] is True and chats["masked"] is False
    assert texts["eval_rows"] == 20
    # 80 rows one after the other, in sequences of the full length
    assert texts["rows"] < 80 and texts["longest"] == FIELDS[recipe]["max_length"].default
    assert " and " in texts["first"]["input_ids"]


def test_preferences_are_read_as_the_form_says(trained: Trained) -> None:
    chosen, halves = trained.found["trl-dpo-a"].inside, trained.found["trl-dpo-b"].inside
    assert chosen["rows"] == chosen["eval_rows"] == 30
    assert (halves["rows"], halves["eval_rows"]) == (80, 20)
    assert "0+0=" in json.dumps(chosen["first"])
