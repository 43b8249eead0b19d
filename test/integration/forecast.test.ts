/** The recipe `forecast` as a user has it: synthetic candles, a document, dry run, training, stop and continue, what it leaves. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { python, ROOT } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";
import { curve, openWorkspace, untilStep, type Workspace } from "./workspace.ts";

const SPEC: RunSpecInput = {
  name: "candles",
  recipe: "forecast",
  python: python(),
  preset: "base",
  seed: 1,
  env: { OMP_NUM_THREADS: "1" },
  params: {
    data_file: "candles.csv",
    timeframes: ["1h", "4h"],
    horizon_short: "4h",
    loss: "student_t",
    window: 8,
    d_model: 16,
    n_heads: 2,
    n_layers: 1,
    max_epochs: 2,
    log_every_n_steps: 1,
    accelerator: "cpu",
  },
};

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace({ "candles.run.yaml": stringify(SPEC) });
  const generated = await runProgram(python(), ["-m", "trainyard.forecast.demo", "candles.csv", "--bars", "800", "--seed", "3"], {
    cwd: workspace.dir,
    env: { PYTHONPATH: path.join(ROOT, "python") },
    timeoutMs: 30_000,
  });
  expect(generated.stdout).toContain("synthetic candles");
});
afterAll(() => workspace.close());

describe("a forecast", () => {
  it("says in a dry run what it would run, and trains nothing", async () => {
    const { stdout } = await workspace.trainyard(["run", "candles.run.yaml", "--dry-run"]);
    expect(stdout).toContain("-m trainyard.recipes run");
    expect(await workspace.json<{ runs: unknown[] }>(["list"])).not.toHaveProperty("runs.0");
  });

  it("refuses bars that are shorter than those of the file, at the field", async () => {
    const { code, stdout } = await workspace.trainyard(["run", "candles.run.yaml", "--set", 'timeframes=["5m"]', "--json"]);
    expect(code).toBe(2);
    expect(stdout).toContain("params.timeframes");
    expect(stdout).toContain("bars cannot be made shorter");
  });

  it("trains to its end, and leaves config, forecasts and measures", async () => {
    const run = await workspace.json<RunDetail>(["run", "candles.run.yaml"]);
    expect(run.state).toBe("completed");
    const client = await workspace.client();
    for (const metric of ["train/loss", "train/learning_rate", "val/loss", "val/directional_accuracy", "val/f1", "val/rmse"])
      expect((await curve(client, run.id, metric)).values.every(Number.isFinite), metric).toBe(true);
    const { artifacts } = await client.call("listArtifacts", { params: { id: run.id } });
    expect(artifacts.map((artifact) => artifact.path)).toEqual(
      expect.arrayContaining(["config.yaml", "predictions.parquet", "metrics.json", "model/state_dict.pt"]),
    );
    const folder = path.join(workspace.store, run.project, "runs", run.id, "artifacts");
    expect(await readFile(path.join(folder, "config.yaml"), "utf8")).toContain('loss: "student_t"');
    expect((await readFile(path.join(folder, "predictions.parquet"))).subarray(0, 4).toString()).toBe("PAR1");
  });

  it("stops with a checkpoint and goes on as one curve", async () => {
    const started = await workspace.json<RunDetail>([
      "run",
      "candles.run.yaml",
      "--detach",
      "--set",
      "max_epochs=10000",
      "--set",
      "keep_best=false",
    ]);
    const client = await workspace.client();
    await untilStep(client, started.id, 10);
    const stopped = await workspace.json<RunDetail>(["cancel", started.id]);
    expect(stopped.state).toBe("cancelled");
    const step = stopped.progress!.step;
    const ended = await workspace.json<RunDetail>(["resume", started.id, "--set", `max_steps=${step + 5}`]);
    expect(ended.state).toBe("completed");
    const { steps } = await curve(client, started.id, "train/loss");
    expect(steps).toEqual(Array.from({ length: step + 5 }, (_, index) => index + 1));
  });
});
