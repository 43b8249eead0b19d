/** Tools that look. */
import * as z from "zod";
import type { ApiClient } from "../client.ts";
import { TrainyardError } from "../errors.ts";
import { splitField } from "../expression/tokens.ts";
import { LogLevel } from "../queries.ts";
import { LogSearchQuery } from "../drafts.ts";
import type { MetricSummary, RunSummary } from "../run.ts";
import { RUN_ARGUMENT } from "../select-run.ts";
import { RunState } from "../states.ts";
import { bounded } from "./data.ts";
import { explainFailure } from "./explain-failure.ts";
import { findRunId } from "./find-run.ts";
import { metricHistory } from "./metric-history.ts";
import { readTool } from "./tool.ts";

const Run = z.string().min(1).max(200).describe(`The run: ${RUN_ARGUMENT}`);
const METRICS_IN_LISTS = 12;
const METRICS_IN_HINTS = 50;
const LINE_LENGTH = 500;

export const listRuns = readTool({
  name: "list_runs",
  title: "List training runs",
  description:
    "Lists training runs with state, progress and metrics (last, min, max). Filter with expressions over record.*, params.* and metrics.*, " +
    'for example `metrics.eval/loss:min < 0.4 and params.optim = "adamw"`. To find the best run, sort by a metric, for example `metrics.eval/loss:min`.',
  input: z
    .object({
      project: z.string().max(80).optional().describe("Only runs of this project"),
      state: z.array(RunState).max(9).optional().describe("Only runs in these states"),
      search: z.string().max(500).optional().describe("Text in name, tags, notes or id"),
      filter: z.string().max(4000).optional().describe("Expression that a run must fulfil"),
      sort: z
        .string()
        .max(200)
        .default("-created_at")
        .describe("created_at, name, params.<key>, metrics.<name> (its last value) or metrics.<name>:min; a leading - sorts downwards"),
      limit: z.number().int().min(1).max(50).default(20),
      offset: z.number().int().min(0).max(10_000_000).default(0),
    })
    .strict(),
  async read({ api }, { state, ...rest }) {
    const query = { ...rest, ...(state !== undefined && { state: state.join(",") }) };
    const { runs, total } = await api.call("listRuns", { query }).catch(async (error: unknown) => {
      throw error instanceof TrainyardError && error.code === "bad_request" ? await withMetrics(api, error) : error;
    });
    return { total, runs: runs.map(brief) };
  },
});

export const getRun = readTool({
  name: "get_run",
  title: "Show a training run",
  description:
    "Everything about one run: params (and which of them somebody chose), metrics, command and outcome of each attempt, checkpoints, code version, failure.",
  input: z.object({ run: Run }).strict(),
  async read({ api }, { run }) {
    const params = { id: await findRunId(api, run) };
    const [detail, { checkpoints }] = await Promise.all([api.call("getRun", { params }), api.call("listCheckpoints", { params })]);
    const { environment, attempts, spec, resolved, metrics, run_dir, ...summary } = detail;
    return bounded({
      ...summary,
      chosen_params: chosenParams(detail.params, resolved),
      metrics: shortMetrics(metrics, 100),
      run_dir,
      args: spec?.args ?? [],
      environment: environment === null ? null : { ...environment, packages: Object.keys(environment.packages).length },
      attempts: attempts.map(({ number, kind, command, cwd, exit, first_step, last_step, resumed_from }) => ({
        number,
        kind,
        command,
        cwd,
        steps: [first_step, last_step],
        resumed_from,
        exit: exit === null ? null : { code: exit.code, signal: exit.signal, ended_at: exit.ended_at },
      })),
      checkpoints: checkpoints.map(({ name, step, kind, status, resumable, final, tags }) => ({
        name,
        step,
        kind,
        status,
        resumable,
        final,
        tags: tags.map(({ tag }) => tag),
      })),
    });
  },
});

export const getMetricHistory = readTool({
  name: "get_metric_history",
  title: "Read metric curves",
  description:
    "Points [step, value] of metrics of a run, thinned to a budget so that every spike is kept. A metric name may end in * (`eval/*`).",
  input: z
    .object({
      run: Run,
      metrics: z.array(z.string().min(1).max(500)).min(1).max(50),
      from_step: z.number().optional(),
      to_step: z.number().optional(),
      max_points: z.number().int().min(2).max(4000).default(200).describe("Points in the answer, over all metrics together"),
    })
    .strict(),
  read: async ({ api }, { run, ...request }) => metricHistory(api, await findRunId(api, run), request),
});

