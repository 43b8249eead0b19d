/** The columns of the table: which there are, what they are called, how a run reads in them. Pure. */
import { fromWireNumber } from "../../protocol/json.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { formatDuration, formatInteger, formatPercent, formatValue, formatWhen, UNKNOWN } from "../components/format.ts";
import { flatten, settingText } from "../compare/differences.ts";
import { orderMetrics } from "../dashboard/metrics.ts";

/** `tags`, a field of the record, `params.<dotted path>` or `metrics.<name>`: the names that the server sorts by. */
export type ColumnKey = string;

interface RecordColumn {
  readonly title: string;
  readonly sortable: boolean;
  readonly number: boolean;
  readonly text: (run: RunSummary, now: number) => string;
}

const RECORD: Readonly<Record<string, RecordColumn>> = {
  tags: { title: "tags", sortable: false, number: false, text: (run) => run.tags.join(", ") },
  project: { title: "project", sortable: true, number: false, text: (run) => run.project },
  recipe: { title: "recipe", sortable: true, number: false, text: (run) => run.recipe },
  seed: { title: "seed", sortable: true, number: true, text: (run) => (run.seed === null ? UNKNOWN : String(run.seed)) },
  progress: { title: "progress", sortable: true, number: true, text: (run) => formatPercent(run.progress?.fraction ?? null, 0) },
  step: {
    title: "step",
    sortable: false,
    number: true,
    text: (run) => (run.progress === null ? UNKNOWN : formatInteger(run.progress.step)),
  },
  attempt: { title: "attempts", sortable: true, number: true, text: (run) => String(run.attempt) },
  checkpoint_count: { title: "checkpoints", sortable: true, number: true, text: (run) => String(run.checkpoint_count) },
  duration: { title: "duration", sortable: false, number: true, text: (run, now) => formatDuration(secondsOf(run, now)) },
  started_at: {
    title: "started",
    sortable: true,
    number: false,
    text: (run, now) => (run.started_at === null ? UNKNOWN : formatWhen(run.started_at, now)),
  },
  created_at: { title: "created", sortable: true, number: false, text: (run, now) => formatWhen(run.created_at, now) },
};

/** Wall time from the first start to the end, or until now; null before it. */
export function secondsOf(run: RunSummary, now: number): number | null {
  if (run.started_at === null) return null;
  return ((run.ended_at === null ? now : Date.parse(run.ended_at)) - Date.parse(run.started_at)) / 1000;
}

export function columnTitle(key: ColumnKey): string {
  return RECORD[key]?.title ?? key.replace(/^(params|metrics)\./, "");
}

export function isSortable(key: ColumnKey): boolean {
  return RECORD[key]?.sortable ?? true;
}

/** Numbers stand right, so that their digits line up. */
export function isNumeric(key: ColumnKey): boolean {
  return RECORD[key]?.number ?? true;
}

export function cellText(run: RunSummary, key: ColumnKey, now: number): string {
  const record = RECORD[key];
  if (record !== undefined) return record.text(run, now);
  if (key.startsWith("metrics.")) {
    const summary = run.metrics[key.slice("metrics.".length)];
    return summary === undefined ? UNKNOWN : formatValue(fromWireNumber(summary.last));
  }
  const value = paramOf(run, key.slice("params.".length));
  return value === undefined || value === null ? UNKNOWN : settingText(value);
}

function paramOf(run: RunSummary, path: string): RunSummary["params"][string] | undefined {
  const direct = run.params[path];
  return direct ?? flatten(run.params).get(path);
}

/** Every column that these runs have values for: the record's, then params, then metrics. */
export function knownColumns(runs: Iterable<RunSummary>): { record: ColumnKey[]; params: ColumnKey[]; metrics: ColumnKey[] } {
  const params = new Set<string>();
  const metrics = new Set<string>();
  for (const run of runs) {
    for (const path of flatten(run.params).keys()) params.add(path);
    for (const name of Object.keys(run.metrics)) metrics.add(name);
  }
  return {
    record: Object.keys(RECORD),
    params: [...params].sort().map((path) => `params.${path}`),
    metrics: orderMetrics([...metrics]).map((name) => `metrics.${name}`),
  };
}

const FIRST_PARAMS = 4;
const FIRST_METRICS = 3;

/** What people vary, in the order in which they look at it. */
const USUAL_PARAMS = [
  "model",
  "train_file",
  "dataset",
  "learning_rate",
  "lr",
  "batch_size",
  "per_device_train_batch_size",
  "lora_r",
  "max_steps",
];

/** Of two params that differ, the one to show first: usual ones, then those that more runs have, then those that are not nested. */
function compareParams(runs: readonly RunSummary[]): (a: ColumnKey, b: ColumnKey) => number {
  const rank = (key: ColumnKey): number[] => {
    const path = key.slice("params.".length);
    const usual = USUAL_PARAMS.indexOf(path);
    const held = runs.filter((run) => cellText(run, key, 0) !== UNKNOWN).length;
    return [usual < 0 ? USUAL_PARAMS.length : usual, -held, path.split(".").length];
  };
  return (a, b) => {
    const [one, other] = [rank(a), rank(b)];
    return one.map((value, index) => value - (other[index] ?? 0)).find((difference) => difference !== 0) ?? a.localeCompare(b);
  };
}

/** What a table starts with: the params that differ between these runs, the headline metrics, when and how long. */
export function defaultColumns(runs: readonly RunSummary[]): ColumnKey[] {
  const { params, metrics } = knownColumns(runs);
  const varied = params
    // A command line differs from run to run and is too long for a cell.
    .filter((key) => key !== "params.command" && new Set(runs.map((run) => cellText(run, key, 0))).size > 1)
    .sort(compareParams(runs));
  const projects = new Set(runs.map((run) => run.project));
  return [
    ...(projects.size > 1 ? ["project"] : []),
    "tags",
    ...varied.slice(0, FIRST_PARAMS),
    ...metrics.slice(0, FIRST_METRICS),
    "duration",
    "created_at",
  ];
}

/** The next order when a column's title is clicked: metrics and params upwards first, times downwards. */
export function nextSort(now: string, key: ColumnKey): string {
  const first = key.endsWith("_at") ? `-${key}` : key;
  const second = key.endsWith("_at") ? key : `-${key}`;
  return now === first ? second : first;
}

export function sortOf(sort: string, key: ColumnKey): "ascending" | "descending" | "none" {
  return sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
}

/** Tags as they are typed: separated by commas, trimmed, each once. */
export function parseTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim().slice(0, 80)))].filter((tag) => tag !== "").slice(0, 100);
}
