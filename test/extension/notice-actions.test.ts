/** What notifications offer to do next. */
import { expect, it } from "vitest";
import { Notice } from "../../protocol/notices.ts";
import { noticeActions } from "../../src/runs/notice-actions.ts";
import { nodeId } from "../../src/runs/run-nodes.ts";

const RUN = { id: "run_0123456789abcdefg", name: "rates 2", project: "default", attempt: 1 };
const SWEEP = { id: "sweep_0123456789abcdefg", name: "rates", project: "default" };

function notice(changes: Partial<Notice>): Notice {
  return Notice.parse({ id: "x", time: "2026-01-31T12:00:00.000Z", kind: "finished", message: "m", hint: null, run: null, ...changes });
}

function offered(changes: Partial<Notice>, canGoOn = false): string[] {
  return noticeActions(notice(changes), () => canGoOn).map(({ title }) => title);
}

it("offers of a run what it can do", () => {
  expect(offered({ run: RUN }, true)).toEqual(["Show Run", "Show Log"]);
  expect(offered({ run: RUN, kind: "failed" }, true)).toEqual(["Show Run", "Show Log", "Resume…"]);
  expect(offered({ run: RUN, kind: "failed" })).toEqual(["Show Run", "Show Log"]);
  expect(offered({ kind: "gpu_hot" })).toEqual(["Show System"]);
});

it("opens the sweep that a notice is about, and its best run", () => {
  expect(offered({ sweep: SWEEP, kind: "failed" }, true)).toEqual(["Show Sweep"]);
  const [sweep, best] = noticeActions(notice({ sweep: SWEEP, run: RUN }), () => false);
  expect(sweep).toMatchObject({ title: "Show Sweep", command: "trainyard.openSweeps" });
  const [node] = sweep!.arguments;
  expect(typeof node === "object" && nodeId(node)).toBe(`sweep/default/${SWEEP.id}`);
  expect(best).toEqual({ title: "Show Best Run", command: "trainyard.openDashboard", arguments: [RUN.id] });
});

it("reads a notice of a server that knew of no sweeps", () => {
  expect(notice({}).sweep).toBeNull();
});
