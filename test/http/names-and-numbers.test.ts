/** Numbers of query strings, and names that objects and fields could lose or mix up. */
import { mkdir } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { joinNames, splitNames } from "../../protocol/name-list.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "first", project: "alpha" });
  await mkdir(run.paths.attempt(1).dir, { recursive: true });
  const metrics = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (const [step, loss] of [3, 1, 2].entries()) await metrics.append(1000 + step, step, { loss, "loss:min": 10 * loss, "a:last": loss });
  await metrics.close();
  await live.start();
});
afterAll(() => live.remove());

describe("a number of a query", () => {
  const series = (): string => `/api/runs/${run.record.id}/series?format=json&metrics=loss`;

  it.each([
    ["to_step", ""],
    ["to_step", "0x10"],
    ["from_step", "0b1"],
    ["from_step", "%201"],
    ["from_step", "1_000"],
    ["from_step", "١"],
    ["to_step", "NaN"],
    ["to_step", "Infinity"],
    ["to_step", "1e999"],
    ["max_points", "0x10"],
    ["max_points", ""],
    ["max_points", "2.5"],
    ["smoothing", "1"],
    ["smoothing", "-0.1"],
    ["smoothing", "0x0.8"],
    ["smoothing", "NaN"],
    ["beside", "yes"],
    ["attempt", "0o1"],
    ["attempt", ""],
  ])("%s=%s is refused by name", async (name, value) => {
    const answer = await live.fetch(`${series()}&${name}=${value}`);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: "bad_request", problems: [expect.objectContaining({ field: name })] }) as object },
    ]);
  });

  it.each([
    "/api/runs?limit=0x10",
    "/api/runs?offset=",
    "/api/fields/values?field=record.name&limit=",
    "/api/log-search?search=x&context=",
    "/api/notices?limit=0x1",
    "/api/system?minutes=",
  ])("is refused in %s", async (path) => {
    const answer = await live.fetch(path);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("a number in decimal digits is needed")]);
  });

  it("is read where it is one", async () => {
    const steps = async (query: string): Promise<unknown> => {
      const answer = (await (await live.fetch(series() + query)).json()) as { series: { steps: number[] }[] };
      return answer.series[0]?.steps;
    };
    expect(await steps("")).toEqual([0, 1, 2]);
    expect(await steps("&from_step=1&to_step=1e0")).toEqual([1]);
    expect(await steps("&from_step=-0.5&to_step=.5&max_points=10&attempt=1")).toEqual([0]);
  });
});

describe("the name __proto__", () => {
  it.each([
    ["POST", "/api/projects", '{"name": "p", "derived": {"__proto__": "1"}}', "derived.__proto__"],
    ["PATCH", "/api/projects/alpha", '{"derived": {"ok": "1", "__proto__": "metrics.loss"}}', "derived.__proto__"],
    ["PATCH", "/api/projects/alpha", '{"defaults": {"lora": {"__proto__": {"r": 1}}}}', "defaults.lora.__proto__"],
    ["POST", "/api/runs", '{"start": false, "spec": {"recipe": "command", "params": {"__proto__": 1}}}', "spec.params.__proto__"],
    ["POST", "/api/query", '{"fields": ["record.id"], "__proto__": {}}', "__proto__"],
  ])("is refused with its place: %s %s %s", async (method, path, body, field) => {
    const answer = await live.fetch(path, { method, body });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: "bad_request", problems: [expect.objectContaining({ field })] }) as object },
    ]);
  });

  it.each(["constructor", "toString", "hasOwnProperty", "prototype"])("is the only one: %s is a derived metric", async (name) => {
    await live.client.call("editProject", { params: { project: "alpha" }, body: { derived: { [name]: "metrics.loss * 2" } } });
    const { rows } = await live.client.call("queryRuns", { body: { fields: [`derived.${name}`], filter: `derived.${name} = 4` } });
    expect(rows.map(({ values }) => values)).toEqual([[4]]);
    expect((await live.client.call("getDerived", { params: { id: run.record.id } })).derived).toEqual({ [name]: 4 });
  });
});

describe("a metric called as a part of another", () => {
  it("has fields of its own in tables, filters, orders and lists", async () => {
    const fields = ["metrics.loss", "metrics.loss:min", "metrics.loss:min:last", "metrics.loss:min:min", "metrics.a:last:last"];
    const { rows } = await live.client.call("queryRuns", { body: { fields } });
    expect(rows[0]?.values).toEqual([2, 1, 20, 10, 2]);
    const passes = async (filter: string): Promise<number> => (await live.client.call("listRuns", { query: { filter } })).total;
    expect(await passes("metrics.loss:min = 1")).toBe(1);
    expect(await passes('metrics."loss:min" = 20 and metrics."loss:min":min = 10 and metrics."loss:min":last = 20')).toBe(1);
    expect(await passes('metrics."a:last" = 2')).toBe(1);
    const index = await live.client.call("listFields");
    for (const field of fields) expect(index.fields.filter(({ name }) => name === field)).toHaveLength(1);
    expect((await live.client.call("getStatistics")).points).toBe(9);
    expect((await live.client.call("listRuns", { query: { sort: "-metrics.loss:min:last" } })).total).toBe(1);
  });
});

// Last: it adds a run.
describe("names with commas and backslashes", () => {
  const odd = ["val,acc", ",", "\\", "\\,", "a\\", "a\\b,c\\\\", "val"];

  it("stand in a list as any other", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom(",", "\\", "a", "*", "é"), minLength: 1, maxLength: 6 })), (names) => {
        expect(splitNames(joinNames(names))).toEqual(names);
      }),
    );
    expect(splitNames("loss,eval/*,a\\b,,")).toEqual(["loss", "eval/*", "a\\b"]);
  });

  it("are metrics that can be asked for, one by one, together, and in exports", async () => {
    const named = await live.addRun({ name: "named", project: "alpha" });
    const metrics = await MetricFileWriter.open(named.paths.attempt(1).metrics);
    await metrics.append(1000, 1, Object.fromEntries(odd.map((name, i) => [name, i])));
    await metrics.close();
    await live.client.call("refresh");
    const params = { id: named.record.id };
    const asked = async (names: readonly string[]): Promise<string[]> => {
      const query = { metrics: joinNames(names), format: "json" } as const;
      return (await live.client.call("getSeries", { params, query })).series.map(({ name }) => name);
    };
    for (const name of odd) expect(await asked([name])).toEqual([name]);
    expect((await asked(odd)).sort()).toEqual([...odd].sort());
    const query = { runs: params.id, metrics: joinNames(["val,acc", "\\,"]), format: "jsonl" } as const;
    const lines = new TextDecoder()
      .decode(await live.client.bytes("exportRuns", { query }))
      .trim()
      .split("\n");
    const points = lines.map((line) => JSON.parse(line) as { type: string; metric?: string }).filter(({ type }) => type === "point");
    expect(points.map(({ metric }) => metric)).toEqual(["val,acc", "\\,"]);
  });
});
