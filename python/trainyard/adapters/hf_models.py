"""Models and tokenizers for the recipes on transformers: loaded, or new and small."""

from __future__ import annotations

import json
import os
import string
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping

from trainyard.adapters.base import RecipeError, TrainContext
from trainyard.adapters.hf_arguments import quantization_config
from trainyard.adapters.rows import Source

#: Template for tokenizers that come without one: plain, one line per message.
PLAIN_CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}"
    # Written as a text: of a template's own lines, the end after a block is taken off.
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
_NEW_MODEL_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def prepare_environment(params: Mapping[str, Any]) -> None:
    """Settings that must stand before torch and transformers are imported."""
    if params.get("omp_threads"):
        os.environ["OMP_NUM_THREADS"] = str(params["omp_threads"])
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    names = [params.get("model"), params.get("tokenizer")] if params.get("model_source") != "new" else []
    if all(os.path.isdir(os.path.expanduser(name)) for name in names if name):
        # Everything is on disk: without this, libraries ask the hub about files that a local model does not have, and may hang on it.
        os.environ["HF_HUB_OFFLINE"] = "1"


def local_or_hub(name: str) -> str:
    """A folder with ``~`` expanded, or the hub name as it is."""
    expanded = os.path.expanduser(name)
    return expanded if os.path.isdir(expanded) else name


def load_tokenizer(context: TrainContext, source: Source) -> Any:
    """The tokenizer of the checkpoint that is resumed, of the model, or a new one trained from the rows."""
    from transformers import AutoTokenizer

    params = context.params
    resume = context.resume_from
    if resume is not None and (Path(resume.path) / "tokenizer_config.json").is_file():
        tokenizer = AutoTokenizer.from_pretrained(resume.path)
    elif params.get("model_source") == "new":
        tokenizer = train_tokenizer(row_texts(source), params["new_tokenizer"], params["vocab_size"])
    else:
        name = local_or_hub(params.get("tokenizer") or params["model"])
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=params["trust_remote_code"])
        except (OSError, ValueError) as error:
            field = "params.tokenizer" if params.get("tokenizer") else "params.model"
            raise RecipeError("the tokenizer of {!r} cannot be loaded: {}".format(name, error), field) from error
    if tokenizer.eos_token is None:
        raise RecipeError("the tokenizer has no end-of-sequence token", "params.tokenizer", "Choose a tokenizer that defines eos_token.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None and source.shape in ("messages", "preference"):
        tokenizer.chat_template = PLAIN_CHAT_TEMPLATE
        context.run.message("info", "the tokenizer has no chat template; a plain one ('role: content') is used and saved with it")
    return tokenizer


def row_texts(source: Source) -> Iterable[str]:
    """All text of the rows, for training a tokenizer."""
    for row in source:
        for value in row.values():
            if isinstance(value, str):
                yield value
            else:
                for message in value:
                    yield "{}: {}".format(message["role"], message["content"])


def train_tokenizer(texts: Iterable[str], kind: str, vocab_size: int) -> Any:
    """A new tokenizer: ``characters`` (one token per character: printable ASCII and whatever the texts hold) or ``bpe`` (byte level)."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<unk>"]
    if kind == "characters":
        alphabet = set(string.printable)
        for text in texts:
            alphabet.update(text)
        vocabulary = {token: index for index, token in enumerate(special + sorted(alphabet))}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        tokenizer.decoder = decoders.Fuse()
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", clean_up_tokenization_spaces=False
    )


def load_model(context: TrainContext, tokenizer: Any, lora: bool) -> Any:
    """The model before any adapter.

    A full fine-tuning that is resumed or forked starts from the weights of its checkpoint; an adapter's checkpoint holds no base weights, so
    those come from ``params.model``.
    """
    params = context.params
    checkpoint = None
    if context.resume_from is not None and not is_adapter(context.resume_from.path):
        checkpoint = context.resume_from.path
    if params.get("model_source") == "new":
        if checkpoint is None:
            return new_model(params, tokenizer, context.seed)
        refuse_other_sizes(params, checkpoint)
    return _load(params, checkpoint or local_or_hub(params["model"]), tokenizer, quantized=lora)


def load_reference(context: TrainContext, tokenizer: Any) -> Any:
    """The model that a preference loss compares with: always the one that training began from."""
    return _load(context.params, local_or_hub(context.params["model"]), tokenizer, quantized=False)


def _load(params: Mapping[str, Any], name: str, tokenizer: Any, quantized: bool) -> Any:
    from transformers import AutoModelForCausalLM

    dtype = "auto" if params["dtype"] == "auto" else _torch_dtype(params["dtype"])
    options: Dict[str, Any] = {"dtype": dtype, "trust_remote_code": params["trust_remote_code"]}
    if params["attn_implementation"] != "auto":
        options["attn_implementation"] = params["attn_implementation"]
    quantization = quantization_config(params.get("quantization"), dtype) if quantized else None
    if quantization is not None:
        options["quantization_config"] = quantization
    try:
        model = AutoModelForCausalLM.from_pretrained(name, **options)
    except (OSError, ValueError) as error:
        raise RecipeError("the model {!r} cannot be loaded: {}".format(name, error), "params.model") from error
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    return model


def _torch_dtype(name: str) -> Any:
    import torch

    return getattr(torch, name)


def new_model(params: Mapping[str, Any], tokenizer: Any, seed: int) -> Any:
    """A Llama with random weights in the sizes of the fields. The seed decides the weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    if params["hidden_size"] % params["num_attention_heads"]:
        raise RecipeError(
            "hidden_size {} is no multiple of num_attention_heads {}".format(params["hidden_size"], params["num_attention_heads"]),
            "params.hidden_size",
        )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        num_key_value_heads=params["num_attention_heads"],
        # Room for answers beyond the longest training row.
        max_position_embeddings=params["max_length"] + 64,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=params["initializer_range"],
        **{name: params[name] for name in _NEW_MODEL_SIZES},
    )
    if params["attn_implementation"] != "auto":
        config._attn_implementation = params["attn_implementation"]
    return LlamaForCausalLM(config)


