"""A script of its own that writes to TensorBoard. Argument: log folder."""

import sys

from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter(sys.argv[1])
for step in range(1, 11):
    writer.add_scalar("loss", 1 / step, step)
    writer.add_scalars("acc", {"train": step / 10, "val": step / 20}, global_step=step)
writer.add_hparams({"lr": 0.1}, {"best": 0.5})
writer.close()
