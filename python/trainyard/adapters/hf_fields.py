"""Fields of data, model and adapter that the recipes on ``transformers.Trainer`` share, and the sections of their forms.

Names are those of ``TrainingArguments`` and ``LoraConfig`` wherever there is one, so that what is known from there holds here. Defaults are
the libraries' own, apart from ``logging_steps`` (10 in place of 500: a curve should be seen early).
"""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from trainyard.adapters.base import Field, Section

DATA = Section("data", "Data", "Files to learn from and how a row is read.")
MODEL = Section("model", "Model", "What is trained.")
ADAPTER = Section("adapter", "Adapter", "Low-rank matrices beside the frozen weights.")
TRAINING = Section("training", "Training", "Length, batch, learning rate and optimizer.")
EVALUATION = Section("evaluation", "Evaluation & checkpoints", "What is measured and kept, and how often.")
COMPUTE = Section("compute", "Compute", "Precision, memory and threads.")

#: Columns that only matter in some shapes, for ``depends_on``.
_COLUMN_FIELDS = {
    "text_column": ("Text column", "Column that holds the text.", "text", ("auto", "text")),
    "prompt_column": ("Prompt column", "Column that holds the prompt.", "prompt", ("auto", "prompt_completion", "preference")),
    "completion_column": ("Completion column", "Column that holds what is to be learned.", "completion", ("auto", "prompt_completion")),
    "messages_column": ("Messages column", "Column that holds a list of messages with role and content.", "messages", ("auto", "messages")),
    "chosen_column": ("Chosen column", "Column that holds the better answer.", "chosen", ("preference",)),
    "rejected_column": ("Rejected column", "Column that holds the worse answer.", "rejected", ("preference",)),
}


def data_fields(shapes: Sequence[str], max_length: int, packing: bool = True) -> Dict[str, Field]:
    """``shapes`` are those that the recipe can learn from; with more than one the shape is found from the columns by default."""
    fields = {
        "train_file": Field(
            "string",
            "Training file",
            "JSONL, JSON, CSV, Parquet or text file with the rows to learn from.",
            "data",
            required=True,
            path="file",
            path_must_exist=True,
            holds="dataset",
            placeholder="data/train.jsonl",
        ),
        "eval_file": Field(
            "string",
            "Evaluation file",
            "Rows that are only measured; without it a part of the training file can be held out.",
            "data",
            default=None,
            nullable=True,
            path="file",
            path_must_exist=True,
            holds="dataset",
        ),
        "eval_fraction": Field(
            "number",
            "Held-out share",
            "Share of the training file that is held out for evaluation when there is no evaluation file.",
            "data",
            default=0,
            minimum=0,
            maximum=0.9,
            usual=(0, 0.2),
            depends_on={"eval_file": [None, ""]},
        ),
    }
    if len(shapes) > 1:
        fields["data_format"] = Field(
            "string",
            "Row shape",
            "What a row is; auto finds it from the columns.",
            "data",
            default="auto",
            choices=("auto",) + tuple(shapes),
            widget="segments",
        )
    for name, (title, description, default, used_in) in _COLUMN_FIELDS.items():
        shown = [shape for shape in used_in if shape == "auto" or shape in shapes]
        if any(shape in shapes for shape in shown):
            depends = {"data_format": shown} if len(shapes) > 1 else None
            fields[name] = Field("string", title, description, "data", default=default, advanced=True, depends_on=depends)
    fields["max_length"] = Field(
        "integer",
        "Max sequence length",
        "Longer rows are cut to this many tokens.",
        "data",
        default=max_length,
        minimum=4,
        maximum=1_048_576,
        usual=(64, 32_768),
        unit="tokens",
    )
    if packing:
        fields["packing"] = Field("boolean", "Packing", "Pack short rows together into sequences of the full length.", "data", default=False)
    fields["max_rows"] = Field(
        "integer",
        "Row limit",
        "Use only the first rows of each file; handy for a trial.",
        "data",
        default=None,
        nullable=True,
        minimum=1,
        unit="rows",
        advanced=True,
    )
    return fields


def completion_loss_field(default: bool) -> Dict[str, Field]:
    return {
        "completion_only_loss": Field(
            "boolean",
            "Loss on completion only",
            "Learn the completion (or the last assistant message) and not the prompt.",
            "data",
            default=default,
            depends_on={"data_format": ["auto", "prompt_completion", "messages"]},
        )
    }


def model_fields(allow_new: bool) -> Dict[str, Field]:
    """``allow_new``: a small model can be made from its sizes instead of being loaded."""
    pretrained = {"model_source": ["pretrained"]} if allow_new else None
    fields: Dict[str, Field] = {}
    if allow_new:
        fields["model_source"] = Field(
            "string",
            "Start from",
            "A pre-trained model, or a new small Llama with random weights.",
            "model",
            default="pretrained",
            choices=("pretrained", "new"),
            widget="segments",
        )
    fields["model"] = Field(
        "string",
        "Base model",
        "Folder of a saved model, or its name on the Hugging Face hub.",
        "model",
        required=True,
        placeholder="Qwen/Qwen3-0.6B",
        depends_on=pretrained,
        widget="path",
        path="any",
        holds="model",
    )
    if allow_new:
        fields.update(_new_model_fields())
    fields["tokenizer"] = Field(
        "string",
        "Tokenizer",
        "Folder or hub name of another tokenizer; by default the model's own.",
        "model",
        default=None,
        nullable=True,
        advanced=True,
        depends_on=pretrained,
    )
    fields["dtype"] = Field(
        "string",
        "Weights",
        "Number format that the weights are loaded in; training with AdamW is safest in float32.",
        "model",
        default="float32",
        choices=("auto", "float32", "bfloat16", "float16"),
        widget="segments",
        depends_on=pretrained,
    )
    fields["attn_implementation"] = Field(
        "string",
        "Attention",
        "Which implementation of attention is used; auto leaves it to transformers.",
        "model",
        default="auto",
        choices=("auto", "sdpa", "eager", "flash_attention_2"),
        advanced=True,
    )
    fields["trust_remote_code"] = Field(
        "boolean",
        "Trust remote code",
        "Run Python code that comes with the model; only for models whose authors you trust.",
        "model",
        default=False,
        advanced=True,
        depends_on=pretrained,
    )
    return fields


