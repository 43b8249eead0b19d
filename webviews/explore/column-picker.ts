/** Which columns the table has and in which order: searched by name, ticked, moved, pinned, taken back to those that suit the runs. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { FieldInfo } from "../../protocol/analysis.ts";
import type { TableColumn } from "../../protocol/saved.ts";
import { icon } from "../components/icons.ts";
import { baseStyles, hoverSurface } from "../components/styles.ts";
import { changeColumn, moveColumn } from "./column-layout.ts";
import { type Field, fieldTitle, isMetricPart } from "./fields.ts";
import { MOST_COLUMNS } from "./scope.ts";

/** More matches than this are found by searching. */
const MOST_SHOWN = 200;
const SECTIONS = [
  ["Run", "record."],
  ["Params", "params."],
  ["Metrics", "metrics."],
  ["Derived", "derived."],
] as const;

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
        width: min(320px, calc(100vw - 24px));
        max-height: min(520px, 70vh);
        padding: 8px;
        gap: 6px;
        font-size: 12px;
        ${hoverSurface}
      }
      @container page (max-width: 560px) {
        :host {
          position: fixed;
          left: 12px;
          right: 12px;
          top: auto;
          width: auto;
        }
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
      .line {
        display: flex;
        align-items: center;
        gap: 2px;
        height: 22px;
        padding: 0 4px;
        border-radius: 3px;
      }
      .line:hover {
        background: var(--hover);
      }
      .line.target {
        box-shadow: inset 0 2px var(--focus);
      }
      label {
        flex: 1;
        display: flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
      }
      .count {
        flex: none;
        font-size: 11px;
      }
      .icon-button {
        flex: none;
        width: 20px;
        height: 20px;
      }
      .icon-button .icon {
        font-size: 14px;
      }
      .icon-button[aria-pressed="false"] {
        opacity: 0.4;
      }
      .foot {
        display: flex;
        justify-content: space-between;
      }
    `,
  ];

  @property({ attribute: false }) known: ReadonlyMap<Field, FieldInfo> = new Map();
  @property({ attribute: false }) chosen: readonly TableColumn[] = [];
  @state() private search = "";
  @state() private dragged: Field | null = null;
  @state() private over: Field | null = null;
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
        ${this.search === "" ? this.#chosenList() : nothing} ${SECTIONS.map(([title, start]) => this.#section(title, start))}
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

  /** The columns in their order: pinned ones first, as the table shows them. */
  #chosenList(): TemplateResult {
    const ordered = this.chosen.toSorted((a, b) => Number(b.pinned) - Number(a.pinned));
    return html`<h3>Shown, in this order</h3>
      ${ordered.map(
        ({ field, pinned }, index) =>
          html`<div
            class="line ${this.over === field ? "target" : ""}"
            draggable="true"
            data-testid="shown-${field}"
            @dragstart=${(event: DragEvent) => {
              this.dragged = field;
              event.dataTransfer?.setData("text/plain", field);
            }}
            @dragover=${(event: DragEvent) => {
              event.preventDefault();
              this.over = field;
            }}
            @dragend=${() => {
              this.dragged = null;
              this.over = null;
            }}
            @drop=${(event: DragEvent) => {
              event.preventDefault();
              const from = ordered.findIndex((column) => column.field === this.dragged);
              if (this.dragged !== null && from >= 0) this.#choose(moveColumn(this.chosen, this.dragged, index - from));
            }}
          >
            ${this.#tick(field)} ${this.#button("chevron-up", "Move up", field, () => moveColumn(this.chosen, field, -1))}
            ${this.#button("chevron-down", "Move down", field, () => moveColumn(this.chosen, field, 1))}
            <button
              class="icon-button"
              aria-label="Pin ${field}"
              title=${pinned ? "Let it scroll" : "Keep it in sight"}
              aria-pressed=${pinned ? "true" : "false"}
              data-testid="pin-${field}"
              @click=${() => {
                this.#choose(changeColumn(this.chosen, field, { pinned: !pinned }));
              }}
            >
              ${icon("pin")}
            </button>
          </div>`,
      )}`;
  }

  #button(name: "chevron-up" | "chevron-down", label: string, field: Field, change: () => TableColumn[]): TemplateResult {
    return html`<button
      class="icon-button"
      aria-label="${label}: ${field}"
      title=${label}
      data-testid="${name === "chevron-up" ? "up" : "down"}-${field}"
      @click=${() => {
        this.#choose(change());
      }}
    >
      ${icon(name)}
    </button>`;
  }

  #section(title: string, start: string): TemplateResult | typeof nothing {
    const needle = this.search.trim().toLowerCase();
    const found = [...this.known.values()].filter(
      ({ name }) =>
        name.startsWith(start) &&
        name.toLowerCase().includes(needle) &&
        (needle !== "" || (!isMetricPart(name) && !this.chosen.some(({ field }) => field === name))),
    );
    if (found.length === 0) return nothing;
    return html`<h3>${title}</h3>
      ${found.slice(0, MOST_SHOWN).map(({ name, count }) => html`<div class="line">${this.#tick(name)}<span class="count secondary">${count}</span></div>`)}
      ${found.length > MOST_SHOWN ? html`<div class="secondary">${found.length - MOST_SHOWN} more: search for them.</div>` : nothing}`;
  }

  #tick(field: Field): TemplateResult {
    const shown = this.chosen.some((column) => column.field === field);
    return html`<label
      ><input
        type="checkbox"
        data-testid="column-${field}"
        .checked=${shown}
        ?disabled=${!shown && this.chosen.length >= MOST_COLUMNS}
        @change=${() => {
          this.#choose(
            shown ? this.chosen.filter((column) => column.field !== field) : [...this.chosen, { field, width: null, pinned: false }],
          );
        }}
      /><span class="truncate" title=${field}>${fieldTitle(field)}</span></label
    >`;
  }

  #choose(columns: readonly TableColumn[] | null): void {
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
