"""One of the live runs that the server's memory is measured with: ten metrics, so many steps a second, until it is asked to stop. Ends by saying how many steps it logged."""

import argparse
import math
import time

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--metrics", type=int, required=True)
parser.add_argument("--per-second", type=float, required=True)
options = parser.parse_args()

run = trainyard.init()
begin = time.monotonic()
step = 0
while not run.should_stop():
    step += 1
    run.log({"metric/%d" % index: math.sin(step / 50 + index) + index for index in range(options.metrics)}, step=step)
    if step % 20 == 0:
        print("step %d" % step, flush=True)
    # By the plan, not after the last step: a machine that was busy for a while is caught up with.
    time.sleep(max(0.0, begin + step / options.per_second - time.monotonic()))
run.finish()
print("logged %d steps" % step, flush=True)
