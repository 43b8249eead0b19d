"""A LightningModule and a LightningDataModule for the recipe `lightning`: a small network learns which side of a circle a point is on."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class CircleData(L.LightningDataModule):
    def __init__(self, points=512, batch_size=32, seed=0):
        super().__init__()
        self.points, self.batch_size, self.seed = points, batch_size, seed

    def setup(self, stage):
        generator = torch.Generator().manual_seed(self.seed)
        inputs = torch.rand(self.points, 2, generator=generator) * 2 - 1
        targets = (inputs.square().sum(1) < 0.6).float()
        split = self.points // 8
        self.held_out = TensorDataset(inputs[:split], targets[:split])
        self.rows = TensorDataset(inputs[split:], targets[split:])

    def train_dataloader(self):
        return DataLoader(self.rows, self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.held_out, self.batch_size)


class CircleModel(L.LightningModule):
    def __init__(self, width=32, learning_rate=1e-2):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))

    def training_step(self, batch, index):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        inputs, targets = batch
        self.log("val_loss", self.loss(batch))
        self.log("val_accuracy", ((self.net(inputs).squeeze(1) > 0) == (targets > 0.5)).float().mean())

    def loss(self, batch):
        inputs, targets = batch
        return nn.functional.binary_cross_entropy_with_logits(self.net(inputs).squeeze(1), targets)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate)
