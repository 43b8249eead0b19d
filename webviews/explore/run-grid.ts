/** The table itself: only the rows and columns in view exist; mark, name and pinned columns stay in sight while the rest scrolls sideways. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { RunId } from "../../protocol/ids.ts";
import { cssProperties } from "../components/css-vars.ts";
import { icon } from "../components/icons.ts";
import { stateIcon, stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import { type ColumnLayout, layoutColumns, NARROW_PX, type PlacedColumn } from "./column-layout.ts";
import { type ExploreModel, MOST_SELECTED } from "./explore-model.ts";
import { type Field, parseTags } from "./fields.ts";
import "./grid-header.ts";
import { groupLine, tagsCell, valueCell } from "./grid-cells.ts";
import { gridStyles } from "./grid-styles.ts";
import { GROUP_PX, type Line, ROW_PX } from "./layout.ts";
import { type Row, stateOf, tagsText, text } from "./scope.ts";
import { Sparklines } from "./sparklines.ts";

/** Lines beyond the visible ones on each side, so that scrolling does not show blanks. */
const SPARE_LINES = 12;
const SIDEWAYS_PX = 120;

export type GridAction = "open" | "compare" | "delete" | "filter" | "select-all";

@customElement("ty-run-grid")
export class RunGrid extends LitElement {
  static override styles = [...baseStyles, stateStyles, gridStyles];

