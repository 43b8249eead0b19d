/** What cannot be answered is refused with a code, what is wrong and where; whatever is asked, nothing is answered with a 500. */
import { chmod, chown, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../protocol/errors.ts";
import type { ApiRefusal } from "../../protocol/generated/api-client.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

/** More than 32 bits count, and sparse: it takes no room on the disk. */
const HUGE_BYTES = 5 * 1024 ** 3;
const HUGE = ["model.bin", "table.csv", "values.json", "points.npy", "table.parquet", "model.safetensors", "notes.txt", "plot.png"];
/** How much of a huge file is downloaded; TRAINYARD_TEST_DOWNLOAD=whole takes all of it. */
const DOWNLOADED_BYTES = process.env["TRAINYARD_TEST_DOWNLOAD"] === "whole" ? HUGE_BYTES : 768 * 1024 ** 2;
const MIB = 1024 ** 2;

let live: LiveServer;
let run: RunFolder;
beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "known", project: "inputs", seed: 3 });
  const metrics = await MetricFileWriter.open(run.paths.attempt(1).metrics);
  for (let step = 1; step <= 5; step++) await metrics.append(1_767_225_600_000 + step, step, { "eval/loss": 1 / step });
  await metrics.close();
  await writeFile(run.paths.attempt(1).log, "one\ntwo\n");
  for (const name of HUGE) {
    const file = await open(path.join(run.paths.artifacts, name), "w");
    await file.truncate(HUGE_BYTES);
    await file.close();
  }
  await live.start();
});
afterAll(() => live.remove());

async function refusal(asked: Promise<unknown>): Promise<ApiRefusal> {
  return asked.then(
    (answer) => {
      throw new Error(`it was answered: ${JSON.stringify(answer).slice(0, 200)}`);
    },
    (error: unknown) => error as ApiRefusal,
  );
}

describe("questions over the catalogue", () => {
  const fields: [string, (field: string) => Promise<unknown>][] = [
    ["filter", (field) => live.api.listRuns({ query: { filter: `${field} < 1` } })],
    ["fields", (field) => live.api.queryRuns({ body: { fields: [field] } })],
    ["sort", (field) => live.api.queryRuns({ body: { fields: ["record.id"], sort: [`-${field}`] } })],
    ["group_by", (field) => live.api.aggregate({ body: { group_by: [field], values: ["record.seed"] } })],
    ["values", (field) => live.api.aggregate({ body: { values: [field] } })],
    ["field", (field) => live.api.histogram({ body: { field } })],
    ["field", (field) => live.api.listFieldValues({ query: { field } })],
    ["expression", (field) => live.api.evaluate({ body: { expression: `${field} * 2` } })],
  ];
  it.each(fields)("name the field that no run has (%s)", async (part, ask) => {
    const { status, code, message, hint, problems } = await refusal(ask("metrics.eval/los"));
    expect([status, code]).toEqual([400, "bad_request"]);
    expect(message).toContain("metrics.eval/los");
    expect(hint).toContain("metrics.eval/loss");
    expect(problems[0]?.field).toBe(part);
  });

  it.each([
    ["record.seed >", 13],
    ["record.seed > 1 and", 19],
    ["(record.seed > 1", 16],
    ["record.seed = 'open", 14],
    ["record.seed ~~ 1", 13],
  ])("say where a filter breaks off: %s", async (filter, start) => {
    for (const asked of [
      live.api.listRuns({ query: { filter } }),
      live.api.listFields({ query: { filter } }),
      live.api.getStatistics({ query: { filter } }),
      live.api.queryRuns({ body: { fields: ["record.id"], filter } }),
      live.api.histogram({ body: { field: "record.seed", filter } }),
    ]) {
      const { status, problems } = await refusal(asked);
      expect([status, problems[0]?.field, problems[0]?.span?.start]).toEqual([400, "filter", start]);
    }
  });

  it("refuse derived metrics that form a ring, and keep those that there were", async () => {
    const project = { path: { project: "inputs" } };
    await live.api.editProject({ ...project, body: { derived: { fine: "record.seed + 1" } } });
    const ring = { a: "derived.b + 1", b: "derived.c", c: "derived.a" };
    const { status, message } = await refusal(live.api.editProject({ ...project, body: { derived: ring } }));
    expect(status).toBe(400);
    expect(message).toMatch(/^derived\.[abc]: it builds on itself: ([abc] → ){3}[abc]/);
    expect((await refusal(live.api.editProject({ ...project, body: { derived: { self: "derived.self" } } }))).code).toBe("bad_request");
    expect((await live.api.getProject(project)).derived).toEqual({ fine: "record.seed + 1" });
    expect((await live.api.evaluate({ body: { expression: "derived.fine" } })).values[0]?.value).toBe(4);
  });
});

