/** A run server that ends and is started anew while panels and pages are open: what they say meanwhile, and that they come back whole. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { PanelTarget } from "../../protocol/webview.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import { liveRuns } from "../faults/live-run.ts";
import { useChromium } from "./chromium.ts";
import { openPanel, type Panel } from "./panel.ts";
import { RealServer } from "./real-server.ts";

/** What `liveRuns` logs, with a first step. */
const METRIC = "loss";
let steps = 1;

/** A client waits up to ten seconds between two attempts to connect. */
const PATIENCE = { timeout: 30_000 };

const chromium = useChromium();
let server: RealServer;
let training: ChildProcess;
let runs: readonly [RunId, RunId];

beforeAll(async () => {
  training = spawn("sleep", ["600"], { stdio: "ignore" });
  server = await RealServer.start([{ params: {}, metrics: {} }], {}, ["dashboard", "explore", "compare"]);
  await server.restart({
    meanwhile: async () => {
      // A server that came upon a folder before its process is named would take the run for interrupted.
      const [first = "", second = ""] = await liveRuns(server.live.store, training.pid ?? 0, 2, new Date().toISOString());
      runs = [first, second];
    },
  });
}, 60_000);

afterAll(async () => {
  await server.close();
  training.kill("SIGKILL");
});

const paths = async () => {
  const store = await openStore(server.live.store);
  const { paths: found } = await store.read(runs[0]);
  store.close();
  return found.attempt(1);
};

/** Points of the first run, each with its step as its value. */
async function logPoints(count: number): Promise<void> {
  const writer = await MetricFileWriter.open((await paths()).metrics);
  for (let n = 0; n < count; n++) await writer.append(Date.now(), ++steps, { [METRIC]: steps });
  await writer.close();
}

async function panel(target: PanelTarget): Promise<{ page: Page; panel: Panel }> {
  const page = await chromium.open(1200, 800);
  return { page, panel: await openPanel(page, await server.panelHost(page), target, chromium.complaints) };
}

it("dashboard, table and comparison come back without loss, doubles or anything stale, and say meanwhile that they are not live", async () => {
  const dashboard = await panel({ view: "dashboard", run: runs[0] });
  const explore = await panel({ view: "explore", project: null, filter: "" });
  const compare = await panel({ view: "compare", runs: [...runs] });
  const pages = [dashboard, explore, compare];
  const chart = dashboard.page.getByTestId(`chart-${METRIC}`);
  const row = explore.page.getByTestId("explore-row").filter({ hasText: "run 0" });
  const legend = compare.page.getByTestId("legend-row").filter({ hasText: "run 0" });
  const shows = async (value: number): Promise<void> => {
    await expect.poll(() => chart.getByTestId("chart-last-value").textContent(), PATIENCE).toContain(String(value));
    await expect.poll(() => row.innerText(), PATIENCE).toContain(String(value));
    await expect.poll(() => legend.innerText(), PATIENCE).toContain(String(value));
  };
  await logPoints(10);
  await shows(steps);

  await server.live.server.close();
  await expect.poll(() => dashboard.page.getByTestId("run-state").textContent()).toContain("Reconnecting");
  for (const { page } of [explore, compare]) await page.locator("ty-offline:not([hidden])").getByText("Reconnecting").waitFor();
  await logPoints(25);
  await appendFile((await paths()).log, "logged meanwhile\n");
  await server.addRun({ params: {}, metrics: {}, record: { name: "came meanwhile" } });
  await server.restart();
  await server.live.client.call("editRun", { params: { id: runs[0] }, body: { tags: ["kept"] } });

  await shows(steps);
  for (const { page } of [explore, compare]) await expect.poll(() => page.locator("ty-offline:not([hidden])").count()).toBe(0);
  await expect.poll(() => dashboard.page.getByTestId("run-state").textContent()).toBe("Running");
  await expect.poll(() => row.innerText()).toContain("kept");
  await explore.page.getByTestId("explore-refresh").waitFor();
  await logPoints(5);
  await shows(steps);
  await chart.getByTestId("chart-plot").focus();
  await dashboard.page.keyboard.press("t");
  const shown = chart.locator("tbody tr td:first-child");
  await expect.poll(() => shown.count()).toBe(steps);
  expect((await shown.allTextContents()).map(Number)).toEqual(Array.from({ length: steps }, (_, i) => steps - i));
  await expect.poll(() => dashboard.page.getByTestId("log-console").innerText()).toContain("logged meanwhile");
  expect((await dashboard.page.getByTestId("log-console").innerText()).match(/logged meanwhile/g)).toHaveLength(1);
  for (const each of pages) {
    each.panel.dispose();
    await each.page.close();
  }
});

it("a page in a plain browser says that its address has gone", async () => {
  const page = await chromium.open(1200, 800);
  await page.goto(server.address(`explore=`));
  await page.getByTestId("explore-row").first().waitFor();
  const port = Number(new URL(server.live.server.url).port);
  await server.restart({ port });
  await page.getByText("The run server was started anew").waitFor();
  await page.goto(server.address("explore="));
  await page.reload();
  await page.getByTestId("explore-row").first().waitFor();
  expect(await page.locator("ty-offline:not([hidden])").count()).toBe(0);
  await page.close();
});
