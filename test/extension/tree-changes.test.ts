/** What of the tree is drawn again after a change of a run or of the queue. */
import { describe, expect, it } from "vitest";
import type { Queue, WaitingRun } from "../../protocol/queue.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { nodeId } from "../../src/runs/run-nodes.ts";
import { TreeChanges, type ChangedRows } from "../../src/runs/tree-changes.ts";
import { runLine } from "./run-samples.ts";

const idOf = (n: number): string => `run_0000000000000000${String(n)}`;

function waits(n: number, position: number, reason = `Behind ${String(position - 1)} other runs.`): WaitingRun {
  return {
    id: idOf(n),
    name: `run ${String(n)}`,
    project: "default",
    recipe: "command",
    position,
    queued_at: "2026-01-01T00:00:00Z",
    reason,
  };
}

const busy: Queue["running"] = [{ id: idOf(9), name: "busy", project: "default", state: "running", started_at: null }];
const queue = (...waiting: WaitingRun[]): Queue => ({ concurrency: 1, paused_at: null, wait_for_gpus: false, running: busy, waiting });

const rows = (changed: ChangedRows): string[] | "all" => (changed === "all" ? "all" : changed.map(nodeId).sort());
const rowsOf = (...runs: number[]): string[] => ["queue", ...runs.map((n) => `run/${idOf(n)}`)];

describe("a change of the queue", () => {
  const three = queue(waits(1, 1), waits(2, 2), waits(3, 3));
  const after = (now: Queue, before: Queue | null = three): string[] | "all" => {
    const changes = new TreeChanges(before);
    changes.noteQueue(now);
    return rows(changes.take());
  };

  it("is drawn on its own row and on those whose place it is", () => {
    expect(after(queue(waits(2, 1), waits(1, 2), waits(3, 3)))).toEqual(rowsOf(1, 2));
    expect(after(queue(waits(1, 1), waits(2, 2), waits(3, 3), waits(4, 4)))).toEqual(rowsOf(4));
    expect(after(queue(waits(1, 1), waits(3, 2)))).toEqual(rowsOf(2, 3));
    expect(after(queue(waits(1, 1, "Waits for other to end."), waits(2, 2), waits(3, 3)))).toEqual(rowsOf(1));
    expect(after({ ...three, concurrency: 2 })).toEqual(rowsOf());
    expect(after({ ...three, paused_at: "2026-01-01T00:00:00Z" })).toEqual(rowsOf());
  });

  it("is not drawn where nothing of it is seen", () => {
    expect(after(structuredClone(three))).toEqual([]);
    expect(after({ ...three, running: [{ ...busy[0]!, state: "stopping" }] })).toEqual([]);
  });

  it("is drawn on the whole tree only when its row comes or goes", () => {
    const none = { ...queue(), running: [] };
    expect([after(three, null), after(three, none), after(none), after(none, none)]).toEqual(["all", "all", "all", []]);
  });
});

describe("a change of a run", () => {
  const after = (before: RunLine | null, run: RunLine): string[] | "all" => {
    const changes = new TreeChanges(null);
    changes.noteRuns({ kind: "run", run, before });
    return rows(changes.take());
  };
  const run = runLine();

  it("is drawn on its row, and on that of its project where that counts it or holds it elsewhere", () => {
    expect(after(run, runLine({ name: "renamed" }))).toEqual([`run/${run.id}`, `waiting/${run.id}`]);
    expect(after(run, runLine({ state: "completed" }))).toEqual(["project/default"]);
    expect(after(run, runLine({ archived: true }))).toEqual(["project/default"]);
  });

  it("is drawn on the whole tree when there is a new one, in this project or another", () => {
    expect([after(null, run), after(run, runLine({ project: "other" }))]).toEqual(["all", "all"]);
  });
});

it("collects changes until they are drawn, each once", () => {
  const changes = new TreeChanges(queue(waits(1, 1), waits(2, 2)));
  const run = runLine({ id: idOf(1) });
  changes.noteRuns({ kind: "run", run, before: run });
  changes.noteQueue(queue(waits(2, 1), waits(1, 2)));
  changes.noteQueue(queue(waits(1, 1), waits(2, 2)));
  expect(rows(changes.take())).toEqual([...rowsOf(1, 2), `waiting/${idOf(1)}`]);
  expect(changes.take()).toEqual([]);
  changes.noteRuns({ kind: "removed", run });
  changes.noteRuns({ kind: "run", run, before: run });
  expect([changes.take(), changes.take()]).toEqual(["all", []]);
});
