/** A file that somebody else wrote is opened in a thread that may fail without the server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inThread } from "../../server/preview/guarded.ts";

let folder: string;
let worker: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-preview-"));
  worker = path.join(folder, "worker.cjs");
  await build({
    entryPoints: ["server/preview/worker.ts"],
    outfile: worker,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("answers with the preview, or with what is wrong", async () => {
  const file = path.join(folder, "a.parquet");
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "x", data: [1, 2, 3], type: "DOUBLE" }] }));
  await writeFile(file, bytes);
  const request = { file, offset: 1, rows: 5 };
  expect(await inThread(worker, request)).toMatchObject({ preview: { row_count: 3, rows: [["2"], ["3"]] } });
  await writeFile(file, bytes.subarray(0, -20));
  expect(await inThread(worker, request)).toMatchObject({ problem: expect.any(String) as string });
});

it("survives a thread that takes all the memory it may have, or dies", async () => {
  const request = { file: "", offset: 0, rows: 1 };
  const greedy = path.join(folder, "greedy.cjs");
  await writeFile(greedy, "const all = []; for (;;) all.push(new Array(1e6).fill(0.5));");
  expect(await inThread(greedy, request)).toMatchObject({ problem: expect.stringMatching(/memory/i) as string });
  const mute = path.join(folder, "mute.cjs");
  await writeFile(mute, "process.exit(3);");
  expect(await inThread(mute, request)).toMatchObject({ problem: expect.stringContaining("ended") as string });
}, 30_000);
