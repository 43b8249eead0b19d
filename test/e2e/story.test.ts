/** What the extension is for, in a real VS Code: build a run, start it, watch it learn, stop it, resume it, lose the window, find everything again. */
import type { FrameLocator, Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { python } from "../support/machine.ts";
import { until } from "../support/processes.ts";
import { clientOf, readDiscovery } from "../support/store.ts";
import { FILES, PARAMS } from "./training-files.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

const NAME = "tiny addition";

let code: VsCode;
let window: Workbench;

beforeAll(async () => {
  code = await startVsCode(FILES);
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

function dashboard(): FrameLocator {
  return window.webview();
}

async function stateOf(frame: FrameLocator): Promise<string | null> {
  return frame.getByTestId("run-state").getAttribute("data-state");
}

async function untilState(frame: FrameLocator, state: string, timeoutMs = 60_000): Promise<void> {
  await until(`the dashboard to say ${state}`, async () => (await stateOf(frame)) === state, timeoutMs);
}

async function fill(form: FrameLocator, field: string, text: string): Promise<void> {
  const input = form.getByTestId(`field-${field}`).locator("input");
  await input.fill(text);
}

describe("from the first window to the last", () => {
  it("shows its view container and offers its commands", async () => {
    note();
    await window.activity("Trainyard").waitFor();
    await window.openActivity("Trainyard");
    await window.page
      .getByRole("button", { name: /New Run/ })
      .first()
      .waitFor();
    await window.screenshot("welcome");
    expect(await window.offered("Trainyard", "Open Dashboard")).toContain("New Run…");
  });

  it("builds a run from the recipe's form, which refuses what cannot be", async () => {
    note();
    await window.runCommand("Trainyard: New Run…");
    const form = window.webview();
    await form.getByTestId("builder-recipe").selectOption("hf-causal-lm", { timeout: 60_000 });
    await form.getByTestId("builder-name").fill(NAME);
    await form.getByTestId("field-model_source").getByRole("radio", { name: "new" }).click();
    await form.getByTestId("show-advanced").click();
    await form.getByTestId("field-use_cpu").locator("vscode-checkbox").click();

    const start = form.getByTestId("builder-start");
    await fill(form, "train_file", "rows.jsonl");
    await fill(form, "per_device_train_batch_size", "0");
    await form.getByTestId("field-per_device_train_batch_size").getByRole("alert").waitFor();
    expect(await start.isDisabled()).toBe(true);
    const numbers = Object.entries(PARAMS).filter(([, value]) => typeof value === "number");
    for (const [field, value] of numbers) await fill(form, field, String(value));
    await until("the form to be complete", () => start.isEnabled());
    await until("the exact document", async () => (await form.getByTestId("yaml").innerText()).includes("train_file: rows.jsonl"));
    await window.screenshot("builder");
    await start.click();
  });

  it("opens the dashboard, whose chart moves", async () => {
    note();
    const frame = dashboard();
    await untilState(frame, "running", 90_000);
    const chart = lossChart(frame);
    const value = chart.getByTestId("chart-last-value");
    await until("a first value", async () => /\d/.test(await value.innerText()), 60_000);
    const [first, picture] = [await value.innerText(), await chart.getByTestId("chart-plot").screenshot()];
    await until("another value", async () => (await value.innerText()) !== first);
    await until("another picture", async () => !(await chart.getByTestId("chart-plot").screenshot()).equals(picture));
    await until("a checkpoint", async () => (await frame.getByTestId("checkpoint-row").count()) > 0);
    await window.screenshot("dashboard-running");
  });

  it("shows the run in the tree", async () => {
    note();
    await window.openActivity("Trainyard");
    await window.treeRow(NAME).waitFor();
    expect(await window.treeRow(NAME).getAttribute("aria-label")).toMatch(/running/i);
  });

  it("cancels with a final checkpoint", async () => {
    note();
    const frame = dashboard();
    await frame.getByTestId("cancel-run").click();
    await untilState(frame, "cancelled");
    const final = frame.getByTestId("checkpoint-row").filter({ hasText: "final" });
    await final.waitFor({ timeout: 15_000 });
    expect(await final.getAttribute("data-status")).toBe("complete");
    await window.screenshot("dashboard-cancelled");
  });

  it("resumes as the same run, with a second attempt", async () => {
    note();
    const frame = dashboard();
    await frame.getByTestId("resume-run").click();
    await window.pick("Start now");
    await untilState(frame, "running", 90_000);
    await until("the second attempt", async () => (await frame.getByTestId("attempt").innerText()).includes("2"));
    await window.screenshot("dashboard-resumed");
  });

  it("finds everything again after the window was reloaded", async () => {
    note();
    await window.reload();
    const frame = dashboard();
    await untilState(frame, "running");
    const value = lossChart(frame).getByTestId("chart-last-value");
    await until("a value", async () => /\d/.test(await value.innerText()));
    const before = await value.innerText();
    await until("the chart to go on", async () => (await value.innerText()) !== before);
    await window.openActivity("Trainyard");
    await window.treeRow(NAME).waitFor();
  });

  it("shows the same server in a second window", async () => {
    note();
    const before = await readDiscovery(code.store);
    const second = await code.openWindow();
    try {
      await second.openActivity("Trainyard");
      await second.expandRow(/default/);
      await second.treeRow(NAME).waitFor();
      const client = await clientOf(code.store);
      await client.call("cancelRun", { params: { id: (await client.call("listRuns", {})).runs[0]!.id }, body: {} });
      await until("the end in the second window", async () =>
        /cancelled/i.test((await second.treeRow(NAME).getAttribute("aria-label")) ?? ""),
      );
      await untilState(dashboard(), "cancelled");
      expect((await readDiscovery(code.store)).process).toEqual(before.process);
    } finally {
      await second.close();
    }
  });

  it("lists all runs in a table and lays two over each other", async () => {
    note();
    const client = await clientOf(code.store);
    for (const [name, rate] of [
      ["slow", 10],
      ["fast", 3],
    ] as const) {
      const source = [
        "import trainyard",
        `run = trainyard.init(params={'rate': ${rate}})`,
        `[run.log({'train/loss': 2.7 ** (-step / (10 * ${rate}))}, step=step) for step in range(1, 101)]`,
      ].join("\n");
      await client.call("createRun", { body: { spec: { name, recipe: "command", params: { command: [python(), "-c", source] } } } });
    }
    await until("both to end", async () => (await client.call("listRuns", { query: { state: "completed" } })).total === 2);

    await window.runCommand("Trainyard: Explore Runs");
    const table = window.webview();
    for (const name of ["slow", "fast"])
      await table.getByRole("checkbox", { name: `Select ${name}`, exact: true }).click({ timeout: 30_000 });
    expect(await table.getByTestId("explore-row").count()).toBe(3);
    await window.screenshot("explore");
    await table.getByTestId("explore-compare").click();
    const comparison = window.webview();
    await until("both in the legend", async () => (await comparison.getByTestId("legend-row").count()) === 2, 30_000);
    const lines = comparison.locator('[data-testid="chart-train/loss"] canvas.lines');
    const coloured = (canvas: HTMLElement | SVGElement): number => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
      let count = 0;
      for (let at = 0; at < pixels.length; at += 4) if (Math.abs((pixels[at] ?? 0) - (pixels[at + 2] ?? 0)) > 60) count++;
      return count;
    };
    await until("both lines", async () => (await lines.evaluate(coloured)) > 1000, 30_000);
    await window.screenshot("compare");
  });
});

function lossChart(frame: FrameLocator): Locator {
  return frame.locator('[data-testid="chart-train/loss"]');
}
