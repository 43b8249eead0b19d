/** The page of the machine and the warnings of a dashboard, in a real Chromium on a real server whose nvidia-smi prints what an H100's did. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { gpuLine } from "../notices/gpu-line.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const RUN = newRunId(Date.UTC(2026, 0, 1));
const chromium = useChromium();
const before = process.env["PATH"] ?? "";
let bin: string;
let server: RealServer;
let page: Page;

beforeAll(async () => {
  bin = await mkdtemp(path.join(os.tmpdir(), "ty-smi-"));
  await writeFile(path.join(bin, "nvidia-smi"), `#!/bin/sh\nwhile :; do echo '${gpuLine(81_000, "91")}'; sleep 0.1; done\n`, {
    mode: 0o755,
  });
  process.env["PATH"] = `${bin}:${before}`;
  server = await RealServer.start([{ params: {}, metrics: { loss: 1 }, record: { id: RUN, name: "hot", state: "completed" } }]);
  page = await chromium.open(1200, 860);
}, 60_000);
afterAll(async () => {
  process.env["PATH"] = before;
  await server.close();
  await rm(bin, { recursive: true, force: true });
});

it("warns on the dashboard, and leads to the history", async () => {
  await page.goto(server.address(`run=${RUN}`));
  await expect.poll(() => page.getByTestId("gpu_hot").getAttribute("title"), { timeout: 15_000 }).toMatch(/is at 91 °C/);
  expect(await page.getByTestId("gpu_memory_full").getAttribute("title")).toMatch(/^99 % of the memory/);
  await page.getByTestId("system-history").click();
  await page.getByTestId("system-gpu-temperature").waitFor();
});

it("draws what is known of the machine, and says it in words", async () => {
  for (const [figure, text] of [
    ["gpu-temperature", "91 °C now · 91 °C at most"],
    ["gpu-utilization", "87 % now"],
    ["gpu-power", "512 W now"],
    ["cpu", "% now"],
    ["memory", "% now"],
  ] as const) {
    const drawn = page.getByTestId(`system-${figure}`);
    await expect.poll(() => drawn.locator("figcaption").innerText(), { timeout: 15_000 }).toContain(text);
    await drawn.locator("canvas").waitFor();
  }
  expect(await page.getByTestId("system-warning").allInnerTexts()).toEqual([
    expect.stringMatching(/is at 91 °C\. Hot GPUs/),
    expect.stringMatching(/99 % of the memory of GPU 0/),
  ]);
  // A limit that is changed counts at once where one looks next.
  await server.live.client.call("editNotifySettings", { body: { gpu_celsius: 95, gpu_memory_percent: 100 } });
  await page.getByTestId("system-240").click();
  await expect.poll(() => page.getByTestId("system-warning").count()).toBe(0);
  expect(page.url()).toContain("#system=");
});
