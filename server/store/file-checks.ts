/**
 * Is a file of tensors whole? Told from headers and tables of contents alone: nothing is ever unpickled, and the cost does not grow
 * with the size of the weights.
 */
import type { FileHandle } from "node:fs/promises";
import { parseJson } from "../../protocol/parse-json.ts";
import { isAbsent } from "./fs-errors.ts";
import { openFile } from "./open-file.ts";

/** What is wrong with the file, as the end of a sentence; null when it is whole. */
export type FileProblem = string | null;

const MAX_SAFETENSORS_HEADER = 100 * 1024 * 1024; // the format's own limit
const MAX_ZIP_DIRECTORY = 256 * 1024 * 1024;
const EOCD_BYTES = 22;
const EOCD_SIGNATURE = 0x06054b50;
const EOCD64_SIGNATURE = 0x06064b50;
const EOCD64_LOCATOR_SIGNATURE = 0x07064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const U32_MAX = 0xffffffff;

/** Checks a file by its name: .safetensors by its header, torch files by their zip directory, .json by parsing; any other by being there. */
export async function checkFile(file: string): Promise<FileProblem> {
  if (file.endsWith(".safetensors")) return checkSafetensors(file);
  if (/\.(pt|pth|ckpt|bin)$/.test(file)) return checkTorchFile(file);
  return withFile(file, (_, size) => Promise.resolve(size === 0 ? "is empty" : null));
}

/** The header parses and the tensors it promises fill the file to the byte. */
export async function checkSafetensors(file: string): Promise<FileProblem> {
  return withFile(file, async (handle, size) => {
    if (size < 8) return `is cut short (${String(size)} bytes)`;
    const length = Number((await readAt(handle, 0, 8)).readBigUInt64LE(0));
    if (length > MAX_SAFETENSORS_HEADER) return "has no safetensors header";
    if (8 + length > size) return "is cut short inside its header";
    const header = parseLenient((await readAt(handle, 8, length)).toString("utf8"));
    if (typeof header !== "object" || header === null || Array.isArray(header)) return "has a header that is not JSON";
    let end = 0;
    for (const [name, tensor] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const offsets = dataOffsets(tensor);
      if (offsets === null) return `has no place for the tensor ${name}`;
      end = Math.max(end, offsets[1]);
    }
    const expected = 8 + length + end;
    return size === expected ? null : `has ${String(size)} bytes, but its header promises ${String(expected)}`;
  });
}

function dataOffsets(tensor: unknown): readonly [number, number] | null {
  if (typeof tensor !== "object" || tensor === null || !("data_offsets" in tensor) || !Array.isArray(tensor.data_offsets)) return null;
  const [begin, end] = tensor.data_offsets as unknown[];
  return Number.isSafeInteger(begin) && Number.isSafeInteger(end) && (begin as number) >= 0 && (end as number) >= (begin as number)
    ? [begin as number, end as number]
    : null;
}

/** torch.save writes a zip since 1.6; the older form (a bare pickle) has no table to check and passes when it is not empty. */
export async function checkTorchFile(file: string): Promise<FileProblem> {
  return withFile(file, async (handle, size) => {
    if (size === 0) return "is empty";
    const start = await readAt(handle, 0, Math.min(4, size));
    if (start.length === 4 && start.readUInt32LE(0) === LOCAL_SIGNATURE) return (await readZipDirectory(handle, size)).problem;
    return start[0] === 0x80 ? null : "is neither a torch file nor a pickle";
  });
}

export interface ZipEntry {
  readonly name: string;
  readonly offset: number;
  readonly compressedSize: number;
  readonly method: number;
}

