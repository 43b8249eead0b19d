/** Retention over real folders: what the plan names goes, and nothing else; at the end of a run where the project says so. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import type { RouteBody } from "../../protocol/routes.ts";
import { openStore } from "../../server/store/store.ts";
import { runPaths } from "../../server/store/paths.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { liveRuns } from "../faults/live-run.ts";
import { exitRecord } from "../store/fixtures.ts";
import { until } from "../launch/package-fixture.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
let id: RunId;
beforeEach(async () => {
  live = await LiveServer.folder();
  run = await live.addRun();
  ({ id } = run.record);
});
afterEach(() => live.remove());

function safetensors(): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}

/** Long ago, so that none counts as being written. */
async function weights(folder: string, step: number, content = safetensors()): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `step=${step}.safetensors`);
  await writeFile(file, content);
  await utimes(file, 1_700_000_000, 1_700_000_000 + step);
  return file;
}

const retain = (body: RouteBody<"retainCheckpoints">, of: RunId = id) => live.api.retainCheckpoints({ path: { id: of }, body });
const left = async (): Promise<string[]> => (await readdir(run.paths.checkpoints)).sort();

it("shows first, then removes what it showed, and says so in the run's events", async () => {
  for (const step of [10, 20, 30, 40]) await weights(run.paths.checkpoints, step);
  await weights(run.paths.checkpoints, 5, Buffer.from("torn"));
  await writeFile(path.join(run.paths.checkpoints, "notes.txt"), "mine");
  await live.start();
  await live.api.tagCheckpoint({ path: { id, checkpoint: "step=20.safetensors" }, body: { tag: "release" } });
  const rule = { keep_last: 1 };
  const before = await left();
  const preview = await retain({ rule });
  expect(preview).toMatchObject({ applied: false, removed_count: 2 });
  expect(Object.fromEntries(preview.checkpoints.map((one) => [one.step, one.kept_because]))).toEqual({
    40: ["last_complete", "keep_last"],
    30: [],
    20: ["tagged"],
    10: [],
    5: ["torn"],
  });
  expect(preview.removed_bytes).toBe(2 * safetensors().length);
  expect(await left()).toEqual(before);

  const done = await retain({ rule, apply: true });
  expect({ ...done, applied: false }).toEqual(preview);
  expect(await left()).toEqual(["notes.txt", "step=20.safetensors", "step=40.safetensors", "step=5.safetensors"]);
  const { events } = await live.api.listEvents({ path: { id } });
  expect(events.at(-1)).toMatchObject({
    type: "message",
    text: "Removed by the retention rule: step=30.safetensors, step=10.safetensors.",
  });
  expect(await retain({ rule, apply: true })).toMatchObject({ removed_count: 0 });
  expect((await retain({ rule: { keep_last: 1, remove_torn: true }, apply: true })).removed_count).toBe(1);
  expect(await left()).toEqual(["notes.txt", "step=20.safetensors", "step=40.safetensors"]);
});

it("touches nothing outside of the folder of checkpoints, nothing that is linked to, and nothing that runs went on from", async () => {
  const folder = run.paths.checkpoints;
  for (const step of [10, 20, 30, 40]) await weights(folder, step);
  const elsewhere = await weights(path.join(live.root, "outputs"), 1);
  const artifact = await weights(run.paths.artifacts, 2);
  await symlink(elsewhere, path.join(folder, "step=3.safetensors"));
  // A script may call anything a checkpoint.
  const reported = [elsewhere, artifact, run.paths.attempts, run.paths.dir, "step=10.safetensors"].map((file, index) => ({
    type: "checkpoint",
    time: 1,
    step: index,
    path: file,
    kind: "weights",
    framework: "custom",
    metrics: {},
    final: false,
  }));
  await appendFile(run.paths.attempt(1).reportJsonl, reported.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const child = newRunId();
  await live.addRun({ id: child, parent: { run: id, checkpoint: "step=20.safetensors", step: 20 } });
  const attempt = run.paths.attempt(1).attemptJson;
  const record = JSON.parse(await readFile(attempt, "utf8")) as Record<string, unknown>;
  const resumed = { checkpoint: "of another name", path: path.join(folder, "step=10.safetensors"), step: 10 };
  await writeFile(attempt, JSON.stringify({ ...record, resumed_from: resumed }));
  await live.start();
  const done = await retain({ rule: { keep_last: 1, remove_torn: true }, apply: true });
  expect(done.checkpoints.filter((one) => one.kept_because.length === 0).map((one) => one.name)).toEqual(["step=30.safetensors"]);
  expect(await left()).toEqual(["step=10.safetensors", "step=20.safetensors", "step=3.safetensors", "step=40.safetensors"]);
  for (const file of [elsewhere, artifact, run.paths.attempts, run.paths.runJson]) expect(existsSync(file)).toBe(true);
});

it("refuses a rule that cannot be followed, a run without one, and a run whose files do not tell what it went on from", async () => {
  await weights(run.paths.checkpoints, 10);
  await live.start();
  await expect(retain({ rule: { keep_best: { metric: "eval/loss", direction: "min" } }, apply: true })).rejects.toMatchObject({
    code: "bad_request",
    message: expect.stringContaining("eval/loss") as string,
  });
  await expect(retain({ apply: true })).rejects.toMatchObject({ code: "bad_request", message: "the project demo has no retention rule" });
  await writeFile(run.paths.attempt(1).attemptJson, "{");
  await expect(retain({ rule: { keep_last: 1 }, apply: true })).rejects.toMatchObject({ code: "corrupt_record" });
  expect(await left()).toHaveLength(1);
});

it("follows the project's rule by itself when a run ends, if the project says so", async () => {
  const store = await openStore(live.store);
  await store.editProject("demo", { retention: { rule: { keep_last: 2, remove_torn: false }, automatic: true } });
  store.close();
  const training = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  try {
    const [own] = await liveRuns(live.store, training.pid!, 1, new Date().toISOString());
    const paths = runPaths(path.join(live.store, "demo", "runs", own!));
    for (const step of [1, 2, 3, 4]) await weights(paths.checkpoints, step);
    await live.start();
    const state = async (): Promise<string> => (await live.api.getRun({ path: { id: own! } })).state;
    expect(await state()).toBe("running");
    expect(await readdir(paths.checkpoints)).toHaveLength(4);
    expect(await retain({}, own)).toMatchObject({ removed_count: 2, applied: false });
    await writeFile(paths.attempt(1).exitJson, JSON.stringify(exitRecord({ ended_at: new Date().toISOString() })));
    await until("the end", async () => (await state()) === "completed");
    await until("room", async () => (await readdir(paths.checkpoints)).length === 2);
    expect((await readdir(paths.checkpoints)).sort()).toEqual(["step=3.safetensors", "step=4.safetensors"]);
    // Other runs of the project are left alone until they end themselves.
    expect(existsSync(run.paths.runJson)).toBe(true);
  } finally {
    training.kill("SIGKILL");
  }
});
