import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile, appendFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExitRecord, type AttemptRecord } from "../../protocol/run.ts";
import { launchAttempt, type Launched } from "../../server/launch/launch.ts";
import { isAlive, platform } from "../../server/launch/platform.ts";
import { buildPackage, until, type PackageFixture } from "../launch/package-fixture.ts";

let fixture: PackageFixture;
let count = 0;

beforeAll(async () => {
  fixture = await buildPackage();
});
afterAll(async () => {
  await fixture.remove();
});

async function launch(command: string[], more: Partial<AttemptRecord> = {}): Promise<Launched & { dir: string }> {
  const id = ++count;
  const dir = path.join(fixture.scratch, `attempt-${id}`);
  await mkdir(dir);
  const attempt: AttemptRecord = {
    version: 1,
    number: 1,
    kind: "start",
    resumed_from: null,
    launcher: "local",
    command,
    cwd: dir,
    env: { TRAINYARD_RUN_ID: `test-${process.pid}-${id}`, TRAINYARD_ATTEMPT: "1" },
    python: null,
    grace_seconds: 60,
    created_at: new Date().toISOString(),
    ...more,
  };
  await writeFile(path.join(dir, "attempt.json"), JSON.stringify(attempt));
  return { dir, ...(await launchAttempt({ attemptDir: dir, packageRoot: fixture.root })) };
}

async function exitOf(dir: string, ms?: number): Promise<ExitRecord> {
  const file = path.join(dir, "exit.json");
  await until("exit.json", () => existsSync(file), ms);
  return ExitRecord.parse(JSON.parse(await readFile(file, "utf8")));
}

async function stop(dir: string, grace: number, force = false): Promise<void> {
  const request = { requested_at: new Date().toISOString(), by: "test", reason: "test", grace_seconds: grace, force };
  await writeFile(path.join(dir, "stop.json"), JSON.stringify(request));
}

const logOf = (dir: string): Promise<string> => readFile(path.join(dir, "log"), "utf8");

