/** From the table to a plot to a run, in a real VS Code: what is drawn is computed again by pandas from what was logged. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { python, ROOT } from "../support/machine.ts";
import { clickMark, FIRST_COLOR } from "../support/marks.ts";
import { runProgram } from "../support/processes.ts";
import { clientOf } from "../support/store.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

/**
 * Learning rates by widths, three seeds each; one of them has one seed, one diverged, one never reached its evaluation.
 * Prints what pandas makes of the values: per group their count, mean, median, sample deviation, standard error and quartiles, and the counts of five bins.
 */
const GRID = `import json, math, sys
import numpy, pandas, trainyard
rows = []
for rate in (2e-5, 1e-4, 5e-4):
    for width in (16, 64):
        for seed in (1, 2, 3) if (rate, width) != (5e-4, 64) else (1,):
            loss = 0.9 + math.log10(rate / 1e-4) ** 2 / 5 + 1 / width + math.sin(7 * seed + width) / 50
            if (rate, width, seed) == (1e-4, 64, 2): loss = math.nan
            with trainyard.init(name=f"w{width} lr{rate:g} s{seed}", project="grid", params={"learning_rate": rate, "width": width, "seed": seed}) as run:
                run.log({"train/loss": 2 * loss}, step=1)
                if (rate, width, seed) != (2e-5, 16, 3): run.log({"eval/loss": loss}, step=2)
            rows.append({"rate": rate, "width": width, "loss": math.nan if (rate, width, seed) == (2e-5, 16, 3) else loss})
frame = pandas.DataFrame(rows)
found = frame.groupby(["rate", "width"]).loss.agg(["count", "mean", "median", "std", "sem", q1 := lambda v: v.quantile(0.25), q3 := lambda v: v.quantile(0.75)])
found.columns = ["count", "mean", "median", "std", "sem", "q1", "q3"]
counts, _ = numpy.histogram(frame.loss.dropna(), bins=5)
print(json.dumps({"groups": json.loads(found.reset_index().to_json(orient="records", double_precision=15)), "bins": counts.tolist()}))
`;

interface Expected {
  readonly groups: readonly (Readonly<Record<"rate" | "width" | "count" | "mean" | "median", number>> &
    Readonly<Record<"std" | "sem" | "q1" | "q3", number | null>>)[];
  readonly bins: readonly number[];
}
type Drawn = Readonly<Record<string, number | string | undefined>>;

let code: VsCode;
let window: Workbench;
let expected: Expected;

beforeAll(async () => {
  code = await startVsCode({ "grid.py": GRID });
  const made = await runProgram(python(), ["grid.py"], { cwd: code.workspace, env: { PYTHONPATH: `${ROOT}/python` } });
  if (made.code !== 0) throw new Error(`the runs could not be made: ${made.stderr}`);
  expected = JSON.parse(made.stdout) as Expected;
  window = await code.openWindow();
});
afterAll(() => code.close());
afterEach(async (context) => {
  if (context.task.result?.state !== "fail") return;
  await window.screenshot(`failed-${context.task.name.replace(/\W+/g, "-")}`);
  console.error(`The host's log is ${code.hostLog}`);
});

async function choose(choice: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(choice)) await window.webview().getByTestId(`plot-${key}`).selectOption(value);
}

/** The rows behind the marks. */
async function drawn(): Promise<readonly Drawn[]> {
  const plot = window.webview().locator("ty-vega-plot");
  return plot.evaluate((element) => (element as unknown as { spec: { data: { values: Drawn[] } } }).spec.data.values);
}

const label = () => window.webview().getByTestId("plot-canvas").getAttribute("aria-label");
const key = ({ x, color }: Drawn): string => `${String(x)} ${String(color)}`;

/** @param spread where pandas puts the ends of a group's error bar; null where one run has none */
async function expectSpread(
  center: "mean" | "median",
  spread: (group: Expected["groups"][number]) => readonly [number, number] | null,
): Promise<void> {
  const wanted = expected.groups.map((group) => {
    const ends = spread(group);
    const place = { x: group.rate, color: group.width, y: expect.closeTo(group[center], 10) as number, runs: group.count };
    return ends === null ? place : { ...place, low: expect.closeTo(ends[0], 10) as number, high: expect.closeTo(ends[1], 10) as number };
  });
  const byKey = (rows: readonly Drawn[]): Drawn[] => rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  await expect.poll(async () => byKey(await drawn())).toEqual(byKey(wanted));
}

