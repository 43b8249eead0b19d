/** One sweep: what it tries, how far it is, the best so far, the objective over its runs, and the runs themselves. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import type { SweepId } from "../../protocol/ids.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { seedsOf } from "../../protocol/sweep-spec.ts";
import type { SweepDetail, SweepRunState } from "../../protocol/sweep.ts";
import { formatClock, formatValue, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import "../components/offline.ts";
import { pageStyles } from "../components/page-styles.ts";
import { problemText } from "../components/problem.ts";
import { moveRegionFocus } from "../components/regions.ts";
import { stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import { isOffline, type Transport } from "../transport/transport.ts";
import { importanceStyles, importanceView } from "./importance-view.ts";
import "./objective-chart.ts";
import { sweepRunIcon, sweepRunLabel } from "./run-state.ts";
import { bestSoFar, SweepModel } from "./sweep-model.ts";
import "./sweep-table.ts";
import { sweepViewStyles } from "./sweep-view-styles.ts";

const METHOD_TITLES: Readonly<Record<SweepDetail["sweep"]["method"], string>> = { grid: "Grid", random: "Random", optuna: "Optuna" };
const MOST_COMPARED = 1000;

@customElement("ty-sweep-view")
export class SweepView extends LitElement {
  static override styles = [...baseStyles, pageStyles, stateStyles, sweepViewStyles, importanceStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) sweep!: SweepId;
  #model: SweepModel | null = null;
  #offConnection: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.#onKey);
    this.#model?.close();
    this.#model = null;
    this.#offConnection();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.#model !== null && !changed.has("sweep") && !changed.has("transport")) return;
    this.#model?.close();
    this.#offConnection();
    const model = new SweepModel(this.transport, this.sweep, () => {
      if (model.detail !== null) this.transport.setTitle(`Sweep: ${model.detail.name}`);
      this.requestUpdate();
    });
    this.#model = model;
    this.#offConnection = this.transport.onConnection(() => {
      this.requestUpdate();
    });
    model.open();
  }

  override render(): TemplateResult | typeof nothing {
    const model = this.#model;
    if (model === null) return nothing;
    const { detail, problem } = model;
    if (detail === null)
      return problem === null
        ? html`<div class="loading" role="progressbar" aria-label="Loading the sweep"></div>`
        : html`<div class="none" role="alert" data-testid="sweep-problem">${icon("error")} ${problemText(problem)}</div>`;
    return html`${this.#head(detail, model)}
      <div class="visually-hidden" aria-live="polite">
        ${detail.state === "finished" ? `The sweep has finished. ${countsText(detail)}` : ""}
      </div>
      ${problem === null ? nothing : html`<div class="problem" role="alert" data-testid="sweep-problem">${problemText(problem)}</div>`}
      <div class="figures">${figures(detail)}</div>
      <div class="main">
        <ty-objective-chart
          role="region"
          aria-label="Objective"
          tabindex="-1"
          .transport=${this.transport}
          .sweep=${detail}
        ></ty-objective-chart>
        <aside aria-label="What varies" tabindex="-1">
          ${space(detail)} ${model.importance === null ? nothing : importanceView(model.importance)}
        </aside>
      </div>
      <ty-sweep-table role="region" aria-label="Runs" .transport=${this.transport} .sweep=${detail}></ty-sweep-table>`;
  }

  #head(sweep: SweepDetail, model: SweepModel): TemplateResult {
    const { connection } = this.transport;
    const offline = isOffline(connection);
    const begun = sweep.runs.filter(({ state }) => state !== "waiting" && state !== "deleted").map(({ run }) => run);
    const live = sweep.runs.some(
      ({ state }) => state !== "waiting" && state !== "deleted" && (LIVE_STATES.has(state) || state === "queued"),
    );
    return html`<div class="head">
      <button
        class="icon-button"
        title="All sweeps"
        aria-label="All sweeps"
        data-testid="sweep-back"
        @click=${() => {
          this.transport.command({ command: "open_sweep", sweep: null });
        }}
      >
        ${icon("layers")}
      </button>
      <h1 class="truncate" data-testid="sweep-name">${sweep.name}</h1>
      <span class="tag" data-testid="sweep-state" data-state=${sweep.state}>${stateTitle(sweep.state)}</span>
      <span class="secondary truncate">${sweep.project} · ${sweep.recipe} · ${methodText(sweep.sweep)}</span>
      <ty-offline .transport=${this.transport}></ty-offline>
      <div class="buttons">
        ${
          sweep.state === "running"
            ? html`<button
                class="button"
                title="Make no further runs; those that live go on"
                data-testid="sweep-stop"
                ?disabled=${offline || sweep.counts.waiting === undefined}
                @click=${() => void model.stop(false)}
              >
                ${icon("debug-stop")} Stop
              </button>`
            : nothing
        }
        ${
          live
            ? html`<button
                class="button"
                title="Make no further runs, and stop those that live, each with a final checkpoint where it can"
                data-testid="sweep-cancel"
                ?disabled=${offline}
                @click=${() => void model.stop(true)}
              >
                ${icon("circle-slash")} Stop all
              </button>`
            : nothing
        }
        ${
          sweep.stopped === null || sweep.counts.waiting === undefined
            ? nothing
            : html`<button class="button primary" data-testid="sweep-continue" ?disabled=${offline} @click=${() => void model.goOn()}>
                ${icon("debug-start")} Go on
              </button>`
        }
        <button
          class="button"
          data-testid="sweep-compare"
          ?disabled=${begun.length < 2}
          @click=${() => {
            this.transport.command({ command: "compare_runs", runs: begun.slice(0, MOST_COMPARED) });
          }}
        >
          ${icon("git-compare")} Compare
        </button>
      </div>
      ${
        sweep.stopped === null
          ? nothing
          : html`<div class="reason secondary" data-testid="sweep-reason">
              Stopped at ${formatClock(sweep.stopped.at)}: ${sweep.stopped.reason}
            </div>`
      }
    </div>`;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    moveRegionFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>("ty-objective-chart, aside, ty-sweep-table")]);
  };
}

export function stateTitle(state: SweepDetail["state"]): string {
  return { running: "Running", stopped: "Stopped", finished: "Finished" }[state];
}

/** `8 completed, 2 running, 10 waiting` */
export function countsText({ counts }: Pick<SweepDetail, "counts">): string {
  return Object.entries(counts)
    .map(([state, count]) => `${String(count)} ${sweepRunLabel(state as SweepRunState).toLowerCase()}`)
    .join(", ");
}

