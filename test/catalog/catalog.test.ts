import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { createCatalog } from "../../server/catalog/catalog.ts";
import type { RunSource, RunState } from "../../server/catalog/types.ts";
import { query, summary } from "./summaries.ts";

const WASM = path.resolve("node_modules/sql.js/dist");
let folder: string;
let worker: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-catalog-"));
  worker = path.join(folder, "catalog-worker.cjs");
  await build({
    entryPoints: ["server/catalog/worker.ts"],
    outfile: worker,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs as the runs room has them, and what the catalogue asked of it. */
class Source implements RunSource {
  readonly runs: Map<RunId, RunSummary>;
  asked = 0;

  constructor(runs: readonly RunSummary[]) {
    this.runs = new Map(runs.map((run) => [run.id, run]));
  }

  *stamps(): Iterable<readonly [RunId, string]> {
    for (const [id, run] of this.runs) yield [id, stampOf(run)];
  }

  state(id: RunId): RunState | undefined {
    this.asked++;
    const run = this.runs.get(id);
    return run === undefined ? undefined : { json: JSON.stringify(run), stamp: stampOf(run) };
  }
}

function stampOf(run: RunSummary): string {
  return createHash("sha1").update(JSON.stringify(run)).digest("base64");
}

describe.each([
  ["in its worker", () => worker],
  ["in this thread", () => null],
])("the catalogue %s", (_, workerFile) => {
  const open = (runs: readonly RunSummary[], snapshot: string | null, idleMs?: number) => {
    const source = new Source(runs);
    const options = { workerFile: workerFile(), wasmFolder: WASM, snapshot, runs: source, ...(idleMs !== undefined && { idleMs }) };
    return { source, catalog: createCatalog(options) };
  };

  it("answers with every change that was made before the question", async () => {
    const runs = [summary(1), summary(2)];
    const { source, catalog } = open(runs, null);
    await catalog.sync();
    const third = summary(3, { name: "third" });
    const change = (id: RunId, run: RunSummary | null): void => {
      if (run === null) source.runs.delete(id);
      else source.runs.set(id, run);
      catalog.changed(id);
    };
    change(third.id, third);
    change(runs[0]!.id, null);
    expect(await catalog.list(query())).toEqual({ ids: [third.id, runs[1]!.id], total: 2 });
    change(third.id, { ...third, archived: true });
    expect((await catalog.list(query({ archived: "false" }))).ids).toEqual([runs[1]!.id]);
    await catalog.close();
  });

  it("asks the columns, which see every change, and refuses with the place what is no question", async () => {
    const runs = [summary(1, { params: { lr: 1 } }), summary(2, { params: { lr: 2 } })];
    const { source, catalog } = open(runs, null);
    await catalog.sync();
    const third = summary(3, { params: { lr: 3 } });
    source.runs.set(third.id, third);
    catalog.changed(third.id);
    expect((await catalog.list(query({ filter: "params.lr >= 2", sort: "-params.lr" }))).total).toBe(2);
    expect((await catalog.ask("statistics", { filter: "params.lr = 3" })).runs).toBe(1);
    const refused = { code: "bad_request", problems: [{ field: "filter", span: { start: 11, end: 11 } }] };
    await expect(catalog.ask("statistics", { filter: "params.lr >" })).rejects.toMatchObject(refused);
    await catalog.close();
  });

  it("refuses a field that does not exist", async () => {
    const { catalog } = open([], null);
    await expect(catalog.list(query({ sort: "-nonsense" }))).rejects.toMatchObject({ code: "bad_request" });
    await catalog.close();
  });

  it("survives a snapshot that was scribbled over, and leaves a good one", async () => {
    const snapshot = path.join(folder, `snapshot-${String(workerFile() === null)}.sqlite`);
    const runs = Array.from({ length: 20 }, (_run, n) => summary(n));
    const first = open(runs, snapshot).catalog;
    await first.sync();
    await first.close();
    expect((await readFile(snapshot)).subarray(0, 15).toString()).toBe("SQLite format 3");

    await writeFile(snapshot, "this is no database");
    const second = open(runs, snapshot);
    await second.catalog.sync();
    expect((await second.catalog.list(query())).total).toBe(20);
    await second.catalog.close();
    expect(second.source.asked).toBe(20);

    // The columns beside the database, torn in the middle.
    const [columns, ...others] = (await readdir(folder)).filter(
      (name) => name.startsWith(path.basename(snapshot)) && name.endsWith(".columns"),
    );
    expect(others).toEqual([]);
    const bytes = await readFile(path.join(folder, columns!));
    bytes[bytes.length >> 1]! ^= 0xff;
    await writeFile(path.join(folder, columns!), bytes);
    const third = open(runs.slice(1), snapshot);
    await third.catalog.sync();
    expect((await third.catalog.list(query({ sort: "created_at" }))).ids).toEqual(runs.slice(1).map((run) => run.id));
    expect(third.source.asked).toBe(19);
    await third.catalog.close();
  });

  it("reads no run again whose state is in the snapshot, and ends when nobody asks", async () => {
    const snapshot = path.join(folder, `idle-${String(workerFile() === null)}.sqlite`);
    const runs = Array.from({ length: 30 }, (_run, n) => summary(n, { params: { lr: n % 3 } }));
    const { source, catalog } = open(runs, snapshot, 50);
    await catalog.define({ default: { twice: "params.lr * 2" } });
    expect((await catalog.list(query({ filter: "derived.twice = 4", search: "run 1" }))).total).toBe(3);
    expect(source.asked).toBe(30);
    await vi.waitFor(async () => {
      await readFile(snapshot);
    });
    const changed = { ...runs[4]!, params: { lr: 2 } };
    source.runs.set(changed.id, changed);
    catalog.changed(changed.id);
    source.runs.delete(runs[2]!.id);
    catalog.changed(runs[2]!.id);
    expect((await catalog.list(query({ filter: "derived.twice = 4" }))).total).toBe(10);
    expect(source.asked).toBe(32);
    await catalog.close();

    const again = open([...source.runs.values()], snapshot);
    expect((await again.catalog.list(query({ filter: "derived.twice = 4" }))).total).toBe(10);
    expect(again.source.asked).toBe(0);
    await again.catalog.close();
  });
});
