/** A line for an expression of the query language, with what may stand at the caret offered below it. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { FieldInfo } from "../../protocol/analysis.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { Slug } from "../../protocol/ids.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { complete, type Completion, type Completions, valueItems } from "./completion.ts";

const NOTHING: Completions = { from: 0, to: 0, items: [], valuesOf: null };
/** Values beyond the field index are asked for when typing rests. */
const VALUES_REST_MS = 120;

@customElement("ty-expression-input")
export class ExpressionInput extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
        display: block;
        min-width: 0;
      }
      input {
        width: 100%;
        height: 22px;
        padding: 0 4px;
        font: inherit;
        color: var(--vscode-input-foreground);
        background: transparent;
        border: 0;
      }
      input:focus {
        outline: none;
      }
      input::placeholder {
        color: var(--vscode-input-placeholderForeground);
      }
      ul {
        position: absolute;
        z-index: 20;
        top: 26px;
        left: 0;
        max-height: 264px;
        min-width: 260px;
        max-width: min(520px, 90vw);
        margin: 0;
        padding: 2px;
        overflow: auto;
        list-style: none;
        background: var(--vscode-editorSuggestWidget-background, var(--vscode-editorHoverWidget-background));
        border: 1px solid var(--vscode-editorSuggestWidget-border, var(--vscode-editorHoverWidget-border, var(--hairline)));
        border-radius: 4px;
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
      }
      li {
        display: flex;
        gap: 16px;
        justify-content: space-between;
        height: 22px;
        line-height: 22px;
        padding: 0 8px;
        border-radius: 3px;
        cursor: pointer;
        white-space: nowrap;
      }
      li:hover {
        background: var(--hover);
      }
      li[aria-selected="true"] {
        color: var(--vscode-list-activeSelectionForeground, inherit);
        background: var(--vscode-list-activeSelectionBackground, var(--hover));
      }
      li .label {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      li .detail {
        flex: none;
        font-size: 11px;
        color: var(--secondary);
      }
      li[aria-selected="true"] .detail {
        color: inherit;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: Slug | null = null;
  @property({ attribute: false }) fields: readonly FieldInfo[] = [];
  @property() value = "";
  @property() placeholder = "";
  @property() label = "Filter";
  @state() private offered: Completions = NOTHING;
  /** -1: none is chosen, Enter is for the whole text. */
  @state() private chosen = -1;
  @query("input") private input!: HTMLInputElement;
  #timer: number | undefined;
  #leaving: number | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    clearTimeout(this.#leaving);
  }

  override focus(): void {
    this.input.focus();
  }

  select(start: number, end: number): void {
    this.input.focus();
    this.input.setSelectionRange(start, end);
  }

  override render(): TemplateResult {
    const { items } = this.offered;
    return html`<input
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        aria-label=${this.label}
        aria-autocomplete="list"
        aria-expanded=${items.length > 0 ? "true" : "false"}
        aria-controls="offers"
        aria-activedescendant=${this.chosen >= 0 ? `offer-${String(this.chosen)}` : nothing}
        placeholder=${this.placeholder}
        .value=${this.value}
        @input=${this.#onInput}
        @keydown=${this.#onKey}
        @click=${this.#offer}
        @focus=${() => {
          clearTimeout(this.#leaving);
        }}
        @blur=${() => {
          // A click on an offer takes the focus for a moment.
          this.#leaving = window.setTimeout(() => {
            this.#close();
            this.dispatchEvent(new CustomEvent("leave"));
          }, 150);
        }}
      />${
        items.length === 0
          ? nothing
          : html`<ul id="offers" role="listbox" aria-label="Completions" data-testid="completions">
              ${items.map(
                (item, index) =>
                  html`<li
                    id="offer-${index}"
                    role="option"
                    aria-selected=${index === this.chosen ? "true" : "false"}
                    data-testid="completion"
                    @mousedown=${(event: MouseEvent) => {
                      event.preventDefault();
                      this.#accept(item);
                    }}
                  >
                    <span class="label">${item.label}</span><span class="detail">${item.detail}</span>
                  </li>`,
              )}
            </ul>`
      }`;
  }

  override updated(): void {
    this.renderRoot.querySelector("[aria-selected='true']")?.scrollIntoView({ block: "nearest" });
  }

  readonly #onInput = (): void => {
    this.value = this.input.value;
    this.dispatchEvent(new CustomEvent("text", { detail: this.value }));
    this.#offer();
  };

  readonly #offer = (): void => {
    const caret = this.input.selectionStart ?? this.value.length;
    const offered = complete(this.value, caret, this.fields);
    this.offered = offered;
    this.chosen = -1;
    clearTimeout(this.#timer);
    const { valuesOf } = offered;
    if (valuesOf === null || this.fields.find(({ name }) => name === valuesOf)?.unique !== null) return;
    this.#timer = window.setTimeout(() => void this.#askValues(valuesOf, offered), VALUES_REST_MS);
  };

  /** The field has more values than the index lists. */
  async #askValues(field: string, offered: Completions): Promise<void> {
    const typed = this.value.slice(offered.from, offered.to).replace(/^["'`]|["'`]$/g, "");
    try {
      const scope = this.project === null ? {} : { project: this.project };
      const { values } = await this.transport.request("listFieldValues", {
        query: { ...scope, field, limit: 50, ...(typed === "" ? {} : { search: typed }) },
      });
      if (this.offered === offered) this.offered = { ...offered, items: valueItems(values, typed) };
    } catch (error) {
      // Offers are a help: without them the text can be written all the same.
      if (!(error instanceof TrainyardError)) throw error;
    }
  }

  #accept(item: Completion): void {
    const { from, to } = this.offered;
    const ends = /[\s(]$/.test(item.insert) || this.value.slice(to).startsWith(" ");
    const inserted = ends ? item.insert : `${item.insert} `;
    this.value = this.value.slice(0, from) + inserted + this.value.slice(to);
    this.input.value = this.value;
    this.select(from + inserted.length, from + inserted.length);
    this.dispatchEvent(new CustomEvent("text", { detail: this.value }));
    this.#offer();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.offered = NOTHING;
    this.chosen = -1;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const { items } = this.offered;
    const item = items[Math.max(0, this.chosen)];
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined && items.length > 0)
      this.chosen = (Math.max(this.chosen, move < 0 ? 0 : -1) + move + items.length) % items.length;
    else if (event.key === "ArrowDown") this.dispatchEvent(new CustomEvent("down"));
    else if (event.key === "Tab" && item !== undefined && !event.shiftKey && this.value !== "") this.#accept(item);
    else if (event.key === "Enter" && this.chosen >= 0 && item !== undefined) this.#accept(item);
    else if (event.key === "Enter") {
      this.#close();
      this.dispatchEvent(new CustomEvent("commit", { detail: this.value }));
    } else if (event.key === "Escape" && items.length > 0) this.#close();
    else if (event.key === "Escape") this.dispatchEvent(new CustomEvent("cancel"));
    else if (event.key === "Backspace" && this.value === "") this.dispatchEvent(new CustomEvent("back"));
    else if (event.key === " " && event.ctrlKey) this.#offer();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-expression-input": ExpressionInput;
  }
}
