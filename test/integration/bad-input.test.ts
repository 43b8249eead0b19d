/** What cannot work is refused with a clear error before anything is written; what is damaged is shown and left alone. */
import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError, type ErrorCode } from "../../protocol/errors.ts";
import type { RunDetail, RunsPage } from "../../protocol/queries.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";
import { builtCli, python } from "../support/machine.ts";
import { runProgram, until, type Finished } from "../support/processes.ts";
import { endServer } from "../support/store.ts";
import { additionRows, additionSpec } from "./addition-data.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace({
    "rows.jsonl": additionRows(50),
    "other-columns.jsonl": '{"question": "1+1", "answer": "2"}\n{"question": "1+2", "answer": "3"}\n',
    "broken.jsonl": '{"text": "1+1=2"}\n{"text": "1+2=\n',
  });
});
afterAll(() => workspace.close());

interface Refused {
  readonly code: ErrorCode;
  readonly exitCode: number | null;
  /** Message, problems and hint, as one text. */
  readonly text: string;
  readonly fields: readonly string[];
}

/** Reads the error of a command that must fail. */
function refusal(finished: Finished): Refused {
  const parsed = ApiError.safeParse(JSON.parse(finished.stdout));
  if (!parsed.success) throw new Error(`it was not refused: ${finished.stdout}\n${finished.stderr}`);
  const { code, message, hint, problems } = parsed.data.error;
  const text = [message, hint ?? "", ...problems.flatMap((problem) => [problem.message, problem.hint ?? ""])].join("\n");
  return { code, exitCode: finished.code, text, fields: problems.map((problem) => problem.field) };
}

async function runDocument(spec: RunSpecInput, options: readonly string[] = []): Promise<Finished> {
  await writeFile(path.join(workspace.dir, "bad.run.yaml"), stringify(spec));
  return workspace.trainyard(["run", "bad.run.yaml", "--json", ...options]);
}

async function runFolders(store: string): Promise<string[]> {
  const files = await readdir(store, { recursive: true }).catch(() => []);
  return files.filter((file) => path.basename(file).startsWith("run_"));
}

describe("a spec that cannot run", () => {
  it.each<[string, RunSpecInput, ErrorCode, RegExp]>([
    ["an unknown recipe", { ...additionSpec(), recipe: "hf-causal-ml" }, "unknown_recipe", /hf-causal-ml/],
    [
      "a value out of range",
      additionSpec({ per_device_train_batch_size: 0 }),
      "invalid_spec",
      /per_device_train_batch_size|minimum|at least/i,
    ],
    ["a value of the wrong type", additionSpec({ learning_rate: "fast" }), "invalid_spec", /learning_rate|number/i],
    ["a param that does not exist", additionSpec({ learning_rat: 1 }), "invalid_spec", /learning_rat/],
    ["a missing dataset", additionSpec({ train_file: "nowhere.jsonl" }), "missing_file", /nowhere\.jsonl/],
    [
      "a dataset without the needed column",
      additionSpec({ train_file: "other-columns.jsonl", data_format: "text" }),
      "bad_dataset",
      /text/,
    ],
    ["a dataset that is cut short", additionSpec({ train_file: "broken.jsonl" }), "bad_dataset", /broken\.jsonl|line 2/],
    ["an interpreter that is not there", { ...additionSpec(), python: "/nowhere/bin/python" }, "python_unusable", /\/nowhere\/bin\/python/],
  ])("%s", async (_, spec, code, text) => {
    const answer = refusal(await runDocument(spec));
    expect(answer.code, answer.text).toBe(code);
    expect(answer.exitCode).toBe(2);
    expect(`${answer.text}\n${answer.fields.join("\n")}`).toMatch(text);
    expect(await runFolders(workspace.store)).toEqual([]);
  });

  it("a Python without torch", async () => {
    const bare = path.join(workspace.dir, "bare");
    const made = await runProgram(python(), ["-m", "venv", "--without-pip", bare]);
    expect(made.code, made.stderr).toBe(0);
    const answer = refusal(await runDocument({ ...additionSpec(), python: path.join(bare, "bin", "python") }));
    expect(answer.code, answer.text).toBe("python_unusable");
    expect(answer.text).toMatch(/torch/);
    expect(answer.text).toContain(path.join(bare, "bin", "python"));
    expect(await runFolders(workspace.store)).toEqual([]);
  });

  it("a document that is not YAML, and one with an unknown key", async () => {
    await writeFile(path.join(workspace.dir, "bad.run.yaml"), "recipe: [hf\n");
    expect(refusal(await workspace.trainyard(["run", "bad.run.yaml", "--json"])).code).toBe("invalid_spec");
    await writeFile(path.join(workspace.dir, "bad.run.yaml"), "recipe: command\nparamz: {}\n");
    const unknown = refusal(await workspace.trainyard(["run", "bad.run.yaml", "--json"]));
    expect(unknown.code).toBe("invalid_spec");
    expect(unknown.text).toContain("paramz");
  });

  it.each<[string, string[], number]>([
    ["nothing to run", ["run"], 2],
    ["a program that is not there", ["run", "--", "no-such-program"], 2],
    ["a script that is not there", ["run", "no-such-script.py"], 2],
    ["a command without --", ["run", "python"], 2],
    ["an unknown option", ["list", "--nonsense"], 2],
    ["an unknown run", ["inspect", "run_00000000000000000"], 3],
    ["a run to cancel that is unknown", ["cancel", "nobody"], 3],
  ])("%s", async (_, args, exitCode) => {
    const { code, stdout, stderr } = await workspace.trainyard(args);
    expect(code, stderr).toBe(exitCode);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(await runFolders(workspace.store)).toEqual([]);
  });
});

