/** Curves within a budget of points. */
import { counted } from "../counted.ts";
import type { ApiClient } from "../client.ts";
import { TrainyardError } from "../errors.ts";
import type { RunId } from "../ids.ts";
import { joinNames } from "../name-list.ts";

export interface HistoryRequest {
  readonly metrics: readonly string[];
  readonly from_step?: number | undefined;
  readonly to_step?: number | undefined;
  /** Of all metrics together. */
  readonly max_points: number;
}

/** A series keeps its minimum and maximum per bucket: fewer points than this say nothing of its shape. */
const FEWEST_POINTS = 4;

/** @throws TrainyardError not_found, or bad_request when the metrics do not fit into the budget */
export async function metricHistory(api: ApiClient, run: RunId, request: HistoryRequest): Promise<unknown> {
  const { series } = await api.call("listSeries", { params: { id: run } });
  const wanted = series.filter(({ name }) => request.metrics.some((pattern) => fits(name, pattern)));
  if (wanted.length === 0) {
    const known = series.slice(0, 50).map(({ name }) => name);
    throw new TrainyardError(
      "not_found",
      `the run has no metric ${request.metrics.join(", ")}`,
      `It has: ${known.join(", ") || "none yet"}.`,
    );
  }
  const each = Math.floor(request.max_points / wanted.length);
  if (each < FEWEST_POINTS)
    throw new TrainyardError(
      "bad_request",
      `metrics: ${counted(wanted.length, "metric does", "metrics do")} not fit into ${counted(request.max_points, "point")}`,
      `Ask for at most ${counted(Math.floor(request.max_points / FEWEST_POINTS), "metric")}, or raise max_points.`,
    );
  const { from_step, to_step } = request;
  const answer = await api.call("getSeries", {
    params: { id: run },
    query: { metrics: joinNames(wanted.map(({ name }) => name)), format: "json", max_points: each, from_step, to_step },
  });
  const missing = request.metrics.filter((pattern) => !wanted.some(({ name }) => fits(name, pattern)));
  return {
    run,
    ...(missing.length > 0 && { missing }),
    metrics: answer.series.map(({ name, steps, values, downsampled }) => ({
      name,
      /** Points that the whole curve has. */
      points_recorded: wanted.find((one) => one.name === name)?.count ?? 0,
      downsampled,
      points: steps.map((step, index) => [step, values[index]]),
    })),
  };
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
