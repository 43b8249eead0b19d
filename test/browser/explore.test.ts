/** The table of runs in a real Chromium against a real server, on run folders as trainings leave them. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunState } from "../../protocol/states.ts";
import { newRunId } from "../../protocol/ids.ts";
import { useChromium } from "./chromium.ts";
import { type KnownRun, RealServer } from "./real-server.ts";

const COUNT = 120;
const RATES = [1e-4, 2e-4, 5e-4, 1e-3];
const OPTIMIZERS = ["adamw", "lion", "sgd"];

function known(n: number): KnownRun {
  const at = (hours: number): string => new Date(Date.UTC(2026, 0, 1, hours)).toISOString();
  const state: RunState = n % 5 === 2 ? "failed" : "completed";
  return {
    params: { learning_rate: RATES[n % 4] ?? 0, optim: OPTIMIZERS[n % 3] ?? "", lora: { r: 8 * (1 + (n % 2)) }, seed: n },
    metrics: { "train/loss": 1 + n / 100, "eval/loss": 2 - ((n * 7) % COUNT) / 100 },
    record: {
      id: newRunId(Date.UTC(2026, 0, 1, n)),
      name: `run ${String(n).padStart(3, "0")}`,
      state,
      seed: n,
      tags: n % 10 === 0 ? ["best"] : [],
      created_at: at(n),
      started_at: at(n),
      ended_at: at(n + 1),
    },
  };
}

const chromium = useChromium();
let server: RealServer;
let page: Page;

beforeAll(async () => {
  server = await RealServer.start(Array.from({ length: COUNT }, (_, n) => known(n)));
}, 60_000);

afterAll(() => server.close());

beforeEach(async () => {
  page = await chromium.open(1500, 900);
  await page.goto(server.address("explore="));
  await page.getByTestId("explore-row").first().waitFor();
  return () => page.close();
});

const names = () => page.getByTestId("explore-row").locator(".name .truncate").allInnerTexts();
const count = () => page.getByTestId("explore-count").innerText();
const filter = () => page.getByTestId("explore-search").locator("input");
const chips = async () => (await page.getByTestId("filter-chip").locator(".text").allInnerTexts()).map((chip) => chip.trim());
const row = (name: string) => page.getByTestId("explore-row").filter({ hasText: name });

async function addChip(text: string): Promise<void> {
  await filter().fill(text);
  await filter().press("Enter");
  await expect.poll(chips).toContain(text);
}

describe("rows", () => {
  it("exist for what is in view only, and come as they are scrolled to", async () => {
    expect(await count()).toBe(`${String(COUNT)} runs`);
    expect(await page.getByTestId("explore-row").count()).toBeLessThan(70);
    // The training loss falls from twice its value: a curve beside it in each row on the screen.
    await expect.poll(() => page.getByTestId("spark").locator("path").first().getAttribute("d")).toBe("M0.0,1.0L52.0,13.0");
    await expect.poll(() => page.getByTestId("spark").locator("path").count()).toBe(await page.getByTestId("explore-row").count());
    await page.getByTestId("explore-row").first().focus();
    await page.keyboard.press("End");
    await expect.poll(async () => await names()).toContain("run 000");
    await expect.poll(() => page.getByRole("grid").getAttribute("aria-rowcount")).toBe(String(COUNT + 1));
    expect(await page.getByTestId("explore-row").count()).toBeLessThan(70);
    await page.keyboard.press("Enter");
    await page.getByTestId("run-name").waitFor();
    expect(await page.getByTestId("run-name").innerText()).toContain("run 000");
  });

  it("stay where they are while runs come and change, with the selection and the scroll position", async () => {
    await page.getByTestId("explore-row").first().focus();
    await page.keyboard.press("PageDown");
    await row("run 080").click();
    const scroller = page.locator("ty-run-grid .scroll");
    const before = await scroller.evaluate((element) => element.scrollTop);
    const shown = await names();
    const added = await server.addRun({ params: { learning_rate: 1 }, metrics: {}, record: { name: "came later" } });
    await page.getByTestId("explore-refresh").waitFor();
    const changed = await row("run 081").getAttribute("data-run");
    await server.live.client.call("editRun", { params: { id: changed ?? "" }, body: { name: "renamed" } });
    await row("renamed").waitFor();
    expect((await names()).map((name) => (name === "renamed" ? "run 081" : name))).toEqual(shown);
    expect(await scroller.evaluate((element) => element.scrollTop)).toBe(before);
    await page.getByTestId("explore-refresh").click();
    await expect.poll(count).toBe(`${String(COUNT + 1)} runs`);
    expect(await page.getByTestId("explore-selected").innerText()).toBe("1 selected");
    expect(await scroller.evaluate((element) => element.scrollTop)).toBe(before);
    await server.live.client.call("editRun", { params: { id: changed ?? "" }, body: { name: "run 081" } });
    await server.live.client.call("deleteRun", { params: { id: added } });
    await expect.poll(async () => (await server.live.client.call("listRuns")).total).toBe(COUNT);
  });
});

describe("the filter", () => {
  it("completes fields, operators and values", async () => {
    await filter().pressSequentially("lear");
    await expect.poll(() => page.getByTestId("completion").first().innerText()).toMatch(/^params\.learning_rate/);
    await filter().press("Tab");
    await expect.poll(() => filter().inputValue()).toBe("params.learning_rate ");
    await page.getByTestId("completion").filter({ hasText: "less than" }).click();
    await filter().pressSequentially("5");
    await expect.poll(() => page.getByTestId("completion").allInnerTexts()).toEqual([expect.stringMatching(/^5e-4|0\.0005/)]);
    await filter().pressSequentially("e-4 and optim");
    await filter().press("Tab");
    await filter().pressSequentially("= ");
    await expect.poll(() => page.getByTestId("completion").allInnerTexts()).toHaveLength(3);
    await filter().press("ArrowDown");
    await filter().press("Enter");
    await expect.poll(() => filter().inputValue()).toBe('params.learning_rate < 5e-4 and params.optim = "adamw" ');
    await filter().press("Enter");
    await expect.poll(chips).toEqual(["params.learning_rate < 5e-4", 'params.optim = "adamw"']);
    const expected = Array.from({ length: COUNT }, (_, n) => n).filter((n) => (RATES[n % 4] ?? 1) < 5e-4 && n % 3 === 0);
    await expect.poll(count).toBe(`${String(expected.length)} runs`);
    expect((await names())[0]).toBe(`run ${String(expected.at(-1)).padStart(3, "0")}`);
  });

  it("keeps the rows while a condition has only its field yet", async () => {
    await filter().fill("params.learning_rate ");
    await expect.poll(() => page.getByTestId("completion").count()).toBeGreaterThan(1);
    await filter().pressSequentially("> 5e-4");
    await expect.poll(count).toBe("30 runs");
    await filter().fill("params.learning_rate");
    await page.getByTestId("completion").first().waitFor();
    // The last whole condition holds until the next one is whole.
    expect([await count(), await page.getByTestId("explore-none").count()]).toEqual(["30 runs", 0]);
  });

  it("looks for plain words as they are typed, and edits and removes its chips in place", async () => {
    await filter().fill("run 01");
    await expect.poll(count).toBe("12 runs");
    await filter().press("Enter");
    await expect.poll(chips).toEqual(["“run”", "“01”"]);
    await addChip("params.seed > 15");
    await expect.poll(count).toBe("5 runs");
    await page.getByTestId("filter-chip").nth(2).locator(".text").click();
    await page.getByTestId("chip-edit").locator("input").fill("params.seed > 17");
    await page.keyboard.press("Enter");
    await expect.poll(count).toBe("3 runs");
    await page.getByTestId("chip-remove").nth(2).click();
    await expect.poll(count).toBe("12 runs");
    await page.getByTestId("filter-clear").click();
    await expect.poll(count).toBe(`${String(COUNT)} runs`);
    await filter().fill("nothing like it");
    await page.getByTestId("explore-none").waitFor();
  });

  it("says where it is wrong, and keeps what is shown", async () => {
    await filter().fill("params.seed < 3 < 5");
    await filter().press("Enter");
    const error = page.getByTestId("filter-error");
    await error.waitFor();
    expect(await error.getAttribute("data-start")).toBe("16");
    expect(await error.innerText()).toContain("comparisons do not stand in a row (at character 17)");
    expect(await count()).toBe(`${String(COUNT)} runs`);
    await filter().fill("params.sed < 3");
    await filter().press("Enter");
    await expect.poll(() => error.innerText()).toContain("Did you mean params.seed?");
    expect(await error.getAttribute("data-start")).toBe("0");
    await page.getByTestId("chip-remove").click();
    await expect.poll(() => error.count()).toBe(0);
  });

  it("counts states, and shows those that are pressed", async () => {
    const failed = Array.from({ length: COUNT }, (_, n) => n % 5 === 2).filter(Boolean).length;
    expect((await page.getByTestId("state-failed").innerText()).trim()).toMatch(new RegExp(`${String(failed)}\\s+failed`));
    await page.getByTestId("state-failed").click();
    await expect.poll(count).toBe(`${String(failed)} runs`);
    expect(await page.getByTestId("state-completed").innerText()).toContain(String(COUNT - failed));
  });
});

describe("order and columns", () => {
  it("sorts by several keys", async () => {
    await page.getByTestId("sort-params.learning_rate").click();
    await page.getByTestId("sort-metrics.eval/loss").click({ modifiers: ["Shift"] });
    await page.getByTestId("sort-metrics.eval/loss").click({ modifiers: ["Shift"] });
    const loss = (n: number): number => 2 - ((n * 7) % COUNT) / 100;
    const lowest = Array.from({ length: COUNT / 4 }, (_, i) => 4 * i).sort((a, b) => loss(b) - loss(a));
    await expect
      .poll(async () => (await names()).slice(0, 10))
      .toEqual(lowest.slice(0, 10).map((n) => `run ${String(n).padStart(3, "0")}`));
    expect(await page.getByTestId("sort-metrics.eval/loss").innerText()).toContain("2");
    await expect.poll(() => page.locator("ty-grid-header [aria-sort='descending']").count()).toBe(1);
  });

  it("groups runs with the statistics of each group", async () => {
    await page.getByTestId("explore-group-by").selectOption("params.optim");
    await expect.poll(() => page.getByTestId("explore-group").count()).toBeGreaterThan(1);
    const first = page.getByTestId("explore-group").first();
    expect(await first.getAttribute("aria-label")).toBe("optim adamw, 40 runs");
    const mean = Array.from({ length: 40 }, (_, i) => 1 + (3 * i) / 100).reduce((sum, value) => sum + value, 0) / 40;
    await expect.poll(async () => (await first.innerText()).replace(/\s+/g, " ")).toContain(`mean ${mean.toPrecision(4)}`);
    expect((await names())[0]).toBe("run 117");
    await first.getByTestId("group-more").click();
    await expect.poll(async () => (await names()).length).toBeGreaterThan(30);
    await first.focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(async () => (await names())[0]).toBe("run 118");
    expect(await first.getAttribute("aria-expanded")).toBe("false");
  });

  it("groups runs within groups, and folds them away together", async () => {
    await page.getByTestId("explore-group-by").selectOption("params.optim");
    await page.getByTestId("explore-group-by-2").selectOption("params.lora.r");
    const labels = () => page.getByTestId("explore-group").evaluateAll((groups) => groups.map((group) => group.getAttribute("aria-label")));
    await expect
      .poll(async () => (await labels()).slice(0, 3))
      .toEqual(["optim adamw, 40 runs", "optim adamw · lora.r 8, 20 runs", "optim adamw · lora.r 16, 20 runs"]);
    const losses = Array.from({ length: COUNT }, (_, n) => n).filter((n) => n % 6 === 3);
    const mean = losses.reduce((sum, n) => sum + 1 + n / 100, 0) / losses.length;
    await expect
      .poll(async () => (await page.getByTestId("explore-group").nth(2).innerText()).replace(/\s+/g, " "))
      .toContain(`mean ${mean.toPrecision(4)}`);
    expect((await names()).slice(0, 2)).toEqual(["run 114", "run 108"]);
    await page.getByTestId("explore-group").first().click();
    await expect.poll(async () => (await labels()).slice(0, 2)).toEqual(["optim adamw, 40 runs", "optim lion, 40 runs"]);
    await page.getByTestId("explore-group-by").selectOption("");
    await expect.poll(async () => (await labels())[0]).toBe("lora.r 8, 60 runs");
  });

  it("says how many groups there are beyond those that it shows", async () => {
    // A thousand runs and more only for this would take long: the server's own answer, as if it went on.
    await page.route("**/api/aggregate", async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { total: number };
      await route.fulfill({ response, json: { ...answer, total: answer.total + 1_200 } });
    });
    await page.getByTestId("explore-group-by").selectOption("params.optim");
    await expect.poll(count).toBe(`${String(COUNT)} runs, the first 1,000 of 1,203 groups`);
    await page.getByTestId("explore-group-by").selectOption("");
    await expect.poll(count).toBe(`${String(COUNT)} runs`);
  });

  it("adds, pins, moves and resizes columns, and draws only those in view", async () => {
    await page.getByTestId("explore-columns").click();
    await page.getByTestId("pin-params.optim").click();
    await page.getByTestId("column-search").fill("recipe");
    await page.getByTestId("column-record.recipe").check();
    await page.getByTestId("column-search").fill("");
    for (let i = 0; i < 3; i++) await page.getByTestId("up-record.recipe").click();
    await page.getByRole("button", { name: "Close" }).click();
    const titles = () => page.locator("ty-grid-header .title").allInnerTexts();
    await expect.poll(async () => (await titles()).map((title) => title.trim()).slice(0, 2)).toEqual(["name", "optim"]);
    await page.getByTestId("sort-record.recipe").focus();
    const wide = async () => (await page.getByTestId("sort-record.recipe").locator("..").boundingBox())?.width ?? 0;
    const before = await wide();
    for (let i = 0; i < 4; i++) await page.keyboard.press("Alt+ArrowRight");
    await expect.poll(wide).toBe(before + 48);
    await page.setViewportSize({ width: 980, height: 700 });
    await expect.poll(async () => (await titles()).length).toBeLessThan(8);
    const cells = page.getByTestId("explore-row").first().getByRole("gridcell");
    expect(await cells.count()).toBe(2 + (await titles()).length);
  });
});

