/** What a notification offers to do next. Pure. */
import type { RunId } from "../../protocol/ids.ts";
import type { Notice } from "../../protocol/notices.ts";
import type { RunNode } from "./run-nodes.ts";

export interface NoticeAction {
  readonly title: string;
  readonly command: string;
  readonly arguments: readonly (RunId | RunNode)[];
}

/** @param canGoOn is there a checkpoint of the run to go on from? */
export function noticeActions({ kind, run, sweep }: Notice, canGoOn: (run: RunId) => boolean): NoticeAction[] {
  if (sweep !== null) {
    const node: RunNode = { kind: "sweep", project: sweep.project, sweep: sweep.id };
    return [
      { title: "Show Sweep", command: "trainyard.openSweeps", arguments: [node] },
      ...(run === null ? [] : [{ title: "Show Best Run", command: "trainyard.openDashboard", arguments: [run.id] }]),
    ];
  }
  if (run === null) return [{ title: "Show System", command: "trainyard.system.focus", arguments: [] }];
  return [
    { title: "Show Run", command: "trainyard.openDashboard", arguments: [run.id] },
    { title: "Show Log", command: "trainyard.openLog", arguments: [run.id] },
    ...(kind === "failed" && canGoOn(run.id) ? [{ title: "Resume…", command: "trainyard.resumeRun", arguments: [run.id] }] : []),
  ];
}
