"""A training loop without a framework, which goes on by itself from the checkpoint that the run names."""

import argparse
import json
import os
import time

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--never-asks", action="store_true")
options = parser.parse_args()

run = trainyard.init()
weight, first = 0.0, 0
if not options.never_asks and run.resume_from:
    with open(run.resume_from.path, encoding="utf-8") as file:
        weight = json.load(file)["weight"]
    first = run.resume_from.step
run.plan(max_steps=options.steps, first_step=first)
for step in range(first + 1, options.steps + 1):
    weight += 0.1 * (1.0 - weight)
    run.log({"train/loss": (1.0 - weight) * (1.0 - weight)}, step=step)
    time.sleep(0.02)
    stopping = run.should_stop()
    if stopping or step == options.steps:
        path = os.path.join(run.checkpoint_dir, f"checkpoint-{step}.json")
        os.makedirs(run.checkpoint_dir, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"weight": weight}, file)
        run.log_checkpoint(path, step, final=stopping)
    if stopping:
        break
