/** The table of runs without a page: fields and how they read, order, places of rows and columns. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldInfo } from "../../protocol/analysis.ts";
import { newRunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { formatSigned } from "../../webviews/components/format.ts";
import { changeColumn, layoutColumns, moveColumn } from "../../webviews/explore/column-layout.ts";
import { cellText, defaultColumns, fieldTitle, isNumeric, nextSort, parseTags } from "../../webviews/explore/fields.ts";
import { groupSections, nestGroups } from "../../webviews/explore/groups.ts";
import { GROUP_PX, ROW_PX, TableLayout } from "../../webviews/explore/layout.ts";
import { rowFields, rowOf, scopeOf, sortKeys, toCsv } from "../../webviews/explore/scope.ts";

function info(name: string, part: Partial<FieldInfo> = {}): FieldInfo {
  return { name, type: "numeric", count: 10, missing: 0, min: 0, max: 1, non_finite: 0, unique: 4, values: [], ...part };
}
const columns = (...fields: string[]) => fields.map((field) => ({ field, width: null, pinned: false }));

describe("fields", () => {
  it("start with the params that people vary and the headline metrics", () => {
    const fields = [
      info("params.accelerator_config.split", { count: 3, missing: 7, unique: 1 }),
      info("params.adam_beta1"),
      info("params.command", { type: "list" }),
      info("params.learning_rate"),
      info("params.same", { unique: 1 }),
      info("params.script_form", { type: "string", count: 6, missing: 4, unique: 1 }),
      info("params.train_file", { count: 3, missing: 7 }),
      info("params.weight_decay", { unique: null }),
      info("metrics._epoch"),
      info("metrics.eval/loss"),
      info("metrics.eval/loss:min"),
      info("metrics.train/loss"),
      info("record.project", { type: "string", unique: 2 }),
    ];
    expect(defaultColumns(fields).map(({ field }) => field)).toEqual([
      "record.project",
      "record.tags",
      "params.learning_rate",
      "params.adam_beta1",
      "params.weight_decay",
      "params.train_file",
      "metrics.train/loss",
      "metrics.eval/loss",
      "record.duration_seconds",
      "record.created_at",
    ]);
  });

  it("read as people write them, and as a dash where there is nothing", () => {
    const read = (field: string, value: Parameters<typeof cellText>[1]): string => cellText(field, value, 0);
    expect([read("params.lr", 1e-4), read("params.lr", null), read("metrics.loss", 0.5), read("metrics.loss", "NaN")]).toEqual([
      "1e-4",
      "–",
      "0.5000",
      "NaN",
    ]);
    expect([read("record.progress", 0.25), read("record.duration_seconds", 75), read("metrics.loss:min_step", 12_000)]).toEqual([
      "25 %",
      "1 min 15 s",
      "12,000",
    ]);
    expect([read("params.layers", ["a", 2]), read("params.packing", true), read("derived.gap", "-Infinity")]).toEqual([
      "a, 2",
      "true",
      "−∞",
    ]);
    expect(["params.lora.r", "record.created_at", "derived.gap"].map(fieldTitle)).toEqual(["lora.r", "created", "ƒ gap"]);
    expect([isNumeric("params.lr", info("params.lr")), isNumeric("params.x", info("params.x", { type: "mixed" }))]).toEqual([true, false]);
  });

  it("sort both ways, times downwards first, and further keys behind the first", () => {
    expect(nextSort(["record.name"], "params.lr", false)).toEqual(["params.lr"]);
    expect(nextSort(["params.lr"], "params.lr", false)).toEqual(["-params.lr"]);
    expect(nextSort(["params.lr"], "record.created_at", false)).toEqual(["-record.created_at"]);
    expect(nextSort(["params.lr"], "metrics.loss", true)).toEqual(["params.lr", "metrics.loss"]);
    expect(nextSort(["params.lr", "metrics.loss"], "metrics.loss", true)).toEqual(["params.lr", "-metrics.loss"]);
    expect(nextSort(["params.lr", "-metrics.loss"], "metrics.loss", true)).toEqual(["params.lr"]);
  });

  it("takes tags as they are typed", () => {
    expect(parseTags(" a, b ,,a, c d ")).toEqual(["a", "b", "c d"]);
  });
});

describe("what is asked", () => {
  const known = new Map([info("params.lr"), info("metrics.loss")].map((each) => [each.name, each]));

  it("joins the conditions of the view, and names only fields that there are", () => {
    const view = { clauses: ["params.lr < 1", "a = 1 or b = 2"], states: ["failed" as const], archived: false };
    expect(scopeOf(view, "", true).filter).toBe(
      'params.lr < 1 and (a = 1 or b = 2) and record.state in ("failed") and record.archived = false',
    );
    expect(scopeOf({ ...view, clauses: [] }, "", false).filter).toBe("record.archived = false");
    expect(rowFields(columns("params.lr", "params.gone", "record.step"), known)).toEqual(expect.not.arrayContaining(["params.gone"]));
    expect(sortKeys({ sort: ["-params.gone", "metrics.loss"], group: ["params.lr"] }, known)).toEqual(["params.lr", "metrics.loss"]);
    expect(sortKeys({ sort: ["-params.gone"], group: [] }, known)).toEqual(["-record.created_at"]);
  });

  it("writes a table as CSV that reads back", () => {
    const id = newRunId();
    const fields = ["record.name", "params.lr", "record.tags", "params.note"];
    const row = rowOf(fields, { id, values: ['a "b", c', 1e-4, ["x"], null] });
    expect(toCsv(fields, [row])).toBe(`id,record.name,params.lr,record.tags,params.note\r\n${id},"a ""b"", c",0.0001,"[""x""]",\r\n`);
  });
});

describe("places", () => {
  it("of rows agree with counting them one by one", () => {
    const section = fc
      .tuple(fc.nat(30), fc.nat(30), fc.boolean())
      .map(([a, b, header]) => ({ header, count: Math.max(a, b), shown: header ? Math.min(a, b) : 0 }));
    fc.assert(
      fc.property(fc.array(section, { minLength: 1, maxLength: 8 }), (sections) => {
        const layout = new TableLayout(sections);
        let [top, index, run] = [0, 0, 0];
        for (const [group, { header, count, shown }] of sections.entries()) {
          if (!header) {
            run += count;
            continue;
          }
          expect(layout.line(index)).toEqual({ kind: "group", group, top });
          expect([layout.lineAt(top), layout.lineAt(top + GROUP_PX - 1)]).toEqual([index, index]);
          index++;
          top += GROUP_PX;
          for (let i = 0; i < shown; i++) {
            expect(layout.line(index)).toEqual({ kind: "run", group, run: run + i, top });
            expect([layout.lineAt(top), layout.lineAt(top + ROW_PX - 1)]).toEqual([index, index]);
            index++;
            top += ROW_PX;
          }
          run += count;
        }
        expect(layout.lineAt(top + 1000)).toBe(Math.max(0, index - 1));
        expect([layout.lines, layout.height, layout.line(index), layout.line(-1)]).toEqual([index, top, undefined, undefined]);
      }),
    );
  });

  it("of groups within groups: each below the one around it, and nothing within a folded one", () => {
    const group = (key: JsonValue[], runs: number) => ({ key, runs, values: {} });
    const outer = [group(["a"], 5), group([null], 2)];
    const inner = [group(["a", 1], 2), group(["a", [2]], 3), group([null, 1], 2)];
    const nested = nestGroups([outer, inner]);
    expect(nested.map(({ key, level, innermost, runs }) => [key, level, innermost, runs])).toEqual([
      [["a"], 0, false, 5],
      [["a", 1], 1, true, 2],
      [["a", [2]], 1, true, 3],
      [[null], 0, false, 2],
      [[null, 1], 1, true, 2],
    ]);
    expect(nestGroups([inner])).toEqual(inner.map((each) => ({ ...each, level: 0, innermost: true })));
    const lines = (folded: readonly number[]): string[] => {
      const layout = new TableLayout(
        groupSections(
          nested,
          (at) => folded.includes(at),
          (at) => (folded.includes(at) ? 0 : (nested[at]?.runs ?? 0)),
        ),
      );
      return Array.from({ length: layout.lines }, (_, index) => layout.line(index)).map((line) =>
        line?.kind === "run" ? `run ${String(line.run)}` : `group ${String(line?.group)}`,
      );
    };
    expect(lines([])).toEqual(["group 0", "group 1", "run 0", "run 1", "group 2", "run 2", "run 3", "run 4", "group 3", "group 4", "run 5", "run 6"]); // prettier-ignore
    expect(lines([0])).toEqual(["group 0", "group 3", "group 4", "run 5", "run 6"]);
    expect(lines([1, 3])).toEqual(["group 0", "group 1", "group 2", "run 2", "run 3", "run 4", "group 3"]);
  });

  it("of a hundred thousand rows are found at once", () => {
    const layout = new TableLayout([{ header: false, count: 100_000, shown: 100_000 }]);
    expect(layout.line(99_999)).toEqual({ kind: "run", group: 0, run: 99_999, top: 99_999 * ROW_PX });
    expect([layout.runsBetween(3, 5, 10), layout.runsBetween(99_999, 0, 2)]).toEqual([[3, 4, 5], [99_999, 99_998]]); // prettier-ignore
    expect([layout.lineAt(50_000 * ROW_PX), layout.lineAt(1e9)]).toEqual([50_000, 99_999]);
  });

  it("of columns: pinned ones first, the others only where they are seen", () => {
    const all = Array.from({ length: 30 }, (_, n) => ({ field: `params.p${String(n)}`, width: 100, pinned: n === 7 }));
    const layout = layoutColumns(all, new Map(), { left: 1000, width: 800 });
    expect(layout.pinned.map(({ field }) => field)).toEqual(["params.p7"]);
    const covered = 32 + 26 + layout.name + 100;
    const seen = layout.all.filter(({ left, pinned }) => !pinned && left + 100 > 1000 + covered && left < 1800);
    expect(layout.visible).toEqual(seen);
    expect(layout.spacer).toBe((seen[0]?.left ?? 0) - covered);
    expect(layoutColumns(all, new Map(), { left: 0, width: 400 }).pinned).toEqual([]);
  });

  it("of columns move among their like", () => {
    const all = [
      { field: "a.a", width: null, pinned: true },
      { field: "b.b", width: null, pinned: false },
      { field: "c.c", width: null, pinned: false },
    ];
    const order = (moved: readonly { readonly field: string }[]) => moved.map(({ field }) => field[0]).join("");
    expect([order(moveColumn(all, "c.c", -1)), order(moveColumn(all, "c.c", -9)), order(moveColumn(all, "a.a", 1))]).toEqual([
      "acb",
      "acb",
      "abc",
    ]);
    expect(changeColumn(all, "b.b", { pinned: true })[1]?.pinned).toBe(true);
  });
});

it("writes differences to the digits of their value", () => {
  expect([formatSigned(0.00591, 0.9641), formatSigned(-0.0155, 0.9427), formatSigned(-1e-6, 0.94), formatSigned(3, 40)]).toEqual([
    "+0.0059",
    "−0.0155",
    "0.0000",
    "+3",
  ]);
});
