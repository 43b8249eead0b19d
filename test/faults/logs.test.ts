/**
 * Logs that are hard to show: very long, very fast, with bytes that are no text, replaced under the reader. Asked of the built server, whose
 * memory is measured. TRAINYARD_TEST_LOG_MB makes the long log longer (docs/reliability.md).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { appendFile, open, readFile, rename, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import type { ApiClient } from "../../protocol/client.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ServerMessage } from "../../protocol/messages.ts";
import { createStreamClient, type StreamClient } from "../../protocol/stream-client.ts";
import { runPaths } from "../../server/store/paths.ts";
import { newWorkspace } from "../runs/room-fixture.ts";
import { builtCli } from "../support/machine.ts";
import { runProgram, until } from "../support/processes.ts";
import { clientOf, endServer, readDiscovery } from "../support/store.ts";
import { liveRuns } from "./live-run.ts";

const LOG_MB = Number(process.env["TRAINYARD_TEST_LOG_MB"] ?? "160");
/** What a server may need beyond what it needs for nothing, whatever the size of the log. */
const MEMORY_BOUND_MB = 128;

type LogMessage = Extract<ServerMessage, { type: "log" }>;

let workspace: { dir: string; remove(): Promise<void> };
let store: string;
let training: ChildProcess;
let stream: StreamClient | null = null;

beforeEach(async () => {
  workspace = await newWorkspace();
  store = path.join(workspace.dir, ".trainyard");
  training = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
});
afterEach(async () => {
  stream?.close();
  stream = null;
  training.kill("SIGKILL");
  await endServer(store);
  await workspace.remove();
});

/** A store with one run that lives, served by the built program. */
async function servedRun(): Promise<{ id: RunId; log: string; client: ApiClient }> {
  const [id] = await liveRuns(store, training.pid!, 1, new Date().toISOString());
  const { log } = runPaths(path.join(store, "demo", "runs", id!)).attempt(1);
  return { id: id!, log, client: await serve() };
}

async function serve(): Promise<ApiClient> {
  const started = await runProgram(process.execPath, [builtCli(), "serve", "--ensure", "--store", store, "--json"], { timeoutMs: 40_000 });
  expect(started.code, started.stderr).toBe(0);
  return clientOf(store);
}

