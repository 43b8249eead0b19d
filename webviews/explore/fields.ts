/** The fields that runs have, as columns show them: what they are called, how their values read, which come first. Pure. */
import type { FieldInfo } from "../../protocol/analysis.ts";
import { type JsonValue, WireNumber } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { TableColumn } from "../../protocol/saved.ts";
import { settingText } from "../compare/differences.ts";
import { formatDuration, formatInteger, formatPercent, formatValue, formatWhen, UNKNOWN } from "../components/format.ts";
import { isTrainingLoss, orderMetrics } from "../dashboard/metrics.ts";

/** A field of the query language: `record.tags`, `params.lora.r`, `metrics.eval/loss:min`, `derived.gap`. */
export type Field = string;

interface RecordLook {
  readonly title: string;
  readonly number: boolean;
  readonly width: number;
  readonly text?: (value: JsonValue, now: number) => string;
}

const when = (value: JsonValue, now: number): string => (typeof value === "string" ? formatWhen(value, now) : UNKNOWN);
const count = (value: JsonValue): string => (typeof value === "number" ? formatInteger(value) : UNKNOWN);
const seconds = (value: JsonValue): string => (typeof value === "number" ? formatDuration(value) : UNKNOWN);

/** Fields of the record that read otherwise than a plain value does. */
const RECORD: Readonly<Record<string, RecordLook>> = {
  "record.tags": { title: "tags", number: false, width: 150 },
  "record.created_at": { title: "created", number: false, width: 118, text: when },
  "record.started_at": { title: "started", number: false, width: 118, text: when },
  "record.ended_at": { title: "ended", number: false, width: 118, text: when },
  "record.duration_seconds": { title: "duration", number: true, width: 104, text: seconds },
  "record.eta_seconds": { title: "time left", number: true, width: 104, text: seconds },
  "record.progress": {
    title: "progress",
    number: true,
    width: 84,
    text: (value) => (typeof value === "number" ? formatPercent(value, 0) : UNKNOWN),
  },
  "record.step": { title: "step", number: true, width: 90, text: count },
  "record.attempt": { title: "attempts", number: true, width: 84, text: count },
  "record.checkpoint_count": { title: "checkpoints", number: true, width: 100, text: count },
  "record.dirty_files": { title: "changed files", number: true, width: 100, text: count },
};

/** Without `record.`, `params.` and `metrics.`; a derived metric says that it is one. */
export function fieldTitle(field: Field): string {
  return RECORD[field]?.title ?? field.replace(/^(record|params|metrics)\./, "").replace(/^derived\./, "ƒ ");
}

/** The field whose column has a curve beside each value: the training loss. */
export function sparkField(columns: readonly Pick<TableColumn, "field">[]): Field | null {
  return columns.find(({ field }) => field.startsWith("metrics.") && isTrainingLoss(field.slice("metrics.".length)))?.field ?? null;
}

/** Numbers stand right, so that their digits line up. @param info null: nothing is known of its values */
export function isNumeric(field: Field, info: FieldInfo | undefined): boolean {
  return RECORD[field]?.number ?? (info === undefined ? /^(metrics|derived)\./.test(field) : info.type === "numeric");
}

export function defaultWidth(field: Field, info: FieldInfo | undefined): number {
  const title = 34 + 7 * fieldTitle(field).length;
  const least = sparkField([{ field }]) !== null ? 132 : isNumeric(field, info) ? 92 : 120;
  return RECORD[field]?.width ?? Math.min(220, Math.max(least, title));
}

export function cellText(field: Field, value: JsonValue | undefined, now: number): string {
  if (value === undefined || value === null) return UNKNOWN;
  const look = RECORD[field];
  if (look?.text !== undefined) return look.text(value, now);
  if (/^(metrics|derived)\./.test(field)) {
    if (/:(count|\w+_step)$/.test(field) && typeof value === "number") return formatInteger(value);
    const number = WireNumber.safeParse(value);
    if (number.success) return formatValue(fromWireNumber(number.data));
  }
  if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(", ");
  return settingText(value);
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

/** A command line differs from run to run and is too long for a cell; how a script's form was read says nothing of the training. */
const NEVER_FIRST: ReadonlySet<string> = new Set(["params.command", "params.script_form"]);

/** Of two params that differ, the one to show first: what most runs have, then usual ones, then those that more runs have, then those that are not nested. */
function compareParams(a: FieldInfo, b: FieldInfo): number {
  const rank = ({ name, count, missing }: FieldInfo): number[] => {
    const path = name.slice("params.".length);
    const usual = USUAL_PARAMS.indexOf(path);
    return [count < missing ? 1 : 0, usual < 0 ? USUAL_PARAMS.length : usual, -count, path.split(".").length];
  };
  const [one, other] = [rank(a), rank(b)];
  return one.map((value, index) => value - (other[index] ?? 0)).find((difference) => difference !== 0) ?? a.name.localeCompare(b.name);
}

/** What a table starts with: the params that differ between the runs, the headline metrics, when and how long. */
export function defaultColumns(fields: readonly FieldInfo[]): TableColumn[] {
  const differs = ({ unique, missing }: FieldInfo): boolean => unique === null || unique > 1 || (unique === 1 && missing > 0);
  const varied = fields
    .filter((info) => info.name.startsWith("params.") && !NEVER_FIRST.has(info.name) && info.type !== "list" && differs(info))
    .sort(compareParams)
    .map((info) => info.name);
  const places = ["record.store", "record.project"].filter((name) => (fields.find((info) => info.name === name)?.unique ?? 0) > 1);
  return [
    ...places,
    "record.tags",
    ...varied.slice(0, FIRST_PARAMS),
    ...metricFields(fields).slice(0, FIRST_METRICS),
    "record.duration_seconds",
    "record.created_at",
  ].map((field) => ({ field, width: null, pinned: false }));
}

/** Last values of the metrics, the headline ones first. */
export function metricFields(fields: readonly FieldInfo[]): Field[] {
  const names = fields.flatMap(({ name }) => (name.startsWith("metrics.") && !isMetricPart(name) ? [name.slice("metrics.".length)] : []));
  return orderMetrics(names).map((name) => `metrics.${name}`);
}

/** `metrics.loss:min` and the like; there are eight of each metric. */
export function isMetricPart(field: Field): boolean {
  return /^metrics\..*:(min|max|first|count|last_step|min_step|max_step)$/.test(field);
}

/** The next order when a column's title is clicked. With `further` the key joins those that are there, else it is the only one. */
export function nextSort(sort: readonly string[], field: Field, further: boolean): string[] {
  const newestFirst = field.endsWith("_at");
  const first = newestFirst ? `-${field}` : field;
  const second = newestFirst ? field : `-${field}`;
  const at = sort.findIndex((key) => fieldOf(key) === field);
  if (!further) return [sort.length === 1 && sort[0] === first ? second : first];
  if (at < 0) return [...sort, first].slice(-5);
  if (sort[at] === first) return sort.with(at, second);
  // The third click takes the key away, as long as another one is left.
  return sort.length > 1 ? sort.filter((_, index) => index !== at) : sort.with(at, first);
}

export function fieldOf(sortKey: string): Field {
  return sortKey.replace(/^-/, "");
}

/** Tags as they are typed: separated by commas, trimmed, each once. */
export function parseTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim().slice(0, 80)))].filter((tag) => tag !== "").slice(0, 100);
}
