/** The run as a document in a real VS Code: one text, seen as text and as form; and from an empty folder to a running training. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { FrameLocator } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { python } from "../support/machine.ts";
import { runProgram, until } from "../support/processes.ts";
import { CANDLES, MAKE_MODEL, ROWS } from "./training-files.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

const DOCUMENT = `# What this is for
recipe: hf-causal-lm        # all weights
x-shared: &rate 2.0e-4
params:
  # found by hand
  learning_rate: *rate
  train_file: rows.jsonl    # ours
  num_train_epochs: 3
x-notes: { reviewed: yes } # nobody knows this key
`;

const LOOP = `import trainyard

run = trainyard.init(params={"lr": 0.1})
for step in range(1, 21):
    run.log({"train/loss": 1 / step}, step=step)
`;

let code: VsCode;
let window: Workbench;
const file = (): string => path.join(code.workspace, "try.run.yaml");

beforeAll(async () => {
  code = await startVsCode({ "rows.jsonl": ROWS, "candles.csv": CANDLES, "try.run.yaml": DOCUMENT, "loop.py": LOOP });
  const made = await runProgram(python(), ["-c", MAKE_MODEL], { cwd: code.workspace });
  if (made.code !== 0) throw new Error(`the model could not be made: ${made.stderr}`);
  window = await code.openWindow();
});
afterAll(() => code.close());
afterEach(async (context) => {
  if (context.task.result?.state === "fail") await window.screenshot(`failed-${context.task.name.replace(/\W+/g, "-")}`);
});

function note(): void {
  onTestFailed(() => {
    console.error(`The host's log is ${code.hostLog}`);
  });
}

/** Waits until the dashboard that opened by itself shows a training with at least one point. @returns ms since `start` */
async function untilTraining(start: number): Promise<number> {
  const dashboard = window.webview();
  await until(
    "the training to run",
    async () =>
      /^(running|completed)$/.test(
        (await dashboard
          .getByTestId("run-state")
          .getAttribute("data-state")
          .catch(() => null)) ?? "",
      ),
    60_000,
  );
  const took = Date.now() - start;
  await until("a first step", async () => /[1-9]/.test(await dashboard.getByTestId("figure-step").innerText()), 60_000);
  return took;
}

function input(form: FrameLocator, field: string) {
  return form.getByTestId(`field-${field}`).locator("input");
}

