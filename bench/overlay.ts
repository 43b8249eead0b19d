/**
 * Big things in Chromium on a warm server: a hundred runs of 100,000 points laid over each other (first drawing, zooming and panning with
 * the wheel), and the first chart of a run with ten million points, from the click. The reference is uPlot drawing the same number of
 * lines from what a chart needs at most, two thousand points each, with everything in memory already.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { chromium, type Page } from "playwright-core";
import { createClient } from "../protocol/client.ts";
import { RunId } from "../protocol/ids.ts";
import { ensureServer } from "../server/ensure.ts";
import { addCharts, timeChart } from "./lib/charts-in-chromium.ts";
import { openAndDraw, panAndZoom, type Frames } from "./lib/overlay-page.ts";
import { median, type BenchResult } from "./lib/result.ts";

const RUNS = 100;
const POINTS = 100_000;
const BIG = 10_000_000;
const SECONDS = 4;
const ROUNDS = 3;

export async function run(): Promise<BenchResult> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "trainyard-bench-")));
  const store = path.join(folder, ".trainyard");
  const python = process.env["TRAINYARD_PYTHON"] ?? "python3";
  await makeRuns(python, store, RUNS, POINTS);
  const big = await makeRuns(python, store, 1, BIG);
  const server = await ensureServer({ store, packageRoot: path.resolve("."), python, baseDir: folder, idleExitSeconds: 600 });
  const client = createClient(server);
  const browser = await chromium.launch({
    executablePath: process.env["TRAINYARD_TEST_BROWSER"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const { runs } = await client.call("listRuns", { query: { limit: 500 } });
    const many = runs.map((each) => each.id).filter((id) => !big.includes(id));
    if (many.length !== RUNS) throw new Error(`${String(many.length)} runs instead of ${String(RUNS)}`);
    const open = async (): Promise<Page> => {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
      // The table of runs: a page without one would open the newest run.
      await page.goto(`${server.url}/#token=${server.token}&explore=`);
      await page.getByTestId("explore-row").first().waitFor();
      return page;
    };
    const first: number[] = [];
    let frames: Frames = { zoom: NaN, pan: NaN };
    for (let round = 0; round < ROUNDS; round++) {
      const page = await open();
      first.push(await page.evaluate(openAndDraw, { hash: `compare=${many.join(",")}`, chart: "ty-overlay-chart", lines: RUNS }));
      if (round === ROUNDS - 1) frames = await page.evaluate(panAndZoom, SECONDS * 1000);
      await page.close();
    }
    const bigFirst: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const page = await open();
      bigFirst.push(await page.evaluate(openAndDraw, { hash: `run=${big[0] ?? ""}`, chart: "ty-line-chart", lines: 1 }));
      await page.close();
    }
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await addCharts(page);
    const uplot = await timeChart(page, "uplot", RUNS, 2000, 5);
    const overlaid = `${String(RUNS)} runs × ${POINTS.toLocaleString("en")} points`;
    return {
      bench: "overlay",
      lines: [
        { what: `${overlaid}: first drawing after the click`, value: median(first), unit: "ms", target: { at_most: 2000 } },
        { what: "  zooming, frames drawn", value: frames.zoom, unit: "/s", target: { at_least: 30 } },
        { what: "  panning, frames drawn", value: frames.pan, unit: "/s", target: { at_least: 30 } },
        { what: "uPlot, 100 × 2,000 points in memory: first drawing", value: uplot.first, unit: "ms" },
        { what: "uPlot, the same, drawn again", value: uplot.append, unit: "ms" },
        {
          what: `${BIG.toLocaleString("en")} points: first chart after the click, first time`,
          value: bigFirst[0] ?? NaN,
          unit: "ms",
          target: { at_most: 1000 },
        },
        { what: "  median", value: median(bigFirst), unit: "ms" },
      ],
    };
  } finally {
    await browser.close();
    await client.call("shutdown").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @returns the ids of the runs, which the logging SDK wrote */
async function makeRuns(python: string, store: string, runs: number, points: number): Promise<RunId[]> {
  const folder = path.join(store, "bench", "runs");
  const before = new Set(await readdir(folder).catch((): string[] => []));
  await promisify(execFile)(python, [path.resolve("bench/lib/many_runs.py"), store, String(runs), String(points)], {
    env: { ...process.env, PYTHONPATH: path.resolve("python") },
  });
  return (await readdir(folder)).filter((name) => !before.has(name)).map((name) => RunId.parse(name));
}
