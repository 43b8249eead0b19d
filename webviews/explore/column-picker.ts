/** Which columns the table has: searched by name, ticked, taken back to those that suit the runs. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { baseStyles } from "../components/styles.ts";
import { type ColumnKey, columnTitle } from "./columns.ts";

/** More matches than this are found by searching. */
const MOST_SHOWN = 200;

@customElement("ty-column-picker")
export class ColumnPicker extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: absolute;
        right: 0;
        top: 26px;
        z-index: 10;
        display: flex;
        flex-direction: column;
        width: 280px;
        max-height: min(420px, 70vh);
        padding: 8px;
        gap: 6px;
        font-size: 12px;
        color: var(--vscode-editorHoverWidget-foreground, var(--vscode-foreground));
        background: var(--vscode-editorHoverWidget-background);
        border: 1px solid var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent));
        border-radius: 4px;
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
      }
      .input {
        flex: none;
      }
      .list {
        overflow: auto;
        min-height: 0;
      }
      h3 {
        margin: 6px 0 2px;
        font-size: 11px;
        font-weight: 600;
        color: var(--secondary);
      }
      label {
        display: flex;
        align-items: center;
        gap: 6px;
        height: 22px;
        padding: 0 4px;
      }
      label:hover {
        background: var(--hover);
      }
      input[type="checkbox"] {
        margin: 0;
        flex: none;
        accent-color: var(--vscode-progressBar-background);
      }
      .foot {
        display: flex;
        justify-content: space-between;
      }
    `,
  ];

  @property({ attribute: false }) known: { record: ColumnKey[]; params: ColumnKey[]; metrics: ColumnKey[] } = {
    record: [],
    params: [],
    metrics: [],
  };
  @property({ attribute: false }) chosen: readonly ColumnKey[] = [];
  @state() private search = "";
  @query("input") private box!: HTMLInputElement;

  override firstUpdated(): void {
    this.box.focus();
  }

  override render(): TemplateResult {
    return html`<input
        class="input"
        type="search"
        placeholder="Find a column"
        aria-label="Find a column"
        data-testid="column-search"
        .value=${this.search}
        @input=${(event: InputEvent) => {
          this.search = (event.target as HTMLInputElement).value;
        }}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === "Escape") this.#close();
        }}
      />
      <div class="list">
        ${this.#section("Run", this.known.record)} ${this.#section("Params", this.known.params)}
        ${this.#section("Metrics", this.known.metrics)}
      </div>
      <div class="foot">
        <button
          class="toggle"
          @click=${() => {
            this.#choose(null);
          }}
        >
          Reset
        </button>
        <button
          class="toggle"
          @click=${() => {
            this.#close();
          }}
        >
          Close
        </button>
      </div>`;
  }

  #section(title: string, keys: readonly ColumnKey[]): TemplateResult | typeof nothing {
    const needle = this.search.trim().toLowerCase();
    const shown = keys.filter((key) => key.toLowerCase().includes(needle)).slice(0, MOST_SHOWN);
    if (shown.length === 0) return nothing;
    return html`<h3>${title}</h3>
      ${shown.map(
        (key) =>
          html`<label
            ><input
              type="checkbox"
              data-testid="column-${key}"
              .checked=${this.chosen.includes(key)}
              @change=${() => {
                this.#choose(this.chosen.includes(key) ? this.chosen.filter((each) => each !== key) : [...this.chosen, key]);
              }}
            /><span class="truncate" title=${key}>${columnTitle(key)}</span></label
          >`,
      )}`;
  }

  #choose(columns: readonly ColumnKey[] | null): void {
    this.dispatchEvent(new CustomEvent("columns", { detail: columns }));
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent("close"));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-column-picker": ColumnPicker;
  }
}
