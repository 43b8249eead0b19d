/** The bundled server as a program: two at once, found and started, killed, left alone, on a disk that cannot be written. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, lutimes, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { createClient } from "../../protocol/client.ts";
import type { Discovery } from "../../protocol/discovery.ts";
import { ApiError } from "../../protocol/errors.ts";
import { createStreamClient } from "../../protocol/stream-client.ts";
import { findServer, privateRuntimeFolder } from "../../server/discovery/discovery.ts";
import { ensureServer } from "../../server/ensure.ts";
import { openStore } from "../../server/store/store.ts";
import { resolvedSpec, runRecord } from "../store/fixtures.ts";
import { isAlive } from "../support/processes.ts";
import { eventually } from "./live-server.ts";

let packageRoot: string;
let store: string;
const children: ChildProcess[] = [];
const pids: number[] = [];

beforeAll(async () => {
  packageRoot = await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-package-")));
  await build({
    entryPoints: { server: "server/main.ts", "catalog-worker": "server/catalog/worker.ts", supervisor: "server/supervisor/main.ts" },
    outdir: path.join(packageRoot, "dist"),
    outExtension: { ".js": ".cjs" },
    define: { __TRAINYARD_VERSION__: '"9.9.9"' },
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "error",
    // As the build does it: pictures as text need no canvas.
    alias: { "vega-canvas": path.resolve("node_modules/vega-canvas/build/vega-canvas.browser.js") },
  });
  await cp("node_modules/sql.js/dist/sql-wasm.wasm", path.join(packageRoot, "dist/sql-wasm.wasm"));
  await writeFile(path.join(packageRoot, "package.json"), "{}");
  await symlink(path.resolve("python"), path.join(packageRoot, "python"));
});
afterAll(async () => {
  await rm(packageRoot, { recursive: true, force: true });
});
beforeEach(async () => {
  store = path.join(await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-program-"))), "store");
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  await rm(path.dirname(store), { recursive: true, force: true });
});

interface Program {
  readonly child: ChildProcess;
  /** Its exit status. */
  readonly ended: Promise<number | null>;
  said(): string;
}

function start(...args: string[]): Program {
  const child = spawn(process.execPath, [path.join(packageRoot, "dist/server.cjs"), ...args], { stdio: ["ignore", "ignore", "pipe"] });
  children.push(child);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, said: () => said };
}

