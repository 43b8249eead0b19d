"""One of the runs that the benchmarks `live` and `delivery` watch: each value of ``sent_at`` is the time of the call that logged it, in ms since the epoch."""

import sys
import time

import trainyard

PER_SECOND = 20

run = trainyard.init()
for step in range(int(sys.argv[1]) * PER_SECOND):
    run.log({"sent_at": time.time() * 1e3, "loss": 1 / (step + 1)}, step=step)
    time.sleep(1 / PER_SECOND)