it("leads from the table to a plot whose aggregates and error bars are those of pandas", async () => {
  await window.runCommand("Trainyard: Explore Runs");
  await expect.poll(() => window.webview().getByTestId("explore-count").innerText()).toBe("16 runs");
  await window.webview().getByTestId("explore-plot").click();
  await window.webview().getByTestId("plot-kind-line").click();
  await choose({ x: "params.learning_rate", y: "metrics.eval/loss", color: "params.width", aggregate: "mean", spread: "std" });
  await window.webview().getByTestId("plot-log_x").check();
  await expect.poll(label).toBe("line of eval/loss against learning_rate, 6 marks");
  await expectSpread("mean", ({ mean, std }) => (std === null ? null : [mean - std, mean + std]));
  // The run that diverged, the one without an evaluation, and the group of one seed.
  const note = window.webview().getByTestId("plot-note");
  expect(await note.innerText()).toBe("2 runs have no value to draw. 1 mark stands for one run, without a spread.");
  await choose({ spread: "sem" });
  await expectSpread("mean", ({ mean, sem }) => (sem === null ? null : [mean - sem, mean + sem]));
  await choose({ aggregate: "median", spread: "quartiles", "spread-mark": "band" });
  await expectSpread("median", ({ q1, q3 }) => (q1 === null || q3 === null ? null : [q1, q3]));
  await choose({ facet: "params.width" });
  await expect.poll(async () => new Set((await drawn()).map(({ facet }) => facet)).size).toBe(2);
});

it("keeps a plot under a name, and shows it again in a window of its own", async () => {
  await window.webview().getByTestId("saved-open").click();
  await window.webview().getByTestId("saved-name").fill("loss by rate");
  await window.webview().getByTestId("saved-save").click();
  await expect.poll(() => window.webview().getByTestId("saved-open").innerText()).toContain("loss by rate");
  const before = await drawn();
  // Something else, so that what comes back is what was saved.
  await window.webview().getByTestId("plot-kind-histogram").click();
  await choose({ x: "metrics.eval/loss", color: "", facet: "" });
  await window.webview().getByTestId("plot-bins").fill("5");
  await window.webview().getByTestId("plot-bins").press("Enter");
  await expect.poll(async () => (await drawn()).map(({ runs }) => runs)).toEqual(expected.bins);
  // A window that knows nothing of the first one: what was saved lies with the runs.
  await window.close();
  window = await code.openWindow();
  await window.runCommand("Trainyard: Build a Plot");
  await window.webview().getByTestId("saved-open").click();
  await window.webview().getByTestId("saved-item").filter({ hasText: "loss by rate" }).click();
  await expect.poll(drawn).toEqual(before);
  const { saved } = await (await clientOf(code.store)).call("listSaved", {});
  expect(saved).toMatchObject([{ kind: "plot", name: "loss by rate", project: null }]);
});

it("lays runs over axes, and opens the run whose mark is clicked", async () => {
  await window.webview().getByTestId("plot-kind-parallel").click();
  for (const axis of ["params.learning_rate", "params.width", "metrics.eval/loss"])
    await window.webview().getByTestId(`plot-axis-${axis}`).check();
  const lines = () => window.webview().getByTestId("parallel-canvas").getAttribute("aria-label");
  await expect.poll(lines).toBe("Parallel coordinates of 16 runs over learning_rate, width, eval/loss");
  await window.webview().getByTestId("plot-kind-scatter").click();
  await choose({ x: "params.seed", y: "metrics.eval/loss", color: "", facet: "", aggregate: "none" });
  await expect.poll(label).toBe("scatter of eval/loss against seed, 14 marks");
  await clickMark(window.webview().locator("ty-vega-plot canvas"), FIRST_COLOR.dark);
  await window.tab(/^w\d+ lr/).waitFor();
  await expect.poll(() => window.webview().getByTestId("run-name").innerText()).toMatch(/^w\d+ lr/);
});
