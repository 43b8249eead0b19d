/** The filter of the table: a chip for each condition, removed or edited in place, and a line for the next one. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { FieldInfo } from "../../protocol/analysis.ts";
import type { Slug } from "../../protocol/ids.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import type { ExpressionInput } from "./expression-input.ts";
import "./expression-input.ts";
import {
  checkFilter,
  type FilterError,
  isSearch,
  lastLoneField,
  locateError,
  searchedWords,
  searchExpression,
  splitClauses,
  unknownFields,
} from "./filter-text.ts";

export interface FilterChange {
  readonly clauses: readonly string[];
  /** A condition that is being written, once it is whole; else "". */
  readonly typed: string;
}

/** Typing goes on meanwhile; the rows follow when it rests. */
const REST_MS = 150;

@customElement("ty-filter-bar")
export class FilterBar extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 3px 4px;
        min-height: 26px;
        padding: 1px 6px;
        background: var(--vscode-input-background);
        border: 1px solid var(--vscode-input-border, color-mix(in srgb, var(--vscode-foreground) 20%, transparent));
        border-radius: 4px;
      }
      .bar:focus-within {
        outline: 1px solid var(--focus);
        outline-offset: -1px;
      }
      .bar > .icon {
        font-size: 14px;
        color: var(--secondary);
      }
      .chip {
        display: inline-flex;
        align-items: center;
        max-width: min(420px, 100%);
        height: 20px;
        border-radius: 3px;
        background: color-mix(in srgb, var(--vscode-foreground) 12%, transparent);
        border: 1px solid var(--vscode-contrastBorder, transparent);
      }
      .chip.wrong {
        border-color: var(--vscode-inputValidation-errorBorder, var(--vscode-errorForeground));
      }
      .chip .text {
        height: 100%;
        padding: 0 2px 0 6px;
        max-width: 100%;
      }
      .chip .remove {
        width: 18px;
        height: 18px;
      }
      .chip .remove .icon {
        font-size: 12px;
      }
      .edit {
        min-width: min(260px, 100%);
        border-radius: 3px;
        outline: 1px solid var(--focus);
      }
      .next {
        flex: 1;
        min-width: 160px;
      }
      .count {
        flex: none;
        padding-left: 6px;
      }
      .error {
        padding: 3px 6px 2px;
        color: var(--vscode-errorForeground);
      }
      .error code {
        font-family: var(--vscode-editor-font-family, monospace);
        color: var(--vscode-foreground);
      }
      .error mark {
        color: inherit;
        background: none;
        text-decoration: underline wavy var(--vscode-errorForeground);
        text-underline-offset: 3px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: Slug | null = null;
  @property({ attribute: false }) fields: readonly FieldInfo[] = [];
  @property({ attribute: false }) clauses: readonly string[] = [];
  /** What the server found wrong, and where the clauses begin in what it was asked. */
  @property({ attribute: false }) refused: FilterError | null = null;
  @property({ attribute: false }) starts: readonly number[] = [];
  @property() count = "";
  @property() placeholder = "Filter: words, or a condition like params.lr < 1e-3";
  @state() private text = "";
  @state() private editing: number | null = null;
  @state() private error: { readonly text: string; readonly error: FilterError } | null = null;
  @query(".next") private next!: ExpressionInput;
  #timer: number | undefined;
  #applied = "";

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  override focus(): void {
    this.next.focus();
  }

  override updated(): void {
    if (this.editing !== null) {
      const input = this.renderRoot.querySelector<ExpressionInput>(".edit");
      if (input !== null && !input.matches(":focus-within"))
        void input.updateComplete.then(() => {
          input.focus();
        });
    }
  }

  override render(): TemplateResult {
    const refused = this.refused === null ? null : locateError(this.refused, this.starts);
    const shown = this.error ?? (refused === null ? null : { text: this.#textOf(refused.clause), error: refused.error });
    return html`<div class="bar">
        ${icon("filter")}
        ${this.clauses.map((clause, index) => (index === this.editing ? this.#editor(clause, index) : this.#chip(clause, index, refused?.clause === index)))}
        <ty-expression-input
          class="next"
          data-testid="explore-search"
          .transport=${this.transport}
          .project=${this.project}
          .fields=${this.fields}
          .value=${this.text}
          .placeholder=${this.clauses.length === 0 ? this.placeholder : ""}
          @text=${this.#onText}
          @commit=${this.#onCommit}
          @cancel=${() => {
            this.#write("");
          }}
          @back=${() => {
            if (this.clauses.length > 0) this.editing = this.clauses.length - 1;
          }}
          @down=${() => this.dispatchEvent(new CustomEvent("leave-filter"))}
        ></ty-expression-input>
        ${
          this.clauses.length + this.text.length === 0
            ? nothing
            : html`<button
                class="icon-button"
                title="Clear the filter"
                aria-label="Clear the filter"
                data-testid="filter-clear"
                @click=${this.#clear}
              >
                ${icon("close")}
              </button>`
        }
        <span class="count secondary" data-testid="explore-count">${this.count}</span>
      </div>
      ${shown === null ? nothing : this.#problem(shown.text, shown.error)}`;
  }

  #textOf(clause: number): string {
    return clause < this.clauses.length ? (this.clauses[clause] ?? "") : this.#applied;
  }

  #chip(clause: string, index: number, wrong: boolean): TemplateResult {
    const words = searchedWords(clause);
    const label = words === null ? clause : `“${words}”`;
    return html`<span class="chip ${wrong ? "wrong" : ""}" data-testid="filter-chip"
      ><button
        class="text truncate"
        title="${words === null ? clause : `name, tag or note contains ${words}`} (click to edit)"
        @click=${() => {
          this.editing = index;
        }}
      >
        ${label}</button
      ><button
        class="icon-button remove"
        aria-label="Remove the condition ${label}"
        data-testid="chip-remove"
        @click=${() => {
          this.#send(
            this.clauses.filter((_, other) => other !== index),
            this.#applied,
          );
          this.focus();
        }}
      >
        ${icon("close")}
      </button></span
    >`;
  }

  #editor(clause: string, index: number): TemplateResult {
    const done = (event: Event): void => {
      const text = (event as CustomEvent<string>).detail.trim();
      const parts = text === "" ? [] : this.#parts(text);
      if (parts === null) return;
      this.editing = null;
      this.#send([...this.clauses.slice(0, index), ...parts, ...this.clauses.slice(index + 1)], this.#applied);
      this.focus();
    };
    const leave = (): void => {
      this.editing = null;
      this.error = null;
    };
    return html`<ty-expression-input
      class="edit"
      data-testid="chip-edit"
      label="Condition"
      .transport=${this.transport}
      .project=${this.project}
      .fields=${this.fields}
      .value=${searchedWords(clause) ?? clause}
      @commit=${done}
      @cancel=${() => {
        leave();
        this.focus();
      }}
      @leave=${leave}
    ></ty-expression-input>`;
  }

  #problem(text: string, { message, hint, span }: FilterError): TemplateResult {
    const place = span === null ? null : { start: Math.max(0, span.start), end: Math.max(span.end, span.start + 1) };
    return html`<div class="error" role="alert" data-testid="filter-error" data-start=${place?.start ?? ""}>
      ${
        place === null
          ? nothing
          : html`<code
                >${text.slice(0, place.start)}<mark>${text.slice(place.start, place.end) || "\u00a0"}</mark>${text.slice(place.end)}</code
              >: `
      }${message}${place === null ? nothing : html` (at character ${place.start + 1})`}.${hint === null ? nothing : html` ${hint}`}
    </div>`;
  }

  readonly #onText = (event: Event): void => {
    this.text = (event as CustomEvent<string>).detail;
    this.error = null;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#apply();
    }, REST_MS);
  };

  /** Filters by what is written as soon as it is whole; what is not whole yet changes nothing. */
  #apply(): void {
    const text = this.text.trim();
    if (text !== "" && !isSearch(text) && !this.#isWhole(text)) return;
    const typed = isSearch(text) ? searchExpression(text) : text;
    if (typed !== this.#applied) this.#send(this.clauses, typed);
  }

  #isWhole(text: string): boolean {
    if (checkFilter(text) !== null || unknownFields(text, this.#isKnown).length > 0) return false;
    // A field that holds no truths is no condition: it would let nothing through while the rest of it is typed.
    const lone = lastLoneField(text);
    return lone === null || this.fields.some(({ name, type }) => name === lone && (type === "boolean" || type === "mixed"));
  }

  readonly #isKnown = (field: string): boolean => this.fields.some(({ name }) => name === field);

  readonly #onCommit = (event: Event): void => {
    const text = (event as CustomEvent<string>).detail.trim();
    if (text === "") return;
    const parts = this.#parts(text);
    if (parts === null) return;
    this.text = "";
    this.#send([...this.clauses, ...parts], "");
  };

  /** The conditions of a text; null, with the error shown, when it is none. */
  #parts(text: string): readonly string[] | null {
    if (isSearch(text)) return text.split(/\s+/).map(searchExpression);
    const error = checkFilter(text);
    this.error = error === null ? null : { text, error };
    if (error === null) return splitClauses(text);
    return null;
  }

  readonly #clear = (): void => {
    this.#write("");
    this.#send([], "");
    this.focus();
  };

  #write(text: string): void {
    this.text = text;
    this.error = null;
    clearTimeout(this.#timer);
    this.#apply();
  }

  #send(clauses: readonly string[], typed: string): void {
    clearTimeout(this.#timer);
    this.#applied = typed;
    this.error = null;
    this.dispatchEvent(new CustomEvent<FilterChange>("filter", { detail: { clauses, typed } }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-filter-bar": FilterBar;
  }
}
