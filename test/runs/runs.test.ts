import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import { canTransition } from "../../protocol/states.ts";
import { isAlive } from "../../server/launch/platform.ts";
import { until } from "../launch/package-fixture.ts";
import { ended, refusal, roomForEachTest, scriptSpec, shell, spec } from "./room-fixture.ts";

const here = roomForEachTest();

const request = (of: CreateRun["spec"], start = true): CreateRun => ({ spec: of, start });

async function states(id: RunId): Promise<string[]> {
  const events = await here.room.store.events(id);
  return events.filter((event) => event.type === "state").map((event) => event.to);
}

/** Lines of a training that reports through the SDK. */
const LEARN = (steps: number, delay: number): string[] => [
  "import time, trainyard",
  "run = trainyard.init(params={'lr': 0.1})",
  `run.plan(max_steps=${steps})`,
  `for step in range(1, ${steps + 1}):`,
  `    time.sleep(${delay})`,
  "    run.log({'loss': 1.0 / step}, step=step)",
  "    if run.should_stop():",
  "        run.finish(status='cancelled', reason='stop seen')",
  "        raise SystemExit(0)",
  "run.finish()",
];

describe("a run from start to end", () => {
  test("a command: states, log, record, snapshot of what was asked for", async () => {
    const source = "# my notes\nrecipe: command\n";
    const created = await here.room.runs.create({ ...request(shell("echo hello; sleep 0.3", { tags: ["a"] })), source });
    expect(["starting", "running", "completed"]).toContain(created.state);
    const run = await ended(here.room, created.id);
    expect(run).toMatchObject({
      state: "completed",
      state_reason: "Exit code 0.",
      failure: null,
      recipe: "command",
      tags: ["a"],
      attempt: 1,
    });
    expect(await states(run.id)).toEqual(["queued", "starting", "running", "completed"]);
    expect(run.attempts[0]).toMatchObject({ number: 1, kind: "start", exit: { code: 0, by: "supervisor" }, log_bytes: 6 });
    expect(await readFile(path.join(run.run_dir, "spec.yaml"), "utf8")).toBe(source);
    expect(run.params).toEqual({ command: ["sh", "-c", "echo hello; sleep 0.3"] });
    const types = new Set(here.room.changes.map((change) => change.type));
    expect([...types].sort()).toEqual(expect.arrayContaining(["events", "log", "summary"]));
  });

  test("a script with the SDK: params, points, progress, plan", async () => {
    const created = await here.room.runs.create(request(await scriptSpec(here.dir, "learn.py", LEARN(20, 0.02))));
    const run = await ended(here.room, created.id);
    expect(run.state_reason).not.toBeNull();
    expect(run).toMatchObject({
      state: "completed",
      name: "learn.py 1",
      progress: { step: 20, max_steps: 20, fraction: 1, eta_seconds: null },
    });
    expect(run.params).toMatchObject({ script: "learn.py", lr: 0.1 });
    expect(run.metrics["loss"]).toMatchObject({ count: 20, first: 1, last: 0.05, last_step: 20 });
    expect(run.attempts[0]).toMatchObject({ first_step: 1, last_step: 20 });
    expect(here.room.changes.some((change) => change.type === "points")).toBe(true);
  });

  test("exit 0 in the middle of the plan is not completed", async () => {
    const lines = ["import os, trainyard", "run = trainyard.init()", "run.plan(max_steps=100)", "run.log({'loss': 1.0}, step=5)"];
    const created = await here.room.runs.create(
      request(await scriptSpec(here.dir, "half.py", [...lines, "import time; time.sleep(0.5)", "os._exit(0)"])),
    );
    const run = await ended(here.room, created.id);
    expect(run.state).toBe("interrupted");
    expect(run.state_reason).toContain("5 of 100");
  });

  test("a traceback becomes a class, its lines and advice", async () => {
    const created = await here.room.runs.create(request(await scriptSpec(here.dir, "bad.py", ["import no_such_module"])));
    const run = await ended(here.room, created.id);
    expect(run).toMatchObject({ state: "failed", failure: { class: "import_error" } });
    expect(run.failure?.evidence.join("\n")).toContain("no_such_module");
  });

  test("a draft waits; starting it twice is refused", async () => {
    const draft = await here.room.runs.create(request(shell("true"), false));
    expect(draft).toMatchObject({ state: "draft", attempt: 0 });
    await here.room.runs.startDraft(draft.id);
    expect((await refusal(here.room.runs.startDraft(draft.id))).code).toBe("conflict");
    expect((await ended(here.room, draft.id)).state).toBe("completed");
  });
});

