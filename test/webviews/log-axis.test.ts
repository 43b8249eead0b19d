/** The labels of a logarithmic y axis, as Vega draws the frame. */
import { parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { expect, it } from "vitest";
import frames from "../../webviews/charts/frames.json" with { type: "json" };
import type { Domain } from "../../webviews/charts/scale.ts";
import { logFormat } from "../../webviews/charts/ticks.ts";

async function labels(y: Domain, ticks: number): Promise<string[]> {
  const view = new View(parse(frames["number-log"] as Spec, {}, { ast: true }), { expr: expressionInterpreter, renderer: "none" });
  view.width(400).height(ticks * 44);
  view.signal("x0", 0).signal("x1", 0).signal("y0", y[0]).signal("y1", y[1]).signal("yTicks", ticks).signal("yFormat", logFormat(y, ticks));
  const svg = await view.toSVG();
  view.finalize();
  const texts = [...svg.matchAll(/<text([^>]*)>([^<]+)<\/text>/g)].filter(([, style]) => !style?.includes('opacity="0"'));
  return texts.map(([, , text]) => text ?? "").filter((text) => text !== "0");
}

it.each<[Domain, number, string]>([
  [[1.5e-4, 1.1], 5, "1e−3 1e−2 1e−1 1e0"],
  [[1e-300, 1], 5, "1e−300 1e−250 1e−200 1e−150 1e−100 1e−50 1e0"],
  [[0.03, 40], 2, "0.1 1 10"],
  // With fewer than three powers of ten, what lies between them too.
  [[0.05, 3], 4, "0.05 0.1 0.2 0.5 1 2"],
  [[0.2, 3], 2, "0.2 0.5 1 2"],
  // Within one, each with as many digits as tell them apart.
  [[9.5e-4, 1.05e-3], 5, "0.00096 0.00098 0.00100 0.00102 0.00104"],
  [[12_000, 50_000], 4, "20k 30k 40k 50k"],
])("a log axis over %s labels what reads best", async (y, ticks, expected) => {
  expect((await labels(y, ticks)).join(" ")).toBe(expected);
});
