/** The catalogue is an index: whatever happens to its file, the next server answers as the last one did. */
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import initSqlJs from "sql.js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
beforeEach(async () => {
  live = await LiveServer.folder();
});
afterEach(() => live.remove());

async function fillStore(): Promise<void> {
  const texts = fc.sample(fc.string({ unit: "grapheme", maxLength: 12 }), { numRuns: 60, seed: 7 });
  for (let n = 0; n < 30; n++) {
    const state = (["completed", "failed", "cancelled", "interrupted"] as const)[n % 4]!;
    const time = new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString();
    const folder = await live.addRun({
      project: n % 3 === 0 ? "demo" : "other",
      name: `run ${n} ${texts[n] ?? ""}`,
      notes: texts[n + 30] ?? "",
      tags: n % 2 === 0 ? ["even"] : [],
      seed: n,
      state,
      started_at: time,
      ended_at: time,
    });
    const rows = [1, 2, 3].map((step) => rowRecord(0, Date.UTC(2026, 0, 1) + step, step, [n / step, step === 2 ? Number.NaN : n]));
    await writeFile(folder.paths.attempt(1).metrics, Buffer.concat([fileHeader(), setRecord(0, ["loss", "lr"]), ...rows]));
  }
}

/** Everything that the catalogue answers. */
async function answers(): Promise<unknown[]> {
  const { api } = live;
  return [
    await api.listRuns({ query: { sort: "-metrics.loss", limit: 50 } }),
    await api.listRuns({ query: { search: "run 1", state: "failed", sort: "name" } }),
    await api.listFields({}),
    await api.getStatistics({}),
    await api.queryRuns({
      body: { fields: ["record.name", "metrics.loss"], filter: "metrics.loss > 2", sort: ["metrics.loss"] },
    }),
    await api.aggregate({ body: { group_by: ["record.state"], values: ["metrics.loss"] } }),
    await api.histogram({ body: { field: "metrics.loss", bins: 5 } }),
  ];
}

it("is built anew, and answers the same, when it is missing, cut, zeros, scribbled over, or of a newer program", async () => {
  await fillStore();
  await live.start();
  const before = await answers();
  await live.server.close();
  const file = path.join(live.store, ".server", "catalog.sqlite");
  const good = await readFile(file);
  const sql = await initSqlJs({ locateFile: (name) => path.join("node_modules/sql.js/dist", name) });
  const newer = new sql.Database(good);
  newer.run("PRAGMA user_version = 999999");
  const foreign = new sql.Database();
  foreign.run("CREATE TABLE runs (id TEXT)");
  const scribbled = Buffer.from(good);
  for (let at = 5000; at < scribbled.length; at += 97) scribbled[at] = 0xa5;
  const harms: Record<string, Uint8Array | null> = {
    good,
    missing: null,
    empty: new Uint8Array(),
    zeros: Buffer.alloc(good.length),
    "half of it": good.subarray(0, good.length / 2),
    "one byte short": good.subarray(0, -1),
    "its first page": good.subarray(0, 4096),
    "of a newer program": newer.export(),
    "of another program": foreign.export(),
    "no database": Buffer.from("scribble"),
    "scribbled over": scribbled,
  };
  for (const [harm, bytes] of Object.entries(harms)) {
    if (bytes === null) await rm(file);
    else await writeFile(file, bytes);
    await live.start();
    expect(await answers(), harm).toEqual(before);
    await live.server.close();
    expect((await readFile(file)).length, harm).toBeGreaterThan(4096);
  }
});
