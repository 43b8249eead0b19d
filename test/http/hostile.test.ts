/** What no client of ours would send: documents without an end, requests that are none, names that the system cuts off. Never a 500. */
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../protocol/errors.ts";
import { MAX_JSON_DEPTH, parseJson } from "../../protocol/parse-json.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;
beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "known", project: "inputs" });
  await writeFile(path.join(run.paths.artifacts, "weights.bin"), "0123456789");
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

async function refused(url: string, init: RequestInit): Promise<[number, string, string]> {
  const response = await live.fetch(url, init);
  const { error } = ApiError.parse(await response.json());
  return [response.status, error.code, error.message];
}

describe("values in values without an end", () => {
  it("are refused as the body of any request that takes free values", async () => {
    for (const depth of [MAX_JSON_DEPTH + 1, 3_000, 500_000]) {
      const spec = `{"spec":{"recipe":"command","params":{"command":["true"],"x":${nested(depth)}}},"start":false}`;
      for (const [url, body] of [
        ["/api/runs", spec],
        ["/api/dry-run", spec],
        ["/api/projects", `{"title":"t","defaults":{"x":${nested(depth)}}}`],
        [`/api/runs/${run.record.id}/clone`, `{"params":{"x":${nested(depth)}}}`],
        ["/api/query", nested(depth)],
      ] as const) {
        const [status, code, message] = await refused(url, { method: "POST", body });
        expect([url, depth, status, code]).toEqual([url, depth, 400, "bad_request"]);
        expect(message).toContain(`more than ${MAX_JSON_DEPTH} levels deep`);
      }
    }
  });

  it("are taken up to the bound, and the run reads back", async () => {
    // The value stands in the defaults, these in the body.
    const x: unknown = parseJson(nested(MAX_JSON_DEPTH - 3));
    const { name: project } = await live.client.call("createProject", { body: { title: "Deep", defaults: { x: x as [] } } });
    expect((await live.client.call("getProject", { params: { project } })).defaults).toEqual({ x });
  });

  it("in files of a run spoil the record that holds them, not the run", async () => {
    const broken = await live.addRun({ name: "broken", project: "inputs" });
    const { resolvedJson, eventsJsonl, specYaml } = broken.paths;
    await writeFile(resolvedJson, (await readFile(resolvedJson, "utf8")).replace('"params":', `"x":${nested(100_000)},"params":`));
    await appendFile(broken.paths.attempt(1).reportJsonl, `{"type":"params","time":"2026-01-01T00:00:00Z","params":${nested(100_000)}}\n`);
    await appendFile(eventsJsonl, `{"type":"message","time":"2026-01-01T00:00:00Z","level":"info","text":${nested(100_000)}}\n`);
    await writeFile(specYaml, `recipe: command\nparams:\n  x: ${nested(20_000)}\n`);
    await writeFile(path.join(broken.paths.artifacts, "deep.json"), nested(400_000));
    await live.client.call("refresh");
    const base = `/api/runs/${broken.record.id}`;
    for (const url of ["", "/events", "/derived", "/checkpoints", "/artifacts", "/artifacts/preview?path=deep.json", "/metrics"]) {
      const response = await live.fetch(`${base}${url}`);
      expect([url, response.status, await response.text()]).toEqual([url, 200, expect.any(String)]);
    }
    const detail = await live.client.call("getRun", { params: { id: broken.record.id } });
    expect([detail.name, detail.spec, detail.damage]).toEqual(["broken", null, expect.stringContaining("levels deep") as string]);
    expect((await refused(`${base}/clone`, { method: "POST", body: "{}" }))[0]).toBeLessThan(500);
  });

  it("in a run document are a problem of the document", () => {
    for (const text of [`params: {x: ${nested(20_000)}}`, `recipe: command\nparams: {x: ${nested(MAX_JSON_DEPTH + 1)}}`])
      expect(readRunDocument(text)).toMatchObject({ spec: null, problems: [{ problem: { severity: "error" } }] });
    expect(readRunDocument(`recipe: command\nparams: {x: ${nested(50)}}`).problems).toEqual([]);
  });
});

