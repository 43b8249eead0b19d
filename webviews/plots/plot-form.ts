/** What a plot shows, chosen field by field. Says `settings` with what changes. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import type { FieldInfo } from "../../protocol/analysis.ts";
import { counted } from "../../protocol/counted.ts";
import { fieldName, splitField } from "../../protocol/expression/tokens.ts";
import { PlotKind, PlotSettings, Spread } from "../../protocol/saved.ts";
import { knownDirection } from "../compare/direction.ts";
import { baseStyles } from "../components/styles.ts";
import { type Field, fieldTitle, isMetricPart } from "../explore/fields.ts";

const KINDS: Readonly<Record<PlotKind, string>> = {
  scatter: "Scatter",
  line: "Lines",
  bar: "Bars",
  histogram: "Histogram",
  box: "Box",
  parallel: "Parallel",
};
const SPREADS: Readonly<Record<Spread, string>> = {
  none: "none",
  std: "standard deviation",
  sem: "standard error",
  ci95: "95 % interval of the mean (t)",
  quartiles: "quartiles",
};
const SECTIONS = [
  ["Metrics", "metrics."],
  ["Derived", "derived."],
  ["Params", "params."],
  ["Run", "record."],
] as const;
/** Axes that are listed at once; of more, some are searched for. */
const MOST_OFFERED = 60;
const PARTS = ["last", "min", "max", "first"] as const;

