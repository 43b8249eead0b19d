/** Runs that go on from a checkpoint, or fork from one, in their turn. */
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { until } from "../launch/package-fixture.ts";
import { leaveCheckpoint } from "../store/fixtures.ts";
import { ended, refusal, roomForEachTest, shell } from "./room-fixture.ts";

const here = roomForEachTest();
const STEP = 40;

/** Writes down its params and what it starts from, as it is told that, and lives until the file `go` is there. */
const TRAINING =
  'cd "$TRAINYARD_RUN_DIR"; cat resolved.json >> seen; echo --- >> seen; cd - > /dev/null; until test -e go; do sleep 0.02; done';
const LETTING_GO = { command: ["sh", "-c", `touch go; ${TRAINING}`] };
const letGo = (): Promise<void> => writeFile(path.join(here.dir, "go"), "");
const hold = (): Promise<void> => rm(path.join(here.dir, "go"));

/** A run that has ended and left a checkpoint that it can go on from. */
async function trained(command = TRAINING, end: RunDetail["state"] = "completed"): Promise<RunDetail> {
  await letGo();
  const run = await ended(here.room, (await here.room.runs.create({ spec: shell(command, { name: "trained" }), start: true })).id);
  expect(run.state).toBe(end);
  await leaveCheckpoint(run.run_dir, STEP);
  await here.room.runs.refresh();
  await hold();
  return here.room.runs.detail(run.id);
}

/** Takes the only place of the queue until it is let go. */
async function takePlace(): Promise<RunDetail> {
  const run = await here.room.runs.create({
    spec: shell("until test -e go; do sleep 0.02; done", { name: "busy" }),
    start: true,
    queue: true,
  });
  await until("its start", () => here.room.runs.summary(run.id)?.state === "running");
  return run;
}

const resume = (id: RunId, more: object = {}): Promise<RunDetail> =>
  here.room.runs.resume(id, { mode: "continue", params: {}, queue: true, ...more });
const waiting = async (): Promise<string[]> => (await here.room.runs.queue.list()).waiting.map(({ name }) => name);

/** What each attempt of the run was told to start from. */
async function seen(run: RunDetail): Promise<(number | null)[]> {
  const told = (await readFile(path.join(run.run_dir, "seen"), "utf8")).split("---\n").slice(0, -1);
  return told.map((text) => (JSON.parse(text) as { resume_from: { step: number } | null }).resume_from?.step ?? null);
}

test("an ended run goes on in its turn, once, with the values that were asked for, whatever server looks by then", async () => {
  const run = await trained();
  await takePlace();
  const waits = await resume(run.id, { params: LETTING_GO, name: "longer" });
  expect(waits).toMatchObject({ state: "queued", name: "longer", attempt: 1, state_reason: "It waits in the queue.", params: run.params });
  expect(waits.queue).toMatchObject({ left_at: null, resume: { params: LETTING_GO, before: { state: "completed" } } });
  expect(await waiting()).toEqual(["longer"]);
  for (const again of [
    () => resume(run.id),
    () => here.room.runs.enqueue(run.id),
    () => here.room.runs.resume(run.id, { mode: "continue", params: {} }),
  ])
    expect((await refusal(again())).code).toBe("conflict");
  await here.room.close();
  await here.open();
  expect(await waiting()).toEqual(["longer"]);
  await letGo();
  const over = await ended(here.room, run.id);
  expect(over).toMatchObject({ state: "completed", attempt: 2, params: LETTING_GO, queue: { left: "started", attempt: 2 } });
  expect(over.attempts.map(({ kind, resumed_from }) => [kind, resumed_from?.step ?? null])).toEqual([
    ["start", null],
    ["continue", STEP],
  ]);
  expect(await seen(over)).toEqual([null, STEP]);
  const edits = (await here.room.store.events(run.id)).flatMap((event) => (event.type === "edit" ? [event.changes] : []));
  expect(edits).toEqual([{ name: "longer" }, { attempt: 2, params: { command: { from: run.params["command"], to: LETTING_GO.command } } }]);
});

