/** What the user keeps as files of the workspace, presets or templates: chosen, removed, and saved anew under a name. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, type IconName } from "../components/icons.ts";
import { namedList, namedListStyles } from "../components/named-list.ts";
import { problemOf } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";

/** What the open list takes at most, in pixels: without this room to the right it opens towards the left. */
const LIST_WIDTH = 300;

/** Says `choose-named` with a name, and `named-changed` when there are others than before. */
@customElement("ty-named-menu")
export class NamedMenu extends LitElement {
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

  /** What one of them is called: "preset". */
  @property({ attribute: false }) one = "";
  /** The folder of the workspace that they are kept in. */
  @property() folder = "";
  @property() symbol: IconName = "bookmark";
  @property({ attribute: false }) names: readonly string[] = [];
  @property({ attribute: false }) current: string | null = null;
  @property({ attribute: false }) save!: (name: string) => Promise<unknown>;
  @property({ attribute: false }) discard!: (name: string) => Promise<unknown>;
  @state() private open = false;
  @state() private problem: string | null = null;
  @state() private typed = "";

  override render(): TemplateResult {
    return html`<button
        class="toggle open"
        aria-haspopup="dialog"
        aria-expanded=${this.open ? "true" : "false"}
        aria-label="Your own ${this.one}s"
        title="Your own ${this.one}s, saved in ${this.folder}"
        data-testid="${this.one}-menu"
        @click=${(event: Event) => {
          const { left } = (event.currentTarget as HTMLElement).getBoundingClientRect();
          this.toggleAttribute("towards-left", left + LIST_WIDTH > window.innerWidth);
          this.open = !this.open;
        }}
      >
        ${icon(this.symbol)}${icon("chevron-down")}
      </button>
      ${this.open ? this.#list() : nothing}`;
  }

  #list(): TemplateResult {
    return namedList({
      one: this.one,
      names: this.names,
      current: this.current,
      typed: this.typed,
      problem: this.problem,
      type: (text) => {
        this.typed = text;
      },
      choose: (name) => {
        this.open = false;
        this.#say("choose-named", name);
      },
      remove: (name) => void this.#change(() => this.discard(name)),
      save: (name) => void this.#change(() => this.save(name)),
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
      this.#say("named-changed", null);
    });
  }

  #say(event: string, detail: string | null): void {
    this.dispatchEvent(new CustomEvent<string | null>(event, { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-named-menu": NamedMenu;
  }
}
