/** The pointer on a chart: hovering moves the crosshair, dragging and Ctrl + wheel zoom, a click picks, a double click resets. */
import type { ChartSync, XWindow } from "./chart-sync.ts";
import type { Plot } from "./canvas-marks.ts";
import type { Domain } from "./scale.ts";

const WHEEL_ZOOM = 1.2;
/** A shorter drag is a click. */
const DRAG_PX = 4;

export interface PointerTarget {
  readonly sync: ChartSync;
  readonly plotElement: HTMLElement;
  readonly plot: Plot | null;
  /** What the x axis shows now. */
  readonly window: XWindow;
  /** Axis units at a pixel of the chart, null before the first drawing. */
  xAt(pixel: number): number | null;
  zoomTo(from: number, to: number): void;
  clickAt(pixel: number): void;
  /** The stretch being dragged, or the end of it: the overlay must be drawn again. */
  dragged(): void;
}

export class ChartPointer {
  readonly #target: PointerTarget;
  #drag: { readonly from: number; to: number } | null = null;

  constructor(target: PointerTarget) {
    this.#target = target;
  }

  /** The stretch being dragged, in pixels. */
  get span(): Domain | null {
    const drag = this.#drag;
    return drag === null || Math.abs(drag.to - drag.from) < DRAG_PX ? null : [drag.from, drag.to];
  }

  #pixel(event: MouseEvent): number {
    return event.clientX - this.#target.plotElement.getBoundingClientRect().left;
  }

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const x = this.#pixel(event);
    this.#drag = { from: x, to: x };
    this.#target.plotElement.setPointerCapture(event.pointerId);
  };

  readonly move = (event: PointerEvent): void => {
    const target = this.#target;
    const pixel = this.#pixel(event);
    if (this.#drag !== null) this.#drag.to = pixel;
    const { plot } = target;
    const x = target.xAt(pixel);
    if (plot === null || x === null) return;
    if (this.#drag === null && (pixel < plot.left || pixel > plot.left + plot.width)) target.sync.crosshair.set(null);
    else target.sync.crosshair.set({ x, owner: target });
  };

  readonly up = (event: PointerEvent): void => {
    const target = this.#target;
    const drag = this.#drag;
    const span = this.span;
    this.#drag = null;
    if (drag === null || event.type === "pointercancel") return;
    if (span === null) {
      target.clickAt(drag.from);
    } else {
      const from = target.xAt(Math.min(...span));
      const to = target.xAt(Math.max(...span));
      if (from !== null && to !== null) target.zoomTo(from, to);
    }
    target.dragged();
  };

  readonly leave = (): void => {
    if (this.#drag === null && this.#target.sync.crosshair.value?.owner === this.#target) this.#target.sync.crosshair.set(null);
  };

  readonly doubleClick = (): void => {
    this.#target.sync.zoom.set(null);
  };

  readonly wheel = (event: WheelEvent): void => {
    // The page scrolls with the wheel; zoom takes a modifier, as maps do inside pages.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) return;
    event.preventDefault();
    const at = this.#target.xAt(this.#pixel(event));
    if (at === null) return;
    const factor = event.deltaY > 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM;
    const [from, to] = this.#target.window;
    this.#target.zoomTo(at - (at - from) * factor, at + (to - at) * factor);
  };
}
