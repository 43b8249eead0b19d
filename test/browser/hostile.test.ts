/** Runs whose names, params, tags, metrics, log lines and files are made to script whoever looks at them, in a real Chromium on a real server. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { runPaths } from "../../server/store/paths.ts";
import { python } from "../support/machine.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const ATTACK = `<img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload="window.owned=1">`;
const BREAKOUT = `"><iframe srcdoc="<script>parent.owned=1</script>"></iframe>'];window.owned=1;//`;
const METRICS = ["loss", `m${ATTACK}`, "a'];window.owned=1;//", "datum['x'] + (window.owned=1)"];

const chromium = useChromium();
let server: RealServer;
let page: Page;
const ids: RunId[] = [newRunId(Date.UTC(2026, 0, 1)), newRunId(Date.UTC(2026, 0, 2))];

beforeAll(async () => {
  const known = ids.map((id, n) => ({
    params: { [`key${ATTACK}`]: `${BREAKOUT}${n}`, learning_rate: n },
    metrics: Object.fromEntries(METRICS.map((name, index) => [name, index + n])),
    record: {
      id,
      name: `${ATTACK}${n}`,
      description: BREAKOUT,
      notes: `[x](javascript:window.owned=1) ${ATTACK}`,
      tags: [ATTACK.slice(0, 60), `tag${n}`],
      state: "failed" as const,
      state_reason: ATTACK,
      failure: {
        class: "exception" as const,
        message: ATTACK,
        evidence: [BREAKOUT, `\u001b]8;;javascript:window.owned=1\u0007x\u001b]8;;\u0007`],
        advice: ATTACK,
      },
      git: { root: "/w", commit: ATTACK, branch: BREAKOUT, remote: "javascript:window.owned=1", dirty_files: 1 },
    },
  }));
  server = await RealServer.start(known, { python: python() });
  for (const id of ids) {
    const paths = runPaths(path.join(server.live.store, "demo", "runs", id));
    const document = { recipe: "script", project: "demo", name: ATTACK, params: { [`key${ATTACK}`]: BREAKOUT } };
    await writeFile(paths.specYaml, stringify(document));
    await writeFile(paths.attempt(1).log, `ERROR ${ATTACK}\n${BREAKOUT}\n\u001b[31m${ATTACK}\u001b[0m\n\u001b]0;${ATTACK}\u0007title\n`);
    await mkdir(path.join(paths.checkpoints, "checkpoint-1<img src=x onerror=window.owned=1>"), { recursive: true });
    await writeFile(path.join(paths.artifacts, "<img src=x onerror=window.owned=1>.html"), ATTACK);
  }
  page = await chromium.open(1400, 900);
}, 90_000);
afterAll(() => server.close());

/** Elements that only an injection could have made, in whatever shadow root. */
function injected(): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const look = (root: Document | ShadowRoot): void => {
      for (const element of root.querySelectorAll("*")) {
        const handlers = element.getAttributeNames().filter((name) => name.startsWith("on"));
        const isForeign = element.matches("iframe, object, embed, img[src='x'], script:not([src])");
        const link = element.getAttribute("href") ?? "";
        if (handlers.length > 0 || isForeign || /^\s*javascript:/i.test(link)) found.push(element.outerHTML.slice(0, 200));
        if (element.shadowRoot !== null) look(element.shadowRoot);
      }
    };
    look(document);
    return found;
  });
}

/** All text of the page, that of shadow roots included. */
function shownText(): Promise<string> {
  return page.evaluate(() => {
    const texts: string[] = [];
    const look = (root: Document | ShadowRoot): void => {
      for (const element of root.querySelectorAll("*")) {
        for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent ?? "");
        if (element.shadowRoot !== null) look(element.shadowRoot);
      }
    };
    look(document);
    return texts.join(" ");
  });
}

const views: readonly [string, () => string, () => Promise<unknown>][] = [
  ["explore", () => "explore=", () => page.getByTestId("explore-row").first().waitFor()],
  [
    "dashboard",
    () => `run=${ids[0] ?? ""}`,
    async () => {
      await page.getByTestId("run-state").waitFor();
      for (const tab of ["tab-events", "tab-config", "tab-environment", "tab-output"]) await page.getByTestId(tab).click();
      await expect.poll(() => page.getByTestId("log-console").innerText()).toContain("<img src=x");
    },
  ],
  [
    "builder",
    () => "explore=",
    async () => {
      await page.getByTestId("new-run").click();
      await page.getByTestId("builder-recipe").selectOption("script", { timeout: 60_000 });
      await page.getByTestId("start-from").getByRole("button").first().click();
      // The values of the run are in the document now, and those that no recipe knows are complained of.
      await expect.poll(() => page.getByTestId("yaml").innerText()).toContain("<iframe srcdoc");
      await page.getByTestId("preview-changes").click();
      await page.getByTestId("changes").waitFor();
    },
  ],
  ["compare", () => `compare=${ids.join(",")}`, () => page.getByTestId("legend-row").first().waitFor()],
];

it.each(views)("%s shows them as text and runs nothing of them", async (_, fragment, shown) => {
  await page.goto("about:blank");
  await page.goto(server.address(fragment()));
  await shown();
  await expect.poll(shownText).toContain("<img src=x");
  // What was to be run had its chance.
  await page.waitForTimeout(300);
  expect(await page.evaluate(() => (window as unknown as { owned?: number }).owned)).toBeUndefined();
  expect(await injected()).toEqual([]);
});
