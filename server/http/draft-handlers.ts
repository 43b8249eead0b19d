/** Routes about drafts, comparisons and searches over logs. */
import { TrainyardError } from "../../protocol/errors.ts";
import type { LogMatches, LogSearchQuery } from "../../protocol/drafts.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { startedFrom } from "../../protocol/spec.ts";
import { mustWrite } from "../store/store.ts";
import { compare } from "./compare.ts";
import { inExperiment } from "../runs/prepare.ts";
import type { RunOutline } from "../runs/types.ts";
import type { Handlers, HttpContext } from "./context.ts";

type DraftRoutes = "editDraft" | "cloneRun" | "checkName" | "compareRuns" | "searchLogs";

export function draftHandlers({ store, stores: { storeOf }, runs }: HttpContext): Pick<Handlers, DraftRoutes> {
  /** @throws TrainyardError not_found */
  const mustHave = (id: RunId): RunSummary => {
    const run = runs.summary(id);
    if (run === undefined) throw new TrainyardError("not_found", `there is no run ${id} in the store`, "Refresh the list of runs.");
    return run;
  };
  const namesIn = (project: string): string[] => [...runs.briefs()].filter((run) => run.project === project).map((run) => run.name);
  return {
    async editDraft({ params, body }) {
      mustWrite(store);
      return runs.editDraft(params.id, body);
    },
    async cloneRun({ params, body }) {
      mustWrite(store);
      const parent = mustHave(params.id);
      const { name, project } = parent;
      const [{ spec }, resolved] = await Promise.all([storeOf(params.id).spec(params.id), storeOf(params.id).resolved(params.id)]);
      if (spec === null)
        throw new TrainyardError("conflict", `the run ${name} has no document that could be cloned`, "Start a new run with its params.");
      const { baseDir } = startedFrom(resolved);
      const copy = {
        ...inExperiment(spec, parent),
        name: body.name ?? freeRunName(name, namesIn(project)),
        params: { ...spec.params, ...body.params },
      };
      return runs.create(
        { spec: copy, start: body.start, queue: body.queue, ...(baseDir !== null && { base_dir: baseDir }) },
        { parent: { run: params.id, checkpoint: null, step: null } },
      );
    },
    async checkName({ query }) {
      const suggestion = freeRunName(query.name, namesIn(query.project));
      return Promise.resolve({ available: suggestion === query.name, suggestion });
    },
    async compareRuns({ query }) {
      const all = query.runs.map(async (id) => ({ summary: mustHave(id), environment: (await storeOf(id).read(id)).record.environment }));
      return compare(await Promise.all(all));
    },
    async searchLogs({ query }) {
      const chosen =
        query.run === undefined
          ? [...runs.briefs()].filter((run) => query.project === undefined || run.project === query.project)
          : [mustHave(query.run)];
      return searchLogs(
        storeOf,
        [...chosen].sort((a, b) => (a.id < b.id ? 1 : -1)),
        query,
      );
    },
  };
}

/** Newest runs and attempts first, until there are enough. */
async function searchLogs(
  storeOf: HttpContext["stores"]["storeOf"],
  chosen: readonly Pick<RunOutline, "id" | "name" | "attempt">[],
  query: LogSearchQuery,
): Promise<LogMatches> {
  const { search, level, context, limit } = query;
  const matches: LogMatches["matches"] = [];
  let total = 0;
  for (const { id, name, attempt: newest } of chosen) {
    for (let attempt = newest; attempt >= 1; attempt--) {
      if (matches.length >= limit) return { matches, total, truncated: true };
      const page = await storeOf(id).logPage(id, attempt, {
        search,
        page: 1,
        page_size: limit - matches.length,
        ...(level !== undefined && { level }),
      });
      total += page.total;
      for (const line of page.lines) {
        const around = await storeOf(id).logLines(id, attempt, line.number - context, 2 * context + 1);
        const before = around.filter((other) => other.number < line.number);
        matches.push({ run: id, name, line, before, after: around.filter((other) => other.number > line.number) });
      }
    }
  }
  return { matches, total, truncated: total > matches.length };
}

/** `name`, or `name 2`, `name 3`, …: the first that no run of the project has. */
function freeRunName(name: string, taken: readonly string[]): string {
  const used = new Set(taken);
  if (!used.has(name)) return name;
  const base = name.replace(/ \d{1,6}$/, "").slice(0, 190);
  for (let number = 2; ; number++) if (!used.has(`${base} ${number}`)) return `${base} ${number}`;
}