describe.concurrent("how a process ends", () => {
  test("output of both streams is in the log, with its index, and the exit record says how it ended", async () => {
    const { dir } = await launch(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    const exit = await exitOf(dir);
    expect(exit).toMatchObject({ code: 3, signal: null, escalation: "none", launch_error: null, by: "supervisor" });
    expect(await logOf(dir)).toBe("out\nerr\n");
    const [offset, time] = (await readFile(path.join(dir, "log.idx"), "utf8")).trim().split(" ").map(Number);
    expect(offset).toBe(8);
    expect(Math.abs(Date.now() - (time ?? 0))).toBeLessThan(60_000);
    expect(existsSync(path.join(dir, "supervisor.log"))).toBe(false);
  });

  test("a signal from outside is told apart from an exit code", async () => {
    const { dir } = await launch(["sh", "-c", "kill -SEGV $$"]);
    expect(await exitOf(dir)).toMatchObject({ code: null, signal: "SIGSEGV", escalation: "none" });
  });

  test("a program that does not exist, one that is not executable, a folder that is not there", async () => {
    const missing = await launch(["/no/such/python", "train.py"]);
    expect(missing.process).toBeNull();
    expect(missing.exit?.launch_error).toBe("/no/such/python: no such program");
    const plain = path.join(fixture.scratch, "plain.txt");
    await writeFile(plain, "text");
    expect((await launch([plain])).exit?.launch_error).toContain("permission denied");
    expect((await launch(["true"], { cwd: "/no/such/folder" })).exit?.launch_error).toContain("/no/such/folder");
  });

  test("peak memory of the process group is measured", async () => {
    const { dir } = await launch(["python3", "-c", "import time; b = bytearray(120 << 20); time.sleep(3)"]);
    expect((await exitOf(dir)).peak_rss_bytes).toBeGreaterThan(100 << 20);
  });

  test("an attempt is not started twice", async () => {
    const { dir } = await launch(["true"]);
    await exitOf(dir);
    const before = await readFile(path.join(dir, "exit.json"), "utf8");
    const again = spawnSync(process.execPath, [path.join(fixture.root, "dist/supervisor.cjs"), dir], { timeout: 10_000 });
    expect(again.status).toBe(1);
    expect(await readFile(path.join(dir, "exit.json"), "utf8")).toBe(before);
  });
});

describe.concurrent("what the process gets", () => {
  test("its own session, default signals, no stdin, and none of the editor's variables", async () => {
    process.env["VSCODE_PID"] = "1";
    try {
      const probe =
        "import os,sys,json;s=open('/proc/self/status').read();" +
        "print(json.dumps({'session':os.getsid(0)==os.getpid(),'ignored':[l for l in s.splitlines() if l.startswith('SigIgn')][0].split()[1]," +
        "'stdin':sys.stdin.read(),'env':dict(os.environ)}))";
      const { dir } = await launch(["python3", "-c", probe], { env: { TRAINYARD_RUN_ID: "x", MINE: "yes" } });
      await exitOf(dir);
      const seen = JSON.parse(await logOf(dir)) as { session: boolean; ignored: string; stdin: string; env: Record<string, string> };
      expect(seen.session).toBe(true);
      // Python itself ignores SIGPIPE (13) and SIGXFSZ (25).
      expect(BigInt(`0x${seen.ignored}`) & ~0x1001000n).toBe(0n);
      expect(seen.stdin).toBe("");
      expect(seen.env["MINE"]).toBe("yes");
      expect(Object.keys(seen.env).filter((name) => name.startsWith("VSCODE_") || name.startsWith("ELECTRON_"))).toEqual([]);
    } finally {
      delete process.env["VSCODE_PID"];
    }
  });
});

describe.concurrent("stop", () => {
  test("a process without the SDK gets SIGTERM at once", async () => {
    const { dir } = await launch(["sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"]);
    await until("up", async () => (await logOf(dir)).includes("up"));
    await stop(dir, 60);
    expect(await exitOf(dir)).toMatchObject({ code: 0, signal: null, escalation: "sigterm" });
    expect(await logOf(dir)).toContain("bye");
  });

  test("a graceful framework is left alone for its grace time", async () => {
    const { dir } = await launch(["sh", "-c", "trap 'exit 9' TERM; while [ ! -e stop.json ]; do sleep 0.05; done; sleep 0.6; echo saved"]);
    await appendFile(
      path.join(dir, "report.jsonl"),
      `${JSON.stringify({ type: "framework", time: 1, name: "hf", version: null, graceful_stop: true })}\n`,
    );
    await stop(dir, 30);
    expect(await exitOf(dir)).toMatchObject({ code: 0, escalation: "graceful" });
    expect(await logOf(dir)).toContain("saved");
  });

  test("force kills at once, also a process that ignores SIGTERM", async () => {
    const { dir } = await launch(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"]);
    await until("up", async () => (await logOf(dir)).includes("up"));
    await stop(dir, 60);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(existsSync(path.join(dir, "exit.json"))).toBe(false);
    const started = Date.now();
    await stop(dir, 0, true);
    expect(await exitOf(dir)).toMatchObject({ signal: "SIGKILL", escalation: "sigkill" });
    expect(Date.now() - started).toBeLessThan(3000);
  });

  test("SIGTERM that is ignored is followed by SIGKILL after five seconds", async () => {
    const { dir } = await launch(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"]);
    await until("up", async () => (await logOf(dir)).includes("up"));
    const started = Date.now();
    await stop(dir, 0);
    expect(await exitOf(dir, 15_000)).toMatchObject({ signal: "SIGKILL", escalation: "sigkill" });
    expect(Date.now() - started).toBeGreaterThan(4500);
  });

  test("a process stopped by SIGSTOP is woken", async () => {
    const { dir, process: record } = await launch(["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"]);
    await until("up", async () => (await logOf(dir)).includes("up"));
    process.kill(-record!.process.pid, "SIGSTOP");
    await stop(dir, 60);
    expect(await exitOf(dir)).toMatchObject({ code: 0, escalation: "sigterm" });
  });

  test("children that ignore SIGTERM and one that left the session go too", async () => {
    const script = [
      "import os, subprocess, sys, time, signal",
      "child = [sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)']",
      "start = dict(stdout=subprocess.PIPE)",
      "a = subprocess.Popen(child, **start); b = subprocess.Popen(child, start_new_session=True, **start)",
      "a.stdout.readline(); b.stdout.readline(); print(a.pid, b.pid, flush=True); time.sleep(60)",
    ].join("\n");
    const { dir } = await launch(["python3", "-c", script]);
    const pids = await until("pids", async () => /^(\d+) (\d+)\n/.exec(await logOf(dir)));
    await stop(dir, 1);
    const exit = await exitOf(dir, 15_000);
    expect(exit.escalation).toBe("sigkill");
    for (const pid of [pids[1], pids[2]].map(Number)) {
      const info = platform.info(pid);
      expect(info === null || info.state === "Z").toBe(true);
    }
  });
});

describe.concurrent("the supervisor itself", () => {
  test("ignores SIGTERM, SIGHUP and SIGINT; the training is a stranger to it in every signal", async () => {
    const { dir, process: record } = await launch(["sh", "-c", "sleep 1.2; echo done"]);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.kill(record!.supervisor!.pid, signal);
    expect(await exitOf(dir)).toMatchObject({ code: 0, signal: null });
    expect(await readFile(path.join(dir, "supervisor.log"), "utf8")).toContain("SIGHUP ignored");
  });

  test("killed: training goes on and its output is complete", async () => {
    const { dir, process: record } = await launch(["sh", "-c", "for i in 1 2 3 4 5; do sleep 0.2; echo $i; done"]);
    process.kill(record!.supervisor!.pid, "SIGKILL");
    await until("the end", () => !isAlive(record!.process));
    expect(await logOf(dir)).toBe("1\n2\n3\n4\n5\n");
    expect(existsSync(path.join(dir, "exit.json"))).toBe(false);
  });

  test("the identity of a process is not its pid alone", async () => {
    const { dir, process: record } = await launch(["sleep", "1"]);
    const identity = record!.process;
    expect(isAlive(identity)).toBe(true);
    expect(isAlive({ ...identity, start_time: "1" })).toBe(false);
    expect(isAlive({ ...identity, boot_id: "another" })).toBe(false);
    await exitOf(dir);
    expect(isAlive(identity)).toBe(false);
  });
});
