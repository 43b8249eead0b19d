/** The queue over HTTP: an ended run joins it to go on, and leaves it as it was. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunFolder } from "../../server/store/types.ts";
import { leaveCheckpoint, resolvedSpec } from "../store/fixtures.ts";
import { LiveServer } from "./live-server.ts";

const params = { command: ["true"] };

let live: LiveServer;
let ended: RunFolder;
beforeAll(async () => {
  live = await LiveServer.folder();
  ended = await live.addRun({ name: "ended", recipe: "command" });
  const { id } = ended.record;
  await writeFile(
    path.join(ended.paths.dir, "resolved.json"),
    JSON.stringify({ ...resolvedSpec(id, ended.paths.dir), recipe: "command", params }),
  );
  await leaveCheckpoint(ended.paths.dir, 40);
  await live.start();
  await live.api.changeQueue({ body: { paused: true } });
});
afterAll(() => live.remove());

it("has a resume and a fork wait when they are asked to", async () => {
  const path = { id: ended.record.id };
  const wrong = await live.fetch(`/api/runs/${path.id}/resume`, {
    method: "POST",
    body: JSON.stringify({ mode: "continue", queue: "yes" }),
  });
  expect([wrong.status, (await live.api.getRun({ path })).state]).toEqual([400, "completed"]);
  const waits = await live.api.resumeRun({ path, body: { mode: "continue", params, queue: true } });
  expect(waits).toMatchObject({
    id: path.id,
    state: "queued",
    queue: { left_at: null, resume: { params, before: { state: "completed" } } },
  });
  const fork = await live.api.resumeRun({ path, body: { mode: "fork", params, queue: true, name: "forked" } });
  expect(fork).toMatchObject({ state: "queued", parent: { run: path.id, step: 40 } });
  expect((await live.api.getQueue({})).waiting.map(({ id, position }) => [id, position])).toEqual([
    [path.id, 1],
    [fork.id, 2],
  ]);
  for (const act of [
    () => live.api.resumeRun({ path, body: { mode: "continue", params, queue: true } }),
    () => live.api.editDraft({ path, body: { spec: { recipe: "command", project: "demo", params } } }),
    () => live.api.deleteRun({ path }),
  ])
    await expect(act()).rejects.toMatchObject({ code: "conflict" });
  expect(await live.api.dequeueRun({ path })).toMatchObject({ state: "completed", queue: { left: "removed" } });
  expect(await live.api.dequeueRun({ path: { id: fork.id } })).toMatchObject({ state: "draft" });
  const { entries } = await live.api.getQueueHistory({ query: {} });
  expect(entries.map(({ name, left, state }) => [name, left, state])).toEqual([
    ["forked", "removed", "draft"],
    ["ended", "removed", "completed"],
  ]);
});