export const compareRuns = readTool({
  name: "compare_runs",
  title: "Compare training runs",
  description:
    "What differs between runs: params, recipe, code version, environment, and their metrics with the difference to the first one. " +
    "Whether a higher value is better is for you to know from the metric.",
  input: z.object({ runs: z.array(Run).min(2).max(20).describe("The baseline first") }).strict(),
  async read({ api }, { runs }) {
    const ids = [];
    for (const run of runs) ids.push(await findRunId(api, run));
    return bounded(await api.call("compareRuns", { query: { runs: ids.join(",") } }));
  },
});

export const searchLogs = readTool({
  name: "search_logs",
  title: "Search training logs",
  description:
    "Lines with a text (whatever its case) in the logs of one run, a project or all runs, newest runs first, with lines around them.",
  input: z
    .object({
      text: LogSearchQuery.shape.search,
      run: Run.optional(),
      project: z.string().max(80).optional(),
      level: LogLevel.optional(),
      context: z.number().int().min(0).max(10).default(2),
      limit: z.number().int().min(1).max(50).default(20),
    })
    .strict(),
  async read({ api }, { text, run, ...rest }) {
    const query = { ...rest, search: text, ...(run !== undefined && { run: await findRunId(api, run) }) };
    const { matches, ...found } = await api.call("searchLogs", { query });
    return {
      ...found,
      matches: matches.map(({ run: id, name, line, before, after }) => ({
        run: id,
        name,
        attempt: line.attempt,
        line: line.number + 1,
        time: line.time === null ? null : new Date(line.time).toISOString(),
        level: line.level,
        text: line.text.slice(0, LINE_LENGTH),
        before: before.map((one) => one.text.slice(0, LINE_LENGTH)),
        after: after.map((one) => one.text.slice(0, LINE_LENGTH)),
      })),
    };
  },
});

export const explainRunFailure = readTool({
  name: "explain_failure",
  title: "Explain why a run failed",
  description:
    "Why a run failed, was killed or stalled: the class of the failure with the log lines that prove it and advice, exit code, errors and the end of its log, metrics that became NaN.",
  input: z.object({ run: Run }).strict(),
  read: async ({ api }, { run }) => bounded(await explainFailure(api, await findRunId(api, run))),
});

/** A model that guessed the name of a field learns which metrics there are; it has no other list of them. */
async function withMetrics(api: ApiClient, { code, message, hint, problems }: TrainyardError): Promise<TrainyardError> {
  const { fields } = await api.call("listFields");
  const metrics = fields.flatMap(({ name }) => {
    const { namespace, part } = splitField(name);
    return namespace === "metrics" && part === "last" ? [name] : [];
  });
  const shown = metrics.slice(0, METRICS_IN_HINTS).join(", ");
  const known = metrics.length === 0 ? "No run has a metric." : `Metrics: ${shown}${metrics.length > METRICS_IN_HINTS ? ", …" : ""}.`;
  return new TrainyardError(code, message, hint === null ? known : `${hint} ${known}`, problems);
}

function brief(run: RunSummary): unknown {
  const { id, name, project, state, recipe, created_at, ended_at, tags, starred, archived, parent, failure, progress } = run;
  return bounded({
    id,
    name,
    project,
    state,
    recipe,
    created_at,
    ended_at,
    ...(tags.length > 0 && { tags }),
    ...(starred && { starred }),
    ...(archived && { archived }),
    ...(parent !== null && { parent: parent.run }),
    ...(failure !== null && { failure: failure.class }),
    progress: progress === null ? null : { step: progress.step, of: progress.max_steps, eta_seconds: progress.eta_seconds },
    metrics: shortMetrics(run.metrics, METRICS_IN_LISTS),
  });
}

/** Losses first: they are what a short list is read for. */
function shortMetrics(metrics: Readonly<Record<string, MetricSummary>>, most: number): unknown {
  const rank = (name: string): number => (/loss/i.test(name) ? 0 : /acc|f1|score|reward|perplexity/i.test(name) ? 1 : 2);
  const sorted = Object.entries(metrics).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const shown = sorted.slice(0, most).map(([name, { last, last_step, min, min_step, max, max_step }]) => {
    return [name, { last, last_step, min, min_step, max, max_step }] as const;
  });
  return { ...Object.fromEntries(shown), ...(sorted.length > most && { "…": `${sorted.length - most} further metrics` }) };
}

/** Params that are not the recipe's own defaults. */
function chosenParams(params: RunSummary["params"], resolved: Readonly<Record<string, unknown>> | null): unknown {
  const sources = resolved?.["sources"];
  if (typeof sources !== "object" || sources === null) return params;
  const from = new Map<string, unknown>(Object.entries(sources));
  return Object.fromEntries(Object.entries(params).filter(([name]) => from.get(name) !== "recipe default"));
}
