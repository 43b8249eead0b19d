import argparse
import json

common = argparse.ArgumentParser(add_help=False)
common.add_argument("--seed", type=int, default=0)
parser = argparse.ArgumentParser()
parser.add_argument("--quiet", action="store_true")
commands = parser.add_subparsers(dest="task", required=True, help="what to do")
train = commands.add_parser("train", parents=[common], help="fit")
train.add_argument("file")
train.add_argument("--epochs", type=int, default=3)
test = commands.add_parser("test", parents=[common])
test.add_argument("--checkpoint", required=True)
print(json.dumps(vars(parser.parse_args())))
