/** The tab of what the run produced: the files, and a look at the chosen one. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { formatBytes, formatInteger } from "../components/format.ts";
import { icon, type IconName } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { moveRowFocus } from "../components/row-focus.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { type ArtifactEntry, entriesOf } from "./artifact-entries.ts";
import "./artifact-preview.ts";
import { artifactListStyles } from "./artifact-styles.ts";

/** How often the files of a live run are looked for; nobody tells of those that a script only writes. */
const REFRESH_MS = 10_000;
/** Rows in the page at first, and added by each "Show more". */
const ROWS = 300;

@customElement("ty-artifact-list")
export class ArtifactList extends LitElement {
  static override styles = [...baseStyles, artifactListStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunId;
  @property({ attribute: false }) folder = "";
  @property({ type: Boolean }) live = false;
  /** The connection of the page: what could not be listed is listed when it is back. */
  @property({ type: Boolean }) connected = true;
  @state() private entries: readonly ArtifactEntry[] | null = null;
  @state() private selected: string | null = null;
  @state() private filter = "";
  @state() private shown = ROWS;
  @state() private problem: TrainyardError | null = null;
  #timer: number | undefined;
  #ticket = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = window.setInterval(() => {
      if (this.live && this.connected && document.visibilityState === "visible") void this.#load();
    }, REFRESH_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#ticket++;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    // `live` too: what a run writes at its very end is listed once it has ended.
    if (changed.has("run") || changed.has("live") || (changed.has("connected") && this.connected)) void this.#load();
  }

  override render(): TemplateResult {
    const { entries, problem } = this;
    if (entries === null)
      return problem === null
        ? html`<p class="none secondary">Loading…</p>`
        : html`<p class="none error" role="alert" data-testid="artifacts-problem">${problemText(problem)}</p>`;
    const wanted = this.filter.trim().toLowerCase();
    const found = entries.filter((entry) => wanted === "" || `${entry.label} ${entry.type}`.toLowerCase().includes(wanted));
    const chosen = entries.find((entry) => entry.key === this.selected);
    return html`<div class="page ${chosen === undefined ? "alone" : ""}">
      <section class="files" aria-label="Artifacts">
        <div class="tools">
          <input
            class="input"
            type="search"
            placeholder="Filter"
            aria-label="Filter artifacts"
            data-testid="artifact-filter"
            .value=${this.filter}
            @input=${(event: Event) => {
              this.filter = (event.target as HTMLInputElement).value;
            }}
          />
          <span class="secondary" data-testid="artifact-count">${this.#count(found.length, entries.length)}</span>
          <button
            class="icon-button"
            aria-label="Refresh"
            title="Refresh"
            data-testid="artifacts-refresh"
            @click=${() => void this.#load()}
          >
            ${icon("refresh")}
          </button>
        </div>
        ${problem === null ? nothing : html`<p class="none error" role="alert" data-testid="artifacts-problem">${problemText(problem)}</p>`}
        ${
          entries.length === 0
            ? html`<p class="none secondary" data-testid="artifacts-none">
                ${this.live ? "Files appear here as the run writes them to its artifacts folder or logs them" : "The run kept no files"}
              </p>`
            : nothing
        }
        <div role="listbox" aria-label="Artifacts" @keydown=${this.#onKey}>
          ${found.slice(0, this.shown).map((entry, index) => this.#row(entry, chosen === undefined && index === 0))}
        </div>
        ${
          found.length > this.shown
            ? html`<button
                class="link none"
                data-testid="artifacts-more"
                @click=${() => {
                  this.shown += ROWS;
                }}
              >
                Show more
              </button>`
            : nothing
        }
      </section>
      ${
        chosen === undefined
          ? nothing
          : html`<ty-artifact-preview
              role="region"
              aria-label="Chosen artifact"
              .transport=${this.transport}
              .run=${this.run}
              .folder=${this.folder}
              .entry=${chosen}
            ></ty-artifact-preview>`
      }
    </div>`;
  }

  #count(found: number, all: number): string {
    const of = found === all ? formatInteger(all) : `${formatInteger(found)} of ${formatInteger(all)}`;
    return `${of} ${all === 1 ? "artifact" : "artifacts"}`;
  }

  #row(entry: ArtifactEntry, first: boolean): TemplateResult {
    const chosen = entry.key === this.selected;
    return html`<button
      class="row"
      role="option"
      aria-selected=${chosen ? "true" : "false"}
      tabindex=${chosen || first ? "0" : "-1"}
      title=${entry.path}
      data-testid="artifact-row"
      data-path=${entry.key}
      @click=${() => {
        this.selected = entry.key;
      }}
    >
      ${icon(symbolOf(entry.type))}
      <bdi class="truncate">${entry.label}</bdi>
      <span class="secondary truncate type">${entry.type}</span>
      <span class="secondary steps">${stepsText(entry)}</span>
      <span class="secondary size">${formatBytes(entry.size_bytes)}</span>
    </button>`;
  }

  async #load(): Promise<void> {
    const ticket = ++this.#ticket;
    let problem: TrainyardError | null = null;
    let entries = this.entries;
    try {
      const { artifacts } = await this.transport.request("listArtifacts", { params: { id: this.run } });
      entries = entriesOf(artifacts);
    } catch (error) {
      problem = asProblem(error);
    }
    if (ticket !== this.#ticket) return;
    this.entries = entries;
    this.problem = problem;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const rows = [...this.renderRoot.querySelectorAll<HTMLElement>(".row")];
    const next = moveRowFocus(event, rows);
    if (next !== null) this.selected = rows[next]?.dataset["path"] ?? this.selected;
  };
}

function symbolOf(type: string): IconName {
  switch (type) {
    case "image":
    case "png":
    case "jpg":
    case "jpeg":
    case "gif":
    case "webp":
    case "wav":
    case "mp3":
    case "ogg":
    case "flac":
      return "file-media";
    case "csv":
    case "tsv":
    case "parquet":
    case "predictions":
    case "evaluation":
      return "table";
    case "model":
    case "safetensors":
      return "layers";
    case "checkpoint":
      return "bookmark";
    case "tensorboard":
      return "graph-line";
    case "config":
      return "settings-gear";
    case "folder":
      return "folder-opened";
    default:
      return "file";
  }
}

/** The step, or from which to which. */
function stepsText({ files }: ArtifactEntry): string {
  const [first] = files;
  const from = first?.step ?? null;
  const to = files.at(-1)?.step ?? null;
  if (from === null || to === null) return "";
  return files.length === 1 ? `step ${formatInteger(from)}` : `${formatInteger(files.length)} steps to ${formatInteger(to)}`;
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-artifact-list": ArtifactList;
  }
}
