"""The training process with a witness in it: ``witness.py RUN_FOLDER…`` carries out one run after the other, each as ``python -m trainyard.recipes run``
does, and writes what reached its trainer to ``witness.json`` in its folder. In one process, so that torch is imported once for all of them."""

import builtins
import functools
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

from recipe_runs import run_variables
from trainyard.recipes.runner import run

_found: Dict[str, Any] = {}
_wrapped: Set[str] = set()


def of_transformers(trainer: Any) -> Dict[str, Any]:
    model = trainer.accelerator.unwrap_model(trainer.model)
    rows, held_out = trainer.train_dataset, trainer.eval_dataset
    adapters = getattr(model, "peft_config", {})
    answers = [cell.cell_contents for cell in type(trainer).evaluation_loop.__closure__ or () if hasattr(cell.cell_contents, "max_new_tokens")]
    return {
        "arguments": trainer.args.to_dict(),
        "rows": len(rows),
        "eval_rows": None if held_out is None else len(held_out),
        "first": {name: shown(trainer.processing_class, value) for name, value in rows[0].items()},
        "longest": max(len(row.get("input_ids", ())) for row in rows),
        "masked": any(-100 in row.get("labels", ()) for row in rows),
        "model": model.config.to_dict(),
        "attention": model.config._attn_implementation,
        "parameter_type": str(next(model.parameters()).dtype),
        "spread": next(model.parameters()).float().std().item(),
        "tokens": len(trainer.processing_class),
        "tokenizer": trainer.processing_class.name_or_path,
        "adapter": adapters["default"].to_dict() if adapters else None,
        "answers": [(len(one.rows), one.max_new_tokens) for one in answers],
    }


def shown(tokenizer: Any, value: Any) -> Any:
    return tokenizer.decode(value) if isinstance(value, list) and value and all(isinstance(one, int) and one >= 0 for one in value) else value


def of_lightning(trainer: Any, module: Any, loaders: List[Any], datamodule: Any) -> Dict[str, Any]:
    import torch
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

    saves = [item for item in trainer.callbacks if isinstance(item, ModelCheckpoint)]
    return {
        "trainer": {
            **{name: getattr(trainer, name) for name in ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "limit_train_batches")},
            **{name: getattr(trainer, name) for name in ("log_every_n_steps", "val_check_interval", "check_val_every_n_epoch", "limit_val_batches")},
            **{name: getattr(trainer, name) for name in ("precision", "fast_dev_run", "num_sanity_val_steps")},
        },
        "accelerator": type(trainer.accelerator).__name__,
        "strategy": type(trainer.strategy).__name__,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "saves": [{name: getattr(item, name) for name in ("_every_n_train_steps", "save_top_k", "monitor", "mode")} for item in saves],
        "patience": [item.patience for item in trainer.callbacks if isinstance(item, EarlyStopping)],
        "module": made(module),
        "data": None if datamodule is None else made(datamodule),
        "forecast": of_forecast(module, *loaders) if loaders else None,
    }


def made(thing: Any) -> Dict[str, Any]:
    numbers = {name: value for name, value in vars(thing).items() if isinstance(value, int)}
    return {"class": type(thing).__name__, "file": inspect.getsourcefile(type(thing)), "hparams": dict(thing.hparams), "numbers": numbers}




def of_forecast(module: Any, training: Any, validation: Any) -> Dict[str, Any]:
    """Of the recipe ``forecast``: windows, network, loss and optimizer."""
    layers = module.net.layers.layers
    batch = next(iter(training))
    return {
        "batch": list(batch.windows.shape),
        "features": training._features.double().sum().item(),
        "targets": list(training._targets.shape),
        "target_sum": training._targets.nan_to_num().double().sum().item(),
        "ends": [training._ends.tolist(), validation._ends.tolist()],
        "width": module.net.embed.out_features,
        "layers": len(layers),
        "heads": layers[0].self_attn.num_heads,
        "dropout": layers[0].dropout.p,
        "objective": type(module.objective).__name__,
        "quantiles": list(getattr(module.objective, "quantiles", ())),
    }


def of_optimizer(trainer: Any) -> Dict[str, Any]:
    """After the training: the schedule has been made with the number of steps."""
    scheduler = trainer.lr_scheduler_configs[0].scheduler if trainer.lr_scheduler_configs else None
    kept = ("lr", "initial_lr", "weight_decay")
    return {
        "groups": [{name: group[name] for name in kept if name in group} for group in trainer.optimizers[0].param_groups],
        "factors": None if scheduler is None else [scheduler.lr_lambdas[0](step) for step in (0, 1, 2, 3)],
    }


def watch_transformers(module: Any) -> None:
    train = module.Trainer.train

    def observed(self: Any, *arguments: Any, **named: Any) -> Any:
        _found.update(of_transformers(self))
        return train(self, *arguments, **named)

    module.Trainer.train = observed


def watch_models(module: Any) -> None:
    load = module.AutoModelForCausalLM.from_pretrained

    def observed(name: str, **options: Any) -> Any:
        _found["loaded"] = {"name": str(name), **{key: str(value) for key, value in options.items()}}
        return load(name, **options)

    module.AutoModelForCausalLM.from_pretrained = observed


def watch_lightning(module: Any) -> None:
    make, fit = module.Trainer.__init__, module.Trainer.fit

    @functools.wraps(make)
    def observed_make(self: Any, **options: Any) -> None:
        _found["given"] = {name: options.get(name) for name in ("devices", "accelerator", "strategy")}
        make(self, **options)

    @functools.wraps(fit)
    def observed(self: Any, model: Any, *loaders: Any, **named: Any) -> Any:
        _found.update(of_lightning(self, model, list(loaders), named.get("datamodule")))
        fit(self, model, *loaders, **named)
        _found["optimizer"] = of_optimizer(self)

    module.Trainer.__init__, module.Trainer.fit = observed_make, observed


WATCHED: Dict[str, Callable[[Any], None]] = {
    "transformers.trainer": watch_transformers,
    "transformers.models.auto.modeling_auto": watch_models,
    "lightning.pytorch.trainer.trainer": watch_lightning,
}


def main(folders: List[str]) -> int:
    ordinary = builtins.__import__

    def noticing(*arguments: Any, **named: Any) -> Any:
        # The recipes set variables before they import their framework, so it cannot be imported here first.
        module = ordinary(*arguments, **named)
        for name, watch in WATCHED.items():
            loaded = sys.modules.get(name)
            if loaded is not None and name not in _wrapped and not getattr(loaded.__spec__, "_initializing", False):
                _wrapped.add(name)
                watch(loaded)
        return module

    builtins.__import__ = noticing
    for folder in folders:
        os.environ.update(run_variables(Path(folder), 1))
        _found.clear()
        status = run(folder)
        _found["threads"] = os.environ.get("OMP_NUM_THREADS")
        (Path(folder) / "witness.json").write_text(json.dumps(_found, default=lambda value: sorted(value) if isinstance(value, set) else str(value)))
        if status != 0:
            print("{} ended with {}".format(folder, status), file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
