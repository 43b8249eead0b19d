/** What a terminal would show of a line in the end, and how serious the line looks. Pure functions over text. */
import type { LogLevel } from "../../protocol/queries.ts";

export const MAX_LINE_CHARACTERS = 10_000;

/* eslint-disable no-control-regex -- control characters are what this file is about */
const SPECIAL = /[\u0000-\u0008\u000b-\u001f\u007f]/;
/** CSI, OSC (ended by BEL or ST) and two-character escape sequences. */
const ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/y;
const ANY_ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const ERASE_LINE = /^\u001b\[([012]?)K$/;
/* eslint-enable no-control-regex */

/**
 * Applies carriage returns, backspaces and "erase line" as a terminal does, so that a progress bar shows its last state; keeps the other
 * escape sequences (colours); leaves out NUL and other control characters that show nothing.
 * @param line one line without its newline
 */
export function renderLine(line: string): { text: string; truncated: boolean } {
  if (!SPECIAL.test(line)) return cut(line, false);
  if (!line.includes("\r", 0) || line.indexOf("\r") === line.length - 1) {
    const plain = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (!SPECIAL.test(plain)) return cut(plain, false);
  }
  const { cells, overflow } = overlay(line);
  return cut(cells.join(""), overflow);
}

/** One cell per shown character, with the escape sequences that came before it. */
function overlay(line: string): { cells: string[]; overflow: boolean } {
  let cells: string[] = [];
  let cursor = 0;
  let pending = "";
  let overflow = false;
  const settle = (): void => {
    if (pending === "") return;
    while (cells.length < cursor) cells.push(" ");
    if (cursor > 0) cells[cursor - 1] = (cells[cursor - 1] ?? "") + pending;
    else cells[0] = pending + (cells[0] ?? "");
    pending = "";
  };
  for (let i = 0; i < line.length;) {
    const code = line.charCodeAt(i);
    if (code === 0x0d) {
      settle();
      cursor = 0;
      i++;
    } else if (code === 0x08) {
      cursor = Math.max(0, cursor - 1);
      i++;
    } else if (code === 0x1b) {
      ESCAPE.lastIndex = i;
      const sequence = ESCAPE.exec(line)?.[0];
      i += sequence?.length ?? 1;
      if (sequence === undefined) continue;
      const erase = ERASE_LINE.exec(sequence)?.[1];
      if (erase === undefined) pending += sequence;
      else if (erase === "2") cells = [];
      else if (erase === "1") for (let c = 0; c < Math.min(cursor, cells.length); c++) cells[c] = " ";
      else cells.length = Math.min(cells.length, cursor);
    } else if (code < 0x20 && code !== 0x09) {
      i++;
    } else if (code === 0x7f) {
      i++;
    } else {
      const character = String.fromCodePoint(line.codePointAt(i) ?? 0xfffd);
      i += character.length;
      if (cursor >= MAX_LINE_CHARACTERS) {
        overflow = true;
        continue;
      }
      while (cells.length < cursor) cells.push(" ");
      cells[cursor++] = pending + character;
      pending = "";
    }
  }
  settle();
  return { cells, overflow };
}

function cut(text: string, overflow: boolean): { text: string; truncated: boolean } {
  if (text.length <= MAX_LINE_CHARACTERS) return { text, truncated: overflow };
  const last = text.charCodeAt(MAX_LINE_CHARACTERS - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return { text: text.slice(0, MAX_LINE_CHARACTERS - (splitsPair ? 1 : 0)), truncated: true };
}

/** Words that name a level, as loggers write them; what Python prints of warnings and exceptions. */
const LEVEL =
  /\b(?:(DEBUG|TRACE)|(INFO|NOTICE)|(WARN(?:ING)?|[A-Za-z]*Warning(?=:))|(ERROR|CRITICAL|FATAL))\b|^(Traceback \(most recent call last\)|(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt)\b(?=:|$))/m;
const LEVEL_WITHIN = 400;

/** The level that the line names first, or null. */
export function guessLevel(text: string): LogLevel | null {
  const start = text.slice(0, LEVEL_WITHIN).replace(ANY_ESCAPE, "");
  const match = LEVEL.exec(start);
  if (match === null) return null;
  if (match[1] !== undefined) return "debug";
  if (match[2] !== undefined) return "info";
  if (match[3] !== undefined) return "warning";
  return "error";
}

/** Words of which a line of the level holds at least one, in lower case: lets whole blocks be passed over. */
export const LEVEL_WORDS: Readonly<Record<LogLevel, readonly string[]>> = {
  debug: ["debug", "trace"],
  info: ["info", "notice"],
  warning: ["warn"],
  error: ["error", "critical", "fatal", "traceback", "exception", "interrupt"],
};
