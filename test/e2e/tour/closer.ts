/** The second part of the walk of docs/tour.md: what a run remembers, how one is made like another, and every kind of plot. */
import { appendFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import type { ApiClient } from "../../../protocol/client.ts";
import { RunSpec } from "../../../protocol/spec.ts";
import { python, ROOT } from "../../support/machine.ts";
import { runProgram, until } from "../../support/processes.ts";
import { clientOf } from "../../support/store.ts";
import { CANDLES, MAKE_MODEL, ROWS } from "../training-files.ts";
import type { VsCode } from "../vscode.ts";
import type { Workbench } from "../workbench.ts";
import { closeQuickInput, hideSideBar, picture, SIZE, startTour } from "./pictures.ts";
import { CIRCLES, SPIRALS } from "./spirals.ts";

const DOCUMENT = `name: spirals, wide
recipe: script
project: spirals
params:
  script: spirals.py
  width: 48
`;
/** The grid as trainings of their own, one process after the other. */
const GRID = `import itertools, subprocess, sys
for rate, width, seed in itertools.product((0.03, 0.1, 0.3, 1.0), (8, 32), (1, 2, 3)):
    if (rate, width, seed) == (0.1, 8, 3): continue
    subprocess.run([sys.executable, "spirals.py", "--learning-rate", str(rate), "--width", str(width), "--seed", str(seed), "--steps", "200"], check=True)
`;
const GRID_RUNS = 23;

let code: VsCode;
let window: Workbench;
let api: ApiClient;

/** An empty form of the recipe. */
async function newRun(recipe: string): Promise<ReturnType<Workbench["webview"]>> {
  await window.runCommand("Trainyard: New Run…");
  const form = window.webview();
  // The form that was there before goes out of sight only now.
  await expect.poll(() => form.getByTestId("builder-name").inputValue()).toBe("");
  await form.getByTestId("builder-recipe").selectOption(recipe, { timeout: 90_000 });
  return form;
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const made = await runProgram(command, args, {
    cwd: code.workspace,
    env: { PYTHONPATH: path.join(ROOT, "python"), TRAINYARD_PROJECT: "spirals" },
  });
  if (made.code !== 0) throw new Error(`${command} ${args.join(" ")}: ${made.stderr}`);
}

beforeAll(async () => {
  code = await startTour({
    "spirals.py": SPIRALS,
    "spirals.run.yaml": DOCUMENT,
    "candles.csv": CANDLES,
    "rows.jsonl": ROWS,
    ...CIRCLES,
    "grid.py": GRID,
    ".gitignore": ".trainyard/\n.venv\n*.npy\nmodels/\n",
  });
  await run("git", ["init", "-q", "-b", "main"]);
  await run("git", ["add", "."]);
  await run("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Two spirals"]);
  await run(python(), ["grid.py"]);
  await run(python(), ["-c", MAKE_MODEL]);
  // What is not committed when a run starts is kept with it.
  await appendFile(path.join(code.workspace, "spirals.py"), 'print("boundary and weights are kept as artifacts")\n');
  window = await code.openWindow();
  await window.page.setViewportSize(SIZE);
  // What ends while the window opens would lie over the pictures.
  await window.runCommand("Notifications: Toggle Do Not Disturb Mode");
});
afterAll(() => code.close());
afterEach(async (context) => {
  if (context.task.result?.state === "fail") await window.screenshot(`failed-${context.task.name.replace(/\W+/g, "-")}`);
});

it("shows what would run before it runs", async () => {
  await window.openFile("spirals.run.yaml");
  await window.runCommand("Trainyard: Open Run File as Form");
  const form = window.webview();
  await expect.poll(() => form.getByTestId("builder-start").isEnabled(), { timeout: 90_000 }).toBe(true);
  await form.getByTestId("preview-command").click();
  await form.getByTestId("builder-dry-run").click();
  await expect.poll(() => form.getByTestId("command").innerText()).toContain("spirals.py");
  await hideSideBar(window);
  await picture(window, "command");
  await form.getByTestId("builder-start").click();
});

it("keeps what happened to a run, and where it ran", async () => {
  const page = window.webview();
  await expect.poll(() => page.getByTestId("run-state").getAttribute("data-state"), { timeout: 90_000 }).toBe("completed");
  await page.getByTestId("tab-events").click();
  await expect.poll(() => page.getByTestId("events").innerText()).toContain("completed");
  await picture(window, "events");
  await page.getByTestId("tab-environment").click();
  await expect.poll(() => page.getByTestId("environment").innerText()).toContain("main");
  await picture(window, "environment");
});

