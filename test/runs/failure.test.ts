import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure, type ExitRecord, type FailureClass } from "../../protocol/run.ts";
import { classifyFailure, type FailureEvidence } from "../../server/runs/failure.ts";
import { exitRecord } from "../store/fixtures.ts";

const GIB = 2 ** 30;

function known(log: string, over: Partial<ExitRecord> = {}, rest: Partial<FailureEvidence> = {}): FailureEvidence {
  return {
    log,
    exit: exitRecord({ code: 1, ...over }),
    end: null,
    oomKills: null,
    machineMemoryBytes: 16 * GIB,
    ...rest,
  };
}

const traceback = (last: string): string =>
  ["Loading", "Traceback (most recent call last):", '  File "/w/train.py", line 9, in <module>', "    main()", last, ""].join("\n");

/** The end of what torchrun printed when one of its two ranks was killed. */
const torchrun = (exitCode: string, traceback: string): string =>
  [
    "[rank0]: Traceback (most recent call last):",
    '[rank0]:   File "/w/train.py", line 9, in <module>',
    "[rank0]: RuntimeError: [/gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:55945: Connection reset by peer.",
    "Traceback (most recent call last):",
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
    "=======================================================",
    "train.py FAILED",
    "Failures:",
    "[1]:",
    "  rank      : 0 (local_rank: 0)",
    "  exitcode  : -15 (pid: 16396)  (SIGTERM)",
    "  traceback : Signal 15 (SIGTERM) received by PID 16396",
    "-------------------------------------------------------",
    "Root Cause (first observed failure):",
    "[0]:",
    "  time      : 2026-11-21_04:38:43",
    "  host      : localhost",
    "  rank      : 1 (local_rank: 1)",
    `  exitcode  : ${exitCode}`,
    "  error_file: <N/A>",
    `  traceback : ${traceback}`,
    "=======================================================",
    "",
  ].join("\n");

describe("a rank that failed first", () => {
  test("is named with the signal that ended it, not with what the others said of it", () => {
    const error = { type: "RuntimeError", message: "Connection reset by peer", traceback: "" };
    const failure = classifyFailure(
      known(
        torchrun("-9 (pid: 16397)  (SIGKILL)", "Signal 9 (SIGKILL) received by PID 16397"),
        {},
        {
          end: { type: "end", time: 0, status: "failed", step: 5, reason: null, error },
        },
      ),
    );
    expect(failure).toMatchObject({ class: "killed", message: "Rank 1: Killed by SIGKILL; by whom is not recorded" });
    expect(failure.evidence.join("\n")).toContain("rank      : 1 (local_rank: 1)");
  });

  test("is told as out of memory when the kernel ended a process meanwhile, and as a crash when it crashed", () => {
    const killed = torchrun("-9 (pid: 16397)  (SIGKILL)", "Signal 9 (SIGKILL) received by PID 16397");
    expect(classifyFailure(known(killed, {}, { oomKills: 1 }))).toMatchObject({
      class: "out_of_memory_host",
      message: "Rank 1: Killed by the kernel: the memory limit was reached",
    });
    const crashed = torchrun("-11 (pid: 16397)", "Signal 11 (SIGSEGV) received by PID 16397");
    expect(classifyFailure(known(crashed))).toMatchObject({
      class: "segfault",
      message: expect.stringContaining("Rank 1 crashed (SIGSEGV)") as string,
    });
  });

  test("that ended by itself is told by its error", () => {
    const log = `ValueError: expected 3 columns\n${torchrun("1 (pid: 16397)", "To enable traceback see: https://pytorch.org")}`;
    expect(classifyFailure(known(log)).class).toBe("exception");
  });
});

