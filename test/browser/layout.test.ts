/** What is drawn stays where it is: in a real Chromium on a real server, the places of a page's parts from their first frame on. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { placeNow, useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const chromium = useChromium();
let server: RealServer;
let page: Page;
const runs = [newRunId(), newRunId(), newRunId()] as const;

beforeAll(async () => {
  server = await RealServer.start(
    runs.map((id, n) => ({
      params: { learning_rate: n },
      // A metric falls from twice its value: one below zero rises, and can be counted by.
      metrics: { "train/loss": 1, "eval/loss": 2, tokens_seen: -1e9, tokens_per_second: 7412.5 },
      record: { id, name: `run ${String(n)}`, seed: n, description: n === 0 ? "What it is about." : "" },
    })),
  );
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1400, 900);
  return () => page.close();
});

/** Has every place noted that the elements have, frame by frame, from the first frame of the page on. @param selectors of custom elements or classes, one per part */
async function watch(selectors: readonly string[]): Promise<() => Promise<Record<string, number[]>>> {
  await page.addInitScript((parts: readonly string[]) => {
    const tops: Record<string, number[]> = Object.fromEntries(parts.map((part) => [part, []]));
    const find = (root: Document | ShadowRoot, selector: string): Element | null => {
      const found = root.querySelector(selector);
      if (found !== null) return found;
      for (const { shadowRoot } of root.querySelectorAll("*")) {
        const inner = shadowRoot === null ? null : find(shadowRoot, selector);
        if (inner !== null) return inner;
      }
      return null;
    };
    const look = (): void => {
      for (const part of parts) {
        const top = find(document, part)?.getBoundingClientRect().top;
        if (top !== undefined && tops[part]?.at(-1) !== top) tops[part]?.push(top);
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(globalThis, { tops });
  }, selectors);
  return () => page.evaluate(() => (globalThis as unknown as { tops: Record<string, number[]> }).tops);
}

const chart = (metric: string) => page.getByTestId(`chart-${metric}`);

it.each([1520, 1400, 1000])(
  "a dashboard %i pixels wide keeps its charts where they were drawn first, also when it is zoomed",
  async (width) => {
    await page.setViewportSize({ width, height: 900 });
    const tops = await watch(["ty-line-chart", "ty-checkpoint-list"]);
    await page.goto(server.address(`run=${runs[0]}`));
    await expect.poll(() => chart("train/loss").getByTestId("chart-last-value").textContent()).toBe("1");
    await page.getByTestId("x-axis-counter").waitFor();
    const plot = await placeNow(chart("train/loss").getByTestId("chart-plot"));
    await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 60);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.8, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByTestId("reset-zoom").waitFor();
    const { "ty-line-chart": charts, "ty-checkpoint-list": checkpoints } = await tops();
    expect(charts).toHaveLength(1);
    expect(checkpoints).toHaveLength(1);
  },
);

it("a comparison draws its charts where they stay", async () => {
  const tops = await watch(["ty-compare-charts", "ty-differences"]);
  await page.goto(server.address(`compare=${runs.join(",")}`));
  await expect.poll(() => chart("train/loss").getByTestId("chart-plot").getAttribute("aria-label")).toMatch(/^train\/loss, [1-3] line/);
  await page.getByTestId("difference-row").first().waitFor();
  expect((await tops())["ty-compare-charts"]).toHaveLength(1);
});

/** What has the focus, and whether that is seen: a ring on it or on the box that it is in; a separator is coloured as a whole. */
function focused(): Promise<{ readonly what: string; readonly seen: boolean } | null> {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (element === null || element === document.body) return null;
    const what = `${element.tagName} ${element.getAttribute("data-testid") ?? element.getAttribute("aria-label") ?? element.className}`;
    let seen = element.getAttribute("role") === "separator";
    let at: Element | null = element;
    for (let up = 0; up < 6 && at !== null && !seen; up++) {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(at);
      seen = outlineStyle !== "none" && parseFloat(outlineWidth) > 0 && !/^(transparent|rgba\(.*, 0\))$/.test(outlineColor);
      const root = at.getRootNode();
      at = at.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
    }
    return { what, seen };
  });
}

it.each(["run", "compare", "explore", "plots", "system"])("the focus is seen wherever Tab takes it on the page %s", async (view) => {
  const fragments: Readonly<Record<string, string>> = { run: `run=${runs[0]}`, compare: `compare=${runs.join(",")}` };
  await page.goto(server.address(fragments[view] ?? `${view}=`));
  const ready = { run: "run-state", compare: "legend-row", explore: "explore-row", plots: "plot-x", system: "system-60" }[view] ?? "";
  await page.getByTestId(ready).first().waitFor();
  const stops: string[] = [];
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    const now = await focused();
    // Out of the page, and in again at its top.
    if (now === null) break;
    expect(now).toEqual({ what: now.what, seen: true });
    stops.push(now.what);
  }
  expect(stops.length).toBeGreaterThan(8);
});
