/** All runs as a table: filter, sort, choose columns, mark, compare, archive, delete. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { EditRun } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { FINAL_STATES, LIVE_STATES, type RunState } from "../../protocol/states.ts";
import { formatClock, formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import "./column-picker.ts";
import { type ColumnKey, defaultColumns, knownColumns } from "./columns.ts";
import { ExploreModel } from "./explore-model.ts";
import { exploreStyles } from "./explore-styles.ts";
import "./run-grid.ts";
import type { GridAction, RunGrid } from "./run-grid.ts";

/** What the user set up; kept by the panel so that it comes back after a reload. */
export interface ExploreSettings {
  /** null: those that suit the runs. */
  readonly columns: readonly ColumnKey[] | null;
  readonly sort: string;
}

const DEFAULT_SETTINGS: ExploreSettings = { columns: null, sort: "-created_at" };
/** Typing goes on meanwhile; the rows follow when it rests. */
const SEARCH_REST_MS = 150;
const MOST_COMPARED = 1000;

const STATES: readonly (readonly [string, string, readonly RunState[]])[] = [
  ["all", "All states", []],
  ["live", "Running", [...LIVE_STATES]],
  ["queued", "Queued and drafts", ["queued", "draft"]],
  ...[...FINAL_STATES].map((each) => [each, each.charAt(0).toUpperCase() + each.slice(1), [each]] as const),
];

@customElement("ty-explore")
export class Explore extends LitElement {
  static override styles = [...baseStyles, exploreStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: string | null = null;
  /** What an earlier session of this panel set up. */
  @property({ attribute: false }) saved: Partial<ExploreSettings> = {};
  @state() private columns: readonly ColumnKey[] | null = null;
  @state() private selected: ReadonlyMap<RunId, RunSummary> = new Map();
  @state() private picking = false;
  @state() private problem: string | null = null;
  @state() private doomed: readonly RunSummary[] = [];
  @query(".filter input") private searchBox!: HTMLInputElement;
  @query("ty-run-grid") private grid!: RunGrid;
  @query("dialog") private dialog!: HTMLDialogElement;
  #model: ExploreModel | null = null;
  #searchTimer: number | undefined;
  /** Columns that suited the first rows; kept, so that they do not change as rows come. */
  #suited: readonly ColumnKey[] | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#searchTimer);
    this.#model?.close();
    this.#model = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.#model !== null && !changed.has("project") && !changed.has("transport")) return;
    this.#model?.close();
    const settings = { ...DEFAULT_SETTINGS, ...this.saved };
    const model = new ExploreModel(this.transport, { project: this.project, search: "", states: [], archived: false, sort: settings.sort });
    this.#model = model;
    this.#suited = null;
    this.columns = settings.columns;
    this.selected = new Map();
    model.onChange(() => {
      this.requestUpdate();
    });
    model.open();
    this.transport.setTitle(this.project === null ? "Explore" : `Explore: ${this.project}`);
  }

