/** Which lines of a log are shown, and which of them match a search. Pure. */
import { stripAnsi } from "./ansi.ts";
import { lineLevel, type LineLevel, type TerminalLines } from "./terminal-lines.ts";

export const LEVELS: readonly (readonly [LineLevel, string])[] = [
  ["debug", "Debug"],
  ["info", "Info"],
  ["warning", "Warn"],
  ["error", "Error"],
];

export interface LineChoice {
  /** Indexes of the lines that are shown; null: all of them. */
  readonly rows: readonly number[] | null;
  /** Indexes of those with the text. */
  readonly hits: readonly number[];
}

/** Cheap unless a filter or a search is on. */
export function chooseLines(lines: TerminalLines | undefined, levels: ReadonlySet<LineLevel>, search: string): LineChoice {
  const filtered = levels.size < LEVELS.length;
  if (lines === undefined || (!filtered && search === "")) return { rows: null, hits: [] };
  const needle = search.toLowerCase();
  const rows: number[] = [];
  const hits: number[] = [];
  for (let i = 0; i < lines.length; i++) {
    const text = lines.at(i);
    if (filtered && !levels.has(lineLevel(text))) continue;
    rows.push(i);
    if (needle !== "" && stripAnsi(text).toLowerCase().includes(needle)) hits.push(i);
  }
  return { rows: filtered ? rows : null, hits };
}
