import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoint } from "../../protocol/artifact.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
const NAME = "epoch=2-step=20.ckpt";

beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun();
  await mkdir(run.paths.checkpoints, { recursive: true });
  await writeFile(path.join(run.paths.checkpoints, "model.safetensors"), safetensors());
  await writeFile(path.join(run.paths.checkpoints, NAME), "torn");
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

function safetensors(): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}

it("tags a checkpoint in its run folder, renews and removes tags, and keeps the history", async () => {
  const { id } = run.record;
  const params = { id, checkpoint: "model.safetensors" };
  const notes = "BLEU 32.5 on the hold-out set";
  const tag = (body: { tag: "candidate" | "release" | "archived"; notes?: string }) => live.api.tagCheckpoint({ path: params, body });
  await tag({ tag: "candidate" });
  const released = Checkpoint.parse(await tag({ tag: "release", notes }));
  expect(released.tags.map((applied) => [applied.tag, applied.notes])).toEqual([
    ["candidate", ""],
    ["release", notes],
  ]);
  await tag({ tag: "candidate", notes: "again" });
  const left = await live.api.untagCheckpoint({ path: { ...params, tag: "release" } });
  expect(left.tags.map((applied) => [applied.tag, applied.notes])).toEqual([["candidate", "again"]]);
  // By its id as well as by its name; and a line that a crash tore is passed over.
  await appendFile(run.paths.checkpointTags, '{"torn');
  const { history } = await live.api.listCheckpointTags({ path: { id, checkpoint: released.id } });
  expect(history.map((record) => [record.action, record.tag, record.notes])).toEqual([
    ["add", "candidate", ""],
    ["add", "release", notes],
    ["add", "candidate", "again"],
    ["remove", "release", ""],
  ]);
  expect((await readFile(run.paths.checkpointTags, "utf8")).split("\n")).toHaveLength(5);
  const { checkpoints } = await live.api.listCheckpoints({ path: { id } });
  expect(checkpoints.find((one) => one.id === released.id)?.tags).toHaveLength(1);
  const { events } = await live.api.listEvents({ path: { id } });
  expect(events.flatMap((event) => (event.type === "edit" ? [event.changes] : []))).toContainEqual({
    checkpoint: "model.safetensors",
    tag: "release",
    notes,
  });
});

it("refuses what is no checkpoint, no tag, not whole, or not tagged", async () => {
  const { id } = run.record;
  const call = (checkpoint: string, body: object) => live.api.tagCheckpoint({ path: { id, checkpoint }, body: body as { tag: "release" } });
  await expect(call("nothing", { tag: "release" })).rejects.toMatchObject({ code: "not_found" });
  await expect(call("model.safetensors", { tag: "golden" })).rejects.toMatchObject({ code: "bad_request" });
  await expect(call(NAME, { tag: "release" })).rejects.toMatchObject({ code: "bad_checkpoint" });
  expect((await call(NAME, { tag: "archived" })).tags).toHaveLength(1);
  await expect(live.api.untagCheckpoint({ path: { id, checkpoint: NAME, tag: "release" } })).rejects.toMatchObject({
    code: "not_found",
  });
});
