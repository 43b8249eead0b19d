from dataclasses import dataclass, field
from enum import Enum
from typing import List, Literal, Optional

from transformers import HfArgumentParser, TrainingArguments


class Mode(str, Enum):
    FULL = "full"
    LORA = "lora"


@dataclass
class Base:
    model: str = field(metadata={"help": "Folder or name of the model."})
    shots: int = 3


@dataclass
class ModelArguments(Base):
    rank: int = field(default=8, metadata={"help": "rank"})
    scale: Optional[float] = None
    mode: Mode = Mode.LORA
    dtype: Literal["float32", "bfloat16"] = "float32"
    targets: List[str] = field(default_factory=lambda: ["q", "v"])
    freeze: bool = True
    bias: bool = False
    kind: str = field(default="a", metadata={"choices": ["a", "b"], "help": "kind"})
    note: "Optional[str]" = field(default=None)


def main():
    import json
    from dataclasses import asdict

    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model, training = parser.parse_args_into_dataclasses()
    named = ("learning_rate", "use_cpu", "lr_scheduler_kwargs", "label_names", "seed")
    print(json.dumps({**asdict(model), "output_dir": training.output_dir, **{name: getattr(training, name) for name in named}}, default=str))


if __name__ == "__main__":
    main()
