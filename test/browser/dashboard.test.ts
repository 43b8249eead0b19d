/** The dashboard in a real Chromium over the real protocol: live points, lost connections, hidden panels, the strict policy of a panel. */
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { compile, type TopLevelSpec } from "vega-lite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Plot } from "../../webviews/charts/canvas-marks.ts";
import { placeNow, useChromium } from "./chromium.ts";
import { FixtureServer, RUN, TOKEN } from "./fixture-server.ts";
import { openPanel, type Panel } from "./panel.ts";

const chromium = useChromium();
let server: FixtureServer;
let page: Page;

beforeAll(async () => {
  server = await FixtureServer.start();
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1200, 800);
  return () => page.close();
});

const chart = () => page.getByTestId("chart-loss");
const lastValue = () => chart().getByTestId("chart-last-value");

/** The steps that the chart holds, newest first, read from its data table. */
async function shownSteps(): Promise<number[]> {
  const rows = chart().locator("tbody tr td:first-child");
  if ((await rows.count()) === 0) {
    await chart().getByTestId("chart-plot").focus();
    await page.keyboard.press("t");
    await rows.first().waitFor();
  }
  return (await rows.allTextContents()).map((text) => Number(text.replaceAll(",", "")));
}

function downFrom(step: number): number[] {
  return Array.from({ length: step }, (_, i) => step - i);
}

async function showsStep(step: number): Promise<void> {
  await expect.poll(() => lastValue().textContent(), { timeout: 10_000 }).toBe(String(1000 - step));
}