@customElement("ty-plot-form")
export class PlotForm extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 8px;
        padding: 10px 14px 14px 20px;
        overflow: auto;
        font-size: 12px;
        min-height: 0;
      }
      .kinds {
        flex: none;
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        border: 1px solid var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 20%, transparent));
        border-radius: 4px;
        overflow: hidden;
      }
      .kinds button {
        height: 24px;
        box-shadow: 1px 1px 0 color-mix(in srgb, var(--vscode-foreground) 14%, transparent);
      }
      .kinds [aria-checked="true"] {
        background: color-mix(in srgb, var(--vscode-foreground) 13%, transparent);
      }
      label > span {
        display: block;
        margin-bottom: 2px;
        color: var(--secondary);
      }
      .pair {
        display: flex;
        gap: 4px;
      }
      select.input {
        width: 100%;
      }
      .part {
        flex: 0 0 86px;
      }
      .check {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .checks {
        display: flex;
        gap: 16px;
      }
      .search {
        width: 100%;
        margin-bottom: 4px;
      }
      .axes {
        max-height: 320px;
        overflow: auto;
        padding: 4px 8px;
        border: 1px solid var(--hairline);
        border-radius: 4px;
      }
      .axes label {
        display: flex;
        align-items: center;
        gap: 6px;
        height: 22px;
      }
      .axes label > span {
        margin: 0;
        color: inherit;
      }
      /* Above the plot, as many fields side by side as there is room for. */
      @media (max-width: 760px) {
        :host {
          display: grid;
          grid-template-columns: repeat(auto-fill, minmax(160px, 1fr));
          align-items: end;
          align-content: start;
        }
        .kinds,
        [role="group"] {
          grid-column: 1 / -1;
        }
        .axes {
          max-height: 120px;
        }
      }
      @media (min-width: 480px) and (max-width: 760px) {
        .kinds {
          grid-template-columns: repeat(6, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) settings!: PlotSettings;
  @property({ attribute: false }) fields: ReadonlyMap<Field, FieldInfo> = new Map();
  @state() private search = "";

  override render(): TemplateResult {
    const { settings } = this;
    const { kind } = settings;
    return html`<div class="kinds" role="radiogroup" aria-label="Kind of plot">
        ${PlotKind.options.map(
          (each) =>
            html`<button
              role="radio"
              aria-checked=${each === kind ? "true" : "false"}
              data-testid="plot-kind-${each}"
              @click=${() => {
                this.#set({ kind: each });
              }}
            >
              ${KINDS[each]}
            </button>`,
        )}
      </div>
      ${kind === "parallel" ? this.#axes() : html`${kind === "histogram" ? nothing : this.#field("Y", "y", false)} ${this.#field("X", "x", kind === "box")}`}
      ${this.#field("Colour", "color", true)} ${kind === "parallel" ? nothing : this.#field("Facet", "facet", true)}
      ${kind === "histogram" ? this.#bins() : nothing}
      ${kind === "scatter" || kind === "line" || kind === "bar" ? this.#statistics() : nothing}
      ${
        kind === "parallel" || kind === "histogram"
          ? nothing
          : html`<div class="checks">
              ${kind === "box" || kind === "bar" ? nothing : this.#check("Log x", "log_x")} ${this.#check("Log y", "log_y")}
            </div>`
      }`;
  }

  #field(label: string, key: "x" | "y" | "color" | "facet", optional: boolean): TemplateResult {
    const chosen = this.settings[key];
    const metric = chosen?.startsWith("metrics.") === true ? splitField(chosen) : null;
    const part = PARTS.find((each) => each === metric?.part) ?? "last";
    const base = metric === null ? (chosen ?? "") : fieldName("metrics", metric.name);
    const direction = knownDirection(base);
    const words = {
      last: "last",
      first: "first",
      min: direction === "lower" ? "best (min)" : "min",
      max: direction === "higher" ? "best (max)" : "max",
    };
    const change = (field: Field, of: (typeof PARTS)[number]): void => {
      const value = field === "" ? null : field.startsWith("metrics.") ? fieldName("metrics", splitField(field).name, of) : field;
      this.#set({ [key]: value });
    };
    return html`<label
      ><span>${label}</span>
      <div class="pair">
        <select
          class="input"
          aria-label=${label}
          data-testid="plot-${key}"
          @change=${(event: Event) => {
            change((event.target as HTMLSelectElement).value, part);
          }}
        >
          ${optional || base === "" ? html`<option value="" .selected=${live(base === "")}>${optional ? "none" : "choose…"}</option>` : nothing}
          ${this.#options(base)}
        </select>
        ${
          base.startsWith("metrics.")
            ? html`<select
                class="input part"
                aria-label="Which value of ${base}"
                data-testid="plot-${key}-part"
                @change=${(event: Event) => {
                  change(base, PARTS.find((each) => each === (event.target as HTMLSelectElement).value) ?? "last");
                }}
              >
                ${PARTS.map((each) => html`<option value=${each} .selected=${live(each === part)}>${words[each]}</option>`)}
              </select>`
            : nothing
        }
      </div></label
    >`;
  }

  #options(chosen: Field): TemplateResult[] {
    // A field that no run has any more is still what the plot says it shows.
    const lost =
      chosen !== "" && !this.fields.has(chosen) ? [html`<option value=${chosen} .selected=${live(true)}>${chosen}</option>`] : [];
    return [
      ...lost,
      ...SECTIONS.map(([title, start]) => {
        const names = [...this.fields.keys()].filter((name) => name.startsWith(start) && !isMetricPart(name));
        return html`<optgroup label=${title}>
          ${names.map((name) => html`<option value=${name} .selected=${live(name === chosen)}>${fieldTitle(name)}</option>`)}
        </optgroup>`;
      }),
    ];
  }

  #axes(): TemplateResult {
    const { axes } = this.settings;
    const offered = [...this.fields.values()]
      .filter(
        ({ name, type, unique }) =>
          !isMetricPart(name) && type !== "list" && (type === "numeric" || (unique !== null && unique <= 30)) && unique !== 1,
      )
      .map(({ name }) => name);
    const needle = this.search.trim().toLowerCase();
    const found = offered.filter((name) => !axes.includes(name) && name.toLowerCase().includes(needle));
    // In their order where all can be seen; else what is chosen stands before what was found.
    const shown = offered.length <= MOST_OFFERED ? offered : [...axes, ...found.slice(0, MOST_OFFERED)];
    return html`<div role="group" aria-label="Axes">
      <span class="secondary">Axes</span>
      ${
        offered.length <= MOST_OFFERED
          ? nothing
          : html`<input
              class="input search"
              type="search"
              placeholder="Find one of ${counted(offered.length, "field")}"
              aria-label="Find a field"
              data-testid="plot-axis-search"
              .value=${this.search}
              @input=${(event: InputEvent) => {
                this.search = (event.target as HTMLInputElement).value;
              }}
            />`
      }
      <div class="axes">
        ${shown.map(
          (name) =>
            html`<label
              ><input
                type="checkbox"
                data-testid="plot-axis-${name}"
                .checked=${axes.includes(name)}
                ?disabled=${!axes.includes(name) && axes.length >= 20}
                @change=${() => {
                  this.#set({ axes: axes.includes(name) ? axes.filter((other) => other !== name) : [...axes, name] });
                }}
              /><span class="truncate" title=${name}>${fieldTitle(name)}</span></label
            >`,
        )}
      </div>
    </div>`;
  }

  #statistics(): TemplateResult {
    const { aggregate, kind, spread, spread_mark: mark } = this.settings;
    const grouped = aggregate !== "none" || kind === "bar";
    const aggregates = PlotSettings.shape.aggregate.unwrap().options.filter((each) => each !== "none" || kind !== "bar");
    return html`<label
        ><span>Runs with the same x, colour and facet</span
        ><select
          class="input"
          data-testid="plot-aggregate"
          @change=${(event: Event) => {
            this.#set({ aggregate: aggregates.find((each) => each === (event.target as HTMLSelectElement).value) ?? "none" });
          }}
        >
          ${aggregates.map((each) => html`<option value=${each} .selected=${live(each === aggregate)}>${each === "none" ? "one mark each" : each}</option>`)}
        </select></label
      >
      ${
        grouped
          ? html`<label
              ><span>Spread</span>
              <div class="pair">
                <select
                  class="input"
                  aria-label="Spread"
                  data-testid="plot-spread"
                  @change=${(event: Event) => {
                    this.#set({ spread: Spread.parse((event.target as HTMLSelectElement).value) });
                  }}
                >
                  ${Spread.options.map((each) => html`<option value=${each} .selected=${live(each === spread)}>${SPREADS[each]}</option>`)}</select
                >${
                  kind === "bar"
                    ? nothing
                    : html`<select
                        class="input part"
                        aria-label="Spread as"
                        data-testid="plot-spread-mark"
                        @change=${(event: Event) => {
                          this.#set({ spread_mark: (event.target as HTMLSelectElement).value === "band" ? "band" : "bars" });
                        }}
                      >
                        <option value="bars" .selected=${live(mark === "bars")}>bars</option>
                        <option value="band" .selected=${live(mark === "band")}>band</option>
                      </select>`
                }
              </div></label
            >`
          : nothing
      }`;
  }

  #bins(): TemplateResult {
    return html`<label
      ><span>Bins</span
      ><input
        class="input"
        type="number"
        min="1"
        max="200"
        data-testid="plot-bins"
        .value=${String(this.settings.bins)}
        @change=${(event: Event) => {
          const bins = PlotSettings.shape.bins.safeParse((event.target as HTMLInputElement).valueAsNumber);
          if (bins.success) this.#set({ bins: bins.data });
        }}
    /></label>`;
  }

  #check(label: string, key: "log_x" | "log_y"): TemplateResult {
    return html`<label class="check"
      ><input
        type="checkbox"
        data-testid="plot-${key}"
        .checked=${this.settings[key]}
        @change=${() => {
          this.#set({ [key]: !this.settings[key] });
        }}
      />${label}</label
    >`;
  }

  #set(change: Partial<PlotSettings>): void {
    this.dispatchEvent(new CustomEvent("settings", { detail: change }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-plot-form": PlotForm;
  }
}
