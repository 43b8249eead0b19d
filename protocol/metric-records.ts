/** The records of a metric file as bytes (protocol/metric-file.ts): for every writer that is not Python. */
import {
  METRIC_FILE_HEADER_BYTES,
  METRIC_KIND_ROW,
  METRIC_KIND_SET,
  METRIC_MAGIC,
  METRIC_RECORD_HEADER_BYTES,
  METRIC_VERSION,
} from "./metric-file.ts";

/** The length of a name is a u16. */
const MAX_NAME_BYTES = 65_535;
const encoder = new TextEncoder();

export function fileHeader(): Uint8Array {
  const bytes = new Uint8Array(METRIC_FILE_HEADER_BYTES);
  bytes.set(encoder.encode(METRIC_MAGIC));
  new DataView(bytes.buffer).setUint32(8, METRIC_VERSION, true);
  return bytes;
}

export function setRecord(set: number, names: readonly string[]): Uint8Array {
  const encoded = names.map(encodeName);
  const content = METRIC_RECORD_HEADER_BYTES + 8 + encoded.reduce((sum, name) => sum + 2 + name.length, 0);
  const { bytes, view } = record(Math.ceil(content / 8) * 8, METRIC_KIND_SET, set);
  view.setUint32(METRIC_RECORD_HEADER_BYTES, names.length, true);
  let at = METRIC_RECORD_HEADER_BYTES + 8;
  for (const name of encoded) {
    view.setUint16(at, name.length, true);
    bytes.set(name, at + 2);
    at += 2 + name.length;
  }
  return bytes;
}

/** @param time ms since the epoch. @param values in the order of the set's names */
export function rowRecord(set: number, time: number, step: number, values: readonly number[]): Uint8Array {
  const { bytes, view } = record(METRIC_RECORD_HEADER_BYTES + 16 + 8 * values.length, METRIC_KIND_ROW, set);
  view.setFloat64(METRIC_RECORD_HEADER_BYTES, time, true);
  view.setFloat64(METRIC_RECORD_HEADER_BYTES + 8, step, true);
  for (const [i, value] of values.entries()) view.setFloat64(METRIC_RECORD_HEADER_BYTES + 16 + 8 * i, value, true);
  return bytes;
}

function record(length: number, kind: number, set: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, kind, true);
  view.setUint16(6, set, true);
  return { bytes, view };
}

/** At most as long as its length can say, cut between characters. */
function encodeName(name: string): Uint8Array {
  const bytes = encoder.encode(name);
  let end = Math.min(bytes.length, MAX_NAME_BYTES);
  // A byte 10xxxxxx goes on with a character that began before it.
  if (end < bytes.length) while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
