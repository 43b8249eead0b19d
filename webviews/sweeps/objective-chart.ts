/** The chart of a sweep's objective; a click on a mark opens its run. The table below says the same in words. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import type { SweepDetail } from "../../protocol/sweep.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import type { PlotRow } from "../plots/plot-data.ts";
import type { VegaLiteSpec } from "../plots/plot-spec.ts";
import { PlotSurface } from "../plots/plot-surface.ts";
import type { Transport } from "../transport/transport.ts";
import { objectiveRows, objectiveSpec } from "./objective-spec.ts";

@customElement("ty-objective-chart")
export class ObjectiveChart extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: block;
        min-height: 200px;
        overflow: hidden;
      }
      .none {
        padding: 20px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) sweep!: SweepDetail;
  /** Redrawn only when what it shows is different: a sweep is asked for far more often. */
  #spec: VegaLiteSpec | null = null;
  #drawn = "";
  readonly #surface = new PlotSurface(this);

  override render(): TemplateResult | typeof nothing {
    const { sweep } = this;
    const { size } = this.#surface;
    if (sweep.objective === null)
      return html`<div class="none secondary">The document names no objective: no run is better than another.</div>`;
    const rows = objectiveRows(sweep);
    if (rows.length === 0) return html`<div class="none secondary">No run has logged ${sweep.objective.metric} yet.</div>`;
    if (size.width === 0) return nothing;
    const key = JSON.stringify([rows, size, documentTheme().value.kind]);
    if (key !== this.#drawn) {
      this.#drawn = key;
      this.#spec = objectiveSpec(sweep, documentTheme().value.kind, size);
    }
    const { metric } = sweep.objective;
    return html`<ty-vega-plot
      .spec=${this.#spec}
      .rows=${rows}
      .names=${{ x: "run", y: metric, color: "state" }}
      .label="${metric} over the runs of ${sweep.name}, ${counted(rows.length, "mark")}"
      @mark=${(event: CustomEvent<PlotRow>) => {
        if (event.detail.id !== undefined) this.transport.command({ command: "open_run", run: event.detail.id });
      }}
    ></ty-vega-plot>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-objective-chart": ObjectiveChart;
  }
}
