/** Parquet files as hyparquet reads them: byte ranges of an open file, decompressed within bounds. */
import type { FileHandle } from "node:fs/promises";
import zlib from "node:zlib";
import { snappyUncompress, type AsyncBuffer, type Compressors } from "hyparquet";

/** A page that claims to be larger is not unpacked: a few bytes could fill the memory. */
const MAX_PAGE_BYTES = 256 * 1024 * 1024;
/** Read at once. A column of a row group that is larger is none that a training writes. */
const MAX_READ_BYTES = 1024 * 1024 * 1024;

export function fileBuffer(handle: FileHandle, size: number): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      const [from, to] = [Math.max(0, start), Math.min(size, end)];
      const length = Math.max(0, to - from);
      if (!Number.isSafeInteger(from) || length > MAX_READ_BYTES) throw new RangeError(`${length} bytes at once are too many`);
      const buffer = new ArrayBuffer(length);
      const { bytesRead } = await handle.read(new Uint8Array(buffer), 0, length, from);
      return bytesRead === length ? buffer : buffer.slice(0, bytesRead);
    },
  };
}

/** Node's own decompressors beside hyparquet's, each with an upper bound. LZ4 and LZO are not there. */
export function parquetCodecs(): Compressors {
  const options = { maxOutputLength: MAX_PAGE_BYTES };
  const bounded =
    (unpack: (input: Uint8Array, length: number) => Uint8Array) =>
    (input: Uint8Array, length: number): Uint8Array => {
      if (length > MAX_PAGE_BYTES) throw new RangeError(`a page of ${length} bytes is too large`);
      return unpack(input, length);
    };
  const codecs: Compressors = {
    SNAPPY: bounded((input, length) => {
      const output = new Uint8Array(length);
      snappyUncompress(input, output);
      return output;
    }),
    GZIP: bounded((input) => zlib.gunzipSync(input, options)),
    BROTLI: bounded((input) => zlib.brotliDecompressSync(input, options)),
  };
  // Since Node 22.15; the editor's own Node may be older.
  const zstd = (zlib as { zstdDecompressSync?: (input: Uint8Array, options: object) => Uint8Array }).zstdDecompressSync;
  if (zstd !== undefined) codecs.ZSTD = bounded((input) => zstd(input, options));
  return codecs;
}
