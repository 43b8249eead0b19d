/** What a command that follows a run writes of its log: the bytes as they come, or the lines that pass a filter. */
import type { ApiClient } from "../protocol/client.ts";
import type { RunId } from "../protocol/ids.ts";
import { outputTimes, timesOf } from "../protocol/log-times.ts";
import type { LogPage, LogQuery, RunDetail } from "../protocol/queries.ts";
import { parseTimeRange } from "../protocol/time-range.ts";
import { lastLines, LARGEST_PAGE, type LogRequest } from "./reader.ts";
import type { Terminal } from "./terminal.ts";

export interface FollowedLog {
  /**
   * Writes what its newest attempt has logged since the last time.
   * @param over the run has ended: nothing more will come
   */
  show(client: ApiClient, run: RunDetail, over: boolean): Promise<void>;
  /** Will nothing that comes be written any more, though the run goes on? */
  readonly isComplete: boolean;
}

/** Which lines: as for `trainyard logs` without following, but as many as there are where `lines` is left out. */
export type FollowedLines = Omit<LogRequest, "lines" | "live"> & { readonly lines?: number };

const CHUNK_BYTES = 1_048_576;
/** Times of lines are known to a second or so. */
const TIMES_KNOWN_MS = 2_000;

/** @throws TrainyardError bad_request (a range of time that is none) */
export function followedLog(terminal: Terminal, lines: FollowedLines = {}): FollowedLog {
  const { time, level, search } = lines;
  const now = Date.now();
  // Which times it means is known once there is output; whether it means any, at once.
  if (time !== undefined) parseTimeRange(time, { now, first: now, last: null });
  return time === undefined && level === undefined && search === undefined
    ? new WholeLog(terminal, lines)
    : new ChosenLines(terminal, lines);
}

/** Every byte, so that progress bars move. */
class WholeLog implements FollowedLog {
  readonly #terminal: Terminal;
  readonly #wanted: FollowedLines;
  #attempt: number | null = null;
  #offset = 0;
  #isComplete = false;

  constructor(terminal: Terminal, wanted: FollowedLines) {
    this.#terminal = terminal;
    this.#wanted = wanted;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  async show(client: ApiClient, { id, attempt }: RunDetail): Promise<void> {
    if (this.#attempt !== attempt) {
      if (this.#attempt !== null) await this.#copy(client, id, this.#attempt);
      this.#isComplete = isAnother(attempt, this.#wanted);
      if (this.#isComplete) return;
      const { lines } = this.#wanted;
      this.#offset = this.#attempt === null && lines !== undefined ? await startOfNewest(askOf(client, id, attempt), lines) : 0;
      this.#attempt = attempt;
    }
    await this.#copy(client, id, attempt);
  }

  async #copy(client: ApiClient, id: RunId, attempt: number): Promise<void> {
    for (;;) {
      const query = { attempt, offset: this.#offset, length: CHUNK_BYTES };
      const bytes = await client.bytes("getRawLog", { params: { id }, query });
      if (bytes.length > 0) this.#terminal.passThrough(bytes);
      this.#offset += bytes.length;
      if (bytes.length < CHUNK_BYTES) return;
    }
  }
}

/** Lines that pass, each once it is whole: what its end says decides whether it passes. */
class ChosenLines implements FollowedLog {
  readonly #terminal: Terminal;
  readonly #wanted: FollowedLines;
  #attempt: number | null = null;
  /** Bytes that the log had when it was last looked at. */
  #bytes = 0;
  #filter: Partial<LogQuery> | null = null;
  /** End of the range of time, in ms since the epoch. */
  #end: number | null = null;
  /** Passing lines that were written or, being old, passed over; null before the first look. */
  #shown: number | null = null;
  /** Number of the last of them. */
  #last = -1;
  #isComplete = false;

  constructor(terminal: Terminal, wanted: FollowedLines) {
    this.#terminal = terminal;
    this.#wanted = wanted;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  async show(client: ApiClient, { id, attempt, attempts }: RunDetail, over: boolean): Promise<void> {
    if (this.#attempt !== attempt) {
      if (this.#attempt !== null) {
        await this.#write(askOf(client, id, this.#attempt), true);
        // Of a later attempt every line is new.
        this.#shown = 0;
      }
      this.#isComplete = isAnother(attempt, this.#wanted);
      if (this.#isComplete) return;
      this.#attempt = attempt;
      this.#bytes = 0;
      this.#last = -1;
    }
    const isPast = this.#end !== null && Date.now() > this.#end + TIMES_KNOWN_MS;
    const bytes = attempts.at(-1)?.log_bytes ?? 0;
    if (bytes !== this.#bytes || over) {
      this.#bytes = (await this.#write(askOf(client, id, attempt), over)) ? bytes : 0;
    }
    this.#isComplete = isPast;
  }

  /** @returns false while nothing says yet which lines are meant */
  async #write(ask: Ask, over: boolean): Promise<boolean> {
    const filter = (this.#filter ??= await this.#resolve(ask, over));
    if (filter === null) return false;
    let shown = this.#shown ?? (await this.#passedOver(ask, filter));
    for (;;) {
      const page = await ask({ ...filter, page: Math.floor(shown / LARGEST_PAGE) + 1, page_size: LARGEST_PAGE });
      const fresh = page.lines.slice(shown % LARGEST_PAGE).filter(({ offset }) => over || offset < page.whole_bytes);
      this.#terminal.logLines(fresh.filter(({ number }) => number > this.#last).map(({ text }) => text));
      this.#last = Math.max(this.#last, fresh.at(-1)?.number ?? -1);
      shown += fresh.length;
      this.#shown = shown;
      if (fresh.length === 0 || shown >= page.total) return true;
    }
  }

  /** The filter with the times that its range means; null while nothing says when the output began. */
  async #resolve(ask: Ask, over: boolean): Promise<Partial<LogQuery> | null> {
    const { time, level, search } = this.#wanted;
    const words = { ...(level === undefined ? {} : { level }), ...(search === undefined ? {} : { search }) };
    if (time === undefined) return words;
    const times = await outputTimes(ask, !over);
    if (times.first === null && !over) return null;
    const range = parseTimeRange(time, times);
    this.#end = range.end;
    return { ...words, ...timesOf(range) };
  }

  async #passedOver(ask: Ask, filter: Partial<LogQuery>): Promise<number> {
    const { lines } = this.#wanted;
    return lines === undefined ? 0 : Math.max(0, (await ask({ ...filter, page_size: 1 })).total - lines);
  }
}

/** A page of the log of one attempt. */
type Ask = (query: Partial<LogQuery>) => Promise<LogPage>;

function askOf(client: ApiClient, id: RunId, attempt: number): Ask {
  return (query) => client.call("getLog", { params: { id }, query: { ...query, attempt } });
}

async function startOfNewest(ask: Ask, lines: number): Promise<number> {
  return (await lastLines(ask, { lines, live: true })).lines[0]?.offset ?? 0;
}

/** Is it another attempt than the one that is wanted? */
function isAnother(attempt: number, wanted: FollowedLines): boolean {
  return wanted.attempt !== undefined && wanted.attempt !== attempt;
}
