"""make: a tiny base model and two LoRA adapters on it. check: what an exported folder computes, loaded by PEFT."""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

TOKENS = torch.tensor([[1, 5, 9, 2]])


def make(base: Path, adapters: "list[Path]") -> "list[list[float]]":
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(base)
    return [make_adapter(base, folder) for folder in adapters]


def make_adapter(base: Path, folder: Path) -> "list[float]":
    lora = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(LlamaForCausalLM.from_pretrained(base), lora)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_()  # as if it had learned something: a fresh adapter changes nothing
    model.save_pretrained(folder)
    return outputs(model)


def outputs(model: torch.nn.Module) -> "list[float]":
    model.eval()
    with torch.no_grad():
        return [float(value) for value in model(TOKENS).logits.flatten()]


def main(task: str, base: Path, folders: "list[Path]") -> None:
    if task == "make":
        print(json.dumps(make(base, folders)))
    else:
        load = LlamaForCausalLM.from_pretrained
        print(json.dumps([outputs(PeftModel.from_pretrained(load(base), folder)) for folder in folders]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
