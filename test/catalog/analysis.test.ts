import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Aggregate, AggregateResult, FieldIndex, Histogram, QueryRuns } from "../../protocol/analysis.ts";
import { toWireNumber } from "../../protocol/wire-number.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { Analysis } from "../../server/catalog/analysis.ts";
import { listRuns } from "../../server/catalog/list.ts";
import { studentQuantile } from "../../server/catalog/statistics.ts";
import { RunTable } from "../../server/catalog/table.ts";
import type { CatalogQuery } from "../../server/catalog/types.ts";
import { conditions, FIELDS, stores, type Plain } from "./naive.ts";
import { metric, query, summary } from "./summaries.ts";

function tableOf(runs: readonly RunSummary[]): RunTable {
  const table = new RunTable();
  for (const run of runs) table.upsert(run);
  return table;
}

function listFiltered(table: RunTable, asked: CatalogQuery): { ids: string[]; total: number } {
  return listRuns(table, asked, () => new Set());
}

const names = FIELDS.map((field) => field.text);
const canonical = (text: string): string => text.replace(/"(.*)"$/, (_, inner: string) => inner.replace(/\\"/g, '"'));
const readable = fc.constantFrom(...FIELDS.filter((field) => field.text !== "record.tags"));

describe("the order of ids", () => {
  it("is kept right by widening it, whatever comes, goes and comes back between two looks", () => {
    const base = summary(0);
    const step = fc.record({ id: fc.nat(40), gone: fc.boolean(), look: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const table = new RunTable();
        const known = new Set<string>();
        for (const { id, gone, look } of steps) {
          const run = { ...base, id: `run_${String(id).padStart(17, "0")}` };
          if (gone) table.remove(run.id);
          else table.upsert(run);
          if (gone) known.delete(run.id);
          else known.add(run.id);
          if (look) expect([...table.byId()].map((row) => table.id(row))).toEqual([...known].sort());
        }
        expect([...table.byId()].map((row) => table.id(row))).toEqual([...known].sort());
      }),
      { numRuns: 300 },
    );
  });
});

describe("filters", () => {
  it("select as the plain meaning of their text does, 1,000 of them over generated stores", () => {
    fc.assert(
      fc.property(stores, conditions, (runs, condition) => {
        const found = listFiltered(tableOf(runs), query({ filter: condition.text, sort: "created_at", limit: "1000" }));
        const expected = runs.filter((run) => condition.holds(run)).map((run) => run.id);
        expect([condition.text, found.ids]).toEqual([condition.text, expected]);
        expect(found.total).toBe(expected.length);
      }),
      { numRuns: 1000 },
    );
  });

  it("see every change of the runs: the table grown by changes is the one built anew", () => {
    fc.assert(
      fc.property(stores, stores, conditions, fc.array(fc.nat(), { maxLength: 10 }), (before, after, { text }, picks) => {
        const grown = tableOf(before);
        const truth = new Map<string, RunSummary>(before.map((run) => [run.id, run]));
        for (const pick of picks) {
          const id = before[pick % before.length]?.id ?? "";
          if (truth.size > 1 && id !== before[0]?.id) {
            grown.remove(id);
            truth.delete(id);
          }
        }
        after.forEach((run, n) => {
          // Some replace runs that are there, with fewer and other fields.
          const changed = n % 2 === 0 && n < before.length && n > 0 ? { ...run, id: before[n]?.id ?? run.id } : run;
          grown.upsert(changed);
          truth.set(changed.id, changed);
        });
        const all = [...truth.values()];
        const ids = (table: RunTable): string[] => listFiltered(table, query({ filter: text, limit: "1000" })).ids;
        expect(ids(grown)).toEqual(ids(tableOf(all)));
        expect(grown.fields()).toEqual(tableOf(all).fields());
      }),
      { numRuns: 200 },
    );
  });

  it("page in order whatever part is asked for", () => {
    fc.assert(
      fc.property(
        stores,
        fc.constantFrom(...names),
        fc.boolean(),
        fc.nat(20),
        fc.integer({ min: 1, max: 5 }),
        (runs, name, down, offset, limit) => {
          const table = tableOf([
            ...runs,
            ...Array.from({ length: 200 }, (_, n) => summary(100 + n, { metrics: { loss: metric(n % 7) } })),
          ]);
          const ask = (from: number, count: number): string[] =>
            new Analysis(table)
              .query(QueryRuns.parse({ fields: ["record.id"], sort: [`${down ? "-" : ""}${canonical(name)}`], offset: from, limit: count }))
              .rows.map((row) => row.id);
          expect(ask(offset, limit)).toEqual(ask(0, 10_000).slice(offset, offset + limit));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("aggregates", () => {
  it("keep the runs of a group together, groups in their order, whatever the types of their values", () => {
    const mixed = fc.constantFrom(true, false, 0, 1, 2, "1", "true", "AdamW", "adamw", null);
    fc.assert(
      fc.property(fc.array(fc.tuple(mixed, mixed), { minLength: 1, maxLength: 30 }), fc.boolean(), (pairs, down) => {
        // One run at least has both fields: a question for a field that no run has is refused.
        const table = tableOf([...pairs, [1, 1]].map(([a, b], n) => summary(n, { params: { a: a ?? null, b: b ?? null } })));
        const analysis = new Analysis(table);
        const group_by = ["params.a", "params.b"];
        const sort = [...group_by, down ? "-record.created_at" : "record.created_at"];
        const { rows } = analysis.query(QueryRuns.parse({ fields: group_by, sort, limit: 100 }));
        const { groups } = analysis.aggregate(Aggregate.parse({ group_by, values: ["record.seed"] }));
        expect(rows.map(({ values }) => values)).toEqual(groups.flatMap(({ key, runs }) => Array<unknown>(runs).fill(key)));
      }),
    );
  });

  it("are the same whether the table was sorted by the field before or not", () => {
    fc.assert(
      fc.property(stores, fc.uniqueArray(readable, { maxLength: 2 }), readable, (runs, groupBy, field) => {
        const name = canonical(field.text);
        const body = Aggregate.parse({ group_by: groupBy.map((one) => canonical(one.text)), values: [name] });
        const [plain, sorted] = [tableOf(runs), tableOf(runs)];
        new Analysis(sorted).query(QueryRuns.parse({ fields: [name], sort: [name] }));
        expect(sorted.orders.kept([name])).not.toBeNull();
        expect(new Analysis(sorted).aggregate(body)).toEqual(new Analysis(plain).aggregate(body));
      }),
      { numRuns: 300 },
    );
  });

  it("equal a plain computation over groups", () => {
    fc.assert(
      fc.property(stores, fc.uniqueArray(readable, { maxLength: 2 }), readable, (runs, groupBy, field) => {
        const body = Aggregate.parse({ group_by: groupBy.map((one) => canonical(one.text)), values: [canonical(field.text)] });
        const result = AggregateResult.parse(new Analysis(tableOf(runs)).aggregate(body));
        const groups = new Map<string, { key: unknown[]; runs: RunSummary[] }>();
        for (const run of runs) {
          const key = groupBy.map((one) => wireOf(one.of(run)));
          const text = JSON.stringify(key);
          const group = groups.get(text) ?? { key, runs: [] };
          group.runs.push(run);
          groups.set(text, group);
        }
        expect(result.total).toBe(groups.size);
        expect(new Set(result.groups.map((group) => JSON.stringify(group.key)))).toEqual(new Set(groups.keys()));
        for (const group of result.groups) {
          const members = groups.get(JSON.stringify(group.key))?.runs ?? [];
          expect(group.runs).toBe(members.length);
          expectStatistics(
            group.values[canonical(field.text)],
            members.map((run) => field.of(run)),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    // By the closed forms of its distribution, and for many degrees by tables.
    [1, 12.706204736432095],
    [2, 4.302652729696142],
    [5, 2.570581835636314],
    [30, 2.0422724563012373],
    [1000, 1.9623390808264078],
  ])("knows Student's t with %i degrees of freedom", (degrees, expected) => {
    expect(studentQuantile(0.975, degrees)).toBeCloseTo(expected, 9);
  });
});

function wireOf(value: Plain): unknown {
  return value === undefined ? null : typeof value === "number" ? toWireNumber(value === 0 ? 0 : value) : value;
}

function expectStatistics(found: AggregateResult["groups"][number]["values"][string] | undefined, values: readonly Plain[]): void {
  const numbers = values.filter((value): value is number => typeof value === "number" && Number.isFinite(value)).sort((a, b) => a - b);
  const nonFinite = values.filter((value) => typeof value === "number" && !Number.isFinite(value)).length;
  expect(found).toMatchObject({ count: numbers.length, non_finite: nonFinite, missing: values.length - numbers.length - nonFinite });
  if (found === undefined || numbers.length === 0) return;
  const close = (actual: number | null, expected: number): void => {
    expect(Math.abs((actual ?? NaN) - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, ...numbers.map(Math.abs)));
  };
  const n = numbers.length;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / n;
  const at = (share: number): number => {
    const place = (n - 1) * share;
    const low = numbers[Math.floor(place)] ?? NaN;
    return low + ((numbers[Math.ceil(place)] ?? NaN) - low) * (place - Math.floor(place));
  };
  close(found.mean, mean);
  close(found.sum, mean * n);
  close(found.median, at(0.5));
  close(found.q1, at(0.25));
  close(found.q3, at(0.75));
  expect([found.min, found.max]).toEqual([numbers[0], numbers[n - 1]]);
  if (n < 2) {
    expect([found.std, found.sem, found.ci95]).toEqual([null, null, null]);
    return;
  }
  const std = Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  close(found.std, std);
  close(found.sem, std / Math.sqrt(n));
  close(found.ci95?.[1] ?? null, mean + (std / Math.sqrt(n)) * studentQuantile(0.975, n - 1));
}

describe("fields, values and histograms", () => {
  it("index every field as a plain count does", () => {
    fc.assert(
      fc.property(stores, fc.option(conditions), (runs, condition) => {
        const chosen = runs.filter((run) => condition?.holds(run) ?? true);
        const analysis = new Analysis(tableOf(runs));
        const scope = condition === null ? {} : { filter: condition.text };
        const index = FieldIndex.parse(analysis.fields(scope));
        expect(analysis.fields(scope)).toEqual(index);
        for (const field of FIELDS) {
          const info = index.fields.find((one) => one.name === canonical(field.text));
          const values = chosen.map((run) => field.of(run)).filter((value) => value !== undefined);
          expect([field.text, info?.count ?? 0]).toEqual([field.text, values.length]);
          if (info === undefined) continue;
          const numbers = values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
          expect([info.min, info.max]).toEqual(numbers.length === 0 ? [null, null] : [Math.min(...numbers), Math.max(...numbers)]);
          expect(info.missing).toBe(chosen.length - values.length);
          expect(info.unique).toBe(new Set(values.map((value) => JSON.stringify([typeof value, wireOf(value)]))).size);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("stop listing values beyond a hundred, and find any of them", () => {
    const runs = Array.from({ length: 150 }, (_, n) => summary(n, { params: { n, name: `x${n}` } }));
    const analysis = new Analysis(tableOf(runs));
    const info = analysis.fields({}).fields.find((field) => field.name === "params.name");
    expect(info).toMatchObject({ type: "string", unique: null, values: [], count: 150 });
    const found = analysis.fieldValues({ field: "params.name", search: "X14", limit: 3 });
    expect(found).toEqual({ values: ["x14", "x140", "x141"].map((value) => ({ value, count: 1 })), total: 11 });
  });

  it("count into bins whose edges hold", () => {
    fc.assert(
      fc.property(stores, readable, fc.integer({ min: 1, max: 12 }), (runs, field, bins) => {
        const body = Histogram.parse({ field: canonical(field.text), bins });
        const { edges, counts, count, outside, non_finite, missing, categories } = new Analysis(tableOf(runs)).histogram(body);
        const values = runs.map((run) => field.of(run));
        const numbers = values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
        expect([count, outside]).toEqual([numbers.length, 0]);
        expect(missing).toBe(values.filter((value) => value === undefined).length);
        expect(count + non_finite + missing + categories.reduce((sum, one) => sum + one.count, 0)).toBe(runs.length);
        if (numbers.length === 0) return;
        expect(edges).toHaveLength(bins + 1);
        const expected = counts.map((_, bin) => {
          const [low, high] = [edges[bin] ?? NaN, edges[bin + 1] ?? NaN];
          return numbers.filter((value) => value >= low && (value < high || (bin === bins - 1 && value === high))).length;
        });
        expect(counts).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe("questions that make no sense", () => {
  const analysis = new Analysis(tableOf([summary(1, { params: { lr: 1 }, metrics: { "eval/loss": metric(1) } })]));
  const spanOf = (work: () => unknown): unknown => {
    try {
      work();
      return "answered";
    } catch (error) {
      const { code, problems, hint } = error as { code: string; problems: { span?: { start: number } }[]; hint: string };
      return [code, problems[0]?.span?.start, hint];
    }
  };

  it.each([
    ["params.lr >", 11, "docs/query-language.md has the grammar."],
    ["params.lrr > 1", 0, "Did you mean params.lr?"],
    ["params.lr > 1 and", 17, null],
    ["(params.lr > 1", 14, null],
    ["params.lr > 1)", 13, null],
    ["lr > 1", 0, null],
    ["params.lr > 'a", 12, null],
    ["params.lr = nan", 12, "Write is_nan(metrics.loss)."],
    ["1 + 2", 0, "Compare it with something: metrics.loss < 1."],
    ["params.lr < 1 < 2", 14, null],
    ["1 = 'a'", 0, null],
    ["sqr(params.lr) > 1", 0, "Did you mean sqrt?"],
    ["min() > 1", 0, null],
    ["params.lr ; 1", 10, null],
    ["", 0, null],
    ["metrics.eval/loss:mim < 1", 0, "Did you mean min?"],
    ["metrics.eval/los < 1", 0, "Did you mean metrics.eval/loss? To divide, write spaces around the slash."],
    [`${"(".repeat(200)}true${")".repeat(200)}`, 101, null],
    [`${"not ".repeat(300)}true`, 404, null],
  ])("%s", (filter, start, hint) => {
    const found = spanOf(() => analysis.query(QueryRuns.parse({ fields: ["record.id"], filter: filter === "" ? "()" : filter })));
    expect(found).toEqual(["bad_request", filter === "" ? 1 : start, hint ?? (found as unknown[])[2]]);
  });

  it("never fail otherwise than with a typed error", () => {
    const piece = fc.constantFrom(
      "params.lr",
      "metrics.eval/loss",
      "(",
      ")",
      "and",
      "or",
      "not",
      "in",
      "<",
      "=",
      "1",
      "'a'",
      ",",
      "-",
      "^",
      "min(",
      "null",
      "like",
      "[",
      "is",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 30 }),
          fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(" ")),
        ),
        (filter) => {
          const found = spanOf(() => analysis.statistics({ filter }));
          expect(found === "answered" || (found as unknown[])[0] === "bad_request").toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
