/** Writing the compact file of an attempt from its columns in memory: little by little, for it is never urgent. */
import { rename, rm, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FileIdentity } from "../store/metric-reader.ts";
import { openFile } from "../store/open-file.ts";
import type { AttemptSeries } from "./attempt-series.ts";
import {
  checksum,
  COMPACT_MAGIC,
  COMPACT_VERSION,
  NODE,
  PAGE,
  PAGE_STRIDE,
  PREAMBLE_BYTES,
  sameFile,
  sourceOf,
  type Column,
  type CompactAxis,
  type CompactCurve,
  type CompactHeader,
  type Section,
} from "./compact-file.ts";
import type { Axis, Curve } from "./curve.ts";
import { noExtremes, Pyramid } from "./pyramid.ts";

const BUFFERED_PAGES = 16;
/** The server is free for requests in between. */
const SLICE_MS = 10;
const PAUSE_MS = 10;

/**
 * Writes the file in the place of what is there.
 * @returns false when nothing was written: the points are not those of the metric file, or became others, or `abandoned` became true
 * @throws Error of the system; what was begun is removed
 */
export async function writeCompactFile(file: string, attempt: AttemptSeries, abandoned: () => boolean): Promise<boolean> {
  const { source } = attempt;
  const before = sourceOf(attempt.file);
  if (source === null || !sameFile(source, before.identity)) return false;
  const isVoid = (): boolean => abandoned() || attempt.source !== source;
  const temporary = `${file}.tmp`;
  try {
    const handle = await openFile(temporary, "write");
    try {
      const written = await writeAll(new PageWriter(handle, isVoid), attempt, source, before.tail);
      if (!written) return false;
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (isVoid() || !sameFile(source, sourceOf(attempt.file).identity)) return false;
    await rename(temporary, file);
    return true;
  } finally {
    await rm(temporary, { force: true, recursive: true });
  }
}

/** @returns false when it was abandoned */
async function writeAll(writer: PageWriter, attempt: AttemptSeries, source: FileIdentity, tail: string): Promise<boolean> {
  const axes: CompactAxis[] = [];
  const places = new Map<Axis, number>();
  const curves: CompactCurve[] = [];
  const known: number[] = [];
  for (const curve of attempt.curves.values()) {
    const { axis } = curve;
    let place = places.get(axis);
    if (place === undefined) {
      place = axes.push(await writeAxis(writer, axis)) - 1;
      places.set(axis, place);
    }
    curves.push(await writeCurve(writer, curve, place));
    known.push(...knownPoints(curve));
    if (writer.isAbandoned) return false;
  }
  const { rowCount: rows, firstMetric, newest, epoch, secondsPerStep, stepRange } = attempt;
  const header: CompactHeader = {
    source,
    tail,
    rows,
    firstMetric,
    newest,
    epoch,
    secondsPerStep,
    stepRange,
    axes,
    curves,
    known: await writer.section(Float64Array.from(known)),
  };
  return writer.finish(header);
}

async function writeAxis(writer: PageWriter, { steps, times, rows, length, ascending }: Axis): Promise<CompactAxis> {
  return {
    length,
    ascending,
    steps: await writeColumn(writer, steps.data, length),
    times: await writeColumn(writer, times.data, length),
    rows: await writeColumn(writer, rows.data, length),
  };
}

async function writeColumn(writer: PageWriter, data: Float64Array | Int32Array, length: number): Promise<Column> {
  const first = length > 0 ? data[0]! : 0;
  const stride = length > 1 ? data[1]! - first : 0;
  let index = 0;
  while (index < length && Object.is(data[index], first + index * stride)) index++;
  if (index === length) return { first, stride };
  return writer.section(data.subarray(0, length));
}

async function writeCurve(writer: PageWriter, curve: Curve, axis: number): Promise<CompactCurve> {
  const { name, length, gaps, steps, times } = curve;
  const pyramid = new Pyramid();
  const block = new Float64Array(PAGE);
  const place = writer.at;
  for (let from = 0; from < length; from += PAGE) {
    const count = Math.min(PAGE, length - from);
    curve.copyValues(from, from + count, block, 0);
    pyramid.extend(block, from, from + count, false);
    await writer.page(block.subarray(0, count));
  }
  const levels = pyramid.levels.map((level) => level.least.length);
  const nodes = new Float64Array(NODE * levels.reduce((sum, count) => sum + count, 0));
  let at = 0;
  for (const { least, greatest, low, high } of pyramid.levels)
    for (let node = 0; node < least.length; node++, at += NODE) {
      const [lowest, highest] = [least.data[node]!, greatest.data[node]!];
      nodes.set([low.data[node]!, high.data[node]!, lowest, highest], at);
      if (lowest >= 0) nodes.set([steps[lowest]!, times[lowest]!, steps[highest]!, times[highest]!], at + 4);
    }
  return {
    name,
    axis,
    length,
    values: { at: place, length },
    firstFall: curve.firstFall === Infinity ? null : curve.firstFall,
    gaps: gaps.indexes.length === 0 ? null : await writer.section(gaps.indexes.data.subarray(0, gaps.indexes.length)),
    nodes: await writer.section(nodes),
    levels,
  };
}

/** In the order of KNOWN_POINTS. */
function knownPoints(curve: Curve): number[] {
  const { length, gaps, steps, times } = curve;
  const found = noExtremes();
  curve.extremes(0, length, found);
  const firstGap = gaps.indexes.length > 0 ? gaps.indexes.data[0]! : -1;
  const indexes = [Math.min(0, length - 1), length - 1, found.least, found.greatest, gaps.firstNegative, gaps.firstPositive, firstGap];
  return indexes.flatMap((index) => (index < 0 ? [-1, NaN, NaN, NaN] : [index, steps[index]!, times[index]!, curve.valueAt(index)]));
}

class PageWriter {
  readonly #handle: FileHandle;
  readonly #abandoned: () => boolean;
  readonly #buffer = new Float64Array(BUFFERED_PAGES * PAGE_STRIDE);
  #buffered = 0;
  /** Bytes in the file, without those in the buffer. */
  #written = PREAMBLE_BYTES;
  #since = performance.now();

  constructor(handle: FileHandle, abandoned: () => boolean) {
    this.#handle = handle;
    this.#abandoned = abandoned;
  }

  get isAbandoned(): boolean {
    return this.#abandoned();
  }

  /** Where the next page will lie. */
  get at(): number {
    return this.#written + this.#buffered * 8;
  }

  async section(values: Float64Array | Int32Array): Promise<Section> {
    const section = { at: this.at, length: values.length };
    for (let from = 0; from < values.length; from += PAGE) await this.page(values.subarray(from, from + PAGE));
    return section;
  }

  /** @param values at most a page; only the last of a section may be shorter */
  async page(values: Float64Array | Int32Array): Promise<void> {
    if (this.#buffered + values.length + 1 > this.#buffer.length) await this.#flush();
    const start = this.#buffered;
    this.#buffer.set(values, start);
    this.#buffer[start + values.length] = checksum(new Uint32Array(this.#buffer.buffer, start * 8, 2 * values.length));
    this.#buffered += values.length + 1;
  }

  /** @returns false when it was abandoned */
  async finish(header: CompactHeader): Promise<boolean> {
    await this.#flush();
    if (this.isAbandoned) return false;
    const text = Buffer.from(JSON.stringify(header));
    const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
    bytes.set(text);
    const preamble = new Float64Array(PREAMBLE_BYTES / 8);
    const sum = checksum(new Uint32Array(bytes.buffer));
    preamble.set([0, this.#written + bytes.length, this.#written, bytes.length, sum]);
    const words = new Uint32Array(preamble.buffer);
    words.set([COMPACT_MAGIC, COMPACT_VERSION]);
    words[words.length - 1] = checksum(words.subarray(0, -2));
    await this.#put(bytes, this.#written);
    await this.#put(new Uint8Array(preamble.buffer), 0);
    return true;
  }

  async #flush(): Promise<void> {
    if (!this.isAbandoned) await this.#put(new Uint8Array(this.#buffer.buffer, 0, this.#buffered * 8), this.#written);
    this.#written += this.#buffered * 8;
    this.#buffered = 0;
    if (performance.now() - this.#since < SLICE_MS) return;
    await sleep(PAUSE_MS);
    this.#since = performance.now();
  }

  async #put(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }
}
