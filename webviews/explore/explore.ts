/** All runs as a table: filter, sort, group, choose columns, select, compare, tag, archive, delete. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import type { BatchAction } from "../../protocol/batch.ts";
import { counted } from "../../protocol/counted.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { EditRun } from "../../protocol/queries.ts";
import { mustAll } from "../../protocol/refusals.ts";
import { type SavedItem, type TableColumn, ViewSettings } from "../../protocol/saved.ts";
import type { TrashId } from "../../protocol/trash.ts";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import "../components/menu.ts";
import "../components/offline.ts";
import { pageStyles } from "../components/page-styles.ts";
import { problemOf, problemText } from "../components/problem.ts";
import "../components/saved-items.ts";
import { baseStyles } from "../components/styles.ts";
import { isOffline, type Transport } from "../transport/transport.ts";
import { ExploreModel, MOST_GROUPS, MOST_SELECTED } from "./explore-model.ts";
import { exploreStyles } from "./explore-styles.ts";
import "./explore-tools.ts";
import type { FilterBar, FilterChange } from "./filter-bar.ts";
import { joinClauses, splitClauses } from "./filter-text.ts";
import "./filter-bar.ts";
import { actionItems, changeAll, exportItems, exportRuns, MOST_COMPARED, restoreAll, type Selection, stopAll } from "./run-actions.ts";
import type { RunDialogs, TagChange } from "./run-dialogs.ts";
import "./run-dialogs.ts";
import "./run-grid.ts";
import type { GridAction, RunGrid } from "./run-grid.ts";
import { type Row, text } from "./scope.ts";

@customElement("ty-explore")
export class Explore extends LitElement {
  static override styles = [...baseStyles, pageStyles, exploreStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: string | null = null;
  /** The runs that a new table begins with. */
  @property({ attribute: false }) filter = "";
  /** What an earlier session of this panel set up; anything that is no view counts as nothing. */
  @property({ attribute: false }) saved: unknown = null;
  @state() private view: ViewSettings = ViewSettings.parse({});
  @state() private viewName: string | null = null;
  @state() private selected: Selection = new Map();
  @state() private problem: string | null = null;
  @state() private trashed: { readonly trash: readonly TrashId[]; readonly what: string } | null = null;
  @query("ty-filter-bar") private filterBar!: FilterBar;
  @query("ty-run-grid") private grid!: RunGrid;
  @query("ty-run-dialogs") private dialogs!: RunDialogs;
  #model: ExploreModel | null = null;
  #typed = "";

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#model?.close();
    this.#model = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.#model !== null && !(["project", "transport", "filter"] as const).some((key) => changed.has(key))) return;
    this.#model?.close();
    const saved = ViewSettings.safeParse(this.saved ?? {});
    this.view = saved.success ? saved.data : ViewSettings.parse({});
    if (this.filter !== "") this.view = { ...this.view, clauses: splitClauses(this.filter) };
    this.viewName = null;
    this.selected = new Map();
    this.#typed = "";
    const model = new ExploreModel(this.transport, this.project, this.view);
    this.#model = model;
    model.onChange(() => {
      this.requestUpdate();
    });
    model.open();
    this.transport.setTitle(this.project === null ? "Explore" : `Explore: ${this.project}`);
  }

  override updated(changed: PropertyValues): void {
    if (changed.has("selected")) this.#model?.keep(this.selected);
  }

  /** The selected rows as they are now, not as they were when they were selected. */
  get #chosen(): Selection {
    return new Map([...this.selected].map(([id, row]) => [id, this.#model?.rowOfRun(id) ?? row]));
  }

  override render(): TemplateResult | typeof nothing {
    const model = this.#model;
    if (model === null) return nothing;
    return html`${this.#header(model)} ${this.#filters(model)}
      <div class="table">
        ${model.loading ? html`<div class="progress" role="progressbar" aria-label="Loading runs"></div>` : nothing}
        ${keyed(
          model,
          html`<ty-run-grid
            .model=${model}
            .selected=${this.selected}
            @selection=${(event: Event) => {
              this.selected = (event as CustomEvent<Selection>).detail;
            }}
            @select-places=${(event: Event) => {
              const places = (event as CustomEvent<readonly number[]>).detail;
              void this.#try(async () => {
                const rows = await model.rowsAt(places);
                this.selected = new Map([...this.selected, ...rows.map((row) => [row.id, row] as const)]);
              });
            }}
            @sort=${(event: Event) => {
              this.#set({ sort: (event as CustomEvent<string[]>).detail });
            }}
            @columns=${(event: Event) => {
              this.#setColumns((event as CustomEvent<TableColumn[]>).detail);
            }}
            @edit-run=${(event: Event) => {
              const { run, change } = (event as CustomEvent<{ run: RunId; change: EditRun }>).detail;
              void this.#try(() => model.edit(run, change));
            }}
            @grid-action=${this.#onGridAction}
          ></ty-run-grid>`,
        )}
        ${model.total === 0 ? this.#nothing() : nothing}
      </div>
      <ty-run-dialogs
        @delete-runs=${(event: Event) => {
          void this.#trash(model, (event as CustomEvent<readonly Row[]>).detail);
        }}
        @tag-runs=${(event: Event) => {
          const { add, remove } = (event as CustomEvent<TagChange>).detail;
          void this.#try(() => this.#edit(model, { add_tags: [...add], remove_tags: [...remove] }));
        }}
      ></ty-run-dialogs>`;
  }

  #nothing(): TemplateResult {
    const filtered = this.view.clauses.length > 0 || this.#typed !== "" || this.view.states.length > 0;
    const words = filtered
      ? "No run passes the filter."
      : this.view.archived
        ? "No run is archived."
        : "No runs yet. They stand here once one was started.";
    return html`<div class="none secondary" data-testid="explore-none">${words}</div>`;
  }

  #header(model: ExploreModel): TemplateResult {
    const count = this.selected.size;
    const offline = isOffline(model.connection);
    const problem = this.problem ?? (model.problem === null ? null : problemText(model.problem));
    return html`<div class="head">
      <h1>Explore</h1>
      <span class="secondary">${this.project ?? "all projects"}</span>
      <ty-offline .transport=${this.transport}></ty-offline>
      <span class="actions">
        ${count === 0 ? nothing : html`<span class="secondary" data-testid="explore-selected">${formatInteger(count)} selected</span>`}
        <button
          class="button"
          title="Compare the selected runs (C)"
          data-testid="explore-compare"
          ?disabled=${count < 2 || count > MOST_COMPARED}
          @click=${this.#compare}
        >
          ${icon("git-compare")}<span class="label">Compare</span>
        </button>
        <ty-menu
          icon="edit"
          label="Actions"
          data-testid="explore-actions"
          .items=${actionItems(this.#chosen, this.view.archived, offline)}
          @choose=${(event: Event) => {
            this.#act((event as CustomEvent<string>).detail);
          }}
        ></ty-menu>
        <ty-menu
          icon="export"
          label="Export"
          data-testid="explore-export"
          .items=${exportItems(this.selected)}
          @choose=${(event: Event) => {
            const format = (event as CustomEvent<string>).detail;
            void this.#try(() => exportRuns(model, this.selected, format));
          }}
        ></ty-menu>
        <button class="button" title="Plot the runs that pass the filter" data-testid="explore-plot" @click=${this.#plot}>
          ${icon("graph-scatter")}<span class="label">Plot</span>
        </button>
      </span>
      ${problem === null ? nothing : html`<div class="problem" role="alert" data-testid="explore-problem">${problem}</div>`}
      ${this.#undo(model)}
    </div>`;
  }

  #filters(model: ExploreModel): TemplateResult {
    const { total, groupTotal } = model;
    const groups = groupTotal > MOST_GROUPS ? `, the first ${formatInteger(MOST_GROUPS)} of ${formatInteger(groupTotal)} groups` : "";
    const count = total === null ? "" : `${counted(total, "run")}${groups}`;
    return html`<div class="filters">
      <ty-filter-bar
        .transport=${this.transport}
        .project=${this.project}
        .fields=${model.fieldList}
        .clauses=${this.view.clauses}
        .refused=${model.filterError}
        .starts=${model.starts}
        .count=${count}
        @filter=${(event: Event) => {
          const { clauses, typed } = (event as CustomEvent<FilterChange>).detail;
          this.#typed = typed;
          this.#set({ clauses: [...clauses] });
        }}
        @leave-filter=${() => {
          this.grid.focusGrid();
        }}
      ></ty-filter-bar>
      <ty-explore-tools
        .model=${model}
        .view=${this.view}
        @refresh-rows=${() => void model.refresh()}
        @view=${(event: Event) => {
          this.#set((event as CustomEvent<Partial<ViewSettings>>).detail);
        }}
        @columns=${(event: Event) => {
          this.#setColumns((event as CustomEvent<TableColumn[] | null>).detail);
        }}
        ><ty-saved-items
          .transport=${this.transport}
          .project=${this.project}
          .kind=${"view"}
          .settings=${this.view}
          .current=${this.viewName}
          @load-saved=${(event: Event) => {
            const item = (event as CustomEvent<SavedItem>).detail;
            if (item.kind !== "view") return;
            this.#set(item.settings);
            this.viewName = item.name;
          }}
        ></ty-saved-items
      ></ty-explore-tools>
    </div>`;
  }

  #setColumns(columns: readonly TableColumn[] | null): void {
    const before = new Set(this.#model?.columns.map(({ field }) => field));
    const view = { ...this.view, columns: columns === null ? null : [...columns] };
    const same = columns?.every(({ field }) => before.has(field)) === true && !(this.#model?.grouped ?? false);
    this.view = view;
    this.viewName = null;
    // A width, a place or a column less: the rows hold all that is shown.
    if (same && this.#model !== null) this.#model.show(view);
    else void this.#model?.ask(view, this.#typed);
    this.#keep();
  }

  /** Another question: from the top; what is selected stays so. */
  #set(change: Partial<ViewSettings>): void {
    this.view = { ...this.view, ...change };
    this.viewName = null;
    this.grid.toTop();
    void this.#model?.ask(this.view, this.#typed);
    this.#keep();
  }

  readonly #onGridAction = (event: Event): void => {
    const { action, row } = (event as CustomEvent<{ action: GridAction; row: Row | undefined }>).detail;
    switch (action) {
      case "open":
        if (row !== undefined) this.transport.command({ command: "open_run", run: row.id });
        break;
      case "compare":
        this.#compare();
        break;
      case "delete":
        if (this.selected.size === 0 && row !== undefined) this.selected = new Map([[row.id, row]]);
        this.#act("delete");
        break;
      case "filter":
        this.filterBar.focus();
        break;
      case "select-all":
        void this.#try(async () => {
          this.selected = new Map((await this.#model?.all([], MOST_SELECTED))?.map((each) => [each.id, each]) ?? []);
        });
        break;
    }
  };

  #act(action: string): void {
    const model = this.#model;
    if (model === null) return;
    const offered = actionItems(this.#chosen, this.view.archived, false).find(({ id }) => id === action);
    if (offered?.refused != null) {
      this.problem = offered.refused;
      return;
    }
    const { archived } = this.view;
    if (action === "tag") this.dialogs.askTags([...this.#chosen.values()]);
    else if (action === "star" || action === "unstar") void this.#try(() => this.#edit(model, { starred: action === "star" }));
    else if (action === "stop") void this.#try(() => stopAll(model, this.#chosen));
    else if (action === "archive") void this.#change(() => this.#edit(model, { archived: !archived }));
    else if (action === "sweep") this.transport.command({ command: "new_sweep", from: [...this.selected.keys()][0] ?? null });
    else if (action === "delete") {
      this.problem = null;
      this.dialogs.askDelete([...this.#chosen.values()]);
    }
  }

  async #edit(model: ExploreModel, change: Omit<BatchAction & { do: "edit" }, "do">): Promise<void> {
    mustAll((await changeAll(model, [...this.selected.keys()], { do: "edit", ...change })).failed);
  }

  async #trash(model: ExploreModel, rows: readonly Row[]): Promise<void> {
    this.trashed = null;
    await this.#change(async () => {
      const runs = rows.map(({ id }) => id);
      const { done, failed } = await changeAll(model, runs, { do: "trash" });
      const [only] = done.length === 1 ? rows.filter(({ id }) => id === done[0]?.run) : [];
      const what = only === undefined ? `${formatInteger(done.length)} runs` : text(only, "record.name");
      this.trashed = done.length === 0 ? null : { trash: done.flatMap(({ trash }) => trash ?? []), what };
      mustAll(failed);
    });
  }

  /** Stands until something else is thrown away or the table is left. */
  #undo(model: ExploreModel): TemplateResult | typeof nothing {
    const { trashed } = this;
    if (trashed === null) return nothing;
    return html`<div class="notice" role="status" data-testid="explore-trashed">
      <span class="truncate">Moved ${trashed.what} to the trash.</span>
      <button
        class="button"
        data-testid="explore-undo"
        @click=${() => {
          this.trashed = null;
          void this.#change(() => restoreAll(model, trashed.trash));
        }}
      >
        Undo
      </button>
      <button
        class="icon-button"
        aria-label="Dismiss"
        @click=${() => {
          this.trashed = null;
        }}
      >
        ${icon("close")}
      </button>
    </div>`;
  }

  /** What takes runs out of the table: they are selected no longer, and the rows are new. */
  async #change(action: () => Promise<void>): Promise<void> {
    await this.#try(async () => {
      try {
        await action();
        this.selected = new Map();
      } finally {
        await this.#model?.refresh();
      }
    });
  }

  readonly #compare = (): void => {
    const runs = [...this.selected.keys()];
    if (runs.length >= 2 && runs.length <= MOST_COMPARED) this.transport.command({ command: "compare_runs", runs });
  };

  readonly #plot = (): void => {
    const clauses = [...this.view.clauses, ...(this.#typed === "" ? [] : [this.#typed])];
    this.transport.command({ command: "open_plot", project: this.project, filter: joinClauses(clauses).text });
  };

  #keep(): void {
    this.dispatchEvent(new CustomEvent<ViewSettings>("view-state", { detail: this.view, bubbles: true, composed: true }));
  }

  async #try(action: () => Promise<void>): Promise<void> {
    this.problem = await problemOf(action);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-explore": Explore;
  }
}