describe("NUL characters", () => {
  it.each([
    ["the working directory", { cwd: "/tmp\0" }],
    ["the interpreter", { python: "/usr/bin/python\0" }],
    ["an argument", { args: ["a\0b"] }],
    ["a variable", { env: { A: "x\0" } }],
    ["the name of a variable", { env: { "A\0": "x" } }],
  ])("in %s are refused before there is a run", async (_, part) => {
    const body = JSON.stringify({ spec: { recipe: "command", params: { command: ["true"] }, ...part } });
    const before = await readdir(live.store, { recursive: true });
    const [status, code, message] = await refused("/api/runs", { method: "POST", body });
    expect([status, code]).toEqual([400, "bad_request"]);
    expect(message).toMatch(/NUL character/);
    expect(await readdir(live.store, { recursive: true })).toEqual(before);
  });

  it("in the name of a variable count like an equals sign, and like no name at all", async () => {
    for (const name of ["A=B", ""]) {
      const body = JSON.stringify({ spec: { recipe: "command", params: { command: ["true"] }, env: { [name]: "x" } } });
      expect((await refused("/api/runs", { method: "POST", body })).slice(0, 2)).toEqual([400, "bad_request"]);
    }
  });

  it("in any path of a request name nothing", async () => {
    const spec = { recipe: "command", params: { command: ["true"] } };
    for (const [url, body] of [
      ["/api/runs", { spec, base_dir: "/tmp\0" }],
      ["/api/import", { path: "/tmp/a\0.csv" }],
      ["/api/stores", { path: "/tmp\0" }],
      [`/api/runs/${run.record.id}/adapter`, { to: "/tmp\0" }],
      ["/api/dataset/preview", { spec: { recipe: "hf-causal-lm", params: { train_file: "/tmp\0" } } }],
    ] as const) {
      const [status, , message] = await refused(url, { method: "POST", body: JSON.stringify(body) });
      expect([url, status < 500, message]).toEqual([url, true, expect.any(String)]);
    }
  });
});

describe("what is no request", () => {
  /** The bytes are sent, and all that comes back is read. */
  const answer = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(live.server.url).port), "127.0.0.1");
      let text = "";
      socket.on("data", (piece) => (text += piece.toString()));
      socket.on("close", () => {
        resolve(text);
      });
      socket.on("error", reject);
      socket.write(bytes);
    });

  it.each([
    ["a filter of a megabyte in the address", `GET /api/runs?filter=${"a".repeat(1 << 20)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 431],
    ["words", "hello there\r\n\r\n", 400],
    ["a length below zero", "POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n", 400],
  ])("is answered with a typed error: %s", async (_, bytes, status) => {
    const [head = "", body = ""] = (await answer(bytes)).split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(ApiError.parse(JSON.parse(body)).error.code).toBe(status === 431 ? "too_large" : "bad_request");
  });

  it("asks with HEAD for what a download would say, and leaves no file open", async () => {
    const open = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
    const ask = (): Promise<Response> => live.fetch(`/api/runs/${run.record.id}/artifacts/content?path=weights.bin`, { method: "HEAD" });
    const first = await ask();
    expect([first.status, first.headers.get("content-length"), first.headers.get("accept-ranges")]).toEqual([200, "10", "bytes"]);
    const before = await open();
    for (let i = 0; i < 40; i++) await ask();
    await expect.poll(open).toBeLessThan(before + 10);
  });
});

describe("folders that are none", () => {
  const PLACES = [
    "artifacts",
    "checkpoints",
    "attempts",
    path.join("attempts", "1"),
    "",
    path.join("attempts", "1", "log"),
    "events.jsonl",
  ];
  const ROUTES = ["", "/log", "/log/raw", "/metrics", "/series?metrics=*", "/events", "/checkpoints", "/artifacts", "/system?metrics=*"];
  it.each(
    PLACES.flatMap((place) => [
      [place, "a link to itself"],
      [place, "a file"],
      [place, "a folder in the place of a file"],
    ]),
  )("%s as %s is said or passed over, in that run alone", async (place, kind) => {
    const odd = await live.addRun({ name: "odd", project: "oddities" });
    const target = path.join(odd.paths.dir, place);
    await rm(target, { recursive: true, force: true });
    if (kind === "a file") await writeFile(target, "");
    else if (kind === "a link to itself") await symlink(path.basename(target), target);
    else await mkdir(target);
    const again = await live.fetch("/api/server/refresh", { method: "POST" });
    expect(again.status, live.logged.join("\n")).toBe(200);
    for (const url of [...ROUTES, "/artifacts/content?path=weights.bin", "/artifacts/preview?path=weights.bin"]) {
      const response = await live.fetch(`/api/runs/${odd.record.id}${url}`);
      const text = await response.text();
      expect(response.status, `${url}: ${text}`).toBeLessThan(500);
      if (!response.ok) ApiError.parse(JSON.parse(text));
    }
    expect((await live.fetch(`/api/export?runs=${odd.record.id}&format=jsonl`)).status).toBeLessThan(500);
    expect((await live.client.call("getRun", { params: { id: run.record.id } })).name).toBe("known");
  });
  afterEach(() => rm(path.join(live.store, "oddities"), { recursive: true, force: true }));
});
