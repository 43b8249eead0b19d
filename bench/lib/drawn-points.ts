/** How long points are on their way until a frame that shows them was painted, noted in the page itself. */
import type { Frame, Page } from "playwright-core";

interface Noting {
  readonly drawn: number[];
  readonly points: () => { readonly steps: number[] };
}

/**
 * Prepares a page, and every frame in it, to note the points of a metric's chart as they are painted. Each value must be the time of its
 * own logging call, ms since the epoch.
 */
export async function prepareNoting(page: Page, metric: string): Promise<void> {
  await page.context().addInitScript(noteDrawnPoints, metric);
}

/** @returns ms from the logging call to the painted frame, of each point that came while the page was shown */
export async function drawnDelays(frame: Frame | Page): Promise<number[]> {
  return frame.evaluate(() => (globalThis as unknown as Noting).drawn);
}

/** @returns the steps of the chart's points, in their order */
export async function shownSteps(frame: Frame | Page): Promise<number[]> {
  return frame.evaluate(() => (globalThis as unknown as Noting).points().steps);
}

/** Runs in the page, before its own code: notes the newest points of the chart whenever its lines are stroked and then painted. */
function noteDrawnPoints(metric: string): void {
  interface Columns {
    readonly values: Float64Array;
    readonly steps: Float64Array;
  }
  interface Chart {
    readonly metric: string;
    readonly store: { get(name: string): Columns | undefined };
  }
  const drawn: number[] = [];
  let columns: Columns | undefined;
  Object.assign(globalThis, { drawn, points: () => ({ steps: Array.from(columns?.steps ?? []) }) });
  let seen = -1;
  let waiting = false;
  // Called with the context as `this` below.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (this: CanvasRenderingContext2D, ...args: unknown[]): void {
    Reflect.apply(stroke, this, args);
    const root = this.canvas.getRootNode();
    if (waiting || !(root instanceof ShadowRoot) || !this.canvas.classList.contains("lines")) return;
    const chart = root.host as unknown as Chart;
    if (chart.metric !== metric) return;
    columns = chart.store.get(metric);
    const values = columns?.values.slice() ?? new Float64Array();
    waiting = true;
    // A message that is posted within an animation frame is handled after that frame was painted.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        waiting = false;
        const now = performance.timeOrigin + performance.now();
        // What the page found when it was opened is history, not news.
        if (seen >= 0) for (const value of values.subarray(seen)) drawn.push(now - value);
        seen = values.length;
      };
      channel.port2.postMessage(null);
    });
  };
}
