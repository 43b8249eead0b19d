"""Every field of the form reaches what it is about: read back from the data, the model, the optimizer and the Trainer."""

from pathlib import Path
from typing import Any, Callable, Dict

import pytest
import torch
from candle_files import START, filled
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from test_look_ahead import candles_of
from trainyard.forecast.demo import synthetic_candles
from trainyard.forecast.timeframes import HOUR
from trainyard.forecast.training import make_callbacks, make_loader, make_module, make_trainer
from trainyard.forecast.windows import make_data
from trainyard.recipes.forecast import Forecast

ROWS = list(synthetic_candles(500, 6, HOUR, START, gaps=4))


class Built:
    """What the training is made of, for some params."""

    def __init__(self, folder: Path, params: Dict[str, Any]) -> None:
        self.params = params
        self.data = make_data(candles_of(ROWS), params)
        self.module = make_module(self.data, params)
        self.callbacks = make_callbacks(folder / "checkpoints", params)
        self.trainer = make_trainer(folder, params, self.callbacks)
        self.loader = make_loader(self.data, "train", params, params["batch_size"])
        saves = [item for item in self.callbacks if isinstance(item, ModelCheckpoint)]
        self.saves, self.best = saves[0], saves[1:]

    @property
    def features(self) -> Any:
        return self.data.names, torch.from_numpy(self.data.features).nan_to_num().sum().item()

    def optimizer(self) -> Any:
        """What ``fit`` would ask for, without a fit: the Trainer needs the module and the loader to count steps."""
        self.module.trainer = self.trainer
        self.trainer.fit_loop.max_batches = 10
        self.trainer.fit_loop._combined_loader = None
        self.trainer.fit_loop._data_source.instance = self.loader
        return self.module.configure_optimizers()


def factors(built: Built) -> Any:
    return [built.optimizer()["lr_scheduler"]["scheduler"].lr_lambdas[0](step) for step in (0, 3, 12)]


#: Field → another value than the default, and where it shows.
READ_BACK: Dict[str, Any] = {
    "timeframes": (["4h"], lambda b: b.data.plan.primary),
    "gaps": ("split", lambda b: len(b.data.plan.train)),
    "use_volume": (False, lambda b: b.data.names),
    "indicators": (["rsi"], lambda b: b.data.names),
    "calendar_features": (False, lambda b: b.data.names),
    "window": (12, lambda b: next(iter(b.loader)).windows.shape[1]),
    **{name: (5, lambda b: b.features) for name in ("rsi_period", "macd_fast", "macd_signal", "atr_period", "bb_period", "obv_period")},
    "macd_slow": (20, lambda b: b.features),
    "bb_width": (1.0, lambda b: b.data.scales.feature_mean.sum()),
    "ema_periods": ([7], lambda b: b.data.names),
    "sma_periods": ([7], lambda b: b.data.names),
    "d_model": (32, lambda b: b.module.net.embed.out_features),
    "n_layers": (2, lambda b: len(b.module.net.layers.layers)),
    "n_heads": (4, lambda b: b.module.net.layers.layers[0].self_attn.num_heads),
    "dropout": (0.3, lambda b: b.module.net.layers.layers[0].dropout.p),
    "loss": ("mse", lambda b: type(b.module.objective)),
    "quantiles": ([0.25, 0.5], lambda b: getattr(b.module.objective, "quantiles", None)),
    "horizon_next": (3, lambda b: b.data.plan.target_bars[0][0]),
    "horizon_short": ("2h", lambda b: b.data.targets.shape),
    "horizon_long": ("8h", lambda b: b.data.targets.shape),
    "max_epochs": (7, lambda b: b.trainer.max_epochs),
    "max_steps": (9, lambda b: b.trainer.max_steps),
    "batch_size": (5, lambda b: len(next(iter(b.loader)).at)),
    "learning_rate": (0.02, lambda b: b.optimizer()["optimizer"].defaults["lr"]),
    "weight_decay": (0.2, lambda b: b.optimizer()["optimizer"].defaults["weight_decay"]),
    "lr_scheduler_type": ("linear", factors),
    "warmup_fraction": (0.5, factors),
    "gradient_clip_val": (0.3, lambda b: b.trainer.gradient_clip_val),
    "early_stopping_patience": (2, lambda b: [item.patience for item in b.callbacks if isinstance(item, EarlyStopping)]),
    "val_fraction": (0.4, lambda b: len(b.data.plan.val)),
    "test_fraction": (0.2, lambda b: len(b.data.plan.test)),
    "embargo_bars": (9, lambda b: max(b.data.plan.train)),
    "log_every_n_steps": (3, lambda b: b.trainer.log_every_n_steps),
    "val_check_interval": (0.25, lambda b: b.trainer.val_check_interval),
    "checkpoint_every_n_steps": (4, lambda b: b.saves._every_n_train_steps),
    "save_top_k": (2, lambda b: b.saves.save_top_k),
    "keep_best": (False, lambda b: len(b.best)),
    "precision": ("bf16-mixed", lambda b: b.trainer.precision),
    "deterministic": (True, lambda b: torch.are_deterministic_algorithms_enabled()),
}
#: Read elsewhere: by the reader of the file (test_candles), by Lightning's choice of a device, and in the environment of the process.
ELSEWHERE = {"data_file", "columns", "timestamp_format", "accelerator", "omp_threads"}


def test_the_table_is_complete() -> None:
    assert set(READ_BACK) | ELSEWHERE == set(Forecast.fields)


@pytest.mark.parametrize("name", list(READ_BACK))
def test_a_field_reaches_what_it_is_about(tmp_path: Path, name: str) -> None:
    value, read = READ_BACK[name]
    base = {"log_every_n_steps": 1, "loss": "quantile" if name == "quantiles" else "gaussian_nll"}
    before_params, after_params = filled(**base), filled(**{**base, name: value})
    assert before_params[name] != value
    reader: Callable[[Built], Any] = read
    try:
        before = reader(Built(tmp_path, before_params))
        after = reader(Built(tmp_path, after_params))
    finally:
        torch.use_deterministic_algorithms(False)
    assert before != after
