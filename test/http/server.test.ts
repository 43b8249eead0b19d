import http from "node:http";
import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillPath } from "../../protocol/client.ts";
import { ApiError } from "../../protocol/errors.ts";
import { newRunId } from "../../protocol/ids.ts";
import { RunDetail, RunsPage, ServerInfo } from "../../protocol/queries.ts";
import type { Route } from "../../protocol/route.ts";
import { routes } from "../../protocol/routes.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { findServer } from "../../server/discovery/discovery.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
let second: RunFolder;
const damagedId = newRunId();

beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "first", project: "alpha", experiment: "one", tags: ["keep"] });
  second = await live.addRun({ name: "second", project: "alpha", state: "failed" });
  await writeFile(path.join(second.paths.artifacts, "note.txt"), "seen\n");
  await writeFile(path.join(second.paths.checkpoints, "last.ckpt"), "torn");
  await live.addRun({ name: "third", project: "beta", archived: true });
  await writeFile(run.paths.attempt(1).log, "one\ntwo\nthrée\n");
  await writeFile(path.join(run.paths.artifacts, "model.bin"), "0123456789");
  const damaged = path.join(live.store, "beta", "runs", damagedId);
  await mkdir(damaged, { recursive: true });
  await writeFile(path.join(damaged, "run.json"), "{ torn");
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

/** Host cannot be set through fetch. */
function withHeaders(headers: Record<string, string>, url = "/api/server"): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(live.server.url);
    const authorization = `Bearer ${live.server.token}`;
    http
      .get({ hostname, port, path: url, headers: { authorization, ...headers } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on("error", reject);
  });
}

describe("access", () => {
  it("needs the token on every route of the interface", async () => {
    for (const route of Object.values<Route>(routes)) {
      const url = route.path.replace(":id", run.record.id);
      for (const token of [null, "x".repeat(43), ""]) {
        const response = await live.fetch(url, { method: route.method }, token);
        expect([route.path, response.status]).toEqual([route.path, 401]);
        expect(ApiError.parse(await response.json()).error.code).toBe("unauthorized");
      }
    }
  });

  it("refuses foreign hosts and origins before it looks at the token", async () => {
    const { port } = new URL(live.server.url);
    expect(await withHeaders({})).toBe(200);
    expect(await withHeaders({ host: `localhost:${port}` })).toBe(200);
    expect(await withHeaders({ host: `evil.example:${port}` })).toBe(403);
    expect(await withHeaders({ host: `evil.example:${port}`, authorization: "" })).toBe(403);
    expect(await withHeaders({ origin: "http://evil.example" })).toBe(403);
    expect(await withHeaders({ origin: live.server.url, host: `127.0.0.1:${port}` })).toBe(200);
    expect(await withHeaders({ origin: "vscode-webview://abc" })).toBe(200);
    expect(await withHeaders({ origin: "http://evil.example" }, "/")).toBe(403);
  });

  it("listens on loopback alone", () => {
    expect(new URL(live.server.url).hostname).toBe("127.0.0.1");
  });

  it("is found through its discovery file, which is private", async () => {
    const found = await findServer(live.store);
    expect(found).toMatchObject({ url: live.server.url, token: live.server.token, process: { pid: process.pid } });
    if (process.platform !== "win32") {
      expect((await stat(path.join(live.store, ".server"))).mode & 0o777).toBe(0o700);
      expect((await stat(path.join(live.store, ".server/discovery.json"))).mode & 0o777).toBe(0o600);
    }
    expect((await findServer(live.root)) === null).toBe(true);
  });
});

