/** What lies where a file of a run should be, and is none: nothing waits for it, nothing ends by it, and it is named. */
import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../protocol/errors.ts";
import { ExportFormat } from "../../protocol/export.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

const KINDS: readonly [string, (place: string) => Promise<void> | void][] = [
  // Nobody writes into it: to open it is to wait. More of them than Node has threads for files.
  ["a pipe", (place) => void execFileSync("mkfifo", [place])],
  ["a folder", (place) => mkdir(place)],
  ["a link to itself", (place) => symlink(path.basename(place), place)],
  ["a link to a device without an end", (place) => symlink("/dev/zero", place)],
];

let live: LiveServer;
const runs = new Map<string, RunFolder>();
let ringed: RunFolder;
beforeAll(async () => {
  live = await LiveServer.folder();
  for (const [kind, make] of KINDS) {
    const run = await live.addRun({ name: kind, project: "inputs" });
    runs.set(kind, run);
    const { specYaml, resolvedJson, eventsJsonl, gitPatch, checkpointTags, artifacts, checkpoints } = run.paths;
    const { metrics, system, log, logIndex, reportJsonl, exitJson, attemptJson } = run.paths.attempt(1);
    const checkpoint = path.join(checkpoints, "checkpoint-5");
    await mkdir(checkpoint, { recursive: true });
    const inCheckpoint = ["model.safetensors.index.json", "trainer_state.json", "config.json"].map((name) => path.join(checkpoint, name));
    for (const place of [
      ...[specYaml, resolvedJson, eventsJsonl, gitPatch, checkpointTags, path.join(artifacts, "notes.txt"), ...inCheckpoint],
      ...[metrics, system, log, logIndex, reportJsonl, exitJson, attemptJson],
    ]) {
      await rm(place, { force: true });
      await make(place);
    }
  }
  ringed = await live.addRun({ name: "in a ring", project: "inputs" });
  await rm(ringed.paths.runJson);
  await symlink("run.json", ringed.paths.runJson);
  await live.start();
});
afterAll(() => live.remove());

async function answered(url: string, init: RequestInit = {}): Promise<void> {
  const response = await live.fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  expect([url, response.status < 500, text]).toEqual([url, true, text]);
  if (!response.ok) expect(ApiError.parse(JSON.parse(text)).error.message).not.toBe("");
}

const post = (body: object): RequestInit => ({ method: "POST", body: JSON.stringify(body) });

describe.each(KINDS.map(([kind]) => kind))("%s where the files of a run should be", (kind) => {
  it("leaves every question about it answered, and the run in the list", async () => {
    const { id } = runs.get(kind)!.record;
    for (const url of [
      ...["", "/events", "/metrics", "/series?metrics=*", "/system?metrics=*", "/log", "/log?search=a", "/log/raw", "/derived"],
      ...["/checkpoints", "/artifacts", "/artifacts/content?path=notes.txt", "/artifacts/preview?path=notes.txt"],
    ])
      await answered(`/api/runs/${id}${url}`);
    for (const format of ExportFormat.options) await answered(`/api/export?runs=${id}&format=${format}`);
    await answered(`/api/compare?runs=${id}`);
    for (const [url, body] of [
      ["clone", { start: false }],
      ["resume", { mode: "continue" }],
      ["retention", { rule: { keep_last: 1 } }],
    ] as const)
      await answered(`/api/runs/${id}/${url}`, post(body));
    await answered(`/api/runs/${id}`, { method: "PATCH", body: JSON.stringify({ notes: "seen" }) });
    expect((await live.api.listRuns({ query: { search: id } })).total).toBe(1);
  });
});

it("a run whose record is a link to itself is refused by name, whoever asks for its parts at once", async () => {
  // What one part throws must leave no other behind that nobody waits for: that would end the server.
  for (const [url, body] of [
    ["clone", {}],
    ["resume", { mode: "continue" }],
    ["start", {}],
  ] as const) {
    const response = await live.fetch(`/api/runs/${ringed.record.id}/${url}`, post(body));
    const { error } = ApiError.parse(await response.json());
    expect([url, response.status < 500, error.message]).toEqual([url, true, expect.stringContaining(ringed.record.id) as string]);
  }
});
