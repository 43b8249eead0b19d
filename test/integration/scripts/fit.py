"""Fits a line by gradient descent, in milliseconds: what an agent is asked about."""

import argparse

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--steps", type=int, default=40)
args = parser.parse_args()

trainyard.init(params=vars(args))
weight = 0.0
for step in range(1, args.steps + 1):
    trainyard.log({"eval/loss": (weight - 3.0) ** 2}, step=step)
    weight -= args.lr * 2 * (weight - 3.0)
