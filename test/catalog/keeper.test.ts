import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import initSqlJs from "sql.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Aggregate, AnalysisScope, QueryRuns } from "../../protocol/analysis.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { IndexKeeper } from "../../server/catalog/keeper.ts";
import type { AnswerTo, CatalogQuery, RunState } from "../../server/catalog/types.ts";
import { conditions, stores } from "./naive.ts";
import { metric, query, summaries, summary } from "./summaries.ts";

const wasmFolder = path.resolve("node_modules/sql.js/dist");
let folder: string;
let snapshots = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-keeper-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const newSnapshot = (): string => path.join(folder, `${String(snapshots++)}.sqlite`);
const stateOf = (run: RunSummary): RunState => ({ json: JSON.stringify(run), stamp: run.name });

async function keeperOf(runs: readonly RunSummary[], snapshot: string | null = null): Promise<IndexKeeper> {
  const keeper = await IndexKeeper.open({ wasmFolder, snapshot });
  keeper.carryOut({ op: "change", upserts: runs.map(stateOf), removed: [] });
  return keeper;
}

function list(keeper: IndexKeeper, asked: CatalogQuery): { ids: string[]; total: number } {
  return keeper.carryOut({ op: "list", query: asked }) as AnswerTo<"list">;
}

/** All that can be asked of all runs, in an order of its own. */
function contents(keeper: IndexKeeper): unknown {
  const index = keeper.carryOut({ op: "fields", query: {} }) as AnswerTo<"fields">;
  const fields = index.fields.map((field) => field.name);
  const all = { limit: 10_000, sort: ["record.id"] };
  return {
    // Values of the same count and text (1 and "1") may stand in either order.
    index: index.fields.map((field) => ({ ...field, values: new Set(field.values.map((one) => JSON.stringify(one))) })),
    runs: fields.length === 0 ? [] : keeper.carryOut({ op: "query", query: QueryRuns.parse({ ...all, fields: fields.slice(0, 200) }) }),
    sorted: fields.map((field) => list(keeper, query({ sort: `-${field}`, limit: "1000" }))),
    groups: fields
      .filter((field) => field.startsWith("params."))
      .map((field) => keeper.carryOut({ op: "aggregate", query: Aggregate.parse({ group_by: [field], values: ["record.attempt"] }) })),
  };
}