describe("what is kept", () => {
  it("brings a saved view back after a reload, and the last state of the page", async () => {
    await addChip('params.optim = "lion"');
    await page.getByTestId("sort-metrics.eval/loss").click();
    await page.getByTestId("explore-columns").click();
    await page.getByTestId("column-params.seed").uncheck();
    await page.getByTestId("saved-open").click();
    await page.getByTestId("saved-name").fill("lions");
    await page.getByTestId("saved-save").click();
    await expect.poll(() => page.getByTestId("saved-open").innerText()).toContain("lions");
    await page.getByTestId("filter-clear").click();
    await page.getByTestId("state-failed").click();
    await page.reload();
    await expect.poll(() => page.getByTestId("state-failed").getAttribute("aria-pressed")).toBe("true");
    expect(await chips()).toEqual([]);
    await page.getByTestId("saved-open").click();
    await page.getByTestId("saved-item").filter({ hasText: "lions" }).click();
    await expect.poll(chips).toEqual(['params.optim = "lion"']);
    await expect.poll(count).toBe("40 runs");
    await expect.poll(() => page.locator("ty-grid-header [aria-sort='ascending']").innerText()).toContain("eval/loss");
    expect(await page.getByTestId("sort-params.seed").count()).toBe(0);
  });
});

describe("runs", () => {
  it("are tagged and starred one by one in the row, and many at once", async () => {
    await filter().fill("run 03");
    await expect.poll(count).toBe("12 runs");
    await row("run 031").getByTestId("tags").dblclick();
    await page.getByTestId("tags-input").fill("seen, kept");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await row("run 031").getByTestId("tags").innerText()).replace(/\s+/g, " ").trim()).toMatch(/^seen kept/);
    await row("run 031").hover();
    await row("run 031").getByTestId("star").click();
    await row("run 031").click();
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Shift+ArrowUp");
    expect(await page.getByTestId("explore-selected").innerText()).toBe("3 selected");
    await page.getByTestId("explore-actions").click();
    await page.getByTestId("menu-tag").click();
    await page.getByTestId("tags-add").fill("sweep");
    await page.getByRole("checkbox", { name: "seen" }).check();
    await page.getByTestId("tags-confirm").click();
    const tagged = async () =>
      (
        await server.live.client.call("queryRuns", { body: { filter: '"sweep" in record.tags', fields: ["record.name", "record.tags"] } })
      ).rows
        .map(({ values }) => JSON.stringify(values))
        .sort();
    await expect.poll(tagged).toEqual(['["run 031",["kept","sweep"]]', '["run 032",["sweep"]]', '["run 033",["sweep"]]']);
    const starred = await server.live.client.call("queryRuns", { body: { filter: "record.starred", fields: ["record.name"] } });
    expect(starred.rows.map(({ values }) => values[0])).toEqual(["run 031"]);
  });

  it("are compared, saved as a table, thrown away after a question and brought back", async () => {
    await filter().fill("run 04");
    await expect.poll(count).toBe("12 runs");
    await page.getByTestId("explore-row").first().focus();
    await page.keyboard.press("Control+a");
    await expect.poll(() => page.getByTestId("explore-selected").innerText()).toBe("12 selected");
    await page.getByTestId("explore-export").click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("menu-csv").click()]);
    const csv = await (await import("node:fs/promises")).readFile(await download.path(), "utf8");
    expect(csv.split("\r\n")).toHaveLength(14);
    expect(csv.split("\r\n")[0]).toContain("id,record.name,record.state");
    await page.getByTestId("explore-row").first().focus();
    await page.keyboard.press("Escape");
    await row("run 049").click();
    await page.keyboard.press("Delete");
    expect(await page.getByTestId("delete-dialog").innerText()).toContain("Move run 049 to the trash?");
    await page.getByTestId("delete-confirm").click();
    await expect.poll(count).toBe("11 runs");
    expect(await page.getByTestId("explore-trashed").innerText()).toContain("Moved run 049 to the trash.");
    await page.getByTestId("explore-undo").click();
    await expect.poll(count).toBe("12 runs");
    await row("run 049").waitFor();
    await page.getByTestId("explore-row").first().focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("c");
    await page.getByTestId("compare-legend").waitFor();
    expect(page.url()).toContain("#compare=");
  });
});
