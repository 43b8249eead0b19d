/** Lines in Chromium, drawn by the dashboard's frame and canvas, by uPlot and by plain Vega-Lite: first drawing, and one more point per series. */
import { chromium, type Page } from "playwright-core";
import { addCharts, timeChart } from "./lib/charts-in-chromium.ts";
import type { ChartTimes, Kind } from "./lib/charts-page.ts";
import { median, type BenchLine, type BenchResult } from "./lib/result.ts";

const POINTS = 2000;
const SERIES = [1, 10, 50];
const KINDS: readonly Kind[] = ["trainyard", "uplot", "vega-lite"];
/** The three take turns, so that other load on the machine meets all of them. */
const TURNS = 5;

export async function run(): Promise<BenchResult> {
  const browser = await chromium.launch({
    executablePath: process.env["TRAINYARD_TEST_BROWSER"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await addCharts(page);
    const lines: BenchLine[] = [];
    for (const series of SERIES) {
      const times = new Map(KINDS.map((kind) => [kind, [] as ChartTimes[]]));
      for (let turn = 0; turn < TURNS; turn++) {
        for (const kind of KINDS) {
          if (kind === "vega-lite" && turn > 1) continue; // It takes seconds, and is far away from the others.
          times.get(kind)?.push(await measure(page, kind, series));
        }
      }
      const of = (kind: Kind, what: keyof ChartTimes): number => median((times.get(kind) ?? []).map((time) => time[what]));
      for (const what of ["first", "append"] as const) {
        const title = `${String(series)} series × ${String(POINTS)} points, ${what === "first" ? "first drawing" : "append"}`;
        for (const kind of KINDS) lines.push({ what: `${title}: ${kind}`, value: of(kind, what), unit: "ms" });
        const ratio = of("trainyard", what) / of("uplot", what);
        const isGoal = what === "append" && series === 10;
        lines.push({ what: "  of uPlot's", value: ratio, unit: "×", ...(isGoal && { target: { at_most: 1 } }) });
        lines.push({ what: "  times as fast as Vega-Lite", value: of("vega-lite", what) / of("trainyard", what), unit: "×" });
      }
    }
    return { bench: "charts", lines };
  } finally {
    await browser.close();
  }
}

function measure(page: Page, kind: Kind, series: number): Promise<ChartTimes> {
  const rounds = kind === "vega-lite" ? 3 : 9;
  return timeChart(page, kind, series, POINTS, rounds);
}
