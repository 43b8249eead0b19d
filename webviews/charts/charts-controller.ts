/** What a page of charts does around them: follows their common settings, maximises one, copies what they say, and takes "/" to its filter. */
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Transport } from "../transport/transport.ts";
import { ChartGroups } from "./chart-groups.ts";
import { ChartRooms } from "./chart-rooms.ts";
import { type ChartSync, counterOf } from "./chart-sync.ts";

/** An element that holds charts and a filter of their metrics. */
export interface ChartsHost extends ReactiveControllerHost, HTMLElement {
  readonly sync: ChartSync;
  readonly model: {
    readonly transport: Transport;
    /** The x axis counts by this metric, or by none. */
    placeOn(counter: string | null): void;
    /** The lines are drawn under a moving average of this weight, 0 for none. */
    smoothBy(weight: number): void;
    /** The charts of these metrics are on the screen or beside it. */
    look(metrics: readonly string[]): void;
  };
  readonly filterBox: HTMLInputElement;
}

export class ChartsController implements ReactiveController {
  readonly groups: ChartGroups;
  readonly #host: ChartsHost;
  readonly #rooms: ChartRooms;
  #maximised: string | null = null;
  #stop: (() => void)[] = [];

  constructor(host: ChartsHost) {
    this.#host = host;
    this.groups = new ChartGroups(() => {
      host.requestUpdate();
    });
    this.#rooms = new ChartRooms(host, (metrics) => {
      host.model.look(metrics);
    });
    host.addController(this);
  }

  /** Is the chart of a metric made, or is there only room for it? @param count metrics in all */
  isMade(metric: string, count: number): boolean {
    return this.#maximised === metric || this.#rooms.isMade(metric, count);
  }

  /** The metric whose chart fills the page. */
  get maximised(): string | null {
    return this.#maximised;
  }

  hostConnected(): void {
    const host = this.#host;
    const update = (): void => {
      host.requestUpdate();
    };
    const { settings, zoom, yZooms } = host.sync;
    const ask = (): void => {
      host.model.placeOn(counterOf(settings.value.xAxis));
      host.model.smoothBy(settings.value.smoothing);
    };
    ask();
    this.#stop = [settings.listen(ask), settings.listen(update), zoom.listen(update), yZooms.listen(update)];
    host.addEventListener("chart-maximise", this.#onMaximise);
    host.addEventListener("copy-text", this.#onCopy);
    host.addEventListener("keydown", this.#onKey);
  }

  hostDisconnected(): void {
    for (const stop of this.#stop) stop();
    this.#stop = [];
    this.#host.removeEventListener("chart-maximise", this.#onMaximise);
    this.#host.removeEventListener("copy-text", this.#onCopy);
    this.#host.removeEventListener("keydown", this.#onKey);
  }

  #maximise(metric: string | null): void {
    this.#maximised = metric;
    this.#host.requestUpdate();
  }

  readonly #onCopy = (event: Event): void => {
    this.#host.model.transport.command({ command: "copy", text: (event as CustomEvent<string>).detail });
  };

  readonly #onMaximise = (event: Event): void => {
    const metric = (event as CustomEvent<string>).detail;
    this.#maximise(this.#maximised === metric ? null : metric);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.#maximised !== null) this.#maximise(null);
    else if (event.key === "/" && !(event.composedPath()[0] instanceof HTMLInputElement)) {
      event.preventDefault();
      this.#host.filterBox.focus();
    }
  };
}
