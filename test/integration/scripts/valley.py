"""A loss that is least at x = 2 and falls with each step; what a search has to find, and a pruner to leave alone."""

import argparse
import time

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float, default=1.0)
parser.add_argument("--kind", default="plain")
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--pause", type=float, default=0.0)
options = parser.parse_args()

run = trainyard.init(params=vars(options))
run.plan(max_steps=options.steps)
for step in range(1, options.steps + 1):
    run.log({"loss": (options.x - 2) ** 2 + 1 / step}, step=step)
    # The farther from the valley, the slower: what should be ended early lives long enough for it on any machine.
    time.sleep(options.pause * abs(options.x - 2))
    if run.should_stop():
        break
run.finish()
