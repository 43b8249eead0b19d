/** Scripts that use the published client, each in a Node of its own; what they leave is read as the server reads any run. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import { openSeries } from "../../server/series/series.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { ROOT } from "../support/machine.ts";
import { runProgram, type Finished } from "../support/processes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-client-"));
  const home = path.join(folder, "node_modules", "trainyard");
  await mkdir(home, { recursive: true });
  await build({
    entryPoints: [path.join(ROOT, "client/trainyard.ts")],
    outfile: path.join(home, "index.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  await writeFile(path.join(home, "package.json"), '{"name": "trainyard", "type": "module", "exports": "./index.js"}');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let scripts = 0;
/** Runs a script with a store of its own. */
async function script(source: string, env: Record<string, string> = {}): Promise<{ done: Finished; root: string }> {
  const root = path.join(folder, `store-${String(scripts++)}`);
  const file = path.join(folder, `script-${String(scripts)}.mjs`);
  await writeFile(file, source);
  const done = await runProgram(process.execPath, [file], {
    cwd: folder,
    env: { TRAINYARD_STORE: root, TRAINYARD_RUN_DIR: undefined, ...env },
  });
  return { done, root };
}

async function only<T>(root: string, read: (store: RunStore, id: RunId) => Promise<T>): Promise<T> {
  const store = await openStore(root, { create: false });
  try {
    const { runs, damaged } = await store.scan();
    expect([runs.length, damaged]).toEqual([1, []]);
    return await read(store, runs[0]!.record.id);
  } finally {
    store.close();
  }
}

async function curve(store: RunStore, id: RunId, name: string): Promise<number[]> {
  const series = openSeries(store, id, "metrics");
  try {
    await series.poll();
    return [...(series.window({ metrics: [name], maxPoints: 1_000_000 })[0]?.values ?? [])];
  } finally {
    series.close();
  }
}

it("records the example as a run like any other", async () => {
  const { done, root } = await script(await readFile(path.join(ROOT, "examples/train_line.mjs"), "utf8"));
  expect(done).toEqual({ code: 0, stdout: "", stderr: "" });
  await only(root, async (store, id) => {
    const { record, paths } = await store.read(id);
    expect(record).toMatchObject({ name: "line", project: "node-demo", tags: ["node"], origin: "sdk", attempt: 1 });
    const losses = await curve(store, id, "train/loss");
    expect(losses).toHaveLength(200);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 10);
    const report = await store.report(id, 1);
    expect(report.map(({ type }) => type)).toEqual(["hello", "params", "plan", "framework", "message", "end"]);
    expect(report.at(-1)).toMatchObject({ status: "completed", step: 200, error: null });
    expect(await store.exit(id, 1)).toMatchObject({ code: 0, by: "sdk" });
    expect(await store.resolved(id)).toMatchObject({ run: id, recipe: "command" });
    expect((await store.spec(id)).spec?.name).toBe("line");
    expect(await readdir(paths.attempt(1).dir)).toEqual(["attempt.json", "exit.json", "metrics.bin", "process.json", "report.jsonl"]);
    expect(store.damage(id)).toBeNull();
  });
});

it.each([
  ["throw new TypeError('broken')", 1, { status: "failed", error: { type: "TypeError", message: "broken" } }],
  ["process.exit(3)", 3, { status: "failed", reason: "the script ended with exit code 3" }],
  ["setTimeout(() => run.log({ late: 1 }), 30)", 0, { status: "completed" }],
])("keeps every point when the script ends by %s", async (ending, code, end) => {
  const { done, root } = await script(`import { init } from "trainyard";
    const run = init();
    for (let step = 1; step <= 500; step++) run.log({ loss: 1 / step }, step);
    ${ending}`);
  expect(done.code).toBe(code);
  await only(root, async (store, id) => {
    expect(await curve(store, id, "loss")).toHaveLength(500);
    expect((await store.report(id, 1)).at(-1)).toMatchObject({ type: "end", ...end });
    expect(await store.exit(id, 1)).toMatchObject({ code });
  });
});

it("shows points while a loop runs that never yields, and never makes it wait for the disk", async () => {
  const { done, root } = await script(`import { init } from "trainyard";
    import { statSync } from "node:fs";
    const run = init();
    const file = run.dir + "/attempts/1/metrics.bin";
    let slowest = 0;
    const end = Date.now() + 20_000;
    let step = 0;
    // No callback comes in here: what is on the disk was written while this code ran.
    while (statSync(file).size < 100_000 && Date.now() < end) {
      for (let i = 0; i < 100; i++) {
        run.log({ loss: 1, lr: 0.1 }, ++step);
      }
    }
    console.log(statSync(file).size >= 100_000, step > 100);
    console.log(run.flush(), statSync(file).size >= 40 * step, run.dropped);`);
  expect([done.stdout, done.stderr, done.code]).toEqual(["true true\ntrue true 0\n", "", 0]);
  await only(root, async (store, id) => {
    expect((await curve(store, id, "loss")).length).toBeGreaterThan(100);
  });
});

it("throws nothing, whatever it is given and wherever it is to write, and counts what it leaves out", async () => {
  const { done } = await script(
    `import { init } from "trainyard";
    const run = init({ store: "/dev/null/nowhere", params: null });
    run.log({ a: 1 }); run.logParams({}); run.flush(); run.finish();
    console.log(run.active, run.id);
    const other = init({ store: process.env.OTHER, tags: null });
    const hostile = { get loss() { throw new Error("no"); } };
    for (const it of [hostile, null, undefined, 3, "x", [1], new Date(), { a: "text", b: {}, c: [], d: 1n, e: Symbol("s") }]) other.log(it);
    other.log({ loss: 1 }, NaN); other.log({ loss: 1 }, "x"); other.log({ loss: 2 }, 2);
    for (const it of [null, hostile, { x: () => 1, y: Symbol("s"), z: new Map([[1, 2]]) }]) other.logParams(it);
    other.logArtifact("/not/there"); other.logCheckpoint(null, NaN); other.message(null, null); other.plan({ maxSteps: NaN }); other.plan();
    other.finish("what", 3, 4);
    console.log(other.active, other.dropped > 8);`,
    { OTHER: path.join(folder, "other") },
  );
  expect([done.stdout, done.code]).toEqual(["false null\nfalse true\n", 0]);
  expect(done.stderr).toContain("this run is not recorded");
});

it("attaches to the attempt that launched it, and leaves a second process of that attempt silent", async () => {
  const dir = path.join(folder, "launched", "demo", "runs", "run_00000000000000001");
  await mkdir(path.join(dir, "attempts", "2"), { recursive: true });
  const env = { TRAINYARD_RUN_DIR: dir, TRAINYARD_ATTEMPT: "2", TRAINYARD_RUN_ID: path.basename(dir) };
  const source = `import { init } from "trainyard"; const run = init({ name: "not mine" }); run.log({ loss: 1 }); console.log(run.id, run.attempt, run.active);`;
  expect((await script(source, env)).done.stdout).toBe("run_00000000000000001 2 true\n");
  const first = await readFile(path.join(dir, "attempts", "2", "metrics.bin"));
  const { done } = await script(source, env);
  expect([done.stdout, done.code]).toEqual(["null 0 false\n", 0]);
  expect(await readFile(path.join(dir, "attempts", "2", "metrics.bin"))).toEqual(first);
  expect(await readdir(dir)).toEqual(["attempts"]);
});