describe("bad input changes nothing", () => {
  test.each<[string, () => CreateRun["spec"], ErrorCode, string]>([
    ["unknown recipe", () => spec({ recipe: "hf-lorra" }), "unknown_recipe", "recipe"],
    ["unknown field", () => spec({ recipe: "script", params: { script: "a.py", scirpt: 1 } }), "invalid_spec", "params.scirpt"],
    ["missing script", () => spec({ recipe: "script", params: { script: "nowhere.py" } }), "missing_file", "params.script"],
    ["missing field", () => spec({ recipe: "script" }), "invalid_spec", "params.script"],
    ["wrong type", () => spec({ recipe: "command", params: { command: "ls -l" } }), "invalid_spec", "params.command"],
    ["no program", () => spec({ recipe: "command", params: { command: ["no-such-program-here"] } }), "missing_file", "params.command"],
    ["no interpreter", () => spec({ recipe: "script", params: { script: "a.py" }, python: "/no/python" }), "python_unusable", "python"],
    ["no folder", () => spec({ recipe: "command", params: { command: ["true"] }, cwd: "nowhere" }), "missing_file", "cwd"],
    ["no preset", () => spec({ recipe: "command", preset: "fast", params: { command: ["true"] } }), "invalid_spec", "preset"],
  ])("%s", async (_, make, code, field) => {
    await writeFile(path.join(here.dir, "a.py"), "");
    const before = await readdir(here.room.store.root, { recursive: true });
    const error = await refusal(here.room.runs.create(request(make())));
    expect(error.code).toBe(code);
    expect(error.problems.map((problem) => problem.field)).toContain(field);
    expect(await readdir(here.room.store.root, { recursive: true })).toEqual(before);
    expect(here.room.runs.size).toBe(0);
  });

  test("a Python that lacks what the recipe needs, with the command that cures it", async () => {
    const stub = path.join(here.dir, "python-without-torch");
    // A real interpreter that sees none of its installed packages.
    await writeFile(stub, '#!/bin/sh\nexec python3 -S "$@"\n', { mode: 0o755 });
    await writeFile(path.join(here.dir, "a.jsonl"), "{}\n");
    const of = spec({ recipe: "hf-causal-lm", params: { train_file: "a.jsonl" }, python: stub });
    const error = await refusal(here.room.runs.create(request(of)));
    expect(error.code).toBe("python_unusable");
    expect(error.message).toContain("torch");
    expect(error.hint).toContain("-m pip install");
    const report = await refusal(here.room.runs.documents.preflight(request(of)));
    expect(report.code).toBe("python_unusable");
  });

  test("preflight tells instead of throwing, a dry run writes nothing", async () => {
    const report = await here.room.runs.documents.preflight(request(spec({ recipe: "script", params: { script: "nowhere.py" } })));
    expect(report.problems[0]).toMatchObject({ severity: "error", field: "params.script" });
    const dry = await here.room.runs.documents.dryRun(request(shell("true", { env: { A: "b" }, launch: { gpus: ["1"] } })));
    expect(dry.command).toEqual(["sh", "-c", "true"]);
    expect(dry.env).toMatchObject({ A: "b", CUDA_VISIBLE_DEVICES: "1", TRAINYARD_ATTEMPT: "1", PYTHONUNBUFFERED: "1" });
    expect(dry.cwd).toBe(here.dir);
    expect(existsSync(dry.resolved.run_dir)).toBe(false);
  });
});

