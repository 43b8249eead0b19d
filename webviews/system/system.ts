/** The machine over the last hours: GPUs, CPU, memory, disk. Kept current while the page is looked at. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { DEFAULT_GPU_LIMITS, gpuWarnings, type GpuLimits } from "../../protocol/gpu-warnings.ts";
import type { SystemSample } from "../../protocol/system.ts";
import { icon } from "../components/icons.ts";
import "../components/offline.ts";
import { pageStyles, scrollingPageStyles } from "../components/page-styles.ts";
import { problemOf } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import { PlotSurface } from "../plots/plot-surface.ts";
import type { Subscription, Transport } from "../transport/transport.ts";
import { figureSpec } from "./figure-spec.ts";
import { figuresOf, figureText, type Figure } from "./figures.ts";

const WINDOWS = [
  [15, "15 min"],
  [60, "1 h"],
  [240, "4 h"],
  [1440, "24 h"],
] as const;
/** As many as a wide chart has pixels. */
const MAX_POINTS = 600;
/** Drawn anew at most so often; samples come every two seconds. */
const REFRESH_MS = 5000;
const NARROWEST_PX = 380;
const HEIGHT_PX = 220;
const GUTTER_PX = 20;

@customElement("ty-system")
export class System extends LitElement {
  static override styles = [
    ...baseStyles,
    pageStyles,
    scrollingPageStyles,
    css`
      .warning {
        display: flex;
        gap: 6px;
        padding: 6px 20px 0;
      }
      .warning .icon {
        color: var(--vscode-list-warningForeground, var(--vscode-charts-yellow));
      }
      .figures {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(380px, 100%), 1fr));
      }
      figure {
        margin: 0;
        padding: 8px 20px 4px;
        min-width: 0;
        border-bottom: 1px solid var(--hairline);
      }
      figcaption {
        display: flex;
        gap: 8px;
        align-items: baseline;
        padding-bottom: 4px;
        font-size: 12px;
      }
      figcaption .secondary {
        font-size: 11px;
      }
      ty-vega-plot {
        min-height: 220px;
        overflow: hidden;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @state() private minutes = 60;
  @state() private samples: readonly SystemSample[] | null = null;
  @state() private limits: GpuLimits = DEFAULT_GPU_LIMITS;
  @state() private problem: string | null = null;
  #subscription: Subscription | null = null;
  #refresh: number | undefined;
  readonly #surface = new PlotSurface(this);

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#subscription?.close();
    this.#subscription = null;
    clearTimeout(this.#refresh);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("transport")) return;
    this.transport.setTitle("System");
    this.#subscription?.close();
    // Whoever listens makes the machine be sampled at its full rate.
    this.#subscription = this.transport.subscribe(
      { topic: "system" },
      {
        message: () => {
          this.#refresh ??= window.setTimeout(() => void this.#load(), REFRESH_MS);
        },
      },
    );
    void this.#load();
  }

  override render(): TemplateResult {
    const { samples } = this;
    const newest = samples?.at(-1);
    const figures = samples === null ? [] : figuresOf(samples, this.limits);
    return html`<div class="head">
        <h1>System</h1>
        <ty-offline .transport=${this.transport}></ty-offline>
        <span class="secondary">${newest === undefined ? "" : (newest.gpus[0]?.name ?? "no GPU")}</span>
        <div class="actions">
          <span class="segments" role="radiogroup" aria-label="Time">
            ${WINDOWS.map(
              ([minutes, label]) =>
                html`<button
                  role="radio"
                  aria-checked=${this.minutes === minutes ? "true" : "false"}
                  data-testid="system-${String(minutes)}"
                  @click=${() => {
                    this.minutes = minutes;
                    void this.#load();
                  }}
                >
                  ${label}
                </button>`,
            )}
          </span>
        </div>
        ${this.problem === null ? nothing : html`<div class="problem" role="alert" data-testid="system-problem">${this.problem}</div>`}
      </div>
      ${newest?.gpus
        .flatMap((gpu) => gpuWarnings(gpu, this.limits))
        .map(
          ({ message, hint }) =>
            html`<div class="warning" role="status" data-testid="system-warning">
              ${icon("warning")}<span>${message}. <span class="secondary">${hint}</span></span>
            </div>`,
        )}
      ${samples?.length === 0 ? html`<div class="none secondary">The machine has not been sampled yet.</div>` : nothing}
      <div class="figures">
        ${repeat(
          figures,
          ({ id }) => id,
          (figure) => this.#figure(figure),
        )}
      </div>`;
  }

  #figure(figure: Figure): TemplateResult {
    const text = figureText(figure);
    return html`<figure data-testid="system-${figure.id}">
      <figcaption><b>${figure.title}</b><span class="secondary">${text}</span></figcaption>
      ${
        this.#surface.size.width === 0
          ? nothing
          : html`<ty-vega-plot
              .spec=${figureSpec(figure, documentTheme().value.kind, this.#size)}
              .label="${figure.title}: ${text}"
            ></ty-vega-plot>`
      }
    </figure>`;
  }

  get #size(): { width: number; height: number } {
    const { width } = this.#surface.size;
    const columns = Math.max(1, Math.floor(width / NARROWEST_PX));
    return { width: Math.floor(width / columns) - 2 * GUTTER_PX, height: HEIGHT_PX };
  }

  async #load(): Promise<void> {
    const { minutes } = this;
    this.problem = await problemOf(async () => {
      const { samples } = await this.transport.request("getSystem", { query: { minutes, max_points: MAX_POINTS } });
      const limits = await this.transport.request("getNotifySettings", {});
      if (minutes !== this.minutes) return;
      this.samples = samples;
      this.limits = limits;
    });
    clearTimeout(this.#refresh);
    this.#refresh = undefined;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-system": System;
  }
}
