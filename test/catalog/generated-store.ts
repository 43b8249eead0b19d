/** Run folders with everything that makes questions hard: odd names, missing values, NaN and infinities, fields of several types. */
import fc from "fast-check";
import type { JsonValue } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { attemptRecord, resolvedSpec, runRecord } from "../store/fixtures.ts";

export interface GeneratedRun {
  readonly record: Partial<RunRecord>;
  readonly params: Record<string, JsonValue>;
  /** Metrics that are logged together, row by row. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
}

const integer = fc.integer({ min: -4, max: 12 });
const number = fc.oneof(
  { weight: 4, arbitrary: integer },
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }) },
  fc.constantFrom(1e-300, 1e15, 0.1, 0.30000000000000004, 2e-5),
);
const logged = fc.oneof({ weight: 8, arbitrary: number }, fc.constantFrom(NaN, Infinity, -Infinity, -0));
const text = fc.constantFrom(
  "adamw",
  "AdamW",
  "lion",
  "",
  "a b",
  "100%",
  "it's",
  'say "x"',
  "back\\slash",
  "line\nbreak",
  "É",
  "é",
  "ß",
  "😀",
  "ﬁne",
  "[x]",
  "a*b?",
  "true",
  "1",
);
const tags = fc.uniqueArray(fc.constantFrom("baseline", "Baseline", "é", "phase-1", "a,b"), { maxLength: 3 });

const SECOND = 1000;
const START = Date.parse("2026-01-01T00:00:00.000Z");
const times = fc
  .tuple(fc.integer({ min: 0, max: 90 * 86_400 }), fc.option(fc.tuple(fc.nat(3600), fc.nat(100_000))))
  .map(([created, rest]) => ({
    created_at: new Date(START + created * SECOND).toISOString(),
    started_at: rest === null ? null : new Date(START + (created + rest[0]) * SECOND).toISOString(),
    ended_at: rest === null ? null : new Date(START + (created + rest[0]) * SECOND + rest[1]).toISOString(),
  }));

const params = fc.record(
  {
    lr: number,
    batch_size: fc.constantFrom(8, 16, 32),
    optim: fc.oneof({ weight: 5, arbitrary: text }, integer, fc.boolean()),
    flag: fc.boolean(),
    lora: fc.record({ r: fc.constantFrom(8, 16), target: text }, { requiredKeys: [] }),
    "odd name": number,
    'quo"te\\': text,
    ünïcode: number,
    betas: fc.array(fc.oneof(integer, text, fc.boolean()), { maxLength: 3 }),
    nothing: fc.constant(null),
  },
  { requiredKeys: [] },
);

const loggedRow = fc.record(
  { loss: logged, "eval/loss": logged, "val acc": logged, 'it\'s "odd"': logged, "grad.norm": logged, "loss:min": logged },
  { requiredKeys: [] },
);

export const generatedRun: fc.Arbitrary<GeneratedRun> = fc
  .record({
    record: fc.record({
      name: text.map((one) => one.trim() || "a run"),
      project: fc.constantFrom("alpha", "beta", "gamma"),
      state: fc.constantFrom("completed" as const, "failed" as const, "cancelled" as const, "interrupted" as const),
      recipe: fc.constantFrom("script", "hf-causal-lm"),
      seed: fc.option(fc.nat(3)),
      starred: fc.boolean(),
      archived: fc.boolean(),
      tags,
      notes: text,
    }),
    times,
    params,
    metrics: fc.array(loggedRow, { maxLength: 5 }),
  })
  .map(({ record, times: when, ...rest }) => ({ ...rest, record: { ...record, ...when } }));

/** Writes the runs as a server leaves them. @param root of the store, which may be new */
export async function addGeneratedRuns(root: string, runs: readonly GeneratedRun[]): Promise<void> {
  const store = await openStore(root);
  try {
    // Most of the time goes into waiting for the disk.
    for (let at = 0; at < runs.length; at += 16) await Promise.all(runs.slice(at, at + 16).map((run) => addRun(store, run)));
  } finally {
    store.close();
  }
}

async function addRun(store: RunStore, { record: fields, params: values, metrics }: GeneratedRun): Promise<void> {
  const record = runRecord({ attempt: 1, ...fields });
  const { paths } = await store.create(record, {
    specYaml: `recipe: ${record.recipe}\nproject: ${record.project}\n`,
    resolved: { ...resolvedSpec(record.id, store.root), params: values },
  });
  await store.writeAttempt(record.id, attemptRecord({ created_at: record.created_at }));
  const file = await MetricFileWriter.open(paths.attempt(1).metrics);
  for (const [step, row] of metrics.entries()) await file.append(START + step, step + 1, row);
  await file.close();
}
