import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TrainyardError } from "../../protocol/errors.ts";
import { findServer } from "../../src/server/discovery.ts";
import { ServerConnection, type ServerState } from "../../src/server/connection.ts";
import { readAnswer, startServer } from "../../src/server/start.ts";

const TOKEN = "t".repeat(43);
let store: string;
let server: Server;
let url: string;

beforeEach(async () => {
  store = await mkdtemp(path.join(os.tmpdir(), "trainyard-ext-"));
  server = createServer((request, response) => {
    const ok = request.headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(ok ? 200 : 401, { "content-type": "application/json" });
    response.end(
      JSON.stringify({
        version: "0",
        protocol: 1,
        store,
        pid: process.pid,
        started_at: new Date().toISOString(),
        runs: 0,
        live_runs: 0,
        read_only: false,
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(store, { recursive: true, force: true });
});

function record(changes: Record<string, unknown> = {}) {
  return {
    protocol: 1,
    url,
    token: TOKEN,
    process: { pid: process.pid, start_time: "1", boot_id: "b" },
    store,
    version: "0",
    started_at: new Date().toISOString(),
    ...changes,
  };
}

async function writeDiscovery(changes: Record<string, unknown> = {}, folderMode = 0o700, fileMode = 0o600): Promise<string> {
  const folder = path.join(store, ".server");
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, "discovery.json");
  await writeFile(file, JSON.stringify(record(changes)));
  await chmod(file, fileMode);
  await chmod(folder, folderMode);
  return file;
}

describe("finding the server", () => {
  it("takes the one that answers with the token", async () => {
    await writeDiscovery();
    expect(await findServer(store)).toMatchObject({ kind: "alive", discovery: { url } });
  });

  it.skipIf(process.platform === "win32")("distrusts a file that others can write or read", async () => {
    await writeDiscovery({}, 0o700, 0o644);
    expect(await findServer(store)).toMatchObject({ kind: "absent", reason: expect.stringContaining("other users") as string });
    await writeDiscovery({}, 0o755, 0o600);
    expect(await findServer(store)).toMatchObject({ kind: "absent" });
  });

  it("distrusts a link, another machine, another store, a dead server and broken files", async () => {
    const file = await writeDiscovery();
    await writeDiscovery({ url: "http://example.com:80" });
    expect(await findServer(store)).toMatchObject({ kind: "absent", reason: expect.stringContaining("example.com") as string });
    await writeDiscovery({ process: { pid: 1, start_time: "1", boot_id: "b" } });
    expect((await findServer(store)).kind).toBe("absent");
    await writeDiscovery({ token: "x".repeat(43) });
    expect((await findServer(store)).kind).toBe("absent");
    await writeDiscovery({ url: "http://127.0.0.1:1" });
    expect((await findServer(store)).kind).toBe("absent");
    await writeFile(file, "{", { mode: 0o600 });
    expect((await findServer(store)).kind).toBe("absent");
    await rm(file);
    await symlink("/etc/hostname", file);
    expect(await findServer(store)).toMatchObject({ kind: "absent", reason: expect.stringContaining("link") as string });
    await rm(file);
    execFileSync("mkfifo", ["-m", "600", file]);
    expect(await findServer(store)).toMatchObject({ kind: "absent", reason: expect.stringContaining("no file") as string });
    expect((await findServer(path.join(store, "nowhere"))).kind).toBe("absent");
  });

  it("says so when the server speaks another protocol", async () => {
    await writeDiscovery({ protocol: 99 });
    await expect(findServer(store)).rejects.toThrow(/protocol 99/);
  });
});

describe("starting the server", () => {
  async function cli(script: string): Promise<{ cli: string; store: string; baseDir: string; python: null; log: () => void }> {
    const file = path.join(store, "cli.cjs");
    await writeFile(file, script);
    return { cli: file, store, baseDir: store, python: null, log: () => undefined };
  }

  it("reads the address, even while the detached server keeps the pipes open", async () => {
    const script = `const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 3000)"], { detached: true, stdio: "inherit" });
      child.unref();
      process.stdout.write(${JSON.stringify(JSON.stringify(record()))} + "\\n", () => process.exit(0));`;
    const before = Date.now();
    expect(await startServer(await cli(script))).toMatchObject({ url, token: TOKEN });
    expect(Date.now() - before).toBeLessThan(2500);
  });

  it("passes the server's typed error on", async () => {
    const error = new TrainyardError("store_unwritable", "the store cannot be written", "Choose another folder.").toApi();
    const script = `process.stderr.write(${JSON.stringify(JSON.stringify(error))} + "\\n", () => process.exit(1));`;
    await expect(startServer(await cli(script))).rejects.toMatchObject({ code: "store_unwritable", hint: "Choose another folder." });
  });

  it("gives up in time", async () => {
    const options = { ...(await cli("setTimeout(() => {}, 60000)")), timeoutMs: 300 };
    await expect(startServer(options)).rejects.toMatchObject({ code: "timeout" });
  });

  it("quotes the command's own words when there is no typed error", () => {
    expect(() => readAnswer(1, "", "Error: no such option")).toThrow(/exit code 1.*no such option/);
    expect(() => readAnswer(0, "hello", "")).toThrow(/did not start/);
    expect(() => readAnswer(1, JSON.stringify(record()), "")).toThrow(/exit code 1/);
  });
});

describe("the connection", () => {
  it("fails once, waits, and tries again only when it is asked", async () => {
    let tries = 0;
    const states: ServerState["kind"][] = [];
    const connection = new ServerConnection({
      cli: path.join(store, "missing.cjs"),
      target: () => {
        tries++;
        return Promise.reject(new TrainyardError("missing_file", "no folder is open"));
      },
      log: () => undefined,
    });
    connection.onState((state) => states.push(state.kind));
    await expect(connection.api()).rejects.toMatchObject({ code: "missing_file" });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(tries).toBe(1);
    await expect(connection.api()).rejects.toMatchObject({ code: "missing_file" });
    expect(tries).toBe(2);
    expect(states).toEqual(["connecting", "connecting", "failed", "connecting", "connecting", "failed"]);
    connection.dispose();
  });
});
