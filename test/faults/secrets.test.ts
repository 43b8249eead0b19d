/** The token is in one file and nowhere else: no argv, no environment, no log, no file of a run, however the server was asked. */
import { mkdtemp, readFile, readdir, realpath, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient } from "../../protocol/client.ts";
import { Discovery } from "../../protocol/discovery.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { builtCli } from "../support/machine.ts";
import { runProgram, until } from "../support/processes.ts";
import { endServer } from "../support/store.ts";

let folder: string;
let store: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-secrets-")));
  store = path.join(folder, ".trainyard");
});
afterAll(async () => {
  await endServer(store);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

it("keeps its token to itself", async () => {
  const { stdout } = await runProgram(process.execPath, [builtCli(), "serve", "--ensure", "--store", store, "--json"]);
  const { url, token } = Discovery.parse(JSON.parse(stdout));
  const client = createClient({ url, token });
  // A training prints all that it was given; the test leaves it to end while the processes are looked at.
  const spec = { recipe: "command", params: { command: ["sh", "-c", "env; cat /proc/$PPID/cmdline /proc/$PPID/environ; sleep 1"] } };
  const { id } = await client.call("createRun", { body: { spec: spec, start: true } });
  // Requests that carry the token where it does not belong, and requests that fail.
  for (const request of [
    `/api/runs?token=${token}`,
    `/api/${token}`,
    `/?token=${token}`,
    "/api/runs/%00",
    `/api/runs/${id}/log/raw?offset=x`,
  ]) {
    await (await fetch(`${url}${request}`)).arrayBuffer();
    await (await fetch(`${url}${request}`, { headers: { authorization: `Bearer ${token}` } })).arrayBuffer();
  }
  await fetch(`${url}/api/runs`, { method: "POST", body: token, headers: { authorization: `Bearer ${token}` } });

  const told: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    for (const part of ["cmdline", "environ"])
      if ((await readFile(`/proc/${pid}/${part}`, "latin1").catch(() => "")).includes(token)) told.push(`/proc/${pid}/${part}`);
  await until("the end of the run", async () => FINAL_STATES.has((await client.call("getRun", { params: { id } })).state));
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(file, "latin1")).includes(token)) told.push(path.relative(store, file));
  }
  expect(told).toEqual([path.join(".server", "discovery.json")]);
  expect((await stat(path.join(store, ".server", "discovery.json"))).mode & 0o777).toBe(0o600);
  expect((await stat(path.join(store, ".server"))).mode & 0o777).toBe(0o700);
});