describe("runs", () => {
  it("lists them through the catalogue, filtered, sorted and paged", async () => {
    const names = async (query: object): Promise<string[]> => (await live.api.listRuns({ query })).runs.map((item) => item.name);
    expect(await names({ project: "alpha", sort: "name" })).toEqual(["first", "second"]);
    expect(await names({ state: "failed,running" })).toEqual(["second"]);
    expect(await names({ search: "KEEP" })).toEqual(["first"]);
    expect(await names({ archived: "true" })).toEqual(["third"]);
    const page = RunsPage.parse(await live.api.listRuns({ query: { sort: "-name", limit: 1, offset: 1, project: "alpha" } }));
    expect([page.total, page.runs[0]?.name]).toEqual([2, "first"]);
  });

  it("shows a damaged run among the good ones", async () => {
    const { runs } = await live.api.listRuns({ query: { project: "beta" } });
    expect(runs.length).toBe(2);
    expect(runs.filter((item) => item.damage !== null).length).toBe(1);
  });

  it("gives one run, edits it, and writes the edit to its folder", async () => {
    const { id } = run.record;
    expect(RunDetail.parse(await live.api.getRun({ path: { id } })).run_dir).toBe(run.paths.dir);
    const edited = await live.api.editRun({ path: { id }, body: { notes: "a note", starred: true } });
    expect([edited.notes, edited.starred]).toEqual(["a note", true]);
    expect(JSON.parse(await readFile(run.paths.runJson, "utf8"))).toMatchObject({ notes: "a note" });
    expect((await live.api.listRuns({ query: { search: "a note" } })).total).toBe(1);
  });

  it("gives many at once as one by one, and says of each that it cannot", async () => {
    const { api } = live;
    const missing = newRunId();
    const { runs, failed } = await api.getRuns({ query: { runs: [second.record.id, missing, run.record.id].join(",") } });
    expect(runs).toEqual([await api.getRun({ path: { id: second.record.id } }), await api.getRun({ path: { id: run.record.id } })]);
    expect(failed.map((each) => [each.run, each.error.code])).toEqual([[missing, "not_found"]]);
    for (const wrong of ["", "run_1", Array.from({ length: 101 }, () => run.record.id).join(",")])
      await expect(api.getRuns({ query: { runs: wrong } })).rejects.toMatchObject({ code: "bad_request" });
  });

  it("counts them by project and for the server", async () => {
    const { projects } = await live.api.listProjects();
    expect(projects.map((project) => [project.name, project.run_count])).toEqual([
      ["alpha", 2],
      ["beta", 2],
    ]);
    expect(ServerInfo.parse(await live.api.getServer())).toMatchObject({ runs: 4, live_runs: 0, read_only: false });
  });

  it("says what is wrong with a request, and changes nothing", async () => {
    const before = await live.api.getServer();
    const cases: [string, string, string | undefined, string][] = [
      ["GET", "/api/runs/run_nonsense", undefined, "bad_request"],
      ["GET", `/api/runs/${newRunId()}`, undefined, "not_found"],
      ["GET", "/api/runs?limit=-1", undefined, "bad_request"],
      ["GET", "/api/runs?state=walking", undefined, "bad_request"],
      ["GET", "/api/runs?sort=walking", undefined, "bad_request"],
      ["GET", `/api/runs/${run.record.id}/log/raw?attempt=9`, undefined, "not_found"],
      ["GET", `/api/runs/${run.record.id}/series`, undefined, "bad_request"],
      ["GET", `/api/runs/${run.record.id}/artifacts/content?path=../run.json`, undefined, "forbidden"],
      ["POST", "/api/runs", "{", "bad_request"],
      ["POST", "/api/runs", "", "bad_request"],
      ["POST", "/api/runs", '{"spec":{"recipe":"script","nonsense":1}}', "bad_request"],
      ["PATCH", `/api/runs/${run.record.id}`, '{"state":"failed"}', "bad_request"],
      ["GET", "/api/nothing", undefined, "not_found"],
      ["PUT", "/api/runs", undefined, "not_found"],
    ];
    for (const [method, url, body, code] of cases) {
      const response = await live.fetch(url, { method, ...(body !== undefined && { body }) });
      const { error } = ApiError.parse(await response.json());
      expect([method, url, error.code]).toEqual([method, url, code]);
    }
    const problem = ApiError.parse(
      await (await live.fetch("/api/runs", { method: "POST", body: '{"spec":{"recipe":"script","seed":"x"}}' })).json(),
    ).error.problems[0];
    expect(problem?.field).toBe("seed");
    expect(await live.api.getServer()).toMatchObject({ runs: before.runs });
  });

  it("refuses a body that is too large", async () => {
    const response = await live.fetch("/api/runs", { method: "POST", body: JSON.stringify({ pad: "x".repeat(5_000_000) }) });
    expect(response.status).toBe(413);
  });
});