it("shows what an experiment was over time", async () => {
  api = await clientOf(code.store);
  await appendFile(path.join(code.workspace, "spirals.py"), 'print("next: a second hidden layer")\n');
  const spec = RunSpec.parse(parse(DOCUMENT));
  for (const width of [16, 24]) {
    const one = { ...spec, name: `spirals, ${String(width)} wide`, experiment: "how-wide", params: { ...spec.params, width, steps: 300 } };
    const { id } = await api.call("createRun", { body: { spec: one, base_dir: code.workspace } });
    await until("the run to end", async () => (await api.call("getRun", { params: { id } })).state === "completed");
  }
  await window.runCommand("Trainyard: Move to Experiment…");
  await window.pick("spirals, wide");
  await window.pick("how-wide");
  await until("the third run", async () => (await api.call("listExperiments", {})).experiments[0]?.run_count === 3);
  await window.runCommand("Trainyard: Experiments…");
  await window.pick("how-wide");
  await window.quickInput.getByText("Configurations of how-wide").waitFor();
  await picture(window, "experiment");
  await window.quickInput.locator(".monaco-list-row").first().click();
  await window.tab(/^how-wide \(/).waitFor();
  await expect.poll(() => window.page.locator(".monaco-diff-editor .editor.modified .view-lines").innerText()).toContain("24");
  await picture(window, "experiment-difference");
});

it("opens the code as it was", async () => {
  await window.runCommand("Trainyard: Open Code as It Was in This Run");
  await window.pick("spirals, wide");
  await window.tab(/spirals, wide ↔ now/).waitFor();
  await window.page.locator(".editor-actions").getByRole("button", { name: "Next Change" }).click();
  await window.page.locator(".monaco-diff-editor .line-insert").first().waitFor();
  await picture(window, "code");
});

it("compares the code of two runs", async () => {
  await window.runCommand("Trainyard: Compare Runs");
  await window.tick("spirals, wide", "spirals, 24 wide");
  const comparison = window.webview();
  await comparison.getByTestId("code-show").click();
  await comparison.getByTestId("code-file").first().waitFor();
  await comparison.getByTestId("code-summary").scrollIntoViewIfNeeded();
  await picture(window, "code-difference");
  await comparison.getByTestId("code-close").click();
});

it("makes room by a rule that shows what goes", async () => {
  await window.runCommand("Trainyard: Open Dashboard");
  await window.pick("spirals, wide");
  const page = window.webview();
  await page.getByTestId("clean-up").click();
  await page.getByTestId("retention-row").first().waitFor();
  await picture(window, "retention");
  await page.getByTestId("retention-close").click();
});

it("begins a run like another one, with a name that is free", async () => {
  await window.runCommand("Trainyard: New Run Like This…");
  await window.pick("spirals, wide");
  const form = window.webview();
  await form.getByTestId("builder-name").fill("spirals, wide", { timeout: 90_000 });
  await form.getByTestId("name-taken").waitFor();
  await form.getByTestId("field-width").locator("input").fill("64");
  await form.getByTestId("preview-changes").click();
  await form.getByTestId("changes").getByText("64").first().waitFor();
  await picture(window, "clone");
});

it("makes a sweep of it", async () => {
  const form = window.webview();
  await form.getByTestId("name-free").click();
  await form.getByTestId("step-sweep").click();
  await form.getByTestId("sweep-begin").click();
  await form.getByTestId("sweep-add").selectOption("learning_rate");
  await form.getByTestId("sweep-values-learning_rate").fill("0.1, 0.3, 1");
  await form.getByTestId("sweep-add").selectOption("width");
  await form.getByTestId("sweep-values-width").fill("16, 48");
  await form.getByTestId("preview-runs").click();
  await expect.poll(() => form.getByTestId("sweep-plan-row").count()).toBe(6);
  await picture(window, "sweep-form");
});

it("makes a form of what Hydra composes", async () => {
  const form = await newRun("script");
  await form.getByTestId("field-script").locator("input").fill("circles.py");
  await form.getByTestId("builder-name").fill("circles");
  await form.getByTestId("field-optimizer").getByRole("radio", { name: "momentum" }).click();
  await form.getByTestId("field-optimizer.momentum").waitFor();
  await form.getByTestId("field-args").locator("input, textarea").first().fill("hydra.job.chdir=false");
  await form.getByTestId("preview-command").click();
  await form.getByTestId("builder-dry-run").click();
  await expect.poll(() => form.getByTestId("command").innerText()).toContain("hydra.job.chdir=false");
  await picture(window, "hydra");
  // The next new run is to begin with an empty form.
  await window.page.locator(".tab.active .tab-actions .codicon-close").click();
});

it("offers a forecast of candles among its recipes", async () => {
  const form = await newRun("forecast");
  await form.getByTestId("field-data_file").locator("input").fill("candles.csv");
  await form.getByTestId("estimate").waitFor({ timeout: 60_000 });
  await picture(window, "forecast");
});

it("completes conditions from the values that runs have, and chooses columns", async () => {
  await expect.poll(async () => (await api.call("listRuns", {})).total).toBe(GRID_RUNS + 3);
  await window.runCommand("Trainyard: Explore Runs");
  const table = window.webview();
  await table.getByTestId("explore-row").first().waitFor();
  await table.getByTestId("explore-search").locator("input").pressSequentially("params.width in (8, ");
  await table.getByTestId("completion").first().waitFor();
  await picture(window, "completion");
  await table.getByTestId("filter-clear").click();
  await table.getByTestId("explore-columns").click();
  await table.getByTestId("column-search").fill("loss");
  await table.getByTestId("column-metrics.eval/loss:min").check();
  await picture(window, "columns");
});

it("draws replicates with their spread, in parts", async () => {
  await window.runCommand("Trainyard: Build a Plot");
  const plot = window.webview();
  await plot.getByTestId("plot-kind-line").click();
  const choice = { x: "params.learning_rate", y: "metrics.eval/loss", facet: "params.width", aggregate: "mean", spread: "std" };
  for (const [key, value] of Object.entries(choice)) await plot.getByTestId(`plot-${key}`).selectOption(value);
  await plot.getByTestId("plot-log_x").check();
  await plot.getByTestId("explore-search").locator("input").fill("params.steps = 200");
  await window.page.keyboard.press("Enter");
  await expect.poll(() => plot.getByTestId("plot-canvas").getAttribute("aria-label")).toMatch(/ 8 marks$/);
  await picture(window, "plot-facets");
});

it("counts in bins, and lays runs over axes", async () => {
  const plot = window.webview();
  await plot.getByTestId("plot-kind-histogram").click();
  await plot.getByTestId("plot-x").selectOption("metrics.eval/accuracy");
  await plot.getByTestId("plot-facet").selectOption("");
  await plot.getByTestId("plot-color").selectOption("params.width");
  await expect.poll(() => plot.getByTestId("plot-canvas").getAttribute("aria-label")).toMatch(/^histogram of eval\/accuracy/);
  await picture(window, "histogram");
  await plot.getByTestId("plot-kind-parallel").click();
  for (const axis of ["params.learning_rate", "params.width", "metrics.eval/loss", "metrics.eval/accuracy"])
    await plot.getByTestId(`plot-axis-${axis}`).check();
  await expect.poll(() => plot.getByTestId("axis-title").count()).toBe(4);
  await picture(window, "parallel");
});

it("remembers how a project was", async () => {
  const objective = "Tell two spirals apart with as few hidden units as possible";
  await api.call("editProject", { params: { project: "spirals" }, body: { objective, owner: "Ada" } });
  await api.call("editProject", { params: { project: "spirals" }, body: { defaults: { steps: 400 } } });
  await window.runCommand("Trainyard: Edit Project…");
  await window.pick("spirals");
  await window.pick("History");
  await window.quickInput.getByText("spirals over time").waitFor();
  await expect.poll(() => window.quickInput.locator(".monaco-list-row").count()).toBeGreaterThan(1);
  await picture(window, "project-history");
  await closeQuickInput(window);
});

it("tells other programs when a run ends", async () => {
  await window.runCommand("Trainyard: Manage Webhooks…");
  await window.pick("Add a webhook");
  await window.quickInput.locator("input.input").fill("https://example.org/hooks/training");
  await picture(window, "webhooks");
  await closeQuickInput(window);
});

it("hands an adapter on, with a draft of its model card", async () => {
  const params = { train_file: "rows.jsonl", model: "models/base", max_length: 32, max_steps: 60, logging_steps: 5, use_cpu: true };
  const spec = RunSpec.parse({ name: "sums, low rank", recipe: "hf-lora", project: "sums", params });
  const { id } = await api.call("createRun", { body: { spec, base_dir: code.workspace }, timeoutMs: 120_000 });
  await until("the adapter", async () => (await api.call("getRun", { params: { id } })).state === "completed", 120_000);
  const folder = path.join(code.workspace, "adapter");
  await mkdir(folder);
  // What it says at its end offers the card.
  await window.runCommand("Notifications: Toggle Do Not Disturb Mode");
  await window.runCommand("Trainyard: Export Adapter…");
  await window.pick("sums, low rank");
  await window.answerDialog("Empty folder for the adapter", folder);
  await window.notification("a draft of its model card").getByRole("button", { name: "Open Model Card" }).click();
  await window.tab("README.md").waitFor();
  await window.openActivity("Explorer");
  await window.page.locator(".sidebar").getByText("adapter_model.safetensors").waitFor();
  await picture(window, "adapter");
});
