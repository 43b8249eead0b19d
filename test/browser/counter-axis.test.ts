/** Charts by a counter in a real Chromium against a real server: where the points stand, in pixels and in numbers. */
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import { liveRuns } from "../faults/live-run.ts";
import { attemptRecord } from "../store/fixtures.ts";
import { placeNow, useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

/** More than a chart is sent at once. */
const STEPS = 12_000;
const SPIKE = 9001;
const START = Date.UTC(2026, 0, 1);

/** Later batches are larger: what is counted is no multiple of the step. */
function tokensAt(step: number): number {
  return 100 * step + Math.floor((step * step) / 10);
}

const chromium = useChromium();
let server: RealServer;
let page: Page;
let long: string;
let steady: string;
let restarted: string;

type Values = Readonly<Record<string, number>>;

/** A run whose attempts logged these values at these steps. */
async function addRun(name: string, attempts: readonly (readonly (readonly [step: number, values: Values])[])[]): Promise<string> {
  const { record, paths } = await server.live.addRun({ name, created_at: new Date(START).toISOString(), attempt: attempts.length });
  const store = await openStore(server.live.store);
  for (const [i, rows] of attempts.entries()) {
    const number = i + 1;
    const resumed = number === 1 ? null : { checkpoint: "ckpt", path: "checkpoints/ckpt", step: (rows[0]?.[0] ?? 1) - 1 };
    await store.writeAttempt(record.id, attemptRecord({ number, resumed_from: resumed, created_at: record.created_at }));
    await mkdir(paths.attempt(number).dir, { recursive: true });
    const file = await MetricFileWriter.open(paths.attempt(number).metrics);
    for (const [step, values] of rows) await file.append(START + 1000 * step, step, values);
    await file.close();
  }
  store.close();
  return record.id;
}

function counted(from: number, to: number, base: number): [number, Values][] {
  return Array.from({ length: to - from }, (_, i) => [from + i, { loss: 1 / (from + i + 1), tokens: base + 64 * (i + 1) }]);
}

beforeAll(async () => {
  server = await RealServer.start([]);
  const curve = Array.from({ length: STEPS }, (_, step): [number, Values] => [
    step,
    { loss: step === SPIKE ? 9 : 1 + Math.sin(step / 400), tokens: tokensAt(step) },
  ]);
  long = await addRun("long", [curve]);
  steady = await addRun("steady", [counted(0, 40, 0), counted(21, 60, 21 * 64)]);
  restarted = await addRun("restarted", [counted(0, 40, 0), counted(21, 60, 0)]);
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1200, 800);
  return () => page.close();
});

interface Plotted {
  readonly plot: { readonly left: number; readonly width: number; readonly top: number; readonly height: number };
}

const chart = (): Locator => page.getByTestId("chart-loss");

/** What the x axis shows now, from its left to its right end. */
function shown(): Promise<readonly [number, number]> {
  return chart().evaluate((element) => {
    const { plot } = element as unknown as { plot: { left: number; width: number; x: { invert(px: number): number } } };
    return [plot.x.invert(plot.left), plot.x.invert(plot.left + plot.width)] as const;
  });
}

/** The pixel column of the chart where a value of the x axis is, CSS pixels. */
function pixelOf(x: number): Promise<number> {
  return chart().evaluate((element, at) => (element as unknown as { plot: { x: { at(value: number): number } } }).plot.x.at(at), x);
}

/** How far down from the top of the plot the lines begin, in the pixel columns around one. */
function highest(px: number): Promise<number> {
  return chart().evaluate((element, at) => {
    const { plot } = element as unknown as Plotted;
    const canvas = element.shadowRoot?.querySelector<HTMLCanvasElement>("canvas.lines");
    const { data, width, height } = canvas?.getContext("2d")?.getImageData(Math.round(at) - 2, 0, 5, canvas.height) ?? {
      data: [],
      width: 0,
      height: 0,
    };
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) if ((data[4 * (y * width + x) + 3] ?? 0) > 100) return (y - plot.top) / plot.height;
    return 1;
  }, px);
}

async function byTokens(fragment: string): Promise<void> {
  await page.goto(server.address(fragment));
  await page.getByTestId("x-axis-counter").selectOption("tokens");
}

async function csv(): Promise<string[][]> {
  await chart().hover();
  await chart().getByTestId("chart-export").click();
  const [download] = await Promise.all([page.waitForEvent("download"), chart().getByTestId("export-csv").click()]);
  const text = await readFile(await download.path(), "utf8");
  return text
    .trim()
    .split("\n")
    .map((row) => row.split(","));
}

