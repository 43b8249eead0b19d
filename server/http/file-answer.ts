/** One file as an answer, whole or a byte range of it. */
import path from "node:path";
import { pipeline, Readable, Transform } from "node:stream";
import { TrainyardError } from "../../protocol/errors.ts";
import { isAbsent } from "../store/fs-errors.ts";
import { openFile } from "../store/open-file.ts";

export type ByteRange = { start: number; end: number } | "unsatisfiable" | null;

/**
 * The range that `header` asks for; `end` is inclusive. null when the whole file is to be sent: no header, a unit other than bytes,
 * several ranges (RFC 9110 lets a server ignore them) or nonsense.
 */
export function parseRange(header: string | null, size: number): ByteRange {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (match === null) return null;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (start >= size) return "unsatisfiable";
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return end < start ? null : { start, end };
}

/**
 * @param file absolute real path that may be read
 * @throws TrainyardError not_found | corrupt_record
 */
export async function sendFile(file: string, request: Headers): Promise<Response> {
  const handle = await openFile(file).catch((error: unknown) => {
    if (isAbsent(error)) throw new TrainyardError("not_found", `${file} is not there any more`);
    throw error;
  });
  // The stream closes the handle when it ends; every other way out has to.
  try {
    const info = await handle.stat();
    const tag = `"${info.size.toString(36)}-${Math.round(info.mtimeMs).toString(36)}"`;
    const headers = new Headers({
      // Never a type that a browser would run or show: the file is whatever a training wrote.
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(path.basename(file))}`,
      "accept-ranges": "bytes",
      etag: tag,
    });
    const condition = request.get("if-range");
    const range = condition === null || condition === tag ? parseRange(request.get("range"), info.size) : null;
    if (range === "unsatisfiable") {
      await handle.close();
      headers.set("content-range", `bytes */${info.size}`);
      return new Response(null, { status: 416, headers });
    }
    const { start, end } = range ?? { start: 0, end: info.size - 1 };
    headers.set("content-length", String(end - start + 1));
    if (range !== null) headers.set("content-range", `bytes ${start}-${end}/${info.size}`);
    const status = range === null ? 200 : 206;
    if (end < start) {
      await handle.close();
      return new Response(null, { status, headers });
    }
    // Node's and the DOM's declarations of one and the same class do not fit together.
    const sent = pipeline(handle.createReadStream({ start, end }), promised(end - start + 1, file), () => undefined);
    const stream: unknown = Readable.toWeb(sent);
    return new Response(stream as ReadableStream, { status, headers });
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
}

/**
 * Passes on bytes and fails when there are fewer than were promised: a file may be cut while it is sent. The answer is then broken off;
 * if it just ended, its reader would wait for the rest.
 */
function promised(length: number, file: string): Transform {
  let left = length;
  return new Transform({
    transform(piece: Buffer, _, done) {
      left -= piece.length;
      done(null, piece);
    },
    flush(done) {
      done(left > 0 ? new Error(`${file} was cut while it was sent: ${left} bytes are missing`) : null);
    },
  });
}
