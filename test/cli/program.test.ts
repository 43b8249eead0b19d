/** The built command line as programs use it: one JSON value, and an exit code that says what it was. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../protocol/errors.ts";
import type { Queue, QueueHistory } from "../../protocol/queue.ts";
import { EXIT, EXIT_CODE_HELP } from "../../cli/exit-codes.ts";
import { LiveServer } from "../http/live-server.ts";
import { leaveCheckpoint } from "../store/fixtures.ts";
import { builtCli } from "../support/machine.ts";
import { runProgram, type Finished } from "../support/processes.ts";

let live: LiveServer;
beforeAll(async () => {
  live = await LiveServer.folder();
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const trainyard = (...args: string[]): Promise<Finished> =>
  runProgram(process.execPath, [builtCli(), ...args], { cwd: live.root, env: { ...process.env, TRAINYARD_STORE: live.store } });

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await trainyard(...args);
  expect([args, code, stderr]).toEqual([args, EXIT.ok, stderr]);
  return JSON.parse(stdout) as T;
}

interface Made {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

describe("drafts", () => {
  it("are made, listed, cloned, started once, and their names are known", async () => {
    const draft = await json<Made>("run", "--draft", "--json", "--name", "later", "--", "sh", "-c", "echo started");
    expect(draft).toMatchObject({ name: "later", state: "draft" });
    const { runs } = await json<{ runs: Made[] }>("list", "--state", "draft", "--json");
    expect(runs.map(({ id }) => id)).toEqual([draft.id]);
    expect(await trainyard("check-name", "later", "--json")).toMatchObject({
      code: EXIT.conflict,
      stdout: '{"available":false,"suggestion":"later 2"}\n',
    });
    expect(await json("check-name", "later 2", "--json")).toEqual({ available: true, suggestion: "later 2" });
    expect(await json<Made>("clone", "later", "--name", "another", "--json")).toMatchObject({ name: "another", state: "draft" });
    expect(await json<Made>("start", "later", "--quiet", "--json")).toMatchObject({ id: draft.id, state: "completed" });
    const again = await trainyard("start", "later", "--json");
    expect([again.code, ApiError.parse(JSON.parse(again.stdout)).error.code]).toEqual([EXIT.conflict, "conflict"]);
  });
});

describe("the document of a draft", () => {
  it("is changed until it starts: params set and taken out with its comments kept, or as a whole", async () => {
    const file = path.join(live.root, "sized.run.yaml");
    await writeFile(file, 'name: sized\nproject: sizes\nrecipe: command\nparams:\n  # what it does\n  command: ["false"]\n');
    const { id, run_dir } = await json<Made & { run_dir: string }>("run", file, "--draft", "--json");
    await json("edit", "sized", "--set", "command=[sh, -c, 'exit 0']", "--star", "--json");
    expect(await readFile(path.join(run_dir, "spec.yaml"), "utf8")).toMatch(/# what it does\n +command: .*exit 0/);
    expect(await json("inspect", id, "--json")).toMatchObject({ starred: true, params: { command: ["sh", "-c", "exit 0"] } });
    const refused = await trainyard("edit", "sized", "--unset", "command", "--json");
    expect([refused.code, ApiError.parse(JSON.parse(refused.stdout)).error.code]).toEqual([EXIT.invalid, "invalid_spec"]);
    await writeFile(file, "name: sized again\nrecipe: command\nparams: {command: ['true']}\n");
    await json("edit", "sized", "--file", file, "--json");
    expect(await json("start", "sized again", "--quiet", "--json")).toMatchObject({ id, state: "completed", project: "sizes" });
    const late = await trainyard("edit", id, "--set", "command=[false]", "--json");
    expect([late.code, ApiError.parse(JSON.parse(late.stdout)).error.code]).toEqual([EXIT.conflict, "conflict"]);
  });
});

describe("a store that is not there", () => {
  it.each([
    ["list"],
    ["list", "--filter", "record.starred"],
    ["stats"],
    ["fields"],
    ["project", "list"],
    ["trash", "list"],
    ["clean", "--keep", "1"],
  ])("is not made by asking about it: %s %s", async (...question) => {
    const place = path.join(live.root, "mistyped");
    const { code, stdout } = await trainyard(...question, "--store", place, "--json");
    expect([code, ApiError.parse(JSON.parse(stdout)).error.code]).toEqual([EXIT.notFound, "not_found"]);
    expect(existsSync(place)).toBe(false);
  });
});

describe("statistics", () => {
  it("are those of the interface: of everything, of a project, of what passes", async () => {
    await live.addRun({ name: "counted", project: "counts", starred: true });
    await live.client.call("refresh");
    expect(await json("stats", "--json")).toEqual(await live.client.call("getStatistics"));
    const query = { project: "counts", filter: "record.starred" };
    const args = ["stats", "--project", "counts", "--filter", "record.starred"];
    expect(await json(...args, "--json")).toEqual(await live.client.call("getStatistics", { query }));
    expect((await trainyard(...args)).stdout).toMatch(/^runs +1\n[^]*STATE +RUNS\ncompleted +1\n[^]*PROJECT +RUNS\ncounts +1\n/);
    expect((await trainyard("stats", "--project", "none")).stdout).toBe("No runs.\n");
  });
});

describe("experiments", () => {
  it("are given to runs, listed, and shown with what their runs were trained with", async () => {
    await json("run", "--quiet", "--json", "--name", "of one", "--experiment", "sizes", "--", "true");
    await json("run", "--draft", "--json", "--name", "of none", "--", "false");
    const { experiments } = await json<{ experiments: { name: string; run_count: number }[] }>("experiment", "list", "--json");
    expect(experiments).toMatchObject([{ name: "sizes", run_count: 1 }]);
    await json("edit", "of none", "--experiment", "sizes", "--json");
    const list = await trainyard("experiment", "list");
    expect(list.stdout).toMatch(/default +sizes +2 +1 completed, 1 draft/);
    await json("edit", "of none", "--no-experiment", "--json");
    const { manifests } = await json<{ manifests: { time: string; runs: string[] }[] }>("experiment", "history", "sizes", "--json");
    expect(manifests).toMatchObject([{ changed: [], configuration: { recipe: "command" } }]);
    expect(await json("experiment", "show", "sizes", "--at", manifests[0]?.time ?? "", "--json")).toEqual(manifests[0]);
    const shown = await trainyard("experiment", "show", "sizes");
    expect(shown.stdout).toMatch(/recipe +command[^]+Params\n +command +\[".*true"\]/);
  });
});

describe("a template of the workspace", () => {
  it("is what runs are made from, with its comments, and stays as it is", async () => {
    const file = path.join(live.root, "trainyard_templates", "sized.run.yaml");
    const text = 'recipe: command\nproject: templates\nparams:\n  # what it does\n  command: ["false"]\n';
    await mkdir(path.dirname(file));
    await writeFile(file, text);
    const made = await json<Made & { run_dir: string; params: object }>(
      ...["run", "--template", "sized", "--draft", "--json", "--name", "from it", "--set", "command=['true']"],
    );
    expect(made).toMatchObject({ name: "from it", state: "draft", project: "templates", params: { command: ["true"] } });
    expect(await readFile(path.join(made.run_dir, "spec.yaml"), "utf8")).toMatch(/# what it does\n +command: .*true/);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it.each<[number, string, RegExp, string[]]>([
    [EXIT.notFound, "not_found", /no template size in.*Did you mean sized/s, ["--template", "size"]],
    [EXIT.invalid, "bad_request", /the place of a file/, ["sized.run.yaml", "--template", "sized"]],
    [EXIT.invalid, "invalid_spec", /broken\.run\.yaml, line 2/, ["--template", "broken"]],
  ])("is refused with exit code %i (%s)", async (code, error, message, args) => {
    await writeFile(path.join(live.root, "trainyard_templates", "broken.run.yaml"), "recipe: [\n");
    const refused = await trainyard("run", ...args, "--json");
    const told = ApiError.parse(JSON.parse(refused.stdout)).error;
    expect([refused.code, told.code]).toEqual([code, error]);
    expect(`${told.message} ${told.hint ?? ""}`).toMatch(message);
  });
});

describe("the queue", () => {
  it("is paused, filled, ordered, emptied, let go, and remembers", async () => {
    expect(await json<Queue>("queue", "pause", "--json")).toMatchObject({ concurrency: 1, waiting: [] });
    for (const name of ["one", "two", "three"])
      expect(await json<Made>("run", "--queue", "--name", name, "--json", "--", "true")).toMatchObject({ name, state: "queued" });
    expect((await trainyard("queue")).stdout).toMatch(
      /^Paused since .* · 0 of 1 place taken\n#.*\n1 .*one .*The queue is paused\.\n2 .*two/,
    );
    const order = async (...args: string[]): Promise<string[]> =>
      (await json<Queue>("queue", ...args, "--json")).waiting.map(({ name }) => name);
    expect(await order("move", "three", "1")).toEqual(["three", "one", "two"]);
    expect(await order("move", "three", "--after", "one")).toEqual(["one", "three", "two"]);
    expect(await json<Made>("queue", "remove", "one", "--json")).toMatchObject({ state: "draft" });
    expect(await json<Made>("queue", "add", "one", "--json")).toMatchObject({ state: "queued" });
    expect(await json<Queue>("queue", "limit", "2", "--json")).toMatchObject({ concurrency: 2 });
    expect(await json<Queue>("queue", "gpus", "wait", "--json")).toMatchObject({ wait_for_gpus: true });
    expect((await trainyard("queue", "gpus", "ignore")).stdout).not.toContain("GPU");
    expect(await order("resume")).toHaveLength(3);
    await expect
      .poll(async () => (await json<QueueHistory>("queue", "history", "--json")).entries.map(({ state }) => state))
      .toEqual(["completed", "completed", "completed"]);
    expect((await trainyard("queue", "history")).stdout).toMatch(/OUTCOME.*\n.* completed /);
  });

  it("has an ended run wait to go on, and one that forks from it", async () => {
    expect((await trainyard("resume", "two", "--queue")).stderr).toContain("has no complete checkpoint");
    await leaveCheckpoint((await json<{ run_dir: string }>("inspect", "two", "--json")).run_dir, 40);
    await live.client.call("refresh");
    await json<Queue>("queue", "pause", "--json");
    expect(await json<Made>("resume", "two", "--queue", "--json")).toMatchObject({ name: "two", state: "queued" });
    expect((await trainyard("resume", "two", "--fork", "--name", "forked", "--queue")).stdout).toMatch(/^run_\w+ {2}forked queued\n$/);
    expect((await json<Queue>("queue", "--json")).waiting.map(({ name }) => name)).toEqual(["two", "forked"]);
    expect(await json<Made>("queue", "remove", "two", "--json")).toMatchObject({ state: "completed" });
    expect(await json<Made>("queue", "remove", "forked", "--json")).toMatchObject({ state: "draft" });
  });
});

describe("an archive", () => {
  it("is written and comes back", async () => {
    const run = await live.addRun({ name: "kept", project: "archives" });
    await live.client.call("refresh");
    const file = path.join(live.root, "kept.zip");
    expect(await json("export", "kept", "--format", "archive", "-o", file, "--json")).toMatchObject({ runs: [run.record.id] });
    const [report] = await json<{ format: string; runs: { source_run: string }[] }[]>("import", file, "--project", "back", "--json");
    expect(report).toMatchObject({ format: "archive", runs: [{ source_run: run.record.id, project: "back" }] });
  });
});

describe("help", () => {
  it("is there for every command, with a description and no defaults that say nothing; completion knows them all", async () => {
    const names = [...(await trainyard("--help")).stdout.matchAll(/^ {2}([a-z-]+)[ |]/gm)].map(([, name = ""]) => name);
    expect(names).toEqual(expect.arrayContaining(["run", "edit", "stats", "experiment", "mcp"]));
    const { stdout: completion } = await trainyard("completion", "bash");
    for (const name of names.filter((one) => one !== "help")) expect(completion).toMatch(new RegExp(`^ +${name}\\) words=`, "m"));
    const { stdout } = await trainyard("edit", "--help");
    expect(stdout).toMatch(/--set <key=value> +a param of one draft[^]+Examples:/);
    expect(stdout).not.toMatch(/default: (\[\]|""|false)/);
    expect((await trainyard("query", "--help")).stdout).toContain("(default: 50)");
  });
});

describe("exit codes", () => {
  it.each<[number, string, string[]]>([
    [EXIT.invalid, "bad_request", ["list", "--no-such-option", "--json"]],
    [EXIT.invalid, "bad_request", ["no-such-command", "--json"]],
    [EXIT.invalid, "bad_request", ["inspect", "--json"]],
    [EXIT.invalid, "bad_request", ["list", "--limit", "0", "--json"]],
    [EXIT.invalid, "bad_request", ["query", "--limit", "0x10", "--json"]],
    [EXIT.invalid, "bad_request", ["stats", "--filter", "nonsense", "--json"]],
    [EXIT.invalid, "bad_request", ["list", "--filter", "record.seed >", "--json"]],
    [EXIT.invalid, "bad_request", ["export", "latest", "--format", "xlsx", "--json"]],
    [EXIT.invalid, "missing_file", ["run", "none.py", "--json"]],
    [EXIT.invalid, "missing_file", ["import", "none.zip", "--json"]],
    [EXIT.notFound, "not_found", ["inspect", "no-such-run", "--json"]],
    [EXIT.notFound, "not_found", ["start", "run_00000000000000000", "--json"]],
    [EXIT.notFound, "not_found", ["experiment", "show", "no-such-experiment", "--json"]],
    [EXIT.invalid, "bad_request", ["experiment", "show", "sizes", "--at", "yesterday", "--json"]],
    [EXIT.notFound, "not_found", ["project", "history", "no-such-project", "--json"]],
    [EXIT.conflict, "conflict", ["cancel", "archived-away", "--json"]],
    [EXIT.conflict, "conflict", ["queue", "remove", "archived-away", "--json"]],
    [EXIT.conflict, "conflict", ["queue", "add", "archived-away", "--json"]],
    [EXIT.invalid, "bad_request", ["queue", "move", "archived-away", "--json"]],
    [EXIT.invalid, "bad_request", ["queue", "move", "archived-away", "0", "--json"]],
    [EXIT.invalid, "bad_request", ["queue", "limit", "100000", "--json"]],
    [EXIT.invalid, "bad_request", ["run", "--queue", "--draft", "--json", "--", "true"]],
    [EXIT.unavailable, "store_unwritable", ["list", "--filter", "record.seed = 1", "--store", "a-file", "--json"]],
  ])("%i with %s: trainyard %j", async (code, error, args) => {
    await writeFile(path.join(live.root, "a-file"), "");
    if (args.includes("archived-away")) await live.addRun({ name: "archived-away" }).then(() => live.client.call("refresh"));
    const finished = await trainyard(...args);
    expect([finished.code, finished.stderr]).toEqual([code, expect.stringContaining("error")]);
    expect(ApiError.parse(JSON.parse(finished.stdout)).error.code).toBe(error);
  });

  it("stand in the help, each of them", async () => {
    const { code, stdout } = await trainyard("--help");
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain(EXIT_CODE_HELP.trim());
    for (const value of Object.values(EXIT)) expect(EXIT_CODE_HELP).toMatch(new RegExp(`^ {2}${value}\\b`, "m"));
  });
});
