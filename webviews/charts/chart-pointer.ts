/**
 * The pointer on a chart: hovering moves the crosshair, a click picks, a double click resets. Dragging sideways zooms x on all charts,
 * dragging up or down zooms y on this one. Ctrl + wheel zooms x, or y over the labels of the y axis; with Shift it pans.
 */
import type { Brush, Plot } from "./canvas-marks.ts";
import type { ChartSync, XWindow } from "./chart-sync.ts";
import { type Domain, isDrawable } from "./scale.ts";

const WHEEL_ZOOM = 1.2;
/** Of the window. */
const WHEEL_PAN = 0.08;
/** A shorter drag is a click. */
const DRAG_PX = 4;
/** A drag is upright when it goes this much further up or down than sideways: zooming x is what people mean nearly always. */
const UPRIGHT = 2;

export interface PointerTarget {
  readonly metric: string;
  readonly sync: ChartSync;
  readonly plotElement: HTMLElement;
  readonly plot: Plot | null;
  /** What the x axis shows now, and all that it could show. */
  readonly window: XWindow;
  readonly full: XWindow;
  /** Axis units at a pixel of the chart, null before the first drawing. */
  xAt(pixel: number): number | null;
  clickAt(pixel: number): void;
  /** The stretch being dragged, or the end of it: the overlay must be drawn again. */
  dragged(): void;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export class ChartPointer {
  readonly #target: PointerTarget;
  #drag: { readonly from: Point; to: Point } | null = null;

  constructor(target: PointerTarget) {
    this.#target = target;
  }

  /** The stretch being dragged, null for what is no more than a click. */
  get brush(): Brush | null {
    if (this.#drag === null) return null;
    const { from, to } = this.#drag;
    const [dx, dy] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
    if (Math.max(dx, dy) < DRAG_PX) return null;
    return dy > UPRIGHT * dx
      ? { axis: "y", span: [Math.min(from.y, to.y), Math.max(from.y, to.y)] }
      : { axis: "x", span: [Math.min(from.x, to.x), Math.max(from.x, to.x)] };
  }

  #point(event: MouseEvent): Point {
    const { left, top } = this.#target.plotElement.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const from = this.#point(event);
    this.#drag = { from, to: from };
    this.#target.plotElement.setPointerCapture(event.pointerId);
  };

  readonly move = (event: PointerEvent): void => {
    const target = this.#target;
    const point = this.#point(event);
    if (this.#drag !== null) this.#drag.to = point;
    const { plot } = target;
    const x = target.xAt(point.x);
    if (plot === null || x === null) return;
    if (this.#drag === null && (point.x < plot.left || point.x > plot.left + plot.width)) target.sync.crosshair.set(null);
    else target.sync.crosshair.set({ x, owner: target });
  };

  readonly up = (event: PointerEvent): void => {
    const target = this.#target;
    const { brush } = this;
    const drag = this.#drag;
    this.#drag = null;
    if (drag === null || event.type === "pointercancel") return;
    if (brush === null) target.clickAt(drag.from.x);
    else if (brush.axis === "x") this.#zoomX(target.xAt(brush.span[0]), target.xAt(brush.span[1]));
    else this.#zoomY(brush.span);
    target.dragged();
  };

  readonly leave = (): void => {
    if (this.#drag === null && this.#target.sync.crosshair.value?.owner === this.#target) this.#target.sync.crosshair.set(null);
  };

  readonly doubleClick = (): void => {
    this.#target.sync.resetZoom();
  };

  readonly wheel = (event: WheelEvent): void => {
    // The page scrolls with the wheel; zoom takes a modifier, as maps do inside pages.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) return;
    event.preventDefault();
    const { plot, window } = this.#target;
    const point = this.#point(event);
    const at = this.#target.xAt(point.x);
    if (at === null || plot === null) return;
    // A wheel with Shift is turned sideways by some systems.
    const delta = event.deltaY === 0 ? event.deltaX : event.deltaY;
    const onLabels = point.x < plot.left;
    if (event.shiftKey) {
      if (onLabels) this.#panY(Math.sign(delta) * WHEEL_PAN * plot.height, plot);
      else this.#panX(Math.sign(delta) * WHEEL_PAN * (window[1] - window[0]));
      return;
    }
    const factor = delta > 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM;
    if (onLabels) this.#scaleY(point.y, factor, plot);
    else this.#scaleX(at, factor);
  };

  /** Narrows or widens an axis about a place of the x axis, or about the middle of the y axis. @param factor of the window's width */
  zoom(axis: "x" | "y", factor: number, at: number | null): void {
    const { plot, window } = this.#target;
    if (plot === null) return;
    if (axis === "y") this.#scaleY(plot.top + plot.height / 2, factor, plot);
    else this.#scaleX(at !== null && at >= window[0] && at <= window[1] ? at : (window[0] + window[1]) / 2, factor);
  }

  /** Moves a zoomed window no further than it takes to show a place of the x axis. */
  show(at: number): void {
    const { window, sync } = this.#target;
    if (sync.zoom.value === null) return;
    if (at < window[0]) this.#panX(at - window[0]);
    else if (at > window[1]) this.#panX(at - window[1]);
  }

  #scaleX(at: number, factor: number): void {
    const { window } = this.#target;
    this.#zoomX(at - (at - window[0]) * factor, at + (window[1] - at) * factor);
  }

  #scaleY(at: number, factor: number, { top, height }: Plot): void {
    this.#zoomY([at - (at - top) * factor, at + (top + height - at) * factor]);
  }

  #zoomX(from: number | null, to: number | null): void {
    if (from === null || to === null) return;
    const { full, sync } = this.#target;
    const window: XWindow = [Math.max(full[0], from), Math.min(full[1], to)];
    if (!isDrawable(window, false)) return;
    sync.zoom.set(window[0] === full[0] && window[1] === full[1] ? null : window);
  }

  /** Up to the ends, without squeezing the window there. */
  #panX(by: number): void {
    const { full, window } = this.#target;
    const shift = by > 0 ? Math.min(by, full[1] - window[1]) : Math.max(by, full[0] - window[0]);
    if (shift !== 0) this.#zoomX(window[0] + shift, window[1] + shift);
  }

  /** @param span from the upper to the lower end of the new window, in pixels: right for a linear and a log axis alike */
  #zoomY([upper, lower]: Domain): void {
    const { plot, metric, sync } = this.#target;
    if (plot === null) return;
    const window: Domain = [plot.y.invert(lower), plot.y.invert(upper)];
    if (isDrawable(window, sync.settings.value.logY)) sync.zoomY(metric, window);
  }

  #panY(px: number, { top, height }: Plot): void {
    this.#zoomY([top + px, top + height + px]);
  }
}
