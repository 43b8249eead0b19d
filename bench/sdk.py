"""
What one call of the logging SDK costs in the training loop, beside an empty function, a bare deque.append and torch's SummaryWriter.

Every call is timed by itself; the loggers take turns in short rounds, so that whatever else the machine does meets all of them; the
number is the mean over the middle half of the rounds' medians (one median is a whole number of the clock's ticks, 10 ns on many
machines, which is coarse beside 60). It is given as measured (the timer is in it, for the empty function too) and without
the timer; the targets are held against the first, as in the measurements that they come from.
"""

import gc
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from time import perf_counter_ns as clock

ROUNDS = 24
CALLS = 2_000
SLOW_CALLS = 60
MOST_EMPTY = 2.5
LEAST_WRITER = 20.0


def empty(metrics, step=None):
    pass


def p50(call, metrics, calls, first_step):
    """Median nanoseconds of one call, timer included."""
    times = []
    keep = times.append
    for step in range(first_step, first_step + calls):
        started = clock()
        call(metrics, step)
        keep(clock() - started)
    return statistics.median(times)


def timer(calls):
    times = []
    keep = times.append
    for _ in range(calls):
        started = clock()
        keep(clock() - started)
    return statistics.median(times)


def main():
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        sys.exit("bench sdk compares with torch's SummaryWriter, and this Python lacks it: %s\n%s" % (error, sys.executable))
    import trainyard

    folder = tempfile.mkdtemp(prefix="trainyard-bench-")
    for name in list(os.environ):
        if name.startswith("TRAINYARD_"):
            del os.environ[name]
    run = trainyard.init(store=folder, name="bench")
    writer = SummaryWriter(os.path.join(folder, "tensorboard"))
    bare = deque(maxlen=CALLS).append

    def append(metrics, step):
        bare(metrics)

    def add_scalars(metrics, step):
        for name, value in metrics.items():
            writer.add_scalar(name, value, step)

    log = trainyard.log
    rows = {1: {"loss": 0.25}, 10: {"metric%d" % index: index * 0.1 for index in range(10)}}
    loggers = [("empty function", empty, CALLS), ("deque.append", append, CALLS)]
    loggers += [("trainyard.log", log, CALLS), ("SummaryWriter.add_scalar", add_scalars, SLOW_CALLS)]

    # The first rows go the careful way; the drain thread then finds nothing but plain numbers.
    for metrics in rows.values():
        log(metrics, 0)
        add_scalars(metrics, 0)
    time.sleep(0.3)

    measured = {(name, count): [] for name, _, _ in loggers for count in rows}
    timers = []
    step = 1
    for _ in range(ROUNDS):
        timers.append(timer(CALLS))
        for count, metrics in rows.items():
            for name, call, calls in loggers:
                gc.collect()
                measured[name, count].append(p50(call, metrics, calls, step))
            run.flush()
            step += CALLS
    run.finish()
    writer.close()
    written = rows_written(run.dir)
    shutil.rmtree(folder, ignore_errors=True)
    report(measured, middle(timers), rows, step - 1 + len(rows), written)


def middle(values):
    """Mean of the middle half."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return statistics.fmean(ordered[quarter : len(ordered) - quarter])


def report(measured, timer_ns, rows, logged, written):
    medians = {key: middle(times) for key, times in measured.items()}
    print("Nanoseconds per call (p50, %d rounds); the timer alone takes %.0f." % (ROUNDS, timer_ns))
    print("%-26s %8s %12s %12s %14s" % ("", "metrics", "as measured", "x empty", "without timer"))
    for (name, count), value in medians.items():
        ratio = value / medians["empty function", count]
        print("%-26s %8d %12.0f %12.2f %14.0f" % (name, count, value, ratio, max(0.0, value - timer_ns)))

    result = {"bench": "sdk", "python": sys.version.split()[0], "timer_ns": round(timer_ns, 1), "rows_written": written}
    failures = []
    for count in rows:
        ours, nothing = medians["trainyard.log", count], medians["empty function", count]
        theirs = medians["SummaryWriter.add_scalar", count]
        result["metrics_%d" % count] = {
            "empty_ns": round(nothing, 1),
            "log_ns": round(ours, 1),
            "summary_writer_ns": round(theirs, 1),
            "log_over_empty": round(ours / nothing, 3),
            "log_over_empty_without_timer": round((ours - timer_ns) / max(1.0, nothing - timer_ns), 3),
            "summary_writer_over_log": round(theirs / ours, 1),
        }
        if ours > MOST_EMPTY * nothing:
            failures.append("log with %d metrics costs %.2f x an empty function (at most %g)" % (count, ours / nothing, MOST_EMPTY))
        if theirs < LEAST_WRITER * ours:
            failures.append("SummaryWriter with %d metrics costs only %.1f x log (at least %g)" % (count, theirs / ours, LEAST_WRITER))
    if written != ROUNDS * CALLS * len(rows) + len(rows):
        failures.append("%d rows were logged and %d written" % (logged, written))
    for failure in failures:
        print("MISSED: " + failure)
    result["ok"] = not failures
    print(json.dumps(result))
    sys.exit(1 if failures else 0)


def rows_written(run_dir):
    """Rows in the metric file: a cheap call that loses rows would be no call at all."""
    from trainyard._metric_file import MetricFile

    file = MetricFile(os.path.join(run_dir, "attempts", "1", "metrics.bin"))
    file.close()
    return file.rows_found


if __name__ == "__main__":
    main()
