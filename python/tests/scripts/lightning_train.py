"""A script that uses Lightning and imports nothing of Trainyard. Arguments: root folder [max_epochs] [checkpoint]."""

import importlib
import os
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset

# Two packages, one framework: their classes are not the same.
pl = importlib.import_module(os.environ.get("LIGHTNING_PACKAGE", "lightning.pytorch"))


class Line(pl.LightningModule):
    def __init__(self, width=8, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


root = sys.argv[1]
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.linspace(-1, 1, 40).unsqueeze(1)
data = DataLoader(TensorDataset(x, 2 * x + 1), batch_size=4)
trainer = pl.Trainer(
    max_epochs=epochs,
    default_root_dir=root,
    accelerator="cpu",
    devices=1,
    log_every_n_steps=2,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(Line(), data, data, ckpt_path=sys.argv[3] if len(sys.argv) > 3 else None)
