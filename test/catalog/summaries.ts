/** Summaries of runs, made up but whole: what an index needs to be tested on. */
import fc from "fast-check";
import { RunSummary } from "../../protocol/run.ts";
import { newRunId } from "../../protocol/ids.ts";
import { RunState } from "../../protocol/states.ts";
import type { CatalogQuery } from "../../server/catalog/types.ts";
import { RunsQuery } from "../../protocol/queries.ts";

const BASE_MS = Date.UTC(2026, 0, 1);

/** A run created `n` seconds after the first. */
export function summary(n: number, changes: Partial<RunSummary> = {}): RunSummary {
  const createdAt = new Date(BASE_MS + n * 1000);
  return RunSummary.parse({
    id: newRunId(createdAt.getTime()),
    project: "default",
    experiment: null,
    name: `run ${n}`,
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "completed",
    state_reason: null,
    failure: null,
    recipe: "script",
    seed: null,
    parent: null,
    attempt: 1,
    created_at: createdAt.toISOString(),
    started_at: null,
    ended_at: null,
    origin: "server",
    git: null,
    progress: null,
    params: {},
    metrics: {},
    checkpoint_count: 0,
    forkable: false,
    damage: null,
    ...changes,
  } satisfies RunSummary);
}

export function metric(last: RunSummary["metrics"][string]["last"]): RunSummary["metrics"][string] {
  return { last, last_step: 1, min: last, min_step: 1, max: last, max_step: 1, count: 1, first: last };
}

export function query(text: Record<string, string> = {}): CatalogQuery {
  return RunsQuery.parse(text);
}

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -5, max: 5 }));

/** Some runs that share names, tags, params and metrics, so that filters and sorts meet ties and gaps. */
export const summaries: fc.Arbitrary<RunSummary[]> = fc
  .array(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 12 }),
      project: fc.constantFrom("a", "b", "C"),
      state: fc.constantFrom(...RunState.options),
      tags: fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 2 }),
      notes: fc.string({ maxLength: 20 }),
      archived: fc.boolean(),
      starred: fc.boolean(),
      params: fc.dictionary(
        fc.constantFrom("lr", "optim", "lora", "__proto__x"),
        fc.oneof(number, fc.string({ maxLength: 4 }), fc.constant({ r: 8, on: true })),
      ),
      metrics: fc.dictionary(
        fc.constantFrom("loss", "eval/acc", 'it\'s "odd"'),
        fc.oneof(number, fc.constantFrom("NaN" as const, "Infinity" as const)).map(metric),
      ),
    }),
    { maxLength: 25 },
  )
  .map((all) => all.map((changes, n) => summary(n, changes)));
