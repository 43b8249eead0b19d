/** The trash over real folders: a run goes there whole, comes back as it was, and is gone once it is removed, whatever dies meanwhile. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { runPaths } from "../../server/store/paths.ts";
import { openStore } from "../../server/store/store.ts";
import { liveRuns } from "../faults/live-run.ts";
import { exitRecord } from "../store/fixtures.ts";
import { folderBytes } from "../support/folder-bytes.ts";
import { until } from "../support/processes.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
beforeEach(async () => {
  live = await LiveServer.folder();
});
afterEach(() => live.remove());

const runsInStore = async (): Promise<string[]> => (await live.client.call("listRuns")).runs.map(({ id }) => id).sort();
const throwAway = (...runs: RunId[]) => live.client.call("changeRuns", { body: { runs, action: { do: "trash" } } });

async function add(fields: Partial<RunRecord> = {}): Promise<{ id: RunId; dir: string }> {
  const { record, paths } = await live.addRun(fields);
  await writeFile(path.join(paths.artifacts, "model.bin"), Buffer.alloc(1000, 7));
  await symlink("model.bin", path.join(paths.artifacts, "newest"));
  await writeFile(paths.attempt(1).log, "a line\n");
  return { id: record.id, dir: paths.dir };
}

it("keeps the folder as it was, through the death of server and index, and puts it back byte for byte", async () => {
  const [one, other] = [await add({ name: "one", tags: ["kept"] }), await add({ name: "other" })];
  await live.start();
  const before = await folderBytes(one.dir);
  const { trash, trashed_to: place } = await live.client.call("deleteRun", { params: { id: one.id } });
  expect(await folderBytes(place)).toEqual(before);
  expect(await runsInStore()).toEqual([other.id]);
  await live.server.close();
  await rm(path.join(live.store, ".server"), { recursive: true, force: true });
  await live.start();
  expect(await runsInStore()).toEqual([other.id]);
  const [listed] = (await live.client.call("listTrash")).runs;
  expect(listed).toMatchObject({ id: trash, run: one.id, name: "one", state: "completed", project: "demo", problem: null });
  const files = Object.entries(before).filter(([, content]) => content !== "/");
  expect(listed?.files).toBe(files.length);
  expect(await live.client.call("restoreTrash", { body: { trash: [trash] } })).toEqual({ restored: [{ trash, run: one.id }], failed: [] });
  expect(await folderBytes(one.dir)).toEqual(before);
  expect(await runsInStore()).toEqual([one.id, other.id].sort());
  expect((await live.client.call("queryRuns", { body: { filter: 'record.name = "one"', fields: ["record.tags"] } })).rows).toMatchObject([
    { values: [["kept"]] },
  ]);
  expect((await live.client.call("listTrash")).runs).toEqual([]);
});

it("brings back into a project that is gone, and never over a run that is there", async () => {
  const { id, dir } = await add({ project: "alone" });
  await live.start();
  const [first] = (await throwAway(id)).done;
  await rm(path.join(live.store, "alone"), { recursive: true });
  const trash = first?.trash ?? "";
  await mkdir(dir, { recursive: true });
  const refused = await live.client.call("restoreTrash", { body: { trash: [trash, trash.replace(/\d{3}Z$/, "999Z")] } });
  expect(refused.failed.map(({ error }) => error.code)).toEqual(["conflict", "not_found"]);
  expect(await readdir(dir)).toEqual([]);
  await rm(path.join(live.store, "alone"), { recursive: true });
  expect((await live.client.call("restoreTrash", { body: { trash: [trash] } })).failed).toEqual([]);
  expect((await live.client.call("getRun", { params: { id } })).project).toBe("alone");
  await expect(live.client.call("restoreTrash", { body: { trash: ["../../etc"] } })).rejects.toMatchObject({ code: "bad_request" });
});

it("shows what would go and how much, then removes that alone", async () => {
  const runs = [await add(), await add(), await add()];
  await live.start();
  const [a, b, c] = (await throwAway(...runs.map(({ id }) => id))).done.map(({ trash }) => trash ?? "");
  const outside = path.join(live.root, "outside");
  await mkdir(outside);
  await writeFile(path.join(outside, "mine"), "");
  await symlink(outside, path.join(live.store, ".trash", a!, "artifacts", "link"));
  await writeFile(path.join(live.store, ".trash", "demo", "notes.txt"), "mine");
  // What another removal did not finish.
  await rename(path.join(live.store, ".trash", c!), path.join(live.store, ".trash", "demo", `.removed-${path.basename(c!)}`));
  const preview = await live.client.call("emptyTrash", { body: { trash: [a!] } });
  expect(preview).toMatchObject({ applied: false, runs: [{ id: a }] });
  expect(preview.size_bytes).toBe(preview.runs[0]?.size_bytes);
  expect(preview.unfinished_bytes).toBeGreaterThan(1000);
  expect(existsSync(path.join(live.store, ".trash", a!))).toBe(true);
  await expect(live.client.call("emptyTrash", { body: { trash: [a!, c!], apply: true } })).rejects.toMatchObject({ code: "not_found" });
  expect((await live.client.call("emptyTrash", { body: { older_than_days: 1, apply: true } })).runs).toEqual([]);
  await live.client.call("emptyTrash", { body: { trash: [a!], apply: true } });
  expect((await readdir(path.join(live.store, ".trash", "demo"))).sort()).toEqual(["notes.txt", path.basename(b!)].sort());
  expect((await live.client.call("emptyTrash", { body: { apply: true } })).runs.map(({ id }) => id)).toEqual([b]);
  expect(await live.client.call("listTrash")).toEqual({ runs: [], size_bytes: 0, unfinished_bytes: 0 });
  expect(await readdir(outside)).toEqual(["mine"]);
});

it("changes many runs, and says for each what was refused", async () => {
  const [one, other] = [await add({ tags: ["old", "both"] }), await add({ tags: ["both"] })];
  const full = await add({ tags: Array.from({ length: 100 }, (_, i) => `t${String(i)}`) });
  const missing = newRunId();
  await live.start();
  const runs = [one.id, other.id, full.id, missing, one.id];
  const edit = { do: "edit", starred: true, archived: true, add_tags: ["new", "both"], remove_tags: ["old"] } as const;
  const { done, failed } = await live.client.call("changeRuns", {
    body: { runs, action: { ...edit, add_tags: [...edit.add_tags], remove_tags: [...edit.remove_tags] } },
  });
  expect(done.map(({ run, record }) => [run, record?.tags, record?.starred, record?.archived])).toEqual([
    [one.id, ["both", "new"], true, true],
    [other.id, ["both", "new"], true, true],
  ]);
  expect(failed.map(({ run, error }) => [run, error.code])).toEqual([
    [full.id, "bad_request"],
    [missing, "not_found"],
  ]);
  expect((await live.client.call("getRun", { params: { id: full.id } })).starred).toBe(false);
  await expect(live.client.call("changeRuns", { body: { runs: [], action: { do: "trash" } } })).rejects.toMatchObject({
    code: "bad_request",
  });
});

it("refuses a run that is live, or stops it first where that is asked for", async () => {
  const training = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  try {
    const [id = ""] = await liveRuns(live.store, training.pid ?? 0, 1, new Date().toISOString());
    await live.start();
    expect((await throwAway(id)).failed.map(({ error }) => [error.code, error.hint])).toEqual([["conflict", "Stop it first."]]);
    await expect(live.client.call("deleteRun", { params: { id } })).rejects.toMatchObject({ code: "conflict" });
    const answer = live.client.call("changeRuns", { body: { runs: [id], action: { do: "trash", stop: true } } });
    const attempt = runPaths(path.join(live.store, "demo", "runs", id)).attempt(1);
    await until("the request to stop", () => Promise.resolve(existsSync(attempt.stopJson)));
    expect((await live.client.call("listTrash")).runs).toEqual([]);
    training.kill("SIGKILL");
    await writeFile(attempt.exitJson, JSON.stringify(exitRecord({ ended_at: new Date().toISOString() })));
    const { done, failed } = await answer;
    expect(failed).toEqual([]);
    const [listed] = (await live.client.call("listTrash")).runs;
    expect(listed).toMatchObject({ id: done[0]?.trash, run: id, state: "cancelled" });
  } finally {
    training.kill("SIGKILL");
  }
});

/** A process that does nothing else with the store until it is killed. */
async function restless(work: string): Promise<(...args: string[]) => ChildProcess> {
  const program = path.join(live.root, "restless.cjs");
  const contents = `import { openStore } from "./server/store/store.ts";
    (async () => {
      const store = await openStore(process.argv[2]);
      const args = process.argv.slice(3);
      console.log("ready");
      ${work}
    })();`;
  const stdin = { contents, resolveDir: process.cwd(), loader: "ts" } as const;
  await build({ stdin, outfile: program, bundle: true, platform: "node", format: "cjs", logLevel: "error" });
  return (...args) => spawn(process.execPath, [program, live.store, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

const ready = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.stdout?.once("data", resolve));
const killed = async (child: ChildProcess): Promise<void> => {
  const exit = child.exitCode === null ? new Promise((resolve) => child.once("exit", resolve)) : Promise.resolve();
  child.kill("SIGKILL");
  await exit;
};

it("leaves every run in one place, whole, wherever a kill comes between", async () => {
  const expected = new Map<RunId, Record<string, string>>();
  for (let i = 0; i < 4; i++) {
    const { id, dir } = await add();
    expected.set(id, await folderBytes(dir));
  }
  const start = await restless(`for (;;) {
    const trash = await Promise.all(args.map((id) => store.trash(id)));
    await Promise.all(trash.map((each) => store.trashed.restore(each)));
  }`);
  for (let round = 0; round < 8; round++) {
    const child = start(...expected.keys());
    await ready(child);
    await new Promise((resolve) => setTimeout(resolve, round * 3));
    await killed(child);
    const store = await openStore(live.store);
    const there = (await store.scan()).runs.map(({ record }) => record.id);
    const thrown = (await store.trashed.list()).runs;
    expect([...there, ...thrown.map(({ run }) => run)].sort()).toEqual([...expected.keys()].sort());
    for (const { id } of thrown) await store.trashed.restore(id);
    for (const [run, bytes] of expected) expect(await folderBytes(store.paths(run).dir)).toEqual(bytes);
    store.close();
  }
});

it("offers no half of a run whose removal was killed, and finishes it later", async () => {
  const start = await restless("await store.trashed.remove(args);");
  const store = await openStore(live.store);
  for (let round = 0; round < 4; round++) {
    const { id, dir } = await add();
    for (let i = 0; i < 400; i++) await writeFile(path.join(dir, "artifacts", `file ${String(i)}`), "x");
    const trash = await store.trash(id);
    const child = start(trash);
    // Killed as soon as the folder has its new name, at the latest once it is gone.
    await until("the removal", () => Promise.resolve(!existsSync(store.trashed.place(trash))), 15_000, 1);
    await killed(child);
    expect((await store.trashed.list()).runs).toEqual([]);
    await store.trashed.remove([]);
    expect(await store.trashed.list()).toEqual({ runs: [], size_bytes: 0, unfinished_bytes: 0 });
  }
  store.close();
});
