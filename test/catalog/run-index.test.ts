import path from "node:path";
import fc from "fast-check";
import initSqlJs, { type SqlJsStatic } from "sql.js";
import { beforeAll, describe, expect, it } from "vitest";
import type { RunSummary } from "../../protocol/run.ts";
import { RunIndex } from "../../server/catalog/run-index.ts";
import { metric, query, summaries, summary } from "./summaries.ts";

let sql: SqlJsStatic;
beforeAll(async () => {
  sql = await initSqlJs({ locateFile: (name) => path.resolve("node_modules/sql.js/dist", name) });
});

function indexOf(runs: readonly RunSummary[]): RunIndex {
  const index = new RunIndex(sql, null);
  index.sync(runs);
  return index;
}

describe("RunIndex", () => {
  it("finds, counts and pages as a plain filter over the summaries does", () => {
    fc.assert(
      fc.property(
        summaries,
        fc.record(
          {
            project: fc.constantFrom("a", "C", "none"),
            state: fc.constantFrom("completed", "running,failed", "draft"),
            search: fc.string({ maxLength: 2 }),
            archived: fc.constantFrom("true", "0"),
            limit: fc.constantFrom("1", "3", "1000"),
            offset: fc.constantFrom("0", "2"),
          },
          { requiredKeys: [] },
        ),
        (runs, text) => {
          const asked = query(text);
          const expected = runs
            .filter((run) => asked.project === undefined || run.project === asked.project)
            .filter((run) => asked.state === undefined || asked.state.includes(run.state))
            .filter((run) => asked.archived === undefined || run.archived === asked.archived)
            .filter((run) => {
              const word = asked.search?.toLowerCase() ?? "";
              return [run.id, run.name, run.notes, ...run.tags].some((place) => place.toLowerCase().includes(word));
            })
            .reverse()
            .map((run) => run.id);
          const index = indexOf(runs);
          expect(index.list(asked)).toEqual({ ids: expected.slice(asked.offset, asked.offset + asked.limit), total: expected.length });
          index.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("sorts by metrics and params: numbers first, then texts, then runs that have none, in both directions", () => {
    const runs = [
      summary(0, { metrics: { loss: metric(2) }, params: { optim: "sgd", lora: { r: 8 } } }),
      summary(1, { metrics: { loss: metric("NaN") }, params: { optim: "Adam" } }),
      summary(2, { metrics: { loss: metric(-1) }, params: { lora: { r: 16 } } }),
      summary(3),
    ];
    const index = indexOf(runs);
    const order = (sort: string): number[] => index.list(query({ sort })).ids.map((id) => runs.findIndex((run) => run.id === id));
    expect(order("metrics.loss")).toEqual([2, 0, 1, 3]);
    expect(order("-metrics.loss")).toEqual([0, 2, 1, 3]);
    expect(order("params.optim")).toEqual([1, 0, 2, 3]);
    expect(order("-params.lora.r")).toEqual([2, 0, 3, 1]);
    expect(order("created_at")).toEqual([0, 1, 2, 3]);
    expect(order("-name")).toEqual([3, 2, 1, 0]);
    expect(order("params.unknown")).toEqual([0, 1, 2, 3]);
    index.close();
  });

  it("is the same whether it grew by changes, came from a snapshot or was built anew", () => {
    fc.assert(
      fc.property(summaries, summaries, fc.array(fc.nat()), (before, after, picks) => {
        const removed = picks.map((pick) => before[pick % Math.max(1, before.length)]?.id).filter((id) => id !== undefined);
        const changed = before.filter((_, n) => n % 3 === 0).map((run) => ({ ...run, name: `${run.name}!`, params: { lr: 1 } }));
        const grown = indexOf(before);
        grown.change([...changed, ...after], removed);

        const truth = new Map(before.map((run) => [run.id, run]));
        for (const id of removed) truth.delete(id);
        for (const run of [...changed, ...after]) truth.set(run.id, run);
        const rebuilt = indexOf([...truth.values()]);
        const restored = new RunIndex(sql, grown.export());
        expect(restored.restored).toBe(true);
        expect(grown.contents()).toEqual(rebuilt.contents());
        expect(restored.contents()).toEqual(rebuilt.contents());
        expect(restored.sync([...truth.values()])).toBe(0);
        for (const index of [grown, rebuilt, restored]) index.close();
      }),
      { numRuns: 40 },
    );
  });

  it("throws away a snapshot that is damaged, cut short, of another program or of another version", () => {
    const good = indexOf([summary(1), summary(2)]).export();
    const other = new sql.Database();
    other.exec("CREATE TABLE runs (id TEXT); PRAGMA user_version = 1;");
    const newer = new sql.Database(good);
    newer.exec("PRAGMA user_version = 99;");
    const scribbled = good.slice();
    scribbled.fill(0xff, 4096, 4096 + 2048);
    for (const bytes of [
      new Uint8Array(),
      new TextEncoder().encode("not a database"),
      good.slice(0, good.length - 4096),
      other.export(),
      newer.export(),
      scribbled,
    ]) {
      const index = new RunIndex(sql, bytes);
      expect(index.restored).toBe(false);
      index.sync([summary(5)]);
      expect(index.list(query()).total).toBe(1);
      index.close();
    }
  });

  it("keeps its fields right when a change fails half-way", () => {
    const index = indexOf([summary(1)]);
    const broken = { ...summary(2, { params: { fresh: 1 } }), tags: null } as unknown as RunSummary;
    expect(() => {
      index.change([summary(3, { params: { also_fresh: 1 } }), broken], []);
    }).toThrow();
    index.change([summary(4, { params: { also_fresh: 2 } })], []);
    expect(index.list(query({ sort: "params.also_fresh" })).total).toBe(2);
    index.close();
  });
});