describe("in a plain browser", () => {
  beforeEach(async () => {
    await page.goto(`${server.url}/#token=${TOKEN}&run=${RUN}`);
    await page.getByTestId("run-state").waitFor();
  });

  it("takes the token out of the address and keeps it over a reload", async () => {
    expect(page.url()).not.toContain(TOKEN);
    await page.reload();
    await expect.poll(() => page.getByTestId("run-state").textContent()).toBe("Running");
  });

  it("appends live points and draws them", async () => {
    server.append(20);
    await showsStep(server.rows);
    const drawn = () =>
      chart()
        .locator("canvas.lines")
        .evaluate((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const pixels = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
          return pixels.some((value) => value > 0);
        });
    await expect.poll(drawn).toBe(true);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
  });

  it("has no gap and no duplicate after the connection was lost", async () => {
    server.append(5);
    server.appendLog("before\n");
    await showsStep(server.rows);
    server.down();
    await expect.poll(() => page.getByTestId("run-state").textContent(), { timeout: 10_000 }).toContain("Reconnecting");
    expect(await page.getByTestId("cancel-run").isDisabled()).toBe(true);
    server.append(7);
    server.appendLog("after\n");
    server.up();
    await showsStep(server.rows);
    server.append(1);
    await showsStep(server.rows);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
    await expect.poll(() => page.getByTestId("log-console").innerText()).toMatch(/before\s+after/);
  });

  it("exports a chart as picture, drawing, points and specification", async () => {
    server.append(30);
    await showsStep(server.rows);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const saved = async (kind: string): Promise<Buffer> => {
      const download = page.waitForEvent("download");
      await chart().hover();
      await chart().getByTestId("chart-export").click();
      await chart().getByTestId(`export-${kind}`).click();
      return readFile(await (await download).path());
    };
    expect((await saved("png")).subarray(1, 4).toString()).toBe("PNG");
    const svg = (await saved("svg")).toString();
    expect(svg).toMatch(/^<svg[^]*<path d="M[\d.]+,[\d.]+L[^]*<\/svg>$/);
    // A drawing that is not well-formed would be no element.
    expect(
      await page.evaluate((text) => new DOMParser().parseFromString(text, "image/svg+xml").querySelector("parsererror") === null, svg),
    ).toBe(true);
    expect((await saved("csv")).toString().split("\n")).toHaveLength(server.rows + 2);
    await chart().getByTestId("chart-export").click();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByText("Copied").waitFor();
    const spec = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as { title: string; data: { values: unknown[] } };
    expect(spec.title).toBe("loss");
    expect(spec.data.values.length).toBeGreaterThanOrEqual(server.rows);
    expect(() => compile(spec as unknown as TopLevelSpec)).not.toThrow();
  });

  it("is gone through by Tab, charts and all, and from region to region by F6", async () => {
    await chart().getByTestId("chart-plot").waitFor();
    const focused = (selector: string) => page.locator(`${selector}:focus`).count();
    let presses = 0;
    while ((await focused('[data-testid="chart-plot"]')) === 0 && presses++ < 60) await page.keyboard.press("Tab");
    expect(await focused('[data-testid="chart-plot"]')).toBe(1);
    await page.keyboard.press("Shift+F6");
    expect(await focused(".top")).toBe(1);
    await page.keyboard.press("F6");
    expect(await focused(".charts")).toBe(1);
    await page.keyboard.press("Tab");
    expect(await page.locator("ty-line-chart:focus-within").count()).toBe(1);
  });

  it("zooms by dragging, moves the crosshair by keyboard and resets", async () => {
    server.append(30);
    await showsStep(server.rows);
    const plot = chart().getByTestId("chart-plot");
    /** By places on the chart: x as a share of its width, y in pixels. */
    const drag = async (from: readonly [number, number], to: readonly [number, number]): Promise<void> => {
      const box = await placeNow(plot);
      await page.mouse.move(box.x + box.width * from[0], box.y + from[1]);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to[0], box.y + to[1], { steps: 4 });
      await page.mouse.up();
    };
    const shownY = () => chart().evaluate((element) => (element as unknown as { plot: Plot }).plot.y.invert(50));
    const lowest = () =>
      chart().evaluate((element) => {
        const { y, top, height } = (element as unknown as { plot: Plot }).plot;
        return y.invert(top + height);
      });
    // A chart is drawn some frames after what it shows has changed. The loss falls by one at each step, from a thousand.
    await expect.poll(lowest).toBeLessThanOrEqual(1000 - server.rows);
    const before = await shownY();
    await drag([0.4, 60], [0.7, 60]);
    await expect.poll(shownY).toBeLessThan(before);
    await page.getByTestId("reset-zoom").click();
    expect(await page.getByTestId("reset-zoom").count()).toBe(0);
    await expect.poll(shownY).toBe(before);
    await drag([0.5, 80], [0.5, 130]);
    await page.getByTestId("reset-zoom").waitFor();
    await expect.poll(shownY).toBeLessThan(before);
    await plot.dblclick();
    await expect.poll(shownY).toBe(before);
    await plot.focus();
    await page.keyboard.press("Home");
    await expect.poll(() => chart().locator(".tooltip").innerText()).toMatch(/Step 1\b/);
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => chart().locator(".tooltip").innerText()).toMatch(/Step 11\b/);
    const shownX = () =>
      chart().evaluate((element) => [...(element as unknown as { window: readonly [number, number] }).window] as [number, number]);
    const [, whole] = await shownX();
    for (const key of ["+", "+", "-", "+"]) await page.keyboard.press(key);
    await expect.poll(async () => (await shownX())[1]).toBeLessThan(whole);
    const fitted = await shownY();
    await page.keyboard.press("Shift+ArrowUp");
    await expect.poll(shownY).toBeLessThan(fitted);
    // The window goes along with the crosshair.
    await page.keyboard.press("End");
    await expect.poll(async () => (await shownX())[1]).toBe(server.rows);
    expect((await shownX())[0]).toBeGreaterThan(0);
    await page.keyboard.press("Escape");
    await expect.poll(shownX).toEqual([0, whole]);
    expect(await plot.getAttribute("aria-label")).toMatch(/^loss, \d+ at step/);
  });
});

describe("a page that shows one run after the other", () => {
  /** Of its own: the others count its points. */
  let large: FixtureServer;

  beforeAll(async () => {
    large = await FixtureServer.start();
    for (let n = 0; n < COUNT; n++) large.addRun({ id: runId(n), name: `other ${String(n)}` });
    large.append(20_000);
  }, 60_000);

  afterAll(() => large.close());

  const COUNT = 12;
  const runId = (n: number): string => `run_1m7xtgkqnpx92vm${String(10 + n)}`;

  it("lets go of the points of each when it shows the next", async () => {
    await page.goto(`${large.url}/#token=${TOKEN}&run=${RUN}`);
    const session = await page.context().newCDPSession(page);
    const open = async (n: number): Promise<void> => {
      await page.evaluate((id) => {
        location.hash = `run=${id}`;
      }, runId(n));
      await expect.poll(() => page.getByTestId("run-name").textContent()).toBe(`other ${String(n)}`);
      await expect.poll(() => lastValue().textContent()).toMatch(/\d/);
    };
    const heapMb = async (): Promise<number> => {
      await session.send("HeapProfiler.collectGarbage");
      const usage: { usedSize: number; backingStorageSize?: number } = await session.send("Runtime.getHeapUsage");
      return (usage.usedSize + (usage.backingStorageSize ?? 0)) / 2 ** 20;
    };
    for (let n = 0; n < 4; n++) await open(n);
    const early = await heapMb();
    for (let n = 4; n < COUNT; n++) await open(n);
    // The points of one run are a megabyte.
    expect((await heapMb()) - early).toBeLessThan(4);
  });
});

