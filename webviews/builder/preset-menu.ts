/** The user's own presets of a recipe: the values of the document are saved under a name, as a file of the workspace. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { slugOf } from "../../protocol/ids.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { icon } from "../components/icons.ts";
import { namedList, namedListStyles } from "../components/named-list.ts";
import { problemOf } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";

/** What the open list takes at most, in pixels: without this room to the right it opens towards the left. */
const LIST_WIDTH = 300;

/** Says `choose-preset` with a name, and `presets-changed` when there are others than before. */
@customElement("ty-preset-menu")
export class PresetMenu extends LitElement {
  static override styles = [
    ...baseStyles,
    namedListStyles,
    css`
      .list {
        left: 0;
        right: auto;
      }
      :host([towards-left]) .list {
        left: auto;
        right: 0;
      }
      @media (max-width: 700px) {
        .list {
          position: fixed;
          inset: auto 12px auto 12px;
          width: auto;
        }
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) recipe!: Recipe;
  /** What would be saved now. */
  @property({ attribute: false }) values: JsonObject = {};
  @property({ attribute: false }) current: string | null = null;
  @property({ attribute: false }) python: string | null = null;
  @state() private open = false;
  @state() private problem: string | null = null;
  @state() private typed = "";

  override render(): TemplateResult {
    return html`<button
        class="toggle open"
        aria-haspopup="dialog"
        aria-expanded=${this.open ? "true" : "false"}
        aria-label="Presets of your own"
        title="Presets of your own, saved in trainyard_presets"
        data-testid="preset-menu"
        @click=${(event: Event) => {
          const { left } = (event.currentTarget as HTMLElement).getBoundingClientRect();
          this.toggleAttribute("towards-left", left + LIST_WIDTH > window.innerWidth);
          this.open = !this.open;
        }}
      >
        ${icon("bookmark")}${icon("chevron-down")}
      </button>
      ${this.open ? this.#list() : nothing}`;
  }

  #list(): TemplateResult {
    return namedList({
      one: "preset",
      names: Object.entries(this.recipe.presets).flatMap(([name, { file }]) => (file === undefined ? [] : [name])),
      current: this.current,
      typed: this.typed,
      problem: this.problem,
      type: (text) => {
        this.typed = text;
      },
      choose: (name) => {
        this.open = false;
        this.#say("choose-preset", name);
      },
      remove: (name) => void this.#change(() => this.transport.request("deletePreset", { query: { recipe: this.recipe.id, name } })),
      save: (text) => {
        const name = slugOf(text) ?? text;
        const title = name === text ? {} : { title: text };
        const python = this.python === null ? {} : { python: this.python };
        const body = { recipe: this.recipe.id, name, values: this.values, ...title, ...python };
        void this.#change(() => this.transport.request("savePreset", { body }));
      },
      close: () => {
        this.open = false;
        this.renderRoot.querySelector<HTMLElement>(".open")?.focus();
      },
    });
  }

  async #change(action: () => Promise<unknown>): Promise<void> {
    this.problem = await problemOf(async () => {
      await action();
      this.typed = "";
      this.#say("presets-changed", null);
    });
  }

  #say(event: string, detail: string | null): void {
    this.dispatchEvent(new CustomEvent<string | null>(event, { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-preset-menu": PresetMenu;
  }
}
