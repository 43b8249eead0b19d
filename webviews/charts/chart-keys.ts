/** The keyboard on a chart: the crosshair by point and by checkpoint, and a letter for each switch. */
import type { ChartSync } from "./chart-sync.ts";

export interface KeyTarget {
  readonly sync: ChartSync;
  /** Moves the crosshair by points; infinite to the first or last. @returns whether there was a point */
  stepCrosshair(by: number): boolean;
  /** @returns whether there was a checkpoint on that side */
  jumpToCheckpoint(direction: 1 | -1): boolean;
  /** Narrows or widens an axis about the crosshair. @param factor of the window's width */
  zoom(axis: "x" | "y", factor: number): void;
  /** Moves a zoomed window so that the crosshair is in it. */
  follow(): void;
  toggleTable(): void;
  toggleMaximised(): void;
}

export const CHART_KEYS = "ArrowLeft ArrowRight Home End + - Shift+ArrowUp Shift+ArrowDown [ ] L R T Enter Escape";
/** Finer than a notch of the wheel would be too many presses. */
const KEY_ZOOM = 1.5;

/** @returns whether the key meant something, and so should go no further */
export function runChartKey(event: KeyboardEvent, target: KeyTarget): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { sync } = target;
  const settings = sync.settings.value;
  switch (event.key) {
    case "ArrowLeft":
      return step(target, event.shiftKey ? -10 : -1);
    case "ArrowRight":
      return step(target, event.shiftKey ? 10 : 1);
    case "Home":
      return step(target, -Infinity);
    case "End":
      return step(target, Infinity);
    case "+":
    case "=":
      target.zoom("x", 1 / KEY_ZOOM);
      return true;
    case "-":
    case "_":
      target.zoom("x", KEY_ZOOM);
      return true;
    case "ArrowUp":
    case "ArrowDown":
      // Without Shift the page scrolls.
      if (!event.shiftKey) return false;
      target.zoom("y", event.key === "ArrowUp" ? 1 / KEY_ZOOM : KEY_ZOOM);
      return true;
    case "[":
      return jump(target, -1);
    case "]":
      return jump(target, 1);
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

function step(target: KeyTarget, by: number): boolean {
  const moved = target.stepCrosshair(by);
  if (moved) target.follow();
  return moved;
}

function jump(target: KeyTarget, direction: 1 | -1): boolean {
  const moved = target.jumpToCheckpoint(direction);
  if (moved) target.follow();
  return moved;
}
