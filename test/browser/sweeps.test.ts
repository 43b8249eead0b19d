/** A sweep as a person makes and watches one: in a real Chromium, on a real server, with real processes that train. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { python } from "../support/machine.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

/** The loss is least at x = 2; each step takes as long as it is told. */
const SCRIPT = `import argparse
import time

import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float, default=1.0)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--pause", type=float, default=0.0)
options = parser.parse_args()

run = trainyard.init(params=vars(options))
run.plan(max_steps=options.steps)
for step in range(1, options.steps + 1):
    run.log({"loss": (options.x - 2) ** 2 + 1 / step}, step=step)
    time.sleep(options.pause)
    if run.should_stop():
        break
run.finish()
`;

/** Each answer may need a Python that starts on a machine where much else runs. */
const PATIENCE = { timeout: 60_000 };
const TEST_MS = 240_000;

const chromium = useChromium();
let server: RealServer;
let page: Page;

beforeAll(async () => {
  server = await RealServer.start([], { python: python() });
  await writeFile(path.join(server.live.root, "valley.py"), SCRIPT);
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1400, 900);
  page.setDefaultTimeout(PATIENCE.timeout);
  return () => page.close();
});

const state = () => page.getByTestId("sweep-state").getAttribute("data-state");

describe("a sweep in the browser", { timeout: TEST_MS }, () => {
  it("is put together in the form, shown run by run beforehand, started, watched, and opened by its runs", async () => {
    await page.goto(server.address("sweeps="));
    await page.getByTestId("sweeps-none").waitFor();
    await page.getByTestId("new-sweep").click();
    await page.getByTestId("builder-recipe").selectOption("script");
    await page.getByTestId("field-script").locator("input").fill("valley.py");
    await page.getByTestId("builder-name").fill("valley");
    await page.getByTestId("field-x").waitFor();

    await page.getByTestId("sweep-add").selectOption("x");
    await page.getByTestId("sweep-values-x").fill("0, 5, 2, oops");
    await page.getByTestId("sweep-metric").fill("loss");
    await page.getByTestId("sweep-concurrency").fill("2");
    await page.keyboard.press("Enter");
    // What the recipe refuses is said before anything is made.
    await page.getByText("x cannot be").first().waitFor();
    await page.getByTestId("sweep-values-x").fill("0, 5, 2, 4");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("sweep-plan-row").count(), PATIENCE).toBe(4);
    expect(await page.getByTestId("sweep-plan-row").allInnerTexts()).toEqual(["1\t0", "2\t5", "3\t2", "4\t4"]);
    expect(await page.getByTestId("field-x").innerText()).toContain("varied by the sweep");
    const start = page.getByTestId("builder-start");
    // A search shows its first draws, and how many more there will be.
    await page.getByTestId("sweep-method-optuna").click();
    await page.getByTestId("sweep-pruner").selectOption("median");
    await page.getByTestId("sweep-startup_trials").fill("6");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("sweep-plan-row").count(), PATIENCE).toBe(6);
    expect(await page.getByTestId("sweep-plan").innerText()).toContain("The first 6 are these draws");
    await expect.poll(() => start.innerText(), PATIENCE).toContain("Start 10 runs");
    await page.getByTestId("sweep-method-grid").click();
    await expect.poll(() => page.getByTestId("sweep-plan-row").count(), PATIENCE).toBe(4);
    await expect.poll(() => start.innerText(), PATIENCE).toContain("Start 4 runs");
    await start.click();

    await expect.poll(() => page.getByTestId("sweep-name").innerText(), PATIENCE).toBe("valley");
    await expect.poll(state, PATIENCE).toBe("finished");
    expect(await page.getByTestId("sweep-counts").innerText()).toContain("4 completed");
    await expect
      .poll(() => page.getByTestId("plot-canvas").getAttribute("aria-label"), PATIENCE)
      .toBe("loss over the runs of valley, 4 marks");
    const best = page.locator('[data-testid="sweep-run"][data-best="true"]');
    expect(await best.innerText()).toContain("valley 3");
    expect(await page.getByTestId("sweep-best").innerText()).toContain("0.3333");
    await page.getByTestId("sweep-sort-objective").click();
    const order = async () => (await page.getByTestId("sweep-open-run").allInnerTexts()).map((name) => name.trim());
    await expect.poll(order, PATIENCE).toEqual(["valley 3", "valley 1", "valley 4", "valley 2"]);

    // By the keyboard to the second row, and into its run.
    await page.getByTestId("sweep-open-run").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByTestId("run-name").innerText(), PATIENCE).toBe("valley 1");
    await page.getByTestId("sweep-of").getByRole("button").click();
    await page.getByTestId("sweep-back").click();
    expect(await page.getByTestId("sweep-row").innerText()).toContain("4 completed of 4");
  });

  it("shows which params mattered, in a dark window", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    const { id } = await server.live.client.call("createSweep", {
      body: {
        spec: {
          name: "search",
          recipe: "script",
          params: { script: "valley.py" },
          sweep: {
            method: "optuna",
            n: 6,
            seed: 1,
            startup_trials: 4,
            params: { x: { uniform: [3, 40] }, steps: [3, 4] },
            objective: { metric: "loss", direction: "min" },
            concurrency: 2,
          },
        },
        base_dir: server.live.root,
      },
      timeoutMs: 60_000,
    });
    await page.goto(server.address(`sweeps=${id}`));
    await expect.poll(state, PATIENCE).toBe("finished");
    const importance = page.getByTestId("sweep-importance");
    await expect.poll(() => importance.getAttribute("data-method"), PATIENCE).toMatch(/anova$/);
    expect(await page.getByTestId("sweep-share").count()).toBe(2);
    expect(await page.locator('[data-testid="sweep-share"][data-param="x"]').innerText()).toContain("rank correlation 1.00");
    expect(await page.getByText("Optuna (TPE)").count()).toBe(1);
  });

  it("is stopped with its live runs and goes on, in a narrow window", async () => {
    await page.setViewportSize({ width: 420, height: 800 });
    const { id } = await server.live.client.call("createSweep", {
      body: {
        spec: {
          name: "slow",
          recipe: "script",
          params: { script: "valley.py", steps: 3000, pause: 0.1 },
          sweep: { method: "grid", params: { x: [1, 2, 3] }, objective: { metric: "loss", direction: "min" } },
        },
        base_dir: server.live.root,
      },
    });
    await page.goto(server.address(`sweeps=${id}`));
    const running = page.locator('[data-testid="sweep-run"][data-state="running"]');
    await expect.poll(() => running.count(), PATIENCE).toBe(1);
    await page.getByTestId("sweep-cancel").click();
    await expect.poll(state, PATIENCE).toBe("stopped");
    await expect.poll(() => page.getByTestId("sweep-counts").innerText(), PATIENCE).toContain("1 cancelled");
    expect(await page.getByTestId("sweep-reason").innerText()).toContain("asked for by the user");
    // Nothing is cut off sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(420);
    await page.getByTestId("sweep-continue").click();
    await expect.poll(state, PATIENCE).toBe("running");
    await expect.poll(() => running.count(), PATIENCE).toBe(1);
    await page.getByTestId("sweep-cancel").click();
    await expect.poll(() => page.getByTestId("sweep-counts").innerText(), PATIENCE).toContain("2 cancelled");
  });
});
