/** The walk of docs/tour.md in a real VS Code over real runs: each stop is reached as a user reaches it, and its picture is taken. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { ApiClient } from "../../../protocol/client.ts";
import { RunSpec } from "../../../protocol/spec.ts";
import { python, ROOT } from "../../support/machine.ts";
import { runProgram, until } from "../../support/processes.ts";
import { clientOf } from "../../support/store.ts";
import { PARAMS, ROWS } from "../training-files.ts";
import type { VsCode } from "../vscode.ts";
import type { Workbench } from "../workbench.ts";
import { closeQuickInput, hideSideBar, picture, SIZE, startTour, takePicture } from "./pictures.ts";
import { SPIRALS, SWEEP } from "./spirals.ts";

const SWEEP_RUNS = 18;
const DOCUMENT = `# A Llama made new that learns to add
name: addition
recipe: hf-causal-lm
project: addition
params:
${Object.entries({ ...PARAMS, max_steps: 40_000, save_steps: 200 })
  .map(([key, value]) => `  ${key}: ${String(value)}`)
  .join("\n")}
`;

let code: VsCode;
let window: Workbench;
let api: ApiClient;

/** What fails as trainings do: after a while, with a traceback. */
const FAILS = `import trainyard
run = trainyard.init(params={"data": "evaluation.jsonl"})
for step in range(1, 41):
    run.log({"train/loss": 2 / (1 + step / 8)}, step=step)
rows = open("evaluation.jsonl").read()
`;
const EARLIER = `import trainyard
for seed, rate in ((1, 0.01), (2, 0.02)):
    with trainyard.init(name=f"pilot {seed}", project="pilot", params={"learning_rate": rate, "seed": seed}) as run:
        for step in range(1, 201):
            run.log({"train/loss": 2.7 ** (-step * rate)}, step=step)
`;

beforeAll(async () => {
  code = await startTour({
    "rows.jsonl": ROWS,
    "addition.run.yaml": DOCUMENT,
    "spirals.py": SPIRALS,
    "spirals.run.yaml": SWEEP,
    "evaluate.py": FAILS,
  });
  const elsewhere = path.join(path.dirname(code.workspace), "last-year");
  await mkdir(elsewhere);
  const made = await runProgram(python(), ["-c", EARLIER], { cwd: elsewhere, env: { PYTHONPATH: path.join(ROOT, "python") } });
  if (made.code !== 0) throw new Error(`the other store could not be made: ${made.stderr}`);
  window = await code.openWindow();
  await window.page.setViewportSize(SIZE);
});
afterAll(() => code.close());
afterEach(async (context) => {
  if (context.task.result?.state === "fail") await window.screenshot(`failed-${context.task.name.replace(/\W+/g, "-")}`);
});

it("writes a run as a document, with completion", async () => {
  await window.openFile("addition.run.yaml");
  // Typed before the editor has the focus, the text would go elsewhere.
  await window.page.locator(".monaco-editor .view-lines").click();
  await window.page.keyboard.press("Control+End");
  await window.statusBar.getByText(`Ln ${String(DOCUMENT.split("\n").length)}, Col 1`).waitFor();
  await window.page.keyboard.type("  warmup");
  await window.page.keyboard.press("Control+Space");
  await window.page.locator(".suggest-widget .monaco-list-row").first().waitFor();
  await picture(window, "document");
  await window.page.keyboard.press("Escape");
  await window.page.keyboard.press("Control+Z");
  await window.page.keyboard.press("Control+Z");
  await window.runCommand("File: Revert File");
});

it("shows the same document as a form", async () => {
  await window.runCommand("Trainyard: Open Run File as Form");
  const form = window.webview();
  await expect.poll(() => form.getByTestId("builder-start").isEnabled(), { timeout: 90_000 }).toBe(true);
  await hideSideBar(window);
  await picture(window, "form");
  await form.getByTestId("builder-start").click();
});

it("watches it live", async () => {
  const page = window.webview();
  await expect.poll(() => page.getByTestId("run-state").getAttribute("data-state"), { timeout: 90_000 }).toBe("running");
  await expect.poll(() => page.getByTestId("checkpoint-row").count(), { timeout: 90_000 }).toBeGreaterThan(2);
  await window.openActivity("Trainyard");
  await window.expandRow(/^addition/);
  await picture(window, "dashboard");
});

