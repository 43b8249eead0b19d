/** The application in a plain browser: runs on the left, a dashboard or the builder on the right. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { RunId } from "../../protocol/ids.ts";
import type { RunLine } from "../../protocol/run-line.ts";
import "../builder/builder.ts";
import type { BuilderTarget } from "../builder/beginnings.ts";
import { DraftDocument } from "../builder/run-document.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import "../compare/compare.ts";
import "../dashboard/dashboard.ts";
import "../explore/explore.ts";
import "../sweeps/sweeps.ts";
import "../system/system.ts";
import { BrowserTransport } from "../transport/browser-transport.ts";
import { runHostCommand } from "./host-commands.ts";
import "./resume-dialog.ts";
import type { ResumeDialog } from "./resume-dialog.ts";
import "./run-list.ts";
import { keepState, openSession, type Page, readState, serverAddress, showInAddress } from "./session.ts";

const NOTICE_MS = 4000;
const NEW_RUN: BuilderTarget = { recipe: null, from: null, script: null, dataset: null, document: null };

@customElement("ty-app")
export class App extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: 260px minmax(0, 1fr);
        grid-template-rows: minmax(0, 1fr);
        height: 100%;
        background: var(--vscode-editor-background);
      }
      .side {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--vscode-sideBar-background);
        border-right: 1px solid var(--hairline);
      }
      .brand {
        display: flex;
        align-items: center;
        gap: 8px;
        height: 48px;
        padding: 0 12px;
        font-weight: 600;
      }
      .brand .button {
        margin-left: auto;
        font-weight: 400;
      }
      ty-run-list {
        flex: 1;
      }
      main {
        min-width: 0;
        min-height: 0;
        overflow: hidden;
      }
      .welcome {
        height: 100%;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 12px;
      }
      .notice {
        position: fixed;
        right: 16px;
        bottom: 16px;
        z-index: 20;
        max-width: min(480px, calc(100vw - 32px));
        padding: 8px 12px;
        border-radius: 4px;
        overflow-wrap: anywhere;
        background: var(--vscode-editorHoverWidget-background);
        border: 1px solid var(--vscode-editorHoverWidget-border);
      }
      .menu {
        display: none;
      }
      @media (max-width: 900px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: 40px minmax(0, 1fr);
        }
        .side {
          border-right: 0;
          border-bottom: 1px solid var(--hairline);
        }
        .brand {
          height: 40px;
          flex: none;
        }
        .menu {
          display: inline-flex;
        }
        .side ty-run-list {
          display: none;
        }
        .side.open {
          position: fixed;
          inset: 0;
          z-index: 10;
        }
        .side.open ty-run-list {
          display: flex;
        }
      }
    `,
  ];

  @property({ attribute: false }) token = "";
  @property({ attribute: false }) run: RunId | null = null;
  @property({ attribute: false }) page: Page | null = null;
  @state() private builder: BuilderTarget | null = null;
  @state() private draft = new DraftDocument(null, () => undefined);
  @state() private notice: string | null = null;
  @state() private menuOpen = false;
  @state() private count: number | null = null;
  @query("ty-resume-dialog") private dialog!: ResumeDialog;
  #noticeTimer: number | undefined;
  #transport: BrowserTransport | null = null;

  get #link(): BrowserTransport {
    this.#transport ??= new BrowserTransport(serverAddress(), this.token, (command) => {
      void this.#try(() =>
        runHostCommand(command, this.#link, {
          openRun: (run) => {
            this.#openRun(run);
          },
          openCompare: (runs) => {
            this.#openPage({ view: "compare", runs });
          },
          openExplore: (project, filter) => {
            this.#openPage({ view: "explore", project, filter });
          },
          openPlot: (project, filter) => {
            this.#openPage({ view: "plots", project, filter });
          },
          openSweep: (sweep) => {
            this.#openPage({ view: "sweeps", sweep });
          },
          openSystem: () => {
            this.#openPage({ view: "system" });
          },
          openNewSweep: (from) => {
            this.#openBuilder({ ...NEW_RUN, from, sweep: true });
          },
          askResume: (run, mode, checkpoint) => void this.#try(() => this.dialog.ask(run, mode, checkpoint)),
          say: (text) => {
            this.#say(text);
          },
        }),
      );
    });
    return this.#transport;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("hashchange", this.#onAddress);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("hashchange", this.#onAddress);
  }

  override render(): TemplateResult {
    const transport = this.#link;
    return html`
      <aside class="side ${this.menuOpen ? "open" : ""}" aria-label="Runs">
        <div class="brand">
          <button
            class="icon-button menu"
            aria-label="Runs"
            aria-expanded=${this.menuOpen ? "true" : "false"}
            @click=${() => {
              this.menuOpen = !this.menuOpen;
            }}
          >
            ${icon(this.menuOpen ? "close" : "table")}
          </button>
          Trainyard
          <button
            class="button"
            data-testid="new-run"
            @click=${() => {
              this.#openBuilder(NEW_RUN);
            }}
          >
            ${icon("add")} New run
          </button>
        </div>
        <ty-run-list
          .transport=${transport}
          .selected=${this.builder === null && this.page === null ? this.run : null}
          @run-select=${this.#onRunSelect}
          @runs-compare=${(event: Event) => {
            this.#openPage({ view: "compare", runs: (event as CustomEvent<RunId[]>).detail });
          }}
          @runs-explore=${() => {
            this.#openPage({ view: "explore", project: null, filter: null });
          }}
          @runs-sweeps=${() => {
            this.#openPage({ view: "sweeps", sweep: null });
          }}
          @runs-changed=${this.#onRunsChanged}
        ></ty-run-list>
      </aside>
      <main @run-select=${this.#onRunSelect}>${this.#page(transport)}</main>
      <ty-resume-dialog .transport=${transport} @run-select=${this.#onRunSelect}></ty-resume-dialog>
      ${this.notice === null ? nothing : html`<div class="notice" role="status">${this.notice}</div>`}
    `;
  }

  #page(transport: BrowserTransport): TemplateResult {
    if (this.builder !== null)
      return html`<ty-builder .transport=${transport} .target=${this.builder} .document=${this.draft}></ty-builder>`;
    if (this.page?.view === "compare") return html`<ty-compare .transport=${transport} .runs=${this.page.runs}></ty-compare>`;
    if (this.page?.view === "explore") return this.#explore(transport, this.page.project, this.page.filter);
    if (this.page?.view === "plots") return this.#plots(transport, this.page.project, this.page.filter);
    if (this.page?.view === "sweeps") return html`<ty-sweeps .transport=${transport} .sweep=${this.page.sweep}></ty-sweeps>`;
    if (this.page?.view === "system") return html`<ty-system .transport=${transport}></ty-system>`;
    if (this.run !== null) return html`<ty-dashboard .transport=${transport} .runId=${this.run}></ty-dashboard>`;
    return html`<div class="welcome">
      ${this.count === 0 ? html`<span>Nothing has been trained here yet.</span>` : html`<span class="secondary">Choose a run, or start one.</span>`}
      <button
        class="button primary"
        @click=${() => {
          this.#openBuilder(NEW_RUN);
        }}
      >
        New run
      </button>
    </div>`;
  }

  #explore(transport: BrowserTransport, project: string | null, filter: string | null): TemplateResult {
    const page = `explore.${project ?? ""}`;
    return html`<ty-explore
      .transport=${transport}
      .project=${project}
      .filter=${filter ?? ""}
      .saved=${filter === null ? readState(page) : null}
      @view-state=${(event: Event) => {
        keepState(page, (event as CustomEvent<unknown>).detail);
      }}
    ></ty-explore>`;
  }

  #plots(transport: BrowserTransport, project: string | null, filter: string | null): TemplateResult {
    // Vega-Lite is large: only who plots loads it.
    void import("../plots/plots.ts");
    const page = `plots.${project ?? ""}`;
    return html`<ty-plots
      .transport=${transport}
      .project=${project}
      .filter=${filter ?? ""}
      .saved=${filter === null ? readState(page) : null}
      @view-state=${(event: Event) => {
        keepState(page, (event as CustomEvent<unknown>).detail);
      }}
    ></ty-plots>`;
  }

  #openRun(run: RunId): void {
    this.builder = null;
    this.page = null;
    this.menuOpen = false;
    this.run = run;
    showInAddress(run);
  }

  #openPage(page: Page): void {
    this.builder = null;
    this.menuOpen = false;
    this.page = page;
    showInAddress(page);
  }

  #openBuilder(target: BuilderTarget): void {
    this.draft = new DraftDocument(null, () => undefined);
    this.builder = target;
    this.menuOpen = false;
  }

  readonly #onRunSelect = (event: Event): void => {
    this.#openRun((event as CustomEvent<RunId>).detail);
  };

  /** A page that was opened without a run shows the newest one. */
  readonly #onRunsChanged = (event: Event): void => {
    const runs = (event as CustomEvent<readonly RunLine[]>).detail;
    this.count = runs.length;
    const newest = runs[0];
    if (this.run === null && this.page === null && this.builder === null && newest !== undefined) this.#openRun(newest.id);
  };

  /** An address of this page that somebody pasted or went back to; `showInAddress` itself causes no such event. */
  readonly #onAddress = (): void => {
    const { run, page } = openSession();
    if (page !== null) this.#openPage(page);
    else if (run !== null) this.#openRun(run);
  };

  #say(text: string): void {
    this.notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = window.setTimeout(() => {
      this.notice = null;
    }, NOTICE_MS);
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#say(problemText(asProblem(error)));
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-app": App;
  }
}
