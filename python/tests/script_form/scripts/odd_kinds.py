"""What is harder to read of argparse: converters, constants, one name in two places, subcommands behind lists, and rules between options."""

import argparse
import json


def positive(text):
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value


def share(text) -> float:
    return min(float(text), 1.0)


def sizes(text):
    return [int(part) for part in text.split("x")]


parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("note", nargs="?", default="none")
parser.add_argument("--epochs", type=positive, default=3)
parser.add_argument("--dropout", type=share, default=0.1)
parser.add_argument("--rows", type=lambda text: int(float(text)), default=1000)
parser.add_argument("--crop", type=sizes, default=[2, 3])
parser.add_argument("--case", type=str.lower, default="low")
parser.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.99))
parser.add_argument("--layers", type=int, nargs="+", default=[1])
parser.add_argument("--level", action="store_const", const=5, default=1)
parser.add_argument("--amp", action="store_true", default=True)
parser.add_argument("--no-amp", dest="amp", action="store_false")
parser.add_argument("--adam", dest="optimizers", action="append_const", const="adam")
parser.add_argument("--lion", dest="optimizers", action="append_const", const="lion")
parser.add_argument("--cheap", dest="quality", action="store_const", const="cheap", default="fair")
parser.add_argument("--fine", dest="quality", action="store_const", const="fine")
either = parser.add_mutually_exclusive_group(required=True)
either.add_argument("--scratch", action="store_true")
either.add_argument("--resume")
commands = parser.add_subparsers(dest="task", required=True)
train = commands.add_parser("train")
train.add_argument("--steps", type=int, default=5)
train.add_argument("--metric", choices=("loss", "f1"), default="loss")
test = commands.add_parser("test")
test.add_argument("--steps", type=int, default=50)
test.add_argument("--metric", choices=("loss", "f1"), default="loss")
test.add_argument("--split", required=True)
if __name__ == "__main__":
    print(json.dumps(vars(parser.parse_args())))
