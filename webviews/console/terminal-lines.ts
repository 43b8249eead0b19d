/**
 * Turns the bytes of a terminal into lines as it would show them: a carriage return starts the line over, so that a progress bar
 * stays one line; cursor-up (nested bars) goes back to the line above. Escape sequences for colours are kept for the view.
 */

/** The oldest lines go beyond this; they can be had from the server. */
export const MOST_LINES = 100_000;
// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const CONTROL = /\r\n|\r|\n|\u001b\[(\d*)A|\u001b\[[0-2]?K/g;
// eslint-disable-next-line no-control-regex -- as above
const INCOMPLETE = /(?:\r|\u001b(?:\[[0-?]*)?)$/;

export type LineLevel = "debug" | "info" | "warning" | "error";

export class TerminalLines {
  readonly #lines: string[] = [""];
  #row = 0;
  /** Where in the line the next text goes, in characters of the kept text. */
  #column = 0;
  /** The line holds escape sequences, so that its columns are unknown: the next text replaces it whole. */
  #replace = false;
  /** The end of a piece that may be the beginning of a control sequence. */
  #pending = "";
  /** Lines that were dropped at the front. */
  dropped = 0;

  get lines(): readonly string[] {
    return this.#lines.slice(0, this.length);
  }

  get length(): number {
    // The empty line that a final newline opens is not a line yet.
    return this.#lines.length - (this.#lines.at(-1) === "" ? 1 : 0);
  }

  at(index: number): string {
    return this.#lines[index] ?? "";
  }

  push(piece: string): void {
    let text = this.#pending + piece;
    this.#pending = INCOMPLETE.exec(text)?.[0] ?? "";
    text = text.slice(0, text.length - this.#pending.length);
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
      if (++this.#row === this.#lines.length) this.#lines.push("");
      this.#toLineStart();
    } else if (sequence === "\r") {
      this.#toLineStart();
    } else if (sequence.endsWith("A")) {
      this.#row = Math.max(0, this.#row - Math.max(1, Number(count ?? "1")));
      this.#toLineStart();
    } else {
      // Erase to the end of the line; the other forms (to its start, all of it) come with a carriage return before them.
      this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
    }
  }

  #toLineStart(): void {
    this.#column = 0;
    this.#replace = (this.#lines[this.#row] ?? "").includes("\u001b");
  }

  #write(text: string): void {
    if (text === "") return;
    const old = this.#replace ? "" : (this.#lines[this.#row] ?? "");
    this.#replace = false;
    // A shorter text leaves the rest of the old line standing, as a terminal does.
    this.#lines[this.#row] = old.slice(0, this.#column) + text + old.slice(this.#column + text.length);
    this.#column += text.length;
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
