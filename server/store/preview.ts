/** Previews of files: a bounded look at their beginning. Nothing is unpickled, executed or loaded whole. */
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { parseLenient } from "./file-checks.ts";
import type { ArtifactPreview } from "../../protocol/export.ts";
import { JsonObject, JsonValue } from "../../protocol/json.ts";
import { openFile } from "./open-file.ts";

const TEXT_BYTES = 256 * 1024;
const JSON_BYTES = 1024 * 1024;
const MEDIA_BYTES = 4 * 1024 * 1024;
/** The safetensors library refuses a longer header as well. */
const HEADER_BYTES = 100 * 1024 * 1024;
const MAX_TENSORS = 5000;
const HEAD_BYTES = 256;

/** By the bytes that a file starts with: a name can lie, and a browser shows what it is told. No SVG, which can hold scripts. */
const MEDIA: readonly { readonly start: string; readonly atEight?: string; readonly type: string }[] = [
  { start: "\x89PNG\r\n\x1a\n", type: "image/png" },
  { start: "\xff\xd8\xff", type: "image/jpeg" },
  { start: "GIF87a", type: "image/gif" },
  { start: "GIF89a", type: "image/gif" },
  { start: "RIFF", atEight: "WEBP", type: "image/webp" },
  { start: "RIFF", atEight: "WAVE", type: "audio/wav" },
  { start: "ID3", type: "audio/mpeg" },
  { start: "\xff\xfb", type: "audio/mpeg" },
  { start: "OggS", type: "audio/ogg" },
  { start: "fLaC", type: "audio/flac" },
];

export interface PreviewOptions {
  /** Most lines or rows. */
  readonly rows: number;
  /** Makes the preview of a Parquet file, within bounds of its own. */
  readonly parquet: () => Promise<{ readonly preview: ArtifactPreview } | { readonly problem: string }>;
}

/** @param file absolute real path that may be read */
export async function previewFile(file: string, { rows, parquet }: PreviewOptions): Promise<ArtifactPreview> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const head = await readAt(handle, 0, Math.min(size, 4096));
    const start = head.toString("latin1");
    const media = MEDIA.find((one) => start.startsWith(one.start) && start.startsWith(one.atEight ?? "", 8));
    if (media !== undefined) {
      const data = size > MEDIA_BYTES ? null : (await readAt(handle, 0, size)).toString("base64");
      return { kind: "media", size_bytes: size, truncated: data === null, media_type: media.type, data };
    }
    if (start.startsWith("\x93NUMPY")) return numpy(head, size) ?? binary(head, size, "its header is none of NumPy's");
    if (start.startsWith("PAR1")) {
      const outcome = await parquet();
      return "preview" in outcome ? outcome.preview : binary(head, size, `it cannot be read as Parquet: ${outcome.problem}`);
    }
    const extension = path.extname(file).toLowerCase();
    if (extension === ".safetensors") return (await safetensors(handle, size)) ?? binary(head, size, "its header is none of safetensors'");
    if (head.includes(0)) return binary(head, size);
    if (extension === ".json" && size <= JSON_BYTES) {
      const value = json((await readAt(handle, 0, size)).toString("utf8"));
      if (value !== undefined) return { kind: "json", size_bytes: size, truncated: false, value };
    }
    const bytes = await readAt(handle, 0, Math.min(size, TEXT_BYTES));
    if (bytes.includes(0)) return binary(head, size);
    const text = wholeLines(bytes.toString("utf8"), bytes.length < size);
    if (extension === ".csv" || extension === ".tsv")
      return table(text, extension === ".tsv" ? "\t" : ",", size, rows, bytes.length < size);
    const lines = text.split("\n");
    return { kind: "text", size_bytes: size, truncated: bytes.length < size || lines.length > rows, text: lines.slice(0, rows).join("\n") };
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

function json(text: string): JsonValue | undefined {
  try {
    const value = JsonValue.safeParse(parseLenient(text));
    return value.success ? value.data : undefined;
  } catch {
    return undefined;
  }
}

/** Without a last line that was cut through. */
function wholeLines(text: string, cut: boolean): string {
  const end = text.lastIndexOf("\n");
  return cut && end >= 0 ? text.slice(0, end) : text;
}

function table(text: string, separator: string, size: number, most: number, cut: boolean): ArtifactPreview {
  const rows = separated(text, separator, most + 2);
  const [columns = [], ...body] = rows;
  return { kind: "table", size_bytes: size, truncated: cut || body.length > most, columns, rows: body.slice(0, most) };
}

/** RFC 4180: quoted cells may hold separators, line ends and doubled quotes. */
export function separated(text: string, separator: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let at = 0;
  const endCell = (): void => {
    row.push(cell);
    cell = "";
  };
  const endRow = (): void => {
    endCell();
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  };
  while (at < text.length && rows.length < most) {
    const character = text.charAt(at++);
    if (character === '"' && cell === "") {
      for (; at < text.length; at++) {
        if (text.charAt(at) !== '"') cell += text.charAt(at);
        else if (text.charAt(at + 1) === '"') {
          cell += '"';
          at++;
        } else break;
      }
      at++;
    } else if (character === separator) endCell();
    else if (character === "\n") endRow();
    else if (character !== "\r") cell += character;
  }
  if (rows.length < most && (cell !== "" || row.length > 0)) endRow();
  return rows;
}

async function safetensors(handle: FileHandle, size: number): Promise<ArtifactPreview | null> {
  if (size < 8) return null;
  const length = Number((await readAt(handle, 0, 8)).readBigUInt64LE());
  if (length > HEADER_BYTES || length + 8 > size) return null;
  const header = JsonObject.safeParse(json((await readAt(handle, 8, length)).toString("utf8")));
  if (!header.success) return null;
  const { __metadata__: metadata, ...entries } = header.data;
  let parameters = 0;
  const tensors = Object.entries(entries).flatMap(([name, entry]) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return [];
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string" || !Array.isArray(shape) || !Array.isArray(offsets)) return [];
    const sizes = shape.map(Number);
    parameters += sizes.reduce((product, one) => product * one, 1);
    return [{ name, dtype, shape: sizes, size_bytes: Number(offsets[1]) - Number(offsets[0]) }];
  });
  const facts = JsonObject.safeParse(metadata);
  return {
    kind: "safetensors",
    size_bytes: size,
    truncated: tensors.length > MAX_TENSORS,
    tensors: tensors.slice(0, MAX_TENSORS),
    tensor_count: tensors.length,
    parameter_count: parameters,
    metadata: facts.success ? facts.data : {},
  };
}

/** The header is a Python dict of known form; it is read by its three keys, not as Python. */
function numpy(head: Buffer, size: number): ArtifactPreview | null {
  const long = head[6] !== 1;
  if (head.length < 12) return null;
  const length = long ? head.readUInt32LE(8) : head.readUInt16LE(8);
  const text = head.subarray(long ? 12 : 10, (long ? 12 : 10) + length).toString("latin1");
  const dtype = /'descr':\s*'([^']+)'/.exec(text)?.[1] ?? /'descr':\s*(\[.*?\])\s*,\s*'/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (dtype === undefined || shape === undefined) return null;
  const sizes = shape
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return {
    kind: "numpy",
    size_bytes: size,
    truncated: true,
    dtype,
    shape: sizes.map(Number),
    fortran_order: /'fortran_order':\s*True/.test(text),
  };
}

function binary(head: Buffer, size: number, problem: string | null = null): ArtifactPreview {
  return { kind: "binary", size_bytes: size, truncated: size > HEAD_BYTES, head: head.subarray(0, HEAD_BYTES).toString("hex"), problem };
}
