/** Several stores, shown together by one server: real folders, real servers. */
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { storeName } from "../../server/stores/names.ts";
import { searchStores } from "../../server/stores/search.ts";
import { LiveServer } from "../http/live-server.ts";
import { exitRecord } from "../store/fixtures.ts";
import { until } from "../support/processes.ts";

let live: LiveServer;
let parent: string;
/** Stores below `parent`: <parent>/nightly/.trainyard and <parent>/shared. */
let nightly: LiveServer;

beforeEach(async () => {
  live = await LiveServer.folder();
  parent = await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-stores-")));
  nightly = LiveServer.at(path.join(parent, "nightly", ".trainyard"));
  await live.addRun({ name: "mine" });
});
afterEach(async () => {
  await live.remove();
  await nightly.remove();
  await rm(parent, { recursive: true, force: true });
});

async function addPoints({ paths }: RunFolder, values: readonly number[]): Promise<void> {
  const rows = values.map((value, step) => rowRecord(0, Date.UTC(2026, 0, 1) + step, step, [value]));
  await writeFile(paths.attempt(1).metrics, Buffer.concat([fileHeader(), setRecord(0, ["loss"]), ...rows]));
}

async function runs(): Promise<RunSummary[]> {
  return (await live.client.call("listRuns", { query: { sort: "name" } })).runs;
}