describe("stop", () => {
  test("the SDK sees it and ends by itself", async () => {
    const created = await here.room.runs.create(
      request(
        await scriptSpec(here.dir, "long.py", [
          "import trainyard",
          "trainyard.init().framework('custom', graceful_stop=True)",
          ...LEARN(1000, 0.05),
        ]),
      ),
    );
    await until("points", () => here.room.runs.summary(created.id)?.metrics["loss"] !== undefined);
    const stopping = await here.room.runs.cancel(created.id, { force: false, reason: "enough" });
    expect(["stopping", "cancelled"]).toContain(stopping.state);
    const run = await ended(here.room, created.id);
    expect(run).toMatchObject({ state: "cancelled", failure: null });
    expect(run.attempts[0]?.exit).toMatchObject({ code: 0, escalation: "graceful" });
    expect((await refusal(here.room.runs.cancel(created.id, { force: false, reason: "again" }))).code).toBe("conflict");
  });

  test("a run that is live is not removed; an ended one goes to the trash", async () => {
    const created = await here.room.runs.create(request(shell("sleep 30")));
    expect((await refusal(here.room.runs.remove(created.id))).code).toBe("conflict");
    await here.room.runs.cancel(created.id, { force: true, reason: "test" });
    expect((await ended(here.room, created.id)).state).toBe("cancelled");
    const trashed = await here.room.runs.remove(created.id);
    expect(existsSync(path.join(here.room.store.trashed.place(trashed), "run.json"))).toBe(true);
    expect(here.room.runs.summary(created.id)).toBeUndefined();
    expect((await refusal(here.room.runs.detail(created.id))).code).toBe("not_found");
  });
});

describe("the server goes away and comes back", () => {
  test("the run goes on and is followed again, nothing is lost or told twice", async () => {
    const created = await here.room.runs.create(
      request(await scriptSpec(here.dir, "on.py", ["import trainyard", "trainyard.init().message('info', 'hello')", ...LEARN(60, 0.05)])),
    );
    await until("points", () => here.room.runs.summary(created.id)?.metrics["loss"] !== undefined);
    await here.room.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await here.open();
    expect(here.room.runs.summary(created.id)?.state).toBe("running");
    expect(here.room.runs.liveProcesses().get(created.id)?.attempt).toBe(1);
    const run = await ended(here.room, created.id);
    expect(run).toMatchObject({ state: "completed", progress: { step: 60 } });
    expect(run.metrics["loss"]?.count).toBe(60);
    expect(await states(run.id)).toEqual(["queued", "starting", "running", "completed"]);
    const messages = (await here.room.store.events(run.id)).filter((event) => event.type === "message");
    expect(messages).toHaveLength(1);
  });

  test("what ended meanwhile is settled by its exit record", async () => {
    const created = await here.room.runs.create(request(shell("sleep 0.4; exit 7")));
    await here.room.close();
    const exit = path.join(created.run_dir, "attempts/1/exit.json");
    await until("the exit record", () => existsSync(exit));
    await here.open();
    expect(await here.room.runs.detail(created.id)).toMatchObject({ state: "failed", attempts: [{ exit: { code: 7 } }] });
  });

  test("supervisor killed: the run is followed to its end, and stopped by the server", async () => {
    const goesOn = await here.room.runs.create(request(await scriptSpec(here.dir, "go.py", LEARN(15, 0.05))));
    const stopped = await here.room.runs.create(request(shell("sleep 60")));
    for (const { id } of [goesOn, stopped]) process.kill((await here.room.store.process(id, 1))!.supervisor!.pid, "SIGKILL");
    await here.room.runs.cancel(stopped.id, { force: false, reason: "test" });
    expect(await ended(here.room, goesOn.id)).toMatchObject({ state: "completed", attempts: [{ exit: { by: "server", code: null } }] });
    expect(await ended(here.room, stopped.id)).toMatchObject({ state: "cancelled" });
    expect(isAlive((await here.room.store.process(stopped.id, 1))!.process)).toBe(false);
  });

  test("everything killed: interrupted, and it says so", async () => {
    const created = await here.room.runs.create(request(shell("sleep 60")));
    const record = (await here.room.store.process(created.id, 1))!;
    process.kill(record.supervisor!.pid, "SIGKILL");
    process.kill(-record.process.pid, "SIGKILL");
    const run = await ended(here.room, created.id);
    expect(run.state).toBe("interrupted");
    expect(run.state_reason).toContain("nobody saw");
  });
});

