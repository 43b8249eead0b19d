import { describe, expect, it } from "vitest";
import { Checkpoint } from "../../protocol/artifact.ts";
import { RunState } from "../../protocol/states.ts";
import {
  archivedNodes,
  checkpointContext,
  nodeId,
  projectDescription,
  projectNodes,
  runContext,
  runNodes,
  sweepRuns,
  sweepTitle,
} from "../../src/runs/run-nodes.ts";
import { runDescription, runSpoken, runTooltip, stateLook, statisticsText } from "../../src/runs/run-text.ts";
import { statusText } from "../../src/views/status-text.ts";
import { metric, runLine, runSummary } from "./run-samples.ts";

describe("a run in the list", () => {
  it("shows shape, value and percent while it runs", () => {
    expect(runDescription(runLine(), [3, 2, 1])).toBe("█▅▁ 0.869 · 68%");
  });

  it("shows the step where the end is not known, and no zero where nothing was logged", () => {
    const unknown = runLine({ metrics: {}, progress: { ...runLine().progress!, fraction: null } });
    expect(runDescription(unknown, [])).toBe("step 680");
    expect(runDescription(runLine({ metrics: {}, progress: null }), [])).toBe("");
  });

  it("prefers the evaluation once it has ended", () => {
    expect(runLine().headline).toEqual({ name: "loss", last: 0.869, last_step: 680 });
    expect(runLine({ state: "completed" }).headline?.name).toBe("eval/loss");
    expect(runLine({ metrics: { "eval.loss": metric(1), "train.loss": metric(2) } }).headline?.name).toBe("train.loss");
    expect(runLine({ metrics: { mrr: metric(0.4) } }).headline?.name).toBe("mrr");
    expect(runLine({ metrics: { _epoch: metric(1) } }).headline).toBeNull();
  });

  it("says how it ended", () => {
    const failure = { class: "out_of_memory_gpu", message: "CUDA out of memory", evidence: [], advice: "Use a smaller batch." } as const;
    expect(runDescription(runLine({ state: "failed", failure: { ...failure, evidence: [] } }), [])).toBe("out of GPU memory at 680");
    expect(runDescription(runLine({ state: "cancelled" }), [])).toBe("cancelled at 680");
    expect(runDescription(runLine({ damage: "run.json does not parse" }), [])).toBe("damaged");
  });

  it("has an icon and words for every state", () => {
    for (const state of RunState.options) {
      expect(stateLook(runLine({ state })).icon).not.toBe("");
      expect(typeof runDescription(runLine({ state }), [1, 2])).toBe("string");
    }
  });

  it("is spoken without block characters", () => {
    const spoken = runSpoken(runLine({ starred: true }));
    expect(spoken).toBe("tiny-llama, running, step 680 of 1,000, 68%, about 28 s left, loss 0.869, starred");
  });

  it("does not let a name become a link or a command in the hover", () => {
    const tooltip = runTooltip(runSummary({ name: "[x](command:evil) <b>", tags: ["`a`"] }));
    expect(tooltip).not.toMatch(/(?<!\\)\[x/);
    expect(tooltip).not.toMatch(/(?<!\\)</);
    expect(statusText([runLine({ name: "$(bug) [x](command:evil)" })], null)?.text).not.toContain("$(bug)");
    expect(statusText([runLine({ name: "[x](command:evil)" })], null)?.tooltip).not.toMatch(/(?<!\\)\]\(command:evil/);
  });
});

describe("the status bar", () => {
  it("is empty while nothing runs", () => {
    expect(statusText([], null)).toBeNull();
    expect(statusText([], { waiting: [], paused_at: "2026-01-01T00:00:00Z" })).toBeNull();
  });

  it("names the newest run and counts the others", () => {
    expect(statusText([runLine(), runLine()], null)?.text).toBe("$(sync~spin) tiny-llama 68% · 28 s +1");
  });

  it("counts those that wait in the queue", () => {
    const { id, name, project, recipe } = runLine();
    const waiting = [{ id, name, project, recipe, position: 1, queued_at: "2026-01-01T00:00:00Z", reason: "It is about to start." }];
    expect(statusText([runLine()], { waiting, paused_at: null })?.text).toBe("$(sync~spin) tiny-llama 68% · 28 s · 1 queued");
    expect(statusText([], { waiting, paused_at: "2026-01-01T00:00:00Z" })?.text).toBe("$(list-ordered) 1 queued, paused");
  });
});

describe("the tree", () => {
  const runs = [
    runLine({ id: "run_00000000000000003", project: "b", created_at: "2026-01-03T00:00:00Z" }),
    runLine({ id: "run_00000000000000002", project: "a", state: "completed", created_at: "2026-01-02T00:00:00Z" }),
    runLine({ id: "run_00000000000000001", project: "a", state: "failed", archived: true, created_at: "2026-01-01T00:00:00Z" }),
  ];

  it("puts projects with the newest run first and archived runs into a group", () => {
    expect(projectNodes(runs).map(nodeId)).toEqual(["project/b", "project/a"]);
    expect(runNodes(runs, "a").map(nodeId)).toEqual(["run/run_00000000000000002", "archived/a"]);
    expect(archivedNodes(runs, "a").map(nodeId)).toEqual(["run/run_00000000000000001"]);
    expect(projectDescription(runs, "b")).toBe("1 running · 1 run");
    expect(projectDescription(runs, "a")).toBe("2 runs");
  });

  it("puts the runs of a sweep into one node in the place of the newest, in the sweep's order", () => {
    const sweep = "sweep_00000000000000001";
    const made = [3, 2, 1].map((n) =>
      runLine({ id: `run_0000000000000001${String(n)}`, project: "a", name: `rates ${String(n)}`, sweep: { id: sweep, index: n - 1 } }),
    );
    const all = [...made, ...runs];
    expect(runNodes(all, "a").map(nodeId)).toEqual([`sweep/a/${sweep}`, "run/run_00000000000000002", "archived/a"]);
    expect(sweepRuns(all, "a", sweep).map(({ name }) => name)).toEqual(["rates 1", "rates 2", "rates 3"]);
    expect(sweepTitle(made[0]!)).toBe("rates");
    expect(sweepTitle({ ...made[0]!, name: "renamed" })).toBe("renamed");
  });

  it("gives menus the words they match on", () => {
    expect(runContext(runLine())).toBe("run live running");
    expect(runContext(runLine({ state: "cancelled", forkable: true, starred: true }))).toBe("run ended checkpointed starred");
    expect(runContext(runLine({ state: "cancelled", checkpoint_count: 2, forkable: false }))).toBe("run ended");
    expect(runContext(runLine({ damage: "broken", forkable: true }))).toBe("run damaged");
  });

  it.each([
    [true, true, "checkpoint resumable"],
    [false, true, "checkpoint weights"],
    [false, false, "checkpoint unusable"],
  ])("offers with a checkpoint what the server says of it (%s, %s)", (resumable, forkable, words) => {
    const checkpoint = Checkpoint.parse({
      id: "ckpt_0123456789ab",
      path: "/x/checkpoint-5",
      name: "checkpoint-5",
      step: 5,
      attempt: 1,
      kind: "full",
      framework: "huggingface",
      status: "complete",
      problem: null,
      size_bytes: 1,
      created_at: "2026-01-01T00:00:00Z",
      metrics: {},
      final: false,
      resumable,
      forkable,
      tags: [],
    });
    expect(checkpointContext(runLine({ recipe: "command", forkable: true }), checkpoint)).toBe(words);
    expect(checkpointContext(undefined, checkpoint)).toBe("checkpoint unusable");
  });
});

it("says what the runs of a project add up to", () => {
  const none = { projects: {}, recipes: {}, archived: 0, starred: 0, points: 0, newest: null };
  expect(statisticsText({ ...none, runs: 18, states: { completed: 17, failed: 1 }, training_seconds: 11_100, checkpoints: 1 })).toBe(
    "18 runs, 17 completed, 1 failed · 3 h 05 min of training · 1 checkpoint",
  );
  expect(statisticsText({ ...none, runs: 0, states: {}, training_seconds: 0, checkpoints: 0 })).toBe("0 runs");
});
