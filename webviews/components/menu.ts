/** A button with a list of actions below it. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { icon, type IconName } from "./icons.ts";
import { baseStyles } from "./styles.ts";

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  /** Why it cannot be chosen now; null: it can. */
  readonly refused: string | null;
}

/** Says `choose` with the id of an item. */
@customElement("ty-menu")
export class Menu extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
        display: inline-block;
      }
      .list {
        position: absolute;
        z-index: 20;
        top: calc(100% + 2px);
        right: 0;
        min-width: 180px;
        padding: 4px;
        font-size: 12px;
        color: var(--vscode-menu-foreground, var(--vscode-foreground));
        background: var(--vscode-menu-background, var(--vscode-editorHoverWidget-background));
        border: 1px solid var(--vscode-menu-border, var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent)));
        border-radius: 4px;
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
      }
      .item {
        display: block;
        width: 100%;
        height: 24px;
        padding: 0 8px;
        border-radius: 3px;
        text-align: left;
        white-space: nowrap;
      }
      .item:hover:not(:disabled),
      .item:focus-visible {
        background: var(--hover);
      }
      @container page (max-width: 720px) {
        .label {
          display: none;
        }
      }
    `,
  ];

  @property() icon: IconName = "settings-gear";
  @property() label = "";
  @property({ type: Boolean }) disabled = false;
  @property({ attribute: false }) items: readonly MenuItem[] = [];
  @state() private open = false;
  @query(".button") private button!: HTMLButtonElement;

  override render(): TemplateResult {
    return html`<button
        class="button"
        aria-haspopup="menu"
        aria-expanded=${this.open ? "true" : "false"}
        aria-label=${this.label}
        title=${this.label}
        ?disabled=${this.disabled}
        @click=${() => {
          this.open = !this.open;
        }}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === "ArrowDown") this.open = true;
        }}
      >
        ${icon(this.icon)}<span class="label" part="label">${this.label}</span>${icon("chevron-down")}
      </button>
      ${
        this.open
          ? html`<div
              class="list"
              role="menu"
              aria-label=${this.label}
              @keydown=${this.#onKey}
              @focusout=${(event: FocusEvent) => {
                if (!(event.relatedTarget instanceof Node) || !this.renderRoot.contains(event.relatedTarget)) this.open = false;
              }}
            >
              ${this.items.map(
                (item) =>
                  html`<button
                    class="item"
                    role="menuitem"
                    data-testid="menu-${item.id}"
                    title=${item.refused ?? ""}
                    ?disabled=${item.refused !== null}
                    @click=${() => {
                      this.#close();
                      this.dispatchEvent(new CustomEvent("choose", { detail: item.id }));
                    }}
                  >
                    ${item.label}
                  </button>`,
              )}
            </div>`
          : nothing
      }`;
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("open") && this.open) this.#enabled[0]?.focus();
  }

  get #enabled(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>(".item:not(:disabled)")];
  }

  #close(): void {
    this.open = false;
    this.button.focus();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const items = this.#enabled;
    const at = items.findIndex((item) => item.matches(":focus"));
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined) items[(at + by + items.length) % items.length]?.focus();
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-menu": Menu;
  }
}
