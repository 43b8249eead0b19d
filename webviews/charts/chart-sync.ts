/** What all charts of a page share: the x axis, the zoom, the crosshair and how lines are drawn. */
import { Observable } from "../transport/observable.ts";
import type { Domain } from "./scale.ts";

export type XAxis = "step" | "wall" | "relative" | CounterAxis;
/** The values of a metric that never falls: tokens, samples, epochs. */
type CounterAxis = `counter:${string}`;

export function counterAxis(metric: string): CounterAxis {
  return `counter:${metric}`;
}

/** The metric of a counter's axis, null for the others. */
export function counterOf(axis: XAxis): string | null {
  return axis.startsWith("counter:") ? axis.slice("counter:".length) : null;
}

/** In units of the x axis: steps, ms since the epoch, ms since the run's first point, or what the counter counts. */
export type XWindow = readonly [number, number];

export interface ChartSettings {
  readonly xAxis: XAxis;
  /** Weight of the moving average, [0, 1). */
  readonly smoothing: number;
  readonly logY: boolean;
  /** Draw the faint raw line under the smoothed one. */
  readonly raw: boolean;
  /** Shade earlier attempts and replayed steps. */
  readonly attempts: boolean;
}

export const DEFAULT_SETTINGS: ChartSettings = { xAxis: "step", smoothing: 0.8, logY: false, raw: true, attempts: true };

const NARROWEST_GUTTER_PX = 44;

export interface Crosshair {
  readonly x: number;
  /** The chart that the pointer or the keyboard is on: it shows the full tooltip. */
  readonly owner: object;
}

/** The room left of the plots: the widest need of any chart, so that the plots of a column begin at one line. */
export class Gutter {
  readonly width = new Observable<number>(NARROWEST_GUTTER_PX);
  readonly #needs = new Map<object, number>();

  /** @param px what the labels of this chart take; steps of four keep small changes from moving every chart */
  need(owner: object, px: number): void {
    this.#needs.set(owner, Math.ceil(px / 4) * 4);
    this.#fit();
  }

  leave(owner: object): void {
    if (this.#needs.delete(owner)) this.#fit();
  }

  #fit(): void {
    this.width.set(Math.max(NARROWEST_GUTTER_PX, ...this.#needs.values()));
  }
}

export class ChartSync {
  readonly gutter = new Gutter();
  readonly settings: Observable<ChartSettings>;
  readonly zoom = new Observable<XWindow | null>(null);
  /** Windows of the y axis by metric: losses and learning rates share no scale. */
  readonly yZooms = new Observable<ReadonlyMap<string, Domain>>(new Map());
  readonly crosshair = new Observable<Crosshair | null>(null);

  constructor(settings: ChartSettings = DEFAULT_SETTINGS) {
    this.settings = new Observable(settings);
  }

  change(part: Partial<ChartSettings>): void {
    // A window in steps means nothing in hours.
    if (part.xAxis !== undefined && part.xAxis !== this.settings.value.xAxis) {
      this.zoom.set(null);
      this.crosshair.set(null);
    }
    // A linear window may reach below zero.
    if (part.logY !== undefined && part.logY !== this.settings.value.logY) this.yZooms.set(new Map());
    this.settings.set({ ...this.settings.value, ...part });
  }

  get zoomed(): boolean {
    return this.zoom.value !== null || this.yZooms.value.size > 0;
  }

  zoomY(metric: string, window: Domain): void {
    this.yZooms.set(new Map([...this.yZooms.value, [metric, window]]));
  }

  resetZoom(): void {
    this.zoom.set(null);
    this.yZooms.set(new Map());
  }
}
