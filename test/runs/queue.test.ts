import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Queue } from "../../protocol/queue.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { until } from "../launch/package-fixture.ts";
import { ended, refusal, roomForEachTest, shell } from "./room-fixture.ts";

const here = roomForEachTest();

const enqueue = (spec: RunSpec): Promise<RunDetail> => here.room.runs.create({ spec, start: true, queue: true });
const named = (name: string, command = "true"): Promise<RunDetail> => enqueue(shell(command, { name }));
/** Lives until the file `go-<name>` is there. */
const held = (name: string): Promise<RunDetail> => named(name, `until test -e go-${name}; do sleep 0.02; done`);
const letGo = (name: string): Promise<void> => writeFile(path.join(here.dir, `go-${name}`), "");
const state = (id: RunId): string | undefined => here.room.runs.summary(id)?.state;
const lives = (id: RunId): Promise<boolean> => until(`the start of ${id}`, () => state(id) === "running");
const names = (runs: readonly { name: string }[]): string[] => runs.map(({ name }) => name);

async function stateEvents(id: RunId): Promise<string[]> {
  const events = await here.room.store.events(id);
  return events.flatMap((event) => (event.type === "state" ? [`${event.from ?? ""}→${event.to} (${event.cause})`] : []));
}

async function restart(): Promise<void> {
  await here.room.close();
  await here.open();
}

