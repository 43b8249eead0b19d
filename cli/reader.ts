/** What list, inspect and logs need, answered by the server when one is alive and by the run folders themselves when none is. */
import type { ApiClient } from "../protocol/client.ts";
import type { Checkpoint } from "../protocol/artifact.ts";
import type { RunEvent } from "../protocol/events.ts";
import type { RunId } from "../protocol/ids.ts";
import { outputTimes, timesOf } from "../protocol/log-times.ts";
import type { LogPage, LogQuery, RunDetail, RunsPage } from "../protocol/queries.ts";
import type { RunState } from "../protocol/states.ts";
import { RunId as RunIdShape } from "../protocol/ids.ts";
import { selectRun } from "../protocol/select-run.ts";
import { parseTimeRange } from "../protocol/time-range.ts";

/** All of a run that `inspect` shows. */
export interface RunReport extends RunDetail {
  checkpoints: Checkpoint[];
  events: RunEvent[];
}

export interface ListQuery {
  readonly project?: string;
  readonly state?: readonly RunState[];
  readonly search?: string;
  /** Only where a server answers. */
  readonly filter?: string;
  readonly archived?: boolean;
  readonly limit?: number;
  readonly offset?: number;
}

export interface LogRequest {
  readonly attempt?: number;
  /** Newest lines. */
  readonly lines: number;
  readonly level?: "debug" | "info" | "warning" | "error";
  readonly search?: string;
  /** A range of time as people write it. */
  readonly time?: string;
  /** More output may come. */
  readonly live: boolean;
}

export interface RunReader {
  list(query: ListQuery): Promise<RunsPage>;
  report(id: RunId): Promise<RunReport>;
  log(id: RunId, request: LogRequest): Promise<LogPage>;
  close(): Promise<void>;
}

/** Lines in one answer. */
export const LARGEST_PAGE = 500;

export function serverReader(client: ApiClient): RunReader {
  return {
    list: ({ state, archived, ...query }) =>
      client.call("listRuns", {
        query: {
          ...query,
          ...(state === undefined ? {} : { state: state.join(",") }),
          ...(archived === undefined ? {} : { archived: archived ? "true" : "false" }),
        },
      }),
    async report(id) {
      const params = { id };
      const [detail, { checkpoints }, { events }] = await Promise.all([
        client.call("getRun", { params }),
        client.call("listCheckpoints", { params }),
        client.call("listEvents", { params }),
      ]);
      return { ...detail, checkpoints, events };
    },
    log: (id, request) => lastLines((query) => client.call("getLog", { params: { id }, query }), request),
    close: () => Promise.resolve(),
  };
}

/** The newest lines, from pages that count from the oldest. @throws TrainyardError bad_request (a time that is none) */
export async function lastLines(page: (query: Partial<LogQuery>) => Promise<LogPage>, request: LogRequest): Promise<LogPage> {
  const asked = request.attempt === undefined ? {} : { attempt: request.attempt };
  const { time } = request;
  const times =
    time === undefined ? {} : timesOf(parseTimeRange(time, await outputTimes((query) => page({ ...asked, ...query }), request.live)));
  const filter = {
    ...asked,
    ...times,
    ...(request.level === undefined ? {} : { level: request.level }),
    ...(request.search === undefined ? {} : { search: request.search }),
  };
  const first = await page({ ...filter, page: 1, page_size: 1 });
  const attempt = { attempt: first.attempt };
  const from = Math.max(0, first.total - request.lines);
  const lines = [];
  for (let number = Math.floor(from / LARGEST_PAGE) + 1; (number - 1) * LARGEST_PAGE < first.total; number++) {
    const next = await page({ ...filter, ...attempt, page: number, page_size: LARGEST_PAGE });
    lines.push(...next.lines);
  }
  const newest = lines.slice(Math.max(0, lines.length - request.lines));
  return { ...first, lines: newest, page: 1, page_size: request.lines };
}

/** @throws TrainyardError not_found | conflict */
export async function findRun(reader: RunReader, text: string): Promise<RunId> {
  const id = RunIdShape.safeParse(text);
  if (id.success) return id.data;
  const pageSize = 1000;
  const runs = [];
  for (let offset = 0; ; offset += pageSize) {
    const page = await reader.list({ limit: pageSize, offset });
    runs.push(...page.runs);
    if (runs.length >= page.total || page.runs.length === 0) return selectRun(runs, text);
  }
}