describe("in a panel, behind the relay of the extension host and its strict policy", () => {
  let panel: Panel;

  beforeEach(async () => {
    panel = await openPanel(page, server, { view: "dashboard", run: RUN }, chromium.complaints);
    await page.getByTestId("run-state").waitFor();
    return () => {
      panel.dispose();
    };
  });

  it("shows what came while it was hidden, each point once", async () => {
    server.append(4);
    await showsStep(server.rows);
    const before = await lastValue().textContent();
    panel.setVisible(false);
    server.append(9);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await lastValue().textContent()).toBe(before);
    panel.setVisible(true);
    await showsStep(server.rows);
    server.append(2);
    await showsStep(server.rows);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
  });

  it("breaks no rule of the policy", async () => {
    server.append(3);
    server.appendLog("\u001b[38;2;10;200;30mcolour\u001b[0m\r 50%|#####     | 5/10 [00:01<00:01]\n");
    await showsStep(server.rows);
    await page.getByTestId("tab-config").click();
    await page.getByTestId("tab-environment").click();
    await page.getByTestId("tab-output").click();
    await page.getByTestId("log-console").getByText("5/10").waitFor();
    await chart().getByTestId("chart-plot").hover();
  });
});

describe("the builder in a panel", () => {
  it("fills every kind of field, shows the document and the command, and breaks no rule of the policy", async () => {
    const panel = await openPanel(
      page,
      server,
      { view: "builder", recipe: "tiny", from: null, script: null, dataset: null, document: null },
      chromium.complaints,
    );
    await page.getByTestId("recipe-problems").getByText("One recipe, preset or template of yours is left out").click();
    await page.getByText("mine.py line 3: ImportError").waitFor();
    const field = (key: string) => page.getByTestId(`field-${key}`);
    await field("train_file").locator("input").fill("rows.jsonl");
    await field("columns").locator("input").fill("a, b");
    await field("prompt").locator("textarea").fill("Add:");
    await field("shuffle").locator("vscode-checkbox").click();
    await field("schedule").getByRole("radio", { name: "cosine" }).click();
    await field("learning_rate").locator("input").fill("5");
    await field("learning_rate").getByRole("status").waitFor();
    await page.getByTestId("preset-quick").click();
    await page.getByTestId("reset-learning_rate").click();
    await page.getByTestId("show-advanced").click();
    await field("extra").locator("textarea").waitFor();
    const yaml = await page.getByTestId("yaml").innerText();
    expect(yaml).toContain("preset: quick");
    expect(yaml).toContain("train_file: rows.jsonl");
    expect(yaml).not.toContain("learning_rate");
    await page.getByTestId("builder-dry-run").click();
    await expect.poll(() => page.getByTestId("command").innerText()).toContain("rows.jsonl");
    await expect.poll(() => page.getByTestId("builder-start").isEnabled()).toBe(true);
    panel.dispose();
  });

  it("says whether the run fits, and offers the change that makes it fit", async () => {
    const panel = await openPanel(
      page,
      server,
      { view: "builder", recipe: "tiny", from: null, script: null, dataset: null, document: null },
      chromium.complaints,
    );
    const estimate = page.getByTestId("estimate");
    await page.getByTestId("field-train_file").locator("input").fill("rows.jsonl");
    await page.getByTestId("field-learning_rate").locator("input").fill("0.8");
    await estimate.getByText("does not fit").waitFor();
    expect(await estimate.innerText()).toMatch(/1,728[^]*33\.0 M \(0\.8\d? %\)[^]*1 h 31 min/);
    await page.getByTestId("fix").click();
    await expect.poll(() => page.getByTestId("yaml").innerText()).toContain("learning_rate: 0.3");
    await expect.poll(() => estimate.innerText()).toContain("fits: ");
    expect(await page.getByTestId("fix").count()).toBe(0);
    await page.keyboard.press("Control+z");
    await expect.poll(() => page.getByTestId("yaml").innerText()).toContain("learning_rate: 0.8");
    panel.dispose();
  });
});
