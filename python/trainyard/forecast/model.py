"""A transformer encoder over a window of bars, and its training step by step."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Mapping

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from trainyard.forecast.loader import Batch, Progress
from trainyard.forecast.losses import Objective, make_objective
from trainyard.forecast.metrics import measures
from trainyard.forecast.windows import Scales

#: Names of the buffers that hold what the data was scaled with.
SCALE_NAMES = ("feature_mean", "feature_scale", "target_scale")


class Encoder(nn.Module):
    """(batch, window, features) → (batch, horizons, parameters), from the state at the newest bar."""

    def __init__(self, features: int, horizons: int, parameters: int, params: Mapping[str, Any]) -> None:
        super().__init__()
        width = params["d_model"]
        self.embed = nn.Linear(features, width)
        self.register_buffer("positions", positions(params["window"], width), persistent=False)
        layer = nn.TransformerEncoderLayer(
            width, params["n_heads"], 4 * width, params["dropout"], activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, params["n_layers"], norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, horizons * parameters)
        self._shape = (horizons, parameters)
        # A start at "no change with the usual spread": the first steps then learn, and do not first unlearn a random forecast.
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, windows: Tensor) -> Tensor:
        states = self.layers(self.embed(windows) + self.positions)
        return self.head(states[:, -1]).unflatten(-1, self._shape)


class Forecaster(lightning.LightningModule):
    """``metrics`` are logged as train_… and val_…; forecasts leave it as log returns."""

    def __init__(self, features: int, horizons: List[str], params: Mapping[str, Any], scales: Scales) -> None:
        super().__init__()
        self.objective: Objective = make_objective(params["loss"], params["quantiles"])
        self.net = Encoder(features, len(horizons), self.objective.parameters, params)
        for name in SCALE_NAMES:
            self.register_buffer(name, torch.tensor(getattr(scales, name), dtype=torch.float32))
        self.progress = Progress()
        self._horizons = horizons
        self._params = params
        self._random_state: Dict[str, Any] = {}
        self._measured: List[Dict[str, np.ndarray[Any, Any]]] = []

    # ---- one step ----

    def training_step(self, batch: Batch, index: int) -> Tensor:
        # Likelihoods are taken in full precision, whatever the layers ran in.
        loss = self.objective.loss(self.net(batch.windows).float(), batch.targets)
        self.log("train_loss", loss, batch_size=len(batch.at))
        self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"], batch_size=len(batch.at))
        # Here and not in a hook: checkpoints are written by callbacks, whose hooks come first.
        self.progress.batches += 1
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        output = self.net(batch.windows).float()
        self.log("val_loss", self.objective.loss(output, batch.targets), on_epoch=True, batch_size=len(batch.at))
        rows = {"predicted": self.objective.point(output), "actual": batch.targets}
        self._measured.append({name: (value * self.target_scale).double().cpu().numpy() for name, value in rows.items()})

    def on_validation_epoch_start(self) -> None:
        self._measured = []

    def on_validation_epoch_end(self) -> None:
        predicted, actual = (np.concatenate([row[name] for row in self._measured]) for name in ("predicted", "actual"))
        for name, value in all_measures(predicted, actual, self._horizons).items():
            self.log("val_" + name, value)

    def forecast(self, batch: Batch) -> Dict[str, np.ndarray[Any, Any]]:
        """``predicted`` and what is known of its uncertainty in log returns, each (batch, horizons)."""
        output = self.net(batch.windows.to(self.device))
        found = {"predicted": self.objective.point(output), **self.objective.spread(output)}
        unscaled = {name: value if name == "degrees_of_freedom" else value * self.target_scale for name, value in found.items()}
        return {name: value.double().cpu().numpy() for name, value in unscaled.items()}

    # ---- optimizer ----

    def configure_optimizers(self) -> Any:
        params = self._params
        optimizer = torch.optim.AdamW(self.parameters(), lr=params["learning_rate"], weight_decay=params["weight_decay"])
        total = max(1, int(self.trainer.estimated_stepping_batches))
        warmup = round(total * params["warmup_fraction"])
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule(params["lr_scheduler_type"], warmup, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """A continued run: its own learning rate and weight decay hold from its first step, at the place of the schedule that was reached."""
        params = self._params
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["weight_decay"] = params["weight_decay"]
                group["initial_lr"] = params["learning_rate"]
        for config in self.trainer.lr_scheduler_configs:
            scheduler = config.scheduler
            scheduler.base_lrs = [params["learning_rate"]] * len(scheduler.base_lrs)
            for group, factor in zip(scheduler.optimizer.param_groups, scheduler.lr_lambdas):
                group["lr"] = params["learning_rate"] * factor(scheduler.last_epoch)
        if self._random_state:
            torch.set_rng_state(self._random_state["cpu"])
            if torch.cuda.is_available() and self._random_state["cuda"]:
                torch.cuda.set_rng_state_all(self._random_state["cuda"])
            self._random_state = {}

    # ---- checkpoints ----

    def on_save_checkpoint(self, checkpoint: Dict[str, Any]) -> None:
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        checkpoint["forecast"] = {
            "batches": self.progress.batches,
            "random_state": {"cpu": torch.get_rng_state(), "cuda": cuda},
        }

    def on_load_checkpoint(self, checkpoint: Dict[str, Any]) -> None:
        own = checkpoint["forecast"]
        self.progress.batches = own["batches"]
        self._random_state = own["random_state"]


def all_measures(predicted: np.ndarray[Any, Any], actual: np.ndarray[Any, Any], horizons: List[str]) -> Dict[str, float]:
    """``rmse``, ``f1`` and ``directional_accuracy``, as means over the horizons and, with several, of each (``rmse/next``). Arrays: (windows, horizons)."""
    each = {name: measures(predicted[:, at], actual[:, at]) for at, name in enumerate(horizons)}
    found = {name: float(np.mean([values[name] for values in each.values()])) for name in ("rmse", "directional_accuracy", "f1")}
    if len(horizons) > 1:
        found.update({"{}/{}".format(name, horizon): value for horizon, values in each.items() for name, value in values.items()})
    return found


def positions(window: int, width: int) -> Tensor:
    """Sines and cosines of the place in the window, (window, width)."""
    place = torch.arange(window).unsqueeze(1)
    pace = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    table = torch.zeros(window, width)
    table[:, 0::2] = torch.sin(place * pace)
    table[:, 1::2] = torch.cos(place * pace)[:, : width // 2]
    return table


def schedule(kind: str, warmup: int, total: int) -> Callable[[int], float]:
    """The factor of the learning rate at each step: a linear rise over ``warmup`` steps, then ``constant``, ``linear`` or ``cosine`` until ``total``."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if kind == "constant":
            return 1.0
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        return 1.0 - done if kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))

    return factor
