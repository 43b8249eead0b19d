/** What can be done with the selected runs: what is offered and why not, and how it is carried out. */
import type { BatchResult } from "../../protocol/batch.ts";
import type { RunId } from "../../protocol/ids.ts";
import { mustAll } from "../../protocol/refusals.ts";
import type { RouteBody } from "../../protocol/routes.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { TrashId } from "../../protocol/trash.ts";
import type { MenuItem } from "../components/menu.ts";
import { saveFile } from "../components/save-file.ts";
import { type ExploreModel } from "./explore-model.ts";
import { rowFields, stateOf, text, toCsv, type Row } from "./scope.ts";

export const MOST_COMPARED = 1000;
/** Rows of a table that is saved as a file. */
const MOST_EXPORTED = 200_000;
/** Runs whose points one file holds. */
const MOST_POINTS = 1000;
/** Runs that one request changes. */
const MOST_CHANGED = 1000;

export type Selection = ReadonlyMap<RunId, Row>;

export function actionItems(selected: Selection, archived: boolean, offline: boolean): MenuItem[] {
  const rows = [...selected.values()];
  const none = rows.length === 0 ? "Select runs first." : offline ? "The run server is not connected." : null;
  const live = rows.filter((row) => LIVE_STATES.has(stateOf(row)));
  return [
    { id: "tag", label: "Tags…", refused: none },
    { id: "star", label: "Star", refused: none },
    { id: "unstar", label: "Remove Star", refused: none },
    { id: "archive", label: archived ? "Unarchive" : "Archive", refused: none },
    { id: "stop", label: "Stop", refused: none ?? (live.length === 0 ? "None of the selected runs is running." : null) },
    { id: "sweep", label: "New Sweep…", refused: none ?? (rows.length === 1 ? null : "Select one run: its values are the beginning.") },
    {
      id: "delete",
      label: "Move to Trash…",
      refused: none ?? (live[0] === undefined ? null : `${text(live[0], "record.name")} is running. Stop it first.`),
    },
  ];
}

export function exportItems(selected: Selection): MenuItem[] {
  const count = selected.size;
  const points = count === 0 ? "Select runs first." : count > MOST_POINTS ? `Select ${String(MOST_POINTS)} runs at most.` : null;
  return [
    { id: "csv", label: count === 0 ? "Table as CSV" : "Selected rows as CSV", refused: null },
    { id: "long", label: "Points as CSV", refused: points },
    { id: "jsonl", label: "Points as JSON lines", refused: points },
  ];
}

/** One action on many runs; all are tried, what was refused is told with the others. */
export async function changeAll(
  model: ExploreModel,
  runs: readonly RunId[],
  action: RouteBody<"changeRuns">["action"],
): Promise<BatchResult> {
  const all: BatchResult = { done: [], failed: [] };
  for (let at = 0; at < runs.length; at += MOST_CHANGED) {
    const { done, failed } = await model.transport.request("changeRuns", { body: { runs: runs.slice(at, at + MOST_CHANGED), action } });
    for (const { run, record } of done) if (record !== null) model.edited(run, record);
    all.done.push(...done);
    all.failed.push(...failed);
  }
  return all;
}

export async function stopAll(model: ExploreModel, selected: Selection): Promise<void> {
  const live = [...selected.values()].filter((row) => LIVE_STATES.has(stateOf(row))).map(({ id }) => id);
  mustAll((await changeAll(model, live, { do: "stop" })).failed);
}

/** @throws TrainyardError */
export async function restoreAll(model: ExploreModel, trash: readonly TrashId[]): Promise<void> {
  for (let at = 0; at < trash.length; at += MOST_CHANGED) {
    const { failed } = await model.transport.request("restoreTrash", { body: { trash: trash.slice(at, at + MOST_CHANGED) } });
    mustAll(failed);
  }
}

/** @throws TrainyardError */
export async function exportRuns(model: ExploreModel, selected: Selection, format: string): Promise<void> {
  const name = model.project ?? "runs";
  if (format === "csv") {
    const fields = rowFields(model.columns, model.fields);
    const rows = selected.size > 0 ? await model.rowsOf([...selected.keys()]) : await model.all([], MOST_EXPORTED);
    saveFile(`${name}.csv`, new Blob([toCsv(fields, rows)], { type: "text/csv" }));
    return;
  }
  const points = format === "jsonl" ? "jsonl" : "long";
  const bytes = await model.transport.bytes("exportRuns", { query: { runs: [...selected.keys()].join(","), format: points } });
  saveFile(`${name}-points.${points === "jsonl" ? "jsonl" : "csv"}`, new Blob([new Uint8Array(bytes)]));
}
