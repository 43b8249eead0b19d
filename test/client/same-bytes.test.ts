/** The logging client beside the real Python SDK: the same calls leave the same bytes in metrics.bin and report.jsonl. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { EndStatus, MessageLevel, Metrics } from "../../client/api.ts";
import { floatText, line, toJson } from "../../client/json.ts";
import type { Place } from "../../client/place.ts";
import { AttemptRun } from "../../client/run.ts";
import { python, ROOT } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";

const CASES = 150;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-client-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A value as the Python side can read it without loss. */
type Tagged = Record<string, unknown>;
function tagged(value: unknown): Tagged {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { int: String(value) };
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return { float: bytes.toString("hex") };
  }
  if (typeof value === "bigint") return { int: String(value) };
  if (Array.isArray(value)) return { list: value.map(tagged) };
  if (typeof value === "object" && value !== null) return { object: Object.entries(value).map(([name, item]) => [name, tagged(item)]) };
  return { plain: value ?? null };
}
/** The clock is a float, also at a whole second. */
function taggedTime(seconds: number): Tagged {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(seconds);
  return { float: bytes.toString("hex") };
}

interface Call {
  readonly call: "log" | "flush" | "log_params" | "message" | "plan" | "checkpoint" | "finish";
  readonly arguments: readonly unknown[];
}

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, 2 ** 53, 1e16, 1e-5, 123456789.125),
);
// Halves of characters too: a name is whatever a script makes of its data.
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("a", "/", '"', "\\", "\n", "\u0001", "é", "🚂", "\u2028", "\u007f"),
    fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit)),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  maxLength: 8,
});
const name = fc.oneof(fc.constantFrom("loss", "lr", "eval/loss"), text);
const loggable = fc.oneof(
  { weight: 6, arbitrary: number },
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  text,
  fc.constant(null),
);
const metrics = fc.dictionary(name, fc.oneof({ weight: 5, arbitrary: loggable }, fc.dictionary(name, loggable, { maxKeys: 2 })), {
  maxKeys: 4,
});
const step = fc.oneof(fc.constant(null), fc.nat(), number);
const param: fc.Arbitrary<unknown> = fc.oneof(
  loggable,
  fc.array(loggable, { maxLength: 3 }),
  fc.dictionary(name, fc.oneof(loggable, fc.array(loggable, { maxLength: 2 })), { maxKeys: 3 }),
);
const paramName = fc.oneof(name, fc.constantFrom("hf_token", "max_tokens", "password", "token\n", "api-key", "eos_token", "ſecret"));
const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(metrics, step).map((args): Call => ({ call: "log", arguments: args })) },
  { weight: 2, arbitrary: fc.constant<Call>({ call: "flush", arguments: [] }) },
  fc.dictionary(paramName, param, { maxKeys: 4 }).map((params): Call => ({ call: "log_params", arguments: [params] })),
  fc.tuple(fc.constantFrom("info", "warning", "error"), text).map((args): Call => ({ call: "message", arguments: args })),
  fc
    .tuple(fc.oneof(fc.constant(null), fc.nat()), fc.oneof(fc.constant(null), fc.double()), fc.nat())
    .map((args): Call => ({ call: "plan", arguments: args })),
  fc
    .tuple(fc.nat(), metrics, fc.boolean())
    .map(([at, of, final]): Call => ({ call: "checkpoint", arguments: ["/tmp/checkpoint", at, of, final] })),
);
const end = fc
  .tuple(fc.constantFrom("completed", "failed", "cancelled"), fc.oneof(fc.constant(null), text))
  .map((args): Call => ({ call: "finish", arguments: args }));
const clock = fc.double({ min: 1, max: 4e9, noNaN: true });
const calls = fc.tuple(fc.array(fc.tuple(call, clock), { maxLength: 12 }), fc.tuple(end, clock)).map(([some, last]) => [...some, last]);

const options = <T extends object>(values: { [K in keyof T]: T[K] | null }): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as T;

function play(run: AttemptRun, { call, arguments: args }: Call): void {
  switch (call) {
    case "log": {
      const [metrics, step] = args as [Metrics, number | null];
      run.log(metrics, step ?? undefined);
      break;
    }
    case "flush":
      run.flush();
      break;
    case "log_params":
      run.logParams(args[0] as Record<string, unknown>);
      break;
    case "message": {
      const [level, text] = args as [MessageLevel, string];
      run.message(level, text);
      break;
    }
    case "plan": {
      const [maxSteps, maxEpochs, firstStep] = args as [number | null, number | null, number];
      run.plan(options({ maxSteps, maxEpochs, firstStep }));
      break;
    }
    case "checkpoint": {
      const [file, step, metrics, final] = args as [string, number, Metrics, boolean];
      run.logCheckpoint(file, step, { kind: "weights", metrics, final });
      break;
    }
    case "finish": {
      const [status, reason] = args as [EndStatus, string | null];
      run.finish(status, reason ?? undefined);
      break;
    }
  }
}

it("leaves the bytes that the Python SDK leaves", async () => {
  const cases = fc.sample(calls, CASES);
  const file = path.join(folder, "cases.json");
  const written = cases.map((one) =>
    one.map(([{ call: name, arguments: args }, time]) => ({ call: name, time: taggedTime(time), arguments: args.map(tagged) })),
  );
  await writeFile(file, JSON.stringify(written));
  const [ours, theirs] = [path.join(folder, "node"), path.join(folder, "python")];
  const env = { PYTHONPATH: path.join(ROOT, "python"), TRAINYARD_STORE: undefined };
  const done = await runProgram(python(), [path.join(ROOT, "test/client/same_points.py"), file, theirs], { env });
  expect([done.code, done.stderr.includes("Traceback")]).toEqual([0, false]);
  for (const [number, one] of cases.entries()) {
    const id = `run_${String(number).padStart(17, "0")}`;
    const place: Place = { dir: path.join(ours, id), id, attempt: 1, standalone: false };
    await mkdir(path.join(place.dir, "attempts", "1"), { recursive: true });
    let now = 1;
    const run = new AttemptRun(place, { now: () => now, drainMs: 1e9, droppedMs: 0 });
    for (const [what, time] of one) {
      now = time;
      play(run, what);
    }
    const read = (root: string, name: string): Promise<Buffer> => readFile(path.join(root, id, "attempts", "1", name));
    const context = JSON.stringify(written[number]);
    const [points, python_points] = await Promise.all([read(ours, "metrics.bin"), read(theirs, "metrics.bin")]);
    expect(points.toString("hex"), context).toBe(python_points.toString("hex"));
    // All but the first line, which says who writes.
    const lines = async (root: string): Promise<string[]> => (await read(root, "report.jsonl")).toString("latin1").split("\n").slice(1);
    expect(await lines(ours), context).toEqual(await lines(theirs));
  }
});

it("writes floats so that they read back as themselves", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Number(floatText(value))).toBe(value);
      expect(line(toJson({ a: [value] }))).toBe(
        `{"a":[${Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : floatText(value)}]}`,
      );
    }),
  );
});
