"""A LightningCLI as users write it. It says what it was given and trains nothing."""

import json
from typing import List, Optional

from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningCLI


class Base(LightningModule):
    def __init__(self, width: int = 8, layers: Optional[List[int]] = None, rate: float = 1e-3, fast: bool = False, *, name: str) -> None:
        super().__init__()
        self.given = {"width": width, "layers": layers, "rate": rate, "fast": fast, "name": name}


class Model(Base):
    pass


class Data(LightningDataModule):
    def __init__(self, path: str, batch=4) -> None:
        super().__init__()
        self.given = {"path": path, "batch": batch}


class Report(Trainer):
    def fit(self, model, datamodule=None, **kwargs):
        print(json.dumps({**model.given, **datamodule.given, "max_steps": self.max_steps, "fast_dev_run": self.fast_dev_run}))


if __name__ == "__main__":
    LightningCLI(Model, Data, trainer_class=Report)
