/** The table itself: only the rows in view exist; mark and name stay in sight while the columns scroll sideways. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { cssProperties } from "../components/css-vars.ts";
import { icon } from "../components/icons.ts";
import { stateIcon, stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import { cellText, type ColumnKey, columnTitle, isNumeric, isSortable, nextSort, parseTags, sortOf } from "./columns.ts";
import type { ExploreModel } from "./explore-model.ts";
import { gridStyles, ROW_PX } from "./grid-styles.ts";

/** Rows beyond the visible ones on each side, so that scrolling does not show blanks. */
const SPARE_ROWS = 12;

export type GridAction = "open" | "compare" | "delete" | "archive" | "filter" | "select-all";

@customElement("ty-run-grid")
export class RunGrid extends LitElement {
  static override styles = [...baseStyles, stateStyles, gridStyles];

  @property({ attribute: false }) model!: ExploreModel;
  @property({ attribute: false }) columns: readonly ColumnKey[] = [];
  @property({ attribute: false }) selected: ReadonlyMap<RunId, RunSummary> = new Map();
  @state() private active = 0;
  @state() private editing: RunId | null = null;
  @state() private range: readonly [number, number] = [0, 60];
  @query(".scroll") private scroller!: HTMLElement;
  #stop: (() => void)[] = [];
  #anchor = 0;
  /** The active row is to get the focus once it exists. */
  #focusActive = false;

  override connectedCallback(): void {
    super.connectedCallback();
    const size = new ResizeObserver(() => {
      this.#measure();
    });
    this.#stop = [
      this.model.onChange(() => {
        this.requestUpdate();
      }),
      () => {
        size.disconnect();
      },
    ];
    void this.updateComplete.then(() => {
      if (this.isConnected) size.observe(this.scroller);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
  }

  override updated(changed: PropertyValues): void {
    this.model.need(...this.range);
    if (this.#focusActive) this.#focusRow();
    if (changed.has("editing")) this.renderRoot.querySelector<HTMLInputElement>(".tags-input")?.select();
  }

  /** New rows: from the top. */
  toTop(): void {
    this.scroller.scrollTop = 0;
    this.active = 0;
  }

  focusGrid(): void {
    this.#focusActive = true;
    this.#focusRow();
  }

  /** A row that was not loaded yet is replaced when it is: the focus is wanted until then. */
  #focusRow(): void {
    const row = this.renderRoot.querySelector<HTMLElement>(`[data-index="${String(this.active)}"]`);
    row?.focus({ preventScroll: true });
    if (row !== null && this.model.row(this.active) !== undefined) this.#focusActive = false;
  }

  override render(): TemplateResult {
    const { total, query: asked } = this.model;
    const count = total ?? 0;
    const [from, to] = [Math.min(this.range[0], count), Math.min(this.range[1], count)];
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    const now = Date.now();
    const template = `30px 26px minmax(220px, 1.4fr) ${this.columns.map((key) => (isNumeric(key) ? "minmax(104px, 0.6fr)" : "minmax(116px, 0.8fr)")).join(" ")}`;
    return html`<div class="scroll" @scroll=${this.#measure}>
      <div
        class="grid"
        role="grid"
        aria-label="Runs"
        aria-rowcount=${count + 1}
        aria-colcount=${this.columns.length + 3}
        aria-multiselectable="true"
        data-testid="run-grid"
        ${cssProperties({ "--columns": template, "--rows": `${String(count * ROW_PX)}px` })}
        @keydown=${this.#onKey}
      >
        <div class="row head" role="row" aria-rowindex="1">
          <span role="columnheader" class="tick"></span><span role="columnheader" class="mark" aria-label="State"></span>
          ${this.#title("name", "name", asked.sort, "name")}
          ${this.columns.map((key) => this.#title(key, columnTitle(key), asked.sort, isNumeric(key) ? "number" : ""))}
        </div>
        <div class="body">
          ${repeat(
            rows,
            (index) => this.model.row(index)?.id ?? index,
            (index) => this.#row(index, now),
          )}
        </div>
      </div>
    </div>`;
  }

  #title(key: ColumnKey, title: string, sort: string, style: string): TemplateResult {
    const order = sortOf(sort, key);
    if (!isSortable(key)) return html`<span role="columnheader" class=${style}><span class="truncate">${title}</span></span>`;
    return html`<span role="columnheader" class=${style} aria-sort=${order}
      ><button
        title="Sort by ${key}"
        data-testid="sort-${key}"
        @click=${() => this.dispatchEvent(new CustomEvent("sort", { detail: nextSort(sort, key) }))}
      >
        <span class="truncate">${title}</span>${order === "none" ? nothing : icon(order === "ascending" ? "arrow-up" : "arrow-down")}
      </button></span
    >`;
  }

