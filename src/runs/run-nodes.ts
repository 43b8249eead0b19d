/** The tree of the RUNS view as plain data: projects → sweeps → runs → checkpoints and artifacts. Pure. */
import type { Artifact, Checkpoint } from "../../protocol/artifact.ts";
import { counted } from "../../protocol/counted.ts";
import type { RunId, SweepId } from "../../protocol/ids.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import { isWaiting, LIVE_STATES } from "../../protocol/state-kinds.ts";

export type RunNode =
  | { readonly kind: "project"; readonly project: string }
  | { readonly kind: "archived"; readonly project: string }
  | { readonly kind: "sweep"; readonly project: string; readonly sweep: SweepId }
  | { readonly kind: "run"; readonly run: RunId }
  | { readonly kind: "queue" }
  /** A run in its place in the queue; it stands among the runs of its project as well. */
  | { readonly kind: "waiting"; readonly run: RunId }
  | { readonly kind: "checkpoints"; readonly run: RunId }
  | { readonly kind: "artifacts"; readonly run: RunId }
  | { readonly kind: "checkpoint"; readonly run: RunId; readonly checkpoint: Checkpoint }
  | { readonly kind: "artifact"; readonly run: RunId; readonly artifact: Artifact };

/** Stable across refreshes, so that the tree keeps what is expanded and selected. */
export function nodeId(node: RunNode): string {
  switch (node.kind) {
    case "project":
    case "archived":
      return `${node.kind}/${node.project}`;
    case "sweep":
      return `sweep/${node.project}/${node.sweep}`;
    case "queue":
      return "queue";
    case "run":
    case "waiting":
    case "checkpoints":
    case "artifacts":
      return `${node.kind}/${node.run}`;
    case "checkpoint":
      return `checkpoint/${node.run}/${node.checkpoint.id}`;
    case "artifact":
      return `artifact/${node.run}/${node.artifact.path}`;
  }
}

/** Projects in the order of their newest run. @param runs newest first */
export function projectNodes(runs: readonly RunLine[]): RunNode[] {
  return [...new Set(runs.map((run) => run.project))].map((project) => ({ kind: "project", project }));
}

/** Runs of a project, newest first, with the archived ones in a group at the end; those of a sweep are one node in the place of the newest. @param runs newest first */
export function runNodes(runs: readonly RunLine[], project: string): RunNode[] {
  const mine = runs.filter((run) => run.project === project);
  const nodes: RunNode[] = [];
  const sweeps = new Set<SweepId>();
  for (const { id, archived, sweep } of mine) {
    if (archived) continue;
    if (sweep === undefined) nodes.push({ kind: "run", run: id });
    else if (!sweeps.has(sweep.id)) nodes.push({ kind: "sweep", project, sweep: sweep.id });
    if (sweep !== undefined) sweeps.add(sweep.id);
  }
  if (mine.some((run) => run.archived)) nodes.push({ kind: "archived", project });
  return nodes;
}

/** The runs that a sweep has made so far, in its order. */
export function sweepRuns(runs: readonly RunLine[], project: string, sweep: SweepId): RunLine[] {
  const mine = runs.filter((run) => run.project === project && !run.archived && run.sweep?.id === sweep);
  return mine.sort((a, b) => (a.sweep?.index ?? 0) - (b.sweep?.index ?? 0));
}

/** Its runs are called as it is, with their number. */
export function sweepTitle(run: RunLine): string {
  const number = ` ${String((run.sweep?.index ?? 0) + 1)}`;
  return run.name.endsWith(number) ? run.name.slice(0, -number.length) : run.name;
}

export function archivedNodes(runs: readonly RunLine[], project: string): RunNode[] {
  return runs.filter((run) => run.project === project && run.archived).map((run) => ({ kind: "run", run: run.id }));
}

export function projectDescription(runs: readonly RunLine[], project: string): string {
  return countText(runs.filter((run) => run.project === project));
}

/** `2 running · 12 runs` */
export function countText(mine: readonly RunLine[]): string {
  const live = mine.filter((run) => LIVE_STATES.has(run.state)).length;
  const all = counted(mine.length, "run");
  return live === 0 ? all : `${live} running · ${all}`;
}

/**
 * The words that menus match on (`viewItem =~ /…/`): what the run can do now.
 * `run live`, `run ended resumable starred` …
 */
export function runContext(run: RunLine): string {
  const words = ["run"];
  if (isElsewhere(run)) words.push("elsewhere", ...(run.damage === null ? [] : ["damaged"]));
  else if (run.damage !== null) words.push("damaged");
  else if (run.state === "draft") words.push("draft");
  else if (run.state === "queued") words.push("queued", ...(isWaiting(run) ? ["waiting"] : []));
  else if (LIVE_STATES.has(run.state)) words.push("live", run.state);
  else words.push("ended");
  if (isElsewhere(run)) return words.join(" ");
  if (canGoOn(run)) words.push("checkpointed");
  if (run.starred) words.push("starred");
  if (run.archived) words.push("archived");
  return words.join(" ");
}

/** Does it lie in another store than the window's own? Then it is shown here, and changed there. */
export function isElsewhere(run: RunLine): boolean {
  return run.store !== undefined;
}

/** Is there something to resume or fork from? */
export function canGoOn(run: RunLine): boolean {
  return run.damage === null && run.forkable;
}

export function checkpointContext(run: RunLine | undefined, checkpoint: Checkpoint): string {
  if (run === undefined || isElsewhere(run) || !canGoOn(run)) return "checkpoint unusable";
  if (checkpoint.resumable) return "checkpoint resumable";
  return checkpoint.forkable ? "checkpoint weights" : "checkpoint unusable";
}
