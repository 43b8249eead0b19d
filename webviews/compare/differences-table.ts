/** Params, environment and code of the runs side by side, what differs from the baseline highlighted. */
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { cssProperties } from "../components/css-vars.ts";
import { UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { regionElement } from "../components/regions.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import "./code-difference.ts";
import type { CodeDifferenceView } from "./code-difference.ts";
import type { CompareModel } from "./compare-model.ts";
import { type DifferenceRow, type DifferenceSection, differences } from "./differences.ts";
import type { Entry } from "./entries.ts";

@customElement("ty-differences")
export class Differences extends regionElement("header") {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        font-size: 12px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 14px;
        min-height: 36px;
        padding: 4px 14px 4px 20px;
      }
      h2 {
        margin: 0;
        font-size: 12px;
        font-weight: 600;
      }
      label {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      header .input {
        margin-left: auto;
        width: 176px;
      }
      .scroll {
        flex: 1;
        min-height: 0;
        overflow: auto;
      }
      table {
        border-collapse: collapse;
        min-width: 100%;
      }
      td,
      th {
        height: 22px;
        padding: 0 10px;
        text-align: left;
        font-weight: normal;
        white-space: nowrap;
        max-width: 260px;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      thead th {
        position: sticky;
        top: 0;
        z-index: 2;
        height: 26px;
        background: var(--vscode-editor-background);
      }
      /* The path and the baseline stay in sight while the others scroll sideways. */
      th:first-child,
      td:nth-child(2),
      thead th:nth-child(2) {
        position: sticky;
        left: 0;
        z-index: 1;
        background: var(--vscode-editor-background);
      }
      th:first-child {
        width: 200px;
        min-width: 200px;
        max-width: 200px;
        padding-left: 20px;
        color: var(--secondary);
      }
      td:nth-child(2),
      thead th:nth-child(2) {
        left: 200px;
      }
      thead th:first-child,
      thead th:nth-child(2) {
        z-index: 3;
      }
      .section th {
        z-index: 1;
        max-width: none;
        color: var(--vscode-foreground);
        font-weight: 600;
        border-top: 1px solid var(--hairline);
        height: 26px;
      }
      .section .secondary {
        font-weight: normal;
        margin-left: 6px;
      }
      .section button {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        font-weight: inherit;
      }
      .same {
        color: var(--secondary);
      }
      .differs {
        font-weight: 600;
        background: color-mix(in srgb, var(--vscode-charts-blue) 20%, transparent);
      }
      .unset {
        font-weight: normal;
        color: var(--secondary);
      }
      .column {
        display: flex;
        align-items: center;
        gap: 6px;
      }
      .column .swatch,
      .column .tag {
        flex: none;
      }
      .swatch {
        width: 14px;
        height: 2px;
        background: var(--series);
      }
      .none {
        padding: 12px 20px;
      }
      .icon {
        font-size: 14px;
      }
      @media (max-width: 480px) {
        th:first-child {
          width: 130px;
          min-width: 130px;
          max-width: 130px;
        }
        td:nth-child(2),
        thead th:nth-child(2) {
          position: static;
        }
        header .input {
          margin-left: 0;
          flex: 1;
        }
      }
    `,
  ];

  @property({ attribute: false }) model!: CompareModel;
  @state() private onlyDifferences = true;
  @state() private filter = "";
  @query("ty-code-difference") private code!: CodeDifferenceView;
  @state() private collapsed: ReadonlySet<string> = new Set();
  #stop: (() => void) | null = null;
  #known: {
    readonly entries: readonly Entry[];
    readonly baseline: string | null;
    readonly sections: DifferenceSection[];
    readonly complete: boolean;
  } | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.model.onChange(() => {
      // Points come all the time; settings do not.
      if (this.#known?.entries !== this.model.entries || this.#known.baseline !== this.model.baseline) this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render(): TemplateResult {
    const { entries: inOrder, baseline } = this.model;
    const first = inOrder.filter((entry) => entry.id === baseline);
    const entries = [...first, ...inOrder.filter((entry) => entry.id !== baseline)];
    if (this.#known?.entries !== inOrder || this.#known.baseline !== baseline)
      this.#known = { entries: inOrder, baseline, ...this.#differences(entries) };
    const { sections, complete } = this.#known;
    return html`<header tabindex="-1">
        <h2>Differences</h2>
        <label
          ><input
            type="checkbox"
            data-testid="only-differences"
            .checked=${this.onlyDifferences}
            @change=${(event: Event) => {
              this.onlyDifferences = (event.target as HTMLInputElement).checked;
            }}
          />Only differences</label
        >
        ${
          entries.length < 2
            ? nothing
            : html`<button class="link" data-testid="code-show" @click=${() => void this.code.show(entries.flatMap((entry) => entry.runs))}>
                Compare code…
              </button>`
        }
        <input
          class="input"
          type="search"
          placeholder="Find a setting"
          aria-label="Find a setting"
          data-testid="differences-filter"
          .value=${this.filter}
          @input=${(event: InputEvent) => {
            this.filter = (event.target as HTMLInputElement).value;
          }}
        />
      </header>
      <div class="scroll" tabindex="0" role="region" aria-label="Differences">
        <table data-testid="differences">
          <thead>
            <tr>
              <th scope="col">Setting</th>
              ${entries.map((entry) => this.#column(entry))}
            </tr>
          </thead>
          ${sections.map((section) => this.#section(section, entries.length))}
        </table>
        ${complete ? nothing : html`<div class="none secondary" role="status">Reading dataset, environment and code…</div>`}
      </div>
      <ty-code-difference .transport=${this.model.transport}></ty-code-difference>`;
  }

  #differences(entries: readonly Entry[]): { sections: DifferenceSection[]; complete: boolean } {
    const details = entries.map((entry) => this.model.details(entry));
    const known = details.filter((detail) => detail !== null);
    const complete = known.length === entries.length;
    const runs = entries.map((entry) => entry.runs);
    return { sections: differences(runs, complete ? known : null), complete };
  }

  #column(entry: Entry): TemplateResult {
    const { color } = this.model.style(entry, documentTheme().value);
    return html`<th scope="col" title=${entry.name}>
      <span class="column"
        ><span class="swatch" ${cssProperties({ "--series": color })}></span
        ><span class="truncate" title=${entry.name}>${entry.name}</span>${
          entry.id === this.model.baseline ? html`<span class="tag">baseline</span>` : nothing
        }</span
      >
    </th>`;
  }

  #section(section: DifferenceSection, columns: number): TemplateResult {
    const needle = this.filter.trim().toLowerCase();
    const rows = section.rows.filter(
      (row) =>
        (row.differs || !this.onlyDifferences) && (needle === "" || `${row.path} ${row.values.join(" ")}`.toLowerCase().includes(needle)),
    );
    const open = !this.collapsed.has(section.title);
    return html`<tbody data-testid="differences-${section.title.toLowerCase()}">
      <tr class="section">
        <th colspan=${columns + 1} scope="rowgroup">
          <button
            aria-expanded=${open ? "true" : "false"}
            @click=${() => {
              const next = new Set(this.collapsed);
              if (!next.delete(section.title)) next.add(section.title);
              this.collapsed = next;
            }}
          >
            ${icon(open ? "chevron-down" : "chevron-right")} ${section.title}<span class="secondary"
              >${String(section.differing)} of ${String(section.rows.length)} differ</span
            >
          </button>
        </th>
      </tr>
      ${open ? rows.map((row) => this.#row(row)) : nothing}
    </tbody>`;
  }

  #row(row: DifferenceRow): TemplateResult {
    const [base = null] = row.values;
    return html`<tr data-testid="difference-row" data-path=${row.path}>
      <th scope="row" title=${row.path}>${row.path}</th>
      ${row.values.map(
        (value, i) =>
          html`<td
            class="${i > 0 && value !== base ? "differs" : row.differs ? "" : "same"} ${value === null ? "unset" : ""}"
            title=${value ?? "not set"}
          >
            ${value ?? UNKNOWN}
          </td>`,
      )}
    </tr>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-differences": Differences;
  }
}
