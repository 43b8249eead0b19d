/** Failure classes of processes that really fail so; what needs a GPU or a cluster is in failure-wordings.test.ts. */
import { describe, expect, test } from "vitest";
import type { RunDetail } from "../../protocol/queries.ts";
import { Failure, type FailureClass } from "../../protocol/run.ts";
import type { RunSpec } from "../../protocol/spec.ts";
import { until } from "../launch/package-fixture.ts";
import { python } from "../support/machine.ts";
import { ended, roomForEachTest, scriptSpec, shell } from "./room-fixture.ts";

const here = roomForEachTest();

async function failed(spec: RunSpec): Promise<Failure & { run: RunDetail }> {
  const { id } = await here.room.runs.create({ spec, start: true });
  const run = await ended(here.room, id, 60_000);
  expect(run.state).toBe("failed");
  // Kept on the run, for whoever looks later.
  expect((await here.room.store.read(id)).record.failure).toEqual(run.failure);
  return { ...Failure.parse(run.failure), run };
}

const script = (lines: string[]): Promise<RunSpec> => scriptSpec(here.dir, "train.py", lines, { python: python() });

describe("a process that", () => {
  test.each<[string, FailureClass, string[], RegExp]>([
    [
      "runs out of memory",
      "out_of_memory_host",
      ["import resource", "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))", "data = [bytearray(1 << 28) for _ in range(64)]"],
      /^MemoryError/,
    ],
    ["finds no room on a disk", "disk_full", ["with open('/dev/full', 'w') as file:", "    file.write('x' * 100_000)"], /Errno 28/],
    ["imports what is not there", "import_error", ["import a_module_that_nobody_has"], /No module named 'a_module_that_nobody_has'/],
    ["opens what is not there", "missing_file", ["open('data/train.csv')"], /data\/train\.csv/],
    [
      "checks its loss",
      "nan_loss",
      [
        "import math",
        "loss = 1.0",
        "for step in range(9):",
        "    loss = loss * 1e60 ** (step + 1) if step < 5 else loss * 0",
        "    if math.isnan(loss): raise SystemExit(f'Loss is {loss}, stopping training')",
      ],
      /Loss is nan, stopping training/,
    ],
    [
      "takes other arguments",
      "bad_argument",
      ["import argparse, sys", "p = argparse.ArgumentParser()", "p.add_argument('--lr', type=float)", "p.parse_args(['--lr', 'fast'])"],
      /error: argument --lr: invalid float value/,
    ],
    ["reads what is not its own", "segfault", ["print('before')", "import ctypes", "ctypes.string_at(0)"], /before/],
    ["raises something else", "exception", ["raise KeyError('text')"], /KeyError: 'text'/],
  ])("%s: %s", async (_, kind, lines, proof) => {
    const failure = await failed(await script(lines));
    expect(failure.class).toBe(kind);
    expect(
      failure.evidence.some((line) => proof.test(line)),
      failure.evidence.join("\n"),
    ).toBe(true);
    expect(failure.advice.length).toBeGreaterThan(10);
  });

  test("computes NaN in torch's own backward pass", async () => {
    const failure = await failed(
      await script([
        "import torch",
        "with torch.autograd.set_detect_anomaly(True):",
        "    x = torch.zeros(1, requires_grad=True)",
        "    (torch.sqrt(x) * torch.zeros(1)).sum().backward()",
      ]),
    );
    expect([failure.class, failure.message]).toEqual(["nan_loss", expect.stringContaining("returned nan values")]);
  });

  test("is no program, or names a script that is not there", async () => {
    expect((await failed(shell("python3 no_such_script.py"))).class).toBe("missing_file");
    expect((await failed(shell("no-such-program-at-all --lr 1"))).class).toBe("missing_file");
    expect((await failed(shell("kill -SEGV $$"))).class).toBe("segfault");
  });

  test("another process kills", async () => {
    const { id } = await here.room.runs.create({ spec: shell("echo step 1; sleep 60"), start: true });
    const pid = await until("the process", () => here.room.runs.liveProcesses().get(id)?.pid);
    await until("its line", async () => (await here.room.store.logBytes(id, 1, 0, 10)).size > 0);
    process.kill(pid, "SIGKILL");
    const run = await ended(here.room, id);
    expect(run.failure).toMatchObject({ class: "killed", message: "Killed by SIGKILL; by whom is not recorded", evidence: ["step 1"] });
  });
});

test("a run that succeeds has no failure, whatever it prints", async () => {
  const words = ["CUDA out of memory", "Traceback (most recent call last):", "FileNotFoundError: x", "Segmentation fault", "loss is nan"];
  const { id } = await here.room.runs.create({ spec: await script(words.map((text) => `print(${JSON.stringify(text)})`)), start: true });
  const run = await ended(here.room, id);
  expect([run.state, run.failure]).toEqual(["completed", null]);
});
