"""An ordinary Lightning script. It imports nothing of Trainyard and writes down the losses it computed."""

import argparse
import json
import time

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--output", default="out")
parser.add_argument("--truth", default="truth.json")
parser.add_argument("--save-steps", type=int, default=5)
parser.add_argument("--seconds-per-step", type=float, default=0)
parser.add_argument("--no-logger", action="store_true")
options = parser.parse_args()


class Line(lightning.LightningModule):
    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)
        self.losses: list[float] = []

    def training_step(self, batch, _index):
        time.sleep(options.seconds_per_step)
        inputs, targets = batch
        loss = torch.nn.functional.mse_loss(self.layer(inputs), targets)
        self.log("train_loss", loss)
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.learning_rate)


lightning.seed_everything(0)
inputs = torch.randn(64, 4)
targets = inputs.sum(dim=1, keepdim=True)
model = Line(learning_rate=0.05)
trainer = lightning.Trainer(
    max_steps=options.steps,
    log_every_n_steps=1,
    accelerator="cpu",
    default_root_dir=options.output,
    logger=not options.no_logger,
    enable_progress_bar=False,
    callbacks=[ModelCheckpoint(dirpath=options.output, every_n_train_steps=options.save_steps, save_top_k=-1)],
)
trainer.fit(model, DataLoader(TensorDataset(inputs, targets), batch_size=8, shuffle=True))
with open(options.truth, "w") as file:
    json.dump(model.losses, file)
