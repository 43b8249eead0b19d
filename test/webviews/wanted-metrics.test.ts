/** What a page of charts asks for, and how it groups its metrics. */
import { describe, expect, it } from "vitest";
import type { Topic } from "../../protocol/messages.ts";
import type { MetricSummary } from "../../protocol/run.ts";
import { groupMetrics, openAtFirst } from "../../webviews/charts/chart-groups.ts";
import { RunPoints } from "../../webviews/charts/run-points.ts";
import { asksForAll, mayCount, wantedMetrics } from "../../webviews/charts/wanted-metrics.ts";
import type { Transport } from "../../webviews/transport/transport.ts";

function summary(fields: Partial<MetricSummary> = {}): MetricSummary {
  return { first: 1, last: 2, last_step: 10, min: 1, min_step: 0, max: 2, max_step: 10, count: 5, ...fields };
}

function summaries(count: number): Record<string, MetricSummary> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${String(i)}`, summary({ last_step: i === 7 ? 99 : 10 })]));
}

describe("what is asked for", () => {
  it("is everything while that is little, over all runs of a page", () => {
    expect(asksForAll([summaries(200)])).toBe(true);
    expect(asksForAll([summaries(120), summaries(120)])).toBe(false);
  });

  it("is what is on the screen, and what tells where the run begins and ends", () => {
    expect(wantedMetrics(summaries(500), ["m300", "m301"])).toEqual(["m300", "m301", "m0", "m7"]);
    expect(wantedMetrics(summaries(500), [])).toEqual([]);
    expect(wantedMetrics({}, ["of another run"])).toEqual(["of another run"]);
  });

  it("counts by metrics that end at their highest value", () => {
    expect(mayCount(summary())).toBe(true);
    expect(mayCount(summary({ max: 3 }))).toBe(false);
    expect(mayCount(summary({ last: 1, max: 1 }))).toBe(false);
    expect(mayCount(summary({ not_finite: { step: 1, time: 1, attempt: 1, value: "NaN" } }))).toBe(false);
  });

  it("is subscribed once for what was asked for lately, with the counter of the axis", () => {
    const open = new Map<number, readonly string[]>();
    let id = 0;
    const transport = {
      subscribe: (topic: Topic) => {
        const mine = id++;
        if (topic.topic === "series") open.set(mine, topic.metrics);
        return { close: () => open.delete(mine) };
      },
    } as unknown as Transport;
    const points = new RunPoints(transport, "run_1m7xtgkqnpx92vmy0", () => undefined);
    points.followAll();
    expect([...open.values()]).toEqual([["*"]]);
    expect(points.follow(["a", "b"])).toBe(true);
    expect(points.follow(["b"])).toBe(false);
    points.follow(["c"]);
    expect([...open.values()]).toEqual([["c", "a", "b"]]);
    points.placeOn("tokens");
    expect([...open.values()]).toEqual([["c", "a", "b", "tokens"]]);
    points.follow(Array.from({ length: 100 }, (_, i) => `d${String(i)}`));
    points.follow(["e"]);
    expect([...open.values()][0]).toHaveLength(1 + 40 + 1);
    points.close();
    expect(open.size).toBe(0);
  });
});

describe("groups of metrics", () => {
  const many = Array.from({ length: 200 }, (_, i) => `${i < 30 ? "train" : i < 100 ? "layer" : "grad"}/m${String(i)}`);

  it("are the first parts of the names, in the order of their first metrics", () => {
    const groups = groupMetrics(["loss", ...many]);
    expect(groups.map(({ prefix, names }) => [prefix, names.length])).toEqual([["", 1], ["train", 30], ["layer", 70], ["grad", 100]]); // prettier-ignore
    expect(groups.flatMap(({ names }) => names)).toEqual(["loss", ...many]);
    expect([...openAtFirst(groups)]).toEqual(["", "train"]);
  });

  it("are one where there are few metrics, or one prefix", () => {
    expect(groupMetrics(["train/loss", "eval/loss"])).toEqual([{ prefix: "", names: ["train/loss", "eval/loss"] }]);
    expect(groupMetrics(many.slice(0, 30))).toHaveLength(1);
    expect(groupMetrics([])).toEqual([]);
  });
});
