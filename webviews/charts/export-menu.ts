/** The button of a chart that offers its export: picture, drawing, points, specification. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";

export type ExportKind = "png" | "svg" | "csv" | "vega-lite";

const KINDS: readonly (readonly [ExportKind, string])[] = [
  ["png", "Save as PNG"],
  ["svg", "Save as SVG"],
  ["csv", "Save points as CSV"],
  ["vega-lite", "Copy as Vega-Lite spec"],
];

/** Fires `chart-export` with the kind that was chosen. */
@customElement("ty-export-menu")
export class ExportMenu extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        position: relative;
      }
      .menu {
        position: absolute;
        right: 0;
        top: 100%;
        z-index: 6;
        min-width: 190px;
        padding: 4px;
        border-radius: 5px;
        background: var(--vscode-menu-background, var(--vscode-editorWidget-background));
        color: var(--vscode-menu-foreground, var(--vscode-foreground));
        border: 1px solid var(--vscode-menu-border, var(--vscode-editorWidget-border, var(--hairline)));
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, transparent);
      }
      .menu button {
        display: block;
        width: 100%;
        padding: 4px 8px;
        border: 0;
        border-radius: 3px;
        background: none;
        color: inherit;
        font: inherit;
        text-align: left;
        cursor: pointer;
      }
      .menu button:hover,
      .menu button:focus-visible {
        background: var(--vscode-menu-selectionBackground, var(--vscode-list-hoverBackground));
        color: var(--vscode-menu-selectionForeground, inherit);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
    `,
  ];

  @property() metric = "";
  @state() private open = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("focusout", this.#onFocusOut);
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("focusout", this.#onFocusOut);
    this.removeEventListener("keydown", this.#onKey);
  }

  override render(): TemplateResult {
    return html`<button
        class="icon-button"
        title="Export"
        aria-label="Export: ${this.metric}"
        aria-haspopup="menu"
        aria-expanded=${this.open ? "true" : "false"}
        data-testid="chart-export"
        @click=${() => {
          this.open = !this.open;
          if (this.open) void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(".menu button")?.focus());
        }}
      >
        ${icon("export")}</button
      >${
        !this.open
          ? nothing
          : html`<div class="menu" role="menu">
              ${KINDS.map(
                ([kind, label]) =>
                  html`<button
                    role="menuitem"
                    data-testid="export-${kind}"
                    @click=${() => {
                      this.open = false;
                      this.dispatchEvent(new CustomEvent<ExportKind>("chart-export", { detail: kind }));
                    }}
                  >
                    ${label}
                  </button>`,
              )}
            </div>`
      }`;
  }

  readonly #onFocusOut = (event: FocusEvent): void => {
    // A click on a button of the menu moves the focus within it.
    if (!(event.relatedTarget instanceof Node && this.renderRoot.contains(event.relatedTarget)) && event.relatedTarget !== this)
      this.open = false;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!this.open) return;
    const items = [...this.renderRoot.querySelectorAll<HTMLElement>(".menu button")];
    const at = items.findIndex((item) => item === this.shadowRoot?.activeElement);
    if (event.key === "Escape") this.open = false;
    else if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items.at(at - 1)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-export-menu": ExportMenu;
  }
}
