/** The tab of artifacts and the cleaning of checkpoints in a real Chromium on a real server, on files that would script or deceive if they could. */
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { runPaths } from "../../server/store/paths.ts";
import { leaveCheckpoint } from "../store/fixtures.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const ATTACK = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;
/** As a file may be called: everything but a slash. */
const NAME = ATTACK.replaceAll("/", "∕");
const RUN = newRunId(Date.UTC(2026, 0, 1));
/** One pixel each, told apart by their widths. */
const PNG = (width: number): Buffer => PNGS[width - 1] ?? Buffer.alloc(0);
const PNGS = [
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGNoaAAAAYMBARg1IhUAAAAASUVORK5CYII=",
].map((text) => Buffer.from(text, "base64"));

const chromium = useChromium();
let server: RealServer;
let page: Page;
const paths = () => runPaths(path.join(server.live.store, "demo", "runs", RUN));

beforeAll(async () => {
  server = await RealServer.start([
    { params: {}, metrics: { "eval/loss": 1 }, record: { id: RUN, name: "classifier", state: "completed" } },
  ]);
  for (const [name, content] of Object.entries(files())) {
    const file = path.join(paths().artifacts, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await openPage();
}, 90_000);
afterAll(() => server.close());
/** One page for all: what one preview leaves behind must not disturb the next. */
async function openPage(): Promise<void> {
  page = await chromium.open(1200, 860);
  await page.goto(server.address(`run=${RUN}`));
  await page.getByTestId("run-state").waitFor();
}

function files(): Record<string, string | Buffer> {
  const many = Array.from({ length: 250 }, (_, i) => i);
  return {
    [`${NAME}.html`]: ATTACK,
    [`${NAME}.csv`]: `step,"${ATTACK.replaceAll('"', '""')}"\n1,${BREAKOUT_CELL}\n`,
    "drawing.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=1"><script>window.owned=1</script></svg>`,
    "metrics.json": JSON.stringify({ accuracy: 0.93, [ATTACK]: ATTACK }),
    "config.yaml": `learning_rate: 0.001\nname: '${ATTACK}'\n`,
    "a?b=c#d %2e%2e%2f.txt": "odd name",
    "long.txt": Array.from({ length: 450 }, (_, i) => `line ${String(i)}`).join("\n"),
    "predictions.parquet": Buffer.from(
      parquetWriteBuffer({
        columnData: [
          { name: "row", data: many, type: "INT32" },
          { name: ATTACK, data: many.map((i) => `${ATTACK}${String(i)}`), type: "STRING" },
        ],
      }),
    ),
    "broken.parquet": Buffer.from("PAR1 no more than this PAR1"),
    "embedding.npy": numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24),
    "model.safetensors": safetensors({ [ATTACK]: [2, 3], "layer.bias": [4] }),
    "tone.wav": wav(),
    "cut.png": PNG(1).subarray(0, 20),
    "weights.pkl": Buffer.from("80049512000000000000008c05706f736978948c0673797374656d9493942e", "hex"),
    "images/eval/samples/000000000000.png": PNG(1),
    "images/eval/samples/000000000100.png": PNG(2),
  };
}

const BREAKOUT_CELL = `"'];window.owned=1;//<b>bold</b>"`;

function numpy(header: string, bytes: number): Buffer {
  const text = header.padEnd(118, " ");
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([118, 0]), Buffer.from(text), Buffer.alloc(bytes)]);
}

function safetensors(tensors: Readonly<Record<string, readonly number[]>>): Buffer {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, shape]) => {
    const start = at;
    at += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: "F32", shape, data_offsets: [start, at] }] as const;
  });
  const header = Buffer.from(JSON.stringify({ ...Object.fromEntries(entries), __metadata__: { note: ATTACK } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(at)]);
}

/** A tenth of a second of silence: 8 kHz, one channel, 8 bits. */
function wav(): Buffer {
  const head = Buffer.from("524946460000000057415645666d74201000000001000100401f0000401f00000100080064617461", "hex");
  head.writeUInt32LE(36 + 800, 4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(800);
  return Buffer.concat([head, length, Buffer.alloc(800, 128)]);
}

async function open(name: string): Promise<Locator> {
  await page.getByTestId("tab-artifacts").click();
  await page.locator(`[data-testid=artifact-row][data-path=${JSON.stringify(name)}]`).click();
  const preview = page.getByTestId("artifact-preview");
  await preview.waitFor();
  return preview;
}

/** What was to be run had its chance, and nothing of it is in the page. */
async function nothingRan(): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
  expect(await page.evaluate(() => (window as unknown as { owned?: number }).owned)).toBeUndefined();
  expect(await page.locator("img[src='x'], iframe, object, embed, script:not([src])").count()).toBe(0);
}

it("lists the files with type, size and step, images of one name as one", async () => {
  await page.getByTestId("tab-artifacts").click();
  const rows = page.getByTestId("artifact-row");
  await expect.poll(() => rows.count()).toBe(Object.keys(files()).length - 1);
  expect(await page.getByTestId("artifact-count").innerText()).toBe("15 artifacts");
  const images = await page.locator("[data-path='images/eval/samples']").innerText();
  expect(images.replaceAll(/\s+/g, " ")).toMatch(/eval\/samples image 2 steps to 100 \d+ B/);
  await page.getByTestId("artifact-filter").fill("PARQUET");
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByTestId("artifact-filter").fill("onerror");
  await expect.poll(() => rows.first().innerText()).toContain(NAME);
  expect(await rows.count()).toBe(2);
  await page.getByTestId("artifact-filter").fill("");
  await nothingRan();
});

it.each([
  [`${NAME}.html`, "preview-text", ATTACK],
  ["drawing.svg", "preview-text", "window.owned=1"],
  ["metrics.json", "preview-json", JSON.stringify(ATTACK)],
  ["config.yaml", "preview-text", `name: '${ATTACK}'`],
  ["a?b=c#d %2e%2e%2f.txt", "preview-text", "odd name"],
  [`${NAME}.csv`, "preview-table", "'];window.owned=1;//<b>bold</b>"],
  ["model.safetensors", "preview-tensors", ATTACK],
  ["embedding.npy", "preview-numpy", "[2, 3]"],
  ["weights.pkl", "preview-binary", "ix...system"],
  ["broken.parquet", "preview-binary", "0000"],
])("shows %s as text, and runs nothing of it", async (name, testid, content) => {
  const preview = await open(name);
  await expect.poll(() => preview.getByTestId(testid).innerText()).toContain(content);
  await nothingRan();
});

it("goes over images by step, and through a table page by page", async () => {
  await open("images/eval/samples");
  const width = () => page.getByTestId("preview-image").evaluate((image) => (image as HTMLImageElement).naturalWidth);
  await expect.poll(width).toBe(2);
  expect(await page.getByTestId("artifact-step-text").innerText()).toBe("Step 100 2 of 2");
  await page.getByTestId("artifact-step").focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBe(1);
  expect(await page.getByTestId("artifact-step-text").innerText()).toBe("Step 0 1 of 2");
  expect(await page.getByTestId("preview-image").getAttribute("src")).toMatch(/^blob:/);

  await open("predictions.parquet");
  const range = () => page.getByTestId("preview-range").innerText();
  await expect.poll(range).toBe("Rows 1–100 of 250");
  for (const shown of ["Rows 101–200 of 250", "Rows 201–250 of 250"]) {
    await page.getByTestId("preview-later").click();
    await expect.poll(range).toBe(shown);
  }
  expect(await page.getByTestId("preview-later").isDisabled()).toBe(true);
  expect(await page.getByTestId("preview-table").innerText()).toContain(`${ATTACK}249`);
  await page.getByTestId("preview-earlier").click();
  await expect.poll(range).toBe("Rows 101–200 of 250");

  await open("long.txt");
  await expect.poll(() => page.getByTestId("preview-text").innerText()).toMatch(/line 99$/);
  await page.getByTestId("preview-more").click();
  await expect.poll(() => page.getByTestId("preview-text").innerText()).toMatch(/line 449$/);
  await nothingRan();
});

it("plays a sound, says that a picture is damaged, and downloads byte for byte", async () => {
  await open("tone.wav");
  const audio = page.getByTestId("preview-audio");
  await expect.poll(() => audio.evaluate((element) => (element as HTMLAudioElement).duration)).toBeCloseTo(0.1, 3);
  await open("cut.png");
  await expect.poll(() => page.getByTestId("preview-problem").innerText()).toContain("damaged");
  await open("model.safetensors");
  const download = page.waitForEvent("download");
  await page.getByTestId("artifact-download").click();
  const saved = await download;
  expect(saved.suggestedFilename()).toBe("model.safetensors");
  expect(await readFile(await saved.path())).toEqual(await readFile(path.join(paths().artifacts, "model.safetensors")));
  await nothingRan();
});

it("shows what a rule would remove and why the others stay, and removes it once that is confirmed", async () => {
  const left = async (): Promise<string[]> => (await readdir(paths().checkpoints)).sort();
  await mkdir(paths().checkpoints, { recursive: true });
  for (const step of [10, 20, 30, 40, 50]) {
    const file = path.join(paths().checkpoints, `step=${String(step)}.safetensors`);
    await writeFile(file, safetensors({ w: [1] }));
    // Long ago, so that none counts as being written.
    await utimes(file, 1_700_000_000, 1_700_000_000 + step);
  }
  await server.live.client.call("tagCheckpoint", {
    params: { id: RUN, checkpoint: "step=10.safetensors" },
    body: { tag: "release" },
  });
  const all = await left();
  await page.reload();
  await expect.poll(() => page.getByTestId("checkpoint-row").count()).toBe(5);
  await page.getByTestId("clean-up").click();
  const row = (step: number) => page.locator(`[data-testid=retention-row][data-step="${String(step)}"]`);
  await expect.poll(() => row(20).innerText()).toContain("goes");
  expect(await row(10).innerText()).toContain("stays: tagged");
  await page.getByTestId("retention-last-count").fill("1");
  await expect.poll(() => page.getByTestId("retention-apply").innerText()).toMatch(/Remove 3 /);
  expect(await row(50).innerText()).toContain("the newest complete one, among the last 1");
  await page.getByTestId("retention-last-count").fill("");
  await expect.poll(() => page.getByTestId("retention-apply").isDisabled()).toBe(true);
  await page.getByTestId("retention-last-count").fill("2");
  await expect.poll(() => page.getByTestId("retention-apply").innerText()).toMatch(/Remove 2 /);
  await page.getByTestId("retention-close").click();
  expect(await left()).toEqual(all);

  await page.getByTestId("clean-up").click();
  await page.getByTestId("retention-last-count").fill("1");
  await expect.poll(() => page.getByTestId("retention-apply").innerText()).toMatch(/Remove 3 /);
  await page.getByTestId("retention-apply").click();
  await expect.poll(() => page.getByTestId("retention-sum").innerText()).toMatch(/^Removed 3 checkpoints/);
  expect(await left()).toEqual(["step=10.safetensors", "step=50.safetensors"]);
  await page.getByTestId("retention-close").click();
  await expect.poll(() => page.getByTestId("checkpoint-row").count()).toBe(2);
});

it("takes description and notes, keeps them over a reload, and shows what others write", async () => {
  const known = async () => server.live.client.call("getRun", { params: { id: RUN } });
  await page.getByTestId("tab-notes").click();
  const notes = page.getByTestId("run-notes");
  const said = page.getByTestId("run-notes-said");
  await notes.fill(`${ATTACK}\nkept: ∑ of two lines`);
  // Left without a word: what stands there is saved all the same.
  await page.getByTestId("run-description").fill("the best of three seeds");
  await page.keyboard.press("Control+S");
  await expect.poll(() => said.innerText()).toMatch(/^Saved /);
  expect(await known()).toMatchObject({ description: "the best of three seeds", notes: `${ATTACK}\nkept: ∑ of two lines` });
  await expect.poll(() => page.getByTestId("description").innerText()).toBe("the best of three seeds");
  await page.reload();
  await page.getByTestId("tab-notes").click();
  expect(await notes.inputValue()).toBe(`${ATTACK}\nkept: ∑ of two lines`);
  await server.live.client.call("editRun", { params: { id: RUN }, body: { notes: "from elsewhere" } });
  await expect.poll(() => notes.inputValue()).toBe("from elsewhere");

  // A save that the server cannot do loses nothing of what was typed.
  await page.route("**/api/runs/*", (route) => (route.request().method() === "PATCH" ? route.abort() : route.continue()));
  await notes.fill("not yet");
  await page.keyboard.press("Control+Enter");
  await expect.poll(() => said.innerText()).toMatch(/^Not saved: /);
  await page.unroute("**/api/runs/*");
  await said.getByRole("button", { name: "Try again" }).click();
  await expect.poll(async () => (await known()).notes).toBe("not yet");
  expect(await page.evaluate(() => "owned" in window)).toBe(false);
});

it("has a run wait in the queue to go on from a checkpoint, and says its place", async () => {
  const { client } = server.live;
  const id = await server.addRun({ params: { command: ["true"] }, metrics: {}, record: { name: "longer", recipe: "command" } });
  const { dir } = runPaths(path.join(server.live.store, "demo", "runs", id));
  const resolved = path.join(dir, "resolved.json");
  await writeFile(resolved, JSON.stringify({ ...(JSON.parse(await readFile(resolved, "utf8")) as object), recipe: "command" }));
  await leaveCheckpoint(dir, 40);
  await client.call("refresh");
  await client.call("changeQueue", { body: { paused: true } });
  await page.goto(server.address(`run=${id}`));
  await page.getByTestId("resume-run").click();
  await page.getByTestId("resume-queue").click();
  await expect.poll(() => page.getByTestId("run-state").getAttribute("data-state")).toBe("queued");
  await expect.poll(() => page.getByTestId("state-reason").innerText()).toBe("#1 in the queue. The queue is paused.");
  expect((await client.call("getQueue")).waiting).toMatchObject([{ id, position: 1 }]);
});
