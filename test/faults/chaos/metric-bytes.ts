/**
 * A second reader of metrics.bin, written from docs/run-folder.md alone: what is in the file is compared with what the server serves, so
 * it must not be the server's own reader.
 */
import { readFile } from "node:fs/promises";

export interface WrittenRow {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Whole rows, in the order of the file. No file: none. @throws Error at bytes that are neither a record nor a torn end */
export async function readWrittenRows(file: string): Promise<WrittenRow[]> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  if (bytes.length < 16) return [];
  if (bytes.toString("latin1", 0, 8) !== "TYMETRIC") throw new Error(`${file} does not begin with TYMETRIC`);
  const sets = new Map<number, string[]>();
  const rows: WrittenRow[] = [];
  for (let at = 16; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    const kind = bytes.readUInt16LE(at + 4);
    const set = bytes.readUInt16LE(at + 6);
    if (length < 8 || length % 8 !== 0) throw new Error(`${file}: no record at ${at}`);
    if (at + length > bytes.length) break;
    if (kind === 0x5901) sets.set(set, setNames(bytes, at));
    else if (kind === 0x5902) {
      const names = sets.get(set);
      if (names === undefined || length !== 24 + 8 * names.length) throw new Error(`${file}: a row that fits no set at ${at}`);
      const values = Object.fromEntries(names.map((name, index) => [name, bytes.readDoubleLE(at + 24 + 8 * index)]));
      rows.push({ step: bytes.readDoubleLE(at + 16), values });
    } else throw new Error(`${file}: an unknown record at ${at}`);
    at += length;
  }
  return rows;
}

function setNames(bytes: Buffer, at: number): string[] {
  const names: string[] = [];
  let offset = at + 16;
  for (let left = bytes.readUInt32LE(at + 8); left > 0; left--) {
    const length = bytes.readUInt16LE(offset);
    names.push(bytes.toString("utf8", offset + 2, offset + 2 + length));
    offset += 2 + length;
  }
  return names;
}
