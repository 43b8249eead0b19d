/** Stop with a final checkpoint, go on as one curve, fork with a parent. */
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import { additionRows, additionSpec } from "./addition-data.ts";
import { curve, openWorkspace, untilState, untilStep, type Workspace } from "./workspace.ts";

const MAX_STEPS = 400;
const STOP_AFTER = 20;

let workspace: Workspace;
let run: RunDetail;

beforeAll(async () => {
  workspace = await openWorkspace({
    "rows.jsonl": additionRows(500),
    "addition.run.yaml": stringify(additionSpec({ max_steps: MAX_STEPS, save_steps: 1000 })),
  });
  const started = await workspace.json<RunDetail>(["run", "addition.run.yaml", "--detach"]);
  const client = await workspace.client();
  await untilStep(client, started.id, STOP_AFTER);
  run = await workspace.json<RunDetail>(["cancel", started.id]);
}, 120_000);
afterAll(() => workspace.close());

describe("a stop", () => {
  it("ends the run as cancelled, by itself and not by a signal", () => {
    expect(run.state).toBe("cancelled");
    expect(run.attempts[0]?.exit).toMatchObject({ code: 0, signal: null, escalation: "graceful" });
  });

  it("leaves a complete final checkpoint at the step it reached", async () => {
    const { checkpoints } = await (await workspace.client()).call("listCheckpoints", { params: { id: run.id } });
    const [final] = checkpoints;
    expect(final).toMatchObject({ final: true, status: "complete", resumable: true, step: run.progress?.step });
    expect(final!.step).toBeGreaterThanOrEqual(STOP_AFTER);
    expect(final!.step).toBeLessThan(MAX_STEPS);
  });
});

describe("going on", () => {
  it("makes one curve of both attempts, without gap or repetition", async () => {
    const stoppedAt = run.progress!.step;
    const ended = await workspace.json<RunDetail>(["resume", run.id]);
    expect(ended.state).toBe("completed");
    expect(ended.attempts.map(({ number, kind }) => ({ number, kind }))).toEqual([
      { number: 1, kind: "start" },
      { number: 2, kind: "continue" },
    ]);
    expect(ended.attempts[1]?.resumed_from?.step).toBe(stoppedAt);

    const points = await curve(await workspace.client(), run.id, "train/loss");
    expect(points.steps).toEqual(Array.from({ length: MAX_STEPS }, (_, index) => index + 1));
    expect(points.attempts).toEqual(points.steps.map((step) => (step <= stoppedAt ? 1 : 2)));
    // It goes on with what was learnt: a new start would be back at the loss of the first step.
    const before = points.values[stoppedAt - 1]!;
    const after = points.values[stoppedAt]!;
    expect(after).toBeLessThan((points.values[0]! + before) / 2);
    // Single batches are noisy, and the stop may have come late: the means tell.
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(points.values.slice(-STOP_AFTER))).toBeLessThan(mean(points.values.slice(0, STOP_AFTER)));
  });

  it("forks with its parent and the changed param", async () => {
    const { checkpoints } = await (await workspace.client()).call("listCheckpoints", { params: { id: run.id } });
    const final = checkpoints.find((checkpoint) => checkpoint.final && checkpoint.attempt === 1)!;
    const fork = await workspace.json<RunDetail>([
      ...["resume", run.id, "--fork", "--checkpoint", final.name, "--name", "warmer"],
      ...["--set", `max_steps=${final.step + 10}`, "--set", "learning_rate=1e-3"],
    ]);
    expect(fork.id).not.toBe(run.id);
    expect(fork.name).toBe("warmer");
    expect(fork.state).toBe("completed");
    expect(fork.parent).toEqual({ run: run.id, checkpoint: final.name, step: final.step });
    expect(fork.params).toMatchObject({ learning_rate: 0.001, max_steps: final.step + 10 });
    const points = await curve(await workspace.client(), fork.id, "train/loss");
    expect(points.steps[0]).toBe(final.step + 1);
    expect(points.steps.at(-1)).toBe(final.step + 10);
  });

  it("refuses a checkpoint that is not there, and changes nothing", async () => {
    const client = await workspace.client();
    const before = await client.call("getRun", { params: { id: run.id } });
    const { code, stderr } = await workspace.trainyard(["resume", run.id, "--checkpoint", "checkpoint-99999"]);
    expect(code).toBe(2);
    expect(stderr).toContain("checkpoint-99999");
    expect(await client.call("getRun", { params: { id: run.id } })).toEqual(before);
  });
});

describe("a forced stop", () => {
  it("kills at once and says so", async () => {
    const started = await workspace.json<RunDetail>(["run", "addition.run.yaml", "--detach", "--set", "max_steps=100000"]);
    const client = await workspace.client();
    await untilStep(client, started.id, 2);
    await client.call("cancelRun", { params: { id: started.id }, body: { force: true } });
    const ended = await untilState(client, started.id, ["cancelled"], 20_000);
    expect(ended.attempts[0]?.exit).toMatchObject({ signal: "SIGKILL", escalation: "sigkill" });
  });
});
