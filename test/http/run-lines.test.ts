/** What the stream tells of the list of runs, and of all that is known of certain ones. */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import { ServerMessage, WS_PATH, WS_PROTOCOL, type Topic } from "../../protocol/messages.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { RunSummary } from "../../protocol/run.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { RunsFeed } from "../../server/http/stream/run-feeds.ts";
import type { OpenRuns } from "../../server/runs/types.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { summary } from "../catalog/summaries.ts";
import { eventually, LiveServer } from "./live-server.ts";

const METRICS = ["accuracy", ...Array.from({ length: 40 }, (_, n) => `eval/score_${String(n)}`), "eval/loss", "loss"];

let live: LiveServer;
let run: RunFolder;

beforeEach(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "watched", notes: "seen by nobody who looks at a list" });
  const { metrics, reportJsonl } = run.paths.attempt(1);
  const row = rowRecord(0, Date.UTC(2026, 0, 1), 7, METRICS.map((_, n) => n / 8)); // prettier-ignore
  await writeFile(metrics, Buffer.concat([fileHeader(), setRecord(0, METRICS), row]));
  const params = { ...Object.fromEntries(METRICS.map((name) => [name, "a value"])), optimizer: { name: "adamw" } };
  await appendFile(reportJsonl, `${JSON.stringify({ type: "params", time: 1, params })}\n`);
});
afterEach(async () => {
  await live.remove();
});

function listen(topic: Topic): ServerMessage[] {
  const messages: ServerMessage[] = [];
  live.stream().subscribe(topic, { onMessage: (message) => messages.push(message) });
  return messages;
}

function linesOf(messages: readonly ServerMessage[]): RunLine[] {
  return messages.flatMap((message) => (message.type === "runs" || message.type === "runs_changed" ? message.runs : []));
}

function removedOf(messages: readonly ServerMessage[]): RunId[] {
  return messages.flatMap((message) => (message.type === "runs_changed" ? message.removed : []));
}

const rename = (id: RunId, name: string) => live.client.call("editRun", { params: { id }, body: { name } });