it("answers every route that only reads in the shape of the route table", async () => {
  const queries: Record<string, string> = {
    getSeries: "?metrics=*&format=json",
    getSystemSeries: "?metrics=*&format=json",
    previewArtifact: "?path=note.txt",
    checkName: "?name=x",
    searchLogs: "?search=x",
    compareRuns: `?runs=${run.record.id},${second.record.id}`,
    getRuns: `?runs=${run.record.id}`,
    listFieldValues: "?field=record.state",
    searchStores: `?folder=${live.root}`,
    getCodeDifference: `?baseline=${run.record.id}`,
  };
  for (const [name, route] of Object.entries<Route>(routes)) {
    // Recipes are asked of a Python, which other tests do.
    if (route.method !== "GET" || route.produces === "bytes" || name === "listRecipes") continue;
    // A sweep starts processes, which the integration tests do.
    if (route.path.includes(":sweep")) continue;
    const filled = fillPath(route.path, {
      id: second.record.id,
      checkpoint: "last.ckpt",
      project: "alpha",
      experiment: "one",
      time: "latest",
    });
    const response = await live.fetch(filled + (queries[name] ?? ""));
    expect([name, response.status]).toEqual([name, route.status]);
    const parsed = route.response.safeParse(await response.json());
    expect([name, parsed.error?.issues]).toEqual([name, undefined]);
  }
});

describe("what a run produced", () => {
  it("gives the raw log by bytes and by lines", async () => {
    const { id } = run.record;
    const raw = await live.fetch(`/api/runs/${id}/log/raw?offset=4&length=3`);
    expect([await raw.text(), raw.headers.get("x-trainyard-log-size"), raw.headers.get("x-content-type-options")]).toEqual([
      "two",
      "15",
      "nosniff",
    ]);
    const page = await live.api.getLog({ path: { id } });
    expect(page.lines.map((line) => line.text)).toEqual(["one", "two", "thrée"]);
  });

  it("lists and sends artifacts, whole and in parts", async () => {
    const { id } = run.record;
    const { artifacts } = await live.api.listArtifacts({ path: { id } });
    expect(artifacts.map((artifact) => artifact.path)).toEqual(["model.bin"]);
    const part = await live.fetch(`/api/runs/${id}/artifacts/content?path=model.bin`, { headers: { range: "bytes=-4" } });
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "6789", "bytes 6-9/10"]);
  });

  it("gives events, checkpoints and metrics of a run that has none", async () => {
    const params = { id: run.record.id };
    expect((await live.api.listCheckpoints({ path: params })).checkpoints).toEqual([]);
    expect((await live.api.listSeries({ path: params })).series).toEqual([]);
    expect((await live.client.call("getSeries", { params, query: { metrics: "loss", format: "json" } })).series).toEqual([]);
    expect((await live.client.bytes("getSeries", { params, query: { metrics: "*" } })).length).toBeGreaterThan(4);
    await appendFile(run.paths.eventsJsonl, "");
    expect(Array.isArray((await live.api.listEvents({ path: params })).events)).toBe(true);
  });

  it("samples the machine and describes itself", async () => {
    expect((await live.api.getSystem()).samples.length).toBeGreaterThan(0);
    const pretty = await live.fetch("/api/server?pretty=true");
    expect(await pretty.text()).toContain('\n  "version"');
    expect(await (await live.fetch("/api/openapi.json")).json()).toMatchObject({ openapi: "3.1.0" });
  });
});

it("moves a deleted run to the trash", async () => {
  const extra = await live.addRun({ name: "goes away" });
  await live.api.refresh();
  const { trashed_to: trashed } = await live.api.deleteRun({ path: { id: extra.record.id } });
  expect((await stat(trashed)).isDirectory()).toBe(true);
  expect((await live.api.listRuns({ query: { search: "goes away" } })).total).toBe(0);
});
