/** The evidence about the end of a run, in one answer. */
import type { ApiClient } from "../client.ts";
import type { RunId } from "../ids.ts";
import type { LogLine } from "../queries.ts";

const LAST_LINES = 40;
const ERROR_LINES = 20;
const LINE_LENGTH = 500;

/** @throws TrainyardError not_found */
export async function explainFailure(api: ApiClient, id: RunId): Promise<unknown> {
  const params = { id };
  const [run, { events }] = await Promise.all([api.call("getRun", { params }), api.call("listEvents", { params })]);
  const attempt = run.attempts.at(-1);
  const exit = attempt?.exit ?? null;
  const errors = attempt === undefined ? [] : await lastLines(api, id, ERROR_LINES, { level: "error" });
  const tail = attempt === undefined ? [] : await lastLines(api, id, LAST_LINES, {});
  return {
    run: id,
    name: run.name,
    state: run.state,
    why: run.state_reason,
    /** Null when nothing was recognised: the log is then the evidence. */
    failure: run.failure,
    command: attempt?.command ?? null,
    exit: exit === null ? null : { code: exit.code, signal: exit.signal, launch_error: exit.launch_error, escalation: exit.escalation },
    last_step: attempt?.last_step ?? null,
    not_finite: Object.entries(run.metrics).flatMap(([metric, { not_finite: first, last, last_step }]) =>
      first === undefined ? [] : [{ metric, first, last, last_step }],
    ),
    messages: events.filter((event) => event.type === "message").slice(-20),
    error_lines: errors.map(shown),
    last_lines: tail.map(shown),
  };
}

async function lastLines(api: ApiClient, id: RunId, count: number, filter: { level?: "error" }): Promise<LogLine[]> {
  const first = await api.call("getLog", { params: { id }, query: { ...filter, page_size: count } });
  const pages = Math.ceil(first.total / count);
  if (pages <= 1) return first.lines;
  // The last page may hold a single line: together with the one before there are enough.
  const [before, last] = await Promise.all(
    [pages - 1, pages].map(async (page) => api.call("getLog", { params: { id }, query: { ...filter, page_size: count, page } })),
  );
  return [...(before?.lines ?? []), ...(last?.lines ?? [])].slice(-count);
}

function shown({ number, text }: LogLine): string {
  return `${number + 1}: ${text.slice(0, LINE_LENGTH)}`;
}
