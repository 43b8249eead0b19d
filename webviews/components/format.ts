/** Numbers, times and sizes as people read them. The minus is U+2212; what is unknown is an en dash, never 0. */
import { counted } from "../../protocol/counted.ts";
import type { JsonValue } from "../../protocol/json.ts";

export const UNKNOWN = "–";
const MINUS = "\u2212";
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function formatInteger(value: number): string {
  return grouped.format(value).replace("-", MINUS);
}

/** A metric's value to four significant digits: `0.8690`, `7,412`, `4.78e−5`. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1e9 || size < 1e-3) return value.toExponential(2).replaceAll("-", MINUS).replace("e+", "e");
  if (size >= 1000) return formatInteger(value);
  if (Number.isInteger(value)) return String(value).replace("-", MINUS);
  return value.toPrecision(4).replace("-", MINUS);
}

/** A double has no more. */
const MOST_DIGITS = 17;

/** Values beside each other as `formatValue` writes them, with more digits where two that differ would read alike: `1,000.2`, `1,000.4`. */
export function formatApart(values: readonly number[]): string[] {
  const distinct = new Set(values).size;
  let texts = values.map(formatValue);
  for (let digits = 5; digits <= MOST_DIGITS && new Set(texts).size < distinct; digits++) {
    const plain = new Intl.NumberFormat("en-US", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
    texts = values.map((value) => {
      if (Number.isInteger(value) && Math.abs(value) < 1e9) return formatInteger(value);
      const exponent = formatValue(value).includes("e");
      const text = exponent ? value.toExponential(digits - 1).replace("e+", "e") : plain.format(value);
      return text.replaceAll("-", MINUS);
    });
  }
  return texts;
}

/** What a counter counts, in full where it is whole: `12,582,912`, `1.250` epochs. */
export function formatCount(value: number): string {
  return Number.isSafeInteger(value) ? formatInteger(value) : formatValue(value);
}

/** A number with as many decimals as `beside` shows, so that both can be read together: 0.9401 ± 0.0066. */
export function formatLike(value: number, beside: number): string {
  const shown = formatValue(beside);
  if (!Number.isFinite(value) || !Number.isFinite(beside) || shown.includes("e")) return formatValue(value);
  const decimals = /\.(\d+)$/.exec(shown)?.[1]?.length ?? 0;
  return Number.isInteger(beside)
    ? formatValue(value)
    : value
        .toFixed(decimals)
        .replace(/^-(?=.*[1-9])/, MINUS)
        .replace("-", "");
}

/** A difference with its sign, to the decimals of the value that it belongs to: `+0.0059`, `−0.0155`. */
export function formatSigned(value: number, beside: number = value): string {
  const text = formatLike(value, beside);
  return Number.isFinite(value) && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** @param fraction 0–1 */
export function formatPercent(fraction: number | null, digits = 1): string {
  return fraction === null ? UNKNOWN : `${(fraction * 100).toFixed(digits)} %`;
}

/** Two units at most: `27 min 55 s`, `1 h 05 min`, `3 d 4 h`. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${String(whole)} s`;
  if (whole < 3600) return `${String(Math.floor(whole / 60))} min ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${String(Math.floor(whole / 3600))} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  return `${String(Math.floor(whole / 86_400))} d ${String(Math.floor((whole % 86_400) / 3600))} h`;
}

/** One rule for memory, disks and files, the one that nvidia-smi and editors follow: a GB is 1024³ bytes. `199 MB`, `23.5 GB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return UNKNOWN;
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1);
  return `${text} ${units[unit] ?? "B"}`;
}

/** Time of day in the viewer's zone, 24 hours. */
export function formatClock(time: number | string, seconds = true): string {
  const date = new Date(time);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  return seconds ? `${clock}:${pad(date.getSeconds())}` : clock;
}

/** The clock today, else the date with it. */
export function formatWhen(time: number | string, now: number = Date.now()): string {
  const date = new Date(time);
  if (date.toDateString() === new Date(now).toDateString()) return formatClock(time);
  return `${formatDay(date)} ${formatClock(time, false)}`;
}

function formatDay(date: Date): string {
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** From one time to another: `10:00–10:15`, `20 Nov 22:00–21 Nov 01:00`, `10:02:30 on`, `until 10:15`. Seconds where they say something, days unless both are today. */
export function formatBetween(start: number | null, end: number | null, now: number = Date.now()): string {
  const times = [start, end].filter((time) => time !== null);
  const seconds = times.some((time) => new Date(time).getSeconds() !== 0);
  let day = new Date(now).toDateString();
  const [from, until] = [start, end].map((time) => {
    if (time === null) return null;
    const date = new Date(time);
    const known = date.toDateString() === day;
    day = date.toDateString();
    return `${known ? "" : `${formatDay(date)} `}${formatClock(time, seconds)}`;
  });
  if (from === null || from === undefined) return until === null || until === undefined ? "all times" : `until ${until}`;
  return until === null || until === undefined ? `${from} on` : `${from}–${until}`;
}

/** What a run's code was: its commit, and how many files differed from it: `8df9710 + 1 file`. @param digits of the commit, all where there is none */
export function formatCommit(
  { commit, dirty_files: changed }: { readonly commit: string; readonly dirty_files: number },
  digits?: number,
): string {
  return `${commit.slice(0, digits)}${changed === 0 ? "" : ` + ${counted(changed, "changed file")}`}`;
}

/** JSON values as a config table shows them: strings bare, the rest as JSON. */
export function formatJson(value: JsonValue | undefined): string {
  if (value === undefined) return UNKNOWN;
  return typeof value === "string" ? value : JSON.stringify(value);
}
