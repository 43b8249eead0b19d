/**
 * Turns the bytes of a terminal into lines as it would show them: a carriage return starts the line over, so that a progress bar
 * stays one line; cursor-up (nested bars) goes back to the line above. Escape sequences for colours are kept for the view.
 */

/** The oldest lines go beyond this; they can be had from the server. */
export const MOST_LINES = 100_000;
// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const CONTROL = /\r\n|\r|\n|\u001b\[(\d*)A|\u001b\[[0-2]?K/g;

export type LineLevel = "debug" | "info" | "warning" | "error";

export class TerminalLines {
  readonly #lines: string[] = [""];
  #row = 0;
  /** The next text starts the line over instead of going on. */
  #overwrite = false;
  /** A carriage return at the end of a piece: a newline may follow in the next one. */
  #pendingReturn = false;
  /** Lines that were dropped at the front. */
  dropped = 0;
  /** How often a line was redrawn in place. */
  redraws = 0;

  get lines(): readonly string[] {
    // The empty line that a final newline opens is not a line yet.
    return this.#lines.length > 0 && this.#lines.at(-1) === "" ? this.#lines.slice(0, -1) : this.#lines;
  }

  get length(): number {
    return this.#lines.length - (this.#lines.at(-1) === "" ? 1 : 0);
  }

  at(index: number): string {
    return this.#lines[index] ?? "";
  }

  push(piece: string): void {
    let text = piece;
    if (this.#pendingReturn) {
      this.#pendingReturn = false;
      text = `\r${text}`;
    }
    if (text.endsWith("\r")) {
      this.#pendingReturn = true;
      text = text.slice(0, -1);
    }
    let from = 0;
    for (const match of text.matchAll(CONTROL)) {
      this.#write(text.slice(from, match.index));
      from = match.index + match[0].length;
      this.#control(match[0], match[1]);
    }
    this.#write(text.slice(from));
    const excess = this.#lines.length - MOST_LINES;
    if (excess > 0) {
      this.#lines.splice(0, excess);
      this.#row = Math.max(0, this.#row - excess);
      this.dropped += excess;
    }
  }

  #control(sequence: string, count: string | undefined): void {
    if (sequence === "\n" || sequence === "\r\n") {
      this.#row++;
      if (this.#row >= this.#lines.length) this.#lines.push("");
      else this.#overwrite = true;
      if (this.#row === this.#lines.length - 1 && this.#lines[this.#row] === "") this.#overwrite = false;
    } else if (sequence === "\r") {
      this.#overwrite = true;
    } else if (sequence.endsWith("A")) {
      this.#row = Math.max(0, this.#row - Math.max(1, Number(count ?? "1")));
      this.#overwrite = true;
    } else if (this.#overwrite) {
      this.#lines[this.#row] = "";
    }
  }

  #write(text: string): void {
    if (text === "") return;
    const old = this.#lines[this.#row] ?? "";
    if (this.#overwrite) {
      // A shorter text leaves the rest of the old line standing, as a terminal does; with escapes inside, columns are unknown.
      const rest = text.includes("\u001b") || old.includes("\u001b") ? "" : old.slice(text.length);
      this.#lines[this.#row] = text + rest;
      this.#overwrite = false;
      if (old !== "") this.redraws++;
    } else {
      this.#lines[this.#row] = old + text;
    }
  }
}

const LEVELS: readonly (readonly [LineLevel, RegExp])[] = [
  ["error", /\b(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent|^\w*(Error|Exception)\b/],
  ["warning", /\bWARN(ING)?\b|Warning:/],
  ["debug", /\bDEBUG\b/],
];

/** What the text says about its level; a line that says nothing counts as information. */
export function lineLevel(line: string): LineLevel {
  for (const [level, pattern] of LEVELS) if (pattern.test(line)) return level;
  return "info";
}

export interface ProgressBar {
  readonly label: string;
  /** 0–100 */
  readonly percent: number;
  /** What stands right of the bar: `1642/2400 [17:52<27:55, 2.21s/it]`. */
  readonly rest: string;
}

const BAR = /^(.*?):?\s*(\d{1,3})%\|[^|]*\|\s*(.*)$/;

/** A tqdm line in its parts, null for any other line. */
export function parseProgressBar(line: string): ProgressBar | null {
  const match = BAR.exec(line);
  if (match === null) return null;
  const percent = Number(match[2]);
  return percent > 100 ? null : { label: (match[1] ?? "").trim(), percent, rest: match[3] ?? "" };
}
