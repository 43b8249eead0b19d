/** Runs of many metrics in a real Chromium against a real server: charts in groups, and only what is on the screen is made and asked for. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const METRICS = 1200;
const name = (i: number): string => (i === 0 ? "loss" : `layer.${String(Math.floor(i / 100))}/norm ${String(i)}, "x"`);
const LAST = name(METRICS - 1);

const chromium = useChromium();
let server: RealServer;
let page: Page;
const runs = [newRunId(), newRunId()] as const;
/** Metrics that the page subscribed to, a list for each subscription. */
let asked: string[][];

beforeAll(async () => {
  server = await RealServer.start(
    runs.map((id, i) => ({
      params: {},
      metrics: Object.fromEntries(Array.from({ length: METRICS }, (_, k) => [name(k), 1000 * (i + 1) + k])),
      record: { id },
    })),
  );
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1200, 800);
  asked = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => {
      const { topic } = JSON.parse(payload.toString()) as { topic?: { topic: string; metrics: string[] } };
      if (topic?.topic === "series") asked.push(topic.metrics);
    });
  });
  return () => page.close();
});

const lastGroup = () => page.getByTestId("metric-group").last();
const chart = (metric: string) => page.getByTestId(`chart-${metric}`);

/** Charts that are made: fewer than a screen and its surroundings hold. */
async function expectFew(charts: string): Promise<void> {
  expect(await page.locator(charts).count()).toBeLessThan(40);
  expect(Math.max(...asked.map((metrics) => metrics.length))).toBeLessThan(120);
  expect(asked.flat()).not.toContain("*");
}

describe("a page of many metrics", () => {
  it("groups a run's charts, makes those on the screen and has the points of each that is scrolled to or looked for", async () => {
    await page.goto(server.address(`run=${runs[0]}`));
    await expect.poll(() => chart("loss").getByTestId("chart-last-value").textContent()).toBe("1,000");
    expect(await page.getByTestId("metric-group").count()).toBe(13);
    expect(await chart(LAST).count()).toBe(0);
    await lastGroup().click();
    await page.getByTestId("charts").evaluate((charts) => {
      charts.scrollTo(0, charts.scrollHeight);
    });
    await expect.poll(() => chart(LAST).getByTestId("chart-last-value").textContent()).toBe("2,199");
    await expectFew("ty-line-chart");
    await lastGroup().click();
    await expect.poll(() => chart(LAST).count()).toBe(0);
    await page.getByTestId("metric-filter").fill("norm 577,");
    await expect.poll(() => chart(name(577)).getByTestId("chart-last-value").textContent()).toBe("1,577");
    await expectFew("ty-line-chart");
  });

  it("does so for a comparison", async () => {
    await page.goto(server.address(`compare=${runs.join(",")}`));
    await expect.poll(() => chart("loss").getByTestId("chart-plot").getAttribute("aria-label")).toBe("loss, 2 lines");
    await page.getByTestId("metric-filter").fill("norm 1150,");
    const plot = chart(name(1150)).getByTestId("chart-plot");
    await expect.poll(() => plot.getAttribute("aria-label")).toContain(", 2 lines");
    await expectFew("ty-overlay-chart");
  });
});
