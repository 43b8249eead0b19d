/** What is drawn of a run besides its lines. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckpointMark, spacedMarks } from "../../webviews/charts/annotations.ts";

describe("checkpoints on an axis", () => {
  const marks = (count: number, final: readonly number[] = []): CheckpointMark[] =>
    Array.from({ length: count }, (_, i) => ({ id: String(i), step: i, name: String(i), final: final.includes(i), resumable: true }));

  it("are all drawn where they have room", () => {
    expect(spacedMarks(marks(5), ({ step }) => step * 20)).toHaveLength(5);
    // A track that was not measured yet.
    expect(spacedMarks(marks(0), () => NaN)).toEqual([]);
  });

  it("stand apart where they are many, the newest and the final ones among them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0.01, max: 30, noNaN: true }), fc.nat(399), (count, px, last) => {
        const shown = spacedMarks(marks(count, last < count ? [last] : []), ({ step }) => step * px);
        expect(shown.at(-1)?.step).toBe(count - 1);
        expect(last >= count || shown.some(({ step }) => step === last)).toBe(true);
        const plain = shown.filter(({ final, step }) => !final && step !== count - 1);
        for (const one of plain)
          for (const other of shown) if (one !== other) expect(Math.abs(one.step - other.step) * px).toBeGreaterThanOrEqual(11);
      }),
      { numRuns: 60 },
    );
  });
});
