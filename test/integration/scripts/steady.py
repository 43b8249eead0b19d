"""Logs a point and prints a line per step, as fast as told: what must survive the death of the server."""

import argparse
import time

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--seconds-per-step", type=float, default=0.05)
options = parser.parse_args()

run = trainyard.init(params={"steps": options.steps})
run.plan(max_steps=options.steps)
for step in range(1, options.steps + 1):
    print(f"step {step} of {options.steps}")
    run.log({"loss": 1 / step, "square": step * step}, step=step)
    time.sleep(options.seconds_per_step)
run.finish()