it("notes what it is about", async () => {
  await hideSideBar(window);
  const page = window.webview();
  await page.getByTestId("tab-notes").click();
  await page.getByTestId("run-description").fill("Does one layer suffice for sums below a hundred?");
  await page
    .getByTestId("run-notes")
    .fill("- loss flattens near 1.4 after 200 steps: the sum's first digit is hard\n- next: two layers, the same width");
  await window.page.keyboard.press("Control+S");
  await expect.poll(() => page.getByTestId("run-notes-said").innerText()).toMatch(/^Saved/);
  await picture(window, "notes");
  await page.getByTestId("tab-output").click();
});

it("shows what was written in a range of time", async () => {
  const page = window.webview();
  await page.getByTestId("log-range").click();
  await page.getByTestId("log-range-said").getByText("Written").waitFor();
  await page.getByTestId("log-range-input").fill("last 30 s");
  await picture(window, "log-range");
  await window.page.keyboard.press("Enter");
  await expect.poll(() => page.getByTestId("log-range-shown").innerText()).toMatch(/^Showing .* on$/);
  await page.getByTestId("log-range-clear").click();
});

it("says why a run failed", async () => {
  await window.openFile("evaluate.py");
  await window.runCommand("Trainyard: Run This Python File");
  const page = window.webview();
  await expect.poll(() => page.getByTestId("run-state").getAttribute("data-state"), { timeout: 90_000 }).toBe("failed");
  await window.notification("has failed").waitFor();
  await page.getByTestId("failure").waitFor();
  await picture(window, "failure");
  // What ends from here on would lie over the pictures.
  await window.runCommand("Notifications: Toggle Do Not Disturb Mode");
});

it("shows the machine over time", async () => {
  await window.runCommand("Trainyard: Open System History");
  const page = window.webview();
  await page.getByTestId("system-15").click();
  await page.getByTestId("system-memory").locator("canvas").waitFor();
  await window.openActivity("Trainyard");
  await picture(window, "system");
});

it("makes many runs of one document", async () => {
  api = await clientOf(code.store);
  const spec = RunSpec.parse(parse(SWEEP));
  await api.call("createSweep", { body: { spec, base_dir: code.workspace } });
  await until(
    "the sweep to end",
    async () => (await api.call("listRuns", { query: { project: "spirals", state: "completed" } })).total === SWEEP_RUNS,
    200_000,
  );
  await window.runCommand("Trainyard: Open Sweeps");
  await window.webview().getByTestId("sweep-row").first().click();
  await expect.poll(() => window.webview().getByTestId("sweep-run").count()).toBeGreaterThan(3);
  await window.webview().getByTestId("plot-canvas").waitFor();
  await hideSideBar(window);
  await picture(window, "sweep");
});