describe("the list of runs", () => {
  it("is told of new, changed and removed runs, and of no others", async () => {
    const other = await live.addRun({ name: "other" });
    await live.start();
    const messages = listen({ topic: "runs" });
    const first = await eventually(() => messages[0]);
    expect(first.type).toBe("runs");
    expect(linesOf([first]).map(({ name }) => name).sort()).toEqual(["other", "watched"]); // prettier-ignore
    await rename(run.record.id, "renamed");
    await eventually(() => linesOf(messages).some(({ name }) => name === "renamed"), "the change");
    await live.client.call("deleteRun", { params: { id: run.record.id } });
    await eventually(() => removedOf(messages).includes(run.record.id), "the removal");
    expect(linesOf(messages.slice(1)).filter(({ id }) => id === other.record.id)).toEqual([]);
  });

  it("holds what lists show, whatever a run logs", async () => {
    await live.start();
    const messages = listen({ topic: "runs" });
    const [line] = linesOf([await eventually(() => messages[0])]);
    expect(line).toMatchObject({ name: "watched", state: "completed", headline: { name: "eval/loss", last: 5.125, last_step: 7 } });
    for (const left of ["metrics", "params", "notes", "failure", "git", "store"]) expect(line).not.toHaveProperty(left);
    expect(JSON.stringify(line).length).toBeLessThan(900);
  });

  it("holds the metrics and params that are asked for, at first and with each change", async () => {
    await live.start();
    const messages = listen({ topic: "runs", metrics: ["loss", "toString", "no such"], params: ["optimizer", "no such"] });
    await eventually(() => messages[0]);
    await rename(run.record.id, "renamed");
    await eventually(() => messages[1], "the change");
    const lines = linesOf(messages);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      expect(line.metrics).toEqual({ loss: expect.objectContaining({ last: 5.25, count: 1 }) as unknown });
      expect(line.params).toEqual({ optimizer: { name: "adamw" } });
    }
  });

  it("refuses to hold everything", async () => {
    await live.start();
    const errors: string[] = [];
    const socket = new WebSocket(live.server.url.replace("http", "ws") + WS_PATH, [WS_PROTOCOL, `bearer.${live.server.token}`]);
    socket.on("message", (data: Buffer) => {
      const message = ServerMessage.parse(JSON.parse(data.toString("utf8")));
      if (message.type === "error") errors.push(message.code);
    });
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "subscribe", id: 1, topic: { topic: "runs", metrics: METRICS } }));
    });
    await eventually(() => errors[0], "the refusal");
    socket.close();
    expect(errors).toEqual(["bad_request"]);
  });

  it("holds the same of a run that has left memory", async () => {
    await live.start();
    const lines = async (): Promise<RunLine[]> => {
      const messages = listen({ topic: "runs" });
      return linesOf([await eventually(() => messages[0])]);
    };
    const before = await lines();
    const index = path.join(live.store, ".server", "runs.index");
    await expect.poll(() => readFile(index, "utf8")).toContain(run.record.id);
    expect(await lines()).toEqual(before);
    expect(before[0]).toMatchObject({ name: "watched", headline: { name: "eval/loss" } });
  });

  it("has no lines at first for who asks for pages, and tells of changes", async () => {
    await live.start();
    const messages = listen({ topic: "runs", changes_only: true });
    expect(await eventually(() => messages[0])).toMatchObject({ type: "runs", runs: [] });
    await rename(run.record.id, "renamed");
    await eventually(() => linesOf(messages).some(({ name }) => name === "renamed"), "the change");
  });

  it("tells of a change of everything in messages of some hundred lines", async () => {
    const all = new Map(Array.from({ length: 1200 }, (_, n) => summary(n)).map((each) => [each.id, each]));
    const lines = new Map([...all].map(([id, each]) => [id, lineOf(each)]));
    const feed = new RunsFeed(1, { topic: "runs", changes_only: true }, { line: (id: RunId) => lines.get(id) } as OpenRuns);
    const sent: ServerMessage[] = [];
    const sink = { message: (message: ServerMessage) => sent.push(message), frame: () => undefined };
    await feed.flush(sink);
    for (const each of all.values()) feed.changed({ type: "summary", run: each });
    const gone = newRunId();
    feed.changed({ type: "removed", id: gone });
    while (feed.dirty) await feed.flush(sink);
    expect(sent.map((message) => linesOf([message]).length)).toEqual([0, 500, 500, 200]);
    expect(new Set(linesOf(sent).map(({ id }) => id))).toEqual(new Set(all.keys()));
    expect(removedOf(sent)).toEqual([gone]);
  });
});

describe("summaries of certain runs", () => {
  it("come whole, first of all that are asked for, then of those that changed", async () => {
    const other = await live.addRun({ name: "other" });
    await live.start();
    const absent = newRunId();
    const messages = listen({ topic: "summaries", runs: [run.record.id, absent] });
    const summaries = () => messages.filter((message) => message.type === "summaries");
    const first = await eventually(() => summaries()[0]);
    expect(first).toMatchObject({ runs: [{ name: "watched", notes: "seen by nobody who looks at a list" }], missing: [absent] });
    expect(Object.keys(RunSummary.parse(first.runs[0]).metrics)).toHaveLength(METRICS.length);
    await rename(other.record.id, "not asked for");
    await rename(run.record.id, "renamed");
    await eventually(() => summaries().some(({ runs }) => runs[0]?.name === "renamed"), "the change");
    await live.client.call("deleteRun", { params: { id: run.record.id } });
    await eventually(() => summaries().some(({ missing }) => missing.includes(run.record.id)), "the removal");
    expect(summaries().flatMap(({ runs }) => runs).filter(({ id }) => id === other.record.id)).toEqual([]); // prettier-ignore
  });
});
