/** Values as people read them in a terminal. */
import type { JsonValue, WireNumber } from "../protocol/json.ts";
import { fromWireNumber } from "../protocol/wire-number.ts";
import { plainText } from "./terminal-text.ts";
import { headlineOf } from "../protocol/line-of-run.ts";
import type { Progress, RunSummary } from "../protocol/run.ts";

/** What a terminal shows two columns wide: CJK and its full-width forms, and emoji. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** What it shows with the character before: accents, joiners, variants. */
const NO_WIDTH = /[\p{M}\p{Cf}]/u;

/** Columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Columns padded to their widest cell; the last one is left as it is. A row is a line, whatever names hold. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows.map((row) => row.map((cell) => plainText(cell).replace(/[\n\t]+/g, " ")))];
  const widths = header.map((_, column) => lines.reduce((most, line) => Math.max(most, displayWidth(line[column] ?? "")), 0));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === line.length - 1 ? cell : cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell))),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** @param seconds non-negative */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? "B"}`;
}

export function formatNumber(value: WireNumber): string {
  const number = fromWireNumber(value);
  if (!Number.isFinite(number) || Number.isInteger(number)) return String(number);
  const size = Math.abs(number);
  return size >= 1e-3 && size < 1e6 ? String(Number(number.toPrecision(5))) : number.toExponential(3);
}

export function formatValue(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The metric that says most about a run, in one cell. */
export function formatMetric(run: Pick<RunSummary, "metrics" | "state">): string {
  const headline = headlineOf(run);
  return headline === null ? "" : `${headline.name} ${formatNumber(headline.last)}`;
}

export function formatProgress(progress: Progress | null): string {
  if (progress === null) return "";
  const parts = [progress.max_steps === null ? `step ${progress.step}` : `step ${progress.step}/${progress.max_steps}`];
  if (progress.fraction !== null) parts.push(`${Math.floor(progress.fraction * 100)}%`);
  if (progress.eta_seconds !== null && progress.fraction !== 1) parts.push(`ETA ${formatDuration(progress.eta_seconds)}`);
  return parts.join(" · ");
}

/** A line for each fact that there is, its value `width` columns after its beginning. */
export function factLines(facts: readonly (readonly [string, string | null])[], width: number, indent = ""): string {
  return facts.flatMap(([key, value]) => (value === null || value === "" ? [] : [`${indent}${key.padEnd(width)}${value}`])).join("\n");
}
