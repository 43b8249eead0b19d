/** Exports in columns: Parquet and Arrow. */
import { open, type FileHandle } from "node:fs/promises";
import { RecordBatchReader } from "apache-arrow";
import { parquetMetadataAsync, parquetScan, type DecodedArray } from "hyparquet";
import * as z from "zod";
import type { TrainyardError } from "../../protocol/errors.ts";
import { ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import { parseJson } from "../../protocol/parse-json.ts";
import { fileBuffer, parquetCodecs } from "../store/parquet-file.ts";
import type { ImportPiece } from "./points.ts";
import { LONG_COLUMNS } from "./read-text.ts";
import { cannotImport } from "./refused.ts";

/** Rows that are held at a time. */
const ROWS_AT_ONCE = 50_000;

export async function* readParquet(file: string): AsyncGenerator<ImportPiece> {
  const handle = await open(file, "r");
  try {
    const buffer = fileBuffer(handle, (await handle.stat()).size);
    const metadata = await parquetMetadataAsync(buffer);
    yield* provenance(file, new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value ?? ""])));
    const scan = await parquetScan({ file: buffer, metadata, columns: [...LONG_COLUMNS], compressors: parquetCodecs() });
    for (const range of scan.ranges) {
      for (let rowStart = range.rowStart; rowStart < range.rowEnd; rowStart += ROWS_AT_ONCE) {
        const rowEnd = Math.min(range.rowEnd, rowStart + ROWS_AT_ONCE);
        const columns: DecodedArray[] = [];
        for (const column of LONG_COLUMNS) columns.push(await scan.readColumn({ column, rowStart, rowEnd }));
        yield* points(file, rowEnd - rowStart, (column, row) => (columns[column] as ArrayLike<unknown> | undefined)?.[row]);
      }
    }
  } finally {
    await handle.close();
  }
}

export async function* readArrow(file: string): AsyncGenerator<ImportPiece> {
  const handle: FileHandle = await open(file, "r");
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    yield* provenance(file, reader.schema.metadata);
    for await (const batch of reader) {
      const columns = LONG_COLUMNS.map((name) => batch.getChild(name));
      if (columns.some((column) => column === null)) throw noColumns(file);
      yield* points(file, batch.numRows, (column, row) => columns[column]?.get(row) as unknown);
    }
  } finally {
    await handle.close().catch(() => undefined);
  }
}

function* points(file: string, rows: number, cell: (column: number, row: number) => unknown): Generator<ImportPiece> {
  for (let row = 0; row < rows; row++) {
    const text = (column: number): string => {
      const value = cell(column, row);
      if (typeof value !== "string") throw noColumns(file);
      return value;
    };
    const number = (column: number): number => {
      const value = cell(column, row);
      if (typeof value !== "number" && typeof value !== "bigint") throw noColumns(file);
      return Number(value);
    };
    const [attempt, step, time, value] = [number(3), number(4), number(5), number(6)];
    yield { type: "point", run: text(0), name: text(1), metric: text(2), attempt, step, time, value };
  }
}

/** What stands in the metadata after `trainyard.`; a table that another program wrote again may have lost it. */
function* provenance(file: string, metadata: ReadonlyMap<string, string>): Generator<ImportPiece> {
  const json = (key: string): unknown => {
    const text = metadata.get(`trainyard.${key}`);
    if (text === undefined) return undefined;
    try {
      return parseJson(text);
    } catch {
      throw cannotImport(file, `its trainyard.${key} is no JSON`);
    }
  };
  const found = ExportProvenance.partial().safeParse({
    version: metadata.get("trainyard.version"),
    store: metadata.get("trainyard.store"),
    exported_at: metadata.get("trainyard.exported_at"),
  });
  yield { type: "provenance", provenance: found.success ? found.data : {} };
  const runs = z.array(ExportedRun).safeParse(json("runs") ?? []);
  if (!runs.success) throw cannotImport(file, "its trainyard.runs has another shape");
  for (const run of runs.data) yield { type: "run", run };
}

function noColumns(file: string): TrainyardError {
  return cannotImport(file, `it needs the columns ${LONG_COLUMNS.join(", ")}, texts and numbers`);
}
