/** What an element needs that shows plots: the renderer, its own size, and to be drawn anew with the theme. */
import type { ReactiveController, ReactiveElement } from "lit";
import { documentTheme } from "../components/theme.ts";

export class PlotSurface implements ReactiveController {
  readonly #host: ReactiveElement;
  /** CSS pixels of the element's content; 0 until it was laid out. */
  size = { width: 0, height: 0 };
  #offTheme: () => void = () => undefined;
  readonly #resized = new ResizeObserver(([entry]) => {
    if (entry === undefined) return;
    this.size = { width: Math.round(entry.contentRect.width), height: Math.round(entry.contentRect.height) };
    this.#host.requestUpdate();
  });

  constructor(host: ReactiveElement) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    // Vega-Lite is large: only who looks at a chart loads it.
    void import("./vega-plot.ts");
    this.#resized.observe(this.#host);
    this.#offTheme = documentTheme().listen(() => {
      this.#host.requestUpdate();
    });
  }

  hostDisconnected(): void {
    this.#resized.disconnect();
    this.#offTheme();
  }
}
