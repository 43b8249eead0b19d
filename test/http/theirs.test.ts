/** Walks the table of docs/api.md that says which of our routes does what an endpoint of the five systems did, and calls each. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillPath } from "../../protocol/client.ts";
import type { Route } from "../../protocol/route.ts";
import { routes, type RouteName } from "../../protocol/routes.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { buildPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let fixture: PackageFixture;
let run: RunFolder;

beforeAll(async () => {
  fixture = await buildPackage();
  for (const name of ["node_modules", "package.json"]) await symlink(path.resolve(name), path.join(fixture.root, name));
  live = await LiveServer.folder();
  run = await live.addRun({ name: "theirs", project: "summaries", started_at: "2026-01-01T00:00:00.000Z" });
  await mkdir(run.paths.attempt(1).dir, { recursive: true });
  const metrics = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (let step = 1; step <= 3; step++) await metrics.append(1_767_225_600_000 + step * 1000, step, { loss: 1 / step });
  await metrics.close();
  const line = "INFO Step 500 - loss=1.86 lr=2e-5\n";
  await writeFile(run.paths.attempt(1).log, line);
  await writeFile(run.paths.attempt(1).logIndex, `${line.length} ${Date.parse("2024-01-02T10:00:00Z")}\n`);
  await writeFile(path.join(run.paths.artifacts, "metrics.json"), '{"loss": 0.3}');
  await writeFile(path.join(run.paths.checkpoints, "model.safetensors"), weights());
  await live.start({ packageRoot: fixture.root });
});
afterAll(async () => {
  await live.remove();
  await fixture.remove();
});

/** A whole checkpoint of weights alone. */
function weights(): Buffer {
  const head = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head, Buffer.alloc(4)]);
}

interface Request {
  readonly id?: string;
  readonly params?: Record<string, string>;
  readonly query?: string;
  readonly body?: unknown;
  /** The route's own, where it differs: what is asked for is refused, with this code. */
  readonly refused?: string;
  readonly answer?: object;
}

const command = (...argv: string[]) => ({ recipe: "command", project: "summaries", params: { command: argv } });
async function draft(...argv: string[]): Promise<string> {
  return (await live.client.call("createRun", { body: { spec: command(...argv), start: false } })).id;
}

/** What their examples ask for, in our words. */
const REQUESTS: Partial<Record<RouteName, () => Promise<Request> | Request>> = {
  listRuns: () => ({ query: "?project=summaries&filter=metrics.loss%20%3C%201&sort=-metrics.loss", answer: { total: 1 } }),
  createRun: () => ({
    body: { spec: { ...command("true"), name: "run-001", description: "Fine-tune on curated dataset", tags: ["phase-1"] } },
    answer: { name: "run-001", project: "summaries" },
  }),
  getRun: () => ({ answer: { name: "theirs", state: "completed", metrics: { loss: { last: 1 / 3 } } } }),
  editDraft: async () => ({ id: await draft("true"), body: { spec: { ...command("false"), name: "edited" } }, answer: { name: "edited" } }),
  deleteRun: async () => ({ id: await draft("true") }),
  startRun: async () => ({ id: await draft("true") }),
  cancelRun: async () => ({ id: await draft("sleep", "60"), body: { reason: "enough" }, answer: { state: "cancelled" } }),
  getSeries: () => ({ query: "?metrics=loss&format=json&from_step=1&to_step=2", answer: { series: [{ name: "loss", steps: [1, 2] }] } }),
  cloneRun: async () => ({ id: await draft("true"), body: {}, answer: { state: "draft" } }),
  checkName: () => ({ query: "?project=summaries&name=theirs", answer: { available: false } }),
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
  listProjects: () => ({}),
  getProject: () => ({ answer: { status: "active", name: "summaries" } }),
  listProjectRevisions: () => ({ answer: { revisions: [] } }),
  getLog: () => ({ query: "?page=1&page_size=50&start_time=2024-01-02T00:00:00Z", answer: { page: 1, page_size: 50, total: 1 } }),
  getRawLog: () => ({ query: "?attempt=1" }),
  listArtifacts: () => ({ answer: { artifacts: [{ name: "metrics.json", size_bytes: 13 }] } }),
  getArtifact: () => ({ query: "?path=metrics.json" }),
  previewArtifact: () => ({ query: "?path=metrics.json", answer: { kind: "json", value: { loss: 0.3 } } }),
  // That a resume trains on is tested where real trainings are; a command has no checkpoints of its own.
  resumeRun: async () => ({ id: await draft("true"), body: { mode: "fork", params: {} }, refused: "bad_checkpoint" }),
  tagCheckpoint: () => ({
    body: { tag: "release", notes: "Validated on hold-out set with BLEU 32.5" },
    answer: { tags: [{ tag: "release" }] },
  }),
  listFields: () => ({ query: "?project=summaries" }),
  refresh: () => ({}),
  getServer: () => ({ query: "?pretty=true" }),
  aggregate: () => ({ body: { group_by: ["record.project"], values: ["metrics.loss"] } }),
  histogram: () => ({ body: { field: "metrics.loss", bins: 4 }, answer: { count: 1 } }),
  exportRuns: () => ({ query: `?runs=${run.record.id}&format=wide` }),
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
const THEIRS: Readonly<Record<string, number>> = { "/experiments": 7, "/projects": 10, "/runs": 6, "/api/": 16, WS: 2, expman: 5 };

describe("the table of the five systems' endpoints", () => {
  it("has all of them", () => {
    const count = (start: RegExp): number => rows.filter(({ theirs }) => start.test(theirs)).length;
    expect(count(/^(GET|POST|PUT|DELETE) \/experiments/)).toBe(THEIRS["/experiments"]! + 1);
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
    const { id = run.record.id, query = "", body, answer, refused } = await ask();
    const url = fillPath(route.path, { id, project: "summaries", checkpoint: "model.safetensors" }) + query;
    const response = await live.fetch(url, { method: route.method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (refused !== undefined) {
      expect(JSON.parse(text)).toMatchObject({ error: { code: refused } });
      expect(route.errors).toContain(refused);
      return;
    }
    expect([response.status, text]).toEqual([route.status, expect.any(String)]);
    if (route.produces === "bytes") expect(text.length).toBeGreaterThan(0);
    else {
      expect(route.response.safeParse(JSON.parse(text)).error).toBeUndefined();
      expect(JSON.parse(text)).toMatchObject(answer ?? {});
    }
  });

  it("streams a run's points over one WebSocket", async () => {
    const stream = live.stream();
    const points = await new Promise<number>((resolve) => {
      stream.subscribe(
        { topic: "series", run: run.record.id, metrics: ["loss"], cursor: {} },
        {
          onFrame: (_, body) => {
            resolve(body.length);
          },
        },
      );
    });
    expect(points).toBeGreaterThan(0);
  });
});
