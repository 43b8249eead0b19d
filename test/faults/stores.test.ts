/** Stores in odd places: moved while they are served, on disks that tell of no changes, served by a process that may open few files. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import type { RunId } from "../../protocol/ids.ts";
import { WS_PATH, WS_PROTOCOL, type ServerMessage } from "../../protocol/messages.ts";
import { rowRecord } from "../../protocol/metric-records.ts";
import { runPaths } from "../../server/store/paths.ts";
import { LiveServer } from "../http/live-server.ts";
import { newWorkspace } from "../runs/room-fixture.ts";
import { builtCli, python } from "../support/machine.ts";
import { isAlive, killQuietly, killTrainingsOf, runProgram, until } from "../support/processes.ts";
import { clientOf, endServer, readDiscovery } from "../support/store.ts";
import { readWrittenRows } from "./chaos/metric-bytes.ts";
import { exitRecord } from "../store/fixtures.ts";
import { liveRuns } from "./live-run.ts";

let workspace: { dir: string; remove(): Promise<void> };
let store: string;

beforeEach(async () => {
  workspace = await newWorkspace();
  store = path.join(workspace.dir, ".trainyard");
});
afterEach(async () => {
  await workspace.remove();
});

async function serve(folder: string): Promise<void> {
  const started = await runProgram(process.execPath, [builtCli(), "serve", "--ensure", "--store", folder, "--json"], { timeoutMs: 40_000 });
  expect(started.code, started.stderr + started.stdout).toBe(0);
}

/** Logs and prints until a file named "enough" lies beside it. */
const STEADY = [
  "import os, time, trainyard",
  "run = trainyard.init()",
  "step = 0",
  "while not os.path.exists('enough'):",
  "    step += 1",
  "    print('line', step, flush=True)",
  "    run.log({'square': step * step}, step=step)",
  "    time.sleep(0.02)",
  "print('steps', step)",
];

async function startSteady(): Promise<RunId> {
  await writeFile(path.join(workspace.dir, "steady.py"), `${STEADY.join("\n")}\n`);
  const client = await clientOf(store);
  const spec = { recipe: "script", params: { script: path.join(workspace.dir, "steady.py") }, python: python(), track: false };
  const { id } = await client.call("createRun", { body: { spec, start: true, base_dir: workspace.dir } });
  await until("some points", async () => ((await client.call("getRun", { params: { id } })).metrics["square"]?.count ?? 0) > 5);
  return id;
}

