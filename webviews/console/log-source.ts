/** The log of one attempt, or a stretch of it: the tail by subscription, earlier pieces on demand. */
import { counted } from "../../protocol/counted.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { Subscription, Transport } from "../transport/transport.ts";
import { TerminalLines } from "./terminal-lines.ts";

/** A long log starts with its last piece; the rest is a click away. */
const TAIL_BYTES = 512 * 1024;
const EARLIER_BYTES = 1024 * 1024;
/** Of a log that is followed for hours the newest characters are kept; what was before can be loaded again. */
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** Messages are put together into pieces of about so many characters. */
const PIECE_CHARACTERS = 64 * 1024;

interface Piece {
  /** Offset of its first byte in the log. */
  readonly offset: number;
  text: string;
}

/** Part of a log, in bytes. */
export interface LogStretch {
  readonly start: number;
  /** null: to the newest output, and what comes after it. */
  readonly end: number | null;
  /** Bytes that the log has now, as far as is known. */
  readonly size: number;
}

export class LogSource {
  lines = new TerminalLines();
  /** Offset of the first byte shown. */
  start: number;
  /** The run is over and everything is here. */
  ended = false;
  readonly run: RunId;
  readonly attempt: number;
  readonly #transport: Transport;
  readonly #changed: () => void;
  readonly #subscription: Subscription | null;
  /** Where the stretch begins: nothing before it is shown. */
  readonly #floor: number;
  /** The text from `start` on, needed to put an earlier piece before it. */
  readonly #pieces: Piece[] = [];
  #characters = 0;

  /** A stretch with an end begins empty: `loadEarlier` reads its last piece. */
  constructor(transport: Transport, run: RunId, attempt: number, { start, end, size }: LogStretch, changed: () => void) {
    this.run = run;
    this.attempt = attempt;
    this.#transport = transport;
    this.#changed = changed;
    this.#floor = start;
    this.start = end ?? Math.max(start, size - TAIL_BYTES);
    this.#subscription = end === null ? this.#follow() : null;
  }

  get hasEarlier(): boolean {
    return this.start > this.#floor;
  }

  /** @throws TrainyardError */
  async loadEarlier(): Promise<void> {
    const from = Math.max(this.#floor, this.start - EARLIER_BYTES);
    const bytes = await this.#transport.bytes("getRawLog", {
      params: { id: this.run },
      query: { attempt: this.attempt, offset: from, length: this.start - from },
    });
    // Not from the beginning: start with the first whole line.
    const skip = from === this.#floor ? 0 : bytes.indexOf(0x0a) + 1;
    this.start = from + skip;
    const text = new TextDecoder().decode(bytes.subarray(skip));
    this.#pieces.unshift({ offset: this.start, text });
    this.#characters += text.length;
    this.lines = new TerminalLines();
    for (const piece of this.#pieces) this.lines.push(piece.text);
    this.#changed();
  }

  close(): void {
    this.#subscription?.close();
  }

  #follow(): Subscription {
    let first = this.start > this.#floor;
    return this.#transport.subscribe(
      { topic: "log", run: this.run, attempt: this.attempt, offset: this.start },
      {
        message: (message) => {
          if (message.type === "end") this.ended = true;
          if (message.type === "log") {
            if (message.skipped_bytes > 0 && !first)
              this.#add(message.offset, `\n… ${counted(message.skipped_bytes, "byte")} passed over …\n`);
            // A tail that starts in the middle of a line starts with the next whole one.
            const cut = first ? message.text.indexOf("\n") + 1 : 0;
            if (first) this.start = message.offset + new TextEncoder().encode(message.text.slice(0, cut)).length;
            first = false;
            this.#add(message.offset, message.text.slice(cut));
          }
          this.#changed();
        },
      },
    );
  }

  #add(offset: number, text: string): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.text.length < PIECE_CHARACTERS) last.text += text;
    else this.#pieces.push({ offset: last === undefined ? this.start : offset, text });
    this.lines.push(text);
    this.#characters += text.length;
    while (this.#characters > MOST_CHARACTERS && this.#pieces.length > 1) {
      this.#characters -= this.#pieces.shift()?.text.length ?? 0;
      this.start = this.#pieces[0]?.offset ?? this.start;
    }
  }
}
