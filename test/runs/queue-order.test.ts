import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { MoveInQueue } from "../../protocol/queue.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { RunState } from "../../protocol/states.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { inOrder, moved, queueState } from "../../server/runs/queue-order.ts";
import { runRecord } from "../store/fixtures.ts";

/** A run that was queued so many seconds into the hour. */
function waiting(second: number, fields: Partial<RunRecord> = {}): RunRecord {
  const queued_at = new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
  const id = newRunId(Date.UTC(2026, 0, 1, 12, 0, second));
  return runRecord({
    id,
    name: id,
    state: "queued",
    attempt: 0,
    queue: { queued_at, left_at: null, left: null, attempt: null },
    ...fields,
  });
}

const running = (second: number): RunRecord =>
  waiting(second, { state: "running", attempt: 1, queue: { queued_at: "x", left_at: "y", left: "started", attempt: 1 } });
const ids = (runs: readonly RunRecord[]): RunId[] => runs.map(({ id }) => id);

type Step =
  { kind: "join" } | { kind: "leave"; who: number } | { kind: "move"; who: number; to: number; how: "position" | "before" | "after" };

const index = fc.nat({ max: 50 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("join" as const) }),
  fc.record({ kind: fc.constant("leave" as const), who: index }),
  fc.record({ kind: fc.constant("move" as const), who: index, to: index, how: fc.constantFrom("position", "before", "after") }),
);

describe("the order of the queue", () => {
  it("is that of a plain list, whatever joins, leaves and moves", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list: RunRecord[] = [];
        let order: RunId[] = [];
        let clock = 0;
        for (const one of steps) {
          const shown = inOrder(order, list);
          const at = (number: number): RunRecord | undefined => shown[number % Math.max(1, shown.length)];
          const chosen = one.kind === "join" ? undefined : at(one.who);
          if (one.kind === "join") list.push(waiting(clock++));
          else if (chosen === undefined) continue;
          else if (one.kind === "leave") list.splice(list.indexOf(chosen), 1);
          else {
            const target = at(one.to)!;
            const to =
              one.how === "position" ? { position: one.to + 1 } : one.how === "before" ? { before: target.id } : { after: target.id };
            order = moved(shown, chosen, to);
            // The plain list: take it out, put it in.
            const others = shown.filter((run) => run !== chosen);
            const place = one.how === "position" ? one.to : others.indexOf(target) + (one.how === "after" ? 1 : 0);
            if (one.how === "position" || target !== chosen) others.splice(place, 0, chosen);
            const expected = one.how === "position" || target !== chosen ? others : shown;
            expect(ids(inOrder(order, list))).toEqual(ids(expected));
          }
          // Nobody is lost or doubled, in whatever order the records come.
          expect(ids(inOrder(order, [...list].reverse())).sort()).toEqual(ids(list).sort());
          expect(ids(inOrder(order, [...list].reverse()))).toEqual(ids(inOrder(order, list)));
        }
      }),
    );
  });

  it("is by arrival where nobody moved anything; who joins later comes behind those that were moved", () => {
    const [a, b, c] = [waiting(1), waiting(2), waiting(3)];
    expect(ids(inOrder([], [c, a, b]))).toEqual(ids([a, b, c]));
    const order = moved([a, b, c], c, { position: 1 });
    const late = waiting(4);
    expect(ids(inOrder(order, [late, a, b, c]))).toEqual(ids([c, a, b, late]));
  });

  it("refuses what does not wait, on either side", () => {
    const [a, b] = [waiting(1), waiting(2)];
    const elsewhere = newRunId();
    expect(() => moved([a, b], running(3), { position: 1 })).toThrow(/does not wait in the queue: it is running/);
    expect(() => moved([a, b], a, { before: elsewhere })).toThrow(elsewhere);
    expect(ids(inOrder(moved([a, b], a, { position: 10_000 }), [a, b]))).toEqual(ids([b, a]));
  });

  it.each([{}, { position: 0 }, { position: 1.5 }, { position: "1" }, { before: "../etc" }, { position: 1, before: newRunId() }, null, []])(
    "takes no place like %j",
    (place) => {
      expect(MoveInQueue.safeParse(place).success).toBe(false);
    },
  );
});

describe("what the queue tells", () => {
  it("gives every waiting run a position and a reason, and counts live runs alone", () => {
    const states: RunState[] = ["starting", "running", "stopping", "completed", "failed", "cancelled", "interrupted"];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...states)),
        fc.nat(6),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        (ran, many, limit, paused) => {
          const records = [
            ...ran.map((state, second) => ({ ...running(second), state })),
            ...Array.from({ length: many }, (_, second) => waiting(second + 100)),
            // Continued on its own after its time in the queue: no place of the queue is taken.
            { ...running(99), attempt: 2 },
          ];
          const paused_at = paused ? "2026-01-01T00:00:00Z" : null;
          const settings = { version: 1 as const, concurrency: limit, paused_at, wait_for_gpus: false, order: [] };
          const { running: live, waiting: line } = queueState(settings, records, null);
          expect(live).toHaveLength(ran.filter((state) => LIVE_STATES.has(state)).length);
          expect(line.map(({ position }) => position)).toEqual(line.map((_, place) => place + 1));
          for (const { reason, position } of line) {
            expect(reason.startsWith("The queue is paused")).toBe(paused);
            expect(reason.startsWith("It is about to start")).toBe(!paused && position <= limit - live.length);
          }
        },
      ),
    );
  });
});
