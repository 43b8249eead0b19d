/** The titles of the columns: a click sorts, Shift + click sorts further, dragging moves, the right edge resizes. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { FieldInfo } from "../../protocol/analysis.ts";
import type { TableColumn } from "../../protocol/saved.ts";
import { cssProperties } from "../components/css-vars.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { changeColumn, type ColumnLayout, MARK_PX, moveColumn, type PlacedColumn, TICK_PX } from "./column-layout.ts";
import { type Field, fieldOf, fieldTitle, isNumeric, nextSort } from "./fields.ts";

const LEAST_WIDTH = 48;
const WIDTH_STEP = 12;

@customElement("ty-grid-header")
export class GridHeader extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: grid;
        align-items: center;
        height: 26px;
        font-size: 12px;
        grid-template-columns: var(--columns);
        color: var(--secondary);
        background: var(--vscode-editor-background);
        border-bottom: 1px solid var(--hairline);
      }
      [role="columnheader"] {
        position: relative;
        display: flex;
        align-items: center;
        min-width: 0;
        height: 100%;
        padding: 0 8px;
        background: var(--vscode-editor-background);
      }
      .fixed:first-child {
        padding: 0 0 0 14px;
      }
      .fixed input {
        width: 14px;
        height: 14px;
      }
      .pinned,
      .fixed {
        position: sticky;
        left: var(--left);
        z-index: 2;
      }
      .last {
        border-right: 1px solid var(--hairline);
      }
      .number {
        justify-content: flex-end;
      }
      .title {
        display: inline-flex;
        align-items: center;
        gap: 2px;
        min-width: 0;
        max-width: 100%;
        height: 22px;
      }
      .title:hover,
      [aria-sort="ascending"] .title,
      [aria-sort="descending"] .title {
        color: var(--vscode-foreground);
      }
      .title .icon {
        font-size: 12px;
      }
      .title sup {
        font-size: 9px;
      }
      .edge {
        position: absolute;
        right: -4px;
        top: 3px;
        bottom: 3px;
        width: 8px;
        cursor: col-resize;
        touch-action: none;
        z-index: 1;
      }
      .edge:hover::after,
      .edge.dragged::after {
        content: "";
        position: absolute;
        left: 3px;
        top: 0;
        bottom: 0;
        width: 2px;
        background: var(--vscode-sash-hoverBorder, var(--focus));
      }
      .target {
        box-shadow: inset 2px 0 var(--focus);
      }
    `,
  ];

  @property({ attribute: false }) layout!: ColumnLayout;
  @property({ attribute: false }) columns: readonly TableColumn[] = [];
  @property({ attribute: false }) known: ReadonlyMap<Field, FieldInfo> = new Map();
  @property({ attribute: false }) sort: readonly string[] = [];
  @property({ attribute: false }) allSelected: "true" | "false" | "mixed" = "false";
  @property({ type: Boolean }) narrow = false;
  @state() private resized: Field | null = null;
  @state() private dragged: Field | null = null;
  @state() private over: Field | null = null;

  override render(): TemplateResult {
    const { pinned, visible } = this.layout;
    return html`<span role="columnheader" class="fixed" aria-colindex="1" ${cssProperties({ "--left": "0px" })}
        ><input
          type="checkbox"
          tabindex="-1"
          aria-label="Select all runs that pass the filter"
          data-testid="select-all"
          .checked=${this.allSelected === "true"}
          .indeterminate=${this.allSelected === "mixed"}
          @click=${() => this.dispatchEvent(new CustomEvent("select-all"))} /></span
      ><span
        role="columnheader"
        class="fixed"
        aria-colindex="2"
        aria-label="State"
        ${cssProperties({ "--left": `${String(TICK_PX)}px` })}
      ></span
      >${this.#title({ field: "record.name", width: this.layout.name, pinned: true, index: -1, left: TICK_PX + MARK_PX }, "fixed")}
      ${pinned.map((column, index) => this.#title(column, `pinned ${index === pinned.length - 1 ? "last" : ""}`))}<span
        role="presentation"
      ></span
      >${visible.map((column) => this.#title(column, ""))}`;
  }

  #title(column: PlacedColumn, style: string): TemplateResult {
    const { field, index } = column;
    const key = this.sort.findIndex((each) => fieldOf(each) === field);
    const down = this.sort[key]?.startsWith("-") ?? false;
    const movable = index >= 0;
    const last = field === "record.name" && this.layout.pinned.length === 0 && !this.narrow ? "last" : "";
    return html`<span
      role="columnheader"
      class="${style} ${last} ${isNumeric(field, this.known.get(field)) && movable ? "number" : ""} ${this.over === field ? "target" : ""}"
      aria-colindex=${index + 4}
      aria-sort=${key < 0 ? "none" : down ? "descending" : "ascending"}
      draggable=${movable && this.resized === null ? "true" : "false"}
      ${cssProperties({ "--left": `${String(column.left)}px` })}
      @dragstart=${(event: DragEvent) => {
        this.dragged = field;
        event.dataTransfer?.setData("text/plain", field);
      }}
      @dragover=${(event: DragEvent) => {
        if (this.dragged === null || !movable) return;
        event.preventDefault();
        this.over = field;
      }}
      @drop=${(event: DragEvent) => {
        event.preventDefault();
        this.#drop(column);
      }}
      @dragend=${() => {
        this.dragged = null;
        this.over = null;
      }}
    >
      <button
        class="title"
        tabindex=${movable ? "-1" : "0"}
        title="${field}${movable ? "\nClick sorts, Shift + click sorts further, drag moves.\nAlt + ←/→ resizes, Alt + Shift + ←/→ moves." : ""}"
        data-testid="sort-${field}"
        @click=${(event: MouseEvent) => this.dispatchEvent(new CustomEvent("sort", { detail: nextSort(this.sort, field, event.shiftKey), bubbles: true, composed: true }))}
        @keydown=${(event: KeyboardEvent) => {
          this.#onKey(event, column);
        }}
      >
        <span class="truncate">${fieldTitle(field)}</span>${
          key < 0 ? nothing : html`${icon(down ? "arrow-down" : "arrow-up")}${this.sort.length > 1 ? html`<sup>${key + 1}</sup>` : nothing}`
        }
      </button>
      ${
        movable
          ? html`<span
              class="edge ${this.resized === field ? "dragged" : ""}"
              data-testid="resize-${field}"
              @pointerdown=${(event: PointerEvent) => {
                this.#resize(event, column);
              }}
              @dblclick=${() => {
                this.#change(changeColumn(this.columns, field, { width: null }));
              }}
            ></span>`
          : nothing
      }
    </span>`;
  }

  #drop(target: PlacedColumn): void {
    const from = this.layout.all.find(({ field }) => field === this.dragged);
    if (from !== undefined && target.index >= 0) this.#change(moveColumn(this.columns, from.field, target.index - from.index));
    this.dragged = null;
    this.over = null;
  }

  #resize(event: PointerEvent, column: PlacedColumn): void {
    event.preventDefault();
    const edge = event.currentTarget as HTMLElement;
    edge.setPointerCapture(event.pointerId);
    this.resized = column.field;
    const move = (now: PointerEvent): void => {
      const width = Math.round(Math.max(LEAST_WIDTH, column.width + now.clientX - event.clientX));
      this.#change(changeColumn(this.columns, column.field, { width }));
    };
    edge.addEventListener("pointermove", move);
    edge.addEventListener(
      "lostpointercapture",
      () => {
        edge.removeEventListener("pointermove", move);
        this.resized = null;
      },
      { once: true },
    );
  }

  #onKey(event: KeyboardEvent, { field, width, index }: PlacedColumn): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined || index < 0) return;
    event.preventDefault();
    event.stopPropagation();
    // Keys that repeat come faster than the table is drawn.
    const now = this.columns.find((column) => column.field === field)?.width ?? width;
    if (event.altKey && event.shiftKey) this.#change(moveColumn(this.columns, field, by));
    else if (event.altKey) this.#change(changeColumn(this.columns, field, { width: Math.max(LEAST_WIDTH, now + by * WIDTH_STEP) }));
    else this.#titleAt(index + by)?.focus();
  }

  #titleAt(index: number): HTMLElement | null {
    const field = this.layout.all[index]?.field;
    return field === undefined ? null : this.renderRoot.querySelector(`[data-testid="sort-${CSS.escape(field)}"]`);
  }

  #change(columns: TableColumn[]): void {
    this.columns = columns;
    this.dispatchEvent(new CustomEvent<TableColumn[]>("columns", { detail: columns, bubbles: true, composed: true }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-grid-header": GridHeader;
  }
}