describe("a store that is moved while it is served", () => {
  it("is written at its old place no more, is served at its new one, and loses nothing of the run that goes on", async () => {
    const moved = path.join(workspace.dir, "elsewhere", "runs");
    await mkdir(path.dirname(moved));
    try {
      await serve(store);
      const id = await startSteady();
      const client = await clientOf(store);
      const { pid } = (await readDiscovery(store)).process;

      await rename(store, moved);
      await expect(
        client.call("createRun", { body: { spec: { recipe: "command", params: { command: ["true"] } } } }),
      ).rejects.toMatchObject({
        code: "store_unwritable",
        message: expect.stringContaining(store) as string,
        hint: expect.stringContaining("new place") as string,
      });
      await expect(client.call("editRun", { params: { id }, body: { notes: "lost?" } })).rejects.toMatchObject({
        code: "store_unwritable",
      });
      await expect(client.call("createProject", { body: { title: "Ghost" } })).rejects.toMatchObject({ code: "store_unwritable" });
      await until("the server's end", () => Promise.resolve(!isAlive(pid)), 20_000);

      await serve(moved);
      const again = await clientOf(moved);
      expect((await again.call("getRun", { params: { id } })).state).toBe("running");
      await writeFile(path.join(workspace.dir, "enough"), "");
      await until("the end", async () => (await again.call("getRun", { params: { id } })).state === "completed");
      const { log, metrics, exitJson } = runPaths(path.join(moved, "default", "runs", id)).attempt(1);
      const steps = Number(/^steps (\d+)$/m.exec(await readFile(log, "utf8"))?.[1]);
      const rows = (await readWrittenRows(metrics)).filter((row) => "square" in row.values);
      expect(rows.map((row) => row.step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
      expect((await again.call("getRun", { params: { id } })).metrics["square"]).toMatchObject({ count: steps, last: steps * steps });
      expect(JSON.parse(await readFile(exitJson, "utf8"))).toMatchObject({ code: 0, by: "supervisor" });
      expect(existsSync(store)).toBe(false);
    } finally {
      await endServer(moved);
      await killTrainingsOf(store);
    }
  });
});

describe("a disk that tells of no changes", () => {
  it("hides nothing: runs, points, lines, checkpoints, edits and ends are found by looking", async () => {
    vi.stubEnv("TRAINYARD_WATCH", "poll");
    const training: ChildProcess = spawn("sleep", ["120"], { detached: true, stdio: "ignore" });
    const live = await LiveServer.folder();
    try {
      await live.start();
      const [id] = await liveRuns(live.store, training.pid!, 1, new Date().toISOString());
      const { client } = live;
      const state = async (): Promise<string | undefined> =>
        (await client.call("listRuns", { query: {} })).runs.find((run) => run.id === id)?.state;
      await until("the run", async () => (await state()) === "running");
      const paths = runPaths(path.join(live.store, "demo", "runs", id!));
      const attempt = paths.attempt(1);

      let points = 0;
      let text = "";
      const stream = live.stream();
      stream.subscribe({ topic: "series", run: id!, metrics: ["*"], cursor: {} }, { onFrame: () => points++ });
      stream.subscribe(
        { topic: "log", run: id!, attempt: 1, offset: 0 },
        { onMessage: (message) => (text += message.type === "log" ? message.text : "") },
      );
      await until("the first point", () => Promise.resolve(points > 0));
      const before = points;
      await appendFile(attempt.metrics, rowRecord(0, Date.now(), 2, [0.5]));
      await appendFile(attempt.log, "hello\n");
      await until("the new point", () => Promise.resolve(points > before));
      await until("the new line", () => Promise.resolve(text === "hello\n"));

      const folder = path.join(paths.checkpoints, "checkpoint-2");
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, "trainer_state.json"), JSON.stringify({ global_step: 2 }));
      await until("the checkpoint", async () => (await client.call("listCheckpoints", { params: { id: id! } })).checkpoints.length === 1);

      const record = JSON.parse(await readFile(paths.runJson, "utf8")) as Record<string, unknown>;
      await writeFile(paths.runJson, JSON.stringify({ ...record, name: "renamed by hand" }));
      await until("the new name", async () => (await client.call("getRun", { params: { id: id! } })).name === "renamed by hand");

      await writeFile(attempt.exitJson, JSON.stringify(exitRecord({ ended_at: new Date().toISOString() })));
      await until("the end", async () => (await state()) === "completed");
      expect((await client.call("getRun", { params: { id: id! } })).metrics["loss"]).toMatchObject({ last: 0.5, last_step: 2 });
    } finally {
      vi.unstubAllEnvs();
      training.kill("SIGKILL");
      await live.remove();
    }
  });
});

