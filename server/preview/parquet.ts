/** A look into a Parquet file: its schema, and some rows from any place, without reading the rest. */
import type { FileHandle } from "node:fs/promises";
import { parquetMetadataAsync, parquetScan, parquetSchema, type FileMetaData, type SchemaTree } from "hyparquet";
import type { ParquetPreview } from "../../protocol/export.ts";
import { openFile } from "../store/open-file.ts";
import { fileBuffer, parquetCodecs } from "../store/parquet-file.ts";

export interface ParquetRequest {
  /** Absolute real path that may be read. */
  readonly file: string;
  readonly offset: number;
  readonly rows: number;
}

const MAX_FOOTER_BYTES = 64 * 1024 * 1024;
const MAX_COLUMNS = 200;
const MAX_METADATA = 100;
const MAX_TEXT = 500;
/** Compressed bytes of the columns that have to be read for a page of rows. */
const MAX_GROUP_BYTES = 256 * 1024 * 1024;

/** @throws Error of any kind for a file that is no sound Parquet */
export async function previewParquet({ file, offset, rows }: ParquetRequest): Promise<ParquetPreview> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    await checkFooter(handle, size);
    const buffer = fileBuffer(handle, size);
    const metadata = await parquetMetadataAsync(buffer);
    const count = Number(metadata.num_rows);
    const columns = parquetSchema(metadata).children.slice(0, MAX_COLUMNS);
    const names = columns.map((column) => column.element.name);
    const end = Math.min(count, offset + rows);
    const problem = tooLarge(metadata, names, offset, end);
    const shown: (string | null)[][] = Array.from({ length: problem === null ? Math.max(0, end - offset) : 0 }, () => []);
    if (shown.length > 0) {
      const scan = await parquetScan({
        file: buffer,
        metadata,
        columns: names,
        rowStart: offset,
        rowEnd: end,
        compressors: parquetCodecs(),
      });
      for (const range of scan.ranges) {
        for (const column of names) {
          const values = await scan.readColumn({ column, ...range });
          for (let i = 0; i < range.rowEnd - range.rowStart; i++) shown[range.rowStart + i - offset]?.push(cell(values[i]));
        }
      }
    }
    const facts = metadata.key_value_metadata?.slice(0, MAX_METADATA) ?? [];
    return {
      kind: "parquet",
      size_bytes: size,
      truncated: shown.length < count || columns.length < parquetSchema(metadata).children.length,
      columns: columns.map(({ element, children }) => ({ name: element.name, type: typeName(element, children) })),
      rows: shown,
      offset,
      row_count: count,
      row_groups: metadata.row_groups.length,
      metadata: Object.fromEntries(facts.map(({ key, value }) => [cut(key), cut(value ?? "")])),
      problem,
    };
  } finally {
    await handle.close();
  }
}

/** The footer's length is a claim of the file's. */
async function checkFooter(handle: FileHandle, size: number): Promise<void> {
  const tail = Buffer.alloc(8);
  if (size < 12) throw new RangeError("it is too short");
  await handle.read(tail, 0, 8, size - 8);
  if (tail.toString("latin1", 4) !== "PAR1") throw new RangeError("it does not end as Parquet files do");
  const length = tail.readUInt32LE(0);
  if (length > MAX_FOOTER_BYTES || length + 12 > size) throw new RangeError(`its footer claims ${length} bytes`);
}

function tooLarge({ row_groups: groups }: FileMetaData, columns: readonly string[], from: number, to: number): string | null {
  let start = 0;
  for (const { num_rows: rows, columns: chunks } of groups) {
    const end = start + Number(rows);
    if (start < to && end > from) {
      const wanted = chunks.filter(({ meta_data: data }) => columns.includes(data?.path_in_schema[0] ?? ""));
      const bytes = wanted.reduce((sum, { meta_data: data }) => sum + Number(data?.total_compressed_size ?? 0), 0);
      if (!(bytes >= 0 && bytes <= MAX_GROUP_BYTES)) return `its row groups hold ${bytes} bytes each, too many to unpack for a look`;
    }
    start = end;
  }
  return null;
}

function typeName(element: SchemaTree["element"], children: readonly SchemaTree[]): string {
  const logical = element.logical_type?.type ?? element.converted_type;
  if (children.length > 0) return logical?.toLowerCase() ?? "struct";
  return (logical ?? element.type ?? "unknown").toLowerCase();
}

/** As text, so that a preview needs no other number type than the file's. */
function cell(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return cut(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof Uint8Array) return cut(`0x${Buffer.from(value.subarray(0, MAX_TEXT / 2)).toString("hex")}`);
  return cut(JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)));
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
