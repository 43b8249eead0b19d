/** What following a run writes of its log: the lines that `trainyard logs` would show, each once. */
import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { spawn } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { followedLog, type FollowedLines, type FollowedLog } from "../../cli/followed-log.ts";
import { Terminal } from "../../cli/terminal.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { eventually, LiveServer } from "../http/live-server.ts";
import { builtCli } from "../support/machine.ts";
import { attemptRecord } from "../store/fixtures.ts";
import { runProgram } from "../support/processes.ts";

const START = Date.UTC(2026, 0, 2, 10);
const MINUTE = 60_000;

describe("the log of a run that goes on", () => {
  let live: LiveServer;
  let run: RunFolder;
  let written: string;
  let size: number;
  beforeEach(async () => {
    live = await LiveServer.folder();
    run = await live.addRun();
    written = "";
    size = 0;
    await live.start();
  });
  afterEach(() => live.remove());

  function follow(lines: FollowedLines = {}): FollowedLog {
    const stdout = { write: (text: string | Uint8Array) => (written += Buffer.from(text).toString("utf8")) };
    return followedLog(new Terminal(stdout, { write: () => undefined }), lines);
  }

  /** The training writes, at a minute after its start. */
  async function log(text: string, minute = 0): Promise<void> {
    const { log: file, logIndex } = run.paths.attempt(1);
    size += Buffer.byteLength(text);
    await appendFile(file, text);
    await appendFile(logIndex, `${String(size)} ${String(START + minute * MINUTE)}\n`);
  }

  /** A look of the follower; what it wrote. */
  async function look(log: FollowedLog, over = false): Promise<string> {
    written = "";
    await log.show(live.client, await live.client.call("getRun", { params: { id: run.record.id } }), over);
    return written;
  }

  it("comes as it is written without a filter, from the newest lines on where so many are asked for", async () => {
    await log("one\ntwo\nthree\n");
    const [all, newest] = [follow(), follow({ lines: 2 })];
    expect(await look(all)).toBe("one\ntwo\nthree\n");
    expect(await look(newest)).toBe("two\nthree\n");
    await log("10%\r20%");
    expect([await look(all), await look(newest)]).toEqual(["10%\r20%", "10%\r20%"]);
  });

  it("comes in whole lines that pass level and text, each once", async () => {
    await log("INFO disk\nERROR disk one\nERROR network\n");
    const errors = follow({ level: "error", search: "DISK" });
    expect(await look(errors)).toBe("ERROR disk one\n");
    await log("INFO nothing\nERROR two: ");
    expect(await look(errors)).toBe("");
    await log("network\nERROR three: ");
    expect(await look(errors)).toBe("");
    await log("disk");
    expect(await look(errors)).toBe("");
    await log(" is full\nWARNING disk\n");
    expect(await look(errors)).toBe("ERROR three: disk is full\n");
    expect(await look(errors)).toBe("");
    await log("ERROR disk at the end");
    expect(await look(errors)).toBe("");
    expect(await look(errors, true)).toBe("ERROR disk at the end\n");
    expect(errors.isComplete).toBe(false);
  });

  it("comes in its newest passing lines first, and in any number of them", async () => {
    const errors = Array.from({ length: 1300 }, (_, n) => `ERROR ${String(n)}\n`);
    await log(`${errors.slice(0, 1201).join("")}INFO fine\n`);
    const [newest, all] = [follow({ level: "error", lines: 2 }), follow({ level: "error" })];
    expect(await look(newest)).toBe("ERROR 1199\nERROR 1200\n");
    expect(await look(all)).toBe(errors.slice(0, 1201).join(""));
    await log(errors.slice(1201).join(""));
    expect(await look(newest)).toBe(errors.slice(1201).join(""));
    expect(await look(all)).toBe(errors.slice(1201).join(""));
  });

  it("comes from the times that are asked for, and ends where these do", async () => {
    await log("a\n", 0);
    await log("b\n", 1);
    await log("c\n", 2);
    const since = follow({ time: "since 2026-01-02T10:01:00Z" });
    const until = follow({ time: "2026-01-02T10:01:00Z–2026-01-02T10:04:00Z" });
    const [first, old] = [follow({ time: "first 3 min", search: "c" }), follow({ time: "last 10 min" })];
    expect([await look(since), await look(until), await look(first), await look(old)]).toEqual(["b\nc\n", "b\nc\n", "c\n", ""]);
    await log("d\n", 3);
    await log("e\n", 4);
    expect([await look(since), await look(until), await look(first)]).toEqual(["d\ne\n", "d\n", ""]);
    // Of times that have passed long ago nothing more can come.
    expect([since, until, first, old].map(({ isComplete }) => isComplete)).toEqual([false, true, true, false]);
  });

  it("waits for output before it says which times are the first", async () => {
    const first = follow({ time: "first 1 min" });
    expect(await look(first)).toBe("");
    await writeFile(run.paths.attempt(1).log, "a\nb\n");
    expect(await look(first)).toBe("");
    await writeFile(run.paths.attempt(1).logIndex, `2 ${String(START)}\n4 ${String(START + MINUTE)}\n`);
    expect(await look(first)).toBe("a\n");
    expect(() => follow({ time: "soon" })).toThrow("“soon” is not a range of time");
  });

  it("goes on with the next attempt, unless one was asked for", async () => {
    run = await live.addRun({ attempt: 2 });
    const store = await openStore(live.store);
    await store.writeAttempt(run.record.id, attemptRecord({ number: 2, kind: "continue" }));
    store.close();
    await live.client.call("refresh");
    await log("ERROR one\n");
    await writeFile(run.paths.attempt(2).log, "ERROR again\n");
    const second = await live.client.call("getRun", { params: { id: run.record.id } });
    const first: RunDetail = { ...second, attempt: 1, attempts: second.attempts.slice(0, 1) };
    const logs = [follow(), follow({ level: "error" }), follow({ attempt: 1 }), follow({ attempt: 1, level: "error" })];
    for (const log of logs) await log.show(live.client, first, false);
    await log("ERROR late\n");
    for (const log of logs) {
      written = "";
      await log.show(live.client, second, false);
      expect(written).toBe(log.isComplete ? "ERROR late\n" : "ERROR late\nERROR again\n");
    }
    expect(logs.map(({ isComplete }) => isComplete)).toEqual([false, false, true, true]);
  });
});

