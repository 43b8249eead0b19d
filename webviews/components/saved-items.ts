/** What is saved with the project under names: chosen, saved anew, removed. The same for views of the table and for plots. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Slug } from "../../protocol/ids.ts";
import type { PlotSettings, SavedItem, SaveItem, ViewSettings } from "../../protocol/saved.ts";
import type { Transport } from "../transport/transport.ts";
import { icon } from "./icons.ts";
import { problemOf } from "./problem.ts";
import { baseStyles } from "./styles.ts";

const WORDS = { view: { title: "Views", one: "view" }, plot: { title: "Plots", one: "plot" } } as const;

/** Says `load` with the item that was chosen or saved. */
@customElement("ty-saved-items")
export class SavedItems extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
        display: inline-block;
        font-size: 12px;
      }
      .open {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        max-width: 220px;
      }
      .open .icon {
        font-size: 14px;
      }
      .list {
        position: absolute;
        z-index: 20;
        top: calc(100% + 4px);
        right: 0;
        width: min(280px, calc(100vw - 24px));
        max-height: min(400px, 70vh);
        overflow: auto;
        padding: 8px;
        color: var(--vscode-editorHoverWidget-foreground, var(--vscode-foreground));
        background: var(--vscode-editorHoverWidget-background);
        border: 1px solid var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent));
        border-radius: 4px;
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
      }
      @container page (max-width: 560px) {
        .list {
          position: fixed;
          left: 12px;
          right: 12px;
          top: auto;
          width: auto;
        }
      }
      .line {
        display: flex;
        align-items: center;
      }
      .name {
        flex: 1;
        min-width: 0;
        height: 24px;
        padding: 0 6px;
        border-radius: 3px;
        text-align: left;
      }
      .name:hover {
        background: var(--hover);
      }
      .name[aria-current="true"] {
        font-weight: 600;
      }
      form {
        display: flex;
        gap: 6px;
        margin-top: 6px;
      }
      form .input {
        flex: 1;
      }
      form .button {
        height: 24px;
      }
      .problem {
        margin-top: 6px;
        color: var(--vscode-errorForeground);
      }
      .empty {
        padding: 0 6px;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: Slug | null = null;
  @property({ attribute: false }) kind: SavedItem["kind"] = "view";
  /** What would be saved now. */
  @property({ attribute: false }) settings!: ViewSettings | PlotSettings;
  /** The saved one that the page shows, or has changed since. */
  @property({ attribute: false }) current: string | null = null;
  @state() private open = false;
  @state() private items: readonly SavedItem[] = [];
  @state() private problem: string | null = null;
  @state() private typed = "";

  /** The item of this name, or null. @throws TrainyardError */
  async find(name: string): Promise<SavedItem | null> {
    await this.#load();
    return this.items.find((item) => item.name === name) ?? null;
  }

  override render(): TemplateResult {
    const { title, one } = WORDS[this.kind];
    return html`<button
        class="toggle open"
        aria-haspopup="dialog"
        aria-expanded=${this.open ? "true" : "false"}
        data-testid="saved-open"
        @click=${() => {
          this.open = !this.open;
          if (this.open) void this.#try(() => this.#load());
        }}
      >
        ${icon("bookmark")}<span class="truncate">${this.current ?? title}</span>${icon("chevron-down")}
      </button>
      ${
        this.open
          ? html`<div class="list" role="dialog" aria-label="Saved ${one}s" @keydown=${this.#onKey}>
              ${this.items.length === 0 ? html`<div class="empty secondary">No ${one} is saved yet.</div>` : nothing}
              ${this.items.map((item) => this.#line(item))}
              <form @submit=${this.#save}>
                <input
                  class="input"
                  required
                  maxlength="100"
                  placeholder="Name of this ${one}"
                  aria-label="Name of this ${one}"
                  data-testid="saved-name"
                  .value=${this.typed}
                  @input=${(event: Event) => {
                    this.typed = (event.target as HTMLInputElement).value;
                  }}
                /><button class="button" data-testid="saved-save">
                  ${this.items.some(({ name }) => name === this.typed.trim()) ? "Replace" : "Save"}
                </button>
              </form>
              ${this.problem === null ? nothing : html`<div class="problem" role="alert">${this.problem}</div>`}
            </div>`
          : nothing
      }`;
  }

  #line(item: SavedItem): TemplateResult {
    return html`<div class="line">
      <button
        class="name truncate"
        aria-current=${item.name === this.current ? "true" : "false"}
        data-testid="saved-item"
        @click=${() => {
          this.open = false;
          this.typed = item.name;
          this.#chosen(item);
        }}
      >
        ${item.name}</button
      ><button
        class="icon-button"
        aria-label="Remove ${item.name}"
        title="Remove ${item.name}"
        data-testid="saved-remove"
        @click=${() => {
          const { kind, name, project } = item;
          void this.#try(async () => {
            await this.transport.request("deleteSaved", { query: { kind, name, ...(project === null ? {} : { project }) } });
            await this.#load();
          });
        }}
      >
        ${icon("trash")}
      </button>
    </div>`;
  }

  readonly #save = (event: Event): void => {
    event.preventDefault();
    const name = this.typed.trim();
    // The settings are those of the kind: who uses this element gives both.
    const body = { kind: this.kind, name, project: this.project, settings: this.settings } as SaveItem;
    void this.#try(async () => {
      const saved = await this.transport.request("saveItem", { body });
      this.open = false;
      this.#chosen(saved);
    });
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.open = false;
    this.renderRoot.querySelector<HTMLElement>(".open")?.focus();
  };

  #chosen(item: SavedItem): void {
    this.dispatchEvent(new CustomEvent<SavedItem>("load-saved", { detail: item }));
  }

  async #load(): Promise<void> {
    const { saved } = await this.transport.request("listSaved", { query: this.project === null ? {} : { project: this.project } });
    this.items = saved.filter(({ kind }) => kind === this.kind);
  }

  async #try(action: () => Promise<void>): Promise<void> {
    this.problem = await problemOf(action);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-saved-items": SavedItems;
  }
}