  override render(): TemplateResult | typeof nothing {
    const model = this.#model;
    if (model === null) return nothing;
    if (this.#suited === null && model.loadedRows.length > 0) this.#suited = defaultColumns(model.loadedRows);
    const columns = this.columns ?? this.#suited ?? ["tags", "created_at"];
    return html`${this.#header(model)} ${this.#filters(model, columns)}
      <div class="table">
        ${keyed(
          model,
          html`<ty-run-grid
            .model=${model}
            .columns=${columns}
            .selected=${this.selected}
            @selection=${(event: Event) => {
              this.selected = (event as CustomEvent<ReadonlyMap<RunId, RunSummary>>).detail;
            }}
            @sort=${(event: Event) => {
              this.#ask({ sort: (event as CustomEvent<string>).detail });
              this.#keep();
            }}
            @edit-run=${(event: Event) => {
              const { run, change } = (event as CustomEvent<{ run: RunId; change: EditRun }>).detail;
              void this.#try(() => model.edit(run, change));
            }}
            @grid-action=${this.#onAction}
          ></ty-run-grid>`,
        )}
        ${
          model.total !== 0
            ? nothing
            : html`<div class="none secondary" data-testid="explore-none">
                ${this.#filtered(model) ? "No run passes the filter." : "No runs yet."}
              </div>`
        }
      </div>
      ${this.#confirmation()}`;
  }

  #filtered(model: ExploreModel): boolean {
    return model.query.search !== "" || model.query.states.length > 0;
  }

  #header(model: ExploreModel): TemplateResult {
    const count = this.selected.size;
    const offline = model.connection.state === "reconnecting" || model.connection.state === "failed";
    const problem = this.problem ?? model.problem?.message ?? null;
    return html`<div class="head">
      <h1>Explore</h1>
      <span class="secondary">${this.project ?? "all projects"}</span>
      ${offline ? html`<span class="offline" role="status">${icon("debug-disconnect")} Reconnecting, last update ${formatClock(model.connection.since)}</span>` : nothing}
      <span class="actions">
        ${count === 0 ? nothing : html`<span class="secondary" data-testid="explore-selected">${formatInteger(count)} selected</span>`}
        <button class="button" data-testid="explore-compare" ?disabled=${count < 2 || count > MOST_COMPARED} @click=${this.#compare}>
          ${icon("git-compare")}<span class="label">Compare</span>
        </button>
        <button
          class="button"
          data-testid="explore-archive"
          title=${this.#archiveTitle}
          ?disabled=${count === 0 || offline}
          @click=${this.#archive}
        >
          ${icon("archive")}<span class="label">${this.#archiveTitle}</span>
        </button>
        <button class="button" data-testid="explore-delete" title="Delete" ?disabled=${count === 0 || offline} @click=${this.#askDelete}>
          ${icon("trash")}<span class="label">Delete</span>
        </button>
      </span>
      ${problem === null ? nothing : html`<div class="problem" role="alert">${problem}</div>`}
    </div>`;
  }

  get #archiveTitle(): string {
    return this.#model?.query.archived === true ? "Unarchive" : "Archive";
  }

