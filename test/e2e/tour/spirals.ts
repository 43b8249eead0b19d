/** What the tour trains: a small network that learns to tell two spirals apart, in NumPy, for real and in about a second. */
export const SPIRALS = `"""Two spirals, told apart by a network with one hidden layer."""
import argparse
import os

import numpy as np

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.3, help="of plain gradient descent")
parser.add_argument("--width", type=int, default=16, help="hidden units")
parser.add_argument("--steps", type=int, default=600, help="optimizer steps")
parser.add_argument("--seed", type=int, default=1, help="of weights and data")
options = parser.parse_args()

rng = np.random.default_rng(options.seed)


def spirals(count):
    label = rng.integers(0, 2, count)
    angle = rng.uniform(0.5, 2.2 * np.pi, count)
    turn = angle + np.pi * label
    points = np.stack([angle * np.cos(turn), angle * np.sin(turn)], 1) / 7
    return points + rng.normal(0, 0.02, points.shape), label


def features(points):
    return np.concatenate([points, points**2, np.sin(3 * points), np.cos(3 * points)], 1)


(train_x, train_y), (eval_x, eval_y) = spirals(400), spirals(200)
first = rng.normal(0, 0.6, (8, options.width))
second = rng.normal(0, 0.6, (options.width, 1))


def predict(points):
    hidden = np.tanh(features(points) @ first)
    return hidden, 1 / (1 + np.exp(-(hidden @ second)[:, 0]))


def loss_of(p, y):
    return float(-np.mean(np.log(np.where(y == 1, p, 1 - p) + 1e-9)))


run = trainyard.init(params=vars(options))
run.plan(max_steps=options.steps)
for step in range(1, options.steps + 1):
    rows = rng.choice(len(train_x), 64, replace=False)
    x, y = train_x[rows], train_y[rows]
    hidden, p = predict(x)
    slope = (p - y)[:, None] / len(rows)
    back = (slope @ second.T) * (1 - hidden**2)
    second -= options.learning_rate * hidden.T @ slope
    first -= options.learning_rate * features(x).T @ back
    run.log({"train/loss": loss_of(p, y)}, step=step)
    if step % 20 == 0:
        _, p = predict(eval_x)
        accuracy = float(np.mean((p > 0.5) == eval_y))
        run.log({"eval/loss": loss_of(p, eval_y), "eval/accuracy": accuracy}, step=step)
        print(f"step {step}: eval loss {loss_of(p, eval_y):.4f}, accuracy {accuracy:.3f}")
    if step % 100 == 0:
        side = np.linspace(-1, 1, 64)
        grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        picture = (predict(grid)[1].reshape(64, 64) * 255).astype(np.uint8)
        trainyard.log_image("boundary", np.kron(picture, np.ones((4, 4), np.uint8)), step, dataformats="HW")
        folder = f"{run.checkpoint_dir}/step-{step}"
        os.makedirs(folder, exist_ok=True)
        np.savez(f"{folder}/weights.npz", first, second)
        run.log_checkpoint(folder, step, kind="weights", metrics={"eval/loss": loss_of(predict(eval_x)[1], eval_y)})
np.save("weights.npy", first)
trainyard.log_artifact("weights.npy")
run.finish()
`;

/** A script whose settings Hydra composes from the files beside it. */
export const CIRCLES: Readonly<Record<string, string>> = {
  "circles.py": `"""Two circles, told apart by a network whose settings Hydra composes."""
import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

import trainyard


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    rng = np.random.default_rng(config.seed)
    label = rng.integers(0, 2, 400)
    angle = rng.uniform(0, 2 * np.pi, 400)
    points = np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + label[:, None]) / 2
    inputs = np.concatenate([points, points**2, np.ones((400, 1))], 1)
    weights, speed = np.zeros(5), np.zeros(5)
    run = trainyard.init(params=OmegaConf.to_container(config))
    for step in range(1, config.steps + 1):
        guess = 1 / (1 + np.exp(-(inputs @ weights)))
        speed = config.optimizer.get("momentum", 0.0) * speed + inputs.T @ (guess - label) / len(label)
        weights -= config.optimizer.lr * speed
        run.log({"train/loss": float(-np.mean(np.log(np.where(label == 1, guess, 1 - guess) + 1e-9)))}, step=step)
    run.finish()


main()
`,
  "conf/config.yaml": "defaults:\n  - optimizer: sgd\n  - _self_\n\nsteps: 200\nseed: 1\n",
  "conf/optimizer/sgd.yaml": "lr: 0.5\n",
  "conf/optimizer/momentum.yaml": "lr: 0.1\nmomentum: 0.9\n",
};

/** As a grid of learning rates, widths and seeds. */
export const SWEEP = `name: spirals
recipe: script
project: spirals
params:
  script: spirals.py
sweep:
  method: grid
  params:
    learning_rate: [0.03, 0.3, 1.0]
    width: [8, 32]
    seed: [1, 2, 3]
  objective: { metric: eval/loss, direction: min }
  concurrency: 2
`;
