/** Templates in the builder: a document is saved whole, another is started from it, comments and all, and a broken one says its line. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
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

const DEEP = `# for slow markets
name: deep
recipe: forecast
preset: medium
params:
  n_layers: 7 # deeper than usual
sweep:
  method: grid
  params:
    batch_size: [32, 64]
`;

it("fill the whole form, are saved from it, and are removed; a broken one says its line", async () => {
  const folder = path.join(server.live.root, "trainyard_templates");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "deep.run.yaml"), DEEP);
  await writeFile(path.join(folder, "broken.run.yaml"), "recipe: forecast\nparms: {}\n");
  const page = await chromium.open(1600, 900);
  await page.goto(server.address("explore="));
  await page.getByTestId("new-run").click();
  const broken = page.getByTestId("template-broken");
  await broken.waitFor();
  expect(await broken.isDisabled()).toBe(true);
  expect(await broken.innerText()).toContain("line 2");
  await page.getByTestId("recipe-problems").click();
  await page.getByText("line 2: parms is not a field").waitFor();

  await page.getByTestId("template-deep").click();
  const layers = page.getByTestId("field-n_layers").locator("input");
  await expect.poll(() => layers.inputValue()).toBe("7");
  expect(await page.getByTestId("builder-name").inputValue()).toBe("deep");
  expect(await page.getByTestId("preset-medium").getAttribute("aria-checked")).toBe("true");

  // What is saved is the document with its comments.
  await layers.fill("8");
  await page.getByTestId("template-menu").click();
  await page.getByTestId("saved-name").fill("Deeper still");
  await page.getByTestId("saved-save").click();
  await page.getByTestId("template-deeper-still").waitFor();
  const file = path.join(folder, "deeper-still.run.yaml");
  expect(await readFile(file, "utf8")).toBe(DEEP.replace("n_layers: 7", "n_layers: 8"));

  await page.getByRole("button", { name: "Remove deeper-still" }).click();
  await page.getByTestId("template-deeper-still").waitFor({ state: "detached" });
  await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  await page.getByTestId("saved-item").filter({ hasText: "deep" }).click();
  await expect.poll(() => layers.inputValue()).toBe("7");
  await page.close();
});
