/** The colours of the lines of parallel coordinates: one for each value where there are few, else a scale of numbers. Pure. */
import { scheme } from "vega";
import { lineStyle, SLOT_COUNT, type ThemeKind } from "../charts/palette.ts";
import { formatValue } from "../components/format.ts";
import { category, inOrder, NO_COLOR, type ParallelLine } from "./plot-data.ts";

export interface LineColors {
  readonly of: (line: ParallelLine) => string;
  /** What the colours mean: one colour, or those of a scale from its lower to its upper end. */
  readonly legend: readonly { readonly colors: readonly string[]; readonly label: string }[];
}

/** Enough for a gradient that looks like the scale. */
const STOPS = [0, 0.25, 0.5, 0.75, 1];

export function lineColors(lines: readonly ParallelLine[], theme: ThemeKind): LineColors {
  const values = inOrder(lines.map(({ color }) => category(color)));
  if (values.length <= SLOT_COUNT) {
    const colors = new Map(values.map((value, slot) => [value, lineStyle(slot, theme).color]));
    return {
      of: ({ color }) => colors.get(category(color)) ?? NO_COLOR,
      legend: [...colors].map(([value, color]) => ({ colors: [color], label: String(value) })),
    };
  }
  const numbers = values.filter((value) => typeof value === "number");
  const [low, high] = [numbers[0], numbers.at(-1)];
  if (low === undefined || high === undefined || low === high) return { of: () => lineStyle(0, theme).color, legend: [] };
  const at = scheme("viridis") as (share: number) => string;
  return {
    of: ({ color }) => (typeof color === "number" ? at((color - low) / (high - low)) : NO_COLOR),
    legend: [
      { colors: STOPS.map(at), label: `${formatValue(low)} to ${formatValue(high)}` },
      ...(numbers.length < values.length ? [{ colors: [NO_COLOR], label: "no number" }] : []),
    ],
  };
}
