import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../protocol/json.ts";
import type { SearchTrial } from "../../protocol/sweep-search.ts";
import { correlations } from "../../server/runs/sweep-importance.ts";

function trial(params: JsonObject, value: number | null): SearchTrial {
  return { params, state: value === null ? "failed" : "complete", value, steps: [], judged: null };
}

describe("what mattered in a sweep", () => {
  it("is told from the order of the values alone", () => {
    const rates = [1e-5, 1e-4, 1e-3, 1e-2];
    const trials = rates.flatMap((rate, i) => [0, 1].map((noise) => trial({ rate, noise, same: 3 }, 10 - i + noise / 100)));
    const found = correlations([...trials, trial({ rate: 1, noise: 0, same: 3 }, null)]);
    // By hand: the ranks of the objective go 7 8, 5 6, 3 4, 1 2 while those of the rate go 1.5, 3.5, 5.5, 7.5.
    expect(found[0]).toEqual({ param: "rate", strength: expect.closeTo(0.9759, 4) as number, sign: "falling" });
    expect(found[1]).toEqual({ param: "noise", strength: expect.closeTo(0.2182, 4) as number, sign: "rising" });
    expect(found).toHaveLength(2);
  });

  it("takes texts and switches as groups, and does not take chance for a reason", () => {
    const trials = Array.from({ length: 12 }, (_, i) =>
      trial({ optim: i % 2 === 0 ? "adamw" : "lion", id: `run ${String(i)}` }, i % 2 === 0 ? i : 100 + i),
    );
    const found = correlations(trials);
    expect(found[0]).toMatchObject({ param: "optim", sign: null });
    expect(found[0]?.strength).toBeGreaterThan(0.8);
    // A value of its own for each run explains everything and therefore nothing.
    expect(found[1]).toMatchObject({ param: "id", strength: 0 });
  });

  it("lies between nothing and all, for any sweep, and turns round with the objective", () => {
    const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }));
    const params = fc.record({ a: value, b: fc.constantFrom("x", "y", true, null, 3), c: fc.constant(1) });
    fc.assert(
      fc.property(fc.array(fc.tuple(params, fc.option(value, { nil: null })), { maxLength: 12 }), (runs) => {
        const found = correlations(runs.map(([each, reached]) => trial(each, reached)));
        for (const { param, strength } of found) {
          expect(["a", "b"]).toContain(param);
          expect(strength).toBeGreaterThanOrEqual(0);
          expect(strength).toBeLessThanOrEqual(1);
        }
        const turned = correlations(runs.map(([each, reached]) => trial(each, reached === null ? null : -reached)));
        const sign = (list: typeof found) => list.find(({ param }) => param === "a")?.sign ?? null;
        if (sign(found) !== null) expect(sign(turned)).toBe(sign(found) === "rising" ? "falling" : "rising");
      }),
    );
  });
});
