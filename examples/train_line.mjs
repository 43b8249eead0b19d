// A training of its own in Node: fits a line by gradient descent, and logs as the Python SDK does.
import { init } from "trainyard";

const run = init({ project: "node-demo", name: "line", params: { lr: 0.1, optimizer: "sgd" }, tags: ["node"] });
const data = Array.from({ length: 64 }, (_, i) => ({ x: i / 64, y: (3 * i) / 64 - 1 }));
const steps = 200;
run.plan({ maxSteps: steps });

let [slope, offset] = [0, 0];
for (let step = 1; step <= steps && !run.shouldStop(); step++) {
  let [loss, bySlope, byOffset] = [0, 0, 0];
  for (const { x, y } of data) {
    const error = slope * x + offset - y;
    loss += error ** 2 / data.length;
    bySlope += (2 * error * x) / data.length;
    byOffset += (2 * error) / data.length;
  }
  slope -= 0.1 * bySlope;
  offset -= 0.1 * byOffset;
  run.log({ train: { loss }, slope, offset }, step);
}
run.message("info", `y = ${slope.toFixed(2)} x ${offset.toFixed(2)}`);
run.finish();
