import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunSummary } from "../../protocol/run.ts";
import { createCatalog } from "../../server/catalog/catalog.ts";
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

describe.each([
  ["in its worker", () => worker],
  ["in this thread", () => null],
])("the catalogue %s", (_, workerFile) => {
  const open = (runs: readonly RunSummary[], snapshot: string | null) =>
    createCatalog({ workerFile: workerFile(), wasmFolder: WASM, snapshot, runs: () => runs });

  it("answers with every change that was made before the question", async () => {
    const runs = [summary(1), summary(2)];
    const catalog = open(runs, null);
    await catalog.sync();
    const third = summary(3, { name: "third" });
    catalog.upsert(third);
    catalog.remove(runs[0]!.id);
    expect(await catalog.list(query())).toEqual({ ids: [third.id, runs[1]!.id], total: 2 });
    catalog.upsert({ ...third, archived: true });
    expect((await catalog.list(query({ archived: "false" }))).ids).toEqual([runs[1]!.id]);
    await catalog.close();
  });

  it("asks the columns, which see every change, and refuses with the place what is no question", async () => {
    const runs = [summary(1, { params: { lr: 1 } }), summary(2, { params: { lr: 2 } })];
    const catalog = open(runs, null);
    await catalog.sync();
    catalog.upsert(summary(3, { params: { lr: 3 } }));
    expect((await catalog.list(query({ filter: "params.lr >= 2", sort: "-params.lr" }))).total).toBe(2);
    expect((await catalog.ask("statistics", { filter: "params.lr = 3" })).runs).toBe(1);
    const refused = { code: "bad_request", problems: [{ field: "filter", span: { start: 11, end: 11 } }] };
    await expect(catalog.ask("statistics", { filter: "params.lr >" })).rejects.toMatchObject(refused);
    await catalog.close();
  });

  it("refuses a field that does not exist", async () => {
    const catalog = open([], null);
    await expect(catalog.list(query({ sort: "-nonsense" }))).rejects.toMatchObject({ code: "bad_request" });
    await catalog.close();
  });

  it("survives a snapshot that was scribbled over, and leaves a good one", async () => {
    const snapshot = path.join(folder, `snapshot-${String(workerFile() === null)}.sqlite`);
    const runs = Array.from({ length: 20 }, (_run, n) => summary(n));
    const first = open(runs, snapshot);
    await first.sync();
    await first.close();
    expect((await readFile(snapshot)).subarray(0, 15).toString()).toBe("SQLite format 3");

    await writeFile(snapshot, "this is no database");
    const second = open(runs, snapshot);
    await second.sync();
    expect((await second.list(query())).total).toBe(20);
    await second.close();

    const third = open(runs.slice(1), snapshot);
    await third.sync();
    expect((await third.list(query({ sort: "created_at" }))).ids).toEqual(runs.slice(1).map((run) => run.id));
    await third.close();
  });
});
