/** The long table as Parquet, row group by row group. */
import { ByteWriter, ParquetWriter, schemaFromColumnData, type ColumnSource } from "hyparquet-writer";
import { fileMetadata, longBatches, numberColumns, type LongPiece } from "./long-table.ts";
import type { ExportWriter } from "./job.ts";

const EMPTY = numberColumns([], 0);

export const writeParquet: ExportWriter = async function* (job) {
  const sink = new ByteWriter();
  const writer = new ParquetWriter({
    writer: sink,
    schema: schemaFromColumnData({ columnData: columns([], 0, EMPTY) }),
    kvMetadata: [...fileMetadata(job)].map(([key, value]) => ({ key, value })),
    createdBy: `trainyard version ${job.provenance.version}`,
  });
  for await (const { pieces, rows } of longBatches(job)) {
    await writer.write({ columnData: columns(pieces, rows, numberColumns(pieces, rows)), rowGroupSize: rows });
    yield take(sink);
  }
  await writer.finish();
  yield take(sink);
};

/** Bytes written since the last call. */
function take(sink: ByteWriter): Uint8Array {
  const bytes = sink.getBytes().slice();
  sink.index = 0;
  return bytes;
}

function columns(pieces: readonly LongPiece[], rows: number, numbers: typeof EMPTY): ColumnSource[] {
  const texts = (text: (piece: LongPiece) => string): string[] => {
    const all = new Array<string>(rows);
    let at = 0;
    for (const piece of pieces) all.fill(text(piece), at, (at += piece.steps.length));
    return all;
  };
  return [
    { name: "run", data: texts(({ run }) => run.id), type: "STRING", nullable: false },
    { name: "name", data: texts(({ run }) => run.name), type: "STRING", nullable: false },
    { name: "metric", data: texts(({ metric }) => metric), type: "STRING", nullable: false },
    { name: "attempt", data: numbers.attempts, type: "INT32", nullable: false },
    // Plain: a dictionary of the writer takes -0 and 0 for one number.
    { name: "step", data: numbers.steps, type: "DOUBLE", nullable: false, encoding: "PLAIN" },
    { name: "time", data: numbers.times, type: "DOUBLE", nullable: false, encoding: "PLAIN" },
    // No least and greatest value: a NaN among them would make readers pass over row groups that they need.
    { name: "value", data: numbers.values, type: "DOUBLE", nullable: false, encoding: "PLAIN", statistics: false },
  ];
}
