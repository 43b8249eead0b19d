/** The run as a document in a real VS Code: one text, seen as text and as form; and from an empty folder to a running training. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { FrameLocator } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { until } from "../support/processes.ts";
import { ROWS } from "./training-files.ts";
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

let code: VsCode;
let window: Workbench;
const file = (): string => path.join(code.workspace, "try.run.yaml");

beforeAll(async () => {
  code = await startVsCode({ "rows.jsonl": ROWS, "try.run.yaml": DOCUMENT });
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