describe("an occupied store", () => {
  it("is refused with the address of its server, which goes on", async () => {
    const { url } = await workspace.json<{ url: string }>(["serve", "--ensure"]);
    const second = refusal(await workspace.trainyard(["serve", "--json"]));
    expect(second.code).toBe("store_occupied");
    expect(second.exitCode).toBe(4);
    expect(second.text).toContain(url);
    expect((await workspace.json<{ url: string }>(["serve", "--ensure"])).url).toBe(url);
  });
});

/** A store that holds one completed run, in a folder of its own. */
async function storeWithOneRun(): Promise<{ dir: string; store: string; run: RunDetail }> {
  const run = await workspace.json<RunDetail>(["run", "--name", "good", "--", "python", "-c", "print('done')"]);
  const dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-it-")));
  const store = path.join(dir, "store");
  await cp(workspace.store, store, { recursive: true, filter: (source) => path.basename(source) !== ".server" });
  return { dir, store, run };
}

describe("a broken run.json among good ones", () => {
  it("is shown as damaged and never rewritten", async () => {
    const { dir, store, run } = await storeWithOneRun();
    try {
      const broken = path.join(store, run.project, "runs", "run_0000000000000000z");
      await mkdir(broken, { recursive: true });
      await writeFile(path.join(broken, "run.json"), '{"version": 1, "id": "run_00000000');
      const { client } = await serve(store);
      const { runs } = (await client(["list", "--json"])) as RunsPage;
      expect(runs.find((one) => one.id === run.id)?.state).toBe("completed");
      expect(runs.find((one) => one.id === "run_0000000000000000z")?.damage).toMatch(/run\.json/);
      expect(await readFile(path.join(broken, "run.json"), "utf8")).toBe('{"version": 1, "id": "run_00000000');
    } finally {
      await endServer(store);
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe("a store on a read-only disk", () => {
  it("can be browsed, and refuses runs", async () => {
    const { dir, store, run } = await storeWithOneRun();
    const server = await readOnlyServer(store);
    try {
      const listed = await server.call("GET", "/api/runs");
      expect((listed.body as RunsPage).runs.map((one) => one.id)).toContain(run.id);
      const spec: RunSpecInput = { recipe: "command", params: { command: [python(), "-c", "1"] } };
      const refused = await server.call("POST", "/api/runs", { spec });
      expect(refused.status).toBe(507);
      const { error } = ApiError.parse(refused.body);
      expect(error.code).toBe("store_unwritable");
      expect(error.message).toContain(store);
      expect((await runFolders(store)).length).toBe((await runFolders(workspace.store)).length);
    } finally {
      await server.close();
      await chmod(store, 0o755);
      await rm(dir, { recursive: true, force: true });
    }
  });
});

async function serve(store: string): Promise<{ client: (args: readonly string[]) => Promise<unknown> }> {
  const ensured = await workspace.trainyard(["serve", "--ensure", "--json", "--store", store]);
  expect(ensured.code, ensured.stderr).toBe(0);
  return { client: async (args) => JSON.parse((await workspace.trainyard([...args, "--store", store])).stdout) as unknown };
}

interface ForeignServer {
  call(method: string, route: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

/**
 * A server that sees the store on a read-only mount. Root may write whatever the permissions say, so a mount namespace of its own is
 * used where there is one, and plain permissions for everybody else.
 */
async function readOnlyServer(store: string): Promise<ForeignServer> {
  const serve = [process.execPath, builtCli(), "serve", "--json", "--store", store];
  const isRoot = process.getuid?.() === 0;
  const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  const mounted = `mount --bind ${quoted(store)} ${quoted(store)} && mount -o remount,ro,bind ${quoted(store)} && exec ${serve.map(quoted).join(" ")}`;
  if (!isRoot) await chmod(store, 0o555);
  const [command, ...args] = isRoot ? ["unshare", "--mount", "sh", "-c", mounted] : serve;
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const line = await until(
    "the server's address",
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${String(child.exitCode)}: ${stdout}${stderr}`);
      return Promise.resolve(stdout.includes("\n") ? stdout : null);
    },
    20_000,
  );
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  return {
    async call(method, route, body) {
      const response = await fetch(new URL(route, url), {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async close() {
      child.kill("SIGTERM");
      await until("the server's end", () => Promise.resolve(child.exitCode !== null || child.signalCode !== null), 10_000);
    },
  };
}