function methodText(sweep: SweepDetail["sweep"]): string {
  const title = METHOD_TITLES[sweep.method];
  if (sweep.method !== "optuna") return title;
  const pruner = sweep.pruner === undefined ? "" : `, ${sweep.pruner.kind === "asha" ? "ASHA" : "median"} pruner`;
  return `${title} (${sweep.sampler.toUpperCase()}${pruner})`;
}

function figures(sweep: SweepDetail): TemplateResult {
  const { counts, objective, run_count: total } = sweep;
  const over = (["completed", "failed", "cancelled", "interrupted", "deleted"] as const).reduce(
    (sum, state) => sum + (counts[state] ?? 0),
    0,
  );
  const best = bestSoFar(sweep).at(-1);
  const direction = objective === null ? "" : objective.direction === "min" ? "lowest" : "highest";
  return html`<div class="figure" data-testid="sweep-progress">
      <span class="secondary">Runs that ended</span><b>${String(over)} <span class="secondary">/ ${String(total)}</span></b>
      <progress max=${total} .value=${over} aria-label="${String(over)} of ${counted(total, "run")} ended"></progress>
    </div>
    <div class="figure counts" data-testid="sweep-counts">
      <span class="secondary">States</span
      ><span class="states"
        >${Object.entries(counts).map(
          ([state, count]) =>
            html`<span class="count"
              >${sweepRunIcon(state as SweepRunState)} ${String(count)} ${sweepRunLabel(state as SweepRunState).toLowerCase()}</span
            >`,
        )}</span
      >
    </div>
    <div class="figure" data-testid="sweep-best">
      <span class="secondary">${objective === null ? "Best" : `Best ${objective.metric}, ${direction}`}</span
      ><b
        >${best === undefined ? UNKNOWN : formatValue(best.value)}
        <span class="secondary">${best === undefined ? "" : `run ${String(best.index + 1)}`}</span></b
      >
    </div>
    <div class="figure"><span class="secondary">At once</span><b>${String(sweep.concurrency)}</b></div>`;
}

/** Which params vary, and over what. */
function space({ sweep }: SweepDetail): TemplateResult {
  const seeds = seedsOf(sweep);
  return html`<h2>What varies</h2>
    <dl>
      ${Object.entries(sweep.params).map(
        ([name, range]) =>
          html`<dt class="mono">${name}</dt>
            <dd>${rangeText(range)}</dd>`,
      )}
      ${
        seeds === undefined
          ? nothing
          : html`<dt>Seeds</dt>
              <dd>${seeds.join(", ")}</dd>`
      }
    </dl>`;
}

function rangeText(range: SweepDetail["sweep"]["params"][string]): string {
  if (Array.isArray(range)) return range.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(", ");
  if ("int" in range) return `${String(range.int[0])} to ${String(range.int[1])}, whole`;
  if ("uniform" in range) return `${formatValue(range.uniform[0])} to ${formatValue(range.uniform[1])}`;
  return `${formatValue(range.loguniform[0])} to ${formatValue(range.loguniform[1])}, logarithmic`;
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-sweep-view": SweepView;
  }
}