it("lets runs wait for their turn", async () => {
  await window.openActivity("Trainyard");
  api = await until("the run server", () => clientOf(code.store));
  const one = RunSpec.parse(parse(SWEEP));
  delete one.sweep;
  for (const width of [64, 128, 256, 512]) {
    const spec = { ...one, project: "widths", name: `width ${String(width)}`, params: { ...one.params, width, steps: 60_000 } };
    await api.call("createRun", { body: { spec, queue: true, base_dir: code.workspace } });
  }
  await window.treeRow(/Queue.*3 waiting · 1 of 1 running/).waitFor();
  await window.chooseInMenu(/width 512.*#3/, "Move Up in Queue");
  await window.treeRow(/width 512.*#2/).click({ button: "right" });
  await window.page.locator(".monaco-menu .action-item", { hasText: "Start Now" }).waitFor();
  await picture(window, "queue");
  await window.page.keyboard.press("Escape");
  await api.call("changeQueue", { body: { paused: true } });
  const { runs } = await api.call("listRuns", { query: { project: "widths" } });
  for (const { id } of runs) await api.call("cancelRun", { params: { id }, body: { force: true } });
  await api.call("changeQueue", { body: { paused: false } });
  // The stops that follow are about other runs.
  const ended = async () => (await api.call("listRuns", { query: { project: "widths" } })).runs.every(({ state }) => state === "cancelled");
  await until("the end of all", ended);
  await api.call("changeRuns", { body: { runs: runs.map(({ id }) => id), action: { do: "trash" } } });
  await api.call("emptyTrash", { body: { apply: true } });
});

it("stops with a final checkpoint, tags it, and goes on from any", async () => {
  const { runs } = await api.call("listRuns", { query: { project: "addition" } });
  await api.call("cancelRun", { params: { id: runs[0]!.id }, body: {} });
  await until("the end", async () => (await api.call("getRun", { params: { id: runs[0]!.id } })).state === "cancelled", 60_000);
  // The list draws the rows in sight only, and this run is the oldest.
  const pickRun = async (): Promise<void> => {
    await window.quickInput.getByPlaceholder("Choose a run").waitFor();
    await window.quickInput.locator("input.input").fill("addition");
    await window.pick("addition");
  };
  await window.runCommand("Trainyard: Tag Checkpoint…");
  await pickRun();
  await window.pick("final");
  await window.quickInput.getByText("Tag as candidate").waitFor();
  await picture(window, "checkpoint-tags");
  await window.pick("Tag as candidate");
  await window.answer(/as candidate/, "the best so far");
  const tags = async () =>
    (await api.call("listCheckpoints", { params: { id: runs[0]!.id } })).checkpoints.flatMap((each) => each.tags.map((one) => one.notes));
  await expect.poll(tags).toEqual(["the best so far"]);
  await window.runCommand("Trainyard: Resume…");
  await pickRun();
  await window.quickInput.getByText("newest").waitFor();
  await picture(window, "resume");
  await closeQuickInput(window);
});

it("finds runs in a table", async () => {
  await window.runCommand("Trainyard: Explore Runs");
  const table = window.webview();
  await table.getByTestId("explore-row").first().waitFor();
  await table.getByTestId("explore-search").locator("input").fill("metrics.eval/accuracy > 0.7");
  await window.page.keyboard.press("Enter");
  await table.getByTestId("filter-chip").waitFor();
  await table.getByTestId("explore-group-by").selectOption("params.learning_rate");
  await table.getByTestId("explore-group").first().waitFor();
  await hideSideBar(window);
  await picture(window, "explore");
});

it("lays runs over each other", async () => {
  const { runs } = await api.call("listRuns", { query: { project: "spirals", filter: "params.width = 32" } });
  expect(runs.length).toBe(9);
  const table = window.webview();
  await table.getByTestId("chip-remove").first().click();
  await table.getByTestId("explore-search").locator("input").fill("params.width = 32");
  await window.page.keyboard.press("Enter");
  await expect.poll(() => table.getByTestId("explore-count").innerText()).toContain("9 runs");
  await table.getByTestId("select-all").click();
  await table.getByTestId("explore-compare").click();
  const comparison = window.webview();
  await expect.poll(() => comparison.getByTestId("legend-row").count()).toBe(3);
  for (const metric of ["train/loss", "eval/loss"]) await comparison.getByLabel(`${metric}, 3 lines`, { exact: true }).waitFor();
  await picture(window, "compare");
});

it("plots any field against any other", async () => {
  await window.runCommand("Trainyard: Build a Plot");
  const plot = window.webview();
  await plot.getByTestId("plot-kind-line").click();
  await plot.getByTestId("plot-x").selectOption("params.learning_rate");
  await plot.getByTestId("plot-y").selectOption("metrics.eval/loss");
  await plot.getByTestId("plot-color").selectOption("params.width");
  await plot.getByTestId("plot-aggregate").selectOption("mean");
  await plot.getByTestId("plot-canvas").waitFor();
  await picture(window, "plot");
});

it("looks at what came out", async () => {
  const { runs } = await api.call("listRuns", { query: { project: "spirals", filter: "params.width = 32 and params.learning_rate = 1" } });
  await window.runCommand("Trainyard: Open Dashboard");
  await window.pick(runs[0]!.name);
  const page = window.webview();
  await page.getByTestId("tab-artifacts").click();
  await page.getByTestId("artifact-row").filter({ hasText: "boundary" }).click();
  await page.getByTestId("preview-image").waitFor();
  await picture(window, "artifacts");
  await page.getByTestId("artifact-row").filter({ hasText: "weights.npy" }).click();
  await page.getByTestId("preview-numpy").waitFor();
  await picture(window, "artifact-array");
});

it("searches the logs of all runs", async () => {
  await window.runCommand("Trainyard: Search Logs…");
  await window.answer(/Search the logs/, "step 600: eval loss");
  await expect.poll(() => window.quickInput.locator(".monaco-list-row").count()).toBeGreaterThan(3);
  await picture(window, "search");
  await window.page.keyboard.press("Enter");
  await window.tab(".log").waitFor();
});

it("edits a project and derives a metric", async () => {
  await window.runCommand("Trainyard: Edit Project…");
  await window.pick("spirals");
  await window.pick("Objective");
  await window.answer("Objective", "Tell two spirals apart with as few hidden units as possible");
  await window.pick("Derived metrics");
  await window.pick("Add…");
  await window.answer("New derived metric", "gap");
  await window.answer("derived.gap", "metrics.eval/loss - metrics.train/loss");
  await window.quickInput.getByText("gap", { exact: true }).waitFor();
  await picture(window, "project");
  await closeQuickInput(window);
  const project = await api.call("getProject", { params: { project: "spirals" } });
  expect(project).toMatchObject({ derived: { gap: "metrics.eval/loss - metrics.train/loss" }, revision: 2 });
});

it("changes several runs at once, and brings back what was thrown away", async () => {
  await window.openActivity("Trainyard");
  const rows = (level: number) => window.page.locator(`.sidebar .monaco-list-row[aria-level="${String(level)}"]`);
  await rows(2).filter({ hasText: "18 runs" }).locator(".monaco-tl-twistie").click();
  for (const at of [1, 2, 3])
    await rows(3)
      .nth(at)
      .click({ modifiers: ["Control"] });
  await rows(3).nth(2).click({ button: "right" });
  await window.page.locator(".monaco-menu .action-item", { hasText: "Tags…" }).hover();
  await takePicture(window.page, "several");
  await window.page.keyboard.press("Escape");
  const { runs } = await api.call("listRuns", {
    query: { project: "spirals", filter: "params.learning_rate = 0.03 and params.width = 8" },
  });
  await api.call("changeRuns", { body: { runs: runs.map(({ id }) => id), action: { do: "trash" } } });
  await window.runCommand("Trainyard: Restore from Trash…");
  await expect.poll(() => window.quickInput.locator(".monaco-list-row").count()).toBe(3);
  await picture(window, "trash");
  await closeQuickInput(window);
});

it("shows the runs of another store beside its own", async () => {
  await window.runCommand("Trainyard: Manage Stores…");
  await window.pick("Add stores…");
  await window.chooseFolder("A store", path.join(path.dirname(code.workspace), "last-year", ".trainyard"), "pilot");
  await window.openActivity("Trainyard");
  await window.treeRow("pilot 2").waitFor();
  await window.runCommand("Trainyard: Manage Stores…");
  await expect.poll(() => window.quickInput.locator(".monaco-list-row").count()).toBe(3);
  await picture(window, "stores");
  await closeQuickInput(window);
});

it("exports a report", async () => {
  await window.runCommand("Trainyard: Export Run…");
  await window.quickInput.locator(".monaco-list-row").first().waitFor();
  await window.pick("spirals");
  await window.quickInput.getByText("Report (HTML)").waitFor();
  await picture(window, "export");
  await window.pick("Report (HTML)");
  const file = path.join(code.workspace, "report.html");
  await window.answerDialog("Export", file);
  await until("the report", () => Promise.resolve(existsSync(file)));
  const report = await window.page.context().newPage();
  await report.setViewportSize(SIZE);
  await report.goto(`file://${file}`);
  await report.locator("svg").first().waitFor();
  await takePicture(report, "report");
  await report.close();
});

it("imports what was exported", async () => {
  const file = path.join(code.workspace, "pilot.parquet");
  await window.chooseInMenu("pilot 2", "Export Run…");
  await window.pick("Parquet");
  await window.answerDialog("Export pilot 2", file);
  await until("the file", () => Promise.resolve(existsSync(file)));
  await window.runCommand("Trainyard: Import Runs…");
  await window.answerDialog("Import Runs", file);
  await window.quickInput.getByText("As the file says").waitFor();
  await picture(window, "import");
  await window.pick("As the file says");
  await until("the run", async () => (await api.call("listRuns", {})).runs.filter(({ name }) => name === "pilot 2").length === 2);
});

it("opens the page of the interface", async () => {
  const opened = window.page.context().waitForEvent("page");
  await window.runCommand("Trainyard: Open API Page in Browser");
  const page = await opened;
  await page.setViewportSize(SIZE);
  await page.getByTestId("getStatistics").click();
  await page.getByTestId("send").click();
  await page.getByTestId("answer").waitFor();
  await takePicture(page, "api");
  await page.close();
});
