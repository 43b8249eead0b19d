"""Writes finished runs with the logging SDK: many_runs.py STORE RUNS POINTS. Each logs `loss`, a falling curve with its own noise."""

import math
import random
import sys

import trainyard

store, runs, points = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(runs):
    rng = random.Random(number)
    noise = [rng.gauss(0, 0.02) for _ in range(4096)]
    run = trainyard.init(project="bench", name="run %d" % number, params={"seed": number, "lr": rng.random()}, store=store)
    for step in range(points):
        run.log({"loss": math.exp(-5 * step / points) + 0.3 * number / runs + noise[(step * 31) & 4095]}, step=step)
    run.finish()
