/** Continue a run or fork it: from which checkpoint, under which name, with which parameters changed. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { formatInteger } from "../components/format.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { parseOverrides } from "./overrides.ts";

@customElement("ty-resume-dialog")
export class ResumeDialog extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      dialog {
        width: min(480px, calc(100vw - 32px));
        padding: 16px 20px;
        color: var(--vscode-foreground);
        background: var(--vscode-editor-background);
        border: 1px solid var(--hairline);
        border-radius: 6px;
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 0.4);
      }
      h2 {
        margin: 0 0 12px;
        font-size: 15px;
        font-weight: 600;
      }
      label {
        display: grid;
        gap: 4px;
        margin-bottom: 10px;
      }
      textarea.input {
        height: 72px;
        padding: 4px 8px;
        resize: vertical;
      }
      .buttons {
        display: flex;
        justify-content: flex-end;
        gap: 8px;
        margin-top: 12px;
      }
      .problem {
        color: var(--vscode-errorForeground);
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @state() private run: RunDetail | null = null;
  @state() private mode: "continue" | "fork" = "continue";
  @state() private checkpoints: readonly Checkpoint[] = [];
  @state() private chosen: string | null = null;
  @state() private problem: string | null = null;
  @state() private busy = false;
  @query("dialog") private dialog!: HTMLDialogElement;
  @query("textarea") private overrides!: HTMLTextAreaElement;
  @query("input") private nameBox!: HTMLInputElement | null;

  /** @throws TrainyardError when the run cannot be read */
  async ask(run: RunId, mode: "continue" | "fork", checkpoint: string | null): Promise<void> {
    const detail = await this.transport.request("getRun", { params: { id: run } });
    const { checkpoints } = await this.transport.request("listCheckpoints", { params: { id: run } });
    this.run = detail;
    this.mode = mode;
    // A checkpoint of parameters alone can start a fork, never continue a run.
    this.checkpoints = checkpoints.filter((candidate) => (mode === "fork" ? candidate.forkable : candidate.resumable));
    this.chosen = this.checkpoints.find((candidate) => candidate.id === checkpoint)?.id ?? this.checkpoints[0]?.id ?? null;
    this.problem = null;
    await this.updateComplete;
    this.dialog.showModal();
  }

  override render(): TemplateResult {
    const { run } = this;
    const fork = this.mode === "fork";
    return html`<dialog aria-labelledby="title" data-testid="resume-dialog">
      ${
        run === null
          ? nothing
          : html`<form method="dialog" @submit=${this.#onSubmit}>
              <h2 id="title">${fork ? "Fork" : "Resume"} ${run.name}</h2>
              ${fork ? html`<label>Name of the new run<input class="input" data-testid="fork-name" .value=${`${run.name}-fork`} /></label>` : nothing}
              <label
                >From checkpoint<select
                  class="input"
                  data-testid="resume-checkpoint"
                  @change=${(event: Event) => {
                    this.chosen = (event.target as HTMLSelectElement).value;
                  }}
                >
                  ${this.checkpoints.map(
                    (checkpoint) =>
                      html`<option value=${checkpoint.id} ?selected=${checkpoint.id === this.chosen}>
                        ${checkpoint.name} · step ${formatInteger(checkpoint.step)}
                      </option>`,
                  )}
                </select></label
              >
              ${this.checkpoints.length === 0 ? html`<div class="problem">The run has no checkpoint that it can start from.</div>` : nothing}
              <label
                >Changed parameters, one key=value per line<textarea
                  class="input mono"
                  data-testid="resume-params"
                  placeholder="learning_rate=1e-4"
                ></textarea>
              </label>
              ${this.problem === null ? nothing : html`<div class="problem" role="alert">${this.problem}</div>`}
              <div class="buttons">
                <button
                  type="button"
                  class="button"
                  @click=${() => {
                    this.dialog.close();
                  }}
                >
                  Close
                </button>
                <button
                  type="button"
                  class="button"
                  data-testid="resume-queue"
                  title="It starts when its turn comes"
                  ?disabled=${this.busy || this.chosen === null}
                  @click=${() => void this.#submit(true)}
                >
                  Add to queue
                </button>
                <button type="submit" class="button primary" data-testid="resume-confirm" ?disabled=${this.busy || this.chosen === null}>
                  ${fork ? "Fork" : "Resume"}
                </button>
              </div>
            </form>`
      }
    </dialog>`;
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    void this.#submit(false);
  };

  async #submit(queue: boolean): Promise<void> {
    const { run, chosen } = this;
    if (run === null || chosen === null) return;
    this.busy = true;
    this.problem = null;
    try {
      const params: JsonObject = parseOverrides(this.overrides.value);
      const name = this.nameBox?.value.trim();
      const made = await this.transport.request("resumeRun", {
        params: { id: run.id },
        body: { mode: this.mode, checkpoint: chosen, params, queue, ...(name === undefined || name === "" ? {} : { name }) },
      });
      this.dialog.close();
      this.dispatchEvent(new CustomEvent("run-select", { detail: made.id, bubbles: true, composed: true }));
    } catch (error) {
      this.problem = problemText(asProblem(error));
    } finally {
      this.busy = false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-resume-dialog": ResumeDialog;
  }
}
