/** What is asked before many runs change: are they to go to the trash, which tags come and go. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { formatInteger } from "../components/format.ts";
import { baseStyles } from "../components/styles.ts";
import { parseTags } from "./fields.ts";
import { type Row, tagsOf, text } from "./scope.ts";

export interface TagChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Says `delete-runs` with the rows and `tag-runs` with the change, once they are confirmed. */
@customElement("ty-run-dialogs")
export class RunDialogs extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: contents;
      }
      dialog {
        width: min(440px, calc(100vw - 32px));
        padding: 16px 20px;
        color: var(--vscode-foreground);
        background: var(--vscode-editor-background);
        border: 1px solid var(--vscode-contrastBorder, var(--hairline));
        border-radius: 6px;
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 0.4);
      }
      h2 {
        margin: 0 0 8px;
        font-size: 15px;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      p {
        margin: 0 0 12px;
      }
      label {
        display: block;
      }
      label .input {
        width: 100%;
        margin: 4px 0 10px;
      }
      fieldset {
        max-height: 200px;
        margin: 0 0 12px;
        padding: 4px 10px;
        overflow: auto;
        border: 1px solid var(--hairline);
        border-radius: 4px;
      }
      .tick {
        display: flex;
        align-items: center;
        gap: 6px;
        height: 22px;
      }
      .buttons {
        display: flex;
        justify-content: flex-end;
        gap: 8px;
      }
    `,
  ];

  @state() private rows: readonly Row[] = [];
  @query("dialog.delete") private deleteDialog!: HTMLDialogElement;
  @query("dialog.tags") private tagsDialog!: HTMLDialogElement;

  askDelete(rows: readonly Row[]): void {
    this.rows = rows;
    this.deleteDialog.showModal();
  }

  askTags(rows: readonly Row[]): void {
    this.rows = rows;
    this.tagsDialog.querySelector("form")?.reset();
    this.tagsDialog.showModal();
  }

  override render(): TemplateResult {
    const count = this.rows.length;
    const first = this.rows[0];
    const known = [...new Set(this.rows.flatMap(tagsOf))].sort();
    return html`<dialog class="delete" aria-labelledby="question" data-testid="delete-dialog">
        <form
          method="dialog"
          @submit=${() => {
            this.dispatchEvent(new CustomEvent("delete-runs", { detail: this.rows }));
          }}
        >
          <h2 id="question">
            ${count === 1 && first !== undefined ? `Move ${text(first, "record.name")} to the trash?` : `Move ${formatInteger(count)} runs to the trash?`}
          </h2>
          <p class="secondary">
            The whole run folder goes there, with metrics, log and checkpoints. It can be brought back until the trash is emptied.
          </p>
          ${this.#buttons("delete-confirm", "Move to Trash")}
        </form>
      </dialog>
      <dialog class="tags" aria-labelledby="tags-question" data-testid="tags-dialog">
        <form method="dialog" @submit=${this.#tag}>
          <h2 id="tags-question">Tags of ${counted(count, "run")}</h2>
          <label>Add, separated by commas <input class="input" name="add" data-testid="tags-add" autocomplete="off" /></label>
          ${
            known.length === 0
              ? nothing
              : html`<fieldset>
                  <legend>Remove</legend>
                  ${known.map((tag) => html`<label class="tick"><input type="checkbox" name="remove" value=${tag} />${tag}</label>`)}
                </fieldset>`
          }
          ${this.#buttons("tags-confirm", "Change Tags")}
        </form>
      </dialog>`;
  }

  #buttons(testid: string, label: string): TemplateResult {
    return html`<div class="buttons">
      <button
        class="button"
        type="button"
        @click=${(event: Event) => {
          (event.target as HTMLElement).closest("dialog")?.close();
        }}
      >
        Cancel
      </button>
      <button class="button primary" data-testid=${testid}>${label}</button>
    </div>`;
  }

  readonly #tag = (event: Event): void => {
    const form = new FormData(event.target as HTMLFormElement);
    const typed = form.get("add");
    const detail: TagChange = { add: parseTags(typeof typed === "string" ? typed : ""), remove: form.getAll("remove").map(String) };
    if (detail.add.length + detail.remove.length > 0) this.dispatchEvent(new CustomEvent("tag-runs", { detail }));
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-run-dialogs": RunDialogs;
  }
}
