/**
 * The extension in a real VS Code, with eight live runs: from the logging call to the painted pixel of the dashboard's chart in its panel,
 * and what a panel shows that was hidden for a minute.
 * The reference is a timer of the server's beat (100 ms) on the same machine at the same time.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Frame } from "playwright-core";
import { createClient } from "../protocol/client.ts";
import { Discovery } from "../protocol/discovery.ts";
import { startVsCode } from "../test/e2e/vscode.ts";
import type { Workbench } from "../test/e2e/workbench.ts";
import { drawnDelays, prepareNoting, shownSteps } from "./lib/drawn-points.ts";
import { quantile, type BenchResult } from "./lib/result.ts";

const RUNS = 8;
const METRIC = "sent_at";
const SHOWN_SECONDS = 30;
const HIDDEN_SECONDS = 60;
const SECONDS = 180;
const BEAT_MS = 100;

export async function run(): Promise<BenchResult> {
  const code = await startVsCode({
    "live_run.py": await readFile(path.resolve("bench/lib/live_run.py"), "utf8"),
    "notes.md": "# Something else to look at\n",
  });
  try {
    const window = await code.openWindow();
    await prepareNoting(window.page, METRIC);
    await window.openActivity("Trainyard");
    const client = createClient(await discovery(path.join(code.store, ".server", "discovery.json")));
    for (let number = 0; number < RUNS; number++) {
      const params = { script: "live_run.py", args: [String(SECONDS)] };
      await client.call("createRun", { body: { spec: { recipe: "script", name: `live ${String(number)}`, params } } });
    }
    await window.treeRow("live 0").click();
    const chart = window.webview().getByTestId(`chart-${METRIC}`);
    await chart.waitFor({ timeout: 60_000 });
    const frame = await frameOf(window);
    await sleep(3000);
    const before = (await drawnDelays(frame)).length;
    const late: number[] = [];
    for (const end = Date.now() + SHOWN_SECONDS * 1000; Date.now() < end;) {
      const start = performance.now();
      await sleep(BEAT_MS);
      late.push(performance.now() - start);
    }
    const delays = (await drawnDelays(frame)).slice(before);
    if (delays.length < SHOWN_SECONDS * 10) throw new Error(`only ${String(delays.length)} points were drawn`);

    await window.openFile("notes.md");
    await sleep(HIDDEN_SECONDS * 1000);
    await window.tab("live 0").click();
    await chart.waitFor({ timeout: 60_000 });
    await sleep(5000);
    const steps = await shownSteps(await frameOf(window));
    const odd = steps.filter((step, index) => step !== index).length;
    return {
      bench: "live",
      lines: [
        { what: "a timer of 100 ms, median", value: quantile(late, 0.5), unit: "ms" },
        {
          what: `log call → drawn pixel in the panel, ${String(RUNS)} live runs, median`,
          value: quantile(delays, 0.5),
          unit: "ms",
          target: { at_most: 150 },
        },
        { what: "  95th percentile", value: quantile(delays, 0.95), unit: "ms", target: { at_most: 400 } },
        { what: "points drawn meanwhile", value: delays.length, unit: "" },
        { what: "points shown after the panel was hidden for a minute", value: steps.length, unit: "" },
        { what: "  of them lost, doubled or out of order", value: odd, unit: "", target: { at_most: 0 } },
      ],
    };
  } finally {
    await code.close();
  }
}

async function discovery(file: string): Promise<Discovery> {
  for (let i = 0; i < 300; i++) {
    const text = await readFile(file, "utf8").catch(() => null);
    if (text !== null) return Discovery.parse(JSON.parse(text));
    await sleep(200);
  }
  throw new Error(`the extension started no server: there is no ${file}`);
}

/** The frame that the panel's application runs in. */
async function frameOf(window: Workbench): Promise<Frame> {
  const body = await window.webview().locator("body").elementHandle();
  const frame = await body.ownerFrame();
  if (frame == null) throw new Error("the panel has no frame");
  return frame;
}
