/** The code of two runs against each other, over the page: which files differ, and how, as text. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { CodeChange, CodeDifference } from "../../protocol/code.ts";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { codeDifferenceStyles } from "./code-difference-styles.ts";

/** Files are opened at once as long as they are few; a page of a hundred open files is slow to read and to draw. */
const OPEN_FILES = 12;
const MINUS = "\u2212";

@customElement("ty-code-difference")
export class CodeDifferenceView extends LitElement {
  static override styles = [...baseStyles, codeDifferenceStyles];

  @property({ attribute: false }) transport!: Transport;
  @state() private baseline: RunSummary | null = null;
  @state() private runs: readonly RunSummary[] = [];
  @state() private chosen: RunSummary | null = null;
  @state() private difference: CodeDifference | null = null;
  @state() private problem: string | null = null;
  @query("dialog") private dialog!: HTMLDialogElement;

  /** @param runs the baseline's first; at least two */
  async show(runs: readonly RunSummary[]): Promise<void> {
    const [baseline, first] = runs;
    if (baseline === undefined || first === undefined) return;
    this.baseline = baseline;
    this.runs = runs.slice(1);
    this.dialog.showModal();
    await this.#load(baseline, first);
  }

  async #load(baseline: RunSummary, chosen: RunSummary): Promise<void> {
    this.chosen = chosen;
    this.difference = this.problem = null;
    try {
      const answer = await this.transport.request("getCodeDifference", { params: { id: chosen.id }, query: { baseline: baseline.id } });
      if (this.chosen === chosen) this.difference = answer;
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      if (this.chosen === chosen) this.problem = error.message;
    }
  }

  override render(): TemplateResult {
    const { baseline, chosen } = this;
    return html`<dialog aria-labelledby="title" data-testid="code-difference">
      <header>
        <h2 id="title">Code</h2>
        ${
          baseline === null || chosen === null
            ? nothing
            : html`<span class="truncate" title=${baseline.name}>${baseline.name} ${commit(baseline)}</span> ${icon("arrow-right")}
                <select class="input" aria-label="Run" data-testid="code-run" @change=${this.#onRun}>
                  ${this.runs.map((run) => html`<option value=${run.id} ?selected=${run.id === chosen.id}>${run.name}</option>`)}
                </select>
                ${commit(chosen)}`
        }
        <button
          class="icon-button close"
          aria-label="Close"
          data-testid="code-close"
          @click=${() => {
            this.dialog.close();
          }}
        >
          ${icon("close")}
        </button>
      </header>
      <div class="body" tabindex="0" role="region" aria-label="Difference" aria-busy=${this.difference === null && this.problem === null}>
        ${this.#body()}
      </div>
    </dialog>`;
  }

  #body(): TemplateResult {
    const { difference } = this;
    if (this.problem !== null) return html`<p role="alert">${this.problem}</p>`;
    if (difference === null) return html`<p class="secondary">Asking git…</p>`;
    const untracked = difference.untracked_unknown
      ? html`<p class="secondary">A run started with uncommitted changes. Of those, files that git did not track were not kept.</p>`
      : nothing;
    if (difference.state === "same")
      return html`<p data-testid="code-same">Both runs ran the same code.</p>
        ${untracked}`;
    if (difference.state === "unknown")
      return html`<p role="status" data-testid="code-unknown">
          ${difference.reason}. The uncommitted changes of each run are all there is:
        </p>
        <div class="patches">
          ${this.#patch(this.baseline, difference.patches?.baseline)}${this.#patch(this.chosen, difference.patches?.run)}
        </div>`;
    const { files, left_out } = difference;
    const count = files.length + left_out;
    return html`<p data-testid="code-summary">
        ${counted(count, "file differs", "files differ")}${left_out === 0 ? nothing : `, the first ${formatInteger(files.length)} are shown`}
      </p>
      ${untracked} ${files.map((file) => this.#file(file, files.length <= OPEN_FILES))}`;
  }

  #patch(run: RunSummary | null, text = ""): TemplateResult {
    return html`<section>
      <h3 class="truncate">${run?.name}</h3>
      ${text === "" ? html`<p class="secondary">No uncommitted changes were kept.</p>` : html`<div class="lines">${lines(text)}</div>`}
    </section>`;
  }

  #file(file: CodeChange, open: boolean): TemplateResult {
    const { path, from, change, added, removed, hunks } = file;
    const nothingInside = hunks === "" ? (change === "renamed" ? "Renamed, nothing else" : "Empty, or its mode alone changed") : null;
    return html`<details ?open=${open} data-testid="code-file" data-path=${path} data-change=${change}>
      <summary>
        <span class="path">${from === null ? path : `${from} → ${path}`}</span>
        ${change === "modified" ? nothing : html`<span class="tag">${change}</span>`}
        ${
          added === null || removed === null
            ? html`<span class="secondary">no text</span>`
            : html`<span class="added">+${formatInteger(added)}</span> <span class="removed">${MINUS}${formatInteger(removed)}</span>`
        }
        ${
          this.transport.host === "vscode"
            ? html`<button
                class="link"
                data-testid="code-open"
                @click=${(event: Event) => {
                  this.#open(event, file);
                }}
              >
                Open diff
              </button>`
            : nothing
        }
      </summary>
      ${
        hunks === null || nothingInside !== null
          ? html`<p class="secondary">${nothingInside ?? (added === null ? "Not a text file" : "Too large to be shown here")}</p>`
          : html`<div class="lines">${lines(hunks)}</div>`
      }
    </details>`;
  }

  #open(event: Event, { path, from }: CodeChange): void {
    // A click in a summary would fold it.
    event.preventDefault();
    if (this.baseline === null || this.chosen === null) return;
    const sides = { baseline: this.baseline.id, run: this.chosen.id };
    this.transport.command({ command: "diff_code", ...sides, baseline_path: from ?? path, path });
  }

  readonly #onRun = (event: Event): void => {
    const run = this.runs.find((each) => each.id === (event.target as HTMLSelectElement).value);
    if (run !== undefined && this.baseline !== null) void this.#load(this.baseline, run);
  };
}

function commit(run: RunSummary): TemplateResult | typeof nothing {
  if (run.git === null) return nothing;
  const dirty = run.git.dirty_files > 0;
  return html`<span
    class="mono secondary"
    title=${dirty ? `${counted(run.git.dirty_files, "file")} with uncommitted changes` : "no uncommitted changes"}
    >${run.git.commit.slice(0, 8)}${dirty ? "+" : ""}</span
  >`;
}

/** Each line with its sign, so that nothing is told by colour alone. */
function lines(text: string): TemplateResult[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => html`<div class=${kind(line)}>${line === "" ? " " : line}</div>`);
}

function kind(line: string): string {
  if (/^(@@|diff --git )/.test(line)) return "place";
  return line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "";
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-code-difference": CodeDifferenceView;
  }
}
