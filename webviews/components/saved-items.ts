/** What is saved with the project under names: chosen, saved anew, removed. The same for views of the table and for plots. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Slug } from "../../protocol/ids.ts";
import type { PlotSettings, SavedItem, SaveItem, ViewSettings } from "../../protocol/saved.ts";
import type { Transport } from "../transport/transport.ts";
import { icon } from "./icons.ts";
import { namedList, namedListStyles } from "./named-list.ts";
import { problemOf } from "./problem.ts";
import { baseStyles } from "./styles.ts";

const WORDS = { view: { title: "Views", one: "view" }, plot: { title: "Plots", one: "plot" } } as const;

/** Says `load` with the item that was chosen or saved. */
@customElement("ty-saved-items")
export class SavedItems extends LitElement {
  static override styles = [...baseStyles, namedListStyles];

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
          ? namedList({
              one,
              names: this.items.map(({ name }) => name),
              current: this.current,
              typed: this.typed,
              problem: this.problem,
              type: (text) => {
                this.typed = text;
              },
              choose: this.#choose,
              remove: this.#remove,
              save: this.#save,
              close: () => {
                this.open = false;
                this.renderRoot.querySelector<HTMLElement>(".open")?.focus();
              },
            })
          : nothing
      }`;
  }

  readonly #choose = (name: string): void => {
    const item = this.items.find((each) => each.name === name);
    if (item === undefined) return;
    this.open = false;
    this.typed = name;
    this.#chosen(item);
  };

  readonly #remove = (name: string): void => {
    const { kind, project } = this;
    void this.#try(async () => {
      await this.transport.request("deleteSaved", { query: { kind, name, ...(project === null ? {} : { project }) } });
      await this.#load();
    });
  };

  readonly #save = (name: string): void => {
    // The settings are those of the kind: who uses this element gives both.
    const body = { kind: this.kind, name, project: this.project, settings: this.settings } as SaveItem;
    void this.#try(async () => {
      const saved = await this.transport.request("saveItem", { body });
      this.open = false;
      this.#chosen(saved);
    });
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
