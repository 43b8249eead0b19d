/**
 * Binary WebSocket frames and the body of Arrow answers: u32 little-endian length of the header | header (JSON, UTF-8, padded with
 * spaces so that the body starts at a multiple of 8) | Arrow IPC stream.
 *
 * The Arrow table has the columns `series` (int32, index into header.series), `step`, `time` (ms since the epoch), `value`
 * (float64 each) and `attempt` (int32), `x` (float64, NaN for none) where the points are placed on a counter, and `smoothed` (float64, NaN
 * where the value is not finite) where a moving average was asked for. Rows of a series are in the order of their steps.
 */
import * as z from "zod";
import { CounterAxis, SeriesCursor } from "./queries.ts";
import { RunId } from "./ids.ts";
import { SmoothingWeight } from "./smoothing.ts";

export const SeriesFrameHeader = z.object({
  type: z.literal("series"),
  /** Subscription, or null in an HTTP answer. */
  id: z.number().int().nullable(),
  run: RunId,
  series: z.array(z.string()),
  /** Of each series: does it hold fewer points than there are? */
  downsampled: z.array(z.boolean()),
  /** Where the reader stands after this frame. */
  cursor: SeriesCursor,
  /** The points replace what the client holds instead of being appended: the backlog was too long, or an attempt rewound. */
  reset: z.boolean(),
  /** Where a counter was asked for as the x axis. */
  x: CounterAxis.optional(),
  /** Weight of the moving average in the column `smoothed`, where one was asked for. */
  smoothing: SmoothingWeight.optional(),
});
export type SeriesFrameHeader = z.infer<typeof SeriesFrameHeader>;

export function encodeFrame(header: SeriesFrameHeader, body: Uint8Array): Uint8Array<ArrayBuffer> {
  let json = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - ((4 + json.length) % 8)) % 8;
  if (padding > 0) {
    const padded = new Uint8Array(json.length + padding).fill(0x20);
    padded.set(json);
    json = padded;
  }
  const frame = new Uint8Array(4 + json.length + body.length);
  new DataView(frame.buffer).setUint32(0, json.length, true);
  frame.set(json, 4);
  frame.set(body, 4 + json.length);
  return frame;
}

export function decodeFrame(frame: Uint8Array): { header: SeriesFrameHeader; body: Uint8Array } {
  if (frame.length < 4) throw new RangeError(`frame of ${String(frame.length)} bytes has no header`);
  const length = new DataView(frame.buffer, frame.byteOffset, 4).getUint32(0, true);
  if (length > frame.length - 4) throw new RangeError(`frame header of ${String(length)} bytes does not fit into ${String(frame.length)}`);
  const header = SeriesFrameHeader.parse(JSON.parse(new TextDecoder().decode(frame.subarray(4, 4 + length))));
  return { header, body: frame.subarray(4 + length) };
}
