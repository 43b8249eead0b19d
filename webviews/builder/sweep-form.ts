/** The section of the form that makes a document stand for many runs: which fields vary, how, how many runs, and what is best. Says `spec-edit`. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Problem } from "../../protocol/errors.ts";
import { splitField } from "../../protocol/expression/tokens.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { type FormState, inputText, splitList } from "./form-model.ts";
import {
  addVaried,
  beginSweep,
  endSweep,
  isObject,
  KIND_TITLES,
  kindsOf,
  OPTIONS,
  parseValues,
  type RangeKind,
  removeVaried,
  setMetric,
  setOption,
  setRange,
  type SweepForm,
  sweepForm,
  switchKind,
  switchMethod,
  valuesText,
  variable,
  type VariedField,
} from "./sweep-form-model.ts";
import { formPartStyles } from "./builder-styles.ts";
import { sweepFormStyles } from "./sweep-form-styles.ts";

const METHODS: readonly (readonly [string, string, string])[] = [
  ["grid", "Grid", "Every value with every other"],
  ["random", "Random", "Draws from lists and ranges"],
  ["optuna", "Optuna", "Each run follows from what those before it reached"],
];

const SAMPLERS = [
  ["tpe", "TPE"],
  ["gp", "Gaussian process"],
  ["random", "Random"],
] as const;
const PRUNERS = [
  ["", "None: every run goes to its end"],
  ["median", "Median"],
  ["asha", "Successive halving (ASHA)"],
] as const;

@customElement("ty-sweep-form")
export class SweepFormSection extends LitElement {
  static override styles = [...baseStyles, formPartStyles, sweepFormStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) form!: FormState;
  /** What the document says. */
  @property({ attribute: false }) values: JsonObject = {};
  @property({ attribute: false }) problems: readonly Problem[] = [];
  /** Names that runs have logged under: what an objective may be. */
  @state() private metrics: readonly string[] = [];
  #asked = false;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("values") && isObject(this.values["sweep"]) && !this.#asked) {
      this.#asked = true;
      void this.#loadMetrics();
    }
  }

  override render(): TemplateResult {
    const sweep = sweepForm(this.values, this.form);
    return html`<section aria-labelledby="title">
      <div class="section">
        <h2 id="title">Sweep</h2>
        <span class="secondary truncate">many runs of this document, each with values of its own</span>
        ${
          sweep === null
            ? nothing
            : html`<button
                class="icon-button"
                title="Remove the sweep: one run again"
                aria-label="Remove the sweep"
                data-testid="sweep-remove"
                @click=${() => {
                  this.#edit(endSweep());
                }}
              >
                ${icon("trash")}
              </button>`
        }
      </div>
      ${
        sweep === null
          ? html`<button
              class="button begin"
              data-testid="sweep-begin"
              @click=${() => {
                this.#edit(beginSweep());
              }}
            >
              ${icon("layers")} Try several values
            </button>`
          : this.#section(sweep)
      }
    </section>`;
  }

  #section(sweep: SweepForm): TemplateResult {
    const options = new Set(OPTIONS[sweep.method] ?? []);
    const objective = isObject(sweep.rest["objective"]) ? sweep.rest["objective"] : {};
    return html`${this.#row(
      "Method",
      html`<span class="segments" role="radiogroup" aria-label="Method">
        ${METHODS.map(
          ([id, title, what]) =>
            html`<button
              role="radio"
              aria-checked=${id === sweep.method ? "true" : "false"}
              title=${what}
              data-testid="sweep-method-${id}"
              @click=${() => {
                this.#edit(switchMethod(sweep, id));
              }}
            >
              ${title}
            </button>`,
        )}
      </span>`,
    )}
    ${sweep.varied.map((varied) => this.#varied(sweep, varied))}
    ${this.#row(
      "Vary",
      html`<select
        class="input"
        aria-label="Vary one more field"
        data-testid="sweep-add"
        @change=${(event: Event) => {
          const select = event.target as HTMLSelectElement;
          this.#edit(addVaried(this.form, select.value));
          select.value = "";
        }}
      >
        <option value="" selected>Choose a field…</option>
        ${variable(this.form, sweep.varied).map(([key, field]) => html`<option value=${key}>${field.title} (${key})</option>`)}
      </select>`,
      this.#problemOf("sweep.params"),
    )}
    ${
      options.has("n")
        ? this.#row(
            "Runs",
            html`${this.#number("n", "How many combinations are drawn", sweep.rest["n"])}
              <label class="secondary" for="seed">seed</label>
              ${this.#number("seed", "The same seed draws the same combinations", sweep.rest["seed"])}`,
            this.#problemOf("sweep.n") ?? this.#problemOf("sweep.seed"),
          )
        : nothing
    }
    ${options.has("sampler") ? this.#search(sweep) : nothing}
    ${
      options.has("seeds")
        ? this.#row(
            "Seeds",
            html`<input
                class="input"
                aria-label="Seeds"
                placeholder="one run each"
                data-testid="sweep-seeds"
                .value=${Array.isArray(sweep.rest["seeds"]) ? sweep.rest["seeds"].map(String).join(", ") : ""}
                @change=${(event: Event) => {
                  const seeds = splitList((event.target as HTMLInputElement).value).map((word) => numberOr(word));
                  this.#edit(setOption(["seeds"], seeds.length === 0 ? undefined : seeds));
                }}
              /><span class="secondary note">replicates of each combination</span>`,
            this.#problemOf("sweep.seeds"),
          )
        : nothing
    }
    ${this.#row(
      "Objective",
      html`<input
          class="input"
          aria-label="Metric that says which run is best"
          placeholder="eval/loss"
          list="metrics"
          data-testid="sweep-metric"
          .value=${inputText(objective["metric"])}
          @change=${(event: Event) => {
            this.#edit(setMetric(sweep, (event.target as HTMLInputElement).value.trim()));
          }}
        /><datalist id="metrics">${this.metrics.map((name) => html`<option value=${name}></option>`)}</datalist>
        ${objective["metric"] === undefined ? nothing : this.#direction(objective["direction"])}`,
      this.#problemOf("sweep.objective"),
    )}
    ${this.#row(
      "At once",
      html`${this.#number("concurrency", "Runs that live at the same time", sweep.rest["concurrency"] ?? 1)}<span class="secondary note"
          >runs at the same time</span
        >`,
      this.#problemOf("sweep.concurrency"),
    )}`;
  }

  /** What a search knows besides: how it chooses, and which runs it ends early. */
  #search({ rest }: SweepForm): TemplateResult {
    const pruner = isObject(rest["pruner"]) ? rest["pruner"] : {};
    return html`${this.#row(
      "Sampler",
      html`${this.#choice("sampler", "How the next params are chosen", SAMPLERS, rest["sampler"] ?? "tpe", (id) => setOption(["sampler"], id))}
        <label class="secondary" for="startup_trials">after</label>
        ${this.#number("startup_trials", "Runs that are random draws, before results count", rest["startup_trials"] ?? 10)}<span
          class="secondary note"
          >random draws</span
        >`,
      this.#problemOf("sweep.sampler") ?? this.#problemOf("sweep.startup_trials"),
    )}
    ${this.#row(
      "Pruner",
      this.#choice("pruner", "Which runs are ended early", PRUNERS, pruner["kind"] ?? "", (id) =>
        setOption(["pruner"], id === "" ? undefined : { kind: id }),
      ),
      this.#problemOf("sweep.pruner"),
    )}`;
  }

  #choice(
    name: string,
    label: string,
    choices: readonly (readonly [string, string])[],
    chosen: JsonValue,
    edit: (id: string) => SpecEdit[],
  ): TemplateResult {
    return html`<select
      class="input"
      aria-label=${label}
      data-testid="sweep-${name}"
      @change=${(event: Event) => {
        this.#edit(edit((event.target as HTMLSelectElement).value));
      }}
    >
      ${choices.map(([id, title]) => html`<option value=${id} ?selected=${id === chosen}>${title}</option>`)}
    </select>`;
  }

  #varied(sweep: SweepForm, varied: VariedField): TemplateResult {
    const { key, field, kind } = varied;
    const kinds = kindsOf(sweep.method, field);
    const title = field?.title ?? key;
    return this.#row(
      html`${title}<span class="mono secondary key">${key}</span>`,
      html`${
          kinds.length < 2
            ? nothing
            : html`<select
                class="input kind"
                aria-label="How ${title} varies"
                data-testid="sweep-kind-${key}"
                @change=${(event: Event) => {
                  this.#edit(switchKind(varied, (event.target as HTMLSelectElement).value as RangeKind));
                }}
              >
                ${kinds.map((each) => html`<option value=${each} ?selected=${each === kind}>${KIND_TITLES[each]}</option>`)}
              </select>`
        }
        ${kind === "values" ? this.#values(varied, title) : this.#bounds(varied, kind, title)}
        <button
          class="icon-button"
          title="Do not vary ${title}"
          aria-label="Do not vary ${title}"
          data-testid="sweep-drop-${key}"
          @click=${() => {
            this.#edit(removeVaried(sweep, key));
          }}
        >
          ${icon("close")}
        </button>`,
      this.#problemOf(`sweep.params.${key}`),
    );
  }

  #values({ key, field, values }: VariedField, title: string): TemplateResult {
    return html`<input
      class="input wide"
      aria-label="Values of ${title}"
      placeholder="1, 2, 3"
      data-testid="sweep-values-${key}"
      .value=${valuesText(values)}
      @change=${(event: Event) => {
        this.#edit(setRange(key, "values", parseValues(field, (event.target as HTMLInputElement).value)));
      }}
    />`;
  }

  #bounds({ key, values }: VariedField, kind: RangeKind, title: string): TemplateResult {
    const bound = (index: 0 | 1, name: string): TemplateResult =>
      html`<input
        class="input number"
        inputmode="decimal"
        aria-label="${name} of ${title}"
        data-testid="sweep-${name.toLowerCase()}-${key}"
        .value=${inputText(values[index])}
        @change=${(event: Event) => {
          const next: JsonValue[] = [values[0] ?? 0, values[1] ?? 0];
          next[index] = numberOr((event.target as HTMLInputElement).value);
          this.#edit(setRange(key, kind, next));
        }}
      />`;
    return html`${bound(0, "Lowest")}<span class="secondary">to</span>${bound(1, "Highest")}`;
  }

  #direction(chosen: JsonValue | undefined): TemplateResult {
    return html`<span class="segments" role="radiogroup" aria-label="What is best">
      ${(
        [
          ["min", "Lowest"],
          ["max", "Highest"],
        ] as const
      ).map(
        ([direction, title]) =>
          html`<button
            role="radio"
            aria-checked=${direction === chosen ? "true" : "false"}
            data-testid="sweep-direction-${direction}"
            @click=${() => {
              this.#edit(setOption(["objective", "direction"], direction));
            }}
          >
            ${title}
          </button>`,
      )}
    </span>`;
  }

  #number(key: string, title: string, value: JsonValue | undefined): TemplateResult {
    return html`<input
      class="input number"
      id=${key}
      inputmode="numeric"
      aria-label=${title}
      title=${title}
      data-testid="sweep-${key}"
      .value=${inputText(value)}
      @change=${(event: Event) => {
        const text = (event.target as HTMLInputElement).value.trim();
        this.#edit(setOption([key], text === "" ? undefined : numberOr(text)));
      }}
    />`;
  }

  #row(name: string | TemplateResult, control: TemplateResult, problem: Problem | null = null): TemplateResult {
    return html`<div class="field">
      <div class="name">${name}</div>
      <div class="control">${control}</div>
      ${problem === null ? nothing : html`<div class="field-problem" role="alert">${icon(problem.severity)}<span>${problem.message}${problem.hint === null ? "" : ` ${problem.hint}`}</span></div>`}
    </div>`;
  }

  /** What is wrong with a part of the section or with anything inside it; with the fields as a whole only what is said of no single one. */
  #problemOf(field: string): Problem | null {
    const inside = (problem: Problem): boolean => field !== "sweep.params" && problem.field.startsWith(`${field}.`);
    return this.problems.find((problem) => problem.field === field || inside(problem)) ?? null;
  }

  #edit(edits: readonly SpecEdit[]): void {
    this.dispatchEvent(new CustomEvent<readonly SpecEdit[]>("spec-edit", { detail: edits }));
  }

  /** The list is a convenience: without it any name can be typed. */
  async #loadMetrics(): Promise<void> {
    try {
      const { fields } = await this.transport.request("listFields", { query: {} });
      this.metrics = fields
        .map(({ name }) => splitField(name))
        .flatMap(({ namespace, name, part }) => (namespace === "metrics" && part === "last" ? [name] : []));
    } catch {
      this.metrics = [];
    }
  }
}

/** What is no number stays text: the reader says what is wrong with it. */
function numberOr(text: string): JsonValue {
  const number = Number(text.trim());
  return text.trim() !== "" && Number.isFinite(number) ? number : text.trim();
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-sweep-form": SweepFormSection;
  }
}