/** Every file below a folder with its content and its time: what nobody may have touched. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of (await readdir(folder, { recursive: true })).sort()) {
    const stats = await stat(path.join(folder, entry));
    hash.update(`${entry} ${stats.mtimeMs} ${stats.isFile() ? (await readFile(path.join(folder, entry))).toString("base64") : ""}\n`);
  }
  return hash.digest("hex");
}

describe("a search", () => {
  it("finds stores in a folder and two levels below it, through links, and not deeper", async () => {
    await nightly.addRun();
    for (const place of ["shared", "a/b/deep", ".server"]) await LiveServer.at(path.join(parent, place)).addRun();
    await symlink(path.join(parent, "a", "b"), path.join(parent, "linked"));
    await symlink(parent, path.join(parent, "a", "circle"));
    await rm(path.join(parent, "shared", "store.json")); // As the SDK leaves it.
    await mkdir(path.join(parent, "broken"));
    await symlink("/nowhere", path.join(parent, "broken", "gone"));
    const { stores } = await searchStores(parent);
    expect(stores.map((found) => path.relative(parent, found))).toEqual([".server", "a/b/deep", "nightly/.trainyard", "shared"]);
    expect((await searchStores(path.join(parent, "shared"))).stores).toHaveLength(1);
    expect(await searchStores(parent, 3)).toMatchObject({ truncated: true, folders: 3 });
  });

  it("says what is wrong with the folder", async () => {
    await writeFile(path.join(parent, "file"), "");
    await live.start();
    const refused = async (folder: string): Promise<unknown> =>
      live.client.call("searchStores", { query: { folder } }).catch((error: unknown) => error);
    expect(await refused("some/where")).toMatchObject({ code: "bad_request" });
    expect(await refused(path.join(parent, "missing"))).toMatchObject({ code: "not_found" });
    expect(await refused(path.join(parent, "file"))).toMatchObject({ code: "bad_request" });
    expect(await refused(`${parent}\0`)).toMatchObject({ code: "bad_request" });
  });

  it("names a store after the folder that says whose it is", () => {
    expect(storeName("/home/me/nightly/.trainyard", new Set())).toBe("nightly");
    expect(storeName("/data/llama", new Set())).toBe("llama");
    expect(storeName("/data/llama", new Set(["llama", "llama-2"]))).toBe("llama-3");
    expect(storeName("/", new Set())).toBe("store");
  });
});

describe("stores that were added", () => {
  it("are shown with their origin: lists, filters, points, logs, artifacts, events", async () => {
    const far = await nightly.addRun({ name: "theirs", project: "other" });
    await addPoints(far, [3, 1, Number.NaN, 2]);
    await writeFile(far.paths.attempt(1).log, "first line\nsecond line\n");
    await mkdir(far.paths.artifacts, { recursive: true });
    await writeFile(path.join(far.paths.artifacts, "notes.txt"), "kept");
    await LiveServer.at(path.join(parent, "shared")).addRun({ name: "shared one" });
    const before = await fingerprint(parent);
    await live.start();
    const { client } = live;
    const found = await client.call("searchStores", { query: { folder: parent } });
    expect(found.stores.map(({ name, runs, added }) => [name, runs, added])).toEqual([
      ["nightly", 1, false],
      ["shared", 1, false],
    ]);
    const { added } = await client.call("addStores", { body: { path: parent } });
    expect(added.map(({ name, state, runs }) => [name, state, runs])).toEqual([
      ["nightly", "open", 1],
      ["shared", "open", 1],
    ]);
    const own = path.basename(live.root);
    expect((await runs()).map((run) => [run.name, run.store?.name, run.store?.own])).toEqual([
      ["mine", own, true],
      ["shared one", "shared", false],
      ["theirs", "nightly", false],
    ]);
    const asked = await client.call("queryRuns", {
      body: { fields: ["record.name", "record.store", "metrics.loss:min"], filter: 'record.store = "nightly"', sort: [] },
    });
    expect(asked.rows.map(({ values }) => values)).toEqual([["theirs", "nightly", 1]]);
    const groups = await client.call("aggregate", { body: { group_by: ["record.store"], values: ["record.name"] } });
    expect(groups.groups.map((group) => group.runs)).toEqual([1, 1, 1]);

    const { id } = far.record;
    const params = { id };
    expect((await client.call("getRun", { params })).store).toMatchObject({ name: "nightly", path: nightly.store });
    const { series } = await client.call("getSeries", { params, query: { metrics: "*", format: "json" } });
    expect(series[0]).toMatchObject({ name: "loss", values: [3, 1, "NaN", 2] });
    expect((await client.call("getLog", { params })).lines.map(({ text }) => text)).toEqual(["first line", "second line"]);
    expect((await client.call("listArtifacts", { params })).artifacts.map((one) => one.path)).toEqual(["notes.txt"]);
    expect(new TextDecoder().decode(await client.bytes("getArtifact", { params, query: { path: "notes.txt" } }))).toBe("kept");
    expect((await client.call("compareRuns", { query: { runs: [id, (await runs())[0]!.id].join(",") } })).runs).toHaveLength(2);
    expect((await client.call("searchLogs", { query: { search: "second" } })).matches).toHaveLength(1);
    const csv = new TextDecoder().decode(await client.bytes("exportRuns", { query: { runs: id, metrics: "*", format: "long" } }));
    expect(csv).toContain("loss");
    await live.server.close();
    expect(await fingerprint(parent)).toBe(before);
  });

  it("are changed by their own server alone: here every change is refused, with the place to go to", async () => {
    const far = await nightly.addRun({ name: "theirs" });
    const draft = await nightly.addRun({ name: "a draft", state: "draft", attempt: 0 });
    const queued = await nightly.addRun({ name: "waits", state: "queued", attempt: 0 });
    const before = await fingerprint(parent);
    await live.start();
    const { client } = live;
    await client.call("addStores", { body: { path: nightly.store } });
    const params = { id: far.record.id };
    const spec = { recipe: "script", project: "demo" };
    const changes = [
      client.call("editRun", { params, body: { name: "mine now" } }),
      client.call("deleteRun", { params }),
      client.call("cancelRun", { params, body: {} }),
      client.call("resumeRun", { params, body: { mode: "continue" } }),
      client.call("resumeRun", { params, body: { mode: "fork" } }),
      client.call("startRun", { params: { id: draft.record.id } }),
      client.call("editDraft", { params: { id: draft.record.id }, body: { spec } }),
      client.call("retainCheckpoints", { params, body: { rule: { keep_last: 1 }, apply: true } }),
      client.call("tagCheckpoint", { params: { ...params, checkpoint: "step-1" }, body: { tag: "release" } }),
    ];
    for (const change of await Promise.allSettled(changes)) {
      const reason: unknown = change.status === "rejected" ? change.reason : null;
      if (!(reason instanceof TrainyardError)) throw new Error(`not refused: ${JSON.stringify(change)}`);
      expect(reason.code).toBe("other_store");
      expect(reason.message).toContain("nightly");
      expect(reason.hint).toContain(nightly.store);
    }
    expect((await client.call("getRun", { params: { id: queued.record.id } })).state).toBe("queued");
    await live.server.close();
    expect(await fingerprint(parent)).toBe(before);
  });

  it("show how a run has ended that no server has looked at since, however long ago it was read", async () => {
    // As the SDK leaves it: no server has settled it.
    const far = await nightly.addRun({ name: "unseen", state: "running", origin: "sdk" });
    await addPoints(far, [2, 1]);
    await writeFile(far.paths.attempt(1).exitJson, JSON.stringify(exitRecord({ by: "sdk" })));
    await live.start();
    await live.client.call("addStores", { body: { path: nightly.store } });
    const params = { id: far.record.id };
    await until("its end", async () => (await runs()).find((run) => run.name === "unseen")?.state === "completed", 15_000);
    await setTimeout(1500); // A run at rest leaves memory after a second: nothing tells when.
    expect((await live.client.call("getRun", { params })).state).toBe("completed");
    expect((await runs()).find((run) => run.name === "unseen")?.state).toBe("completed");
    expect(JSON.parse(await readFile(far.paths.runJson, "utf8"))).toMatchObject({ state: "running" });
  });

  it("show what their own server does, as it happens, and what it adds", async () => {
    const far = await nightly.addRun({ name: "theirs" });
    await nightly.start();
    await live.start();
    await live.client.call("addStores", { body: { path: nightly.store } });
    const seen = new Map<string, RunLine>();
    live.stream().subscribe(
      { topic: "runs" },
      {
        onMessage: (message) => {
          if (message.type === "runs_changed") for (const line of message.runs) seen.set(line.id, line);
        },
      },
    );
    await nightly.client.call("editRun", { params: { id: far.record.id }, body: { tags: ["edited over there"] } });
    await until("the edit", () => Promise.resolve(seen.get(far.record.id)?.tags[0] === "edited over there"), 15_000);
    expect(seen.get(far.record.id)?.store?.name).toBe("nightly");
    const later = await nightly.addRun({ name: "came later" });
    await until("the new run", () => Promise.resolve(seen.get(later.record.id)?.name === "came later"), 15_000);
    expect((await live.client.call("listStores")).stores[1]).toMatchObject({ runs: 2, state: "open" });
  });

  it("say when they are gone, and are shown again when they are back, also by the next server", async () => {
    await nightly.addRun({ name: "theirs" });
    await live.start();
    const { client } = live;
    await client.call("addStores", { body: { path: nightly.store, name: "night runs" } });
    expect(await runs()).toHaveLength(2);
    const away = path.join(parent, "away");
    await rename(path.join(parent, "nightly"), away);
    const status = async () => (await client.call("listStores")).stores[1]!;
    const gone = await until("its absence", async () => [await status()].find(({ state }) => state === "unavailable"), 15_000);
    expect(gone.problem).toContain(nightly.store);
    expect((await runs()).map(({ name }) => name)).toEqual(["mine"]);
    expect((await client.call("refresh")).problems.map(({ message }) => message).join()).toContain("night runs");
    await rename(away, path.join(parent, "nightly"));
    await until("its return", async () => (await status()).state === "open", 15_000);
    expect((await runs()).map(({ name }) => name)).toEqual(["mine", "theirs"]);

    await live.server.close();
    await live.start();
    await until("the store", async () => (await live.client.call("listStores")).stores[1]?.state === "open", 15_000);
    expect((await runs()).map((run) => [run.name, run.store?.name])).toEqual([
      ["mine", path.basename(live.root)],
      ["theirs", "night runs"],
    ]);
  });

  it("can be removed, which touches nothing in them", async () => {
    await nightly.addRun({ name: "theirs" });
    const before = await fingerprint(parent);
    await live.start();
    await live.client.call("addStores", { body: { path: parent } });
    const removed: string[] = [];
    live.stream().subscribe(
      { topic: "runs" },
      {
        onMessage: (message) => {
          if (message.type === "runs_changed") removed.push(...message.removed);
        },
      },
    );
    await until("both runs", async () => (await runs()).length === 2, 15_000);
    await live.client.call("removeStore", { params: { store: "nightly" } });
    expect((await runs()).map(({ name }) => name)).toEqual(["mine"]);
    await until("word of its removal", () => Promise.resolve(removed.length === 1), 15_000);
    expect(await fingerprint(parent)).toBe(before);
    await expect(live.client.call("removeStore", { params: { store: "nightly" } })).rejects.toMatchObject({ code: "not_found" });
    const own = path.basename(live.root);
    await expect(live.client.call("removeStore", { params: { store: own } })).rejects.toMatchObject({ code: "conflict" });
  });

  it("show a run that lies in two stores once, and again when the first lets go of it", async () => {
    const mine = await live.addRun({ name: "copied" });
    await nightly.addRun({ name: "theirs" });
    await cp(path.join(live.store, "demo", "runs", mine.record.id), path.join(nightly.store, "demo", "runs", mine.record.id), {
      recursive: true,
    });
    await live.start();
    await live.client.call("addStores", { body: { path: nightly.store } });
    expect((await live.client.call("listStores")).stores[1]).toMatchObject({ runs: 2, duplicates: 1 });
    expect((await runs()).map((run) => [run.name, run.store?.own])).toEqual([
      ["copied", true],
      ["mine", true],
      ["theirs", false],
    ]);
    await live.client.call("deleteRun", { params: { id: mine.record.id } });
    expect((await runs()).map((run) => [run.name, run.store?.own])).toEqual([
      ["copied", false],
      ["mine", true],
      ["theirs", false],
    ]);
  });
});

it("refuses what is no store, what is shown already, and names that are taken; a damaged list is left as it is", async () => {
  await nightly.addRun();
  await LiveServer.at(path.join(parent, "shared")).addRun();
  await mkdir(path.join(parent, "empty"));
  await live.start();
  const { client } = live;
  const refused = (body: { path: string; name?: string }): Promise<unknown> =>
    client.call("addStores", { body }).catch((error: unknown) => error);
  expect(await refused({ path: path.join(parent, "empty") })).toMatchObject({ code: "not_found" });
  expect(await refused({ path: live.store })).toMatchObject({ code: "conflict" });
  expect(await refused({ path: parent, name: "both" })).toMatchObject({ code: "bad_request" });
  expect(await refused({ path: nightly.store, name: "a/b" })).toMatchObject({ code: "bad_request" });
  expect(await refused({ path: nightly.store, name: path.basename(live.root) })).toMatchObject({ code: "conflict" });
  const newer = path.join(parent, "newer");
  await mkdir(newer);
  await writeFile(path.join(newer, "store.json"), '{"version": 99}');
  await client.call("addStores", { body: { path: newer } });
  const [, unreadable] = (await client.call("listStores")).stores;
  expect(unreadable?.state).toBe("unavailable");
  expect(unreadable?.problem).toContain("newer Trainyard");
  expect(await client.call("addStores", { body: { path: parent } })).toMatchObject({ known: [newer] });

  const file = path.join(live.store, "stores.json");
  await writeFile(file, "{ torn");
  const { problems } = await client.call("refresh");
  expect(problems.map(({ message }) => message).join()).toContain("stores.json");
  expect((await client.call("listStores")).stores).toHaveLength(4);
  expect(await refused({ path: nightly.store })).toMatchObject({ code: "corrupt_record" });
  expect(await readFile(file, "utf8")).toBe("{ torn");
});