  #filters(model: ExploreModel, columns: readonly ColumnKey[]): TemplateResult {
    const { total, pending } = model;
    return html`<div class="filters" role="toolbar" aria-label="Filter">
      <label class="filter"
        >${icon("filter")}<input
          class="input"
          type="search"
          placeholder="Filter by name, tag, note or id"
          aria-label="Filter by name, tag, note or id"
          data-testid="explore-search"
          @input=${this.#onSearch}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === "ArrowDown") this.grid.focusGrid();
          }}
        /><span class="count secondary" data-testid="explore-count"
          >${total === null ? "" : `${formatInteger(total)} ${total === 1 ? "run" : "runs"}`}</span
        ></label
      >
      <select
        class="input"
        aria-label="State"
        data-testid="explore-state"
        @change=${(event: Event) => {
          const chosen = (event.target as HTMLSelectElement).value;
          this.#ask({ states: STATES.find(([key]) => key === chosen)?.[2] ?? [] });
        }}
      >
        ${STATES.map(([key, label]) => html`<option value=${key}>${label}</option>`)}
      </select>
      <button
        class="toggle"
        aria-pressed=${model.query.archived ? "true" : "false"}
        data-testid="explore-archived"
        @click=${() => {
          this.#ask({ archived: !model.query.archived });
        }}
      >
        Archived
      </button>
      ${
        pending === 0
          ? nothing
          : html`<button
              class="toggle pending"
              data-testid="explore-refresh"
              @click=${() => {
                this.#ask({});
              }}
            >
              ${icon("refresh")} ${formatInteger(pending)} ${pending === 1 ? "change" : "changes"}
            </button>`
      }
      <span class="picker"
        ><button
          class="toggle"
          aria-expanded=${this.picking ? "true" : "false"}
          data-testid="explore-columns"
          @click=${() => {
            this.picking = !this.picking;
          }}
        >
          ${icon("settings-gear")} Columns</button
        >${
          this.picking
            ? html`<ty-column-picker
                .known=${knownColumns(model.loadedRows)}
                .chosen=${columns}
                @columns=${(event: Event) => {
                  this.columns = (event as CustomEvent<ColumnKey[] | null>).detail;
                  this.#keep();
                }}
                @close=${() => {
                  this.picking = false;
                }}
              ></ty-column-picker>`
            : nothing
        }</span
      >
    </div>`;
  }

  #confirmation(): TemplateResult {
    const count = this.doomed.length;
    return html`<dialog aria-labelledby="question" data-testid="delete-dialog">
      <form method="dialog" @submit=${this.#delete}>
        <h2 id="question">${count === 1 ? `Delete ${this.doomed[0]?.name ?? ""}?` : `Delete ${formatInteger(count)} runs?`}</h2>
        <p class="secondary">
          Run folders with their metrics, logs and checkpoints are moved to the store’s trash (.trash), from where they can be moved back.
        </p>
        <div class="buttons">
          <button
            class="button"
            type="button"
            @click=${() => {
              this.dialog.close();
            }}
          >
            Cancel
          </button>
          <button class="button primary" data-testid="delete-confirm">Move to Trash</button>
        </div>
      </form>
    </dialog>`;
  }

  #ask(part: Parameters<ExploreModel["ask"]>[0]): void {
    this.selected = new Map();
    this.grid.toTop();
    void this.#model?.ask(part);
  }

  readonly #onSearch = (event: Event): void => {
    const text = (event.target as HTMLInputElement).value.trim();
    clearTimeout(this.#searchTimer);
    this.#searchTimer = window.setTimeout(() => {
      this.#ask({ search: text });
    }, SEARCH_REST_MS);
  };

  readonly #onAction = (event: Event): void => {
    const { action, run } = (event as CustomEvent<{ action: GridAction; run: RunSummary | undefined }>).detail;
    switch (action) {
      case "open":
        if (run !== undefined) this.transport.command({ command: "open_run", run: run.id });
        break;
      case "compare":
        this.#compare();
        break;
      case "archive":
        this.#archive();
        break;
      case "delete":
        if (this.selected.size === 0 && run !== undefined) this.selected = new Map([[run.id, run]]);
        this.#askDelete();
        break;
      case "filter":
        this.searchBox.focus();
        break;
      case "select-all":
        void this.#try(async () => {
          this.selected = new Map((await this.#model?.all())?.map((each) => [each.id, each]) ?? []);
        });
        break;
    }
  };

  readonly #compare = (): void => {
    const runs = [...this.selected.keys()];
    if (runs.length >= 2 && runs.length <= MOST_COMPARED) this.transport.command({ command: "compare_runs", runs });
  };

  readonly #archive = (): void => {
    const model = this.#model;
    if (model === null) return;
    const archived = !model.query.archived;
    void this.#try(async () => {
      for (const run of this.selected.keys()) await model.edit(run, { archived });
      this.#ask({});
    });
  };

  readonly #askDelete = (): void => {
    const runs = [...this.selected.values()];
    const live = runs.find((run) => LIVE_STATES.has(run.state));
    if (live !== undefined) {
      this.problem = `${live.name} is running. Stop it first.`;
      return;
    }
    if (runs.length === 0) return;
    this.problem = null;
    this.doomed = runs;
    this.dialog.showModal();
  };

  readonly #delete = (): void => {
    const model = this.#model;
    if (model === null) return;
    void this.#try(async () => {
      try {
        for (const run of this.doomed) await model.remove(run.id);
      } finally {
        this.#ask({});
      }
    });
  };

  #keep(): void {
    const settings: ExploreSettings = { columns: this.columns, sort: this.#model?.query.sort ?? DEFAULT_SETTINGS.sort };
    this.dispatchEvent(new CustomEvent("view-state", { detail: settings, bubbles: true, composed: true }));
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.problem = null;
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      this.problem = [error.message, error.hint].filter((part) => part !== null).join(" ");
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-explore": Explore;
  }
}
