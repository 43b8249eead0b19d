import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExitRecord, StopRequest } from "../../protocol/run.ts";
import { canTransition, RunState } from "../../protocol/states.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";
import { decideOutcome, type EndRecord, type Evidence } from "../../server/runs/outcome.ts";
import { exitRecord } from "../store/fixtures.ts";

const exit = (over: Partial<ExitRecord>): ExitRecord =>
  exitRecord({ started_at: "2026-01-01T00:00:00.000Z", ended_at: "2026-01-01T01:00:00.000Z", ...over });
const end = (status: EndRecord["status"], error: EndRecord["error"] = null): EndRecord => ({
  type: "end",
  time: 1,
  status,
  step: null,
  reason: null,
  error,
});
const stop = (at = "2026-01-01T00:59:00.000Z"): StopRequest => ({
  requested_at: at,
  by: "user",
  reason: "asked for by the user",
  grace_seconds: 60,
  force: false,
});
const evidence = (over: Partial<Evidence>): Evidence => ({
  exit: null,
  stop: null,
  end: null,
  plan: null,
  lastStep: null,
  rebooted: false,
  started: true,
  ...over,
});
const plan = { max_steps: 100 };
const unseen = exit({ code: null, signal: null, by: "server" });

describe("the outcome follows from evidence", () => {
  test.each<[string, Partial<Evidence>, string]>([
    ["end marker and exit 0", { exit: exit({}), end: end("completed"), plan, lastStep: 100 }, "completed"],
    ["early stopping: end marker before the plan's end", { exit: exit({}), end: end("completed"), plan, lastStep: 40 }, "completed"],
    ["exit 0 without any SDK", { exit: exit({}) }, "completed"],
    ["exit 0, plan reached, no end marker", { exit: exit({}), plan, lastStep: 100 }, "completed"],
    ["exit 0 in the middle of the plan", { exit: exit({}), plan, lastStep: 40 }, "interrupted"],
    ["exit 0 before the first step of the plan", { exit: exit({}), plan }, "interrupted"],
    ["bad exit code", { exit: exit({ code: 1 }) }, "failed"],
    ["bad exit code after the end marker", { exit: exit({ code: 139 }), end: end("completed") }, "failed"],
    ["exit 0 but the SDK reported a failure", { exit: exit({}), end: end("failed") }, "failed"],
    ["crash", { exit: exit({ code: null, signal: "SIGSEGV" }) }, "failed"],
    ["kill -9 by somebody", { exit: exit({ code: null, signal: "SIGKILL" }) }, "failed"],
    ["shutdown of the machine", { exit: exit({ code: null, signal: "SIGTERM" }) }, "interrupted"],
    ["it cannot be started", { exit: exit({ code: null, launch_error: "no such program" }), started: false }, "failed"],
    ["graceful stop", { exit: exit({ escalation: "graceful" }), stop: stop(), end: end("cancelled") }, "cancelled"],
    ["stop, SIGTERM", { exit: exit({ code: null, signal: "SIGTERM", escalation: "sigterm" }), stop: stop() }, "cancelled"],
    ["stop, SIGKILL", { exit: exit({ code: null, signal: "SIGKILL", escalation: "sigkill" }), stop: stop() }, "cancelled"],
    ["stop, bad code on the way out", { exit: exit({ code: 1, escalation: "sigterm" }), stop: stop() }, "cancelled"],
    ["stop, but the end was reached first", { exit: exit({ escalation: "graceful" }), stop: stop(), end: end("completed") }, "completed"],
    ["it had failed before the stop came", { exit: exit({ code: 1 }), stop: stop("2026-01-01T02:00:00.000Z") }, "failed"],
    ["everything is gone", {}, "interrupted"],
    ["everything is gone, noted by an earlier server", { exit: unseen }, "interrupted"],
    ["everything is gone, stop was asked for", { exit: unseen, stop: stop() }, "cancelled"],
    ["everything is gone, the end was reported", { end: end("completed") }, "completed"],
    ["everything is gone, a failure was reported", { end: end("failed") }, "failed"],
    ["reboot", { rebooted: true }, "interrupted"],
    ["another machine fell silent", { silentHost: "box" }, "interrupted"],
    ["never started", { started: false }, "interrupted"],
  ])("%s", (_, over, state) => {
    const decision = decideOutcome(evidence(over));
    expect(decision.state).toBe(state);
    expect(decision.reason).toMatch(/^\S.*[^ ]$/);
  });

  test("an error of the SDK is the reason", () => {
    const error = { type: "ValueError", message: "batch size 0\nmore", traceback: "" };
    expect(decideOutcome(evidence({ exit: exit({ code: 1 }), end: end("failed", error) })).reason).toBe("ValueError: batch size 0");
  });

  const anyEvidence = fc.record<Evidence>({
    exit: fc.option(
      fc
        .record({
          code: fc.option(fc.integer({ min: 0, max: 255 })),
          signal: fc.option(fc.constantFrom("SIGTERM", "SIGKILL", "SIGSEGV")),
          escalation: fc.constantFrom("none" as const, "graceful" as const, "sigterm" as const, "sigkill" as const),
          launch_error: fc.option(fc.string()),
        })
        .map(exit),
    ),
    stop: fc.option(fc.constantFrom(stop(), stop("2026-01-01T02:00:00.000Z"))),
    end: fc.option(fc.constantFrom(end("completed"), end("failed"), end("cancelled"))),
    plan: fc.option(fc.constant(plan)),
    lastStep: fc.option(fc.nat(200)),
    rebooted: fc.boolean(),
    started: fc.boolean(),
  });

  test("it is always a final state that every live state may go to", () => {
    fc.assert(
      fc.property(anyEvidence, (known) => {
        const { state } = decideOutcome(known);
        expect(FINAL_STATES.has(state)).toBe(true);
        for (const from of LIVE_STATES) expect(canTransition(from, state)).toBe(true);
      }),
    );
  });

  test("completed never follows from a bad exit alone, cancelled never without a stop or the script's own word", () => {
    fc.assert(
      fc.property(anyEvidence, (known) => {
        const { state } = decideOutcome(known);
        const bad = known.exit !== null && ((known.exit.code ?? 0) !== 0 || known.exit.signal !== null || known.exit.launch_error !== null);
        if (state === "completed") expect(bad).toBe(false);
        if (state === "cancelled") expect(known.stop !== null || known.end?.status === "cancelled").toBe(true);
        if (state === "failed" && !bad) expect(known.end?.status).toBe("failed");
      }),
    );
  });
});

describe("transitions", () => {
  test("every state is reached from draft or queued, and every final one can be continued", () => {
    const reached = new Set<RunState>(["draft"]);
    for (let grown = true; grown;) {
      grown = false;
      for (const from of [...reached])
        for (const to of RunState.options)
          if (canTransition(from, to) && !reached.has(to)) {
            reached.add(to);
            grown = true;
          }
    }
    expect(reached.size).toBe(RunState.options.length);
    for (const state of FINAL_STATES) expect(canTransition(state, "queued")).toBe(true);
    for (const state of LIVE_STATES) expect(canTransition(state, "queued")).toBe(false);
  });
});
