/** A look at one artifact: what the server finds safe to show of it, a slider over the steps of an image, and ways to get the file. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { TrainyardError } from "../../protocol/errors.ts";
import type { ArtifactPreview } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import { formatBytes, formatInteger, formatWhen } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import type { ArtifactEntry, ArtifactFile } from "./artifact-entries.ts";
import { artifactPreviewStyles } from "./artifact-styles.ts";
import { isShownMedia, PREVIEW_ROWS, previewView } from "./artifact-views.ts";

/** What the server sends at most. */
const MOST_ROWS = 1000;
/** A slider that is dragged passes many steps; only where it rests is worth a request. */
const SLIDER_REST_MS = 60;
/** A browser holds the whole file before it saves it; an editor writes it piece by piece. */
const BROWSER_DOWNLOAD_BYTES = 1024 ** 3;

@customElement("ty-artifact-preview")
export class ArtifactPreviewPane extends LitElement {
  static override styles = [...baseStyles, artifactPreviewStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunId;
  /** Folder of the run, on the machine that trains. */
  @property({ attribute: false }) folder = "";
  @property({ attribute: false }) entry!: ArtifactEntry;
  @state() private at = 0;
  @state() private preview: ArtifactPreview | null = null;
  @state() private url: string | null = null;
  @state() private problem: TrainyardError | null = null;
  /** The bytes are none that the browser can decode. */
  @state() private broken = false;
  #rows = PREVIEW_ROWS;
  #offset = 0;
  /** Answers that another choice has overtaken are dropped. */
  #ticket = 0;
  #timer: number | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#ticket++;
    this.#show(null);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("entry") && !changed.has("run")) return;
    const before = changed.get("entry");
    if (before?.key !== this.entry.key || changed.has("run")) {
      this.at = Math.max(0, this.entry.files.length - 1);
      this.#rows = PREVIEW_ROWS;
      this.#offset = 0;
      this.#show(null);
      void this.#load();
      return;
    }
    const shown = before.files[this.at];
    const last = this.entry.files.length - 1;
    // Who looks at the newest image goes on to the next as it comes; who chose another stays there.
    const same = this.entry.files.findIndex((file) => file.path === shown?.path);
    this.at = this.at === before.files.length - 1 || same < 0 ? Math.max(0, last) : same;
    const now = this.entry.files[this.at];
    if (now?.path !== shown?.path || now?.modified_at !== shown?.modified_at || now?.size_bytes !== shown?.size_bytes) void this.#load();
  }

  override render(): TemplateResult {
    const file = this.#file;
    const { entry } = this;
    return html`<header>
        <div class="name">
          <h2 data-testid="artifact-name"><bdi>${entry.label}</bdi></h2>
          <div class="secondary path truncate" title=${file?.path ?? entry.path}>
            ${entry.type} ·
            ${formatBytes(file?.size_bytes ?? entry.size_bytes)}${file === undefined ? nothing : ` · ${formatWhen(file.modified_at)}`}${
              file === undefined || file.path === entry.label ? nothing : html` · <bdi>${file.path}</bdi>`
            }
          </div>
        </div>
        <div class="actions">${this.#actions(file)}</div>
      </header>
      ${entry.files.length > 1 ? this.#slider(entry.files) : nothing}
      <div class="body" data-testid="artifact-preview" tabindex="0" role="region" aria-label="Preview">${this.#body(file)}</div>`;
  }

