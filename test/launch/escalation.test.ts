import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Escalation, TERM_SECONDS } from "../../server/launch/escalation.ts";

interface Act {
  what: "wake" | "terminate" | "kill";
  at: number;
}

/** Runs the clock in steps of 100 ms to `end` and writes down what was done when. */
function play(requests: { at: number; grace: number; force: boolean }[], graceful: boolean, end: number): Act[] {
  let now = 0;
  const acts: Act[] = [];
  const note = (what: Act["what"]) => () => {
    acts.push({ what, at: now });
  };
  const escalation = new Escalation({ wake: note("wake"), terminate: note("terminate"), kill: note("kill") });
  for (; now <= end; now += 100) {
    for (const request of requests)
      if (request.at === now) escalation.ask({ grace_seconds: request.grace, force: request.force }, graceful, now);
    escalation.tick(now);
  }
  return acts;
}

const first = (acts: Act[], what: Act["what"]): number => acts.find((act) => act.what === what)?.at ?? Infinity;

describe("escalation", () => {
  test.each([
    // grace s, graceful, force -> SIGTERM at, SIGKILL at (ms)
    [60, true, false, 60_000, 65_000],
    [60, false, false, 0, 60_000],
    [2, false, false, 0, 5000],
    [0, true, false, 0, 5000],
    [60, true, true, Infinity, 0],
  ])("grace %d s, graceful %s, force %s", (grace, graceful, force, term, kill) => {
    const acts = play([{ at: 0, grace, force }], graceful, 70_000);
    expect(first(acts, "terminate")).toBe(term);
    expect(first(acts, "kill")).toBe(kill);
  });

  test("a second request shortens, never lengthens", () => {
    const sooner = play(
      [
        { at: 0, grace: 60, force: false },
        { at: 1000, grace: 60, force: true },
      ],
      true,
      10_000,
    );
    expect(first(sooner, "kill")).toBe(1000);
    const later = play(
      [
        { at: 0, grace: 6, force: false },
        { at: 1000, grace: 600, force: false },
      ],
      true,
      20_000,
    );
    expect(first(later, "terminate")).toBe(6000);
  });

  test("nothing is done unasked; SIGKILL comes only after SIGTERM had its time, unless forced", () => {
    expect(play([], true, 100_000)).toEqual([]);
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 50 }).map((n) => n * 100),
            grace: fc.integer({ min: 0, max: 20 }),
            force: fc.boolean(),
          }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        fc.boolean(),
        (requests, graceful) => {
          const acts = play(requests, graceful, 40_000);
          const kill = first(acts, "kill");
          expect(kill).toBeLessThan(40_000);
          if (!requests.some((request) => request.force))
            expect(kill - first(acts, "terminate")).toBeGreaterThanOrEqual(TERM_SECONDS * 1000);
        },
      ),
    );
  });
});
