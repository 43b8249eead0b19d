/** Reports open by themselves: no network, no script, and nothing of a run becomes markup. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { html } from "../../server/export/markup.ts";
import { writeJsonAtomic } from "../../server/store/atomic.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { LiveServer } from "../http/live-server.ts";
import { resolvedSpec } from "../store/fixtures.ts";
import { browser } from "../support/machine.ts";

const HOSTILE = `"><script>document.title="ran"</script><img src=x onerror="document.title='ran'">&lt;`;

let live: LiveServer;
const ids: string[] = [];

beforeAll(async () => {
  live = await LiveServer.folder();
  for (const lr of [0.1, 0.2]) {
    const run = await live.addRun({ name: `${HOSTILE} ${lr}`, notes: HOSTILE, tags: ["</td>"], description: HOSTILE });
    ids.push(run.record.id);
    await writeJsonAtomic(run.paths.resolvedJson, {
      ...resolvedSpec(run.record.id, run.paths.dir),
      params: { lr, same: 1, [HOSTILE]: HOSTILE },
    });
    await mkdir(run.paths.attempt(1).dir, { recursive: true });
    const writer = await MetricFileWriter.open(run.paths.attempt(1).metrics);
    for (let step = 0; step < 3000; step++)
      await writer.append(1_767_225_600_000 + step, step, { [HOSTILE]: step === 100 ? NaN : Math.cos(step * lr), once: 1 });
    await writer.append(1_767_225_700_000, 3000, { single: 5 });
    await writer.close();
  }
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

async function report(runs: readonly string[]): Promise<string> {
  return new TextDecoder().decode(await live.client.bytes("exportRuns", { query: { runs: runs.join(","), format: "html", metrics: "*" } }));
}

it("escapes every value of a template", () => {
  expect(html`<i title="${`"'<&>`}">${[html`<b>${"<"}</b>`, null, 1]}</i>`.text).toBe(
    `<i title="&#34;&#39;&#60;&#38;&#62;"><b>&#60;</b>1</i>`,
  );
});

it("hold no script, no handler and nothing to fetch", async () => {
  const text = await report(ids);
  const tags = [...text.matchAll(/<([a-z][a-z0-9]*)((?:\s+[\w:-]+="[^"]*")*)\s*\/?>/g)];
  expect(tags.length).toBe(text.match(/<[^/!]/g)?.length);
  expect(tags.map(([, name]) => name)).not.toContain("script");
  const attributes = new Set(tags.flatMap(([, , all]) => [...(all ?? "").matchAll(/([\w:-]+)=/g)].map(([, name]) => name)));
  for (const name of attributes) expect(name).not.toMatch(/^(on|src|href|action|style$)/);
  expect(text).not.toMatch(/@import|url\(/);
  expect(text.match(/<svg [^>]*class="marks"/g)).toHaveLength(3);
  expect(text).toContain("default-src &#39;none&#39;");
});

it("show a run and a comparison in a browser without a network", async () => {
  const open = await chromium.launch({ executablePath: browser(), args: ["--no-sandbox"] });
  try {
    const page = await (await open.newContext({ offline: true })).newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) said.push(request.url());
    });
    for (const runs of [ids.slice(0, 1), ids]) {
      const file = path.join(live.root, "report.html");
      await writeFile(file, await report(runs));
      await page.goto(pathToFileURL(file).href);
      expect(await page.title()).not.toBe("ran");
      expect(await page.locator("h1").innerText()).toBe(runs.length === 1 ? `${HOSTILE} 0.1` : "2 runs compared");
      const paths = await page.locator("figure").first().locator("svg g.mark-line path").count();
      expect(paths).toBe(runs.length);
      const shown = await page.locator("figure").first().boundingBox();
      expect(shown?.height).toBeGreaterThan(150);
      expect(await page.locator("tr.differs td.key").allInnerTexts()).toEqual(runs.length === 1 ? [] : ["lr"]);
      expect(await page.locator("figcaption").first().innerText()).toContain("not finite");
    }
    expect(said).toEqual([]);
  } finally {
    await open.close();
  }
}, 60_000);
