/** A run's log as a plain text document. Pure. */
import { counted } from "../../protocol/counted.ts";
import type { LogLine } from "../../protocol/queries.ts";
import type { TimeRange } from "../../protocol/time-range.ts";
import { localTime } from "../../protocol/local-time.ts";

// Colour and cursor sequences (CSI), titles and links (OSC), and the remaining two-character escapes.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-_]/g;

export function stripEscapes(text: string): string {
  return text.replace(ESCAPES, "");
}

/** @param hidden lines before the first one that are left out */
export function logText(lines: readonly LogLine[], hidden: number, range: TimeRange): string {
  const head = [
    ...rangeLine(range, lines.length + hidden),
    ...(hidden > 0 ? [`… ${hidden.toLocaleString("en-US")} earlier lines are in the log file (Trainyard: Reveal Folder)`] : []),
  ];
  return [...head, ...lines.map((line) => stripEscapes(line.text) + (line.truncated ? " …" : "")), ""].join("\n");
}

function rangeLine({ start, end }: TimeRange, total: number): string[] {
  if (start === null && end === null) return [];
  const [from, until] = [start, end].map((time) => (time === null ? null : localTime(time)));
  const when = [from === null ? [] : [`from ${from}`], until === null ? [] : [`until before ${until}`]].flat().join(" ");
  return [`… Only what was written ${when}: ${counted(total, "line")}`];
}
