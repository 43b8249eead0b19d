/** The plot builder in a real Chromium against a real server: what is drawn is computed again here, from the same runs. */
import { readFile } from "node:fs/promises";
import type { Download, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clickMark, FIRST_COLOR } from "../support/marks.ts";
import { placeNow, useChromium } from "./chromium.ts";
import { type KnownRun, RealServer } from "./real-server.ts";

const RATES = [1e-4, 1e-3, 1e-2];
const RUNS = Array.from({ length: 24 }, (_, n): KnownRun & { rate: number; optim: string; loss: number } => {
  const [rate, optim, loss] = [RATES[n % 3] ?? 0, n % 2 === 0 ? "adamw" : "lion", 1 + ((n * 11) % 24) / 10];
  const params = { learning_rate: rate, optim, seed: n };
  return { params, metrics: { loss }, record: { name: `run ${String(n).padStart(2, "0")}` }, rate, optim, loss };
});

const chromium = useChromium();
let server: RealServer;
let page: Page;

beforeAll(async () => {
  server = await RealServer.start(RUNS);
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1400, 900);
  return () => page.close();
});

async function build(choice: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(choice)) await page.getByTestId(`plot-${key}`).selectOption(value);
}

/** What is drawn, as the page gives it away. */
async function rows(): Promise<Record<string, string>[]> {
  await page.getByTestId("plot-export").click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("menu-csv").click()]);
  const [head = "", ...lines] = (await text(download)).trim().split("\r\n");
  const names = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, index) => [names[index] ?? "", cell])));
}

async function text(download: Download): Promise<string> {
  return readFile(await download.path(), "utf8");
}

const label = () => page.getByTestId("plot-canvas").getAttribute("aria-label");

