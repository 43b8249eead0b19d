/** The keyboard on a chart: the crosshair by point and by checkpoint, and a letter for each switch. */
import type { ChartSync } from "./chart-sync.ts";

export interface KeyTarget {
  readonly sync: ChartSync;
  /** Moves the crosshair by points; infinite to the first or last. @returns whether there was a point */
  stepCrosshair(by: number): boolean;
  /** @returns whether there was a checkpoint on that side */
  jumpToCheckpoint(direction: 1 | -1): boolean;
  toggleTable(): void;
  toggleMaximised(): void;
}

export const CHART_KEYS = "ArrowLeft ArrowRight Home End [ ] L R T Enter Escape";

/** @returns whether the key meant something, and so should go no further */
export function runChartKey(event: KeyboardEvent, target: KeyTarget): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { sync } = target;
  const settings = sync.settings.value;
  switch (event.key) {
    case "ArrowLeft":
      return target.stepCrosshair(event.shiftKey ? -10 : -1);
    case "ArrowRight":
      return target.stepCrosshair(event.shiftKey ? 10 : 1);
    case "Home":
      return target.stepCrosshair(-Infinity);
    case "End":
      return target.stepCrosshair(Infinity);
    case "[":
      return target.jumpToCheckpoint(-1);
    case "]":
      return target.jumpToCheckpoint(1);
    case "l":
    case "L":
      sync.change({ logY: !settings.logY });
      return true;
    case "r":
    case "R":
      sync.change({ raw: !settings.raw });
      return true;
    case "t":
    case "T":
      target.toggleTable();
      return true;
    case "Enter":
      target.toggleMaximised();
      return true;
    case "Escape":
      if (sync.crosshair.value === null && !sync.zoomed) return false;
      sync.crosshair.set(null);
      sync.resetZoom();
      return true;
    default:
      return false;
  }
}
