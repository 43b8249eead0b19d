"""TensorBoard's side of the benchmark `tensorboard`: writes an event file, reads it with TensorBoard's own EventAccumulator.

``write VALUES FOLDER ROWS NAME...``: VALUES holds ROWS rows of float64, one value per NAME. ``read FOLDER`` prints what reading took.
"""

import array
import json
import os
import sys
import time


def write(values_file, folder, rows, names):
    """One event per scalar, as SummaryWriter.add_scalar writes it."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    values = array.array("d")
    with open(values_file, "rb") as source:
        values.fromfile(source, rows * len(names))
    with open(os.path.join(folder, "events.out.tfevents.1700000000.bench"), "wb") as target:
        writer = RecordWriter(target)
        writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        at = 0
        for step in range(rows):
            for name in names:
                summary = Summary(value=[Summary.Value(tag=name, simple_value=values[at])])
                writer.write(Event(wall_time=1.7e9 + step, step=step, summary=summary).SerializeToString())
                at += 1
        writer.flush()


def read(folder):
    """Loads every scalar and prints {"wall", "cpu"} in ms and the number of points."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    wall, cpu = time.perf_counter(), time.process_time()
    accumulator = EventAccumulator(folder, size_guidance={SCALARS: 0})
    accumulator.Reload()
    points = sum(len(accumulator.Scalars(name)) for name in accumulator.Tags()["scalars"])
    taken = {"wall": (time.perf_counter() - wall) * 1e3, "cpu": (time.process_time() - cpu) * 1e3, "points": points}
    print(json.dumps(taken))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
    else:
        read(sys.argv[2])
