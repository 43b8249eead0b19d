/** Numbers and times as the tree, the status bar and notifications show them. Pure. */

const BLOCKS = "▁▂▃▄▅▆▇█";

/**
 * The shape of a curve in block characters, oldest first. Values that are not finite leave a gap, so that a NaN is seen.
 * @param values points in the order of their steps
 * @param width  most characters; more values are averaged into as many buckets
 */
export function sparkline(values: readonly number[], width = 8): string {
  const buckets = intoBuckets(values, width);
  const finite = buckets.filter((v) => Number.isFinite(v));
  if (finite.length < 2) return "";
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low;
  return buckets
    .map((v) => {
      if (!Number.isFinite(v)) return " ";
      const level = span === 0 ? 3 : Math.min(BLOCKS.length - 1, Math.floor(((v - low) / span) * BLOCKS.length));
      return BLOCKS.charAt(level);
    })
    .join("");
}

function intoBuckets(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, i) => {
    const slice = values.slice(Math.floor((i * values.length) / width), Math.floor(((i + 1) * values.length) / width));
    const finite = slice.filter((v) => Number.isFinite(v));
    return finite.length === 0 ? NaN : finite.reduce((a, b) => a + b, 0) / finite.length;
  });
}

/** A share of a whole as a bar of `width` block characters; `null` (unknown) is a dash, never an empty bar. */
export function bar(fraction: number | null, width = 8): string {
  if (fraction === null || !Number.isFinite(fraction)) return "–";
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return "▰".repeat(full) + "▱".repeat(width - full);
}

/** Four significant digits, a real minus sign, and the plain words for what is no number. */
export function formatValue(value: number | "NaN" | "Infinity" | "-Infinity"): string {
  const number = typeof value === "number" ? value : Number(value);
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "\u2212∞";
  const size = Math.abs(number);
  let text: string;
  if (Number.isInteger(number) && size < 1e6) text = String(number);
  else if (size !== 0 && (size < 1e-3 || size >= 1e6)) text = number.toExponential(2).replace("e+", "e");
  else
    text = number
      .toPrecision(4)
      .replace(/(\.\d*?)0+$/, "$1")
      .replace(/\.$/, "");
  return text.replace(/-/g, "\u2212");
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** A fraction as whole percent. Never rounded up to 100 % before the end. */
export function formatPercent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)}%`;
}

/** @param seconds length of time; the two largest units are shown: `27 min 55 s`, `1 h 05 min` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return `${days} d ${pad(hours)} h`;
  if (hours > 0) return `${hours} h ${pad(minutes)} min`;
  if (minutes > 0) return `${minutes} min ${pad(whole % 60)} s`;
  return `${whole} s`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  // As in the webviews: a unit is 1024 of the one below, as for the memory of a GPU.
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? "B"}`;
}

/** Memory in GB as people name cards: `17.9/24 GB`. Unknown parts are dashes. */
export function formatMemory(used: number | null, total: number | null): string {
  const gb = (bytes: number | null): string => {
    if (bytes === null) return "–";
    const value = bytes / 2 ** 30;
    return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
  };
  return `${gb(used)}/${gb(total)} GB`;
}

const RIGHT_TO_LEFT = /\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko}/u;

/** A name in a row with more behind it: what is written from right to left is set apart, so that the rest stays at its side. */
export function isolated(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}
