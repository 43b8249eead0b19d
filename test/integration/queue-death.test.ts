/** `kill -9` of the server while it takes a run from the queue: none is started twice, none is lost, the order stays. */
import { existsSync, watch } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Queue, QueueHistory } from "../../protocol/queue.ts";
import type { RunState } from "../../protocol/states.ts";
import { isAlive, until } from "../support/processes.ts";
import { readDiscovery } from "../support/store.ts";
import { curve, openWorkspace, untilState, type Workspace } from "./workspace.ts";

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace.close());

/** What the server writes on the way from the queue to a training: it is killed as soon as each is there. */
const MOMENTS = ["attempts/1", "attempts/1/attempt.json", "attempts/1/log", "attempts/1/process.json"] as const;

/** Settles as soon as a file or folder of the run is there, by the system's word: a look now and then would come too late. */
async function appears(runDir: string, moment: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let parent = path.dirname(moment); !existsSync(path.join(runDir, moment)); parent = path.dirname(moment)) {
    if (Date.now() > deadline) throw new Error(`${moment} of ${runDir} did not come`);
    // A run folder that is not there is an error of the watch; a search above it would go on for ever.
    while (parent !== "." && !existsSync(path.join(runDir, parent))) parent = path.dirname(parent);
    const watcher = watch(path.join(runDir, parent));
    await new Promise<void>((resolve) => {
      // What came before the watch began is told by nobody: the second look finds it.
      const again = setTimeout(resolve, 500);
      watcher.once("change", () => {
        clearTimeout(again);
        resolve();
      });
      if (existsSync(path.join(runDir, moment))) resolve();
    });
    watcher.close();
  }
}

/** Everything is ready for `kill -9`, which is sent as soon as it is asked for; then there is a new server. */
async function aimAtServer(): Promise<() => Promise<void>> {
  const { process: server } = await readDiscovery(workspace.store);
  return async () => {
    process.kill(server.pid, "SIGKILL");
    await until("the server's death", () => Promise.resolve(!isAlive(server.pid)), 10_000, 10);
    await workspace.json(["serve", "--ensure"]);
  };
}

/**
 * The states that the run waited and ended in, as its events tell. What began and ended while no server was there was never seen running, and
 * a server that is killed between a record and its event leaves the event of the start out.
 */
async function statesOf(runDir: string): Promise<RunState[]> {
  const lines = (await readFile(path.join(runDir, "events.jsonl"), "utf8")).trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as RunEvent)
    .flatMap((event) => (event.type === "state" && event.to !== "starting" && event.to !== "running" ? [event.to] : []));
}

it("starts each run once, in its order", async () => {
  await workspace.json<Queue>(["queue", "pause"]);
  const runs: RunDetail[] = [];
  for (const [index] of MOMENTS.entries()) {
    const training = `echo ${String(index)} >> started; sleep 0.2`;
    runs.push(await workspace.json<RunDetail>(["run", "--queue", "--name", `run ${String(index)}`, "--", "sh", "-c", training]));
  }
  expect(runs.map(({ state }) => state)).toEqual(runs.map(() => "queued"));
  const [first, second] = runs;
  await workspace.json<Queue>(["queue", "move", first!.id, "2"]);
  const ordered = [second!, first!, ...runs.slice(2)];
  await workspace.json<Queue>(["queue", "resume"]);

  for (const [index, moment] of MOMENTS.entries()) {
    const run = ordered[index]!;
    const replaceServer = await aimAtServer();
    await appears(run.run_dir, moment);
    await replaceServer();
    await untilState(await workspace.client(), run.id, ["completed", "running", "stopping"]);
  }
  const client = await workspace.client();
  for (const run of ordered) expect(await untilState(client, run.id, ["completed"])).toMatchObject({ attempt: 1, queue: { attempt: 1 } });

  const started = (await readFile(path.join(workspace.dir, "started"), "utf8")).trim().split("\n");
  expect(started).toEqual(["1", "0", "2", "3"]);
  for (const { run_dir } of ordered) expect(await statesOf(run_dir)).toEqual(["queued", "completed"]);
  const { entries } = await workspace.json<QueueHistory>(["queue", "history"]);
  expect(entries.map(({ name }) => name)).toEqual(["run 3", "run 2", "run 0", "run 1"]);
});

it("has an ended run go on when the one before it has ended, once", async () => {
  const run = await workspace.json<RunDetail>(["run", "--", "python", "own_loop.py", "--steps", "20"]);
  expect(run).toMatchObject({ state: "completed", forkable: true });
  const before = await workspace.json<RunDetail>(["run", "--queue", "--", "sh", "-c", "until test -e go; do sleep 0.05; done"]);
  await untilState(await workspace.client(), before.id, ["running"]);

  const longer = (run.params["command"] as string[]).map((word) => (word === "20" ? "40" : word));
  const waits = await workspace.json<RunDetail>(["resume", run.id, "--queue", "--set", `command=${JSON.stringify(longer)}`]);
  expect(waits).toMatchObject({ id: run.id, state: "queued", attempt: 1 });
  await (
    await aimAtServer()
  )();
  expect(await workspace.json<Queue>(["queue"])).toMatchObject({ running: [{ id: before.id }], waiting: [{ id: run.id, position: 1 }] });

  const replaceServer = await aimAtServer();
  await writeFile(path.join(workspace.dir, "go"), "");
  await appears(run.run_dir, "attempts/2/attempt.json");
  await replaceServer();
  const client = await workspace.client();
  const over = await untilState(client, run.id, ["completed"]);
  expect(over).toMatchObject({ attempt: 2, queue: { left: "started", attempt: 2 }, params: { command: longer } });
  const { steps, attempts } = await curve(client, run.id, "train/loss");
  expect(steps).toEqual(Array.from({ length: 40 }, (_unused, index) => index + 1));
  expect(attempts).toEqual(steps.map((step) => (step <= 20 ? 1 : 2)));
  expect(await statesOf(run.run_dir)).toEqual(["queued", "completed", "queued", "completed"]);
});