describe("the catalogue's keeper", () => {
  it("finds, counts and pages as a plain filter over the summaries does", async () => {
    await fc.assert(
      fc.asyncProperty(
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
        async (runs, text) => {
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
          const keeper = await keeperOf(runs);
          expect(list(keeper, asked)).toEqual({ ids: expected.slice(asked.offset, asked.offset + asked.limit), total: expected.length });
          keeper.carryOut({ op: "close" });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("sorts by metrics and params: numbers first, then texts, then runs that have none, in both directions", async () => {
    const runs = [
      summary(0, { metrics: { loss: metric(2) }, params: { optim: "sgd", lora: { r: 8 } } }),
      summary(1, { metrics: { loss: metric("NaN") }, params: { optim: "Adam" } }),
      summary(2, { metrics: { loss: metric(-1) }, params: { lora: { r: 16 } } }),
      summary(3),
    ];
    const keeper = await keeperOf(runs);
    const order = (sort: string): number[] => list(keeper, query({ sort })).ids.map((id) => runs.findIndex((run) => run.id === id));
    expect(order("metrics.loss")).toEqual([2, 0, 1, 3]);
    expect(order("-metrics.loss")).toEqual([0, 2, 1, 3]);
    expect(order("params.optim")).toEqual([1, 0, 2, 3]);
    expect(order("-params.lora.r")).toEqual([2, 0, 3, 1]);
    expect(order("created_at")).toEqual([0, 1, 2, 3]);
    expect(order("-name")).toEqual([3, 2, 1, 0]);
    expect(() => order("params.unknown")).toThrow("no run has the field params.unknown");
  });

  it("is the same whether it grew by changes, came from a snapshot or was built anew", async () => {
    const step = fc.record({
      runs: fc.oneof(stores, summaries),
      removed: fc.array(fc.nat(), { maxLength: 12 }),
      changed: fc.array(fc.nat(), { maxLength: 12 }),
      restart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), conditions, async (steps, condition) => {
        const snapshot = newSnapshot();
        let keeper = await IndexKeeper.open({ wasmFolder, snapshot });
        const truth = new Map<string, RunSummary>();
        for (const { runs, removed, changed, restart } of steps) {
          const known = [...truth.keys()];
          const gone = removed.map((pick) => known[pick % known.length]).filter((id) => id !== undefined);
          for (const id of gone) truth.delete(id);
          const upserts = [...runs];
          // Runs that lose fields, get others, or change the kind of one.
          for (const pick of changed) {
            const run = truth.get(known[pick % known.length] ?? "");
            if (run !== undefined) upserts.push({ ...run, name: `${run.name}!`, params: { lr: pick, on: pick % 2 === 0, optim: [pick] } });
          }
          for (const run of upserts) truth.set(run.id, run);
          keeper.carryOut({ op: "change", upserts: upserts.map(stateOf), removed: gone });
          // Asked in between, so that what is kept of earlier answers would show.
          contents(keeper);
          if (restart) {
            keeper.carryOut({ op: "close" });
            keeper = await IndexKeeper.open({ wasmFolder, snapshot });
            const stamps = [...truth.values()].map((run) => run.name);
            expect(keeper.carryOut({ op: "compare", ids: [...truth.values()].map((run) => run.id), stamps })).toEqual([]);
          }
        }
        const rebuilt = await keeperOf([...truth.values()]);
        expect(contents(keeper)).toEqual(contents(rebuilt));
        const filter = AnalysisScope.parse({ filter: condition.text });
        const answer = (one: IndexKeeper): unknown => {
          try {
            return one.carryOut({ op: "statistics", query: filter });
          } catch (error) {
            return (error as Error).message; // A field that none of these runs has.
          }
        };
        expect(answer(keeper)).toEqual(answer(rebuilt));
      }),
      { numRuns: 40 },
    );
  });

  it("throws away a snapshot that is damaged, cut short, of another program or of another version", async () => {
    const whole = newSnapshot();
    (await keeperOf([summary(1), summary(2)], whole)).carryOut({ op: "close" });
    const columns = (await readdir(folder)).find((name) => name.startsWith(path.basename(whole)) && name.endsWith(".columns")) ?? "";
    const sql = await initSqlJs({ locateFile: (name) => path.join(wasmFolder, name) });
    const { readFile } = await import("node:fs/promises");
    const good = new Uint8Array(await readFile(whole));
    const other = new sql.Database();
    other.exec("CREATE TABLE runs (id TEXT); PRAGMA user_version = 2;");
    const newer = new sql.Database(good);
    newer.exec("PRAGMA user_version = 99;");
    const scribbled = good.slice();
    scribbled.fill(0xff, 4096, 4096 + 2048);
    const broken = [
      new Uint8Array(),
      new TextEncoder().encode("not a database"),
      good.slice(0, good.length - 4096),
      other.export(),
      newer.export(),
      scribbled,
    ];
    const held = async (snapshot: string): Promise<number> => {
      const keeper = await IndexKeeper.open({ wasmFolder, snapshot });
      const { total } = list(keeper, query());
      keeper.carryOut({ op: "change", upserts: [stateOf(summary(5))], removed: [] });
      expect(list(keeper, query()).total).toBe(total + 1);
      return total;
    };
    expect(await held(whole)).toBe(2);
    for (const bytes of broken) {
      const snapshot = newSnapshot();
      await writeFile(snapshot, bytes);
      await copyFile(path.join(folder, columns), path.join(folder, columns.replace(path.basename(whole), path.basename(snapshot))));
      expect(await held(snapshot)).toBe(0);
    }
  });
});