describe("charts by a counter", () => {
  it("place each point at its own count, spikes too, and read it there at any zoom", async () => {
    await byTokens(`run=${long}`);
    const end = tokensAt(STEPS - 1);
    await expect.poll(shown).toEqual([0, end]);
    const spike = await pixelOf(tokensAt(SPIKE));
    await expect.poll(() => highest(spike)).toBeLessThan(0.3);
    // By the step it would stand elsewhere.
    expect(await highest(await pixelOf((SPIKE / (STEPS - 1)) * end))).toBeGreaterThan(0.5);
    const [titles, ...rows] = await csv();
    expect(titles).toEqual(["step", "time", "attempt", "tokens", "loss"]);
    // The page was sent fewer points; the file has every one.
    expect(rows).toHaveLength(STEPS);
    expect(rows.filter(([step, , , tokens]) => Number(tokens) !== tokensAt(Number(step)))).toEqual([]);
    expect(rows.find(([step]) => step === String(SPIKE))?.[4]).toBe("9");

    /** @param x CSS pixels from the left of the chart */
    const pointAt = async (x: number): Promise<void> => {
      const plot = await placeNow(chart().getByTestId("chart-plot"));
      await page.mouse.move(plot.x + x, plot.y + 60);
    };
    const asked = page.waitForRequest((request) => request.url().includes("from_step"));
    await pointAt(spike);
    await page.keyboard.down("Control");
    for (let i = 0; i < 14; i++) await page.mouse.wheel(0, -100);
    await page.keyboard.up("Control");
    expect(new URL((await asked).url()).searchParams.get("x")).toBe("tokens");
    // The point under the pointer is now one that the whole curve had no room for.
    const beside = tokensAt(SPIKE + 33);
    await pointAt(await pixelOf(beside));
    const tooltip = chart().locator(".tooltip");
    await expect.poll(() => tooltip.innerText()).toContain("Step 9,034");
    await expect.poll(() => chart().getByTestId("reading-counter").innerText()).toBe(`tokens ${beside.toLocaleString("en-US")}`);
    await page.getByTestId("x-axis-step").click();
    await expect.poll(shown).toEqual([0, STEPS - 1]);
  });

  it("follow a live run, and a count that is logged after its step", async () => {
    const training = spawn("sleep", ["120"], { detached: true, stdio: "ignore" });
    onTestFinished(() => void training.kill("SIGKILL"));
    const [growing = ""] = await liveRuns(server.live.store, training.pid ?? 0, 1, new Date(START).toISOString());
    const log = async (...rows: readonly (readonly [step: number, values: Values])[]): Promise<void> => {
      const store = await openStore(server.live.store);
      const file = await MetricFileWriter.open(store.paths(growing).attempt(1).metrics);
      store.close();
      for (const [step, values] of rows) await file.append(START + 1000 * step, step, values);
      await file.close();
    };
    await log([1, { tokens: 100 }], [2, { loss: 4 }], [2, { tokens: 250 }], [3, { loss: 3 }]);
    await server.live.client.call("refresh");
    await byTokens(`run=${growing}`);
    const places = async () => (await csv()).slice(1).map(([step, , , tokens]) => [step, tokens]);
    await expect.poll(shown).toEqual([0, 250]);
    // Step 3 has no count of its own yet.
    expect(await places()).toEqual([["1", "100"], ["2", "250"], ["3", "250"]]); // prettier-ignore
    await log([3, { tokens: 360 }], [4, { loss: 2, tokens: 480 }]);
    await expect.poll(shown, { timeout: 15_000 }).toEqual([0, 480]);
    expect(await places()).toEqual([["1", "100"], ["2", "250"], ["3", "360"], ["4", "480"]]); // prettier-ignore
  });

  it("join a resumed run whose counter goes on, and say of one that begins anew why it is not drawn", async () => {
    await byTokens(`compare=${steady},${restarted}`);
    await expect.poll(shown).toEqual([0, 60 * 64]);
    const unplaced = page.getByTestId("x-axis-unplaced");
    await expect
      .poll(() => unplaced.innerText())
      .toBe("Not drawn: restarted (tokens falls from 1344 to 64 at step 21, and a counter never falls)");
    await expect.poll(() => chart().getByTestId("chart-plot").getAttribute("aria-label")).toBe("loss, 1 line");
    const [titles, ...rows] = await csv();
    expect(titles).toEqual(["step", "steady tokens", "steady"]);
    expect(rows.map(([, tokens]) => Number(tokens))).toEqual(rows.map((_, step) => 64 * (step + 1)));
    await page.getByTestId("x-axis-relative").click();
    await expect.poll(() => chart().getByTestId("chart-plot").getAttribute("aria-label")).toBe("loss, 2 lines");
    expect(await unplaced.count()).toBe(0);
  });
});