describe("a server that may open few files", () => {
  it("says so, takes nothing for damaged, dead or gone, and goes on once there is room", async () => {
    const command = `ulimit -n 72; exec ${process.execPath} ${builtCli()} serve --store ${store}`;
    const server = spawn("bash", ["-c", command], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const sockets: WebSocket[] = [];
    try {
      const { url, token } = await until("the server", () => readDiscovery(store));
      const client = await clientOf(store);
      const id = await startSteady();
      expect((await client.call("getRun", { params: { id } })).state).toBe("running");

      // As many windows as it takes to use up what it may open.
      const address = url.replace("http", "ws") + WS_PATH;
      for (let n = 0; n < 80; n++) {
        const socket = new WebSocket(address, [WS_PROTOCOL, `bearer.${token}`]);
        socket.on("error", () => undefined);
        sockets.push(socket);
      }
      await until(
        "no more connections",
        () => Promise.resolve(sockets.every((socket) => socket.readyState !== WebSocket.CONNECTING)),
        15_000,
      )
        // A connection that waits to be accepted is as good as refused.
        .catch(() => undefined);
      sockets.sort((a, b) => Number(b.readyState === WebSocket.OPEN) - Number(a.readyState === WebSocket.OPEN));
      const open = sockets.filter((socket) => socket.readyState === WebSocket.OPEN);
      expect(open.length).toBeGreaterThan(5);
      expect(open.length).toBeLessThan(80);
      // A window that follows the log is told nothing wrong meanwhile, and misses nothing.
      let followed = "";
      const refused: string[] = [];
      open[0]!.on("message", (data: Buffer, isBinary) => {
        if (isBinary) return;
        const message = JSON.parse(data.toString()) as ServerMessage;
        if (message.type === "log") followed += message.text;
        if (message.type === "error") refused.push(message.code);
      });
      open[0]!.send(JSON.stringify({ type: "subscribe", id: 1, topic: { topic: "log", run: id, attempt: 1, offset: 0 } }));
      const steps = async (): Promise<number> => {
        const { log } = runPaths(path.join(store, "default", "runs", id)).attempt(1);
        return ((await readFile(log, "utf8")).match(/^line /gm) ?? []).length;
      };
      const before = await steps();
      await until("the training goes on", async () => (await steps()) > before + 100);

      expect(said).toContain("EMFILE");
      for (const socket of sockets.splice(1)) socket.terminate();
      const run = await until("an answer", () => client.call("getRun", { params: { id } }).catch(() => null), 20_000);
      expect([run.state, run.damage]).toEqual(["running", null]);
      const events = await client.call("listEvents", { params: { id } });
      expect(events.events.filter((event) => event.type === "state").map((event) => event.to)).toEqual(["queued", "starting", "running"]);
      await client.call("refresh");
      expect((await client.call("listRuns", { query: {} })).total).toBe(1);
      await writeFile(path.join(workspace.dir, "enough"), "");
      await until("the end", async () => (await client.call("getRun", { params: { id } })).state === "completed");
      expect((await client.call("getRun", { params: { id } })).metrics["square"]?.count).toBe(await steps());
      await until("the whole log", async () => (followed.match(/^line /gm) ?? []).length === (await steps()));
      expect(refused).toEqual([]);
      expect(server.exitCode, said).toBeNull();
    } finally {
      for (const socket of sockets) socket.terminate();
      await killTrainingsOf(store);
      if (server.pid !== undefined) killQuietly(server.pid);
    }
  });
});

describe("a training that may open few files", () => {
  it("loses no point it could open its files for, and is not disturbed when it could not", async () => {
    await serve(store);
    try {
      const client = await clientOf(store);
      const run = async (name: string, lines: readonly string[]): Promise<RunId> => {
        await writeFile(path.join(workspace.dir, name), `${lines.join("\n")}\n`);
        const spec = { recipe: "script", params: { script: path.join(workspace.dir, name) }, python: python(), track: false };
        const { id } = await client.call("createRun", { body: { spec, start: true, base_dir: workspace.dir } });
        await until(`the end of ${name}`, async () => (await client.call("getRun", { params: { id } })).state === "completed");
        return id;
      };
      const exhaust = [
        "import resource, sys",
        "def exhaust():",
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
        "    held = []",
        "    try:",
        "        while True: held.append(open('/dev/null'))",
        "    except OSError: return held",
      ];
      const learn = ["for step in range(1, 301): run.log({'square': step * step}, step=step)", "run.finish()", "print('done')"];
      const late = await run("late.py", [...exhaust, "import trainyard", "run = trainyard.init()", "held = exhaust()", ...learn]);
      expect((await client.call("getRun", { params: { id: late } })).metrics["square"]).toMatchObject({ count: 300, last: 90_000 });
      const early = await run("early.py", [...exhaust, "import trainyard", "held = exhaust()", "run = trainyard.init()", ...learn]);
      const log = await readFile(runPaths(path.join(store, "default", "runs", early)).attempt(1).log, "utf8");
      expect(log).toContain("done");
      expect(log).toMatch(/trainyard: .*(Too many open files|EMFILE)/);
    } finally {
      await endServer(store);
    }
  });
});