describe("the queue", () => {
  test("one after the other, in the order they came; what ends, fails or is stopped frees its place at once", async () => {
    const first = await held("first");
    await lives(first.id);
    const second = await named("second", "exit 3");
    const third = await held("third");
    const fourth = await named("fourth");
    expect(second).toMatchObject({ state: "queued", state_reason: "It waits in the queue.", attempt: 0, queue: { left_at: null } });
    const queue = await here.room.runs.queue.list();
    expect(queue).toMatchObject({ concurrency: 1, paused_at: null, running: [{ id: first.id, name: "first", state: "running" }] });
    expect(queue.waiting.map(({ name, position, reason }) => [name, position, reason])).toEqual([
      ["second", 1, "Waits for first to end."],
      ["third", 2, "Behind 1 other run."],
      ["fourth", 3, "Behind 2 other runs."],
    ]);
    await letGo("first");
    expect((await ended(here.room, second.id)).state).toBe("failed");
    await lives(third.id);
    expect(state(fourth.id)).toBe("queued");
    await here.room.runs.cancel(third.id, { force: true, reason: "enough", grace_seconds: 0 });
    const last = await ended(here.room, fourth.id);
    expect(last).toMatchObject({ state: "completed", queue: { left: "started", attempt: 1 } });
    expect(await stateEvents(last.id)).toEqual([
      "→queued (user)",
      "queued→starting (queue)",
      "starting→running (process started)",
      "running→completed (process exit)",
    ]);
    const { entries, total } = here.room.runs.queueHistory({ limit: 3, offset: 0 });
    expect(total).toBe(4);
    expect(entries.map(({ name, left, state: now }) => [name, left, now])).toEqual([
      ["fourth", "started", "completed"],
      ["third", "started", "cancelled"],
      ["second", "started", "failed"],
    ]);
    expect(entries.every(({ waited_seconds, ended_at }) => waited_seconds > 0 && ended_at !== null)).toBe(true);
  });

  test("runs that are started at once neither wait nor take a place", async () => {
    const direct = await here.room.runs.create({ spec: shell("sleep 60", { name: "direct" }), start: true });
    await lives(direct.id);
    const queued = await named("queued");
    expect((await ended(here.room, queued.id)).state).toBe("completed");
    expect(state(direct.id)).toBe("running");
  });

  test("a higher limit starts more, a lower one stops nobody", async () => {
    for (const name of ["a", "b", "c"]) await held(name);
    expect((await here.room.runs.queue.change({ concurrency: 2 })).concurrency).toBe(2);
    const two = (queue: Queue): boolean => queue.running.length === 2 && queue.running.every((run) => run.state === "running");
    await until("two to run", async () => two(await here.room.runs.queue.list()));
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(["c"]);
    await here.room.runs.queue.change({ concurrency: 1 });
    await letGo("a");
    await until("one to run", async () => (await here.room.runs.queue.list()).running.length === 1);
    expect((await here.room.runs.queue.list()).waiting).toMatchObject([{ name: "c", reason: "Waits for b to end." }]);
    await letGo("b");
    await until("c to run", async () => names((await here.room.runs.queue.list()).running).join() === "c");
  });

  test("paused, it starts nothing, and says so; a start ahead of its turn still works", async () => {
    await here.room.runs.queue.change({ paused: true });
    const waits = await held("waits");
    const chosen = await held("chosen");
    expect((await here.room.runs.queue.list()).waiting[0]?.reason).toBe("The queue is paused.");
    await here.room.runs.startDraft(chosen.id);
    await lives(chosen.id);
    expect(state(waits.id)).toBe("queued");
    await here.room.runs.queue.change({ paused: false });
    // It takes the only place.
    expect((await here.room.runs.queue.list()).waiting).toMatchObject([{ name: "waits", reason: "Waits for chosen to end." }]);
    await letGo("chosen");
    await lives(waits.id);
  });

  test("drafts join and leave it; whoever left joins at the end", async () => {
    await here.room.runs.queue.change({ paused: true });
    const draft = await here.room.runs.create({ spec: shell("true", { name: "draft" }), start: false });
    await named("other");
    await here.room.runs.enqueue(draft.id);
    await here.room.runs.moveInQueue(draft.id, { position: 1 });
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(["draft", "other"]);
    expect(await refusal(here.room.runs.enqueue(draft.id))).toMatchObject({ code: "conflict" });
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(["draft", "other"]);
    expect(await refusal(here.room.runs.editDraft(draft.id, { spec: shell("false") }))).toMatchObject({ code: "conflict" });
    const out = await here.room.runs.dequeue(draft.id);
    expect(out).toMatchObject({ state: "draft", state_reason: null, queue: { left: "removed" } });
    expect(await refusal(here.room.runs.dequeue(draft.id))).toMatchObject({ code: "conflict" });
    expect(await refusal(here.room.runs.moveInQueue(draft.id, { position: 1 }))).toMatchObject({ code: "conflict" });
    await here.room.runs.enqueue(draft.id);
    expect(await refusal(here.room.runs.enqueue(draft.id))).toMatchObject({ code: "conflict" });
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(["other", "draft"]);
    await here.room.runs.cancel(draft.id, { force: false, reason: "changed my mind" });
    expect(await here.room.runs.detail(draft.id)).toMatchObject({ state: "cancelled", queue: { left: "cancelled" } });
    expect(await stateEvents(draft.id)).toEqual([
      "→draft (user)",
      "draft→queued (user)",
      "queued→draft (user)",
      "draft→queued (user)",
      "queued→cancelled (user)",
    ]);
  });

  test("a run that cannot start any more fails with its reason, and the next one starts", async () => {
    const first = await held("first");
    await lives(first.id);
    const script = path.join(here.dir, "train.py");
    await writeFile(script, "print(1)\n");
    const gone = await enqueue({ ...shell("true", { name: "gone" }), recipe: "script", params: { script } });
    const next = await named("next");
    await rm(script);
    await letGo("first");
    expect((await ended(here.room, next.id)).state).toBe("completed");
    const failed = await here.room.runs.detail(gone.id);
    expect(failed).toMatchObject({ state: "failed", attempt: 0, failure: { class: "launch_error" }, queue: { left: "failed" } });
    expect(failed.state_reason).toContain("train.py");
    expect(failed.ended_at).not.toBeNull();
  });

  test("two requests at once start a run once", async () => {
    await here.room.runs.queue.change({ paused: true });
    const run = await named("once");
    const outcomes = await Promise.allSettled([
      here.room.runs.startDraft(run.id),
      here.room.runs.startDraft(run.id),
      here.room.runs.queue.change({ paused: false }),
      here.room.runs.dequeue(run.id),
    ]);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(2);
    expect(await ended(here.room, run.id)).toMatchObject({ state: "completed", attempt: 1 });
    expect((await stateEvents(run.id)).filter((event) => event.includes("→starting"))).toHaveLength(1);
  });
});

