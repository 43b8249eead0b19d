/** The dashboard of one run: header, figures, charts, machine and checkpoints, output and tables. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { counted } from "../../protocol/counted.ts";
import type { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { ChartSync } from "../charts/chart-sync.ts";
import { cssProperties } from "../components/css-vars.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { moveRegionFocus } from "../components/regions.ts";
import { stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import "../console/log-console.ts";
import type { Transport } from "../transport/transport.ts";
import "./artifact-list.ts";
import "./chart-grid.ts";
import "./checkpoint-list.ts";
import { dashboardStyles } from "./dashboard-styles.ts";
import { failureBanner, failureStyles, notFiniteBanner } from "./failure.ts";
import { figures, figureStyles } from "./figures.ts";
import { runHeader, runMeta } from "./run-header.ts";
import { RunModel } from "./run-model.ts";
import "./run-notes.ts";
import "./system-panel.ts";
import { configTab, environmentTab, eventsTab, tabStyles } from "./tabs.ts";
import "./track.ts";

type Tab = "output" | "artifacts" | "notes" | "events" | "config" | "environment";
const TABS: readonly (readonly [Tab, string])[] = [
  ["output", "Output"],
  ["artifacts", "Artifacts"],
  ["notes", "Notes"],
  ["events", "Events"],
  ["config", "Config"],
  ["environment", "Environment"],
];
/** Checks of interpreter and data import what they need. */
const START_TIMEOUT_MS = 120_000;
/** The clock of a live run ticks this often. */
const TICK_MS = 1000;