def _new_model_fields() -> Dict[str, Field]:
    new = {"model_source": ["new"]}

    def size(title: str, description: str, default: int, usual: Tuple[int, int], **more: str) -> Field:
        return Field("integer", title, description, "model", default=default, minimum=1, maximum=65_536, usual=usual, depends_on=new, **more)

    return {
        "hidden_size": size("Hidden size", "Width of the new model; a multiple of the number of heads.", 128, (64, 4096)),
        "num_hidden_layers": size("Layers", "Number of transformer blocks of the new model.", 2, (2, 48)),
        "num_attention_heads": size("Heads", "Number of attention heads of the new model.", 4, (2, 64)),
        "intermediate_size": size("MLP width", "Inner width of the blocks' MLP, commonly 2 to 4 times the hidden size.", 256, (128, 16_384)),
        "initializer_range": Field(
            "number",
            "Initial spread",
            "Standard deviation of the new model's first weights; small models learn faster with more than the usual 0.02.",
            "model",
            default=0.02,
            exclusive_minimum=0,
            maximum=1,
            usual=(0.005, 0.1),
            advanced=True,
            depends_on=new,
        ),
        "new_tokenizer": Field(
            "string",
            "New tokenizer",
            "Trained from the training file: one token per character, or byte-pair encoding.",
            "model",
            default="characters",
            choices=("characters", "bpe"),
            widget="segments",
            depends_on=new,
        ),
        "vocab_size": Field(
            "integer",
            "Vocabulary",
            "Number of tokens of a new byte-pair tokenizer.",
            "model",
            default=2048,
            minimum=300,
            maximum=262_144,
            usual=(1000, 64_000),
            unit="tokens",
            depends_on={"model_source": ["new"], "new_tokenizer": ["bpe"]},
        ),
    }


def quantization_field() -> Dict[str, Field]:
    return {
        "quantization": Field(
            "string",
            "Quantisation",
            "Load the frozen weights in 8 or 4 bits (needs bitsandbytes and a GPU).",
            "model",
            default="none",
            choices=("none", "8bit", "4bit"),
            widget="segments",
            advanced=True,
        )
    }


def lora_fields(optional: bool) -> Dict[str, Field]:
    """``optional``: the recipe can also train all weights, chosen by the field ``method``."""
    fields: Dict[str, Field] = {}
    only_lora = {"method": ["lora"]} if optional else None
    if optional:
        fields["method"] = Field(
            "string",
            "Method",
            "Train all weights, or a LoRA adapter beside the frozen ones.",
            "adapter",
            default="lora",
            choices=("lora", "full"),
            widget="segments",
        )
    fields.update(
        {
            "lora_r": Field(
                "integer",
                "Rank",
                "Rank of the added matrices: more learns more and costs more.",
                "adapter",
                default=8,
                minimum=1,
                maximum=1024,
                usual=(4, 128),
                depends_on=only_lora,
            ),
            "lora_alpha": Field(
                "integer",
                "Alpha",
                "The adapter's output is scaled by alpha / rank.",
                "adapter",
                default=16,
                minimum=1,
                maximum=4096,
                usual=(8, 256),
                depends_on=only_lora,
            ),
            "lora_dropout": Field(
                "number",
                "Dropout",
                "Share of the adapter's inputs that is zeroed in training.",
                "adapter",
                default=0,
                minimum=0,
                maximum=0.95,
                usual=(0, 0.2),
                depends_on=only_lora,
            ),
            "target_modules": Field(
                "array",
                "Target modules",
                "Layers that get an adapter: names such as q_proj, or all-linear.",
                "adapter",
                default=["all-linear"],
                items="string",
                widget="list",
                depends_on=only_lora,
            ),
            "lora_bias": Field(
                "string",
                "Bias",
                "Which bias terms are trained too.",
                "adapter",
                default="none",
                choices=("none", "all", "lora_only"),
                advanced=True,
                depends_on=only_lora,
            ),
            "use_rslora": Field(
                "boolean",
                "Rank-stabilised scaling",
                "Scale by alpha / √rank, which suits high ranks.",
                "adapter",
                default=False,
                advanced=True,
                depends_on=only_lora,
            ),
            "use_dora": Field(
                "boolean",
                "DoRA",
                "Train magnitude and direction separately: better at low ranks, slower.",
                "adapter",
                default=False,
                advanced=True,
                depends_on=only_lora,
            ),
            "modules_to_save": Field(
                "array",
                "Fully trained modules",
                "Modules that are trained in full beside the adapter, such as embed_tokens.",
                "adapter",
                default=[],
                items="string",
                widget="list",
                advanced=True,
                depends_on=only_lora,
            ),
            "merge_adapter": Field(
                "boolean",
                "Merge at the end",
                "Save the final model with the adapter merged into the base weights.",
                "adapter",
                default=False,
                depends_on=only_lora,
            ),
        }
    )
    return fields