  @property({ attribute: false }) model!: ExploreModel;
  @property({ attribute: false }) selected: ReadonlyMap<RunId, Row> = new Map();
  @state() private active = 0;
  @state() private editing: RunId | null = null;
  /** Lines in view, with the spare ones. */
  @state() private range: readonly [number, number] = [0, 60];
  @state() private sideways = { left: 0, width: 1200 };
  @query(".scroll") private scroller!: HTMLElement;
  #stop: (() => void)[] = [];
  #anchor = 0;
  /** The active row is to get the focus once it exists. */
  #focusActive = false;
  #sparks!: Sparklines;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#sparks = new Sparklines(this.model.transport, () => {
      this.requestUpdate();
    });
    const size = new ResizeObserver(() => {
      this.#measure();
    });
    this.#stop = [
      this.model.onChange(() => {
        this.requestUpdate();
      }),
      () => {
        size.disconnect();
        this.#sparks.close();
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
    this.#measure();
    this.model.need(...this.range);
    const [from, to] = this.range;
    const rows = Array.from({ length: to - from }, (_, i) => this.#rowAt(from + i));
    this.#sparks.show(this.model.columns, rows);
    if (this.#focusActive) this.#focusRow();
    if (changed.has("editing")) this.renderRoot.querySelector<HTMLInputElement>(".tags-input")?.select();
  }

  /** New rows: from the top. */
  toTop(): void {
    this.scroller.scrollTop = 0;
    this.active = 0;
    this.#anchor = 0;
  }

  focusGrid(): void {
    this.#focusActive = true;
    this.#focusRow();
  }

  /** A row that was not loaded yet is replaced when it is: the focus is wanted until then. */
  #focusRow(): void {
    const row = this.renderRoot.querySelector<HTMLElement>(`[data-index="${String(this.active)}"]`);
    row?.focus({ preventScroll: true });
    if (row !== null && row.ariaBusy !== "true") this.#focusActive = false;
  }

  override render(): TemplateResult {
    const { layout, fields, view } = this.model;
    const columns = layoutColumns(this.model.columns, fields, this.sideways);
    const [from, to] = [Math.min(this.range[0], layout.lines), Math.min(this.range[1], layout.lines)];
    const lines = Array.from({ length: to - from }, (_, i) => from + i);
    const now = Date.now();
    const all = this.model.total ?? 0;
    const ticked = this.selected.size === 0 ? "false" : this.selected.size >= all ? "true" : "mixed";
    return html`<div class="scroll" @scroll=${this.#measure}>
      <div
        class="grid"
        role="grid"
        aria-label="Runs"
        aria-rowcount=${layout.lines + 1}
        aria-colcount=${columns.all.length + 3}
        aria-multiselectable="true"
        aria-busy=${this.model.loading ? "true" : "false"}
        data-testid="run-grid"
        ${cssProperties({ "--columns": columns.template, "--rows": `${String(layout.height)}px`, "--width": `${String(columns.width)}px` })}
        @keydown=${this.#onKey}
      >
        <ty-grid-header
          role="row"
          aria-rowindex="1"
          .layout=${columns}
          .columns=${this.model.columns}
          .known=${fields}
          .sort=${view.sort}
          .allSelected=${ticked}
          .narrow=${this.sideways.width < NARROW_PX}
          @select-all=${() => {
            if (ticked === "true") this.#select(new Map(), this.active);
            else this.#act("select-all");
          }}
        ></ty-grid-header>
        <div class="body">
          ${repeat(
            lines,
            (index) => this.#keyOf(layout.line(index)) ?? index,
            (index) => this.#line(index, columns, now),
          )}
        </div>
      </div>
    </div>`;
  }

  #keyOf(line: Line | undefined): string | undefined {
    if (line === undefined) return undefined;
    return line.kind === "group" ? `group ${String(line.group)}` : this.model.row(line.run)?.id;
  }

  #line(index: number, columns: ColumnLayout, now: number): TemplateResult | typeof nothing {
    const line = this.model.layout.line(index);
    if (line === undefined) return nothing;
    if (line.kind === "group") return this.#group(index, line, columns);
    const row = this.model.row(line.run);
    const place = cssProperties({ "--top": `${String(line.top)}px` });
    if (row === undefined)
      return html`<div
        class="row blank"
        role="row"
        tabindex="-1"
        aria-rowindex=${index + 2}
        aria-busy="true"
        data-index=${index}
        ${place}
      ></div>`;
    const selected = this.selected.has(row.id);
    const state = stateOf(row);
    const name = text(row, "record.name");
    const starred = row.values["record.starred"] === true;
    const damage = text(row, "record.damage");
    return html`<div
      class="row ${selected ? "selected" : ""} ${row.gone ? "gone" : ""}"
      role="row"
      aria-rowindex=${index + 2}
      aria-selected=${selected ? "true" : "false"}
      aria-label="${name}, ${row.gone ? "deleted" : stateLabel(state)}"
      tabindex=${index === this.active ? "0" : "-1"}
      data-testid="explore-row"
      data-index=${index}
      data-run=${row.id}
      ${place}
      @click=${(event: MouseEvent) => {
        this.#onClick(event, index, row);
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
          aria-label="Select ${name}"
          .checked=${selected}
          @click=${(event: MouseEvent) => {
            event.stopPropagation();
            this.#toggle(index, event.shiftKey);
          }}
      /></span>
      <span role="gridcell" class="mark">${damage === "" ? stateIcon(state) : html`<span title=${damage}>${icon("warning")}</span>`}</span>
      <span role="gridcell" class="name ${columns.pinned.length === 0 ? "last" : ""}"
        ><span class="truncate" title=${text(row, "record.state_reason") || name}>${name}</span
        ><button
          class="icon-button star ${starred ? "on" : ""}"
          tabindex="-1"
          aria-label="${starred ? "Remove star from" : "Star"} ${name}"
          aria-pressed=${starred ? "true" : "false"}
          data-testid="star"
          @click=${(event: MouseEvent) => {
            event.stopPropagation();
            this.#edit(row.id, { starred: !starred });
          }}
        >
          ${icon(starred ? "star-full" : "star-empty")}
        </button></span
      >
      ${columns.pinned.map((column, at) => this.#cell(row, column, now, at === columns.pinned.length - 1))}<span role="presentation"></span
      >${columns.visible.map((column) => this.#cell(row, column, now, false))}
    </div>`;
  }

  #group(index: number, line: Extract<Line, { kind: "group" }>, columns: ColumnLayout): TemplateResult | typeof nothing {
    const group = this.model.groups[line.group];
    if (group === undefined) return nothing;
    return groupLine(group, {
      index,
      columns,
      top: line.top,
      fields: this.model.groupFields,
      statistic: this.model.view.statistic,
      folded: this.model.isFolded(line.group),
      shown: this.model.shownOf(line.group),
      active: index === this.active,
      onFold: () => {
        this.active = index;
        this.model.fold(line.group);
      },
      onFocus: () => {
        this.active = index;
      },
      onMore: () => {
        this.model.showAll(line.group);
      },
    });
  }

  #cell(row: Row, column: PlacedColumn, now: number, last: boolean): TemplateResult {
    const pinned = column.pinned ? `pinned ${last ? "last" : ""}` : "";
    const left = column.pinned ? { "--left": `${String(column.left)}px` } : {};
    const place = { spark: this.#sparks.path(column.field, row.id), style: pinned, left, now };
    if (column.field !== "record.tags") return valueCell(row, column, this.model.fields.get(column.field), place);
    return tagsCell(row, column, place, {
      editing: this.editing === row.id,
      onEdit: () => {
        this.editing = row.id;
      },
      onSave: (typed) => {
        this.#saveTags(row, typed);
      },
      onCancel: () => {
        this.editing = null;
      },
      onKeyboardEnd: () => {
        this.focusGrid();
      },
    });
  }

  #saveTags(row: Row, typed: string): void {
    if (this.editing !== row.id) return;
    this.editing = null;
    // What was not touched stays as it is, also a tag that has a comma in it.
    if (typed !== tagsText(row)) this.#edit(row.id, { tags: parseTags(typed) });
  }

  #edit(run: RunId, change: { readonly starred?: boolean; readonly tags?: string[] }): void {
    this.dispatchEvent(new CustomEvent("edit-run", { detail: { run, change } }));
  }

  #rowAt(index: number): Row | undefined {
    const line = this.model.layout.line(index);
    return line?.kind === "run" ? this.model.row(line.run) : undefined;
  }

  #act(action: GridAction): void {
    this.dispatchEvent(
      new CustomEvent<{ action: GridAction; row: Row | undefined }>("grid-action", { detail: { action, row: this.#rowAt(this.active) } }),
    );
  }

  #onClick(event: MouseEvent, index: number, row: Row): void {
    this.active = index;
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.#toggle(index, event.shiftKey);
    else this.#select(new Map([[row.id, row]]), index);
  }

  #toggle(index: number, range: boolean): void {
    if (range) {
      // Rows between may be far from what is in view: the page asks for them.
      const detail = this.model.layout.runsBetween(this.#anchor, index, MOST_SELECTED);
      this.dispatchEvent(new CustomEvent<readonly number[]>("select-places", { detail }));
      return;
    }
    const next = new Map(this.selected);
    const row = this.#rowAt(index);
    if (row !== undefined && !next.delete(row.id)) next.set(row.id, row);
    this.#select(next, index);
  }

  #select(selected: ReadonlyMap<RunId, Row>, anchor: number): void {
    this.#anchor = anchor;
    this.dispatchEvent(new CustomEvent("selection", { detail: selected }));
  }

  readonly #measure = (): void => {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.scroller;
    const { layout } = this.model;
    const from = Math.max(0, layout.lineAt(scrollTop) - SPARE_LINES);
    const to = layout.lineAt(scrollTop + clientHeight) + 1 + SPARE_LINES;
    if (from !== this.range[0] || to !== this.range[1]) this.range = [from, to];
    if (clientWidth > 0 && (scrollLeft !== this.sideways.left || clientWidth !== this.sideways.width))
      this.sideways = { left: scrollLeft, width: clientWidth };
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || !event.target.classList.contains("row") || !this.#runKey(event)) return;
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
    const line = this.model.layout.line(this.active);
    const sideways = { ArrowLeft: -SIDEWAYS_PX, ArrowRight: SIDEWAYS_PX }[event.key];
    if (line?.kind === "group" && (event.key === "Enter" || event.key === " " || sideways !== undefined)) {
      if (sideways === undefined || sideways > 0 === this.model.isFolded(line.group)) this.model.fold(line.group);
      return true;
    }
    const actions: Readonly<Record<string, GridAction>> = { Enter: "open", c: "compare", Delete: "delete", "/": "filter" };
    const action = command ? "select-all" : actions[event.key];
    if (action !== undefined) this.#act(action);
    else if (sideways !== undefined) this.scroller.scrollLeft += sideways;
    else if (event.key === " ") this.#toggle(this.active, event.shiftKey);
    else if (event.key === "Escape" && this.selected.size > 0) this.#select(new Map(), this.active);
    else if (event.key === "t" && this.#hasTags) this.editing = this.#rowAt(this.active)?.id ?? null;
    else return false;
    return true;
  }

  get #hasTags(): boolean {
    const tags: Field = "record.tags";
    return this.model.columns.some(({ field }) => field === tags);
  }

  #move(by: number, extend: boolean): void {
    const { layout } = this.model;
    this.active = Math.max(0, Math.min(layout.lines - 1, this.active + by));
    this.#focusActive = true;
    const line = layout.line(this.active);
    const view = this.scroller;
    if (line !== undefined) {
      const height = view.clientHeight - GROUP_PX;
      const bottom = line.top + (line.kind === "group" ? GROUP_PX : ROW_PX);
      if (line.top < view.scrollTop) view.scrollTop = line.top;
      else if (bottom > view.scrollTop + height) view.scrollTop = bottom - height;
    }
    if (extend) this.#toggle(this.active, true);
    else this.#anchor = this.active;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-run-grid": RunGrid;
  }
}
