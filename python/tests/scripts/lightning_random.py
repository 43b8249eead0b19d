"""A Lightning script whose losses hang on everything random: shuffled data, dropout, noise. Arguments: root folder, losses file, max_epochs."""

import json
import sys

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset


class Noisy(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
        self.losses = {}

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.net(x + 0.1 * torch.randn_like(x)), y)
        self.log("train_loss", loss)
        self.losses[self.global_step + 1] = loss.item()
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]


root, losses, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
lightning.seed_everything(0)
torch.set_num_threads(1)
x = torch.linspace(-1, 1, 40).unsqueeze(1)
trainer = lightning.Trainer(
    max_epochs=epochs,
    default_root_dir=root,
    accelerator="cpu",
    devices=1,
    log_every_n_steps=1,
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    callbacks=[ModelCheckpoint(dirpath=root, filename="at-{step}", every_n_train_steps=1, save_top_k=-1)],
)
model = Noisy()
trainer.fit(model, DataLoader(TensorDataset(x, 2 * x + 1), batch_size=4, shuffle=True))
with open(losses, "w", encoding="utf-8") as file:
    json.dump(model.losses, file)
