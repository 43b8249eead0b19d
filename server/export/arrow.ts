/** The long table as an Arrow IPC file, batch by batch. */
import {
  AsyncByteQueue,
  Dictionary,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
  type Data,
  type Vector,
} from "apache-arrow";
import { fileMetadata, longBatches, numberColumns, type LongPiece } from "./long-table.ts";
import type { ExportWriter } from "./job.ts";

/** Texts stand in the file once; a column holds their places in the list. */
interface TextColumn {
  readonly name: string;
  readonly type: Dictionary<Utf8, Int32>;
  readonly texts: Vector<Utf8>;
  readonly places: ReadonlyMap<string, number>;
  readonly text: (piece: LongPiece) => string;
}

export const writeArrow: ExportWriter = async function* (job) {
  const { runs, provenance } = job;
  const texts = [
    textColumn("run", 0, unique(runs.map(({ id }) => id)), ({ run }) => run.id),
    textColumn("name", 1, unique(runs.map(({ name }) => name)), ({ run }) => run.name),
    textColumn("metric", 2, provenance.metrics, ({ metric }) => metric),
  ];
  const schema = new Schema(
    [
      ...texts.map(({ name, type }) => new Field(name, type, false)),
      new Field("attempt", new Int32(), false),
      ...["step", "time", "value"].map((name) => new Field(name, new Float64(), false)),
    ],
    fileMetadata(job),
  );
  const sink = new PieceQueue();
  const writer = new RecordBatchFileWriter();
  writer.reset(sink, schema);
  for await (const { pieces, rows } of longBatches(job)) {
    const { attempts, steps, times, values } = numberColumns(pieces, rows);
    const children: Data[] = [
      ...texts.map((column) => places(column, pieces, rows)),
      makeData({ type: new Int32(), data: attempts }),
      ...[steps, times, values].map((data) => makeData({ type: new Float64(), data })),
    ];
    writer.write(new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children })));
    yield* sink.take();
  }
  writer.finish();
  yield* sink.take();
};

/** Holds what the writer wrote until it is taken, so that no more than a batch waits for a slow reader. */
class PieceQueue extends AsyncByteQueue {
  #pieces: Uint8Array[] = [];

  override write(chunk: Parameters<AsyncByteQueue["write"]>[0]): void {
    if (!ArrayBuffer.isView(chunk)) throw new TypeError("an Arrow writer writes views of buffers");
    this.#pieces.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

function textColumn(name: string, id: number, texts: readonly string[], text: TextColumn["text"]): TextColumn {
  const type = new Dictionary(new Utf8(), new Int32(), id);
  return { name, type, texts: vectorFromArray(texts, new Utf8()), places: new Map(texts.map((one, place) => [one, place])), text };
}

function places({ type, texts, places: known, text }: TextColumn, pieces: readonly LongPiece[], rows: number): Data {
  const data = new Int32Array(rows);
  let at = 0;
  for (const piece of pieces) data.fill(known.get(text(piece)) ?? 0, at, (at += piece.steps.length));
  return makeData({ type, data, dictionary: texts });
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