  get #file(): ArtifactFile | undefined {
    return this.entry.files[this.at];
  }

  /** Where the file lies on the training machine. */
  get #place(): string {
    const inside = this.#file?.path ?? this.entry.path;
    return /^(?:\/|[A-Za-z]:[\\/])/.test(inside) ? inside : `${this.folder}/artifacts/${inside}`;
  }

  #actions(file: ArtifactFile | undefined): TemplateResult {
    const tooLarge = this.transport.host === "browser" && (file?.size_bytes ?? 0) > BROWSER_DOWNLOAD_BYTES;
    return html`${
        file === undefined
          ? nothing
          : html`<button
              class="button"
              data-testid="artifact-download"
              ?disabled=${tooLarge}
              title=${tooLarge ? `Larger than ${formatBytes(BROWSER_DOWNLOAD_BYTES)}: copy it from ${this.#place}` : ""}
              @click=${() => {
                this.transport.command({ command: "save_artifact", run: this.run, path: file.path });
              }}
            >
              ${icon("save")} Download
            </button>`
      }
      <button
        class="icon-button"
        aria-label="Copy path"
        title="Copy path"
        data-testid="artifact-copy"
        @click=${() => {
          this.transport.command({ command: "copy", text: this.#place });
        }}
      >
        ${icon("copy")}
      </button>
      ${
        this.transport.host === "vscode"
          ? html`<button
              class="icon-button"
              aria-label="Reveal"
              title="Reveal"
              data-testid="artifact-reveal"
              @click=${() => {
                this.transport.command({ command: "reveal", path: this.#place });
              }}
            >
              ${icon("folder-opened")}
            </button>`
          : nothing
      }`;
  }

  #slider(files: readonly ArtifactFile[]): TemplateResult {
    const step = files[this.at]?.step ?? null;
    const text = step === null ? "" : `Step ${formatInteger(step)}`;
    return html`<div class="slider">
      <input
        type="range"
        min="0"
        max=${files.length - 1}
        step="1"
        .value=${String(this.at)}
        aria-label="Step"
        aria-valuetext=${text}
        data-testid="artifact-step"
        @input=${(event: Event) => {
          this.#go((event.target as HTMLInputElement).valueAsNumber);
        }}
      />
      <span data-testid="artifact-step-text">${text} <span class="secondary">${this.at + 1} of ${formatInteger(files.length)}</span></span>
    </div>`;
  }

  #body(file: ArtifactFile | undefined): TemplateResult {
    if (this.problem !== null)
      return html`<p class="note error" role="alert" data-testid="preview-problem">${problemText(this.problem)}</p>`;
    if (file === undefined) return html`<p class="note secondary">A folder elsewhere; its files are not listed.</p>`;
    if (this.broken)
      return html`<p class="note error" role="alert" data-testid="preview-problem">
        The file is damaged: it cannot be decoded. Download it to look closer.
      </p>`;
    if (this.preview === null) return html`<p class="note secondary">Loading…</p>`;
    return previewView(this.preview, this.url, this.entry.label, {
      page: (offset) => {
        this.#offset = offset;
        void this.#load();
      },
      more:
        this.#rows >= MOST_ROWS
          ? null
          : () => {
              this.#rows = MOST_ROWS;
              void this.#load();
            },
      broken: () => {
        this.broken = true;
      },
    });
  }

  #go(at: number): void {
    this.at = at;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#load(), SLIDER_REST_MS);
  }

  async #load(): Promise<void> {
    const ticket = ++this.#ticket;
    const file = this.#file;
    if (file === undefined) return;
    let preview: ArtifactPreview | null = null;
    let problem: TrainyardError | null = null;
    try {
      preview = await this.transport.request("previewArtifact", {
        params: { id: this.run },
        query: { path: file.path, rows: this.#rows, offset: this.#offset },
      });
    } catch (error) {
      problem = asProblem(error);
    }
    if (ticket !== this.#ticket) return;
    this.problem = problem;
    this.#show(preview);
  }

  /** Media goes to the page as a blob of its own: no address of the server's, no token in any address. */
  #show(preview: ArtifactPreview | null): void {
    if (this.url !== null) URL.revokeObjectURL(this.url);
    this.url = null;
    this.broken = false;
    this.preview = preview;
    if (preview === null || !isShownMedia(preview)) return;
    const bytes = Uint8Array.from(atob(preview.data), (character) => character.charCodeAt(0));
    this.url = URL.createObjectURL(new Blob([bytes], { type: preview.media_type }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-artifact-preview": ArtifactPreviewPane;
  }
}
