/** A run as a TensorBoard event file: scalars, hyperparameters and texts. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { ExportedRun } from "../../protocol/export.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import { ALL_POINTS, type ExportWriter } from "./job.ts";
import { loggedRows } from "./rows.ts";
import { ProtoMessage, tfRecord } from "./tfrecord.ts";

const DT_FLOAT = 1;
const DT_STRING = 7;
/** Of the plugin of hyperparameters: SessionEndInfo's states. */
const SESSION_STATUS: Readonly<Partial<Record<ExportedRun["state"], number>>> = { completed: 1, failed: 2, cancelled: 2, interrupted: 2 };
const RECORDS_AT_ONCE = 2000;

/**
 * Values are 32-bit floats, as TensorBoard's own writers make them. A step that is no whole number is rounded to one. Points of one call
 * stand in one event.
 */
export const writeTensorboard: ExportWriter = async function* (job) {
  const [run, ...others] = job.runs;
  if (run === undefined || others.length > 0)
    throw new TrainyardError("bad_request", "an event file holds one run", "Export each run by itself, into a folder of its own.");
  const windows = await job.points(run.id, ALL_POINTS);
  const started = Date.parse(run.started_at ?? run.created_at) / 1000;
  const ended = run.ended_at === null ? null : Date.parse(run.ended_at) / 1000;
  let records: Buffer[] = [
    event(started, 0).bytes(3, "brain.Event:2"),
    ...texts(run).map(([tag, text]) => summary(started, 0, [textValue(tag, text)])),
    summary(started, 0, [hparamsValue("_hparams_/session_start_info", sessionStart(run, started))]),
  ].map((message) => tfRecord(message.encode()));
  for (const { step, time, values } of loggedRows(windows)) {
    const scalars = windows.flatMap(({ name }, w) => {
      const value = values[w];
      return value === undefined ? [] : [new ProtoMessage().bytes(1, name).float(2, value)];
    });
    records.push(tfRecord(summary(time / 1000, BigInt(Math.round(step)), scalars).encode()));
    if (records.length < RECORDS_AT_ONCE) continue;
    yield Buffer.concat(records);
    records = [];
  }
  const status = SESSION_STATUS[run.state];
  if (status !== undefined && ended !== null) {
    const end = new ProtoMessage().bytes(4, new ProtoMessage().varint(1, status).double(2, ended));
    records.push(tfRecord(summary(ended, 0, [hparamsValue("_hparams_/session_end_info", end)]).encode()));
  }
  yield Buffer.concat(records);
};

function event(wallTime: number, step: number | bigint): ProtoMessage {
  return new ProtoMessage().double(1, wallTime).varint(2, step);
}

function summary(wallTime: number, step: number | bigint, values: readonly ProtoMessage[]): ProtoMessage {
  const all = new ProtoMessage();
  for (const value of values) all.bytes(1, value);
  return event(wallTime, step).bytes(5, all);
}

function textValue(tag: string, text: string): ProtoMessage {
  const shape = new ProtoMessage().bytes(2, new ProtoMessage().varint(1, 1));
  const tensor = new ProtoMessage().varint(1, DT_STRING).bytes(2, shape).bytes(8, text);
  const metadata = new ProtoMessage().bytes(1, new ProtoMessage().bytes(1, "text"));
  return new ProtoMessage().bytes(1, `${tag}/text_summary`).bytes(9, metadata).bytes(8, tensor);
}

/** Hyperparameters lie in the metadata; the tensor is empty. */
function hparamsValue(tag: string, content: ProtoMessage): ProtoMessage {
  const plugin = new ProtoMessage().bytes(1, "hparams").bytes(2, content);
  const nothing = new ProtoMessage().varint(1, DT_FLOAT).bytes(2, new ProtoMessage().bytes(2, new ProtoMessage().varint(1, 0)));
  return new ProtoMessage().bytes(1, tag).bytes(9, new ProtoMessage().bytes(1, plugin)).bytes(8, nothing);
}

function sessionStart(run: ExportedRun, started: number): ProtoMessage {
  const info = new ProtoMessage();
  for (const [key, value] of flat(run.params)) {
    const shown = new ProtoMessage();
    if (typeof value === "number") shown.double(2, value);
    else if (typeof value === "boolean") shown.varint(4, value ? 1 : 0);
    else shown.bytes(3, typeof value === "string" ? value : JSON.stringify(value));
    info.bytes(1, new ProtoMessage().bytes(1, key).bytes(2, shown));
  }
  return new ProtoMessage().bytes(3, info.bytes(4, run.name).double(5, started));
}

/** Keys of nested values joined by dots, as in the query language. */
function flat(params: JsonObject, prefix = ""): [string, JsonValue][] {
  return Object.entries(params).flatMap(([key, value]): [string, JsonValue][] =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? flat(value, `${prefix}${key}.`) : [[prefix + key, value]],
  );
}

function texts(run: ExportedRun): [string, string][] {
  const fenced = (text: string): string => text.replace(/^/gm, "    ");
  const all: [string, string][] = [
    ["run", `**${run.name}** (${run.id}), ${run.state}`],
    ["description", run.description],
    ["notes", run.notes],
    ["spec", run.spec_source === "" ? "" : fenced(run.spec_source)],
  ];
  return all.filter(([, text]) => text !== "");
}
