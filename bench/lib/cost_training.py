"""
The training of the benchmark `cost`: a small network on one thread of the processor, trained in stretches on demand.

Connects to the port that it is given, says the name that it is given, and answers each line `<steps>` with {"wall": s, "cpu": s}, the time of that many steps. With `--log` every
step is logged with ten metrics; without it the SDK is not even imported. Everything else is the same: the loss is read, lines are printed.
A few steps before each stretch do not count: whoever had the processor before has left its data in the caches.
"""

import json
import socket
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)

log = None
if "--log" in sys.argv:
    import trainyard

    trainyard.init()
    log = trainyard.log

model = torch.nn.Sequential(torch.nn.Linear(128, 256), torch.nn.GELU(), torch.nn.Linear(256, 256), torch.nn.GELU(), torch.nn.Linear(256, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
WARM_STEPS = 3
inputs = torch.randn(4096, 128)
targets = torch.randint(0, 10, (4096,))
step = 0


def train(steps):
    global step
    for _ in range(steps):
        step += 1
        start = step * 256 % 4096
        loss = torch.nn.functional.cross_entropy(model(inputs[start : start + 256]), targets[start : start + 256])
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        metrics = {"train/loss": loss.item(), "train/grad_norm": norm.item(), "train/lr": 1e-3}
        for index in range(7):
            metrics["train/more_%d" % index] = step * 0.5 + index
        if log is not None:
            log(metrics, step)
        if step % 10 == 0:
            print("step %d loss %.4f" % (step, metrics["train/loss"]), flush=True)


with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    orders = connection.makefile("r")
    connection.sendall(sys.argv[2].encode() + b"\n")
    for order in orders:
        train(WARM_STEPS)
        wall, cpu = time.perf_counter(), time.process_time()
        train(int(order))
        answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        connection.sendall(json.dumps(answer).encode() + b"\n")
