/** Chooses the range of time whose output the console shows, and says which one it is. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { outputTimes, type AskLog } from "../../protocol/log-times.ts";
import { parseTimeRange, type OutputTimes, type TimeRange } from "../../protocol/time-range.ts";
import { formatBetween } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";

const QUICK: readonly string[] = ["last 1 min", "last 10 min", "last hour", "first 10 min"];

@customElement("ty-time-range")
export class TimeRangeChoice extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: block;
        padding: 2px 12px 6px 20px;
        font-size: 12px;
      }
      form,
      .shown {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 8px;
      }
      .icon {
        font-size: 14px;
      }
      .input {
        flex: 0 1 280px;
      }
      .button {
        height: 24px;
      }
      .quick {
        display: flex;
        flex-wrap: wrap;
        gap: 2px;
      }
      .said {
        margin: 4px 0 0 22px;
      }
      .error {
        color: var(--vscode-errorForeground);
      }
      @media (max-width: 700px) {
        .input {
          flex: 1 1 160px;
        }
        .said {
          margin-left: 0;
        }
      }
    `,
  ];

  /** Asks for the log of the attempt that is shown. */
  @property({ attribute: false }) ask!: AskLog;
  /** May more output come? */
  @property({ type: Boolean }) live = false;
  /** What is shown; null: everything. */
  @property({ attribute: false }) range: TimeRange | null = null;
  /** Lines in the range; null while they are not known, or more may come. */
  @property({ attribute: false }) total: number | null = null;
  /** Is a range being written? */
  @property({ type: Boolean }) editing = false;
  @state() private text = "";
  /** When the output was written, asked for anew each time that a range is wanted. */
  @state() private times: OutputTimes | null = null;
  @state() private problem: string | null = null;
  @query("input") private input!: HTMLInputElement | null;

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("editing") || !this.editing) return;
    this.problem = null;
    this.times = null;
    void this.#begin();
  }

  override render(): TemplateResult {
    if (this.editing) return this.#form();
    const { range, total } = this;
    if (range === null) return html``;
    return html`<div class="shown">
      ${icon("history")}<span role="status" title="The start is part of it, the end is not" data-testid="log-range-shown"
        >Showing
        ${formatBetween(range.start, range.end)}${total === null ? nothing : html`<span class="secondary"> · ${counted(total, "line")}</span>`}</span
      ><button
        class="link"
        data-testid="log-range-change"
        @click=${() => {
          this.#tell("editing", true);
        }}
      >
        Change</button
      ><button
        class="link"
        data-testid="log-range-clear"
        @click=${() => {
          this.#tell("range", null);
        }}
      >
        Show all
      </button>
    </div>`;
  }

  #form(): TemplateResult {
    return html`<form
        @submit=${(event: SubmitEvent) => {
          event.preventDefault();
          void this.#submit(this.text);
        }}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === "Escape") this.#tell("editing", false);
        }}
      >
        ${icon("history")}<input
          class="input"
          type="text"
          placeholder="last 10 min, or 10:00–10:15"
          aria-label="Range of time to show"
          aria-describedby="said"
          aria-invalid=${this.problem === null ? "false" : "true"}
          autocomplete="off"
          spellcheck="false"
          data-testid="log-range-input"
          .value=${this.text}
          @input=${(event: InputEvent) => {
            this.text = (event.target as HTMLInputElement).value;
            this.problem = null;
          }}
        /><button class="button" type="submit" data-testid="log-range-show">Show</button
        ><span class="quick"
          >${QUICK.map(
            (text) =>
              html`<button class="toggle" type="button" @click=${() => void this.#submit(text)}>
                ${text.charAt(0).toUpperCase()}${text.slice(1)}
              </button>`,
          )}</span
        >
      </form>
      <div id="said" class="said ${this.problem === null ? "secondary" : "error"}" role="status" data-testid="log-range-said">
        ${this.problem ?? this.#said()}
      </div>`;
  }

  /** What the text means so far, or when the output was written. */
  #said(): string {
    if (this.times === null) return "";
    const { now, first, last } = this.times;
    const range = readable(this.text, this.times);
    if (range !== null) return `${formatBetween(range.start, range.end, now)}; the start is part of it, the end is not`;
    if (first === null) return "Nothing says when the lines of this output were written";
    return `Written ${last === null ? `from ${formatBetween(first, null, now)}` : formatBetween(first, last, now)}. Times are written like 10:00–10:15, since 10:00, until 10:15, 2026-01-31 22:00–23:00`;
  }

  async #begin(): Promise<void> {
    await this.updateComplete;
    this.input?.select();
    try {
      this.times = await outputTimes(this.ask, this.live);
    } catch (error) {
      this.problem = problemText(asProblem(error));
    }
  }

  async #submit(text: string): Promise<void> {
    this.text = text;
    try {
      // Asked again: the form may have stood open for a while.
      this.times = await outputTimes(this.ask, this.live);
      this.#tell("range", parseTimeRange(text, this.times));
    } catch (error) {
      this.problem = problemText(asProblem(error));
      this.input?.focus();
    }
  }

  #tell(event: "range", range: TimeRange | null): void;
  #tell(event: "editing", editing: boolean): void;
  #tell(event: string, detail: TimeRange | boolean | null): void {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

function readable(text: string, times: OutputTimes): TimeRange | null {
  try {
    return parseTimeRange(text, times);
  } catch {
    // Half typed: what is wrong with it is said once it is given.
    return null;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-time-range": TimeRangeChoice;
  }
}