describe("resume", () => {
  const HEADER = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';

  /** A checkpoint as transformers leaves it, as far as a validator looks. */
  async function checkpoint(runDir: string, step: number, whole = true): Promise<void> {
    const dir = path.join(runDir, "checkpoints", `checkpoint-${step}`);
    await mkdir(dir, { recursive: true });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(HEADER.length));
    const weights = Buffer.concat([length, Buffer.from(HEADER), Buffer.alloc(4)]);
    await writeFile(path.join(dir, "model.safetensors"), whole ? weights : weights.subarray(0, 20));
    await writeFile(path.join(dir, "config.json"), "{}");
    await writeFile(path.join(dir, "trainer_state.json"), JSON.stringify({ global_step: step, log_history: [] }));
    // A torch file is a zip archive; an empty one ends in the record of its directory.
    const zip = Buffer.concat([Buffer.from("PK\u0005\u0006", "latin1"), Buffer.alloc(18)]);
    for (const name of ["optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"]) await writeFile(path.join(dir, name), zip);
  }

  test("refused without a checkpoint, for a torn one, and for a program that knows no checkpoints", async () => {
    const created = await here.room.runs.create(request(shell("true")));
    await ended(here.room, created.id);
    expect((await refusal(here.room.runs.resume(created.id, { mode: "continue", params: {} }))).code).toBe("bad_checkpoint");
    await checkpoint(created.run_dir, 10, false);
    const torn = await refusal(here.room.runs.resume(created.id, { mode: "continue", checkpoint: "checkpoint-10", params: {} }));
    expect(torn.code).toBe("bad_checkpoint");
    expect((await refusal(here.room.runs.resume(created.id, { mode: "fork", checkpoint: "checkpoint-99", params: {} }))).message).toContain(
      "checkpoint-99",
    );
    expect(here.room.runs.summary(created.id)).toMatchObject({ state: "completed", attempt: 1 });
    expect(here.room.runs.size).toBe(1);
  });
});

describe("folders that others make", () => {
  test("a script that makes its own run is adopted live and settled", async () => {
    const maker = await here.room.runs.create(
      request(
        await scriptSpec(here.dir, "maker.py", [
          "import os, subprocess, sys",
          "clean = {k: v for k, v in os.environ.items() if not k.startswith('TRAINYARD_')}",
          `code = ${JSON.stringify(LEARN(40, 0.05).join("\n"))}`,
          `subprocess.run([sys.executable, '-c', code], env=clean, cwd=${JSON.stringify(here.dir)}, check=True)`,
        ]),
      ),
    );
    const adopted = await until("the adopted run", () =>
      [...here.room.runs.briefs()].map(({ id }) => here.room.runs.summary(id)).find((run) => run?.origin === "sdk"),
    );
    expect(adopted.state).toBe("running");
    await ended(here.room, maker.id);
    const run = await ended(here.room, adopted.id);
    expect(run).toMatchObject({ state: "completed", origin: "sdk", progress: { step: 40 } });
    expect(run.metrics["loss"]?.count).toBe(40);
    expect((await refusal(here.room.runs.resume(run.id, { mode: "continue", params: {} }))).code).toMatch(/conflict|bad_checkpoint/);
  });

  test("a broken run.json among good ones is shown, never touched", async () => {
    const good = await here.room.runs.create(request(shell("true")));
    const broken = await here.room.runs.create(request(shell("true")));
    await ended(here.room, good.id);
    await ended(here.room, broken.id);
    await here.room.close();
    const file = path.join(broken.run_dir, "run.json");
    await writeFile(file, "{ broken");
    await here.open();
    expect(here.room.runs.summary(good.id)).toMatchObject({ state: "completed", damage: null });
    expect(here.room.runs.summary(broken.id)?.damage).toContain("run.json");
    expect((await refusal(here.room.runs.edit(broken.id, { name: "x" }))).code).toBe("corrupt_record");
    expect((await here.room.runs.refresh()).problems).toHaveLength(1);
    expect(await readFile(file, "utf8")).toBe("{ broken");
    expect(await here.room.runs.detail(broken.id)).toMatchObject({ attempts: [], spec: null });
  });

  test("an edit is written to the folder and survives; half a line at the end of the events does no harm", async () => {
    const created = await here.room.runs.create(request(shell("true")));
    await ended(here.room, created.id);
    await here.room.runs.edit(created.id, { name: "best", starred: true, notes: "n" });
    await appendFile(path.join(created.run_dir, "events.jsonl"), '{"type":"st');
    await here.room.close();
    await here.open();
    expect(here.room.runs.summary(created.id)).toMatchObject({ name: "best", starred: true, notes: "n", tags: [] });
    const events: RunEvent[] = await here.room.store.events(created.id);
    expect(events.at(-1)).toMatchObject({ type: "edit", changes: { name: "best" } });
    const moves = events.filter((event) => event.type === "state");
    for (const event of moves) expect(event.from === null || canTransition(event.from, event.to)).toBe(true);
  });
});