describe("pages and ranges", () => {
  const id = (): { id: string } => ({ id: run.record.id });
  it.each<[string, () => string, string]>([
    ["a page of a billion runs", () => "/api/runs?limit=1000000000", "limit"],
    ["a page before the first", () => "/api/runs?offset=-1", "offset"],
    ["a page of no runs", () => "/api/runs?limit=0", "limit"],
    ["half a page", () => "/api/runs?limit=1.5", "limit"],
    ["501 lines", () => `/api/runs/${id().id}/log?page_size=501`, "page_size"],
    ["page 0 of the log", () => `/api/runs/${id().id}/log?page=0`, "page"],
    ["lines before the first", () => `/api/runs/${id().id}/log?page=-3`, "page"],
    ["a time that is none", () => `/api/runs/${id().id}/log?start_time=yesterday`, "start_time"],
    ["bytes before the first", () => `/api/runs/${id().id}/log/raw?offset=-1`, "offset"],
    ["a negative number of points", () => `/api/runs/${id().id}/series?metrics=eval/loss&max_points=-1`, "max_points"],
    ["steps backwards", () => `/api/runs/${id().id}/series?metrics=eval/loss&from_step=5&to_step=2`, "to_step"],
    ["times backwards", () => `/api/runs/${id().id}/log?start_time=2026-02-01T00:00:00Z&end_time=2026-01-01T00:00:00Z`, "end_time"],
  ])("%s", async (_, url, field) => {
    const response = await live.fetch(url());
    const { error } = ApiError.parse(await response.json());
    expect([response.status, error.code]).toEqual([400, "bad_request"]);
    expect(error.problems.map((problem) => problem.field)).toContain(field);
  });

  it.each([
    ["limit", { limit: 1e9 }],
    ["offset", { offset: -5 }],
  ])("in a table: %s", async (field, page) => {
    expect((await refusal(live.api.queryRuns({ body: { fields: ["record.id"], ...page } }))).problems[0]?.field).toBe(field);
  });

  it.each([
    ["from high to low", { range: [3, 1] as [number, number] }, "range"],
    ["of one point", { range: [1, 1] as [number, number] }, "range"],
    ["in a billion bins", { bins: 1e9 }, "bins"],
    ["in minus one bin", { bins: -1 }, "bins"],
  ])("a histogram %s", async (_, part, field) => {
    const { status, problems } = await refusal(live.api.histogram({ body: { field: "record.seed", ...part } }));
    expect([status, problems[0]?.field]).toEqual([400, field]);
  });

  it("behind the last are empty, and say how many there are", async () => {
    expect(await live.api.listRuns({ query: { offset: 10_000_000 } })).toMatchObject({ runs: [], total: 1 });
    expect(await live.api.getLog({ path: id(), query: { page: 1_000_000 } })).toMatchObject({ lines: [], total: 2 });
  });
});