test("taken out of the queue or stopped in it, it is again what it was; nobody is told that it failed anew", async () => {
  const run = await trained(`${TRAINING}; exit 3`, "failed");
  await takePlace();
  const { state, state_reason, failure, ended_at, params } = run;
  for (const leave of ["removed", "cancelled"] as const) {
    expect(await resume(run.id, { params: LETTING_GO })).toMatchObject({ state: "queued", failure: null, params });
    const out =
      leave === "removed"
        ? await here.room.runs.dequeue(run.id)
        : await here.room.runs.cancel(run.id, { force: false, reason: "changed my mind" });
    expect(out).toMatchObject({ state, state_reason, failure, ended_at, params, attempt: 1, queue: { left: leave } });
    expect(out.resolved).toEqual(run.resolved);
  }
  expect(await waiting()).toEqual([]);
  expect(await seen(run)).toEqual([null]);
});

test("started ahead of its turn, it goes on at once and takes a place", async () => {
  const run = await trained();
  await here.room.runs.queue.change({ paused: true });
  await resume(run.id);
  await here.room.runs.startDraft(run.id);
  await until("its start", () => here.room.runs.summary(run.id)?.state === "running");
  expect((await here.room.runs.queue.list()).running).toMatchObject([{ id: run.id }]);
  await letGo();
  expect(await ended(here.room, run.id)).toMatchObject({ attempt: 2, queue: { left: "started", attempt: 2 } });
  expect(await seen(run)).toEqual([null, STEP]);
});

test("one whose checkpoint is gone by its turn fails with the reason and can be resumed again", async () => {
  const run = await trained();
  await takePlace();
  await resume(run.id);
  const file = path.join(run.run_dir, "checkpoints", "step-40.safetensors");
  const bytes = await readFile(file);
  await rm(file);
  await letGo();
  const failed = await ended(here.room, run.id);
  expect(failed).toMatchObject({
    state: "failed",
    attempt: 1,
    ended_at: run.ended_at,
    failure: { class: "launch_error" },
    queue: { left: "failed" },
  });
  expect(failed.state_reason).toContain("step-40.safetensors");
  await writeFile(file, bytes);
  await here.room.runs.resume(run.id, { mode: "continue", params: {} });
  expect(await ended(here.room, run.id)).toMatchObject({ state: "completed", attempt: 2, failure: null });
});

test("a rule keeps the checkpoint that somebody waits for", async () => {
  const run = await trained();
  await takePlace();
  await resume(run.id);
  const { checkpoints } = await here.room.runs.retainCheckpoints(run.id, { rule: { keep_last: 0, remove_torn: false }, apply: false });
  expect(checkpoints).toMatchObject([{ name: "step-40.safetensors", kept_because: expect.arrayContaining(["continued"]) as string[] }]);
});

test("a fork starts from its checkpoint when its turn comes, also after it was a draft that somebody edited", async () => {
  const run = await trained();
  await takePlace();
  const fork = await here.room.runs.resume(run.id, { mode: "fork", params: {}, name: "forked", queue: true });
  const parent = { run: run.id, checkpoint: "step-40.safetensors", step: STEP };
  expect(fork).toMatchObject({ state: "queued", attempt: 0, parent });
  expect(await here.room.runs.dequeue(fork.id)).toMatchObject({ state: "draft", parent });
  const other = { ...shell(TRAINING), recipe: "script", params: { script: "train.py" } };
  expect((await refusal(here.room.runs.editDraft(fork.id, { spec: other }))).code).toBe("conflict");
  const edited = await here.room.runs.editDraft(fork.id, { spec: shell(`true; ${TRAINING}`, { name: "forked anew" }) });
  expect(edited.resolved).toMatchObject({ resume_from: { step: STEP }, sources: { command: "spec" } });
  await here.room.runs.enqueue(fork.id);
  expect(await waiting()).toEqual(["forked anew"]);
  await letGo();
  const over = await ended(here.room, fork.id);
  expect(over).toMatchObject({ state: "completed", attempt: 1, parent, attempts: [{ resumed_from: { step: STEP } }] });
  expect(await seen(over)).toEqual([STEP]);
});
