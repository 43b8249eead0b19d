import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GRID_COLUMNS, placeCharts } from "../../webviews/dashboard/chart-layout.ts";
import { placeLabels } from "../../webviews/dashboard/label-layout.ts";

const spans = (names: readonly string[], perRow: 1 | 2 | 3): number[] => placeCharts(names, perRow).map(({ span }) => span);

describe("the grid of charts", () => {
  it("gives the losses the first row, and the training loss all of it where there is no evaluation", () => {
    expect(spans(["train/loss", "eval/loss", "a", "b", "c"], 3)).toEqual([4, 2, 2, 2, 2]);
    expect(spans(["train/loss", "lr", "grad_norm"], 3)).toEqual([6, 3, 3]);
    expect(spans(["loss", "val_loss"], 3)).toEqual([3, 3]);
    expect(spans(["train/loss", "eval/loss", "a", "b", "c"], 2)).toEqual([3, 3, 3, 3, 6]);
    expect(spans(["a", "b", "c", "d"], 3)).toEqual([3, 3, 3, 3]);
    expect(spans([], 3)).toEqual([]);
  });

  it("leaves no hole in any row", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.constantFrom(1, 2, 3), fc.boolean(), (count, perRow, losses) => {
        const names = Array.from({ length: count }, (_, i) => (losses ? (["loss", "eval/loss"][i] ?? `m${String(i)}`) : `m${String(i)}`));
        let filled = 0;
        for (const span of spans(names, perRow)) {
          expect(filled + span).toBeLessThanOrEqual(GRID_COLUMNS);
          filled = (filled + span) % GRID_COLUMNS;
        }
        expect(filled).toBe(0);
      }),
    );
  });
});

describe("labels along the track", () => {
  const measure = (text: string): number => text.length * 6;

  it("moves a label at the edge inside and away from its neighbour", () => {
    const placed = placeLabels(
      [
        { text: "2,400", at: 1, anchor: 1 },
        { text: "resumed at 2,399", at: 0.999, anchor: 0.5 },
        { text: "attempt 1", at: 0, anchor: 0 },
      ],
      600,
      measure,
    );
    expect(placed).toEqual([
      { text: "2,400", left: 570 },
      { text: "resumed at 2,399", left: 464 },
      { text: "attempt 1", left: 0 },
    ]);
  });

  it("keeps every label on the line and apart from the others", () => {
    const label = fc.record({
      text: fc.string({ minLength: 1, maxLength: 24 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      anchor: fc.constantFrom(0 as const, 0.5 as const, 1 as const),
    });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 8 }), fc.integer({ min: 0, max: 900 }), (labels, width) => {
        const placed = placeLabels(labels, width, measure).sort((a, b) => a.left - b.left);
        let end = 0;
        for (const { text, left } of placed) {
          expect(left).toBeGreaterThanOrEqual(end);
          end = left + measure(text);
        }
        expect(end).toBeLessThanOrEqual(width);
      }),
    );
  });
});
