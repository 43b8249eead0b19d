/** The output of a range of time, in a real Chromium on a real server: what is chosen, what is said, and which lines stand there. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { runPaths } from "../../server/store/paths.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const RUN = newRunId(Date.UTC(2026, 0, 2));
/** One line a second, from 9:50 to 10:45. */
const [FROM, UNTIL] = [new Date(2026, 0, 2, 9, 50).getTime(), new Date(2026, 0, 2, 10, 45).getTime()];

const chromium = useChromium();
let server: RealServer;
let page: Page;

beforeAll(async () => {
  server = await RealServer.start([{ params: {}, metrics: {}, record: { id: RUN, name: "watched", state: "completed" } }]);
  const { log, logIndex } = runPaths(path.join(server.live.store, "demo", "runs", RUN)).attempt(1);
  let [text, index] = ["", ""];
  for (let time = FROM; time < UNTIL; time += 1000) {
    text += `written at ${new Date(time).toTimeString().slice(0, 8)}\n`;
    index += `${String(text.length)} ${String(time)}\n`;
  }
  await writeFile(log, text);
  await writeFile(logIndex, index);
}, 90_000);
afterAll(() => server.close());
beforeEach(async () => {
  page = await chromium.open(1200, 860);
  await page.goto(server.address(`run=${RUN}`));
  await output().getByText("written at 10:44:59").waitFor();
  return () => page.close();
});

const output = () => page.getByTestId("log-console");
const said = () => page.getByTestId("log-range-said");
const shown = () => page.getByTestId("log-range-shown");
/** The rows in sight and a few around them, in their order. */
const rows = () => output().locator(".row").allInnerTexts();

/** By keys alone, as one who reads the output does. */
async function give(text: string): Promise<void> {
  await output().focus();
  await page.keyboard.press("t");
  await said().getByText("Written").waitFor();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

it("shows the lines from the start on and before the end, and says so", async () => {
  await give("10:00–10:15");
  await expect.poll(() => shown().innerText()).toBe("Showing 2 Jan 10:00–10:15 · 900 lines");
  await expect.poll(async () => (await rows())[0]).toBe("written at 10:00:00");
  await page.keyboard.press("End");
  await expect.poll(async () => (await rows()).at(-1)).toBe("written at 10:14:59");
  await page.getByTestId("log-search").fill("10:14:");
  await expect.poll(() => page.locator(".search .count").first().innerText()).toBe("1 of 60");
  await page.getByTestId("log-search").fill("10:15:");
  await expect.poll(() => page.locator(".search .count").first().innerText()).toBe("0 of 0");

  await page.getByTestId("log-range-clear").click();
  await shown().waitFor({ state: "hidden" });
  await expect.poll(() => page.locator(".search .count").first().innerText()).toBe("1 of 60");
  expect(await page.getByTestId("log-range").getAttribute("aria-pressed")).toBe("false");
});

it("counts the last minutes of a run that is over from its end", async () => {
  await page.getByTestId("log-range").click();
  await expect.poll(() => said().innerText()).toMatch(/^Written 2 Jan 09:50:00–10:44:59\. /);
  await page.getByRole("button", { name: "Last 10 min" }).click();
  await expect.poll(() => shown().innerText()).toBe("Showing 2 Jan 10:34:59 on · 601 lines");
  await page.getByTestId("log-range-change").click();
  expect(await page.getByTestId("log-range-input").inputValue()).toBe("last 10 min");
  await page.getByRole("button", { name: "First 10 min" }).click();
  await expect.poll(() => shown().innerText()).toBe("Showing until 2 Jan 10:00 · 600 lines");
});

it("says what a range means before it is given, and what is wrong with it", async () => {
  await output().focus();
  await page.keyboard.press("t");
  await said().getByText("Written").waitFor();
  await page.keyboard.type("2026-01-01 23:00–1:30");
  expect(await said().innerText()).toBe("1 Jan 23:00–2 Jan 01:30; the start is part of it, the end is not");
  await page.keyboard.press("Enter");
  await expect.poll(() => shown().innerText()).toBe("Showing 1 Jan 23:00–2 Jan 01:30 · 0 lines");
  await output().getByText("No line is known to be of this time").waitFor();

  await page.getByTestId("log-range-change").click();
  await page.getByTestId("log-range-input").fill("10:15–10:15");
  await page.keyboard.press("Enter");
  await expect.poll(() => said().innerText()).toMatch(/^The end is not after the start, so that no line lies between them\. Write /);
  expect(await page.getByTestId("log-range-input").getAttribute("aria-invalid")).toBe("true");
  await page.keyboard.press("Escape");
  expect(await shown().innerText()).toContain("1 Jan 23:00");
  expect(await output().evaluate((view) => view.matches(":focus"))).toBe(true);
});

it("keeps its place on a narrow page", async () => {
  await page.setViewportSize({ width: 420, height: 860 });
  await give("10:00–10:01");
  await expect.poll(() => shown().innerText()).toContain("60 lines");
  for (const testid of ["log-range-shown", "log-range-clear", "log-follow"]) {
    const box = await page.getByTestId(testid).boundingBox();
    expect([testid, (box?.x ?? -1) >= 0, (box?.x ?? 0) + (box?.width ?? 500) <= 420]).toEqual([testid, true, true]);
  }
});
