/** A stretch of time as people write it: `last 10 min`, `10:00–10:15`, `2026-01-31 22:00 – 23:00`, `since 10:00`. Times are those of the reader's zone. Pure. */
import { TrainyardError } from "./trainyard-error.ts";

/** ms since the epoch, the start inclusive and the end exclusive; null: open on that side. */
export interface TimeRange {
  readonly start: number | null;
  readonly end: number | null;
}

/** What times of day and relative times are counted from, in ms since the epoch. */
export interface OutputTimes {
  readonly now: number;
  /** When the output began; null where nothing says so. */
  readonly first: number | null;
  /** When it ended; null while more may come, which makes `now` its end. */
  readonly last: number | null;
}

const FORMS = "Write last 10 min, first 5 min, 10:00–10:15, since 10:00, until 10:15, or a date before a time: 2026-01-31 22:00.";
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s(ec(onds?)?)?$/, 1000],
  [/^m(in(utes?)?)?$/, 60_000],
  [/^h(ours?)?$/, 3_600_000],
  [/^d(ays?)?$/, 86_400_000],
];
const STRETCH = /^(?:(last|first)\s+)?(?:(\d+(?:\.\d+)?)\s*)?([a-z]+)$/;
const AGO = /^(\d+(?:\.\d+)?)\s*([a-z]+)\s+ago$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[t ]+(\d{1,2}:\d{2}(?::\d{2})?))?$/;
/** RFC 3339, as logs write it. Without the seconds and the T, `-11:00` is the end of a range and no zone. */
const INSTANT = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})$/;
const SEPARATORS = /\s+(?:to|until)\s+|\s*(?:–|—|\.{2,})\s*|\s*-\s*/g;

/** The end of the year 9999. */
const LATEST_MS = Date.UTC(10_000, 0) - 1000;

/** A time of day belongs to a date only once it is known what it stands beside. */
type Moment = { readonly time: number } | { readonly clock: readonly [hours: number, minutes: number, seconds: number] };

/** @throws TrainyardError bad_request: what is wrong with the text, and how ranges are written */
export function parseTimeRange(text: string, times: OutputTimes): TimeRange {
  const written = text.trim().toLowerCase();
  if (written === "") throw refused("No time was given");
  const range = stretchOf(written, times) ?? betweenOf(written, times);
  if (range === null) throw refused(`“${text.trim()}” is not a range of time`);
  if (range.start !== null && range.end !== null && range.end <= range.start)
    throw refused("The end is not after the start, so that no line lies between them");
  return range;
}

/** `last 10 min`, `first hour`, `30 s` */
function stretchOf(text: string, { now, first, last }: OutputTimes): TimeRange | null {
  const match = STRETCH.exec(text);
  const unit = unitOf(match?.[3]);
  // A unit alone says nothing, but "last hour" does.
  if (match === null || unit === null || (match[1] === undefined && match[2] === undefined)) return null;
  const length = Number(match[2] ?? "1") * unit;
  if (length === 0) throw refused("A range of no length holds no line");
  if (match[1] !== "first") return { start: wholeSecond((last ?? now) - length), end: null };
  if (first === null) throw refused("Nothing says when this output began");
  return { start: null, end: wholeSecond(first + length) };
}

function betweenOf(text: string, times: OutputTimes): TimeRange | null {
  const [, word, rest = text] = /^(since|from|until|before)\s+(.*)$/.exec(text) ?? [];
  const untilOnly = word === "until" || word === "before";
  const alone = momentOf(rest, times.now);
  if (alone !== null) return untilOnly ? between(null, alone, times) : between(alone, null, times);
  if (untilOnly) return null;
  // A hyphen stands in dates and zones too, so the one that leaves a time on either side is what separates them.
  for (const { 0: separator, index } of rest.matchAll(SEPARATORS)) {
    const [before, after] = [rest.slice(0, index), rest.slice(index + separator.length)];
    const [start, end] = [momentOf(before, times.now), momentOf(after, times.now)];
    const known = (start !== null || before === "") && (end !== null || after === "");
    if (known && (start !== null || end !== null)) return between(start, end, times);
  }
  return null;
}

/** Times of day become the newest that the output can hold; an end belongs to the start before it. */
function between(start: Moment | null, end: Moment | null, { now, last }: OutputTimes): TimeRange {
  const from = start === null ? null : "time" in start ? start.time : newestBefore(start.clock, last ?? now);
  if (end === null) return { start: from, end: null };
  if ("time" in end) return { start: from, end: end.time };
  return { start: from, end: from === null ? newestBefore(end.clock, last ?? now) : firstFrom(end.clock, from) };
}

function momentOf(text: string, now: number): Moment | null {
  if (text === "now") return { time: wholeSecond(now) };
  const ago = AGO.exec(text);
  const unit = unitOf(ago?.[2]);
  if (ago !== null && unit !== null) return { time: wholeSecond(now - Number(ago[1]) * unit) };
  const clock = clockOf(text);
  return clock === null ? dateOf(text) : { clock };
}

function clockOf(text: string): readonly [number, number, number] | null {
  const match = CLOCK.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? "0")];
  return hours < 24 && minutes < 60 && seconds < 60 ? [hours, minutes, seconds] : null;
}

function dateOf(text: string): Moment | null {
  if (INSTANT.test(text)) {
    const time = Date.parse(text.toUpperCase());
    return Number.isNaN(time) ? null : { time };
  }
  const match = DATE.exec(text);
  const clock = clockOf(match?.[4] ?? "00:00");
  if (match === null || clock === null) return null;
  const [month, day] = [Number(match[2]), Number(match[3])];
  const date = new Date(Number(match[1]), month - 1, day, ...clock);
  // A date that the calendar lacks, such as February 30, would become another.
  return date.getMonth() === month - 1 && date.getDate() === day ? { time: date.getTime() } : null;
}

function newestBefore(clock: readonly [number, number, number], limit: number): number {
  const date = new Date(limit);
  date.setHours(...clock, 0);
  if (date.getTime() > limit) date.setDate(date.getDate() - 1);
  return date.getTime();
}

function firstFrom(clock: readonly [number, number, number], limit: number): number {
  const date = new Date(limit);
  date.setHours(...clock, 0);
  if (date.getTime() < limit) date.setDate(date.getDate() + 1);
  return date.getTime();
}

/** ms of a unit's name, null where it is none */
function unitOf(name: string | undefined): number | null {
  return name === undefined ? null : (UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? null);
}

/** Times of lines are known to a second or so. What is counted back or forth stays a date that can be written. */
function wholeSecond(time: number): number {
  return Math.floor(Math.min(Math.max(time, 0), LATEST_MS) / 1000) * 1000;
}

function refused(message: string): TrainyardError {
  return new TrainyardError("bad_request", message, FORMS);
}
