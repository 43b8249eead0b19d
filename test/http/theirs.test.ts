/** Walks the table of docs/api.md that says which of our routes does what an endpoint of the five systems did, and calls each. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillPath } from "../../protocol/client.ts";
import type { Route } from "../../protocol/route.ts";
import { routes, type RouteName } from "../../protocol/routes.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { buildServedPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { leaveCheckpoint, weights } from "../store/fixtures.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let fixture: PackageFixture;
let run: RunFolder;

beforeAll(async () => {
  fixture = await buildServedPackage();
  live = await LiveServer.folder();
  run = await live.addRun({ name: "theirs", project: "summaries", experiment: "articles", started_at: "2026-01-01T00:00:00.000Z" });
  await mkdir(run.paths.attempt(1).dir, { recursive: true });
  const metrics = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (let step = 1; step <= 3; step++) await metrics.append(1_767_225_600_000 + step * 1000, step, { loss: 1 / step });
  await metrics.close();
  const line = "INFO Step 500 - loss=1.86 lr=2e-5\n";
  await writeFile(run.paths.attempt(1).log, line);
  await writeFile(run.paths.attempt(1).logIndex, `${line.length} ${Date.parse("2024-01-02T10:00:00Z")}\n`);
  await writeFile(path.join(run.paths.artifacts, "metrics.json"), '{"loss": 0.3}');
  await writeFile(path.join(run.paths.checkpoints, "model.safetensors"), weights());
  await writeFile(path.join(live.root, SCRIPT), SCRIPT_TEXT);
  await live.start({ packageRoot: fixture.root });
});
afterAll(async () => {
  await live.remove();
  await fixture.remove();
});

interface Request {
  readonly id?: string;
  readonly params?: Record<string, string>;
  readonly query?: string;
  readonly body?: unknown;
  readonly answer?: object;
  /** What the answer's text has to be like, where it is no JSON or where its form counts. */
  readonly text?: RegExp;
  /** What has come of it, once it was answered. */
  readonly after?: (answer: unknown) => Promise<void>;
}

const SCRIPT = "train.py";
/** Says what it was given, as a training would take it. */
const SCRIPT_TEXT = 'import os, sys\nprint(os.environ.get("CUDA_VISIBLE_DEVICES"), *sys.argv[1:])\n';
const command = (...argv: string[]) => ({ recipe: "command", project: "summaries", params: { command: argv } });
async function draft(...argv: string[]): Promise<string> {
  return (await live.client.call("createRun", { body: { spec: command(...argv), start: false } })).id;
}

/** A run that went on from a checkpoint of another: their `source_artifact_id` and the hyperparameters that differ. */
async function resumable(): Promise<{ id: string; checkpoint: string }> {
  const { id, run_dir } = await live.client.call("createRun", { body: { spec: command("true") } });
  await ended(id);
  await leaveCheckpoint(run_dir, 40);
  await live.client.call("refresh");
  const { checkpoints } = await live.client.call("listCheckpoints", { params: { id } });
  return { id, checkpoint: checkpoints[0]?.id ?? "" };
}

/** Two runs that wait, while the queue is paused. */
async function twoWaiting(): Promise<{ first: string; last: string }> {
  await live.client.call("changeQueue", { body: { paused: true } });
  const join = async (): Promise<string> => (await live.client.call("createRun", { body: { spec: command("true"), queue: true } })).id;
  return { first: await join(), last: await join() };
}

async function letGo(): Promise<void> {
  await live.client.call("changeQueue", { body: { paused: false } });
  await expect.poll(async () => (await live.client.call("getQueue")).waiting).toEqual([]);
}

async function ended(id: string): Promise<void> {
  await expect.poll(async () => (await live.client.call("getRun", { params: { id } })).ended_at).not.toBeNull();
}

