/** More points for what a zoom shows, asked for once the zoom stands still: turning a wheel passes a dozen windows that nobody looks at. */
import { sameWindow, stepWindow } from "./chart-window.ts";
import type { XAxis, XWindow } from "./chart-sync.ts";
import type { SeriesColumns } from "./columns.ts";

/** A window that stood this long is looked at. */
const SETTLE_MS = 120;
/** A hundred lines are a hundred requests; the server and the first lines should not wait for the last. */
const AT_ONCE = 6;

type Load = () => Promise<SeriesColumns | null>;

export class ZoomDetail {
  readonly #onLoaded: () => void;
  #window: XWindow | null = null;
  #loaded = new Map<string, SeriesColumns>();
  /** Of each series the weight of the moving average that its points come with. */
  #asked = new Map<string, number>();
  #queue: (readonly [series: string, smoothing: number, load: Load])[] = [];
  #running = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLoaded points of one series came: draw again */
  constructor(onLoaded: () => void) {
    this.#onLoaded = onLoaded;
  }

  /** The points of a series in a window, null while there are none or the window is another. */
  get(series: string, window: XWindow | null): SeriesColumns | null {
    return window !== null && this.#window !== null && sameWindow(window, this.#window) ? (this.#loaded.get(series) ?? null) : null;
  }

  /**
   * Asks for the points of a series once the window stands still; asking again for the same ones costs nothing. Those that came under another
   * weight of the moving average stay until the new ones come.
   */
  want(series: string, window: XWindow, smoothing: number, load: Load): void {
    if (this.#window === null || !sameWindow(window, this.#window)) {
      this.clear();
      this.#window = window;
    }
    if (this.#asked.get(series) === smoothing) return;
    this.#asked.set(series, smoothing);
    this.#queue = [...this.#queue.filter(([other]) => other !== series), [series, smoothing, load]];
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      while (this.#running < AT_ONCE && this.#queue.length > 0) void this.#next();
    }, SETTLE_MS);
  }

  /** Forgets everything, and what is still on its way. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#window = null;
    this.#loaded = new Map();
    this.#asked = new Map();
    this.#queue = [];
  }

  async #next(): Promise<void> {
    this.#running++;
    try {
      for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
        const [series, smoothing, load] = item;
        const into = this.#loaded;
        const columns = await load();
        // After clear() the answer belongs to a window that is gone.
        if (columns === null || into !== this.#loaded || this.#asked.get(series) !== smoothing) continue;
        into.set(series, columns);
        this.#onLoaded();
      }
    } finally {
      this.#running--;
    }
  }
}

/** A question is asked again for at most this share of the steps of the one before. */
const NEARER = 0.5;

/**
 * The points of a window with as many of them as one answer holds. On an axis of steps that is one question; between which steps a time or
 * a count lies is known from the points that are there, of the overview at first and then of each answer, which lie closer.
 * @param columns the overview @param ask for the points between two steps
 */
export async function pointsWithin(
  columns: SeriesColumns,
  axis: XAxis,
  window: XWindow,
  origin: number,
  ask: (steps: XWindow) => Promise<SeriesColumns | null>,
): Promise<SeriesColumns | null> {
  let steps = stepWindow(columns, axis, window, origin);
  for (;;) {
    const found = await ask(steps);
    if (found?.downsampled !== true) return found;
    const nearer = stepWindow(found, axis, window, origin);
    if (nearer[1] - nearer[0] > NEARER * (steps[1] - steps[0])) return found;
    steps = nearer;
  }
}