/** The table of contents of a zip file; every entry must lie inside the file, before the table. */
export async function readZipDirectory(handle: FileHandle, size: number): Promise<{ problem: FileProblem; entries: ZipEntry[] }> {
  const bad = (problem: string): { problem: string; entries: ZipEntry[] } => ({ problem, entries: [] });
  const tailLength = Math.min(size, EOCD_BYTES + 0xffff);
  const tail = await readAt(handle, size - tailLength, tailLength);
  let at = tail.length - EOCD_BYTES;
  while (at >= 0 && tail.readUInt32LE(at) !== EOCD_SIGNATURE) at--;
  if (at < 0) return bad("is cut short (no table of contents at its end)");

  let count = tail.readUInt16LE(at + 10);
  let directorySize = tail.readUInt32LE(at + 12);
  let directoryOffset = tail.readUInt32LE(at + 16);
  if (count === 0xffff || directorySize === U32_MAX || directoryOffset === U32_MAX) {
    const locator = at - 20;
    if (locator < 0 || tail.readUInt32LE(locator) !== EOCD64_LOCATOR_SIGNATURE) return bad("has a damaged table of contents");
    const record = await readAt(handle, Number(tail.readBigUInt64LE(locator + 8)), 56);
    if (record.length < 56 || record.readUInt32LE(0) !== EOCD64_SIGNATURE) return bad("has a damaged table of contents");
    count = Number(record.readBigUInt64LE(32));
    directorySize = Number(record.readBigUInt64LE(40));
    directoryOffset = Number(record.readBigUInt64LE(48));
  }
  const end = size - tailLength + at;
  if (directoryOffset + directorySize > end || directorySize > MAX_ZIP_DIRECTORY)
    return bad("has a table of contents that does not fit into it");

  const directory = await readAt(handle, directoryOffset, directorySize);
  const entries: ZipEntry[] = [];
  for (let p = 0, i = 0; i < count; i++) {
    if (p + 46 > directory.length || directory.readUInt32LE(p) !== ENTRY_SIGNATURE) return bad("has a damaged table of contents");
    const nameLength = directory.readUInt16LE(p + 28);
    const extraLength = directory.readUInt16LE(p + 30);
    const extra = directory.subarray(p + 46 + nameLength, p + 46 + nameLength + extraLength);
    const entry = zip64Entry(extra, directory.readUInt32LE(p + 24), directory.readUInt32LE(p + 20), directory.readUInt32LE(p + 42));
    if (entry.offset + 30 + entry.compressedSize > directoryOffset) return bad("lacks the content of one of its entries");
    const name = directory.toString("utf8", p + 46, p + 46 + nameLength);
    entries.push({ name, ...entry, method: directory.readUInt16LE(p + 10) });
    p += 46 + nameLength + extraLength + directory.readUInt16LE(p + 32);
  }
  return count === 0 ? bad("is an empty archive") : { problem: null, entries };
}

/** Values that are too large for 32 bits stand in the extra field 0x0001, in this order. */
function zip64Entry(extra: Buffer, size: number, compressed: number, offset: number): { compressedSize: number; offset: number } {
  let compressedSize = compressed;
  let realOffset = offset;
  for (let p = 0; p + 4 <= extra.length; p += 4 + extra.readUInt16LE(p + 2)) {
    if (extra.readUInt16LE(p) !== 0x0001) continue;
    let q = p + 4 + (size === U32_MAX ? 8 : 0);
    if (compressed === U32_MAX && q + 8 <= extra.length) {
      compressedSize = Number(extra.readBigUInt64LE(q));
      q += 8;
    }
    if (offset === U32_MAX && q + 8 <= extra.length) realOffset = Number(extra.readBigUInt64LE(q));
  }
  return { compressedSize, offset: realOffset };
}

/**
 * Which of `words` stand in the pickle inside a torch file: enough to tell a Lightning checkpoint with optimizer state from bare weights,
 * by searching bytes, not by loading it.
 */
export async function wordsInTorchFile(file: string, words: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  await withFile(file, async (handle, size) => {
    const { entries } = await readZipDirectory(handle, size);
    const pickle = entries.find((entry) => entry.name.endsWith("/data.pkl") && entry.method === 0);
    if (pickle === undefined) return null;
    const bytes = await readAt(handle, pickle.offset, Math.min(pickle.compressedSize + 512, 64 * 1024 * 1024));
    for (const word of words) if (bytes.includes(word)) found.add(word);
    return null;
  });
  return found;
}

/** JSON as Python writes it, where NaN and infinities stand as bare words. @returns undefined when it is no JSON, or nested too deeply */
export function parseLenient(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    const mended = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => (token.startsWith('"') ? token : `"${token}"`));
    try {
      return parseJson(mended);
    } catch {
      return undefined;
    }
  }
}

async function withFile(file: string, check: (handle: FileHandle, size: number) => Promise<FileProblem>): Promise<FileProblem> {
  try {
    const handle = await openFile(file);
    try {
      return await check(handle, (await handle.stat()).size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsent(error)) return "is missing";
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
