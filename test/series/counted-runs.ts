/** Runs with a counter, made for tests: their counts rise for the most part, over steps that may repeat, stand apart, or be rewound. */
import fc from "fast-check";
import type { Row } from "./model.ts";

/** Times are the numbers of rows, so that a point says which row it came from. */
export function numbered(rows: readonly { step: number; values: Record<string, number> }[]): Row[] {
  return rows.map((row, time) => ({ ...row, time }));
}

export interface CountedAttempt {
  readonly from: number;
  readonly rows: readonly { readonly stride: number; readonly gain: number; readonly names: "loss" | "tokens" | "both" }[];
  readonly resumedFromStep: number | null;
  /** A counter that goes on where the checkpoint was, or one that begins anew. */
  readonly base: "step" | "zero";
  readonly broken: { readonly row: number; readonly value: number } | null;
}

export const countedAttempt: fc.Arbitrary<CountedAttempt> = fc.record({
  from: fc.integer({ min: 0, max: 20 }),
  rows: fc.array(
    fc.record({
      stride: fc.constantFrom(0, 0, 1, 1, 1, 3),
      gain: fc.constantFrom(0, 1, 5, 5, 5, 40),
      names: fc.constantFrom<"loss" | "tokens" | "both">("loss", "tokens", "both", "both"),
    }),
    { maxLength: 25 },
  ),
  resumedFromStep: fc.option(fc.integer({ min: 0, max: 20 })),
  base: fc.constantFrom<"step" | "zero">("step", "step", "zero"),
  broken: fc.option(fc.record({ row: fc.nat({ max: 25 }), value: fc.constantFrom(NaN, Infinity, -1000) }), { freq: 6 }),
});

export function countedRows({ from, rows, base, broken }: CountedAttempt): Row[] {
  let step = from;
  let tokens = base === "zero" ? 0 : from * 40;
  return numbered(
    rows.map(({ stride, gain, names }, i) => {
      step += stride;
      tokens += gain;
      const count = broken?.row === i ? broken.value : tokens;
      const values = { ...(names !== "tokens" && { loss: Math.sin(i) }), ...(names !== "loss" && { tokens: count }) };
      return { step, values };
    }),
  );
}
