/** Colours and weights of a terminal line (SGR sequences) as runs of text; every other escape sequence is dropped. */
export interface AnsiRun {
  readonly text: string;
  /** 0–15 of the theme's terminal palette, `#rrggbb`, or null for the default. */
  readonly color: number | string | null;
  readonly background: number | string | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
}

type Style = Omit<AnsiRun, "text">;
const PLAIN: Style = { color: null, background: null, bold: false, dim: false, italic: false, underline: false };
// CSI sequences, OSC sequences (titles, links) and two-character escapes.
// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ESCAPE = /\u001b(?:\[([0-?]*)([ -/]*[@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex -- everything below a space but the tab
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export function parseAnsi(line: string): AnsiRun[] {
  if (!line.includes("\u001b")) return line === "" ? [] : [{ text: line.replace(CONTROL, ""), ...PLAIN }];
  const runs: AnsiRun[] = [];
  let style = PLAIN;
  let from = 0;
  const add = (text: string): void => {
    const clean = text.replace(CONTROL, "");
    if (clean !== "") runs.push({ text: clean, ...style });
  };
  for (const match of line.matchAll(ESCAPE)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = applySgr(style, match[1] ?? "");
  }
  add(line.slice(from));
  return runs;
}

/** The text alone, for search and copying. */
export function stripAnsi(line: string): string {
  return line.replace(ESCAPE, "").replace(CONTROL, "");
}

function applySgr(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes, i + 1);
      i += used;
      style = code === 38 ? { ...style, color } : { ...style, background: color };
    } else {
      style = simpleSgr(style, code);
    }
  }
  return style;
}

function simpleSgr(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, color: code - 90 + 8 };
  if (code === 39) return { ...style, color: null };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 100 + 8 };
  if (code === 49) return { ...style, background: null };
  return style;
}

/** `5;n` (palette of 256) or `2;r;g;b`; returns the colour and how many codes it took. */
function extendedColor(codes: readonly number[], at: number): readonly [number | string | null, number] {
  if (codes[at] === 5) return [palette256(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) return [hex(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), 4];
  return [null, 0];
}

function palette256(n: number): number | string {
  if (n < 16) return n;
  if (n >= 232) return hex(8 + (n - 232) * 10, 8 + (n - 232) * 10, 8 + (n - 232) * 10);
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = n - 16;
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function hex(...channels: number[]): string {
  return `#${channels.map((channel) => Math.min(255, Math.max(0, channel)).toString(16).padStart(2, "0")).join("")}`;
}