describe("artifacts of 5 GiB", () => {
  const url = (name: string): string => `/api/runs/${run.record.id}/artifacts/content?path=${name}`;

  it("are listed with their sizes, and any part of them can be had", async () => {
    const { artifacts } = await live.api.listArtifacts({ path: { id: run.record.id } });
    expect(artifacts.map((one) => one.size_bytes)).toEqual(HUGE.map(() => HUGE_BYTES));
    const part = async (range: string): Promise<[number, string | null, number]> => {
      const response = await live.fetch(url("model.bin"), { headers: { range } });
      return [response.status, response.headers.get("content-range"), (await response.arrayBuffer()).byteLength];
    };
    expect(await part(`bytes=${HUGE_BYTES - 3}-`)).toEqual([206, `bytes ${HUGE_BYTES - 3}-${HUGE_BYTES - 1}/${HUGE_BYTES}`, 3]);
    expect(await part("bytes=-2")).toEqual([206, `bytes ${HUGE_BYTES - 2}-${HUGE_BYTES - 1}/${HUGE_BYTES}`, 2]);
    expect(await part(`bytes=${2 ** 32}-${2 ** 32 + 9}`)).toEqual([206, `bytes ${2 ** 32}-${2 ** 32 + 9}/${HUGE_BYTES}`, 10]);
    expect(await part(`bytes=${HUGE_BYTES}-`)).toEqual([416, `bytes */${HUGE_BYTES}`, 0]);
  });

  it("are previewed in part or refused, never read whole", async () => {
    for (const name of HUGE) {
      const response = await live.fetch(`/api/runs/${run.record.id}/artifacts/preview?path=${name}`);
      expect([name, response.status]).toEqual([name, response.status === 200 ? 200 : 400]);
      expect((await response.arrayBuffer()).byteLength).toBeLessThan(2 * MIB);
    }
  });

  it("are broken off where they are cut while they are sent, so that nobody waits for the rest", async () => {
    const file = path.join(run.paths.artifacts, "shrinking.bin");
    const resize = async (bytes: number): Promise<void> => {
      const handle = await open(file, "a");
      await handle.truncate(bytes);
      await handle.close();
    };
    await resize(HUGE_BYTES);
    const response = await live.fetch(url("shrinking.bin"));
    const reader = response.body!.getReader();
    await reader.read();
    await resize(0);
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toThrow();
    await rm(file);
  });

  it("are downloaded in bounded memory", async () => {
    const response = await live.fetch(url("model.bin"));
    expect(response.headers.get("content-length")).toBe(String(HUGE_BYTES));
    const before = process.memoryUsage().rss;
    let [received, most, measured] = [0, 0, 0];
    for await (const piece of response.body!) {
      received += piece.byteLength;
      if (received - measured < 16 * MIB) continue;
      measured = received;
      most = Math.max(most, process.memoryUsage().rss - before);
      if (received >= DOWNLOADED_BYTES) break;
    }
    expect(received).toBeGreaterThanOrEqual(DOWNLOADED_BYTES);
    // Server and client are in this process, the latter with buffers of its own.
    expect(most).toBeLessThan(256 * MIB);
  });
});

describe("a folder that may not be read", () => {
  const NOBODY = 65_534;
  const root = process.getuid?.() === 0;
  const closed: string[] = [];

  /** Root may read everything, so the server is somebody else meanwhile. */
  async function close(folder: string): Promise<void> {
    if (root) {
      for (const name of ["", ...(await readdir(live.root, { recursive: true }))]) await chown(path.join(live.root, name), NOBODY, NOBODY);
    }
    await chmod(folder, 0);
    closed.push(folder);
    if (root) process.seteuid?.(NOBODY);
  }
  afterEach(async () => {
    if (root) process.seteuid?.(0);
    for (const folder of closed.splice(0)) await chmod(folder, 0o700);
  });

  it("is named by whatever needs it, and everything else goes on", async () => {
    await close(run.paths.artifacts);
    const id = run.record.id;
    for (const url of [`artifacts`, `artifacts/content?path=model.bin`, `artifacts/preview?path=notes.txt`]) {
      const response = await live.fetch(`/api/runs/${id}/${url}`);
      const { error } = ApiError.parse(await response.json());
      expect([url, response.status, error.code]).toEqual([url, 403, "forbidden"]);
      expect(error.message).toContain(run.paths.artifacts);
    }
    expect((await live.api.getLog({ path: { id } })).total).toBe(2);
    expect((await live.api.listRuns({})).total).toBe(1);
  });

  it("stays a run of the list when it is the run's own", async () => {
    await close(run.paths.dir);
    const id = run.record.id;
    await live.api.refresh({});
    for (const url of [
      "",
      "/log",
      "/log/raw",
      "/metrics",
      "/series?metrics=*",
      "/events",
      "/checkpoints",
      "/artifacts",
      "/system?metrics=*",
    ]) {
      const response = await live.fetch(`/api/runs/${id}${url}`);
      const text = await response.text();
      expect([url, response.status >= 500, text]).toEqual([url, false, text]);
      if (!response.ok) expect(ApiError.parse(JSON.parse(text)).error.message).toContain(run.paths.dir);
    }
    expect((await live.api.listRuns({})).runs.map((one) => one.id)).toEqual([id]);
    if (root) process.seteuid?.(0);
    await chmod(run.paths.dir, 0o700);
    await live.api.refresh({});
    expect(JSON.parse(await readFile(run.paths.runJson, "utf8"))).toMatchObject({ id, name: "known" });
    expect((await live.api.getRun({ path: { id } })).damage).toBeNull();
  });
});
