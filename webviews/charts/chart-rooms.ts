/**
 * Rooms for charts. Where a page has many, a chart is made when its room comes near the screen and goes when it is far again: five thousand
 * charts would take seconds to make, and nobody sees more than a dozen.
 */
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Up to so many charts are all made at once. */
const ALL_UP_TO = 40;
/** How far from the screen a chart is made, so that a page that is scrolled finds it drawn. */
const MARGIN = "400px 0px";
/** A page that scrolls passes rooms that nobody looks at. */
const SETTLE_MS = 80;

export class ChartRooms implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #onNear: (metrics: readonly string[]) => void;
  #near: ReadonlySet<string> = new Set();
  #observer: IntersectionObserver | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param host has an element of the class "charts" that scrolls, with an element for each chart or room that says its metric in `data-metric`
   * @param onNear the charts on the screen and beside it are others
   */
  constructor(host: ReactiveControllerHost & HTMLElement, onNear: (metrics: readonly string[]) => void) {
    this.#host = host;
    this.#onNear = onNear;
    host.addController(this);
  }

  /** Is the metric's chart made? @param count rooms in all */
  isMade(metric: string, count: number): boolean {
    return count <= ALL_UP_TO || this.#near.has(metric);
  }

  hostUpdated(): void {
    const scroller = this.#host.shadowRoot?.querySelector(".charts");
    if (scroller == null) return;
    this.#observer ??= new IntersectionObserver(
      (entries) => {
        this.#seen(entries);
      },
      { root: scroller, rootMargin: MARGIN },
    );
    const present = new Set<string>();
    for (const room of scroller.querySelectorAll<HTMLElement>("[data-metric]")) {
      present.add(metricOf(room));
      this.#observer.observe(room);
    }
    const near = [...this.#near].filter((metric) => present.has(metric));
    if (near.length < this.#near.size) this.#change(new Set(near));
  }

  hostDisconnected(): void {
    this.#observer?.disconnect();
    this.#observer = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    const near = new Set(this.#near);
    for (const { target, isIntersecting } of entries) {
      const metric = metricOf(target as HTMLElement);
      if (isIntersecting) near.add(metric);
      // A room that a chart has taken the place of has not gone.
      else if (target.isConnected) near.delete(metric);
    }
    this.#change(near);
    this.#host.requestUpdate();
  }

  #change(near: ReadonlySet<string>): void {
    this.#near = near;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onNear([...this.#near]);
    }, SETTLE_MS);
  }
}

function metricOf(room: HTMLElement): string {
  return room.dataset["metric"] ?? "";
}
