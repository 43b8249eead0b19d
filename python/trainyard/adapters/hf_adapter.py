"""What the recipes on ``transformers.Trainer`` have in common: beside their own fields stand all arguments that the installed classes have."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence

from trainyard.adapters.base import BaseAdapter, Field
from trainyard.adapters.installed_arguments import LORA_CONFIG, TRAINING_ARGUMENTS, Argument, arguments_of, section_of

#: Set from elsewhere in a run: its folder, its seed, the field ``precision``, the checkpoint that it goes on from; and what PEFT writes itself.
_NOT_ASKED = {
    TRAINING_ARGUMENTS: ("output_dir", "seed", "bf16", "fp16", "resume_from_checkpoint", "local_rank", "do_train", "do_eval", "do_predict"),
    LORA_CONFIG: ("r", "bias", "task_type", "peft_type", "peft_version", "base_model_name_or_path", "inference_mode", "auto_mapping"),
}
#: Fields with another default than the class, as ``hf_arguments`` passes them.
_OTHER_DEFAULTS: Mapping[str, Any] = {"report_to": "none", "logging_first_step": True, "logging_nan_inf_filter": False}


class HfAdapter(BaseAdapter):
    """A recipe whose settings end in a configuration class of transformers or TRL, and in a ``LoraConfig`` where it has an adapter."""

    trainer_class: ClassVar[str] = TRAINING_ARGUMENTS
    other_defaults: ClassVar[Mapping[str, Any]] = {}

    #: Field → the argument that it stands for, once they are known.
    _arguments: Mapping[str, Argument] = {}
    #: Those of them that belong to the LoraConfig.
    _of_lora: Sequence[str] = ()

    def prepare(self, seconds: float, params: Optional[Mapping[str, Any]] = None) -> None:
        if self._arguments or params is not None and all(name in self.fields for name in params):
            return
        own = type(self).fields
        arguments: Dict[str, Argument] = {}
        of_lora: List[str] = []
        defaults = {**_OTHER_DEFAULTS, **self.other_defaults}
        for argument in arguments_of(self.trainer_class, seconds):
            if argument.name not in own and argument.name not in _NOT_ASKED[TRAINING_ARGUMENTS]:
                default = defaults.get(argument.name, argument.default)
                several = argument.type == "array" and isinstance(default, str)
                arguments[argument.name] = argument._replace(default=[default] if several else default)
        added = {name: argument.to_field(section_of(name), None) for name, argument in arguments.items()}
        only_lora = {"method": ["lora"]} if "method" in own else None
        curated = {"target_modules", "modules_to_save", "lora_alpha", "lora_dropout", "use_rslora", "use_dora"}
        for argument in arguments_of(LORA_CONFIG, seconds) if "lora_r" in own else ():
            if argument.name in curated or argument.name in _NOT_ASKED[LORA_CONFIG]:
                continue
            # LoraConfig has a lora_bias that is not the bias of the form.
            name = "peft_" + argument.name if argument.name in own or argument.name in added else argument.name
            arguments[name] = argument
            of_lora.append(name)
            added[name] = argument.to_field("adapter", only_lora)
        self._arguments, self._of_lora = arguments, of_lora
        self.fields = {**own, **added}  # type: ignore[misc]

    def fill(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """What differs from the classes' own defaults also stands in ``training_arguments`` and ``peft_arguments``."""
        filled = super().fill(params)
        if not self._arguments:
            return filled
        changed = {name: filled[name] for name, argument in self._arguments.items() if filled[name] != argument.default}
        trainer = {self._arguments[name].name: value for name, value in changed.items() if name not in self._of_lora}
        by_hand = filled.get("training_arguments")
        filled["training_arguments"] = {**trainer, **by_hand} if isinstance(by_hand, Mapping) else by_hand if by_hand is not None else trainer
        filled["peft_arguments"] = {self._arguments[name].name: value for name, value in changed.items() if name in self._of_lora}
        return filled