def refuse_other_sizes(params: Mapping[str, Any], checkpoint: str) -> None:
    """A checkpoint fixes the model's sizes. @raises RecipeError when a field says otherwise"""
    saved = json.loads((Path(checkpoint) / "config.json").read_text(encoding="utf-8"))
    for name in _NEW_MODEL_SIZES:
        if name in saved and saved[name] != params[name]:
            raise RecipeError(
                "{} is {} but the checkpoint was trained with {}".format(name, params[name], saved[name]),
                "params." + name,
                "Sizes cannot change when training goes on from a checkpoint; start a new run for that.",
            )


def is_adapter(path: str) -> bool:
    """Does the folder hold a PEFT adapter?"""
    return (Path(path) / "adapter_config.json").is_file()


def lora_config(params: Mapping[str, Any]) -> Any:
    """The ``LoraConfig`` of the fields."""
    from peft import LoraConfig

    targets: List[str] = list(params["target_modules"])
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=params["lora_r"],
        lora_alpha=params["lora_alpha"],
        lora_dropout=params["lora_dropout"],
        # PEFT knows the word all-linear only outside of a list.
        target_modules="all-linear" if targets in ([], ["all-linear"]) else targets,
        bias=params["lora_bias"],
        use_rslora=params["use_rslora"],
        use_dora=params["use_dora"],
        modules_to_save=list(params["modules_to_save"]) or None,
    )


def wrap_in_lora(model: Any, context: TrainContext) -> Any:
    """The model with a trainable adapter: a fresh one, or that of the checkpoint whose weights a fork starts from."""
    from peft import PeftModel, get_peft_model, prepare_model_for_kbit_training

    params = context.params
    if params.get("quantization", "none") != "none":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=params["gradient_checkpointing"])
    elif params["gradient_checkpointing"]:
        # Frozen embeddings give activations without gradients; checkpointing then has nothing to follow back.
        model.enable_input_require_grads()
    resume = context.resume_from
    if resume is not None and is_adapter(resume.path):
        _refuse_other_adapter(params, resume.path)
        if resume.mode == "weights":
            return PeftModel.from_pretrained(model, resume.path, is_trainable=True)
    try:
        return get_peft_model(model, lora_config(params))
    except ValueError as error:
        raise RecipeError("no adapter can be added: {}".format(error), "params.target_modules") from error


def _refuse_other_adapter(params: Mapping[str, Any], checkpoint: str) -> None:
    saved = json.loads((Path(checkpoint) / "adapter_config.json").read_text(encoding="utf-8"))
    if saved.get("r") not in (None, params["lora_r"]):
        raise RecipeError(
            "lora_r is {} but the checkpoint was trained with {}".format(params["lora_r"], saved["r"]),
            "params.lora_r",
            "The rank cannot change when training goes on from a checkpoint; start a new run for that.",
        )

