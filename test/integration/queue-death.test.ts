/** `kill -9` of the server while it takes a run from the queue: none is started twice, none is lost, the order stays. */
import { existsSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Queue, QueueHistory } from "../../protocol/queue.ts";
import { isAlive, until } from "../support/processes.ts";
import { readDiscovery } from "../support/store.ts";
import { openWorkspace, untilState, type Workspace } from "./workspace.ts";

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
    const { process: server } = await readDiscovery(workspace.store);
    await appears(run.run_dir, moment);
    process.kill(server.pid, "SIGKILL");
    await until("the server's death", () => Promise.resolve(!isAlive(server.pid)), 10_000, 10);
    await workspace.json(["serve", "--ensure"]);
    await untilState(await workspace.client(), run.id, ["completed", "running", "stopping"]);
  }
  const client = await workspace.client();
  for (const run of ordered) expect(await untilState(client, run.id, ["completed"])).toMatchObject({ attempt: 1, queue: { attempt: 1 } });

  const started = (await readFile(path.join(workspace.dir, "started"), "utf8")).trim().split("\n");
  expect(started).toEqual(["1", "0", "2", "3"]);
  for (const { run_dir } of ordered) {
    const lines = (await readFile(path.join(run_dir, "events.jsonl"), "utf8")).trim().split("\n");
    const states = lines.map((line) => JSON.parse(line) as RunEvent).flatMap((event) => (event.type === "state" ? [event.to] : []));
    // One that began and ended while no server was there was never seen running.
    expect(states.filter((state) => state !== "running")).toEqual(["queued", "starting", "completed"]);
  }
  const { entries } = await workspace.json<QueueHistory>(["queue", "history"]);
  expect(entries.map(({ name }) => name)).toEqual(["run 3", "run 2", "run 0", "run 1"]);
});
