/**
 * Text of others (names, notes, messages, what a training printed) on its way to a terminal. A terminal obeys escape sequences: they
 * can rewrite what stands on the screen, set the clipboard, or make it answer as if the user had typed. Colours are all that may pass.
 */

/* eslint-disable no-control-regex -- control characters are what this file is about */
/** CSI; OSC, DCS, SOS, PM and APC with their text up to BEL or ST; two-character sequences; also in their one-byte (C1) forms. */
const SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** What is left of a sequence that has no end, and every other character that a terminal obeys or that turns the direction of text. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const CONTROL_BUT_PROGRESS = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const COLOUR = /^\u001b\[[0-9;:]*m$/;
const ERASE_LINE = /^\u001b\[[012]?K$/;
/** The start of a sequence whose end has not come yet. */
const OPEN_SEQUENCE = /(?:\u001b\[[0-?]*[ -/]*|\u001b[\]PX^_][^\u0007\u001b\u009c]*\u001b?|\u001b[ -/]*)$/;
/* eslint-enable no-control-regex */

/** A terminal's "colours as before". */
const RESET = "\u001b[0m";
/** A sequence that is not over by then is none. */
const MAX_OPEN = 4096;

/** Newlines and tabs stay, everything else that a terminal obeys goes. */
export function plainText(text: string): string {
  return text.replace(SEQUENCE, "").replace(CONTROL, "");
}

/** Colours stay as well, and end with the text. */
export function colouredText(text: string): string {
  return withReset(kept(text, CONTROL, (sequence) => COLOUR.test(sequence)));
}

/** A training's output as it comes, in any pieces: colours, carriage returns, backspaces and "erase line" stay, so that progress bars work. */
export class LiveOutput {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #open = "";

  push(bytes: Uint8Array): string {
    const text = this.#open + this.#decoder.decode(bytes, { stream: true });
    const open = OPEN_SEQUENCE.exec(text)?.[0] ?? "";
    this.#open = open.length <= MAX_OPEN ? open : "";
    const whole = text.slice(0, text.length - open.length);
    return withReset(kept(whole, CONTROL_BUT_PROGRESS, (sequence) => COLOUR.test(sequence) || ERASE_LINE.test(sequence)));
  }
}

/** Without what `unwanted` matches, and without the sequences that may not pass. */
function kept(text: string, unwanted: RegExp, mayPass: (sequence: string) => boolean): string {
  let result = "";
  let at = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    result += text.slice(at, match.index).replace(unwanted, "");
    if (mayPass(match[0])) result += match[0];
    at = match.index + match[0].length;
  }
  return result + text.slice(at).replace(unwanted, "");
}

function withReset(text: string): string {
  const last = text.lastIndexOf("\u001b[");
  return last === -1 || text.startsWith(RESET, last) ? text : text + RESET;
}
