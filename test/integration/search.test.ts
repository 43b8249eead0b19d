/** A search through Optuna with real processes: over the death of the server, with runs that are ended early, and without Optuna. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SweepDetail, SweepPlan } from "../../protocol/sweep.ts";
import { python } from "../support/machine.ts";
import { isAlive, runProgram, until } from "../support/processes.ts";
import { readDiscovery } from "../support/store.ts";
import { openWorkspace, readJson, type Workspace } from "./workspace.ts";

const RUNS = 7;
const DRAWS = 3;
const SEARCH = `name: valley
recipe: script
params:
  script: valley.py
sweep:
  method: optuna
  n: ${RUNS}
  seed: 3
  startup_trials: ${DRAWS}
  params:
    x: { uniform: [-20, 20] }
    kind: [plain, other]
  objective: { metric: loss, direction: min }
  concurrency: 2
`;
/** Runs at x = 2 are over at once; those at 50 would take minutes. */
const PRUNED = `name: cut
recipe: script
params:
  script: valley.py
  steps: 400
  pause: 0.01
sweep:
  method: optuna
  n: 2
  seed: 1
  sampler: random
  params:
    x: [2, 50]
  objective: { metric: loss, direction: min }
  pruner: { kind: median, startup_trials: 1 }
  concurrency: 2
`;

let workspace: Workspace;
let bare: string;
beforeAll(async () => {
  workspace = await openWorkspace({
    "valley.run.yaml": SEARCH,
    "cut.run.yaml": PRUNED,
  });
  bare = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-bare-")));
  // An interpreter as a user has it who never installed Optuna: the same Python, without the packages of its environment.
  const made = await runProgram(python(), ["-m", "venv", "--without-pip", bare], { cwd: workspace.dir, env: {}, timeoutMs: 60_000 });
  expect(made.stderr).toBe("");
});
afterAll(async () => {
  await workspace.close();
  await rm(bare, { recursive: true, force: true });
});

async function show(id: string): Promise<SweepDetail> {
  return (await workspace.client()).call("getSweep", { params: { sweep: id } });
}

async function finished(id: string): Promise<SweepDetail> {
  const over = async (): Promise<SweepDetail | null> => {
    const now = await show(id);
    if (now.stopped !== null) throw new Error(`the sweep was stopped: ${now.stopped.reason}`);
    return now.state === "finished" ? now : null;
  };
  return until("the end of the sweep", over, 120_000);
}

it("says what to do where Optuna is missing, before anything is made", async () => {
  const without = ["sweep", "valley.run.yaml", "--python", path.join(bare, "bin", "python"), "--json"];
  for (const args of [without, [...without, "--dry-run"]]) {
    const { code, stdout } = await workspace.trainyard(args);
    expect(code).not.toBe(0);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } };
    expect(error.code).toBe("python_unusable");
    expect(error.message).toContain("lacks optuna");
    expect(error.hint).toContain("-m pip install optuna");
  }
  expect((await (await workspace.client()).call("listRuns", {})).total).toBe(0);
});

it("draws first, then follows what its runs reached, though the server is killed in the middle", async () => {
  const plan = await workspace.json<SweepPlan>(["sweep", "valley.run.yaml", "--dry-run"]);
  expect(plan).toMatchObject({ run_count: RUNS });
  expect(plan.runs).toHaveLength(DRAWS);
  const created = await workspace.json<SweepDetail>(["sweep", "valley.run.yaml"]);
  // What was shown is what is run.
  expect(created.runs.map(({ params }) => params)).toEqual(plan.runs.map(({ params }) => params));
  expect(created.counts.waiting).toBeGreaterThanOrEqual(RUNS - DRAWS);

  const before = await until("a run that follows from results", async () => {
    const now = await show(created.id);
    return now.runs.length > DRAWS ? now : null;
  });
  const { pid } = (await readDiscovery(workspace.store)).process;
  process.kill(pid, "SIGKILL");
  await until("the server's death", () => Promise.resolve(!isAlive(pid)));
  await workspace.json(["serve", "--ensure"]);

  const ended = await finished(created.id);
  expect(ended.counts).toEqual({ completed: RUNS });
  // Nothing was chosen twice: what stood in the file before is what ran.
  expect(ended.runs.slice(0, before.runs.length).map(({ run, params }) => ({ run, params }))).toEqual(
    before.runs.map(({ run, params }) => ({ run, params })),
  );
  const client = await workspace.client();
  for (const { run, params } of ended.runs) {
    const detail = await client.call("getRun", { params: { id: run } });
    // What the process itself was told, and that a choice came out as the value and not as its place.
    expect(detail.params).toMatchObject(params);
    expect(["plain", "other"]).toContain(params["kind"]);
  }
  const file = await readJson<{ points: unknown[] }>(path.join(workspace.store, "default", "sweeps", `${created.id}.json`));
  expect(file.points).toHaveLength(RUNS);
});

it("ends runs that do badly by the usual stop, and says so", async () => {
  const created = await workspace.json<SweepDetail>(["sweep", "cut.run.yaml"]);
  expect(new Set(created.runs.map(({ params }) => params["x"]))).toEqual(new Set([2, 50]));
  const ended = await finished(created.id);
  for (const { params, state, pruned } of ended.runs)
    expect([params["x"], state, pruned !== undefined]).toEqual(params["x"] === 2 ? [2, "completed", false] : [50, "cancelled", true]);
  const cut = ended.runs.find(({ pruned }) => pruned !== undefined);
  const client = await workspace.client();
  const detail = await client.call("getRun", { params: { id: cut?.run ?? "" } });
  expect(detail.state_reason).toContain(`Stopped: pruned by the median rule at step ${String(cut?.pruned?.step)}, where loss was 230`);
  const { events } = await client.call("listEvents", { params: { id: detail.id } });
  expect(events.filter((event) => event.type === "state" && event.to === "stopping")).toMatchObject([{ cause: "sweep" }]);
  const shown = await workspace.trainyard(["sweep", "show", created.id]);
  expect(shown.stdout).toMatch(new RegExp(`${detail.id}\\s+pruned`));
});
