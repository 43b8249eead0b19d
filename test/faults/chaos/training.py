"""
The training of the fault suite: logs points and prints lines as fast as told, and writes down in a journal of its own what it did.

The journal is the truth that the run server is measured against. It shares nothing with the SDK: one JSON object per line, each put on
disk (fdatasync) before the training goes on, and written after what it tells of: a step in the journal was logged and printed.

    {"event": "start",  "time": s, "pid": n}
    {"event": "step",   "time": s, "step": n, "line": text, "values": {"loss": x, "square": x}}    NaN and infinities as text
    {"event": "ending", "time": s, "how": text}      the next thing it does is to end
    {"event": "ended",  "time": s, "how": text}      finish() has returned
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--journal", required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--seconds-per-step", type=float, required=True)
parser.add_argument("--end", choices=["complete", "raise", "exit", "hard-exit"], required=True)
parser.add_argument("--deaf", action="store_true", help="never looks for a stop and ignores SIGTERM")
parser.add_argument("--child", action="store_true", help="has a worker process that would outlive it")
parser.add_argument("--gloo", action="store_true", help="one of torchrun's ranks: they meet at every step")
parser.add_argument("--ranks", type=int, default=1, help="start so many processes of this script, as torchrun does")
options = parser.parse_args()


def launch_ranks() -> int:
    """As torchrun: each rank in a session of its own; when one fails the others are ended and the launcher fails."""
    arguments = [argument for argument in sys.argv if not argument.startswith("--ranks")]
    ranks = []
    for rank in range(options.ranks):
        environment = dict(os.environ, RANK=str(rank), WORLD_SIZE=str(options.ranks))
        ranks.append(subprocess.Popen([sys.executable] + arguments, env=environment, start_new_session=True))
    while True:
        codes = [process.poll() for process in ranks]
        if all(code == 0 for code in codes):
            return 0
        if any(code not in (None, 0) for code in codes):
            for process in ranks:
                process.kill()
            return 1
        time.sleep(0.02)


if options.ranks > 1:
    sys.exit(launch_ranks())

import trainyard  # noqa: E402: the launcher of ranks needs none of it

if options.gloo:
    import torch
    import torch.distributed

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")


def any_rank(wish):
    """Does any rank wish it? All of them get the same answer, so that none waits for one that has left."""
    if not options.gloo:
        return wish
    sum_of_wishes = torch.tensor([1.0 if wish else 0.0])
    torch.distributed.all_reduce(sum_of_wishes)
    return sum_of_wishes.item() > 0

rank = int(os.environ.get("RANK", "0"))
if options.deaf:
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
journal = os.open(options.journal if rank == 0 else os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def note(event, **fields):
    record = {"event": event, "time": time.time()}
    record.update(fields)
    os.write(journal, (json.dumps(record) + "\n").encode("utf-8"))
    if rank == 0:
        os.fdatasync(journal)


def written(value):
    """A number as the journal has it: JSON knows no NaN."""
    return value if math.isfinite(value) else ("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")


def value_of(step):
    if step % 37 == 0:
        return math.nan
    return math.inf if step % 53 == 0 else 1.0 / step


note("start", pid=os.getpid())
if options.child:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
run = trainyard.init()
run.plan(max_steps=options.steps)
if not options.deaf:
    run.should_stop()

how = options.end
for step in range(1, options.steps + 1):
    values = {"loss": value_of(step), "square": float(step * step)}
    line = "rank %d step %d: ü%s" % (rank, step, "." * (step % 50))
    if rank == 0:
        print(line)
    run.log(values, step=step)
    note("step", step=step, line=line, values={name: written(value) for name, value in values.items()})
    time.sleep(options.seconds_per_step)
    if any_rank(not options.deaf and run.should_stop()):
        how = "stopped"
        break

note("ending", how=how)
if how == "raise":
    raise RuntimeError("the training was told to fail")
if how == "exit":
    sys.exit(3)
if how == "hard-exit":
    os._exit(3)
run.finish()
if options.gloo:
    torch.distributed.destroy_process_group()
note("ended", how=how)
