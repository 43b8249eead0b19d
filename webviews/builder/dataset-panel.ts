/** The dataset of a document: its shape, its rows, and the rows as the training sees them, token by token. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import type { DatasetPreview, DatasetRow, DocumentRequest, RenderedDataset } from "../../protocol/documents.ts";
import type { TrainyardError } from "../../protocol/errors.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatBytes, formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { asProblem } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";

const PAUSE_MS = 700;
const PATIENCE_MS = 120_000;

@customElement("ty-dataset-panel")
export class DatasetPanel extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
        display: block;
        padding: 4px 16px 12px;
        flex: 1;
        min-height: 0;
        overflow: auto;
        font-size: 12px;
      }
      h3 {
        margin: 12px 0 4px;
        font-size: 12px;
        font-weight: 600;
      }
      .row {
        padding: 6px 0;
        border-top: 1px solid var(--hairline);
        overflow-wrap: anywhere;
      }
      .segment,
      .value {
        white-space: pre-wrap;
      }
      .row .number {
        float: right;
        margin-left: 8px;
      }
      .bad {
        color: var(--vscode-testing-iconFailed);
      }
      .segment.masked {
        color: var(--secondary);
      }
      .segment.trained {
        background: color-mix(in srgb, var(--vscode-charts-green) 24%, transparent);
        border-bottom: 1px solid var(--vscode-charts-green);
      }
      .segment.rejected {
        background: color-mix(in srgb, var(--vscode-charts-orange) 24%, transparent);
        border-bottom: 1px solid var(--vscode-charts-orange);
      }
      .segment.cut {
        text-decoration: line-through;
        opacity: 0.6;
      }
      .histogram {
        display: flex;
        align-items: flex-end;
        gap: 1px;
        height: 56px;
      }
      .histogram span {
        flex: 1;
        min-height: 1px;
        background: var(--vscode-charts-blue);
      }
      .histogram span.over {
        background: var(--vscode-charts-orange);
      }
      .ends {
        display: flex;
        justify-content: space-between;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  /** null while the document is not whole. */
  @property({ attribute: false }) request: DocumentRequest | null = null;
  @state() private preview: DatasetPreview | null = null;
  @state() private rendered: RenderedDataset | null = null;
  @state() private problem: TrainyardError | null = null;
  @state() private busy = false;
  #asked = "";
  #timer: number | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    const key = JSON.stringify(this.request);
    if (!changed.has("request") || key === this.#asked) return;
    this.#asked = key;
    this.rendered = null;
    clearTimeout(this.#timer);
    // The first look is at once; after that, when typing has paused.
    this.#timer = window.setTimeout(() => void this.#load(key), this.preview === null ? 0 : PAUSE_MS);
  }

  override render(): TemplateResult {
    const { preview, problem } = this;
    return html`${this.busy ? html`<div class="loading" role="progressbar" aria-label="Reading the dataset"></div>` : nothing}
    ${problem === null ? nothing : html`<p role="alert">${icon("error")} ${problem.message} <span class="secondary">${problem.hint ?? ""}</span></p>`}
    ${this.request === null ? html`<p class="secondary">The rows appear here once the document can be read.</p>` : nothing}
    ${preview === null ? nothing : this.#shape(preview)} ${this.rendered === null ? nothing : this.#tokens(this.rendered)}
    ${preview === null || this.rendered !== null ? nothing : this.#rows(preview)}`;
  }

  #shape(preview: DatasetPreview): TemplateResult {
    const count = preview.row_count;
    const rows = count === null ? "" : `${count.exact ? "" : "about "}${counted(count.value, "row")} · `;
    return html`<p data-testid="dataset-shape">
        <b>${preview.shape ?? "unknown shape"}</b>
        <span class="secondary"
          >· ${rows}${formatBytes(preview.size_bytes)} · ${preview.columns.map((column) => column.name).join(", ")}</span
        >
        ${preview.usable === false ? html`<span class="bad">The recipe does not learn from this shape.</span>` : nothing}
      </p>
      ${preview.problems.map((found) => html`<p class="bad">${found.message} <span class="secondary">${found.hint ?? ""}</span></p>`)}
      ${
        preview.usable === true
          ? html`<button class="button" data-testid="render-dataset" ?disabled=${this.busy} @click=${() => void this.#render()}>
              ${icon("eye")} Show as tokens
            </button>`
          : nothing
      }`;
  }

  #rows(preview: DatasetPreview): TemplateResult {
    const row = (each: DatasetRow): TemplateResult =>
      html`<div class="row" data-testid="dataset-row">
        <span class="secondary number">${each.number === null ? "…" : formatInteger(each.number)}</span>
        ${each.problem === null ? nothing : html`<div class="bad">${each.line === null ? "" : `Line ${String(each.line)}: `}${each.problem}</div>`}
        ${Object.entries(each.value ?? {}).map(
          ([name, value]) =>
            html`<div>
              <span class="mono secondary">${name}</span>
              <span class="value">${typeof value === "string" ? value : JSON.stringify(value)}</span>
            </div>`,
        )}
      </div>`;
    return html`<h3>Rows</h3>
      ${preview.head.map(row)} ${preview.sampled.length === 0 ? nothing : html`<h3>Further in</h3>`} ${preview.sampled.map(row)}`;
  }

  #tokens(rendered: RenderedDataset): TemplateResult {
    const { lengths } = rendered;
    const most = Math.max(1, ...lengths.bins.map((bin) => bin.rows));
    return html`<h3>
        Length in tokens <span class="secondary">mean ${Math.round(lengths.mean)}, 95 % under ${lengths.p95}, longest ${lengths.max}</span>
      </h3>
      <div
        class="histogram"
        role="img"
        aria-label="Histogram of ${counted(lengths.rows, "row")}, longest ${counted(lengths.max, "token")}"
        data-testid="token-histogram"
      >
        ${lengths.bins.map(
          (bin) =>
            html`<span
              class=${bin.from >= rendered.max_length ? "over" : ""}
              title="${bin.from} to ${counted(bin.to, "token")}: ${counted(bin.rows, "row")}"
              ${cssProperties({ height: `${String((100 * bin.rows) / most)}%` })}
            ></span>`,
        )}
      </div>
      <div class="ends secondary"><span>${lengths.bins[0]?.from ?? 0}</span><span>${lengths.bins.at(-1)?.to ?? 0}</span></div>
      <p class="secondary">
        ${lengths.over === 0 ? "All rows" : `${formatInteger(lengths.over)} of ${counted(lengths.rows, "row")} do not`} fit into
        ${formatInteger(rendered.max_length)} tokens of ${rendered.tokenizer}.
        ${rendered.template === null ? "" : rendered.template === "plain" ? "The tokenizer has no chat template: a plain one is used." : "The chat template is the tokenizer's."}
      </p>
      ${rendered.problems.map((found) => html`<p class="bad">${found.message}</p>`)}
      <h3>Rows <span class="segment trained">trained</span> <span class="segment masked">masked</span></h3>
      ${rendered.rows.map(
        (row) =>
          html`<div class="row mono" data-testid="rendered-row">
            <span class="secondary number">${formatInteger(row.number)} · ${row.trained_tokens} of ${row.tokens} trained</span>${
              row.problem === null ? nothing : html`<div class="bad">${row.problem}</div>`
            }${row.segments.map((segment) => html`<span class="segment ${segment.kind}" title="${segment.kind}, ${segment.tokens} tokens">${segment.text}</span>`)}
          </div>`,
      )}`;
  }

  async #load(key: string): Promise<void> {
    const { request } = this;
    if (request === null) return;
    await this.#ask(key, async () => {
      const preview = await this.transport.request("previewDataset", { body: { ...request, rows: 10 }, timeoutMs: PATIENCE_MS });
      if (key === this.#asked) this.preview = preview;
    });
  }

  async #render(): Promise<void> {
    const { request } = this;
    const key = this.#asked;
    if (request === null) return;
    await this.#ask(key, async () => {
      const rendered = await this.transport.request("renderDataset", { body: request, timeoutMs: PATIENCE_MS });
      if (key === this.#asked) this.rendered = rendered;
    });
  }

  async #ask(key: string, action: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = null;
    try {
      await action();
    } catch (error) {
      if (key === this.#asked) {
        this.preview = null;
        this.problem = asProblem(error);
      }
    } finally {
      if (key === this.#asked) this.busy = false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-dataset-panel": DatasetPanel;
  }
}
