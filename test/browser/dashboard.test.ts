/** The dashboard in a real Chromium over the real protocol: live points, lost connections, hidden panels, the strict policy of a panel. */
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { browser as chromiumPath } from "../support/machine.ts";
import { FixtureServer, RUN, TOKEN } from "./fixture-server.ts";
import { openPanel, type Panel } from "./panel.ts";

let chrome: Browser;
let server: FixtureServer;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  [server, chrome] = await Promise.all([
    FixtureServer.start(),
    chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--disable-gpu"] }),
  ]);
}, 60_000);

afterAll(async () => {
  await chrome.close();
  await server.close();
});

beforeEach(async () => {
  page = await chrome.newPage({ viewport: { width: 1200, height: 800 } });
  complaints.length = 0;
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  return () => page.close();
});

const chart = () => page.getByTestId("chart-loss");
const lastValue = () => chart().getByTestId("chart-last-value");

/** The steps that the chart holds, newest first, read from its data table. */
async function shownSteps(): Promise<number[]> {
  const rows = chart().locator("tbody tr td:first-child");
  if ((await rows.count()) === 0) {
    await chart().getByTestId("chart-plot").focus();
    await page.keyboard.press("t");
    await rows.first().waitFor();
  }
  return (await rows.allTextContents()).map((text) => Number(text.replaceAll(",", "")));
}

function downFrom(step: number): number[] {
  return Array.from({ length: step }, (_, i) => step - i);
}

async function showsStep(step: number): Promise<void> {
  await expect.poll(() => lastValue().textContent(), { timeout: 10_000 }).toBe(String(1000 - step));
}

describe("in a plain browser", () => {
  beforeEach(async () => {
    await page.goto(`${server.url}/#token=${TOKEN}&run=${RUN}`);
    await page.getByTestId("run-state").waitFor();
  });

  it("takes the token out of the address and keeps it over a reload", async () => {
    expect(page.url()).not.toContain(TOKEN);
    await page.reload();
    await expect.poll(() => page.getByTestId("run-state").textContent()).toBe("Running");
  });

  it("appends live points and draws them", async () => {
    server.append(20);
    await showsStep(server.rows);
    const drawn = await chart()
      .locator("canvas.lines")
      .evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const pixels = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
        return pixels.some((value) => value > 0);
      });
    expect(drawn).toBe(true);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
    expect(complaints).toEqual([]);
  });

  it("has no gap and no duplicate after the connection was lost", async () => {
    server.append(5);
    server.appendLog("before\n");
    await showsStep(server.rows);
    server.down();
    await expect.poll(() => page.getByTestId("run-state").textContent(), { timeout: 10_000 }).toContain("Reconnecting");
    expect(await page.getByTestId("cancel-run").isDisabled()).toBe(true);
    server.append(7);
    server.appendLog("after\n");
    server.up();
    await showsStep(server.rows);
    server.append(1);
    await showsStep(server.rows);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
    await expect.poll(() => page.getByTestId("log-console").innerText()).toMatch(/before\s+after/);
  });

  it("zooms by dragging, moves the crosshair by keyboard and resets", async () => {
    server.append(30);
    await showsStep(server.rows);
    const plot = chart().getByTestId("chart-plot");
    const box = await plot.boundingBox();
    if (box === null) throw new Error("the chart has no place on the page");
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByTestId("reset-zoom").click();
    expect(await page.getByTestId("reset-zoom").count()).toBe(0);
    await plot.focus();
    await page.keyboard.press("Home");
    await expect.poll(() => chart().locator(".tooltip").innerText()).toMatch(/Step 1\b/);
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => chart().locator(".tooltip").innerText()).toMatch(/Step 11\b/);
    expect(await plot.getAttribute("aria-label")).toMatch(/^loss, \d+ at step/);
  });
});

describe("in a panel, behind the relay of the extension host and its strict policy", () => {
  let panel: Panel;

  beforeEach(async () => {
    panel = await openPanel(page, server, { view: "dashboard", run: RUN }, complaints);
    await page.getByTestId("run-state").waitFor();
    return () => {
      panel.dispose();
    };
  });

  it("shows what came while it was hidden, each point once", async () => {
    server.append(4);
    await showsStep(server.rows);
    const before = await lastValue().textContent();
    panel.setVisible(false);
    server.append(9);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await lastValue().textContent()).toBe(before);
    panel.setVisible(true);
    await showsStep(server.rows);
    server.append(2);
    await showsStep(server.rows);
    expect(await shownSteps()).toEqual(downFrom(server.rows));
  });

  it("breaks no rule of the policy", async () => {
    server.append(3);
    server.appendLog("\u001b[38;2;10;200;30mcolour\u001b[0m\r 50%|#####     | 5/10 [00:01<00:01]\n");
    await showsStep(server.rows);
    await page.getByTestId("tab-config").click();
    await page.getByTestId("tab-environment").click();
    await page.getByTestId("tab-output").click();
    await page.getByTestId("log-console").getByText("5/10").waitFor();
    await chart().getByTestId("chart-plot").hover();
    expect(complaints).toEqual([]);
  });
});

describe("the builder in a panel", () => {
  it("fills every kind of field, shows the document and the command, and breaks no rule of the policy", async () => {
    const panel = await openPanel(page, server, { view: "builder", recipe: "tiny", from: null, script: null, document: null }, complaints);
    const field = (key: string) => page.getByTestId(`field-${key}`);
    await field("train_file").locator("input").fill("rows.jsonl");
    await field("columns").locator("input").fill("a, b");
    await field("prompt").locator("textarea").fill("Add:");
    await field("shuffle").locator("vscode-checkbox").click();
    await field("schedule").getByRole("radio", { name: "cosine" }).click();
    await field("learning_rate").locator("input").fill("5");
    await field("learning_rate").getByRole("status").waitFor();
    await page.getByTestId("preset-quick").click();
    await page.getByTestId("reset-learning_rate").click();
    await page.getByTestId("show-advanced").click();
    await field("extra").locator("textarea").waitFor();
    const yaml = await page.getByTestId("yaml").innerText();
    expect(yaml).toContain("preset: quick");
    expect(yaml).toContain("train_file: rows.jsonl");
    expect(yaml).not.toContain("learning_rate");
    await page.getByTestId("builder-dry-run").click();
    await expect.poll(() => page.getByTestId("command").innerText()).toContain("rows.jsonl");
    await expect.poll(() => page.getByTestId("builder-start").isEnabled()).toBe(true);
    expect(complaints).toEqual([]);
    panel.dispose();
  });
});
