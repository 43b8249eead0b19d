/** What one sets up in a comparison. */
import type { Spread } from "./curves.ts";
import type { ChosenDirections } from "./direction.ts";

/** Kept by the panel so that it comes back after a reload. */
export interface CompareSettings {
  readonly baseline: string | null;
  readonly metric: string | null;
  readonly directions: ChosenDirections;
  readonly group: boolean;
  readonly spread: Spread;
  readonly ignoreOutliers: boolean;
}

export const DEFAULT_COMPARE: CompareSettings = {
  baseline: null,
  metric: null,
  directions: {},
  group: true,
  spread: "std",
  ignoreOutliers: true,
};
