/** The comparison in a real Chromium over the real protocol. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useChromium } from "./chromium.ts";
import { FixtureServer, RUN, TOKEN } from "./fixture-server.ts";
import { openPanel } from "./panel.ts";

const id = (n: number): string => `run_${String(n).padStart(17, "0")}`;
const [SEED_1, SEED_2, OTHER] = [id(1), id(2), id(3)];

const chromium = useChromium();
let server: FixtureServer;
let page: Page;

beforeAll(async () => {
  server = await FixtureServer.start();
  const loss = (last: number) => ({
    loss: { last, last_step: 100, min: last, min_step: 100, max: 999, max_step: 1, count: 100, first: 999 },
  });
  server.append(100);
  server.addRun({ id: SEED_1, name: "big / seed 1", params: { learning_rate: 0.3, seed: 1 }, metrics: loss(890) });
  // Its state says that it is over; when, nobody wrote down.
  server.addRun({ id: SEED_2, name: "big / seed 2", ended_at: null, params: { learning_rate: 0.3, seed: 2 }, metrics: loss(880) });
  server.addRun({
    id: OTHER,
    name: "other",
    params: { learning_rate: 0.1, packing: true },
    metrics: { ...loss(870), ...{ kl: loss(1).loss } },
  });
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1500, 900);
  return () => page.close();
});

async function open(fragment: string): Promise<void> {
  await page.goto(`${server.url}/#token=${TOKEN}&${fragment}`);
}

const texts = (testid: string) => page.getByTestId(testid).allInnerTexts();

describe("the comparison", () => {
  it("groups replicates, names what differs and takes the difference to the baseline", async () => {
    await open(`compare=${SEED_1},${SEED_2},${OTHER}`);
    await expect.poll(() => page.getByTestId("legend-row").count()).toBe(2);
    expect(await page.getByTestId("compare-summary").innerText()).toBe("3 runs, 1 set of replicates in demo");
    const [group, other] = (await texts("legend-row")) as [string, string];
    expect(group.replace(/\s+/g, " ")).toMatch(/big mean ± std, 2 of 2 ended .*885 .*baseline/);
    expect(other.replace(/\s+/g, " ")).toMatch(/other .*870 870 −15/);
    expect(await page.getByTestId("versus").getAttribute("data-better")).toBe("true");
    await page.getByTestId("replicates").selectOption("off");
    await expect.poll(() => page.getByTestId("legend-row").count()).toBe(3);
    expect(page.url()).toContain(`#compare=${SEED_1},${SEED_2},${OTHER}`);
  });

  it("asks for a direction that the name does not tell", async () => {
    await open(`compare=${OTHER},${SEED_1}`);
    await page.getByTestId("legend-metric").selectOption("kl");
    const direction = page.getByTestId("direction");
    await expect.poll(() => direction.innerText()).toBe("?");
    await direction.click();
    await expect.poll(() => direction.getAttribute("data-direction")).toBe("lower");
    await direction.click();
    await expect.poll(() => direction.getAttribute("data-direction")).toBe("higher");
  });

  it("reads all lines at the crosshair, best first, and hides a line by its eye", async () => {
    await open(`compare=${SEED_1},${OTHER}`);
    const plot = page.getByTestId("chart-loss").getByTestId("chart-plot");
    await expect.poll(() => plot.getAttribute("aria-label")).toBe("loss, 2 lines");
    await plot.focus();
    await page.keyboard.press("End");
    const tooltip = page.getByTestId("overlay-tooltip");
    await expect
      .poll(async () => (await tooltip.innerText()).replace(/\s+/g, " "))
      .toMatch(/Step 100 loss vs baseline other .* big \/ seed 1/);
    await page.getByTestId("legend-eye").nth(1).click();
    await expect.poll(() => plot.getAttribute("aria-label")).toBe("loss, 1 line");
  });

  it("lets the line stand out that is pointed at, or pinned, by mouse and by keyboard", async () => {
    await open(`compare=${SEED_1},${OTHER}`);
    const rows = page.getByTestId("legend-row");
    const outstanding = () => rows.evaluateAll((all) => all.map((row) => row.classList.contains("highlight")));
    await rows.nth(1).hover();
    await expect.poll(outstanding).toEqual([false, true]);
    await rows.nth(1).getByTestId("legend-pin").click();
    await page.getByTestId("compare-summary").hover();
    await page.getByTestId("legend-metric").focus();
    await expect.poll(outstanding).toEqual([false, true]);
    await rows.nth(0).getByTestId("legend-pin").focus();
    await expect.poll(outstanding).toEqual([true, false]);
    await page.keyboard.press("Enter");
    await page.getByTestId("legend-metric").focus();
    await expect.poll(outstanding).toEqual([true, false]);
    // A line that is not shown cannot stand out: the others would step back for nothing.
    await rows.nth(0).getByTestId("legend-eye").click();
    await page.getByTestId("legend-metric").focus();
    await page.getByTestId("compare-summary").hover();
    await expect.poll(outstanding).toEqual([false, false]);
  });

  it("draws every line in its colour", async () => {
    await open(`compare=${SEED_1},${OTHER}`);
    const canvas = page.getByTestId("chart-loss").locator("canvas.lines");
    const has = (red: number, green: number, blue: number) =>
      canvas.evaluate(
        (element, wanted) => {
          const { width, height } = element as HTMLCanvasElement;
          const data = (element as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
          for (let i = 0; i < data.length; i += 4)
            if (wanted.every((value, c) => Math.abs((data[i + c] ?? 0) - value) < 12) && (data[i + 3] ?? 0) > 200) return true;
          return false;
        },
        [red, green, blue],
      );
    // Slots 1 and 2 on a light ground, as a browser without a preference shows.
    await expect.poll(() => has(0x12, 0x4f, 0xa8)).toBe(true);
    await expect.poll(() => has(0x9b, 0x59, 0x1b)).toBe(true);
  });

  it("shows the settings that differ, and all of them when asked", async () => {
    await open(`compare=${SEED_1},${OTHER}`);
    const paths = () => page.getByTestId("differences-parameters").getByTestId("difference-row").locator("th").allInnerTexts();
    await expect.poll(paths).toEqual(["learning_rate", "seed", "packing"]);
    await page.getByTestId("only-differences").uncheck();
    await expect.poll(paths).toEqual(["recipe", "learning_rate", "seed", "packing"]);
  });

  it("says from which step two curves part", async () => {
    // 990 against 970 at first: 2 %. The distance of 20 passes 5 % of the larger where it falls below 400, which is not reached.
    await open(`compare=${SEED_1},${OTHER}`);
    await expect.poll(() => page.getByTestId("chart-loss").getByTestId("chart-notes").innerText()).toBe("smoothed 0.80");
    server.append(600);
    await expect.poll(() => page.getByTestId("chart-loss").getByTestId("chart-notes").innerText()).toMatch(/part at step 59\d/);
  });

  it("runs under the policy of a panel", async () => {
    const panel = await openPanel(page, server, { view: "compare", runs: [RUN, OTHER] }, chromium.complaints);
    await expect.poll(() => page.getByTestId("legend-row").count()).toBe(2);
    await page.getByLabel("loss, 2 lines", { exact: true }).waitFor();
    panel.dispose();
  });
});

describe("the list of runs in a browser", () => {
  it("ticks runs for a comparison", async () => {
    await open(`run=${RUN}`);
    await page.locator(`[data-run="${OTHER}"]`).click({ modifiers: ["Control"] });
    await page.locator(`[data-run="${SEED_1}"]`).click({ modifiers: ["Control"] });
    await page.getByTestId("compare-runs").click();
    await expect.poll(() => page.getByTestId("legend-row").count()).toBe(2);
  });
});
