/** The tree of the RUNS view as plain data: projects → runs → checkpoints and artifacts. Pure. */
import type { Artifact, Checkpoint } from "../../protocol/artifact.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { LIVE_STATES } from "../../protocol/states.ts";

export type RunNode =
  | { readonly kind: "project"; readonly project: string }
  | { readonly kind: "archived"; readonly project: string }
  | { readonly kind: "run"; readonly run: RunId }
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
    case "run":
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
export function projectNodes(runs: readonly RunSummary[]): RunNode[] {
  return [...new Set(runs.map((run) => run.project))].map((project) => ({ kind: "project", project }));
}

/** Runs of a project, newest first, with the archived ones in a group at the end. @param runs newest first */
export function runNodes(runs: readonly RunSummary[], project: string): RunNode[] {
  const mine = runs.filter((run) => run.project === project);
  const nodes: RunNode[] = mine.filter((run) => !run.archived).map((run) => ({ kind: "run", run: run.id }));
  if (mine.some((run) => run.archived)) nodes.push({ kind: "archived", project });
  return nodes;
}

export function archivedNodes(runs: readonly RunSummary[], project: string): RunNode[] {
  return runs.filter((run) => run.project === project && run.archived).map((run) => ({ kind: "run", run: run.id }));
}

export function projectDescription(runs: readonly RunSummary[], project: string): string {
  const mine = runs.filter((run) => run.project === project);
  const live = mine.filter((run) => LIVE_STATES.has(run.state)).length;
  const all = mine.length === 1 ? "1 run" : `${mine.length} runs`;
  return live === 0 ? all : `${live} running · ${all}`;
}

/**
 * The words that menus match on (`viewItem =~ /…/`): what the run can do now.
 * `run live`, `run ended resumable starred` …
 */
export function runContext(run: RunSummary): string {
  const words = ["run"];
  if (isElsewhere(run)) words.push("elsewhere", ...(run.damage === null ? [] : ["damaged"]));
  else if (run.damage !== null) words.push("damaged");
  else if (run.state === "draft") words.push("draft");
  else if (run.state === "queued") words.push("queued");
  else if (LIVE_STATES.has(run.state)) words.push("live", run.state);
  else words.push("ended");
  if (isElsewhere(run)) return words.join(" ");
  if (canGoOn(run)) words.push("checkpointed");
  if (run.starred) words.push("starred");
  if (run.archived) words.push("archived");
  return words.join(" ");
}

/** Does it lie in another store than the window's own? Then it is shown here, and changed there. */
export function isElsewhere(run: RunSummary): boolean {
  return run.store?.own === false;
}

/** Is there something to resume or fork from? */
export function canGoOn(run: RunSummary): boolean {
  return run.damage === null && run.forkable;
}

export function checkpointContext(run: RunSummary | undefined, checkpoint: Checkpoint): string {
  if (run === undefined || isElsewhere(run) || !canGoOn(run)) return "checkpoint unusable";
  if (checkpoint.resumable) return "checkpoint resumable";
  return checkpoint.forkable ? "checkpoint weights" : "checkpoint unusable";
}

/** Does the tree above the run change (its place or its group), or only its own row? */
export function movesInTree(run: RunSummary, before: RunSummary | null): boolean {
  if (before === null) return true;
  return before.project !== run.project || before.archived !== run.archived || liveness(before) !== liveness(run);
}

function liveness(run: RunSummary): boolean {
  return LIVE_STATES.has(run.state);
}
