"""Does with the real SDK what the cases say, one run per case; the clock is the case's own, and nothing is written but where it says flush."""

import json
import os
import struct
import sys

import trainyard
from trainyard import _drain, _hot, _report

CLOCK = [0.0]


class _Time:
    @staticmethod
    def time():
        return CLOCK[0]


def value(tagged):
    (kind, content), = tagged.items()
    if kind == "float":
        return struct.unpack("<d", bytes.fromhex(content))[0]
    if kind == "int":
        return int(content)
    if kind == "object":
        return {name: value(item) for name, item in content}
    if kind == "list":
        return [value(item) for item in content]
    return content  # text, bool, null


def play(case, folder):
    os.makedirs(os.path.join(folder, "attempts", "1"))
    os.environ.update(TRAINYARD_RUN_DIR=folder, TRAINYARD_ATTEMPT="1", TRAINYARD_RUN_ID=os.path.basename(folder))
    CLOCK[0] = 1.0
    run = trainyard.init()
    for call in case:
        CLOCK[0] = value(call["time"])
        name, arguments = call["call"], [value(argument) for argument in call["arguments"]]
        if name == "checkpoint":
            run.log_checkpoint(arguments[0], arguments[1], kind="weights", metrics=arguments[2], final=arguments[3])
        elif name == "plan":
            run.plan(max_steps=arguments[0], max_epochs=arguments[1], first_step=arguments[2])
        elif name == "finish":
            run.finish(arguments[0], arguments[1])
        else:
            getattr(run, name)(*arguments)


if __name__ == "__main__":
    _drain.INTERVAL_SECONDS = 1e6
    _drain._DROPPED_BEAT_SECONDS = 0.0
    _hot._time = _Time.time
    _report.time = _Time
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    for number, one in enumerate(cases):
        play(one, os.path.join(sys.argv[2], "run_%017d" % number))
