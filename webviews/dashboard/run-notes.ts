/** Description and notes of a run, edited where they stand. What was typed is saved when the field is left, on Ctrl+S, and after a pause. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { LONGEST_DESCRIPTION, LONGEST_NOTES } from "../../protocol/constants.ts";
import type { EditRun, RunDetail } from "../../protocol/queries.ts";
import { formatClock } from "../components/format.ts";
import { problemOf } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";

type Field = "description" | "notes";
type Draft = Pick<EditRun, Field>;

const PAUSE_MS = 2000;

@customElement("ty-run-notes")
export class RunNotes extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr) auto;
        gap: 8px;
        height: 100%;
        padding: 8px 20px;
        box-sizing: border-box;
      }
      label {
        display: grid;
        grid-template-columns: 88px minmax(0, 1fr);
        gap: 8px;
        min-height: 0;
      }
      label span {
        padding-top: 3px;
        font-size: 12px;
      }
      .input {
        width: 100%;
        box-sizing: border-box;
      }
      textarea.input {
        height: 100%;
        min-height: 48px;
        padding: 4px 8px;
        resize: none;
        line-height: 18px;
      }
      .said {
        margin-left: 96px;
        min-height: 16px;
        font-size: 11px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunDetail;
  /** Why nothing can be changed now, or null. */
  @property({ attribute: false }) blocked: string | null = null;
  /** Typed and not yet saved. */
  @state() private draft: Draft = {};
  @state() private problem: string | null = null;
  @state() private savedAt: number | null = null;
  #pause: number | undefined;
  #saving: Promise<void> = Promise.resolve();

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    void this.#save();
  }

  override render(): TemplateResult {
    return html`<label
        ><span class="secondary">Description</span
        ><input
          class="input"
          placeholder="What this run is, in a line"
          data-testid="run-description"
          maxlength=${LONGEST_DESCRIPTION}
          ?readonly=${this.blocked !== null}
          .value=${this.draft.description ?? this.run.description}
          @input=${this.#typed("description")}
          @change=${() => void this.#save()}
          @keydown=${this.#onKey}
      /></label>
      <label
        ><span class="secondary">Notes</span
        ><textarea
          class="input"
          placeholder="What was tried, seen and decided"
          data-testid="run-notes"
          maxlength=${LONGEST_NOTES}
          ?readonly=${this.blocked !== null}
          .value=${this.draft.notes ?? this.run.notes}
          @input=${this.#typed("notes")}
          @change=${() => void this.#save()}
          @keydown=${this.#onKey}
        ></textarea>
      </label>
      ${this.#said()}`;
  }

  #said(): TemplateResult {
    if (this.problem !== null)
      return html`<div class="said" role="alert" data-testid="run-notes-said">
        Not saved: ${this.problem} <button class="link" @click=${() => void this.#save()}>Try again</button>
      </div>`;
    const unsaved = Object.keys(this.draft).length > 0;
    const text = unsaved ? "Not saved yet" : this.savedAt === null ? (this.blocked ?? "") : `Saved ${formatClock(this.savedAt)}`;
    return html`<div class="said secondary" data-testid="run-notes-said" data-unsaved=${unsaved ? "true" : nothing}>${text}</div>`;
  }

  #typed(field: Field) {
    return (event: InputEvent): void => {
      const { value } = event.target as HTMLInputElement | HTMLTextAreaElement;
      this.draft = { ...this.draft, [field]: value };
      clearTimeout(this.#pause);
      this.#pause = window.setTimeout(() => void this.#save(), PAUSE_MS);
    };
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || (event.key !== "s" && event.key !== "Enter")) return;
    event.preventDefault();
    void this.#save();
  };

  /** One after the other: an answer must not overtake what was typed since. */
  #save(): Promise<void> {
    clearTimeout(this.#pause);
    this.#saving = this.#saving.then(() => this.#write());
    return this.#saving;
  }

  async #write(): Promise<void> {
    const sent = this.draft;
    if (Object.keys(sent).length === 0) return;
    this.problem = await problemOf(async () => {
      const saved = await this.transport.request("editRun", { params: { id: this.run.id }, body: sent });
      this.savedAt = Date.now();
      // What was typed while it was on its way is saved next.
      const rest = Object.entries(this.draft).filter(([field, text]) => sent[field as Field] !== text);
      this.draft = Object.fromEntries(rest);
      this.run = { ...this.run, description: saved.description, notes: saved.notes };
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-run-notes": RunNotes;
  }
}
