/** `kill -9` of the server in mid-run: the training goes on, and the next server knows every point and every line. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import { isAlive, until } from "../support/processes.ts";
import { readDiscovery } from "../support/store.ts";
import { curve, logText, openWorkspace, untilState, untilStep, type Workspace } from "./workspace.ts";

const STEPS = 240;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace.close());

it("loses nothing", async () => {
  const command = ["python", "steady.py", "--steps", String(STEPS), "--seconds-per-step", "0.05"];
  const started = await workspace.json<RunDetail>(["run", "--detach", "--", ...command]);
  await untilStep(await workspace.client(), started.id, 20);

  const first = await readDiscovery(workspace.store);
  process.kill(first.process.pid, "SIGKILL");
  await until("the server's death", () => Promise.resolve(!isAlive(first.process.pid)));

  // Without a server, the folders themselves answer.
  const listed = await workspace.json<{ runs: RunDetail[] }>(["list"]);
  expect(listed.runs.map((run) => run.id)).toEqual([started.id]);
  expect(isAlive(started.attempts[0]?.process?.process.pid ?? -1) || listed.runs[0]?.state === "running").toBe(true);

  const discovery = await workspace.json<{ process: { pid: number } }>(["serve", "--ensure"]);
  expect(discovery.process.pid).not.toBe(first.process.pid);
  const client = await workspace.client();
  const again = await client.call("getRun", { params: { id: started.id } });
  expect(again.state).toBe("running");
  expect(again.attempt).toBe(1);

  const ended = await untilState(client, started.id, ["completed"]);
  expect(ended.attempts).toHaveLength(1);
  const points = await curve(client, started.id, "loss");
  expect(points.steps).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  expect(points.values).toEqual(points.steps.map((step) => 1 / step));
  const lines = (await logText(client, ended)).split("\n").filter((line) => line.startsWith("step "));
  expect(lines).toEqual(points.steps.map((step) => `step ${step} of ${STEPS}`));
});

it("goes on while `trainyard run` follows it", async () => {
  const command = ["python", "steady.py", "--steps", "60", "--seconds-per-step", "0.05"];
  const following = workspace.trainyard(["run", "--name", "followed", "--", ...command]);
  const client = await until("a server", () => workspace.client());
  const run = await until("the run", async () => (await client.call("listRuns", { query: { search: "followed" } })).runs[0]);
  await untilStep(client, run.id, 10);
  process.kill((await readDiscovery(workspace.store)).process.pid, "SIGKILL");
  const { code, stdout } = await following;
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.startsWith("step "))).toEqual(
    Array.from({ length: 60 }, (_, index) => `step ${index + 1} of 60`),
  );
});

it("serves two that ask at once with one server", async () => {
  process.kill((await readDiscovery(workspace.store)).process.pid, "SIGKILL");
  const answers = await Promise.all([1, 2, 3].map(() => workspace.json<{ url: string; process: { pid: number } }>(["serve", "--ensure"])));
  expect(new Set(answers.map((answer) => answer.process.pid)).size).toBe(1);
});
