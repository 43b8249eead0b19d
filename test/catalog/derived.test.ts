import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueryRuns } from "../../protocol/analysis.ts";
import { orderDerived } from "../../protocol/expression/derived.ts";
import { Analysis } from "../../server/catalog/analysis.ts";
import { RunTable } from "../../server/catalog/table.ts";
import { stores } from "./naive.ts";
import { metric, summary } from "./summaries.ts";

const DEFINED = {
  // Written before what it builds on.
  twice: "derived.gap * 2",
  gap: "metrics.loss - metrics.eval/acc:min",
  cheap: 'if(params.lr < 1, "low", "high")',
};

describe("derived metrics", () => {
  it("equal the arithmetic done by hand, however the runs and the definitions came", () => {
    fc.assert(
      fc.property(stores, fc.boolean(), fc.nat(), (runs, definedFirst, pick) => {
        const table = new RunTable();
        if (definedFirst) table.define({ a: DEFINED });
        for (const run of runs) table.upsert(run);
        if (!definedFirst) table.define({ a: { gap: "1" } });
        table.define({ a: DEFINED });
        const gone = runs[1 + (pick % Math.max(1, runs.length - 1))];
        if (gone !== undefined) table.remove(gone.id);
        const left = runs.filter((run) => run !== gone);
        const body = QueryRuns.parse({
          fields: ["derived.gap", "derived.twice", "derived.cheap"],
          sort: ["record.created_at"],
          limit: 1000,
        });
        const expected = left.map((run) => {
          if (run.project !== "a") return [null, null, null];
          const [loss, acc] = [run.metrics["loss"]?.last, run.metrics["eval/acc"]?.min];
          const gap = loss === undefined || acc === undefined ? null : Number(loss) - Number(acc);
          const { lr } = run.params;
          return [wire(gap), wire(gap === null ? null : gap * 2), typeof lr === "number" && lr < 1 ? "low" : "high"];
        });
        expect(new Analysis(table).query(body).rows.map((row) => row.values)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("follow their runs, and leave with their definition", () => {
    const table = new RunTable();
    const run = summary(1, { metrics: { loss: metric(3) } });
    table.define({ default: { root: "sqrt(metrics.loss + 1)" } });
    table.upsert(run);
    const value = (): unknown => new Analysis(table).query(QueryRuns.parse({ fields: ["derived.root"] })).rows[0]?.values[0];
    expect(value()).toBe(2);
    table.upsert({ ...run, metrics: { loss: metric(8) } });
    expect(value()).toBe(3);
    table.upsert({ ...run, metrics: {} });
    expect(value()).toBeNull();
    table.define({});
    expect(value).toThrow("no run has the field derived.root");
  });

  it.each([
    [{ a: "derived.a + 1" }, "derived.a: it builds on itself: a → a (at character 1)"],
    [{ a: "1 + derived.b", b: "derived.c", c: "derived.a" }, "derived.c: it builds on itself: a → b → c → a (at character 1)"],
    [{ a: "derived.none" }, "derived.a: there is no derived.none (at character 1)"],
    [{ a: "1 +" }, "derived.a: a value is needed here, not the end (at character 4)"],
    [{ a: "process.exit(1)" }, 'derived.a: "." means nothing here (at character 8)'],
  ])("%j is refused", (definitions, message) => {
    expect(() => orderDerived(definitions as Record<string, string>)).toThrow(message);
  });

  it("are put in order whatever the order of their definitions", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(["a", "b", "c", "d", "e"], { minLength: 5 }), (names) => {
        const builds: Record<string, string> = {
          a: "1",
          b: "derived.a",
          c: "derived.a + derived.b",
          d: "derived.c",
          e: "derived.b * derived.d",
        };
        const order = orderDerived(Object.fromEntries(names.map((name) => [name, builds[name] ?? ""]))).map(({ name }) => name);
        for (const [name, text] of Object.entries(builds))
          for (const [, other = ""] of text.matchAll(/derived\.(\w)/g)) expect(order.indexOf(other)).toBeLessThan(order.indexOf(name));
      }),
    );
  });
});

function wire(value: number | null): number | string | null {
  return value === null || Number.isFinite(value) ? value : String(value);
}
