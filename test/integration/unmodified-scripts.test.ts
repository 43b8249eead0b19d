/** Scripts that import nothing of Trainyard: `trainyard run -- python train.py` records what their framework logged, to the last digit. */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { curve, openWorkspace, readJson, type Workspace } from "./workspace.ts";

const STEPS = 12;
const STEP_NUMBERS = Array.from({ length: STEPS }, (_, index) => index + 1);

interface HfLog {
  readonly step: number;
  readonly loss?: number;
  readonly grad_norm?: number;
  readonly learning_rate?: number;
}

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace.close());

/** Checkpoints of a run, oldest first. */
async function checkpointsOf(id: string): Promise<Checkpoint[]> {
  const { checkpoints } = await (await workspace.client()).call("listCheckpoints", { params: { id } });
  return [...checkpoints].sort((a, b) => a.step - b.step);
}

describe("transformers.Trainer", () => {
  it("gives its metrics, steps, params and checkpoints", async () => {
    const output = path.join(workspace.dir, "hf");
    const truthFile = path.join(workspace.dir, "hf.json");
    const command = ["python", "hf_train.py", "--steps", String(STEPS), "--output", output, "--truth", truthFile];
    const run = await workspace.json<RunDetail>(["run", "--name", "plain trainer", "--", ...command]);

    expect(run.state).toBe("completed");
    expect(run.name).toBe("plain trainer");
    expect(run.progress).toMatchObject({ step: STEPS, max_steps: STEPS, fraction: 1 });
    expect(run.params).toMatchObject({ learning_rate: 0.003, per_device_train_batch_size: 4, max_steps: STEPS });

    const truth = (await readJson<HfLog[]>(truthFile)).filter((entry) => entry.loss !== undefined);
    expect(truth).toHaveLength(STEPS);
    const client = await workspace.client();
    for (const name of ["loss", "grad_norm", "learning_rate"] as const) {
      const points = await curve(client, run.id, `train/${name}`);
      expect(points.steps).toEqual(truth.map((entry) => entry.step));
      expect(points.values).toEqual(truth.map((entry) => entry[name]));
    }

    const checkpoints = await checkpointsOf(run.id);
    expect(checkpoints.map(({ step, status, kind, resumable }) => ({ step, status, kind, resumable }))).toEqual(
      [5, 10, STEPS].map((step) => ({ step, status: "complete", kind: "full", resumable: true })),
    );
    expect(checkpoints[0]?.path).toBe(path.join(output, "checkpoint-5"));
  });

  it("leaves no trace with --no-track", async () => {
    const run = await workspace.json<RunDetail>([
      "run",
      "--no-track",
      "--",
      "python",
      "hf_train.py",
      "--steps",
      "2",
      "--output",
      "untracked",
    ]);
    expect(run.state).toBe("completed");
    expect(run.metrics).toEqual({});
  });
});

describe("Lightning", () => {
  it.each([
    ["with its default logger", []],
    ["without a logger", ["--no-logger"]],
  ])("gives its metrics, steps, params and checkpoints %s", async (_, options) => {
    const label = options.length === 0 ? "default" : "none";
    const output = path.join(workspace.dir, `lightning-${label}`);
    const truthFile = path.join(workspace.dir, `lightning-${label}.json`);
    const command = ["python", "lightning_train.py", "--steps", String(STEPS), "--output", output, "--truth", truthFile, ...options];
    const run = await workspace.json<RunDetail>(["run", "--", ...command]);

    expect(run.state).toBe("completed");
    expect(run.progress).toMatchObject({ step: STEPS, max_steps: STEPS });
    expect(run.params).toMatchObject({ learning_rate: 0.05 });

    const truth = await readJson<number[]>(truthFile);
    const points = await curve(await workspace.client(), run.id, "train/loss");
    expect(points.steps).toEqual(STEP_NUMBERS);
    expect(points.values).toEqual(truth);

    const checkpoints = await checkpointsOf(run.id);
    expect(checkpoints.map(({ step, status }) => ({ step, status }))).toEqual([5, 10].map((step) => ({ step, status: "complete" })));
  });
});

describe("the exit code", () => {
  it("is the training's failure", async () => {
    const { code, stdout, stderr } = await workspace.trainyard(["run", "--", "python", "-c", "print('hello'); raise SystemExit(3)"]);
    expect(code).toBe(1);
    expect(stdout).toContain("hello");
    expect(stderr).toContain("failed");
  });
});
