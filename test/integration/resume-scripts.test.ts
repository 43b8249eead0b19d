/** Scripts that import nothing of Trainyard are stopped, continued as one curve, and forked: what their framework loads, the hook gives it. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { curve, openWorkspace, untilStep, type Workspace } from "./workspace.ts";

const STEPS = 60;
const STOP_AFTER = 11;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace.close());

async function checkpointsOf(id: string): Promise<Checkpoint[]> {
  return (await (await workspace.client()).call("listCheckpoints", { params: { id } })).checkpoints;
}

/** Every file below a folder, with its size and the time of its last change. */
async function tree(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(file);
    found[file] = `${size} ${mtimeMs}`;
  }
  return found;
}

/** Starts a command and stops it on its way. */
async function stopped(command: readonly string[]): Promise<RunDetail> {
  const started = await workspace.json<RunDetail>(["run", "--detach", "--", ...command]);
  await untilStep(await workspace.client(), started.id, STOP_AFTER);
  const run = await workspace.json<RunDetail>(["cancel", started.id]);
  expect(run.state).toBe("cancelled");
  return run;
}

describe.each([
  ["transformers.Trainer", "hf", (step: number) => `checkpoint-${step}`],
  ["Lightning", "lightning", (step: number) => `checkpoint-${step}.ckpt`],
])("%s", (_, framework, nameOf) => {
  const command = (output: string, seconds: number): string[] => {
    const files = ["--output", path.join(workspace.dir, output), "--truth", path.join(workspace.dir, `${output}.json`)];
    return [
      "python",
      `${framework}_train.py`,
      "--steps",
      String(STEPS),
      "--save-steps",
      "1000",
      "--seconds-per-step",
      String(seconds),
      ...files,
    ];
  };
  let whole: Awaited<ReturnType<typeof curve>>;
  let run: RunDetail;
  let final: Checkpoint;
  beforeAll(async () => {
    const uninterrupted = await workspace.json<RunDetail>(["run", "--", ...command(`whole-${framework}`, 0)]);
    whole = await curve(await workspace.client(), uninterrupted.id, "train/loss");
    run = await stopped(command(framework, 0.15));
    final = (await checkpointsOf(run.id)).find((checkpoint) => checkpoint.final)!;
  }, 120_000);

  it("leaves a checkpoint that its run can go on from", () => {
    expect(final).toMatchObject({ status: "complete", kind: "full", resumable: true, forkable: true, name: nameOf(final.step) });
    expect(run.forkable).toBe(true);
    expect(final.step).toBeLessThan(STEPS);
  });

  it("goes on in a fork and leaves its parent's files alone", async () => {
    const output = path.join(workspace.dir, framework);
    const before = await tree(output);
    const shorter = command(framework, 0);
    shorter[shorter.indexOf("--steps") + 1] = String(final.step + 5);
    const fork = await workspace.json<RunDetail>([
      ...["resume", run.id, "--fork", "--name", `fork of ${framework}`, "--set", `command=${JSON.stringify(shorter)}`],
    ]);
    expect(fork).toMatchObject({ state: "completed", parent: { run: run.id, checkpoint: final.name, step: final.step } });
    expect(fork.resolved?.["resume_from"]).toEqual({ path: final.path, step: final.step, mode: "state" });
    const points = await curve(await workspace.client(), fork.id, "train/loss");
    expect(points.steps).toEqual([1, 2, 3, 4, 5].map((step) => final.step + step));
    // A logger may have begun a folder of its own beside them.
    expect(await tree(output)).toMatchObject(before);
    for (const checkpoint of await checkpointsOf(fork.id))
      expect(checkpoint.path.startsWith(path.join(fork.run_dir, "checkpoints"))).toBe(true);
    const { events } = await (await workspace.client()).call("listEvents", { params: { id: fork.id } });
    expect(events.map((event) => (event.type === "message" ? event.text : "")).join("\n")).toContain("its checkpoints go to");
  });

  it("goes on in the same run, exactly as if it had not been stopped", async () => {
    const ended = await workspace.json<RunDetail>(["resume", run.id]);
    expect(ended.state).toBe("completed");
    expect(ended.attempts.map(({ number, kind, command: argv }) => ({ number, kind, argv }))).toEqual([
      { number: 1, kind: "start", argv: run.attempts[0]?.command },
      { number: 2, kind: "continue", argv: run.attempts[0]?.command },
    ]);
    expect(ended.attempts[1]?.resumed_from?.step).toBe(final.step);
    expect(ended.progress).toMatchObject({ step: STEPS, max_steps: STEPS });
    const points = await curve(await workspace.client(), run.id, "train/loss");
    expect(points.steps).toEqual(Array.from({ length: STEPS }, (_unused, index) => index + 1));
    expect(points.attempts).toEqual(points.steps.map((step) => (step <= final.step ? 1 : 2)));
    expect(points.values).toEqual(whole.values);
  });
});

describe("a loop of one's own", () => {
  it("goes on when it asks for run.resume_from", async () => {
    const run = await stopped(["python", "own_loop.py"]);
    const [final] = await checkpointsOf(run.id);
    expect(final).toMatchObject({ final: true, status: "complete", resumable: true });
    const ended = await workspace.json<RunDetail>(["resume", run.id]);
    expect(ended.state).toBe("completed");
    const points = await curve(await workspace.client(), run.id, "train/loss");
    expect(points.steps).toEqual(Array.from({ length: 200 }, (_unused, index) => index + 1));
    let weight = 0;
    const expected = points.steps.map(() => {
      weight += 0.1 * (1 - weight);
      return (1 - weight) * (1 - weight);
    });
    expect(points.values).toEqual(expected);
  });

  it("is refused with what to do when it does not", async () => {
    const run = await stopped(["python", "own_loop.py", "--never-asks"]);
    expect(run.forkable).toBe(false);
    expect(await checkpointsOf(run.id)).toMatchObject([{ status: "complete", kind: "full", resumable: false, forkable: false }]);
    for (const options of [[], ["--fork"]]) {
      const { code, stderr } = await workspace.trainyard(["resume", run.id, ...options]);
      expect(code).not.toBe(0);
      expect(stderr).toContain("did not say that it can go on from a checkpoint");
      expect(stderr).toContain("resume_from");
    }
    const client = await workspace.client();
    expect(await client.call("getRun", { params: { id: run.id } })).toMatchObject({ state: "cancelled", attempt: 1 });
  });
});
