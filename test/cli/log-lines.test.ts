/** Which lines `trainyard logs` shows, from a run folder without a server. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openStoreReader } from "../../cli/store-reader.ts";
import type { LogRequest } from "../../cli/reader.ts";
import { LiveServer } from "../http/live-server.ts";

const START = Date.UTC(2026, 0, 2, 10);
let live: LiveServer;
let id: string;
beforeAll(async () => {
  live = await LiveServer.folder();
  const { paths, record } = await live.addRun();
  id = record.id;
  // A line a minute, each three bytes long.
  await writeFile(paths.attempt(1).log, "00\n01\n02\n03\n04\n");
  await writeFile(paths.attempt(1).logIndex, [1, 2, 3, 4, 5].map((n) => `${String(3 * n)} ${String(START + (n - 1) * 60_000)}\n`).join(""));
});
afterAll(() => live.remove());

async function lines(request: Partial<LogRequest>): Promise<string[]> {
  const reader = await openStoreReader(live.store);
  try {
    return (await reader.log(id, { lines: 200, live: false, ...request })).lines.map((line) => line.text);
  } finally {
    await reader.close();
  }
}

it("shows the newest lines, or those of a range of time", async () => {
  expect(await lines({ lines: 2 })).toEqual(["03", "04"]);
  expect(await lines({ time: "last 2 min" })).toEqual(["02", "03", "04"]);
  expect(await lines({ time: "first 2 min" })).toEqual(["00", "01"]);
  expect(await lines({ time: "2026-01-02T10:01:00Z–2026-01-02T10:04:00Z", lines: 2 })).toEqual(["02", "03"]);
  await expect(lines({ time: "soon" })).rejects.toMatchObject({ code: "bad_request", message: "“soon” is not a range of time" });
});