@customElement("ty-dashboard")
export class Dashboard extends LitElement {
  static override styles = [...baseStyles, stateStyles, figureStyles, failureStyles, tabStyles, dashboardStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) runId!: RunId;
  @state() private tab: Tab = "output";
  @state() private selectedCheckpoint: string | null = null;
  @state() private collapsed = false;
  @state() private actionProblem: TrainyardError | null = null;
  @state() private announcement = "";
  @query(".bottom") private bottom!: HTMLElement;
  readonly #sync = new ChartSync();
  #model: RunModel | null = null;
  #tick: number | undefined;
  #bottomHeight: number | null = null;
  #announcedState = "";

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("checkpoint-select", this.#onCheckpointSelect);
    this.addEventListener("resume-from", this.#onResumeFrom);
    this.addEventListener("fork-from", this.#onForkFrom);
    this.addEventListener("keydown", this.#onKey);
    this.#tick = window.setInterval(() => {
      if (this.#model?.live === true) this.requestUpdate();
    }, TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#tick);
    this.#model?.close();
    this.#model = null;
    this.removeEventListener("checkpoint-select", this.#onCheckpointSelect);
    this.removeEventListener("resume-from", this.#onResumeFrom);
    this.removeEventListener("fork-from", this.#onForkFrom);
    this.removeEventListener("keydown", this.#onKey);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("runId") && !changed.has("transport") && this.#model !== null) return;
    this.#model?.close();
    const model = new RunModel(this.transport, this.runId);
    model.smoothBy(this.#sync.settings.value.smoothing);
    this.#model = model;
    this.selectedCheckpoint = null;
    this.#announcedState = "";
    model.onChange(() => {
      this.#announce(model);
      this.requestUpdate();
    });
    void model.open();
  }

  override render(): TemplateResult {
    const model = this.#model;
    if (model === null) return html``;
    const run = model.detail;
    if (run === null) {
      return model.problem === null
        ? html`<div class="loading" role="progressbar" aria-label="Loading the run"></div>`
        : html`<div class="problem" role="alert" data-testid="dashboard-problem">
            ${icon("error")}
            <b>${model.problem.message}</b>
            <span class="secondary">${model.problem.hint ?? ""}</span>
          </div>`;
    }
    const canContinue = model.checkpoints.some((checkpoint) => checkpoint.resumable);
    // Another run gets components of its own: nothing of the last one may stay.
    return html`${keyed(
      model,
      html`<div class="page">
        <div class="visually-hidden" aria-live="polite">${this.announcement}</div>
        <section class="top ${model.connected ? "" : "dimmed"}" aria-label="Run" tabindex="-1">
          ${runHeader(run, {
            connection: model.connection,
            lastUpdate: model.lastUpdate,
            blocked: this.#blocked,
            canResume: FINAL_STATES.has(run.state) && canContinue,
            canFork: model.checkpoints.some((checkpoint) => checkpoint.forkable),
            star: () => void this.#edit({ starred: !run.starred }),
            start: () => void this.#start(),
            cancel: () => {
              this.transport.command({ command: "cancel_run", run: run.id });
            },
            resume: () => {
              this.#resume(this.selectedCheckpoint);
            },
            export: () => {
              this.transport.command({ command: "export_runs", runs: [run.id] });
            },
            fork: () => {
              this.#fork(this.selectedCheckpoint);
            },
          })}
          ${runMeta(
            run,
            model.place,
            (parent) => {
              this.transport.command({ command: "open_run", run: parent });
            },
            (sweep) => {
              this.transport.command({ command: "open_sweep", sweep });
            },
          )}
          ${run.description === "" ? nothing : html`<div class="description truncate" title=${run.description} data-testid="description">${run.description}</div>`}
          ${this.#problemLine(model)} ${notFiniteBanner(run)}
          ${failureBanner(run, {
            canResume: canContinue,
            resume: () => {
              this.#resume(null);
            },
            showLog: () => {
              this.tab = "output";
              this.collapsed = false;
            },
          })}
          <div class="figures">${figures(run, this.#behind(model))}</div>
          <ty-progress-track .run=${run} .annotations=${model.annotations}></ty-progress-track>
        </section>
        <div class="main">
          <ty-chart-grid
            role="region"
            aria-label="Charts"
            .model=${model}
            .sync=${this.#sync}
            .annotations=${model.annotations}
            .live=${model.live}
          ></ty-chart-grid>
          <aside class="side" aria-label="Machine and checkpoints" tabindex="-1">
            <ty-system-panel
              @system-history=${() => {
                this.transport.command({ command: "open_system" });
              }}
              .samples=${model.system}
              .limits=${model.limits}
              .usage=${model.live ? model.usage : null}
            ></ty-system-panel>
            <ty-checkpoint-list
              .checkpoints=${model.checkpoints}
              .selected=${this.selectedCheckpoint}
              .transport=${this.transport}
              .run=${run.id}
              .live=${!FINAL_STATES.has(run.state)}
              .blocked=${this.#blocked}
            ></ty-checkpoint-list>
          </aside>
        </div>
        ${this.#bottomPanel(run, model)}
      </div>`,
    )}`;
  }

  /** What the page could not do or load; the rest of it stays. */
  #problemLine(model: RunModel): TemplateResult | typeof nothing {
    const problem = this.actionProblem ?? model.problem;
    if (problem === null) return nothing;
    return html`<div class="actions-failed" role="alert" data-testid="dashboard-problem">${problemText(problem)}</div>`;
  }

  /** Seconds since the progress that is shown was received. */
  #behind(model: RunModel): number {
    return model.connected && model.lastUpdate !== null ? Math.max(0, (Date.now() - model.lastUpdate) / 1000) : 0;
  }

  /** Why nothing can be changed now. */
  get #blocked(): string | null {
    if (this.#model?.connected === false) return "Not connected to the run server; the run itself goes on.";
    const store = this.#model?.detail?.store;
    return store?.own === false ? `It lies in the store ${store.name} and is changed there.` : null;
  }

  #bottomPanel(run: RunDetail, model: RunModel): TemplateResult {
    return html`<section
      class="bottom ${this.collapsed ? "collapsed" : this.tab === "artifacts" ? "tall" : ""}"
      aria-label="Output and details"
      tabindex="-1"
    >
      <div
        class="sash"
        role="separator"
        aria-orientation="horizontal"
        aria-label="Height of the output"
        tabindex="0"
        @pointerdown=${this.#onSashDown}
        @pointermove=${this.#onSashMove}
        @keydown=${this.#onSashKey}
      ></div>
      <div class="tabs" role="tablist" @keydown=${this.#onTabKey}>
        ${TABS.map(
          ([tab, label]) =>
            html`<button
              role="tab"
              id="tab-${tab}"
              aria-selected=${this.tab === tab ? "true" : "false"}
              aria-controls="panel"
              tabindex=${this.tab === tab ? "0" : "-1"}
              data-testid="tab-${tab}"
              @click=${() => {
                this.tab = tab;
                this.collapsed = false;
              }}
            >
              ${label}${tab === "events" && model.events.length > 0 ? html` <span class="secondary">${model.events.length}</span>` : nothing}
            </button>`,
        )}
        <button
          class="icon-button"
          aria-expanded=${this.collapsed ? "false" : "true"}
          aria-label=${this.collapsed ? "Show the output" : "Hide the output"}
          title=${this.collapsed ? "Show" : "Hide"}
          @click=${() => {
            this.collapsed = !this.collapsed;
          }}
        >
          ${icon(this.collapsed ? "chevron-up" : "chevron-down")}
        </button>
      </div>
      <div
        class="panel"
        id="panel"
        role="tabpanel"
        aria-labelledby="tab-${this.tab}"
        ?hidden=${this.collapsed}
        ${cssProperties({ display: this.collapsed ? "none" : "block" })}
      >
        ${this.tab === "output" ? html`<ty-log-console .transport=${this.transport} .run=${run.id} .attempts=${run.attempts} .live=${model.live}></ty-log-console>` : nothing}
        ${
          this.tab === "artifacts"
            ? html`<ty-artifact-list
                .transport=${this.transport}
                .run=${run.id}
                .folder=${run.run_dir}
                .live=${model.live}
                .connected=${model.connected}
              ></ty-artifact-list>`
            : nothing
        }
        ${this.tab === "notes" ? html`<ty-run-notes .transport=${this.transport} .run=${run} .blocked=${this.#blocked}></ty-run-notes>` : nothing}
        ${this.tab === "events" ? eventsTab(model.events) : nothing} ${this.tab === "config" ? configTab(run) : nothing}
        ${this.tab === "environment" ? environmentTab(run) : nothing}
      </div>
    </section>`;
  }

  /** Says what a listener must know: the end of a run, a new checkpoint. */
  #announce(model: RunModel): void {
    const run = model.detail;
    if (run === null) return;
    const now = `${stateLabel(run.state)}, ${counted(model.checkpoints.length, "checkpoint")}`;
    if (this.#announcedState !== "" && now !== this.#announcedState) this.announcement = `${run.name}: ${now}`;
    this.#announcedState = now;
  }

  #resume(checkpoint: string | null): void {
    this.transport.command({ command: "resume_run", run: this.runId, checkpoint });
  }

  #fork(checkpoint: string | null): void {
    this.transport.command({ command: "fork_run", run: this.runId, checkpoint });
  }

  #edit(change: { starred: boolean }): Promise<void> {
    return this.#act(() => this.transport.request("editRun", { params: { id: this.runId }, body: change }));
  }

  #start(): Promise<void> {
    return this.#act(() => this.transport.request("startRun", { params: { id: this.runId }, timeoutMs: START_TIMEOUT_MS }));
  }

  async #act(action: () => Promise<unknown>): Promise<void> {
    this.actionProblem = null;
    try {
      await action();
    } catch (error) {
      this.actionProblem = asProblem(error);
    }
  }

  readonly #onCheckpointSelect = (event: Event): void => {
    this.selectedCheckpoint = (event as CustomEvent<string>).detail;
  };
  readonly #onResumeFrom = (event: Event): void => {
    this.#resume((event as CustomEvent<string>).detail);
  };
  readonly #onForkFrom = (event: Event): void => {
    this.#fork((event as CustomEvent<string>).detail);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    moveRegionFocus(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".top, ty-chart-grid, .side, .bottom")]);
  };

  readonly #onTabKey = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    const at = TABS.findIndex(([tab]) => tab === this.tab);
    const next = TABS[(at + by + TABS.length) % TABS.length]?.[0];
    if (next === undefined) return;
    this.tab = next;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${next}`)?.focus());
  };

  readonly #onSashDown = (event: PointerEvent): void => {
    (event.target as HTMLElement).setPointerCapture(event.pointerId);
  };
  readonly #onSashMove = (event: PointerEvent): void => {
    if (!(event.target as HTMLElement).hasPointerCapture(event.pointerId)) return;
    this.#setBottom(this.bottom.getBoundingClientRect().bottom - event.clientY);
  };
  readonly #onSashKey = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowUp" ? 24 : event.key === "ArrowDown" ? -24 : 0;
    if (by === 0) return;
    event.preventDefault();
    this.#setBottom(this.bottom.getBoundingClientRect().height + by);
  };

  #setBottom(height: number): void {
    this.collapsed = false;
    this.#bottomHeight = Math.min(this.clientHeight * 0.8, Math.max(80, height));
    this.bottom.style.setProperty("--bottom", `${String(this.#bottomHeight)}px`);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-dashboard": Dashboard;
  }
}
