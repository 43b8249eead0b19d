/** Presets of one's own in the builder: what was typed is saved as a file of the workspace, applies to another document, and goes again. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { python } from "../support/machine.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const chromium = useChromium();
let server: RealServer;
beforeAll(async () => {
  server = await RealServer.start([], { python: python() });
}, 60_000);
afterAll(() => server.close());

it("are saved from the form, applied, and removed", async () => {
  const page = await chromium.open(1200, 800);
  await page.goto(server.address("explore="));
  await page.getByTestId("new-run").click();
  await page.getByTestId("builder-recipe").selectOption("forecast");
  await page.getByTestId("builder-experiment").fill("depth");
  await expect.poll(() => page.getByTestId("yaml").innerText()).toContain("experiment: depth");
  await page.getByTestId("preset-medium").click();
  const layers = page.getByTestId("field-n_layers");
  await layers.locator("input").fill("7");
  await page.getByTestId("preset-menu").click();
  await page.getByTestId("saved-name").fill("Base");
  await page.getByTestId("saved-save").click();
  await page.getByText("has a preset base of its own").waitFor();
  await page.getByTestId("saved-name").fill("Deep one");
  await page.getByTestId("saved-save").click();
  const own = page.getByTestId("preset-deep-one");
  await own.waitFor();
  const file = path.join(server.live.root, "trainyard_presets", "forecast", "deep-one.yaml");
  expect(await readFile(file, "utf8")).toBe("title: Deep one\nvalues:\n  d_model: 512\n  n_layers: 7\n  batch_size: 64\n");

  // In another document it is a preset as any other, and named as the source.
  await page.keyboard.press("Escape");
  await page.getByTestId("reset-n_layers").click();
  await own.click();
  await expect.poll(() => layers.innerText()).toContain("preset · Deep one");
  expect(await layers.locator("input").inputValue()).toBe("7");
  expect(await page.getByTestId("yaml").innerText()).toContain("preset: deep-one");

  await page.getByTestId("preset-menu").click();
  await page.getByRole("button", { name: "Remove deep-one" }).click();
  await own.waitFor({ state: "detached" });
  await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
});

it("says while a name is typed that a run is called so, and gives one that is free", async () => {
  await server.addRun({ params: {}, metrics: {}, record: { name: "addition", project: "sums" } });
  const page = await chromium.open(1200, 800);
  await page.goto(server.address("explore="));
  // A name is asked for once, as it is typed: by then the server has to know the run.
  await page.getByText("addition").first().waitFor();
  await page.getByTestId("new-run").click();
  const name = page.getByTestId("builder-name");
  await name.fill("addition");
  await page.getByTestId("builder-project").fill("sums");
  await page.getByTestId("name-free").click();
  await expect.poll(() => name.inputValue()).toBe("addition 2");
  await page.getByTestId("name-taken").waitFor({ state: "detached" });
  // In another project it is free.
  await page.getByTestId("builder-project").fill("differences");
  const answered = page.waitForResponse((response) => /check-name.*name=addition&|check-name.*name=addition$/.test(response.url()));
  await name.fill("addition");
  expect(await (await answered).json()).toMatchObject({ available: true });
  expect(await page.getByTestId("name-taken").count()).toBe(0);
  await page.close();
});