/** Megabytes: now, and the most there ever were. */
async function serverMemory(): Promise<{ now: number; peak: number }> {
  const { pid } = (await readDiscovery(store)).process;
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const read = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

async function follow(id: RunId, offset: number, onLog: (message: LogMessage) => void): Promise<void> {
  const { url, token } = await readDiscovery(store);
  stream = createStreamClient({ address: () => ({ url, token }), connect: (address, protocols) => new WebSocket(address, protocols) });
  stream.subscribe(
    { topic: "log", run: id, attempt: 1, offset },
    {
      onMessage: (message) => {
        if (message.type === "log") onLog(message);
      },
    },
  );
}

/** Many lines as a training prints them; every 100,000th is an error, every 70,000th holds bytes that are no text. */
async function writeLongLog(file: string, megabytes: number): Promise<{ lines: number; bytes: number }> {
  const out = createWriteStream(file);
  const odd = Buffer.concat([Buffer.from("odd "), Buffer.from([0xff, 0x00, 0xc3, 0x28]), Buffer.from(" \u{1f682} end\n")]);
  let lines = 0;
  let bytes = 0;
  while (bytes < megabytes * 1024 * 1024) {
    const block: Buffer[] = [];
    for (let i = 0; i < 10_000; i++) {
      lines++;
      if (lines % 100_000 === 0) block.push(Buffer.from(`ERROR needle ${lines}\n`));
      else if (lines % 70_000 === 0) block.push(odd);
      else block.push(Buffer.from(`2026-01-01 INFO trainer: step ${lines} loss 0.${lines % 9973} lr 3e-4 grad_norm 1.02 tokens 8192\n`));
    }
    const whole = Buffer.concat(block);
    bytes += whole.length;
    if (!out.write(whole)) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
  return { lines, bytes };
}

describe(`a log of ${LOG_MB} MB`, () => {
  it(
    "shows its first and last page, finds, and is followed at once, in bounded memory",
    async () => {
      const { id, log, client } = await servedRun();
      const { lines, bytes } = await writeLongLog(log, LOG_MB);
      await client.call("getServer");
      const before = await serverMemory();
      const took: Record<string, number> = {};
      const timed = async <T>(name: string, work: Promise<T>): Promise<T> => {
        const start = performance.now();
        const value = await work;
        took[name] = Math.round(performance.now() - start);
        return value;
      };
      const page = (query: Record<string, unknown>): ReturnType<typeof getLog> => getLog(client, id, query);

      const first = await timed("first page", page({ page: 1 }));
      expect(first.total).toBe(lines);
      expect(first.lines[0]?.text).toContain("step 1 ");
      const last = await timed("last page", page({ page: Math.ceil(lines / 100) }));
      expect(last.lines.at(-1)?.number).toBe(lines - 1);
      const rare = await timed("rare text", page({ search: "NEEDLE" }));
      expect([rare.total, rare.lines.at(0)?.text]).toEqual([Math.floor(lines / 100_000), "ERROR needle 100000"]);
      expect((await timed("errors", page({ level: "error" }))).total).toBe(rare.total);
      const odd = await timed("odd bytes", page({ search: "odd " }));
      expect(odd.lines[0]?.text).toBe("odd \ufffd\ufffd( \u{1f682} end");
      // A search that finds nearly everything neither holds up a page nor fills the memory.
      const many = page({ search: "loss", page: 1000 });
      await timed("page beside a search", page({ page: 2 }));
      expect((await timed("frequent text", many)).lines).toHaveLength(100);

      let text = "";
      await follow(id, bytes, (message) => (text += message.text));
      await appendFile(log, "one more\n");
      const start = performance.now();
      await until("the new line", () => Promise.resolve(text === "one more\n"), 10_000, 10);
      took["new line"] = Math.round(performance.now() - start);
      const after = await serverMemory();
      console.log(
        `log of ${LOG_MB} MB, ${lines} lines, ms:`,
        took,
        `memory: ${before.now.toFixed()} MB before, ${after.peak.toFixed()} MB at most`,
      );
      expect(after.peak - before.now).toBeLessThan(MEMORY_BOUND_MB);
      // On a machine that does other things too: the first look reads the whole log once.
      for (const name of ["first page", "last page", "new line", "page beside a search"]) expect(took[name], name).toBeLessThan(5000);
    },
    60_000 + LOG_MB * 200,
  );
});

function getLog(client: ApiClient, id: RunId, query: Record<string, unknown>): Promise<Awaited<ReturnType<typeof client.call<"getLog">>>> {
  return client.call("getLog", { params: { id }, query });
}

describe("a line of 100 MB", () => {
  it("takes neither memory nor the lines around it", async () => {
    const { id, log, client } = await servedRun();
    const handle = await open(log, "w");
    await handle.write("before\n");
    const block = Buffer.alloc(1024 * 1024, "x");
    for (let i = 0; i < 100; i++) await handle.write(block);
    await handle.write("\nafter\n");
    await handle.close();
    const before = await serverMemory();
    const { lines, total } = await getLog(client, id, {});
    expect(total).toBe(3);
    expect(lines.map((line) => [line.text.length, line.truncated])).toEqual([
      [6, false],
      [10_000, true],
      [5, false],
    ]);
    expect((await getLog(client, id, { search: "after" })).lines).toMatchObject([{ number: 2 }]);
    let got = "";
    let skipped = 0;
    await follow(id, 0, (message) => {
      got += message.text;
      skipped += message.skipped_bytes;
    });
    await until("the end of it", () => Promise.resolve(got.endsWith("after\n")), 20_000, 10);
    expect(got.length).toBeLessThan(4 * 1024 * 1024);
    expect(skipped + Buffer.byteLength(got)).toBe((await stat(log)).size);
    expect((await serverMemory()).peak - before.now).toBeLessThan(96);
  });
});

describe("output of 50,000 lines a second", () => {
  it("is kept whole, followed without gap or duplicate, and leaves the server room for others", async () => {
    const client = await serve();
    const script = [
      "import sys, time",
      "line, begun = 0, time.monotonic()",
      "for tick in range(1, 81):",
      "    for _ in range(2500):",
      "        line += 1",
      "        sys.stdout.write(f'line {line} of a loud program that prints more than anybody reads\\n')",
      "    sys.stdout.flush()",
      "    time.sleep(max(0, begun + tick * 0.05 - time.monotonic()))",
      "print('took', time.monotonic() - begun)",
    ];
    await writeFile(path.join(workspace.dir, "loud.py"), `${script.join("\n")}\n`);
    const command = ["python3", path.join(workspace.dir, "loud.py")];
    const { id } = await client.call("createRun", {
      body: { spec: { recipe: "command", params: { command }, track: false }, start: true },
    });
    const before = await serverMemory();
    const got: LogMessage[] = [];
    await until("the start", async () => (await client.call("getRun", { params: { id } })).state === "running");
    await follow(id, 0, (message) => got.push(message));
    let slowest = 0;
    await until("the end", async () => {
      const start = performance.now();
      const { state } = await client.call("getRun", { params: { id } });
      slowest = Math.max(slowest, performance.now() - start);
      return state === "completed";
    });
    const { log } = runPaths(path.join(store, "default", "runs", id)).attempt(1);
    const raw = await readFile(log, "utf8");
    await until("the whole log", () => Promise.resolve(got.at(-1)?.next_offset === Buffer.byteLength(raw)));
    const numbers = raw.match(/^line \d+/gm) ?? [];
    expect(numbers.length).toBe(200_000);
    expect(numbers.every((text, index) => text === `line ${index + 1}`)).toBe(true);
    let offset = 0;
    for (const message of got) {
      expect(message.offset - message.skipped_bytes).toBe(offset);
      expect(raw.slice(message.offset, message.next_offset)).toBe(message.text);
      offset = message.next_offset;
    }
    // Loud output does not slow the program that prints it: 80 ticks of 50 ms, on a machine with other work.
    expect(Number(/^took (.*)$/m.exec(raw)?.[1])).toBeLessThan(12);
    expect(slowest).toBeLessThan(3000);
    expect((await serverMemory()).peak - before.now).toBeLessThan(MEMORY_BOUND_MB);
  });
});

describe("a log that changes under its reader", () => {
  it("never splits a character that was half written when it was read", async () => {
    const { id, log } = await servedRun();
    await writeFile(log, "");
    let text = "";
    await follow(id, 0, (message) => (text += message.text));
    const bytes = Buffer.from("Züge \u{1f682}\u{1f683} 列車\n");
    for (let cut = 1; cut <= bytes.length; cut++) {
      await appendFile(log, bytes.subarray(cut - 1, cut));
      // Each byte has been looked at before the next is there.
      const whole = new TextDecoder().decode(bytes.subarray(0, cut), { stream: true });
      await until(`what is whole of ${cut} bytes`, () => Promise.resolve(text === whole), 10_000, 5);
    }
    expect(text).toBe(bytes.toString());
  });

  it("starts over when the log is emptied, rotated away, or replaced by a longer one", async () => {
    const { id, log, client } = await servedRun();
    const lines = async (): Promise<string[]> => (await getLog(client, id, {})).lines.map((line) => line.text);
    await writeFile(log, "old 1\nold 2\nold 3\n");
    let text = "";
    await follow(id, 0, (message) => (text += message.text));
    await until("the first lines", () => Promise.resolve(text.endsWith("old 3\n")), 10_000, 10);
    expect(await lines()).toHaveLength(3);

    await truncate(log);
    await appendFile(log, "new 1\n");
    await until("what came after it was emptied", () => Promise.resolve(text.endsWith("new 1\n")), 10_000, 10);
    expect(await lines()).toEqual(["new 1"]);

    await rename(log, `${log}.1`);
    await writeFile(log, "n 1\n");
    await until("the new file", () => Promise.resolve(text.endsWith("n 1\n") && !text.endsWith("new 1\n")), 10_000, 10);
    expect(await lines()).toEqual(["n 1"]);

    // Emptied and longer than before between two looks: the same inode, and no smaller size to notice it by.
    const longer = Array.from({ length: 50 }, (_, index) => `longer ${index}`);
    await writeFile(log, `${longer.join("\n")}\n`);
    expect(await lines()).toEqual(longer);
  });
});