describe("a run document", () => {
  it("is edited in the form, and every comment, anchor and unknown key stays in the file", async () => {
    note();
    await window.openFile("try.run.yaml");
    await window.runCommand("Trainyard: Open Run File as Form");
    const form = window.webview();
    await until("the form to show the file", async () => (await input(form, "num_train_epochs").inputValue()) === "3", 60_000);
    await input(form, "num_train_epochs").fill("5");
    await input(form, "learning_rate").fill("3e-4");
    await form.getByTestId("preset-base").click();
    await form.getByTestId("builder-save").click();
    const wanted = DOCUMENT.replace("num_train_epochs: 3", "num_train_epochs: 5")
      .replace("learning_rate: *rate", "learning_rate: 3.0e-4")
      .replace("# all weights\n", "# all weights\npreset: base\n");
    await until("the file to be saved", async () => (await readFile(file(), "utf8")) === wanted);
    await window.screenshot("document-form");
  });

  it("takes undo from the editor", async () => {
    note();
    const form = window.webview();
    await input(form, "num_train_epochs").fill("7");
    await until("the edit", async () => (await form.getByTestId("yaml").innerText()).includes("num_train_epochs: 7"));
    await until("the dirty mark", async () => (await window.tab("try.run.yaml").last().getAttribute("class"))?.includes("dirty") === true);
    await window.page.keyboard.press("Control+z");
    await until("the undo", async () => (await input(form, "num_train_epochs").inputValue()) === "5");
  });

  it("is saved as a template, comments and all", async () => {
    note();
    await window.runCommand("Trainyard: Save as Template…");
    await window.answer("Save as Template", "Tried out");
    const template = path.join(code.workspace, "trainyard_templates", "tried-out.run.yaml");
    const text = await readFile(file(), "utf8");
    await until("the template", async () => (await readFile(template, "utf8").catch(() => "")) === text);
  });

  it("shows what is typed into the text beside it, and where the text is broken", async () => {
    note();
    const form = window.webview();
    await form.getByTestId("open-as-text").click();
    const editor = window.page.locator(".editor-instance .monaco-editor").last();
    await editor.locator(".view-line", { hasText: "num_train_epochs" }).click();
    await window.page.keyboard.press("End");
    await window.page.keyboard.type("0");
    await until("the form to follow", async () => (await input(form, "num_train_epochs").inputValue()) === "50");
    await window.page.keyboard.type("\nmax_steps: @");
    await form.getByTestId("builder-broken").waitFor();
    expect(await form.getByTestId("builder-broken").innerText()).toMatch(/Line \d+/);
    await editor.locator(".squiggly-error").first().waitFor();
    await window.screenshot("document-broken");
    await window.page.keyboard.press("Backspace");
    await window.page.keyboard.type("4");
    await form.getByTestId("builder-broken").waitFor({ state: "detached" });
    await until("the text in the form", async () => (await input(form, "max_steps").inputValue()) === "4");
  });

  it("completes and explains fields in the text", async () => {
    note();
    const editor = window.page.locator(".editor-instance .monaco-editor").last();
    await window.page.keyboard.type("\nlr_sch");
    const row = window.page.locator(".suggest-widget .monaco-list-row", { hasText: "lr_scheduler_type" });
    await row.waitFor({ timeout: 15_000 });
    await window.page.keyboard.press("Tab");
    await window.page.locator(".suggest-widget .monaco-list-row", { hasText: "cosine" }).first().waitFor();
    await window.page.keyboard.press("Escape");
    await editor.locator(".view-line span", { hasText: "num_train_epochs" }).last().hover();
    await window.page.locator(".monaco-hover", { hasText: "default" }).waitFor();
    await window.screenshot("document-text");
  });
});

describe("a new user", () => {
  it("gets from a JSONL file to a running LoRA in under a minute, without typing a path", async () => {
    note();
    const start = Date.now();
    await window.runCommand("Trainyard: New Run…");
    const form = window.webview();
    await form.getByTestId("builder-recipe").selectOption("hf-lora", { timeout: 60_000 });
    await form.getByTestId("offers-train_file").getByRole("button", { name: "rows.jsonl" }).click();
    await form.getByTestId("offers-model").getByRole("button", { name: "models/base" }).click();
    const button = form.getByTestId("builder-start");
    await until("the form to be complete", () => button.isEnabled());
    await button.click();
    expect(await untilTraining(start)).toBeLessThan(60_000);
    await window.screenshot("first-lora");
  });

  it("gets from a CSV of candles to a running forecast in under a minute", async () => {
    note();
    await window.openFile("candles.csv");
    const start = Date.now();
    await window.runCommand("Trainyard: New Run from This File…");
    const form = window.webview();
    const button = form.getByTestId("builder-start");
    await until(
      "the recipe",
      async () =>
        (await form
          .getByTestId("builder-recipe")
          .inputValue()
          .catch(() => "")) === "forecast",
      60_000,
    );
    await until("the form to be complete", () => button.isEnabled(), 60_000);
    // By the keyboard: the news that the run before has ended may lie over the button.
    await button.press("Enter");
    expect(await untilTraining(start)).toBeLessThan(60_000);
    await window.screenshot("first-forecast");
  });

  it("runs a script that trains by the action above its code", async () => {
    note();
    await window.openFile("loop.py");
    const start = Date.now();
    await window.page.locator(".codelens-decoration a", { hasText: "Run tracked" }).click({ timeout: 30_000 });
    await untilTraining(start);
  });
});
