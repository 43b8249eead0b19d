/** Draws a Vega-Lite specification: compiled here, evaluated by Vega's interpreter, so that it runs under a policy without unsafe-eval. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type Config, type TopLevelSpec } from "vega-lite";
import { isLight } from "../charts/palette.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatValue } from "../components/format.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme, type Theme } from "../components/theme.ts";
import { placed, type PlotRow } from "./plot-data.ts";
import type { VegaLiteSpec } from "./plot-spec.ts";

/** Characters of a value that a tooltip shows. */
const MOST_TIP = 120;

interface Shown {
  readonly x: number;
  readonly y: number;
  readonly row: PlotRow;
}

/** Says `mark` with the row of a mark that was clicked. */
@customElement("ty-vega-plot")
export class VegaPlot extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
        display: block;
        min-height: 0;
        overflow: auto;
      }
      .tip {
        position: absolute;
        z-index: 5;
        left: var(--x);
        top: var(--y);
        max-width: 280px;
        padding: 4px 8px;
        font-size: 12px;
        pointer-events: none;
        color: var(--vscode-editorHoverWidget-foreground, var(--vscode-foreground));
        background: var(--vscode-editorHoverWidget-background);
        border: 1px solid var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent));
        border-radius: 4px;
      }
      dl {
        display: grid;
        grid-template-columns: auto auto;
        gap: 0 10px;
        margin: 0;
      }
      dd {
        margin: 0;
        text-align: right;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) spec: VegaLiteSpec | null = null;
  /** What the marks stand for, in the order of the specification's data. */
  @property({ attribute: false }) rows: readonly PlotRow[] = [];
  /** What the fields of the marks are called, by `x`, `y`, `color`, `facet`. */
  @property({ attribute: false }) names: Readonly<Record<string, string>> = {};
  @property() label = "";
  @state() private tip: Shown | null = null;
  @query(".host") private host!: HTMLElement;
  #view: View | null = null;
  #stop: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = documentTheme().listen(() => {
      this.requestUpdate("spec");
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#view?.finalize();
    this.#view = null;
  }

  override updated(changed: PropertyValues): void {
    if (changed.has("spec")) void this.#draw();
  }

  override render(): TemplateResult {
    return html`<div class="host" role="img" data-testid="plot-canvas"></div>
      ${this.tip === null ? nothing : this.#tooltip(this.tip)}`;
  }

  /** The picture on the theme's ground, twice as fine as on the screen. */
  async png(): Promise<Blob | null> {
    const view = this.#view;
    if (view === null) return null;
    const drawn = await view.background(documentTheme().value.background).toCanvas(2);
    view.background("transparent");
    await view.runAsync();
    return new Promise((resolve) => {
      drawn.toBlob(resolve);
    });
  }

  #tooltip({ x, y, row }: Shown): TemplateResult {
    const lines = Object.entries({ ...row })
      .filter(([key]) => key !== "id")
      .map(([key, value]): [string, string] => [
        this.names[key] ?? key,
        typeof value === "number" ? formatValue(value) : value.length > MOST_TIP ? `${value.slice(0, MOST_TIP)}…` : value,
      ]);
    return html`<div class="tip" ${cssProperties({ "--x": `${String(x)}px`, "--y": `${String(y)}px` })} data-testid="plot-tip">
      <dl>
        ${lines.map(
          ([name, value]) =>
            html`<dt class="secondary">${name}</dt>
              <dd>${value}</dd>`,
        )}
      </dl>
    </div>`;
  }

  async #draw(): Promise<void> {
    this.#view?.finalize();
    this.#view = null;
    this.host.replaceChildren();
    if (this.spec === null) return;
    const view = viewOf(withPlaces(this.spec), "canvas");
    this.#view = view;
    const { rows } = this;
    const rowOf = (datum: unknown): PlotRow | null => rows[placeOf(datum)] ?? null;
    view.addEventListener("click", (_, item) => {
      const row = rowOf(item?.datum);
      if (row !== null) this.dispatchEvent(new CustomEvent<PlotRow>("mark", { detail: row }));
    });
    view.addEventListener("pointermove", (event, item) => {
      const row = rowOf(item?.datum);
      this.tip = row === null ? null : { ...this.#placeOf(event as unknown as PointerEvent), row };
    });
    view.addEventListener("pointerout", () => {
      this.tip = null;
    });
    // Vega names the host by the description.
    await view.description(this.label).initialize(this.host).runAsync();
    this.dispatchEvent(new CustomEvent("drawn"));
  }

  /** Beside the pointer, within this element. */
  #placeOf(event: PointerEvent): { x: number; y: number } {
    const box = this.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x: x > box.width - 240 ? Math.max(0, x - 240) : x + 14, y: y > box.height - 120 ? Math.max(0, y - 110) : y + 14 };
  }
}

/** A specification as SVG, without a page to draw it on. */
export async function specToSvg(spec: VegaLiteSpec): Promise<string> {
  const view = viewOf(spec, "none");
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

function viewOf(source: VegaLiteSpec, renderer: "canvas" | "none"): View {
  // The specification is JSON; vega-lite's type tells what it is made of, and compile says what it cannot be.
  const { spec } = compile(source as unknown as TopLevelSpec, { config: plotConfig(documentTheme().value) });
  return new View(parse(spec, {}, { ast: true }), { expr: expressionInterpreter, renderer, hover: false });
}

/** A drawing in layers has data in each of them, and says itself which are marks. */
function withPlaces(spec: VegaLiteSpec): VegaLiteSpec {
  const data = spec["data"] as { readonly values: readonly PlotRow[] } | undefined;
  return data === undefined ? spec : { ...spec, data: { values: placed(data.values) } };
}

/** -1 for what is no mark of the data: axes, legends. */
function placeOf(datum: unknown): number {
  return typeof datum === "object" && datum !== null && "place" in datum && typeof datum.place === "number" ? datum.place : -1;
}

function plotConfig(theme: Theme): Config {
  const contrast = theme.kind.startsWith("high-contrast");
  const light = isLight(theme.kind);
  const text = {
    labelColor: theme.foreground,
    titleColor: theme.foreground,
    labelFont: theme.fontFamily,
    titleFont: theme.fontFamily,
    labelFontSize: 11,
    titleFontSize: 11,
  };
  return {
    font: theme.fontFamily,
    axis: {
      ...text,
      titleFontWeight: "normal",
      labelOpacity: contrast ? 1 : light ? 0.8 : 0.74,
      ticks: false,
      labelPadding: 6,
      gridColor: theme.foreground,
      gridOpacity: contrast ? 0.3 : 0.08,
      domainColor: theme.foreground,
      domainOpacity: contrast ? 1 : 0.28,
    },
    legend: { ...text, titleFontWeight: "bold", symbolOpacity: 1 },
    header: { ...text, titleFontWeight: "normal", labelFontWeight: "bold" },
    axisQuantitative: { tickCount: 6 },
    // Where a part of a faceted plot is narrow.
    axisX: { labelOverlap: "greedy", labelSeparation: 6 },
    view: { stroke: "transparent" },
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-vega-plot": VegaPlot;
  }
}