describe("failure classes from what real programs print", () => {
  test.each<[FailureClass, string]>([
    [
      "out_of_memory_gpu",
      traceback("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB"),
    ],
    ["out_of_memory_gpu", traceback("[rank0]: RuntimeError: CUDA error: out of memory")],
    [
      "out_of_memory_host",
      traceback("RuntimeError: [enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to"),
    ],
    ["out_of_memory_host", traceback("MemoryError")],
    [
      "out_of_memory_host",
      traceback("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.0 GiB\nOSError: [Errno 12] Cannot allocate memory"),
    ],
    ["disk_full", traceback("OSError: [Errno 28] No space left on device: '/ckpt/model.safetensors'")],
    ["nccl", "[rank1]:[E ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9)\n"],
    ["nccl", traceback("torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2022, unhandled system error")],
    ["nan_loss", traceback("RuntimeError: probability tensor contains either `inf`, `nan` or element < 0")],
    ["nan_loss", traceback("ValueError: loss is nan at step 12")],
    ["import_error", traceback("ModuleNotFoundError: No module named 'torch'")],
    ["missing_file", traceback("FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'")],
    ["missing_file", "/usr/bin/python: can't open file '/w/trian.py': [Errno 2] No such file or directory\n"],
    ["bad_argument", "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --learning-rat 1\n"],
    ["bad_argument", traceback("TypeError: TrainingArguments.__init__() got an unexpected keyword argument 'warmup_ratio'")],
    ["exception", traceback("ValueError: expected 3 columns")],
    ["unknown", "some words\n"],
  ])("%s", (kind, log) => {
    const failure = classifyFailure(known(log));
    expect(Failure.parse(failure).class).toBe(kind);
    expect(failure.advice.length).toBeGreaterThan(10);
    for (const line of failure.evidence) expect(log).toContain(line.trim().slice(0, 40));
  });

  test("the frames of the traceback are the evidence", () => {
    const failure = classifyFailure(known(traceback("ModuleNotFoundError: No module named 'peft'")));
    expect(failure.message).toContain("No module named 'peft'");
    expect(failure.evidence[0]).toBe("Traceback (most recent call last):");
    expect(failure.evidence).not.toContain("Loading");
  });

  test("the cause comes before what it drags behind it", () => {
    const log = traceback("OSError: [Errno 28] No space left on device") + traceback("ValueError: I/O operation on closed file");
    expect(classifyFailure(known(log)).class).toBe("disk_full");
  });

  test("what only the SDK saw counts too", () => {
    const error = { type: "RuntimeError", message: "CUDA out of memory. Tried to allocate 1 GiB", traceback: "Traceback…" };
    const end = { type: "end" as const, time: 1, status: "failed" as const, step: 3, reason: null, error };
    expect(classifyFailure(known("", {}, { end })).class).toBe("out_of_memory_gpu");
  });

  test("a progress bar is not evidence", () => {
    const bar = Array.from({ length: 100 }, (_, step) => ` ${step}%|█   | loss is nan soon\r`).join("");
    expect(classifyFailure(known(`${bar}100%|████| done\n${traceback("KeyError: 'text'")}`)).class).toBe("exception");
  });
});

describe("signals", () => {
  const signal = (name: string, over: Partial<ExitRecord> = {}) => ({ code: null, signal: name, ...over });

  test("SIGKILL is said as what is known of it", () => {
    expect(classifyFailure(known("step 1\n", signal("SIGKILL"))).class).toBe("killed");
    expect(classifyFailure(known("step 1\n", signal("SIGKILL"), { oomKills: 1 })).message).toContain("memory limit");
    const likely = classifyFailure(known("step 1\n", signal("SIGKILL", { peak_rss_bytes: 15 * GIB })));
    expect(likely.class).toBe("out_of_memory_host");
    expect(likely.message).toContain("most likely");
    expect(classifyFailure(known("", { code: 137 })).class).toBe("killed");
  });

  test("crashes", () => {
    expect(classifyFailure(known("", signal("SIGSEGV"))).class).toBe("segfault");
    expect(classifyFailure(known("terminate called after throwing an instance of 'std::bad_alloc'\n", signal("SIGABRT"))).class).toBe(
      "out_of_memory_host",
    );
    expect(classifyFailure(known("", { code: 139 })).class).toBe("segfault");
  });

  test("it never started", () => {
    expect(classifyFailure(known("", { code: null, launch_error: "python: no such program" })).class).toBe("launch_error");
  });
});

test("any log gives a valid failure, quickly", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2000 }), fc.integer({ min: 1, max: 255 }), (log, code) => {
      expect(Failure.safeParse(classifyFailure(known(log, { code }))).success).toBe(true);
    }),
  );
  const started = performance.now();
  classifyFailure(known(`${"loss ".repeat(100_000)}\n`.repeat(4)));
  expect(performance.now() - started).toBeLessThan(2000);
});