  #row(index: number, now: number): TemplateResult {
    const run = this.model.row(index);
    const place = cssProperties({ "--top": `${String(index * ROW_PX)}px` });
    if (run === undefined)
      return html`<div
        class="row blank"
        role="row"
        tabindex="-1"
        aria-rowindex=${index + 2}
        aria-busy="true"
        data-index=${index}
        ${place}
      ></div>`;
    const selected = this.selected.has(run.id);
    return html`<div
      class="row ${selected ? "selected" : ""}"
      role="row"
      aria-rowindex=${index + 2}
      aria-selected=${selected ? "true" : "false"}
      aria-label="${run.name}, ${stateLabel(run.state)}"
      tabindex=${index === this.active ? "0" : "-1"}
      data-testid="explore-row"
      data-index=${index}
      data-run=${run.id}
      ${place}
      @click=${(event: MouseEvent) => {
        this.#onClick(event, index, run);
      }}
      @dblclick=${() => {
        this.#act("open");
      }}
      @focus=${() => {
        this.active = index;
      }}
    >
      <span role="gridcell" class="tick"
        ><input
          type="checkbox"
          tabindex="-1"
          aria-label="Select ${run.name}"
          .checked=${selected}
          @click=${(event: MouseEvent) => {
            event.stopPropagation();
            this.#toggle(index, event.shiftKey);
          }}
      /></span>
      <span role="gridcell" class="mark"
        >${run.damage === null ? stateIcon(run.state) : html`<span title=${run.damage}>${icon("warning")}</span>`}</span
      >
      <span role="gridcell" class="name"
        ><span class="truncate" title=${run.state_reason ?? run.name}>${run.name}</span
        ><button
          class="icon-button star ${run.starred ? "on" : ""}"
          tabindex="-1"
          aria-label="${run.starred ? "Remove star from" : "Star"} ${run.name}"
          aria-pressed=${run.starred ? "true" : "false"}
          data-testid="star"
          @click=${(event: MouseEvent) => {
            event.stopPropagation();
            this.#edit(run.id, { starred: !run.starred });
          }}
        >
          ${icon(run.starred ? "star-full" : "star-empty")}
        </button></span
      >
      ${this.columns.map((key) => (key === "tags" ? this.#tags(run) : this.#cell(run, key, now)))}
    </div>`;
  }

  #cell(run: RunSummary, key: ColumnKey, now: number): TemplateResult {
    const text = cellText(run, key, now);
    return html`<span role="gridcell" class="truncate ${isNumeric(key) ? "number" : ""}" title=${text} data-column=${key}>${text}</span>`;
  }

  #tags(run: RunSummary): TemplateResult {
    if (this.editing === run.id)
      return html`<span role="gridcell" class="tags"
        ><input
          class="input tags-input"
          aria-label="Tags of ${run.name}, separated by commas"
          data-testid="tags-input"
          .value=${run.tags.join(", ")}
          @click=${(event: Event) => {
            event.stopPropagation();
          }}
          @keydown=${(event: KeyboardEvent) => {
            event.stopPropagation();
            if (event.key === "Enter") this.#saveTags(run, (event.target as HTMLInputElement).value);
            else if (event.key === "Escape") this.editing = null;
            if (event.key === "Enter" || event.key === "Escape") this.focusGrid();
          }}
          @blur=${(event: FocusEvent) => {
            if (this.editing === run.id) this.#saveTags(run, (event.target as HTMLInputElement).value);
          }}
      /></span>`;
    const edit = (event: Event): void => {
      event.stopPropagation();
      this.editing = run.id;
    };
    return html`<span role="gridcell" class="tags" title="Double-click to edit the tags (T)" data-testid="tags" @dblclick=${edit}
      >${run.tags.map((tag) => html`<span class="tag truncate">${tag}</span>`)}<button
        class="icon-button edit"
        tabindex="-1"
        aria-label="Edit the tags of ${run.name}"
        @click=${edit}
      >
        ${icon("edit")}
      </button></span
    >`;
  }

  #saveTags(run: RunSummary, text: string): void {
    this.editing = null;
    const tags = parseTags(text);
    if (tags.join() !== run.tags.join()) this.#edit(run.id, { tags });
  }

  #edit(run: RunId, change: { readonly starred?: boolean; readonly tags?: string[] }): void {
    this.dispatchEvent(new CustomEvent("edit-run", { detail: { run, change } }));
  }

  #act(action: GridAction): void {
    this.dispatchEvent(
      new CustomEvent<{ action: GridAction; run: RunSummary | undefined }>("grid-action", {
        detail: { action, run: this.model.row(this.active) },
      }),
    );
  }

  #onClick(event: MouseEvent, index: number, run: RunSummary): void {
    this.active = index;
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.#toggle(index, event.shiftKey);
    else this.#select(new Map([[run.id, run]]), index);
  }

  #toggle(index: number, range: boolean): void {
    const next = new Map(this.selected);
    if (range) {
      for (let i = Math.min(this.#anchor, index); i <= Math.max(this.#anchor, index); i++) {
        const run = this.model.row(i);
        if (run !== undefined) next.set(run.id, run);
      }
    } else {
      const run = this.model.row(index);
      if (run !== undefined && !next.delete(run.id)) next.set(run.id, run);
    }
    this.#select(next, range ? this.#anchor : index);
  }

  #select(selected: ReadonlyMap<RunId, RunSummary>, anchor: number): void {
    this.#anchor = anchor;
    this.dispatchEvent(new CustomEvent("selection", { detail: selected }));
  }

  readonly #measure = (): void => {
    const { scrollTop, clientHeight } = this.scroller;
    const from = Math.max(0, Math.floor(scrollTop / ROW_PX) - SPARE_ROWS);
    const to = Math.ceil((scrollTop + clientHeight) / ROW_PX) + SPARE_ROWS;
    if (from !== this.range[0] || to !== this.range[1]) this.range = [from, to];
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || event.target.role !== "row") return;
    if (!this.#runKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  #runKey(event: KeyboardEvent): boolean {
    const command = event.ctrlKey || event.metaKey;
    if (event.altKey || (command && event.key !== "a")) return false;
    const pageful = Math.max(1, Math.floor(this.scroller.clientHeight / ROW_PX) - 2);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: pageful,
      PageUp: -pageful,
      Home: -Infinity,
      End: Infinity,
    };
    const by = moves[event.key];
    if (by !== undefined) {
      this.#move(by, event.shiftKey);
      return true;
    }
    const actions: Readonly<Record<string, GridAction>> = { Enter: "open", c: "compare", Delete: "delete", "/": "filter" };
    const action = command ? "select-all" : actions[event.key];
    if (action !== undefined) this.#act(action);
    else if (event.key === " ") this.#toggle(this.active, event.shiftKey);
    else if (event.key === "Escape" && this.selected.size > 0) this.#select(new Map(), this.active);
    else if (event.key === "t" && this.columns.includes("tags")) this.editing = this.model.row(this.active)?.id ?? null;
    else return false;
    return true;
  }

  #move(by: number, extend: boolean): void {
    const last = (this.model.total ?? 1) - 1;
    this.active = Math.max(0, Math.min(last, this.active + by));
    this.#focusActive = true;
    const top = this.active * ROW_PX;
    const view = this.scroller;
    const height = view.clientHeight - ROW_PX - 4;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + ROW_PX > view.scrollTop + height) view.scrollTop = top + ROW_PX - height;
    if (extend) this.#toggle(this.active, true);
    else this.#anchor = this.active;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-run-grid": RunGrid;
  }
}
