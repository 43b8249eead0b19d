/** Which rows of the tree are to be drawn again: those that a change is seen in, and no others. */
import type { Queue } from "../../protocol/queue.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import type { BoardChange } from "./board.ts";
import { isShown, placeText, queueDescription } from "./queue-text.ts";
import { nodeId, type RunNode } from "./run-nodes.ts";

/** "all": which rows there are at the top, or in which order, is different. Of any other row what stands below it is drawn with it. */
export type ChangedRows = readonly RunNode[] | "all";

/** Collects changes until somebody draws them. */
export class TreeChanges {
  #queue: Queue | null;
  #rows = new Map<string, RunNode>();
  #all = false;

  /** @param queue as it is drawn */
  constructor(queue: Queue | null) {
    this.#queue = queue;
  }

  noteRuns(change: BoardChange): void {
    this.#note(change.kind === "run" ? rowsOfRun(change.run, change.before) : "all");
  }

  noteQueue(queue: Queue): void {
    this.#note(rowsOfQueue(this.#queue, queue));
    this.#queue = queue;
  }

  /** Everything since the last time. */
  take(): ChangedRows {
    const rows = this.#all ? "all" : [...this.#rows.values()];
    this.#rows = new Map();
    this.#all = false;
    return rows;
  }

  #note(rows: ChangedRows): void {
    if (rows === "all") this.#all = true;
    else for (const row of rows) this.#rows.set(nodeId(row), row);
  }
}

export function rowsOfRun(run: RunLine, before: RunLine | null): ChangedRows {
  if (before?.project !== run.project) return "all";
  // The project and a sweep count what runs, and hold the archived ones apart.
  if (before.archived !== run.archived || isLive(before) !== isLive(run)) return [{ kind: "project", project: run.project }];
  return [
    { kind: "run", run: run.id },
    { kind: "waiting", run: run.id },
  ];
}

function isLive({ state }: RunLine): boolean {
  return LIVE_STATES.has(state);
}

/** Its own row with what waits, and the rows of runs whose place is another one. */
export function rowsOfQueue(before: Queue | null, now: Queue): ChangedRows {
  if (isShown(before) !== isShown(now)) return "all";
  const [old, places] = [placesIn(before), placesIn(now)];
  const runs = [...new Set([...old.keys(), ...places.keys()])].filter((run) => old.get(run) !== places.get(run));
  const isSame = runs.length === 0 && before !== null && queueDescription(before) === queueDescription(now);
  return isSame ? [] : [{ kind: "queue" }, ...runs.map((run) => ({ kind: "run", run }) as const)];
}

function placesIn(queue: Queue | null): Map<string, string> {
  return new Map((queue?.waiting ?? []).map((place) => [place.id, placeText(place)]));
}
