/** The line of a run, and the metric that stands in it; apart from the schema, so that the extension is activated without loading one. */
import type { MetricSummary, RunSummary } from "./run.ts";
import type { Headline, LineFields, RunLine } from "./run-line.ts";
import { LIVE_STATES } from "./state-kinds.ts";
import type { StoreOrigin } from "./stores.ts";

/** Losses first, then whatever was logged; an evaluation counts for more once the run has ended. */
const LIVE_ORDER = [/^(train[/_.])?loss$/, /loss$/, /^(?!_)/] as const;
const ENDED_ORDER = [/^(eval|val|valid|validation|test)[/_.]loss$/, /^(eval|val|valid|validation|test)[/_.]/, ...LIVE_ORDER] as const;

/** The one metric that stands for the run in a list; null before the first point. */
export function headlineOf({ metrics, state }: Pick<RunSummary, "metrics" | "state">): Headline | null {
  const names = Object.keys(metrics);
  for (const pattern of LIVE_STATES.has(state) ? LIVE_ORDER : ENDED_ORDER) {
    const name = names.find((each) => pattern.test(each));
    const summary = name === undefined ? undefined : metrics[name];
    if (name !== undefined && summary !== undefined) return { name, last: summary.last, last_step: summary.last_step };
  }
  return null;
}

/** @param fields what it holds beside what every list shows */
export function lineOf(run: RunSummary, fields: LineFields = {}): RunLine {
  return {
    id: run.id,
    project: run.project,
    experiment: run.experiment,
    name: run.name,
    tags: run.tags,
    starred: run.starred,
    archived: run.archived,
    state: run.state,
    state_reason: run.state_reason,
    recipe: run.recipe,
    attempt: run.attempt,
    created_at: run.created_at,
    started_at: run.started_at,
    ended_at: run.ended_at,
    origin: run.origin,
    ...(run.sweep !== undefined && { sweep: run.sweep }),
    ...(run.queue !== undefined && { queue: { queued_at: run.queue.queued_at, left_at: run.queue.left_at } }),
    progress: run.progress,
    checkpoint_count: run.checkpoint_count,
    forkable: run.forkable,
    damage: run.damage,
    ...otherStore(run.store),
    failure_class: run.failure?.class ?? null,
    commit: run.git?.commit ?? null,
    headline: headlineOf(run),
    ...(fields.metrics !== undefined && { metrics: chosen<MetricSummary>(run.metrics, fields.metrics) }),
    ...(fields.params !== undefined && { params: chosen(run.params, fields.params) }),
  };
}

/** The store of a run, where that is not the server's own. */
export function otherStore(store: StoreOrigin | undefined): Pick<RunLine, "store"> {
  return store?.own === false ? { store } : {};
}

/** Those of the names that there are. */
function chosen<T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
