/** The page that draws charts (`charts-page.ts`), bundled and put into a page of Chromium. */
import path from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import type { ChartTimes, Kind, measure } from "./charts-page.ts";

/** Gives the page `measureChart`. */
export async function addCharts(page: Page): Promise<void> {
  const bundled = await build({
    entryPoints: [path.resolve("bench/lib/charts-page.ts")],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
  });
  await page.addScriptTag({ content: bundled.outputFiles[0]?.text ?? "" });
}

/** Times one kind of chart in a page that has `measureChart`. @param points of each series */
export function timeChart(page: Page, kind: Kind, series: number, points: number, rounds: number): Promise<ChartTimes> {
  return page.evaluate((asked) => (globalThis as unknown as { measureChart: typeof measure }).measureChart(...asked), [
    kind,
    series,
    points,
    rounds,
  ] as const);
}
