/** What stands between the filter and the table: states with their counts, grouping, columns, and what waits to be shown. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import { counted } from "../../protocol/counted.ts";
import { GroupStatistic, type TableColumn, type ViewSettings } from "../../protocol/saved.ts";
import { RunState } from "../../protocol/states.ts";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { stateIcon, stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import "./column-picker.ts";
import type { ExploreModel } from "./explore-model.ts";
import { type Field, fieldTitle } from "./fields.ts";

/** As many fields group the rows at once. */
const MOST_LEVELS = 3;

/** Says `view` with what changes, `columns`, and `refresh-rows`. */
@customElement("ty-explore-tools")
export class ExploreTools extends LitElement {
  static override styles = [
    ...baseStyles,
    stateStyles,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 6px;
        font-size: 12px;
      }
      .states {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px;
        /* The first letter stands under that of the filter. */
        margin-left: -8px;
      }
      .toggle {
        display: inline-flex;
        align-items: center;
        gap: 4px;
      }
      .toggle .icon {
        font-size: 14px;
      }
      .gap {
        flex: 1;
      }
      .pending {
        color: var(--vscode-textLink-foreground);
      }
      .picker {
        position: relative;
      }
      .group {
        display: inline-flex;
        align-items: center;
        gap: 4px;
      }
      .group .input {
        max-width: 120px;
      }
      @container page (max-width: 900px) {
        .state-name {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) model!: ExploreModel;
  @property({ attribute: false }) view!: ViewSettings;
  @state() private picking = false;
  #stop: (() => void) | null = null;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has("model")) return;
    this.#stop?.();
    this.#stop = this.model.onChange(() => {
      this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    const { model } = this;
    return html`<span class="states" role="group" aria-label="States">${this.#states(model)}</span>
      <span class="gap"></span>
      ${this.#pending(model)} ${this.#grouping(model)}<slot></slot>${this.#columnButton(model)}`;
  }

  /** How many runs of the filter are in each state; a click shows only those. */
  #states(model: ExploreModel): TemplateResult {
    const { states } = this.view;
    return html`${RunState.options
        .filter((each) => (model.states[each] ?? 0) > 0 || states.includes(each))
        .map(
          (each) =>
            html`<button
              class="toggle"
              aria-pressed=${states.includes(each) ? "true" : "false"}
              title=${stateLabel(each)}
              data-testid="state-${each}"
              @click=${() => {
                this.#ask({ states: states.includes(each) ? states.filter((other) => other !== each) : [...states, each] });
              }}
            >
              ${stateIcon(each)} ${formatInteger(model.states[each] ?? 0)}<span class="state-name"> ${stateLabel(each).toLowerCase()}</span>
            </button>`,
        )}
      <button
        class="toggle"
        aria-pressed=${this.view.archived ? "true" : "false"}
        data-testid="explore-archived"
        @click=${() => {
          this.#ask({ archived: !this.view.archived });
        }}
      >
        Archived
      </button>`;
  }

  #pending(model: ExploreModel): TemplateResult | typeof nothing {
    const { pending, disordered } = model;
    if (pending === 0 && !disordered) return nothing;
    return html`<button
      class="toggle pending"
      data-testid="explore-refresh"
      @click=${() => this.dispatchEvent(new CustomEvent("refresh-rows"))}
    >
      ${icon("refresh")} ${pending === 0 ? "Sort again" : counted(pending, "change")}
    </button>`;
  }

  #grouping(model: ExploreModel): TemplateResult {
    const { group, statistic } = this.view;
    const names = model.fieldList
      .filter(({ name, unique }) => !name.startsWith("metrics.") && unique !== null && unique > 0 && name !== "record.id")
      .map(({ name }) => name);
    // One more than there are: groups within the groups.
    const levels = Array.from({ length: Math.min(MOST_LEVELS, group.length + 1) }, (_, level) => level);
    return html`<span class="group" role="group" aria-label="Groups"
        ><span class="secondary">Group</span>${levels.map((level) => this.#groupBy(level, names))}</span
      >${
        group.length === 0
          ? nothing
          : html`<select
              class="input"
              aria-label="Statistic of a group"
              data-testid="explore-statistic"
              @change=${(event: Event) => {
                this.#ask({ statistic: GroupStatistic.parse((event.target as HTMLSelectElement).value) });
              }}
            >
              ${GroupStatistic.options.map((each) => html`<option value=${each} .selected=${live(each === statistic)}>${each}</option>`)}
            </select>`
      }`;
  }

  #groupBy(level: number, names: readonly Field[]): TemplateResult {
    const { group } = this.view;
    const chosen = group[level] ?? "";
    // A field that no run has any more is still what the view says.
    const offered = [...(chosen === "" || names.includes(chosen) ? [] : [chosen]), ...names].filter(
      (name) => name === chosen || !group.includes(name),
    );
    return html`<select
      class="input"
      aria-label=${level === 0 ? "Group by" : `Within these, group by (${String(level + 1)})`}
      data-testid=${level === 0 ? "explore-group-by" : `explore-group-by-${String(level + 1)}`}
      @change=${(event: Event) => {
        const field = (event.target as HTMLSelectElement).value;
        this.#ask({ group: field === "" ? group.toSpliced(level, 1) : group.toSpliced(level, 1, field) });
      }}
    >
      <option value="" .selected=${live(chosen === "")}>${level === 0 ? "none" : "then by…"}</option>
      ${offered.map((name) => html`<option value=${name} .selected=${live(name === chosen)}>${fieldTitle(name)}</option>`)}
    </select>`;
  }

  #columnButton(model: ExploreModel): TemplateResult {
    return html`<span class="picker"
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
              .known=${model.fields}
              .chosen=${model.columns}
              @columns=${(event: Event) => {
                this.dispatchEvent(new CustomEvent("columns", { detail: (event as CustomEvent<TableColumn[] | null>).detail }));
              }}
              @close=${() => {
                this.picking = false;
              }}
            ></ty-column-picker>`
          : nothing
      }</span
    >`;
  }

  #ask(change: Partial<ViewSettings>): void {
    this.dispatchEvent(new CustomEvent("view", { detail: change }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-explore-tools": ExploreTools;
  }
}