describe("trainyard logs -f", () => {
  let live: LiveServer;
  beforeAll(async () => {
    live = await LiveServer.folder();
    await live.start();
  });
  afterAll(() => live.remove());

  it("shows of a live run what `logs` shows of it afterwards, and ends with it", async () => {
    const said = path.join(live.root, "said");
    await writeFile(said, "INFO one\nERROR two\n");
    // It says what stands in the file, until that ends.
    const script = [
      "import sys, time",
      `said = open(${JSON.stringify(said)})`,
      "text = ''",
      "while not text.endswith('END\\n'):",
      "    new = said.read(); text += new; sys.stdout.write(new); sys.stdout.flush(); time.sleep(0.02)",
    ].join("\n");
    const spec = { recipe: "command", params: { command: ["python3", "-c", script] }, track: false, name: "talking" };
    const { id } = await live.client.call("createRun", { body: { spec } });
    const filter = ["--level", "error", "--search", "t", "--time", "last 1 hour"];
    const env = { ...process.env, TRAINYARD_STORE: live.store };
    let stdout = "";
    const child = spawn(process.execPath, [builtCli(), "logs", "-f", id, ...filter], {
      cwd: live.root,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    await eventually(() => stdout === "ERROR two\n", "the first line");
    await appendFile(said, "INFO three\nERROR four\nERROR fifth\nINFO the end\nEND\n");
    expect(await closed).toBe(0);
    expect(stdout).toBe("ERROR two\nERROR fifth\n");
    expect((await runProgram(process.execPath, [builtCli(), "logs", id, ...filter], { cwd: live.root, env })).stdout).toBe(stdout);
  });
});