describe("the plot builder", () => {
  it("aggregates replicates as a computation of its own does, and opens the runs behind a mark", async () => {
    await page.goto(server.address("plots="));
    await page.getByTestId("plot-kind-line").click();
    await build({ y: "metrics.loss", x: "params.learning_rate", color: "params.optim", aggregate: "mean", spread: "std" });
    await expect.poll(label).toBe("line of loss against learning_rate, 6 marks");
    const drawn = await rows();
    for (const rate of RATES)
      for (const optim of ["adamw", "lion"]) {
        const losses = RUNS.filter((run) => run.rate === rate && run.optim === optim).map(({ loss }) => loss);
        const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        const std = Math.sqrt(losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / (losses.length - 1));
        const row = drawn.find((each) => Number(each["params.learning_rate"]) === rate && each["params.optim"] === optim);
        expect(Number(row?.["metrics.loss"])).toBeCloseTo(mean, 10);
        expect(Number(row?.["low"])).toBeCloseTo(mean - std, 10);
        expect(Number(row?.["high"])).toBeCloseTo(mean + std, 10);
        expect(row?.["runs"]).toBe(String(losses.length));
      }
    await page.getByTestId("plot-kind-bar").click();
    await page.getByTestId("plot-color").selectOption("");
    await expect.poll(label).toBe("bar of loss against learning_rate, 3 marks");
    await clickInto("plot-runs");
    expect(await page.getByTestId("plot-run").count()).toBe(8);
    await page.getByTestId("plot-run").first().click();
    await page.getByTestId("run-name").waitFor();
  });

  it("draws every run as a mark, and opens the run whose mark is clicked", async () => {
    await page.goto(server.address("plots="));
    await build({ y: "metrics.loss", x: "params.seed" });
    await expect.poll(label).toBe("scatter of loss against seed, 24 marks");
    await clickInto("run-name");
    const name = await page.getByTestId("run-name").innerText();
    expect(RUNS.map(({ record }) => record?.name)).toContain(name.trim());
  });

  it("opens the runs behind a mark of a time", async () => {
    await page.goto(server.address("plots="));
    await build({ y: "metrics.loss", x: "record.created_at", aggregate: "mean" });
    await expect.poll(label).toBe("scatter of loss against created, 1 mark");
    await clickInto("plot-runs");
    expect(await page.getByTestId("plot-run").count()).toBe(RUNS.length);
  });

  it("counts a metric in bins as the server does, and under a filter", async () => {
    await page.goto(server.address("plots="));
    await page.getByTestId("plot-kind-histogram").click();
    await build({ x: "metrics.loss" });
    await page.getByTestId("plot-bins").fill("4");
    await page.getByTestId("plot-bins").press("Enter");
    await expect.poll(label).toBe("histogram of loss, 4 marks");
    const losses = RUNS.map(({ loss }) => loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const binOf = (loss: number): number => Math.min(3, Math.floor(((loss - low) / (high - low)) * 4 + 1e-9));
    const expected = [0, 1, 2, 3].map((bin) => losses.filter((loss) => binOf(loss) === bin).length);
    expect((await rows()).map((row) => Number(row["runs"]))).toEqual(expected);
    await page.getByTestId("explore-search").locator("input").fill('params.optim = "lion"');
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("explore-count").innerText()).toBe("12 runs");
    const total = async () => (await rows()).reduce((sum, row) => sum + Number(row["runs"]), 0);
    await expect.poll(total).toBe(12);
    // The runs of a bar, by name and in the table.
    await clickInto("plot-runs");
    const listed = (await page.getByTestId("plot-run").allInnerTexts()).map((name) => name.trim()).sort();
    const nameOf = (run: KnownRun): string => run.record?.name ?? "";
    const bin = binOf(RUNS.find((run) => nameOf(run) === listed[0])?.loss ?? Number.NaN);
    const within = RUNS.filter(({ optim, loss }) => optim === "lion" && binOf(loss) === bin).map(nameOf);
    expect(listed).toEqual(within.sort());
    await page.getByTestId("plot-table").click();
    await expect.poll(() => page.getByTestId("explore-count").innerText()).toBe(`${String(listed.length)} runs`);
    expect(await page.getByTestId("filter-chip").count()).toBe(3);
  });

  it("is saved with a name, opened again after a reload, and taken along as PNG, SVG and Vega-Lite", async () => {
    await page.goto(server.address("plots="));
    await page.getByTestId("plot-kind-box").click();
    await build({ y: "metrics.loss", x: "params.optim" });
    await expect.poll(label).toBe("box of loss against optim, 2 marks");
    await page.getByTestId("saved-open").click();
    await page.getByTestId("saved-name").fill("optimisers");
    await page.getByTestId("saved-save").click();
    await expect.poll(() => page.getByTestId("saved-open").innerText()).toContain("optimisers");
    for (const [format, start] of [
      ["png", "\u0089PNG"],
      ["svg", "<svg"],
    ] as const) {
      await page.getByTestId("plot-export").click();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId(`menu-${format}`).click()]);
      expect((await readFile(await download.path())).toString("latin1").startsWith(start)).toBe(true);
    }
    await page.getByTestId("plot-kind-scatter").click();
    await page.reload();
    await expect.poll(label).toBe("scatter of loss against optim, 24 marks");
    await page.getByTestId("saved-open").click();
    await page.getByTestId("saved-item").filter({ hasText: "optimisers" }).click();
    await expect.poll(label).toBe("box of loss against optim, 2 marks");
    // What was chosen by hand gives way to what was saved, in the form as in the plot.
    await build({ x: "params.learning_rate" });
    await expect.poll(label).toBe("box of loss against learning_rate, 3 marks");
    await page.getByTestId("saved-open").click();
    await page.getByTestId("saved-item").filter({ hasText: "optimisers" }).click();
    await expect.poll(label).toBe("box of loss against optim, 2 marks");
    expect(await page.getByTestId("plot-x").inputValue()).toBe("params.optim");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByTestId("plot-export").click();
    await page.getByTestId("menu-spec").click();
    const copied = async () => (JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as { $schema?: string }).$schema;
    await expect.poll(copied).toBe("https://vega.github.io/schema/vega-lite/v6.json");
  });

  it("is built on a narrow page too", async () => {
    for (const width of [700, 400]) {
      await page.setViewportSize({ width, height: 700 });
      await page.goto(server.address("plots="));
      await page.getByTestId("plot-kind-bar").click();
      await build({ y: "metrics.loss", x: "params.optim" });
      await expect.poll(label).toBe("bar of loss against optim, 2 marks");
      const [plot, whole] = [await page.getByTestId("plot").boundingBox(), page.viewportSize()];
      expect(plot?.height).toBeGreaterThan(200);
      expect((plot?.x ?? 0) + (plot?.width ?? 0)).toBeLessThanOrEqual(whole?.width ?? 0);
    }
  });

  it("lays runs over axes that are brushed and reordered, over the runs that the table's filter lets through", async () => {
    await page.goto(server.address("explore="));
    await page.getByTestId("explore-search").locator("input").fill("params.seed < 12");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("explore-count").innerText()).toBe("12 runs");
    await page.getByTestId("explore-plot").click();
    await page.getByTestId("plot-kind-parallel").click();
    for (const field of ["params.learning_rate", "params.optim", "metrics.loss"]) await page.getByTestId(`plot-axis-${field}`).check();
    await expect
      .poll(() => page.getByTestId("parallel-canvas").getAttribute("aria-label"))
      .toContain("12 runs over learning_rate, optim, loss");
    const track = await placeNow(page.getByTestId("axis-params.learning_rate"));
    const x = track.x + track.width / 2;
    await page.mouse.move(x, track.y + 2);
    await page.mouse.down();
    await page.mouse.move(x, track.y + track.height * 0.25, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.getByTestId("parallel-status").innerText()).toBe("4 of 12 runs pass");
    await page.getByTestId("axis-left-metrics.loss").click();
    await expect.poll(() => page.getByTestId("axis-title").allInnerTexts()).toEqual(["learning_rate", "loss", "optim"]);
  });
});

/** Clicks on a mark and waits for what that shows. */
async function clickInto(testid: string): Promise<void> {
  await clickMark(page.locator("ty-vega-plot canvas"), FIRST_COLOR.light);
  await page.getByTestId(testid).first().waitFor();
}
