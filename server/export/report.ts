/** A run, or several compared, as one HTML file that opens without a network: pictures inline, no script. */
import { counted } from "../../protocol/counted.ts";
import type { SeriesWindow } from "../series/types.ts";
import type { ChartCurve } from "./chart-svg.ts";
import type { ExportJob, ExportWriter } from "./job.ts";
import { Markup } from "./markup.ts";
import * as parts from "./report-page.ts";
import { reportLine } from "./report-style.ts";

/** Of a curve in a picture of 500 pixels; every spike is among them. */
const CHART_POINTS = 1000;
/** More pictures make a file that nobody opens; the numbers of all metrics are in the table. */
const MAX_CHARTS = 60;

export const writeReport: ExportWriter = async function* (job) {
  const { runs, provenance } = job;
  const title = runs.length === 1 ? (runs[0]?.name ?? "") : `${runs.length} runs compared`;
  const body = [
    ...(runs.length === 1 ? runs.map(parts.head) : [parts.comparisonHead(runs)]),
    parts.metricsTable(runs),
    parts.charts(runs, await drawCharts(job)),
    parts.factsTable("Params", runs, (run) => run.params),
    parts.factsTable("Run", runs, ({ seed, experiment, parent, tags }) => ({ seed, experiment, parent, tags: tags.join(", ") })),
    parts.factsTable("Code", runs, (run) => run.git),
    parts.factsTable("Machine", runs, (run) => (run.environment === null ? null : { ...run.environment, packages: null })),
    parts.factsTable("Packages", runs, (run) => run.environment?.packages ?? null),
  ];
  for (const run of runs) body.push(parts.checkpointsTable(run, await job.checkpoints(run.id)), parts.document(run));
  yield new TextEncoder().encode(parts.page(title, [...body, parts.footer(provenance)]).text);
};

async function drawCharts(job: ExportJob): Promise<parts.ReportChart[]> {
  // Vega takes a while to load, and only reports need it.
  const { chartSvg } = await import("./chart-svg.ts");
  const byMetric = new Map<string, ChartCurve[]>();
  for (const [place, run] of job.runs.entries())
    for (const window of await job.points(run.id, CHART_POINTS)) {
      const curves = byMetric.get(window.name) ?? [];
      byMetric.set(window.name, curves);
      curves.push({ ...reportLine(place), window });
    }
  const charts: parts.ReportChart[] = [];
  for (const [metric, curves] of [...byMetric].slice(0, MAX_CHARTS))
    charts.push({ metric, svg: new Markup(await chartSvg(curves)), caption: caption(curves.map(({ window }) => window)) });
  return charts;
}

/** What the picture cannot show. */
function caption(windows: readonly SeriesWindow[]): string {
  const broken = windows.reduce((sum, { values }) => sum + values.filter((value) => !Number.isFinite(value)).length, 0);
  const last = windows.length === 1 ? windows[0]?.values.at(-1) : undefined;
  const notes = [
    last === undefined ? "" : `last ${parts.shortNumber(last)}`,
    broken === 0 ? "" : `${counted(broken, "value is", "values are")} not finite`,
  ];
  return notes.filter((note) => note !== "").join(", ");
}