/** What their examples ask for, in our words. */
const REQUESTS: Partial<Record<RouteName, () => Promise<Request> | Request>> = {
  listRuns: () => ({ query: "?project=summaries&filter=metrics.loss%20%3C%201&sort=-metrics.loss", answer: { total: 1 } }),
  createRun: () => ({
    body: {
      spec: {
        ...{ recipe: "script", project: "summaries", name: "run-001", description: "Fine-tune on curated dataset", tags: ["phase-1"] },
        params: { script: SCRIPT, args: ["--dataset", "articles.jsonl", "--max_steps=10000", "--learning_rate=2e-5", "--batch_size=32"] },
        launch: { kind: "local", gpus: ["0", "1"] },
        seed: 7,
      },
      base_dir: live.root,
    },
    answer: { name: "run-001", project: "summaries", seed: 7, spec: { launch: { gpus: ["0", "1"] }, params: { script: SCRIPT } } },
    after: async (answer) => {
      const { id } = answer as { id: string };
      await ended(id);
      const { lines } = await live.client.call("getLog", { params: { id } });
      expect(lines.map(({ text }) => text)).toEqual([
        "0,1 --dataset articles.jsonl --max_steps=10000 --learning_rate=2e-5 --batch_size=32",
      ]);
    },
  }),
  getRun: () => ({ answer: { name: "theirs", state: "completed", metrics: { loss: { last: 1 / 3 } } } }),
  editDraft: async () => ({ id: await draft("true"), body: { spec: { ...command("false"), name: "edited" } }, answer: { name: "edited" } }),
  deleteRun: async () => {
    const id = await draft("true");
    return {
      id,
      after: async () => {
        expect((await live.fetch(`/api/runs/${id}`)).status).toBe(404);
        expect((await live.client.call("listTrash")).runs.map((trashed) => trashed.run)).toContain(id);
      },
    };
  },
  startRun: async () => {
    const id = await draft("true");
    return { id, answer: { id }, after: () => ended(id) };
  },
  cancelRun: async () => {
    const { id } = await live.client.call("createRun", { body: { spec: command("sleep", "60") } });
    await expect.poll(async () => (await live.client.call("getRun", { params: { id } })).state).toBe("running");
    const state = async (): Promise<string> => {
      await ended(id);
      return (await live.client.call("getRun", { params: { id } })).state;
    };
    return {
      id,
      body: { reason: "enough" },
      answer: { id },
      after: async () => {
        expect(await state()).toBe("cancelled");
      },
    };
  },
  getSeries: () => ({
    query: "?metrics=loss&format=json&from_step=1&to_step=2",
    answer: { series: [{ name: "loss", steps: [1, 2], values: [1, 0.5] }] },
  }),
  cloneRun: async () => ({ id: await draft("true"), body: {}, answer: { state: "draft" } }),
  getQueue: () => ({ answer: { concurrency: 1, paused_at: null, running: [], waiting: [] } }),
  enqueueRun: async () => {
    const id = await draft("true");
    return { id, answer: { id, queue: { attempt: null } }, after: () => ended(id) };
  },
  changeQueue: () => ({ body: { concurrency: 2, paused: false }, answer: { concurrency: 2, paused_at: null } }),
  moveInQueue: async () => {
    const { first, last } = await twoWaiting();
    return {
      id: last,
      body: { before: first },
      answer: {
        waiting: [
          { id: last, position: 1 },
          { id: first, position: 2 },
        ],
      },
      after: letGo,
    };
  },
  dequeueRun: async () => {
    const { first } = await twoWaiting();
    return { id: first, answer: { id: first, state: "draft", queue: { left: "removed" } }, after: letGo };
  },
  getQueueHistory: async () => {
    const { id } = await live.client.call("createRun", { body: { spec: command("true"), queue: true } });
    await ended(id);
    return { query: "?project=summaries&limit=1", answer: { entries: [{ id, left: "started", state: "completed" }] } };
  },
  checkName: () => ({ query: "?project=summaries&name=theirs", answer: { available: false, suggestion: "theirs 2" } }),
  compareRuns: async () => ({ query: `?runs=${run.record.id},${await draft("true")}`, answer: { runs: [{ name: "theirs" }, {}] } }),
  dryRun: () => ({ body: { spec: command("true", "--lr", "2e-5") }, answer: { command: ["true", "--lr", "2e-5"] } }),
  createProject: () => ({
    body: {
      title: `Text Summarization ${String(++projects)}`,
      description: "Summarize scientific articles",
      objective: "Reduce reading time",
      task_type: "summarization",
      base_model: "llama-2-13b",
      owner: "alice",
      tags: ["research", "phase-1"],
      defaults: { learning_rate: 3e-5, batch_size: 16 },
    },
    answer: { status: "draft", owner: "alice", name: `text-summarization-${String(projects)}` },
  }),
  listProjects: () => ({ answer: { projects: expect.arrayContaining([expect.objectContaining({ name: "summaries" })]) as object[] } }),
  getProject: () => ({
    answer: {
      status: "active",
      name: "summaries",
      runs: expect.arrayContaining([expect.objectContaining({ name: "theirs" })]) as object[],
    },
  }),
  listExperiments: () => ({ query: "?project=summaries", answer: { experiments: [{ name: "articles", run_count: 1 }] } }),
  listManifests: () => ({ answer: { manifests: [{ time: "2026-01-01T00:00:00.000Z", runs: [run.record.id] }] } }),
  getManifest: () => ({ params: { time: "2026-01-31T12:00:00Z" }, answer: { time: "2026-01-01T00:00:00.000Z", runs: [run.record.id] } }),
  getLog: () => ({
    query: "?page=1&page_size=50&start_time=2024-01-02T10:00:00Z&end_time=2024-01-02T10:00:01Z&level=info",
    answer: {
      page: 1,
      page_size: 50,
      total: 1,
      lines: [{ level: "info", text: "INFO Step 500 - loss=1.86 lr=2e-5", time: Date.parse("2024-01-02T10:00:00Z") }],
    },
    after: async () => {
      const before = await live.client.call("getLog", { params: { id: run.record.id }, query: { end_time: "2024-01-02T10:00:00Z" } });
      expect(before.total).toBe(0);
    },
  }),
  getRawLog: () => ({ query: "?attempt=1", text: /^INFO Step 500 - loss=1\.86 lr=2e-5\n$/ }),
  listArtifacts: () => ({ answer: { artifacts: [{ name: "metrics.json", size_bytes: 13 }] } }),
  getArtifact: () => ({ query: "?path=metrics.json", text: /^\{"loss": 0\.3\}$/ }),
  previewArtifact: () => ({ query: "?path=metrics.json", answer: { kind: "json", value: { loss: 0.3 } } }),
  resumeRun: async () => {
    const { id, checkpoint } = await resumable();
    return {
      id,
      body: { mode: "fork", checkpoint, params: { command: ["true", "--learning_rate", "1e-5"] }, name: "run-002" },
      answer: {
        name: "run-002",
        parent: { run: id, checkpoint: "step-40.safetensors", step: 40 },
        params: { command: ["true", "--learning_rate", "1e-5"] },
      },
    };
  },
  tagCheckpoint: () => ({
    body: { tag: "release", notes: "Validated on hold-out set with BLEU 32.5" },
    answer: { tags: [{ tag: "release" }] },
  }),
  listFields: () => ({
    query: "?project=summaries",
    answer: {
      fields: expect.arrayContaining([
        expect.objectContaining({ name: "metrics.loss", type: "numeric", count: 1, min: 1 / 3, max: 1 / 3 }),
      ]) as object[],
    },
  }),
  refresh: () => ({ answer: { problems: [] } }),
  getServer: () => ({ query: "?pretty=true", answer: { store: live.store, read_only: false }, text: /^\{\n {2}"version": / }),
  aggregate: () => ({
    body: { group_by: ["record.project"], values: ["metrics.loss"], filter: "record.name = 'theirs'" },
    answer: { groups: [{ key: ["summaries"], runs: 1, values: { "metrics.loss": { count: 1, mean: 1 / 3, std: null } } }], total: 1 },
  }),
  histogram: () => ({ body: { field: "metrics.loss", bins: 4 }, answer: { count: 1 } }),
  exportRuns: () => ({ query: `?runs=${run.record.id}&format=wide`, text: /^run,name,attempt,step,time,loss\nrun_\w+,theirs,1,1,\d+,1\n/ }),
  editRun: async () => ({
    id: await draft("true"),
    body: { name: "named", description: "what", notes: "why", tags: ["candidate"], starred: true },
    answer: { name: "named", description: "what", notes: "why", tags: ["candidate"], starred: true },
  }),
  getStatistics: () => ({
    query: "?project=summaries&filter=record.name%20%3D%20%27theirs%27",
    answer: { runs: 1, points: 3, states: { completed: 1 } },
  }),
  getOpenApi: () => ({ answer: { openapi: "3.1.0" } }),
};
let projects = 0;

const document = await readFile("docs/api.md", "utf8");
const table = document.slice(document.indexOf("<!-- theirs -->"), document.indexOf("<!-- /theirs -->"));
const rows = [...table.matchAll(/^\|[^|]*\| `([^`]+)`\s*\| `([^`]+)` \(`(\w+)`\)/gm)].map(([, theirs = "", ours = "", name = ""]) => ({
  theirs,
  ours,
  name,
}));

/** Every endpoint and command that the five systems describe. */
const THEIRS: Readonly<Record<string, number>> = { "/experiments": 8, "/projects": 10, "/runs": 6, "/api/": 16, WS: 2, expman: 5 };

describe("the table of the five systems' endpoints", () => {
  it("has all of them", () => {
    const count = (start: RegExp): number => rows.filter(({ theirs }) => start.test(theirs)).length;
    expect(count(/^(GET|POST|PUT|DELETE) \/experiments/)).toBe(THEIRS["/experiments"]);
    expect(count(/^(GET|POST) \/projects/)).toBe(THEIRS["/projects"]);
    expect(count(/^(GET|POST) \/runs/)).toBe(THEIRS["/runs"]);
    expect(count(/^(GET|POST) \/api\//)).toBe(THEIRS["/api/"]);
    expect(count(/^WS /)).toBe(THEIRS["WS"]);
    expect(count(/^expman /)).toBe(THEIRS["expman"]);
  });

  it.each(rows.filter(({ name }) => name !== "stream"))("$theirs → $ours", async ({ ours, name }) => {
    const route: Route | undefined = (routes as Record<string, Route>)[name];
    expect(`${route?.method ?? ""} ${route?.path ?? ""}`).toBe(ours);
    const ask = REQUESTS[name as RouteName];
    if (route === undefined || ask === undefined) throw new Error(`no example for ${name}`);
    const { id = run.record.id, query = "", body, answer, text: like, after, params = {} } = await ask();
    const url =
      fillPath(route.path, { id, project: "summaries", experiment: "articles", checkpoint: "model.safetensors", ...params }) + query;
    const response = await live.fetch(url, { method: route.method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    expect([response.status, text]).toEqual([route.status, expect.any(String)]);
    if (like !== undefined) expect(text).toMatch(like);
    // An example says what has to come of it.
    if (route.produces === "bytes") {
      expect(like).toBeDefined();
      return;
    }
    expect(answer ?? after).toBeDefined();
    expect(route.response.safeParse(JSON.parse(text)).error).toBeUndefined();
    expect(JSON.parse(text)).toMatchObject(answer ?? {});
    await after?.(JSON.parse(text));
  });

  it("streams a run's state, points, log and the machine over one WebSocket, to its end", async () => {
    const { id } = await live.client.call("createRun", { body: { spec: command("sh", "-c", "echo hello; sleep 60") } });
    const stream = live.stream();
    const seen = { states: new Set<string>(), log: "", samples: 0, points: 0, ended: false };
    stream.subscribe({ topic: "run", run: id }, { onMessage: (message) => message.type === "run" && seen.states.add(message.run.state) });
    stream.subscribe(
      { topic: "log", run: id, attempt: 1, offset: 0 },
      {
        onMessage: (message) => {
          if (message.type === "log") seen.log += message.text;
          if (message.type === "end") seen.ended = true;
        },
      },
    );
    stream.subscribe({ topic: "system" }, { onMessage: (message) => message.type === "system" && seen.samples++ });
    const onFrame = (_: unknown, body: Uint8Array): number => (seen.points = body.length);
    stream.subscribe({ topic: "series", run: run.record.id, metrics: ["loss"], cursor: {} }, { onFrame });
    await expect.poll(() => seen.log).toBe("hello\n");
    await live.client.call("cancelRun", { params: { id }, body: {} });
    await expect.poll(() => [...seen.states]).toContain("cancelled");
    await expect.poll(() => [seen.ended, seen.samples > 0, seen.points > 0]).toEqual([true, true, true]);
  });
});
