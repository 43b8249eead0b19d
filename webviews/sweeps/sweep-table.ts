/** The runs of a sweep as a table: params, objective, state; sorted by a click on a title. Says nothing; opens runs. */
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { JsonValue } from "../../protocol/json.ts";
import type { SweepDetail } from "../../protocol/sweep.ts";
import { settingText } from "../compare/differences.ts";
import { formatJson, formatValue, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { regionElement } from "../components/regions.ts";
import { moveRowFocus } from "../components/row-focus.ts";
import { stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { sweepRunIcon, sweepRunLabel } from "./run-state.ts";
import { objectiveOf, type SweepRun } from "./sweep-model.ts";

type SortKey = "index" | "state" | "seed" | "objective" | `param:${string}`;

@customElement("ty-sweep-table")
export class SweepTable extends regionElement("table") {
  static override styles = [
    ...baseStyles,
    stateStyles,
    css`
      :host {
        display: block;
        min-height: 0;
        overflow: auto;
        font-size: 12px;
      }
      table {
        border-collapse: collapse;
        min-width: 100%;
      }
      th,
      td {
        height: 24px;
        padding: 0 12px;
        text-align: left;
        font-weight: normal;
        white-space: nowrap;
        max-width: 260px;
        overflow: hidden;
        text-overflow: ellipsis;
        vertical-align: middle;
      }
      .named,
      .words {
        vertical-align: middle;
      }
      th:first-child,
      td:first-child {
        padding-left: 20px;
      }
      thead th {
        position: sticky;
        top: 0;
        background: var(--vscode-editor-background);
        border-bottom: 1px solid var(--hairline);
      }
      th button {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        color: var(--secondary);
      }
      th .icon {
        font-size: 12px;
      }
      tbody tr:hover {
        background: var(--hover);
      }
      .number {
        padding-right: 36px;
        text-align: right;
      }
      tr.best td {
        background: color-mix(in srgb, var(--vscode-charts-blue) 14%, transparent);
      }
      .named {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .star {
        color: var(--vscode-charts-yellow);
      }
      .waiting td {
        color: var(--secondary);
      }
      .words {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) sweep!: SweepDetail;
  @state() private sort: { readonly key: SortKey; readonly up: boolean } = { key: "index", up: true };

  override render(): TemplateResult {
    const { sweep } = this;
    const params = Object.keys(sweep.sweep.params);
    const seeds = sweep.runs.some(({ seed }) => seed !== null);
    const rows = [...sweep.runs].sort((a, b) => compare(a, b, this.sort.key) * (this.sort.up ? 1 : -1));
    return html`<table tabindex="-1" aria-label="Runs of the sweep" @keydown=${this.#onKey}>
      <thead>
        <tr>
          ${this.#title("index", "Run")} ${this.#title("state", "State")}
          ${sweep.objective === null ? nothing : this.#title("objective", sweep.objective.metric, "number")}
          ${params.map((name) => this.#title(`param:${name}`, name))} ${seeds ? this.#title("seed", "seed") : nothing}
        </tr>
      </thead>
      <tbody>
        ${repeat(
          rows,
          ({ index }) => index,
          (run) => this.#row(run, params, seeds),
        )}
      </tbody>
    </table>`;
  }

  #row(run: SweepRun, params: readonly string[], seeds: boolean): TemplateResult {
    const { sweep } = this;
    const best = run.run === sweep.best;
    const exists = run.state !== "waiting" && run.state !== "deleted";
    const name = `${sweep.name} ${String(run.index + 1)}`;
    return html`<tr
      class="${best ? "best" : ""} ${exists ? "" : "waiting"}"
      data-testid="sweep-run"
      data-run=${run.run}
      data-state=${run.state}
      data-best=${best ? "true" : "false"}
    >
      <td>
        <span class="named"
          >${
            exists
              ? html`<button
                  class="link open"
                  data-testid="sweep-open-run"
                  @click=${() => {
                    this.transport.command({ command: "open_run", run: run.run });
                  }}
                >
                  ${name}
                </button>`
              : name
          }${best ? html`<span class="star" title="The best run that completed" role="img" aria-label="best">${icon("star-full")}</span>` : nothing}</span
        >
      </td>
      <td><span class="words" title=${prunedText(run)}>${sweepRunIcon(run.state)}${stateText(run)}</span></td>
      ${sweep.objective === null ? nothing : html`<td class="number">${run.objective === null ? "" : formatValue(objectiveOf(run))}</td>`}
      ${params.map((param) => html`<td class="mono">${shown(run.params[param])}</td>`)}
      ${seeds ? html`<td class="mono">${run.seed === null ? "" : String(run.seed)}</td>` : nothing}
    </tr>`;
  }

  #title(key: SortKey, text: string, tone = ""): TemplateResult {
    const { sort } = this;
    const sorted = sort.key === key;
    return html`<th class=${tone} scope="col" aria-sort=${sorted ? (sort.up ? "ascending" : "descending") : "none"}>
      <button
        title="Sort by ${text}"
        data-testid="sweep-sort-${key}"
        @click=${() => {
          this.sort = { key, up: sorted ? !sort.up : true };
        }}
      >
        ${text}${sorted ? icon(sort.up ? "arrow-up" : "arrow-down") : nothing}
      </button>
    </th>`;
  }

  /** Up and Down go from run to run; Enter is the button's own. */
  readonly #onKey = (event: KeyboardEvent): void => {
    moveRowFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".open")]);
  };
}

/** A pruned run is a cancelled one; why says its pruning. */
function stateText(run: SweepRun): string {
  return run.state === "cancelled" && run.pruned !== undefined
    ? `Pruned at step ${formatValue(run.pruned.step)}`
    : sweepRunLabel(run.state);
}

function prunedText({ pruned }: SweepRun): string {
  return pruned === undefined ? "" : `Ended early: at step ${formatValue(pruned.step)} it had reached ${formatValue(pruned.value)}`;
}

/** A value as it was set; one that was drawn with more digits than four. */
function shown(value: JsonValue | undefined): string {
  const drawn = typeof value === "number" && value !== Number(value.toPrecision(4));
  return drawn ? formatValue(value) : value === undefined ? UNKNOWN : settingText(value);
}

/** Runs without a value come last going up. */
function compare(a: SweepRun, b: SweepRun, key: SortKey): number {
  if (key === "index") return a.index - b.index;
  if (key === "state") return a.state.localeCompare(b.state) || a.index - b.index;
  const [left, right] = key === "objective" ? [objectiveOf(a), objectiveOf(b)] : [cell(a, key), cell(b, key)];
  const numbers = typeof left === "number" && typeof right === "number";
  if (!numbers) return String(left).localeCompare(String(right)) || a.index - b.index;
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || a.index - b.index;
  return left - right || a.index - b.index;
}

function cell(run: SweepRun, key: SortKey): number | string {
  const value = key === "seed" ? run.seed : run.params[key.slice("param:".length)];
  return typeof value === "number" ? value : formatJson(value ?? undefined);
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-sweep-table": SweepTable;
  }
}