async function served(): Promise<NonNullable<Awaited<ReturnType<typeof findServer>>>> {
  for (let i = 0; i < 200; i++) {
    const found = await findServer(store);
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("no server was announced");
}

async function addRun(name: string): Promise<void> {
  const opened = await openStore(store);
  const record = runRecord({ name, state: "completed" });
  await opened.create(record, { specYaml: "recipe: script\n", resolved: resolvedSpec(record.id, store) });
  opened.close();
}

describe("the server program", () => {
  it("serves the store once: of two at the same time one wins, the other says who did", async () => {
    const both = [start("--store", store), start("--store", store)];
    const loser = await Promise.race(both.map(async (program) => ({ code: await program.ended, program })));
    expect(loser.code).toBe(1);
    const { error } = ApiError.parse(JSON.parse(loser.program.said().trim().split("\n").at(-1) ?? ""));
    const winner = await served();
    expect(error.code).toBe("store_occupied");
    expect(error.message).toContain(`process ${winner.process.pid} at ${winner.url}`);
    expect(both.map((program) => program.child.pid)).toContain(winner.process.pid);
    expect((await createClient(winner).call("getServer")).version).toBe("9.9.9");
  });

  it("ends cleanly when asked, and leaves nothing that would be taken for a server", async () => {
    const program = start("--store", store);
    const { url, token } = await served();
    await createClient({ url, token }).call("listRuns");
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(await findServer(store)).toBeNull();
    expect(existsSync(path.join(store, ".server/discovery.json"))).toBe(false);
    const again = start("--store", store);
    await createClient(await served()).call("shutdown");
    expect(await again.ended).toBe(0);
  });

  it("is followed by another after kill -9, which has every run; so it is when the catalogue was lost or scribbled over", async () => {
    await addRun("kept");
    for (const harm of ["none", "lost", "damaged"]) {
      const program = start("--store", store);
      const found = await served();
      const { runs } = await createClient(found).call("listRuns", { query: { search: "kept" } });
      expect(runs.map((run) => run.name)).toEqual(["kept"]);
      if (harm === "none") await createClient(found).call("shutdown");
      else program.child.kill("SIGKILL");
      await program.ended;
      expect(await findServer(store)).toBeNull();
      if (harm === "lost") await rm(path.join(store, ".server/catalog.sqlite"));
      else await writeFile(path.join(store, ".server/catalog.sqlite"), "scribble");
    }
  });

  it("says what is wrong with its options, its port and its store", async () => {
    const cases: [string[], string][] = [
      [["--port", "0"], "bad_request"],
      [["--store", store, "--port", "many"], "bad_request"],
      [["--store", store, "--nonsense"], "bad_request"],
      [["--store", path.join(packageRoot, "package.json")], "store_unwritable"],
    ];
    for (const [args, code] of cases) {
      const program = start(...args);
      expect(await program.ended).toBe(1);
      expect(ApiError.parse(JSON.parse(program.said().trim().split("\n").at(-1) ?? "")).error.code).toBe(code);
    }
    start("--store", store);
    const { port } = new URL((await served()).url);
    const second = start("--store", `${store}2`, "--port", port);
    expect(await second.ended).toBe(1);
    expect(second.said()).toContain('"conflict"');
    // It gave back what it had taken.
    expect((await readdir(path.join(`${store}2`, ".server"))).filter((name) => name === "discovery.json")).toEqual([]);
  });

  it("leaves by itself when nobody looks, and not before", async () => {
    const program = start("--store", store, "--idle-exit", "2");
    const client = createClient(await served());
    for (let i = 0; i < 12; i++) {
      await client.call("getServer");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(program.child.exitCode).toBeNull();
    expect(await program.ended).toBe(0);
  });

  it.skipIf(process.platform !== "linux")("serves a store that cannot be written, for reading", async () => {
    // A file system that refuses every write, whoever asks.
    store = path.join(path.dirname(store), "link");
    await symlink("/sys/kernel", store);
    const program = start("--store", store);
    const found = await served();
    const client = createClient(found);
    expect((await client.call("getServer")).read_only).toBe(true);
    expect((await client.call("listRuns")).total).toBe(0);
    await expect(client.call("createRun", { body: { spec: { recipe: "command", params: { command: ["true"] } } } })).rejects.toMatchObject({
      code: "store_unwritable",
    });
    expect(existsSync(path.join(privateRuntimeFolder("/sys/kernel"), "discovery.json"))).toBe(true);
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(await readdir(privateRuntimeFolder("/sys/kernel"))).toEqual([expect.stringMatching(/^lock\.\d+$/)]);
  });
});

describe("a run", () => {
  it("goes on when the server is killed; its watcher gets every log line once, from whichever server there is", async () => {
    await mkdir(store, { recursive: true });
    const current = (): Promise<Discovery> => ensureServer({ store, packageRoot, idleExitSeconds: 60, baseDir: path.dirname(store) });
    const first = await current();
    pids.push(first.process.pid);
    const script = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; sleep 0.05; done";
    const { id } = await createClient(first).call("createRun", {
      body: { spec: { recipe: "command", params: { command: ["/bin/sh", "-c", script] } } },
    });
    const stream = createStreamClient({
      address: current,
      connect: (url, protocols) => new WebSocket(url, protocols),
      minBackoffMs: 20,
    });
    let log = "";
    let over = false;
    const states: string[] = [];
    stream.subscribe(
      { topic: "log", run: id, attempt: 1, offset: 0 },
      {
        onMessage: (message) => {
          if (message.type === "log") log += message.text;
          over ||= message.type === "end";
        },
      },
    );
    stream.subscribe({ topic: "run", run: id }, { onMessage: (message) => message.type === "run" && states.push(message.run.state) });
    await eventually(() => log.includes("line 10\n"), "the tenth line");
    process.kill(first.process.pid, "SIGKILL");
    await eventually(() => over, "the end of the log");
    pids.push((await current()).process.pid);
    stream.close();
    expect(log).toBe(Array.from({ length: 40 }, (_, i) => `line ${i + 1}\n`).join(""));
    const run = await createClient(await current()).call("getRun", { params: { id } });
    expect([run.state, run.attempts[0]?.exit?.code]).toEqual(["completed", 0]);
    expect(states).toContain("running");
  });
});

describe.skipIf(process.platform === "win32")("the server's own files", () => {
  const make: Readonly<Record<string, (place: string) => Promise<void> | void>> = {
    // Nobody writes into it, nobody reads from it: to open it is to wait.
    "a pipe": (place) => void execFileSync("mkfifo", ["-m", "600", place]),
    "a link to itself": (place) => symlink(path.basename(place), place),
    "a link to a device without an end": (place) => symlink("/dev/zero", place),
    "a folder": (place) => mkdir(place),
  };

  it.each(Object.keys(make))("may all be %s: the store is served, and its server ends", async (kind) => {
    await addRun("kept");
    const folder = path.join(store, ".server");
    const ask = async (harm: boolean): Promise<void> => {
      const found = await ensureServer({ store, packageRoot, idleExitSeconds: 60 });
      const { pid } = found.process;
      pids.push(pid);
      const client = createClient(found);
      const { runs } = await client.call("listRuns", { query: { search: "kept" } });
      expect(runs.map((run) => run.name)).toEqual(["kept"]);
      expect((await client.call("queryRuns", { body: { fields: ["record.name"] } })).total).toBe(1);
      // What it is about to write when it ends.
      const temporary = [`catalog.sqlite.${pid}.tmp`, "runs.index.tmp", "runs.data.tmp"].map((name) => path.join(folder, name));
      for (const place of temporary) if (harm && !existsSync(place)) await make[kind]?.(place);
      await client.call("editRun", { params: { id: runs[0]!.id }, body: { notes: `${kind} ${pid}` } });
      await client.call("shutdown");
      await eventually(() => !isAlive(pid), "the server's end");
    };
    await ask(false);
    const files = await readdir(folder);
    expect(files).toEqual(expect.arrayContaining(["catalog.sqlite", "runs.data", "runs.index", "server.log", "lock.1"]));
    for (const name of [...files, "discovery.json"]) {
      await rm(path.join(folder, name), { recursive: true, force: true });
      await make[kind]?.(path.join(folder, name));
      // A lock that was made a moment ago may still get its content.
      await lutimes(path.join(folder, name), 0, 0);
    }
    await ask(true);
  });
});

describe("ensureServer", () => {
  it("starts one server, however many ask at once, and finds it again", async () => {
    const found = await Promise.all(Array.from({ length: 3 }, () => ensureServer({ store, packageRoot, idleExitSeconds: 60 })));
    pids.push(...found.map((discovery) => discovery.process.pid));
    expect(new Set(found.map((discovery) => discovery.url)).size).toBe(1);
    const again = await ensureServer({ store, packageRoot });
    expect(again.process.pid).toBe(found[0]?.process.pid);
    process.kill(again.process.pid, "SIGKILL");
    const next = await ensureServer({ store, packageRoot, idleExitSeconds: 60 });
    pids.push(next.process.pid);
    expect(next.process.pid).not.toBe(again.process.pid);
  });

  it("passes on why a server could not be started", async () => {
    await mkdir(path.dirname(store), { recursive: true });
    await writeFile(store, "a file");
    await expect(ensureServer({ store, packageRoot })).rejects.toMatchObject({ code: expect.stringMatching(/^store_/) as string });
  });
});