describe("another server", () => {
  test("finds limit, pause and order again, and counts what still lives", async () => {
    const first = await held("first");
    await lives(first.id);
    for (const name of ["a", "b", "c"]) await named(name);
    const [, , c] = (await here.room.runs.queue.list()).waiting;
    await here.room.runs.moveInQueue(c!.id, { position: 1 });
    const order = ["c", "a", "b"];
    await restart();
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(order);
    expect(names((await here.room.runs.queue.list()).running)).toEqual(["first"]);
    await here.room.runs.queue.change({ paused: true });
    await restart();
    await letGo("first");
    await ended(here.room, first.id);
    expect(await here.room.runs.queue.list()).toMatchObject({ running: [], paused_at: expect.any(String) as string });
    await here.room.runs.queue.change({ paused: false });
    await until("the end of all", () => [...here.room.runs.briefs()].every((run) => run.state === "completed"));
    const { entries } = here.room.runs.queueHistory({ limit: 10, offset: 0 });
    expect(names(entries).reverse()).toEqual(["first", ...order]);
  });

  test("goes on when what lived was lost while no server looked", async () => {
    const first = await named("first", "sleep 60");
    await lives(first.id);
    const next = await named("next");
    await here.room.close();
    const { process: training, supervisor } = (await here.room.store.process(first.id, 1))!;
    process.kill(supervisor!.pid, "SIGKILL");
    process.kill(-training.pid, "SIGKILL");
    await here.open();
    expect((await ended(here.room, next.id)).state).toBe("completed");
    expect(state(first.id)).not.toBe("completed");
  });

  test("what the queue took and never started is started once", async () => {
    await here.room.runs.queue.change({ paused: true });
    const run = await named("taken");
    await here.room.close();
    // As a server leaves it that is killed after the first file of the attempt.
    await here.room.store.writeAttempt(run.id, {
      version: 1,
      number: 1,
      kind: "start",
      resumed_from: null,
      launcher: "local",
      command: ["false"],
      cwd: here.dir,
      env: {},
      python: null,
      grace_seconds: 1,
      created_at: new Date().toISOString(),
    });
    await here.open();
    expect(names((await here.room.runs.queue.list()).waiting)).toEqual(["taken"]);
    await here.room.runs.queue.change({ paused: false });
    expect(await ended(here.room, run.id)).toMatchObject({ state: "completed", attempt: 1 });
  });

  test("a queue.json that cannot be read starts nothing, is told and left alone", async () => {
    await here.room.runs.queue.change({ paused: true });
    const run = await named("waits");
    await here.room.close();
    const file = path.join(here.room.store.root, "queue.json");
    const good = await readFile(file, "utf8");
    await writeFile(file, "{ torn");
    await here.open();
    // One after the other: of several at once, one would be refused before anybody waits for it.
    for (const act of [
      () => here.room.runs.queue.list(),
      () => here.room.runs.queue.change({ paused: false }),
      () => here.room.runs.moveInQueue(run.id, { position: 1 }),
    ])
      expect(await refusal(act())).toMatchObject({ code: "corrupt_record" });
    expect(await readFile(file, "utf8")).toBe("{ torn");
    expect(state(run.id)).toBe("queued");
    await writeFile(file, good.replace(/"paused_at": .*,/, '"paused_at": null,'));
    await here.room.runs.queue.change({ concurrency: 2 });
    expect((await ended(here.room, run.id)).state).toBe("completed");
    await rm(file);
    expect(existsSync(file)).toBe(false);
    expect(await here.room.runs.queue.list()).toMatchObject({ concurrency: 1, paused_at: null, waiting: [] });
  });
});
