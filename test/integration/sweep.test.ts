/** A sweep with real processes: a few at a time, over the death of the server, stopped and continued. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import type { SweepDetail, SweepPlan } from "../../protocol/sweep.ts";
import { isAlive, until } from "../support/processes.ts";
import { readDiscovery } from "../support/store.ts";
import { openWorkspace, readJson, type Workspace } from "./workspace.ts";

const RUNS = 6;
const CONCURRENCY = 2;
const DOCUMENT = `name: steps
recipe: script
params:
  script: steady.py
sweep:
  method: grid
  params:
    steps: [4, 5, 6]
    seconds_per_step: [0.3, 0.31]
  objective: { metric: loss, direction: min }
  concurrency: ${CONCURRENCY}
`;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace({
    "steps.run.yaml": DOCUMENT,
    "unknown.run.yaml": DOCUMENT.replace("    steps:", "    stepz:"),
    "wrong.run.yaml": DOCUMENT.replace("[4, 5, 6]", "[4, many]"),
    "seeds.run.yaml": DOCUMENT.replace("    seconds_per_step: [0.3, 0.31]\n", "  seeds: [1, 2]\n"),
    "long.run.yaml": DOCUMENT.replace("[0.3, 0.31]", "[60]").replace(`concurrency: ${CONCURRENCY}`, "concurrency: 1"),
  });
});
afterAll(() => workspace.close());

async function show(id: string): Promise<SweepDetail> {
  return (await workspace.client()).call("getSweep", { params: { sweep: id } });
}

it("shows its runs beforehand and refuses what the recipe does not know", async () => {
  const plan = await workspace.json<SweepPlan>(["sweep", "steps.run.yaml", "--dry-run"]);
  expect(plan.runs).toHaveLength(RUNS);
  expect(plan.runs[1]).toEqual({ params: { steps: 4, seconds_per_step: 0.31 }, seed: null });
  for (const [file, field, said] of [
    ["unknown.run.yaml", "sweep.params.stepz", "Did you mean steps?"],
    ["wrong.run.yaml", "sweep.params.steps", "many"],
  ] as const) {
    const { code, stdout } = await workspace.trainyard(["sweep", file, "--json"]);
    expect(code).not.toBe(0);
    expect(stdout).toContain('"invalid_spec"');
    expect(stdout).toContain(`"${field}"`);
    expect(stdout).toContain(said);
  }
  const replicates = await workspace.json<SweepPlan>(["sweep", "seeds.run.yaml", "--dry-run"]);
  expect(replicates).toMatchObject({ run_count: 6, warnings: [{ field: "seed" }] });
  const said = await workspace.trainyard(["sweep", "seeds.run.yaml", "--dry-run"]);
  expect(said.stdout).toContain("Warning: the script has no option that the seed could be passed to.");
  const asRun = await workspace.trainyard(["run", "steps.run.yaml", "--json"]);
  expect(asRun.stdout).toContain("stands for 6 runs");
  expect((await (await workspace.client()).call("listRuns", {})).total).toBe(0);
});

it("completes every run once, two at a time, though the server is killed in the middle", async () => {
  const created = await workspace.json<SweepDetail>(["sweep", "steps.run.yaml"]);
  const middle = await until("the middle of the sweep", async () => {
    const now = await show(created.id);
    return (now.counts.completed ?? 0) >= 2 && (now.counts.waiting ?? 0) >= 1 && (now.counts.running ?? 0) >= 1 ? now : null;
  });
  expect(middle.state).toBe("running");
  const { pid } = (await readDiscovery(workspace.store)).process;
  process.kill(pid, "SIGKILL");
  await until("the server's death", () => Promise.resolve(!isAlive(pid)));
  await workspace.json(["serve", "--ensure"]);

  const ended = await until("the end of the sweep", async () => {
    const now = await show(created.id);
    return now.state === "finished" ? now : null;
  });
  expect(ended.counts).toEqual({ completed: RUNS });
  expect(ended.runs.map(({ run, params }) => ({ run, params }))).toEqual(created.runs.map(({ run, params }) => ({ run, params })));
  const folders = await readdir(path.join(workspace.store, "default", "runs"));
  expect(folders.sort()).toEqual(created.runs.map(({ run }) => run).sort());

  const client = await workspace.client();
  const details: RunDetail[] = [];
  for (const [index, { run, params }] of ended.runs.entries()) {
    const detail = await client.call("getRun", { params: { id: run } });
    expect(detail).toMatchObject({ attempt: 1, name: `steps ${index + 1}`, sweep: { id: created.id, index } });
    // What the process itself was told.
    expect(detail.progress?.step).toBe(params["steps"]);
    details.push(detail);
  }
  // By the run folders' own clocks: at each start, how many lived?
  const lives = details.map(({ started_at, ended_at }) => [Date.parse(started_at!), Date.parse(ended_at!)] as const);
  const together = lives.map(([start]) => lives.filter(([from, to]) => from <= start && start < to).length);
  expect(Math.max(...together)).toBe(CONCURRENCY);

  // loss is 1/step: the runs with most steps reach the least.
  const best = ended.runs.find(({ run }) => run === ended.best);
  expect(best).toMatchObject({ params: { steps: 6, seconds_per_step: 0.3 }, objective: 1 / 6 });
  const file = await readJson<Record<string, unknown>>(path.join(workspace.store, "default", "sweeps", `${created.id}.json`));
  expect(file).toMatchObject({ made: RUNS, stopped: null });
  expect(JSON.stringify(file)).not.toContain("completed");
  const shown = await workspace.trainyard(["sweep", "show", created.id]);
  expect(shown.stdout).toMatch(new RegExp(`^\\*\\s+${best!.run}`, "m"));
});

it("makes no further run once it is stopped, and goes on when it is continued", async () => {
  const created = await workspace.json<SweepDetail>(["sweep", "long.run.yaml"]);
  const running = (now: SweepDetail): number => now.counts.running ?? 0;
  await until("its first run", async () => running(await show(created.id)) === 1);
  const stopped = await workspace.json<SweepDetail>(["sweep", "stop", created.id, "--cancel-runs"]);
  expect(stopped).toMatchObject({ state: "stopped", stopped: { reason: "asked for by the user" } });
  const quiet = await until("the end of its first run", async () => {
    const now = await show(created.id);
    return now.counts.cancelled === 1 ? now : null;
  });
  expect(quiet.counts).toEqual({ cancelled: 1, waiting: 2 });

  await workspace.json(["sweep", "continue", created.id]);
  await until("its second run", async () => running(await show(created.id)) === 1);
  const again = await workspace.trainyard(["sweep", "continue", created.id, "--json"]);
  expect(again.stdout).toContain('"conflict"');
  await workspace.json(["sweep", "stop", created.id, "--cancel-runs"]);
  await until("the end of its second run", async () => ((await show(created.id)).counts.cancelled === 2 ? true : null));
  const list = await workspace.json<{ sweeps: { id: string; state: string }[] }>(["sweep", "list"]);
  expect(list.sweeps.map(({ state }) => state)).toEqual(["stopped", "finished"]);
});
