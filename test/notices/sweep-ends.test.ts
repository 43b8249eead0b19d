/** A sweep is told of once, whatever its runs come to. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Notice } from "../../protocol/notices.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { SweepDetail, SweepRunState } from "../../protocol/sweep.ts";
import { sweepNotice } from "../../server/notices/sweep-ends.ts";
import { metric, summary } from "../catalog/summaries.ts";
import { buildServedPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { LiveServer } from "../http/live-server.ts";
import { leaveCheckpoint } from "../store/fixtures.ts";

const SWEEP = "sweep_0123456789abcdefg";
const OUT_OF_MEMORY: NonNullable<RunSummary["failure"]> = {
  class: "out_of_memory_gpu",
  message: "CUDA ran out of memory",
  evidence: [],
  advice: "Use a smaller batch.",
};

type Made = Partial<RunSummary> & { readonly pruned?: true };

/** A sweep whose runs are as said; further ones, up to `total`, were not made. */
function notice(
  made: readonly Made[],
  { stopped = null, total = made.length }: Partial<Pick<SweepDetail, "stopped">> & { total?: number } = {},
): Notice | null {
  const runs = made.map((changes, n) => summary(n, { name: `rates ${String(n + 1)}`, metrics: { loss: metric(n + 0.25) }, ...changes }));
  const counts: Partial<Record<SweepRunState, number>> = total > made.length ? { waiting: total - made.length } : {};
  for (const { state } of runs) counts[state] = (counts[state] ?? 0) + 1;
  const detail: SweepDetail = {
    id: SWEEP,
    project: "default",
    name: "rates",
    created_at: "2026-01-01T00:00:00.000Z",
    stopped,
    recipe: "script",
    state: stopped === null ? "finished" : "stopped",
    concurrency: 1,
    objective: { metric: "loss", direction: "min" },
    run_count: total,
    counts,
    sweep: { method: "grid", params: { rate: [1] }, concurrency: 1 },
    runs: runs.map(({ id, state, metrics }, index) => ({
      run: id,
      params: {},
      seed: null,
      index,
      state,
      objective: metrics["loss"]?.min ?? null,
      ...(made[index]?.pruned === true && { pruned: { at: "2026-01-01T00:00:00.000Z", step: 1, value: 1 } }),
    })),
    best: runs.find(({ state }) => state === "completed")?.id ?? null,
  };
  return sweepNotice(detail, { summary: (id) => runs.find((run) => run.id === id) });
}

describe("the notice of a sweep", () => {
  it("says how many of its runs completed, and which was best", () => {
    expect(notice([{}, {}])).toMatchObject({
      id: `finished:${SWEEP}:2`,
      kind: "finished",
      message: "The sweep rates has ended: 2 of 2 runs completed. Best: rates 1 with loss 0.25.",
      hint: null,
      run: { name: "rates 1" },
      sweep: { id: SWEEP, name: "rates", project: "default" },
    });
    expect(notice([{}])?.message).toContain("1 of 1 run completed");
  });

  it("gathers what failed, was pruned, cancelled or not made, and what was not finite", () => {
    const failed: Made = { state: "failed", failure: OUT_OF_MEMORY };
    const bad = { ...metric("NaN"), not_finite: { step: 3, time: 1, attempt: 1, value: "NaN" as const } };
    const told = notice([failed, { metrics: { loss: bad } }, failed, failed, { state: "cancelled", pruned: true }, { state: "cancelled" }]);
    expect(told).toMatchObject({
      kind: "failed",
      message:
        "The sweep rates has ended: 1 of 6 runs completed, 3 failed, 1 pruned, 1 cancelled. 1 run logged a value that is not finite. Best: rates 2 with loss NaN.",
      hint: "rates 1, rates 3 and 1 more: CUDA ran out of memory. Use a smaller batch.",
    });
    const interrupted = { state: "interrupted", state_reason: "the machine was restarted" } as const;
    expect(notice([failed, interrupted])).toMatchObject({
      message: "The sweep rates has ended: 0 of 2 runs completed, 2 failed.",
      hint: "rates 1: CUDA ran out of memory. rates 2: the machine was restarted.",
      run: null,
    });
  });

  it("says why a sweep could not go on, and is not given to whoever stopped it with its runs", () => {
    const at = "2026-01-01T00:00:00.000Z";
    const told = notice([{}], { stopped: { at, reason: "run 2 could not be made: the dataset is gone", by: "server" }, total: 3 });
    expect(told).toMatchObject({
      id: `failed:${SWEEP}:1`,
      kind: "failed",
      message:
        "The sweep rates was stopped: 1 of 3 runs completed, 2 not made. Run 2 could not be made: the dataset is gone. Best: rates 1 with loss 0.25.",
    });
    const stopped = { at, reason: "asked for by the user", by: "user" } as const;
    const ended = (n: number) => ({ ended_at: `2026-01-01T00:0${String(n)}:00.000Z` });
    expect(notice([ended(1), { ...ended(2), state: "cancelled" }], { stopped, total: 3 })).toBeNull();
    expect(notice([{ ...ended(1), state: "cancelled" }, ended(2)], { stopped, total: 3 })?.message).toBe(
      "The sweep rates was stopped: 1 of 3 runs completed, 1 cancelled, 1 not made. Best: rates 2 with loss 1.25.",
    );
  });
});

describe("a sweep of real processes", () => {
  let fixture: PackageFixture;
  let live: LiveServer;
  beforeAll(async () => {
    fixture = await buildServedPackage();
  });
  afterAll(() => fixture.remove());
  beforeEach(async () => {
    live = await LiveServer.folder();
    await live.start({ packageRoot: fixture.root });
  });
  afterEach(() => live.remove());

  it("is told of once, and a run of it that somebody continues then as any other", async () => {
    const sweep = { method: "grid" as const, params: { command: [["true"], ["false"], ["true"]] }, concurrency: 2 };
    const spec = { recipe: "command", name: "rates", params: { command: ["true"] }, track: false, sweep };
    const { id, runs } = await live.client.call("createSweep", { body: { spec } });
    const told = async (): Promise<Notice[]> => (await live.client.call("listNotices")).notices;
    await expect.poll(told, { timeout: 15_000 }).toHaveLength(1);
    const [notice] = await told();
    expect(notice).toMatchObject({ id: `failed:${id}:3`, kind: "failed", run: null, sweep: { id, name: "rates" } });
    expect(notice?.message).toBe("The sweep rates has ended: 2 of 3 runs completed, 1 failed.");
    expect(notice?.hint).toMatch(/^rates 2: /);
    const again = runs[1]!.run;
    await leaveCheckpoint((await live.client.call("getRun", { params: { id: again } })).run_dir, 40);
    await live.client.call("resumeRun", { params: { id: again }, body: { mode: "continue" } });
    await expect.poll(told, { timeout: 15_000 }).toHaveLength(2);
    expect((await told())[0]).toMatchObject({ id: `failed:${again}:2`, run: { name: "rates 2" }, sweep: null });
  });
});
