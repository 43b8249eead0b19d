import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { exitRecord, resolvedSpec, runRecord } from "./fixtures.ts";

let root: string;
let store: RunStore;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "trainyard-store-"));
  store = await openStore(path.join(root, "store"));
});
afterEach(async () => {
  store.close();
  await rm(root, { recursive: true, force: true });
});

async function makeRun(project = "demo", id: RunId = newRunId()): Promise<RunId> {
  const record = runRecord({ id, project });
  await store.create(record, { specYaml: "recipe: script\n", resolved: resolvedSpec(id, "/x") });
  return id;
}

describe("openStore", () => {
  it("makes store.json and a .gitignore, and keeps both when it opens again", async () => {
    const before = await readFile(path.join(store.root, "store.json"), "utf8");
    expect(await readFile(path.join(store.root, ".gitignore"), "utf8")).toBe("*\n");
    await writeFile(path.join(store.root, ".gitignore"), "mine\n");
    const again = await openStore(store.root);
    expect(again.readOnly).toBe(false);
    expect(await readFile(path.join(store.root, "store.json"), "utf8")).toBe(before);
    expect(await readFile(path.join(store.root, ".gitignore"), "utf8")).toBe("mine\n");
  });

  it("refuses a file, a missing folder that it may not make, and a store of a newer version", async () => {
    await writeFile(path.join(root, "file"), "");
    await expect(openStore(path.join(root, "file"))).rejects.toMatchObject({ code: "store_unwritable" });
    await expect(openStore(path.join(root, "none"), { create: false })).rejects.toMatchObject({ code: "not_found" });
    await writeFile(path.join(store.root, "store.json"), JSON.stringify({ version: 2, created_at: "2026-01-01T00:00:00Z" }));
    await expect(openStore(store.root)).rejects.toMatchObject({
      code: "corrupt_record",
      message: expect.stringContaining("newer") as string,
    });
  });
});

describe("run folders", () => {
  it("writes what it is given and reads it again", async () => {
    const id = await makeRun();
    const folder = await store.read(id);
    expect(folder.record).toEqual(runRecord({ id, project: "demo" }));
    expect(folder.paths.dir).toBe(path.join(store.root, "demo", "runs", id));
    expect((await store.spec(id)).spec?.recipe).toBe("script");
    expect((await store.resolved(id))?.run).toBe(id);
    expect((await store.projects()).map((p) => p.name)).toEqual(["demo"]);
    const other = await openStore(store.root);
    expect((await other.scan()).runs.map((r) => r.record.id)).toEqual([id]);
  });

  it("shows damaged runs among good ones and leaves their files alone", async () => {
    const good = await makeRun();
    const [cut, wrong, newer, foreign] = [await makeRun(), await makeRun(), await makeRun("other"), await makeRun()];
    const damage = async (id: RunId, text: string): Promise<string> => {
      await writeFile(store.paths(id).runJson, text);
      return text;
    };
    const texts = [
      await damage(cut, '{"version": 1, "id":'),
      await damage(wrong, JSON.stringify({ ...runRecord({ id: wrong, project: "demo" }), tags: "no list" })),
      await damage(newer, JSON.stringify({ version: 2 })),
      await damage(foreign, JSON.stringify(runRecord({ id: good, project: "demo" }))),
    ];
    const scan = await store.scan();
    expect(scan.runs.map((run) => run.record.id)).toEqual([good]);
    expect(new Set(scan.damaged.map((run) => run.id))).toEqual(new Set([cut, wrong, newer, foreign]));
    expect(scan.damaged.find((run) => run.id === wrong)?.problem.message).toContain("tags");
    for (const [i, id] of [cut, wrong, newer, foreign].entries()) {
      await expect(store.read(id)).rejects.toMatchObject({ code: "corrupt_record" });
      await expect(store.update(id, (record) => record)).rejects.toMatchObject({ code: "corrupt_record" });
      expect(await readFile(store.paths(id).runJson, "utf8")).toBe(texts[i]);
    }
    await writeFile(store.paths(cut).runJson, JSON.stringify(runRecord({ id: cut, project: "demo" })));
    expect((await store.scan()).runs).toHaveLength(2);
  });

  it("takes a folder without run.json for no run, and the folder's place for the project", async () => {
    const id = await makeRun();
    await mkdir(path.join(store.root, "demo", "runs", newRunId()));
    await mkdir(path.join(store.root, "elsewhere", "runs"), { recursive: true });
    await rename(store.paths(id).dir, path.join(store.root, "elsewhere", "runs", id));
    const { runs, damaged } = await store.scan();
    expect(damaged).toEqual([]);
    expect(runs.map((run) => run.record.project)).toEqual(["elsewhere"]);
  });

  it("serialises updates of one run", async () => {
    const id = await makeRun();
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.update(id, (r) => ({ ...r, tags: [...r.tags, String(i)] }))));
    expect((await store.read(id)).record.tags).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    await expect(store.update(id, (r) => ({ ...r, name: "" }))).rejects.toThrow();
    expect((await store.read(id)).record.name).toBe("a run");
  });

  it("refuses ids that are none and runs that are not there", async () => {
    for (const id of ["../../etc", "run_x", newRunId()]) await expect(store.read(id)).rejects.toMatchObject({ code: "not_found" });
    const id = await makeRun();
    await rm(store.paths(id).dir, { recursive: true });
    await expect(store.read(id)).rejects.toMatchObject({ code: "not_found" });
  });

  it("keeps events readable after a torn line", async () => {
    const id = await makeRun();
    const event = { type: "message", time: "2026-01-01T00:00:00.000Z", level: "info", text: "é" } as const;
    await store.appendEvent(id, event);
    await appendFile(store.paths(id).eventsJsonl, '{"type":"mess');
    await store.appendEvent(id, event);
    expect(await store.events(id)).toEqual([event, event]);
  });

  it("moves a run to the trash, twice if need be", async () => {
    const id = await makeRun();
    const first = await store.trash(id);
    expect((await stat(path.join(store.trashed.place(first), "run.json"))).isFile()).toBe(true);
    expect((await store.scan()).runs).toEqual([]);
    await makeRun("demo", id);
    expect(await store.trash(id)).not.toBe(first);
  });

  it("reports a damaged attempt file as damage, not as an error", async () => {
    const id = await makeRun();
    await mkdir(store.paths(id).attempt(1).dir, { recursive: true });
    await writeFile(store.paths(id).attempt(1).exitJson, "{");
    expect(await store.exit(id, 1)).toBeNull();
    expect(store.damage(id)).toContain("exit.json");
    await store.writeExit(id, 1, exitRecord({ by: "server" }));
    expect((await store.exit(id, 1))?.code).toBe(0);
    expect(store.damage(id)).toBeNull();
  });
});

describe("watch", () => {
  it("tells of runs that others make or change, not of its own writes", async () => {
    const mine = await makeRun();
    await store.scan();
    const seen: string[] = [];
    const watcher = store.watch(({ id }) => seen.push(id));
    const other = await openStore(store.root);
    const theirs = newRunId();
    await other.create(runRecord({ id: theirs, project: "new-project" }), { specYaml: "", resolved: resolvedSpec(theirs, "/x") });
    await expect.poll(() => seen, { timeout: 6000 }).toEqual([theirs]);
    await store.scan();
    await store.update(mine, (r) => ({ ...r, notes: "by me" }));
    await other.update(theirs, (r) => ({ ...r, notes: "by them" }));
    await expect.poll(() => seen, { timeout: 6000 }).toEqual([theirs, theirs]);
    watcher.close();
  });
});
