/** Beside the name of a run: says while it is typed that another run of the project is called so, and offers a name that is free. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { asProblem } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";

const PAUSE_MS = 250;

/** Says `take-name` with the free one when it is wanted. */
@customElement("ty-name-check")
export class NameCheck extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        /* While it says nothing it takes no room between its neighbours. */
        display: contents;
        font-size: 11px;
        white-space: nowrap;
      }
    `,
  ];

  @property({ attribute: false }) transport!: Transport;
  @property() name = "";
  /** Empty for the one that runs without a project are in. */
  @property() project = "";
  /** A name that nobody has; null while the typed one is free, or nothing is known. */
  @state() private suggestion: string | null = null;
  #pause: number | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#pause);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("name") && !changed.has("project")) return;
    this.suggestion = null;
    clearTimeout(this.#pause);
    if (this.name !== "") this.#pause = window.setTimeout(() => void this.#check(), PAUSE_MS);
  }

  override render(): TemplateResult | typeof nothing {
    const { suggestion } = this;
    if (suggestion === null) return nothing;
    return html`<span role="status" data-testid="name-taken"
      ><span class="secondary">a run is called so;</span>
      <button
        class="link"
        data-testid="name-free"
        title="Take this name, which no run of the project has"
        @click=${() => this.dispatchEvent(new CustomEvent("take-name", { detail: suggestion }))}
      >
        ${suggestion}
      </button>
      <span class="secondary">is free</span></span
    >`;
  }

  async #check(): Promise<void> {
    const { name, project } = this;
    try {
      const query = project === "" ? { name } : { name, project };
      const { available, suggestion } = await this.transport.request("checkName", { query });
      if (this.name === name && this.project === project) this.suggestion = available ? null : suggestion;
    } catch (error) {
      // A name or project that cannot be is said at its field; without the server nothing is known.
      asProblem(error);
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-name-check": NameCheck;
  }
}
