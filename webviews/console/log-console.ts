/** The output of an attempt: virtualised, following, searchable, with the terminal's colours and progress bars drawn in place. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { RunId } from "../../protocol/ids.ts";
import type { AskLog } from "../../protocol/log-times.ts";
import type { AttemptDetail } from "../../protocol/queries.ts";
import type { TimeRange } from "../../protocol/time-range.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { consoleStyles } from "./console-styles.ts";
import { chooseLines, LEVELS } from "./line-choice.ts";
import { renderLine } from "./line.ts";
import { findRange } from "./log-range.ts";
import { LogSource, type LogStretch } from "./log-source.ts";
import { lineLevel, type LineLevel } from "./terminal-lines.ts";
import "./time-range.ts";

export const ROW_PX = 18;
const OVERSCAN_ROWS = 20;
/** New output redraws at most this often. */
const REDRAW_MS = 150;
/** A browser keeps no longer timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

@customElement("ty-log-console")
export class LogConsole extends LitElement {
  static override styles = [...baseStyles, consoleStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunId;
  @property({ attribute: false }) attempts: readonly AttemptDetail[] = [];
  /** May more output come? */
  @property({ type: Boolean }) live = false;
  @state() private attempt = 0;
  @state() private follow = true;
  @state() private search = "";
  @state() private hit = 0;
  @state() private levels: ReadonlySet<LineLevel> = new Set(["debug", "info", "warning", "error"]);
  @state() private problem: string | null = null;
  @state() private scrollTopPx = 0;
  /** Only output of this time is shown. */
  @state() private range: TimeRange | null = null;
  /** Lines in the range; null while they are being counted, or more may come. */
  @state() private rangeLines: number | null = null;
  @state() private choosingRange = false;
  @query(".view") private view!: HTMLElement;
  @query("input[type=search]") private searchBox!: HTMLInputElement;
  #source: LogSource | null = null;
  #timer: number | undefined;
  /** Runs when the end of the range has come. */
  #rangeTimer: number | undefined;
  #rows: readonly number[] | null = null;
  #hits: readonly number[] = [];
  #resize: ResizeObserver | null = null;
  #selfScroll = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.#onKey);
    this.#resize = new ResizeObserver(() => {
      this.requestUpdate();
    });
    void this.updateComplete.then(() => this.#resize?.observe(this.view));
    if (!this.hasUpdated) return;
    if (this.range === null) this.#openNewest();
    else void this.#showRange(this.range);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.#onKey);
    this.#resize?.disconnect();
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#rangeTimer);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("run")) {
      this.#source?.close();
      this.#forgetRange();
    }
    if (changed.has("attempts") || changed.has("run")) this.#openNewest();
    this.#refresh();
  }

  override updated(): void {
    if (this.follow && this.view.scrollTop + this.view.clientHeight < this.view.scrollHeight - 1) {
      this.#selfScroll = true;
      this.view.scrollTop = this.view.scrollHeight;
    }
  }

  override render(): TemplateResult {
    const lines = this.#source?.lines;
    const count = this.#rows?.length ?? lines?.length ?? 0;
    return html`
      <div class="bar" role="toolbar" aria-label="Output">
        <label class="search">
          ${icon("search")}<input
            class="input"
            type="search"
            placeholder="Search output"
            aria-label="Search output"
            data-testid="log-search"
            .value=${this.search}
            @input=${(event: InputEvent) => {
              this.#setSearch((event.target as HTMLInputElement).value);
            }}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key === "Enter") this.#goToHit(event.shiftKey ? -1 : 1);
            }}
          /><span class="secondary count"
            >${this.search === "" ? "" : `${this.#hits.length === 0 ? "0" : String(this.hit + 1)} of ${formatInteger(this.#hits.length)}`}</span
          >
        </label>
        <span class="levels">${LEVELS.map(([level, label]) => this.#levelToggle(level, label))}</span>
        ${
          this.attempts.length > 1
            ? html`<select
                class="input attempt"
                aria-label="Attempt"
                @change=${(event: Event) => {
                  this.#forgetRange();
                  this.#open(Number((event.target as HTMLSelectElement).value));
                }}
              >
                ${this.attempts.map(({ number }) => html`<option value=${number} ?selected=${number === this.attempt}>attempt ${number}</option>`)}
              </select>`
            : nothing
        }
        <button
          class="toggle marked"
          aria-pressed=${this.range === null ? "false" : "true"}
          aria-expanded=${this.choosingRange ? "true" : "false"}
          title="Show the output of a range of time (T)"
          data-testid="log-range"
          ?disabled=${this.attempt === 0}
          @click=${() => {
            this.choosingRange = !this.choosingRange;
          }}
        >
          ${icon("history")} Time
        </button>
        <button
          class="toggle marked"
          aria-pressed=${this.follow ? "true" : "false"}
          title="Follow the newest output (F)"
          data-testid="log-follow"
          @click=${() => {
            this.#setFollow(!this.follow);
          }}
        >
          ${icon("arrow-down")} Follow
        </button>
      </div>
      <ty-time-range
        .ask=${this.#ask}
        .live=${this.#mayGrow}
        .range=${this.range}
        .total=${this.rangeLines}
        .editing=${this.choosingRange}
        ?hidden=${this.range === null && !this.choosingRange}
        @range=${(event: CustomEvent<TimeRange | null>) => {
          void this.#showRange(event.detail);
          this.view.focus();
        }}
        @editing=${(event: CustomEvent<boolean>) => {
          this.choosingRange = event.detail;
          if (!event.detail) this.view.focus();
        }}
      ></ty-time-range>
      <div
        class="view mono"
        role="log"
        aria-live="off"
        aria-label="Output of the run"
        tabindex="0"
        data-testid="log-console"
        @scroll=${this.#onScroll}
      >
        ${
          this.#source?.hasEarlier === true
            ? html`<button class="link earlier" @click=${() => void this.#loadEarlier()}>Load earlier output</button>`
            : nothing
        }
        ${this.problem === null ? nothing : html`<div class="problem">${this.problem}</div>`}
        ${count === 0 ? html`<div class="secondary empty">${this.#emptyText}</div>` : nothing}
        <div class="sizer" ${cssProperties({ height: `${String(count * ROW_PX)}px` })}>${this.#visibleRows(count)}</div>
      </div>
    `;
  }

  get #emptyText(): string {
    if (this.#rows !== null) return "No line of the chosen levels";
    if (this.attempts.length === 0) return "No output yet: the run has not started";
    if (this.range !== null) return this.#source === null ? "" : "No line is known to be of this time";
    return this.#mayGrow ? "No output yet" : "This attempt wrote no output";
  }

  get #mayGrow(): boolean {
    return this.live && this.attempt === this.attempts.at(-1)?.number;
  }

  #levelToggle(level: LineLevel, label: string): TemplateResult {
    const on = this.levels.has(level);
    return html`<button
      class="toggle"
      aria-pressed=${on ? "true" : "false"}
      @click=${() => {
        const levels = new Set(this.levels);
        if (on) levels.delete(level);
        else levels.add(level);
        this.levels = levels;
      }}
    >
      ${label}
    </button>`;
  }

  #visibleRows(count: number): TemplateResult[] {
    const lines = this.#source?.lines;
    if (lines === undefined) return [];
    const height = this.hasUpdated ? this.view.clientHeight : 400;
    const top = this.follow ? Math.max(0, count * ROW_PX - height) : this.scrollTopPx;
    const from = Math.max(0, Math.floor(top / ROW_PX) - OVERSCAN_ROWS);
    const to = Math.min(count, Math.ceil((top + height) / ROW_PX) + OVERSCAN_ROWS);
    const current = this.#hits[this.hit];
    const rows: TemplateResult[] = [];
    for (let row = from; row < to; row++) {
      const index = this.#rows?.[row] ?? row;
      const text = lines.at(index);
      rows.push(
        html`<div
          class="row level-${lineLevel(text)} ${index === current ? "current" : ""}"
          ${cssProperties({ top: `${String(row * ROW_PX)}px` })}
        >
          ${renderLine(text, this.search)}
        </div>`,
      );
    }
    return rows;
  }

  #refresh(): void {
    const { rows, hits } = chooseLines(this.#source?.lines, this.levels, this.search);
    this.#rows = rows;
    this.#hits = hits;
    if (this.hit >= hits.length) this.hit = Math.max(0, hits.length - 1);
  }

  #openNewest(): void {
    const newest = this.attempts.at(-1)?.number ?? 0;
    if (this.range !== null) return; // the attempt whose time was asked for stays
    if (newest !== 0 && (newest !== this.#source?.attempt || this.#source.run !== this.run) && !this.#pinnedToOther(newest))
      this.#open(newest);
  }

  /** Somebody reads an older attempt of this run: a change of the newest one must not take it away. */
  #pinnedToOther(newest: number): boolean {
    return this.#source?.run === this.run && !this.follow && this.attempt !== 0 && this.attempt < newest;
  }

  #open(attempt: number): void {
    this.attempt = attempt;
    const size = this.attempts.find(({ number }) => number === attempt)?.log_bytes ?? 0;
    this.#read({ start: 0, end: null, size });
  }

  #read(stretch: LogStretch): LogSource {
    this.#source?.close();
    this.problem = null;
    const source = new LogSource(this.transport, this.run, this.attempt, stretch, () => {
      this.#timer ??= window.setTimeout(() => {
        this.#timer = undefined;
        this.requestUpdate();
      }, REDRAW_MS);
    });
    this.#source = source;
    this.requestUpdate();
    return source;
  }

  readonly #ask: AskLog = async (query) =>
    this.transport.request("getLog", { params: { id: this.run }, query: { ...query, attempt: this.attempt } });

  /** Shows the lines of a range of time; null: all of them. */
  async #showRange(range: TimeRange | null): Promise<void> {
    this.#forgetRange();
    this.#source?.close();
    this.#source = null;
    this.follow = true;
    if (range === null) {
      this.#open(this.attempt);
      return;
    }
    this.range = range;
    try {
      const { stretch, total, overIn } = await findRange(this.#ask, range, this.#mayGrow);
      if (this.range !== range || !this.isConnected) return; // another one was chosen, or the tab left, meanwhile
      this.rangeLines = total;
      if (overIn !== null && overIn < LONGEST_TIMER_MS) this.#rangeTimer = window.setTimeout(() => void this.#showRange(range), overIn);
      if (this.#read(stretch).hasEarlier && stretch.end !== null) await this.#showFromTop();
    } catch (error) {
      this.problem = problemText(asProblem(error));
    }
  }

  /** What is over is read from its beginning on, not from its end. */
  async #showFromTop(): Promise<void> {
    await this.#loadEarlier();
    this.requestUpdate();
    await this.updateComplete;
    this.view.scrollTop = 0;
    this.#setFollow(false);
  }

  #forgetRange(): void {
    clearTimeout(this.#rangeTimer);
    this.range = null;
    this.rangeLines = null;
    this.choosingRange = false;
  }

  async #loadEarlier(): Promise<void> {
    this.follow = false;
    try {
      await this.#source?.loadEarlier();
      this.problem = null;
    } catch (error) {
      this.problem = problemText(asProblem(error));
    }
  }

  #setSearch(text: string): void {
    this.search = text;
    this.hit = 0;
    this.#refresh();
    if (this.#hits.length > 0) this.#goToHit(0);
  }

  #goToHit(by: number): void {
    const { length } = this.#hits;
    if (length === 0) return;
    this.hit = (this.hit + by + length) % length;
    const index = this.#hits[this.hit] ?? 0;
    const row = this.#rows === null ? index : this.#rows.indexOf(index);
    this.follow = false;
    this.view.scrollTop = row * ROW_PX - this.view.clientHeight / 2;
    this.scrollTopPx = this.view.scrollTop;
  }

  #setFollow(on: boolean): void {
    this.follow = on;
    if (!on) this.scrollTopPx = this.view.scrollTop;
  }

  readonly #onScroll = (): void => {
    if (this.#selfScroll) {
      this.#selfScroll = false;
      return;
    }
    const atEnd = this.view.scrollTop + this.view.clientHeight >= this.view.scrollHeight - ROW_PX / 2;
    this.scrollTopPx = this.view.scrollTop;
    this.follow = atEnd;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") {
      event.preventDefault();
      this.searchBox.focus();
    } else if (event.composedPath()[0] instanceof HTMLInputElement) {
      return;
    } else if (event.key === "f" || event.key === "F") {
      this.#setFollow(!this.follow);
    } else if (event.key === "End") {
      event.preventDefault();
      this.#setFollow(true);
    } else if ((event.key === "t" || event.key === "T") && this.attempt !== 0) {
      event.preventDefault(); // it would be the first letter of the range
      this.choosingRange = true;
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-log-console": LogConsole;
  }
}
