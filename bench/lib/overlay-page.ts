/** Run in the page of the application by the benchmark `overlay`; each function must stand alone. */

export interface Frames {
  /** Frames per second that were drawn while the wheel zoomed or panned. */
  readonly zoom: number;
  readonly pan: number;
}

/**
 * Goes to a page of the application and waits until a chart has drawn all its lines and the frame with them was painted.
 * @returns ms since the click
 */
export async function openAndDraw(wanted: { readonly hash: string; readonly chart: string; readonly lines: number }): Promise<number> {
  interface Chart extends HTMLElement {
    /** Lines of a comparison; a dashboard's chart has one. */
    readonly shownLines?: number;
    readonly plot: unknown;
    readonly shadowRoot: ShadowRoot;
  }
  const find = (root: Document | ShadowRoot): Chart | null => {
    const here = root.querySelector<Chart>(wanted.chart);
    if (here !== null) return here;
    for (const element of root.querySelectorAll("*")) {
      const found = element.shadowRoot === null ? null : find(element.shadowRoot);
      if (found !== null) return found;
    }
    return null;
  };
  const inked = (canvas: HTMLCanvasElement): boolean =>
    canvas.width > 0 &&
    (canvas
      .getContext("2d")
      ?.getImageData(0, 0, canvas.width, canvas.height)
      .data.some((part) => part > 0) ??
      false);
  const begun = performance.now();
  location.hash = wanted.hash;
  for (;;) {
    await new Promise(requestAnimationFrame);
    if (performance.now() - begun > 60_000) throw new Error(`no ${wanted.chart} with ${String(wanted.lines)} lines within a minute`);
    const chart = find(document);
    if (chart === null || chart.plot === null || (chart.shownLines ?? 1) < wanted.lines) continue;
    const canvas = chart.shadowRoot.querySelector<HTMLCanvasElement>("canvas.lines");
    if (canvas !== null && inked(canvas)) return performance.now() - begun;
  }
}

/** Turns the wheel on the first chart at every frame, in and out, then with Shift for panning. @param ms how long each takes */
export async function panAndZoom(ms: number): Promise<Frames> {
  const find = (root: Document | ShadowRoot): Element | null => {
    const here = root.querySelector("ty-overlay-chart");
    if (here !== null) return here;
    for (const element of root.querySelectorAll("*")) {
      const found = element.shadowRoot === null ? null : find(element.shadowRoot);
      if (found !== null) return found;
    }
    return null;
  };
  const plot = find(document)?.shadowRoot?.querySelector(".plot");
  const canvas = plot?.querySelector<HTMLCanvasElement>("canvas.lines");
  if (plot === null || plot === undefined || canvas === null || canvas === undefined) throw new Error("no chart");
  const { left, top, width, height } = plot.getBoundingClientRect();
  // A drawing begins by sizing the canvas anew.
  let drawings = 0;
  const descriptor = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, "width");
  const get = descriptor?.get?.bind(canvas) as (() => number) | undefined;
  const set = descriptor?.set?.bind(canvas);
  if (get === undefined || set === undefined) throw new Error("no width");
  Object.defineProperty(canvas, "width", {
    configurable: true,
    get,
    set: (value: number) => {
      drawings++;
      set(value);
    },
  });
  const turn = (init: WheelEventInit): void => {
    plot.dispatchEvent(
      new WheelEvent("wheel", {
        clientX: left + width / 2,
        clientY: top + height / 2,
        ctrlKey: true,
        bubbles: true,
        composed: true,
        cancelable: true,
        ...init,
      }),
    );
  };
  const perSecond = async (eventOf: (frame: number) => WheelEventInit): Promise<number> => {
    drawings = 0;
    const begun = performance.now();
    for (let frame = 0; performance.now() - begun < ms; frame++) {
      turn(eventOf(frame));
      await new Promise(requestAnimationFrame);
    }
    return (1000 * drawings) / (performance.now() - begun);
  };
  const zoom = await perSecond((frame) => ({ deltaY: frame % 40 < 20 ? -100 : 100 }));
  for (let i = 0; i < 12; i++) turn({ deltaY: -100 });
  const pan = await perSecond((frame) => ({ deltaY: frame % 40 < 20 ? 40 : -40, shiftKey: true }));
  return { zoom, pan };
}
