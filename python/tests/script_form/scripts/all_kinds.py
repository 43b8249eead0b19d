"""Every kind of option that argparse has, and the ways in which people write them."""

import argparse as ap
import json
import os
import sys
from argparse import ArgumentParser
from enum import Enum
from pathlib import Path

open(Path(__file__).with_name("imported"), "w").close() if __name__ != "__main__" else None

RATE = 3e-4
SIZES = {"small": 128, "large": 1024}
BATCH = 8 * 4


class Optimizer(Enum):
    ADAM = "adam"
    SGD = "sgd"

    def __str__(self):
        return self.value


def str2bool(text):
    return text.lower() in ("yes", "true", "1")


def add_data(parser):
    group = parser.add_argument_group("Data", "Where rows come from")
    group.add_argument("data", help="training file")
    group.add_argument("extra", nargs="*", help="more files")
    group.add_argument("--cache-dir", type=Path, default=Path("~/.cache") / "x" if os.sep == "\\" else None)
    group.add_argument("--columns", nargs="+", default=["text"], metavar="NAME")
    group.add_argument("--image-size", type=int, nargs=2, default=(224, 256), metavar=("W", "H"))
    return group


def main():
    parser = ArgumentParser(description=__doc__)
    add_data(parser)
    parser.add_argument("--lr", "--learning-rate", "-l", type=float, default=RATE, help="peak (default: %(default)s, 100%% of it)")
    parser.add_argument("-b", "--batch-size", type=int, default=BATCH)
    parser.add_argument("-e", type=int, dest="epochs", required=True, help="how often")
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--layers", type=int, choices=range(1, 5), default=2)
    parser.add_argument("--optimizer", type=Optimizer, choices=list(Optimizer), default=Optimizer.ADAM)
    parser.add_argument("--name", default="run-" + "one")
    parser.add_argument("--fast", action="store_true", help="Cut corners.")
    parser.add_argument("--no-shuffle", dest="shuffle", action="store_false")
    parser.add_argument("--amp", action=ap.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", type=str2bool, default=False)
    parser.add_argument("--trap", type=bool, default=True)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--weights", nargs="*", type=float)
    parser.add_argument("--resume", nargs="?", const="last", default=None)
    parser.add_argument("--options", type=json.loads, default={"a": 1})
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--limit", type=float, default=float("inf"))
    parser.add_argument("--host", default=os.environ.get("HOST", "localhost"))
    parser.add_argument("--secret-knob", type=int, default=7, help=ap.SUPPRESS)
    parser.add_argument("--version", action="version", version="1")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--cpu", action="store_true")
    either.add_argument("--gpu", type=int, default=None)
    parser.add_argument_group("Logging").add_argument("--log-every", type=int, default=10)
    for stage in ("train", "val"):
        parser.add_argument("--%s-rows" % stage, type=int)
    parser.set_defaults(name="run-two")
    print(json.dumps(vars(parser.parse_args()), default=str))


if __name__ == "__main__":
    sys.exit(main())
