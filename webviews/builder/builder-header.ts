/** The top of the builder: name, project, recipe and preset. */
import { html, nothing, type TemplateResult } from "lit";
import type { Problem, TrainyardError } from "../../protocol/errors.ts";
import { slugOf } from "../../protocol/ids.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import { lineAt, type PlacedProblem } from "../../protocol/run-document/read.ts";
import { icon } from "../components/icons.ts";
import type { Transport } from "../transport/transport.ts";
import { type FormState, presetValues } from "./form-model.ts";
import "./name-check.ts";
import "./named-menu.ts";
import { templateMenu, type TemplatesView } from "./templates.ts";

export interface BuilderHeaderView {
  /** What the document says. */
  readonly values: JsonObject;
  readonly kind: "draft" | "file";
  readonly readOnly: boolean;
  readonly catalogue: RecipeCatalogue;
  /** An empty text takes the key out. */
  readonly set: (key: "name" | "project" | "experiment", text: string) => void;
  readonly chooseRecipe: (id: string) => void;
  /** null takes the preset back. */
  readonly choosePreset: (id: string | null) => void;
  readonly openText: () => void;
  readonly transport: Transport;
  readonly python: string | null;
  /** Presets were saved or removed. */
  readonly reload: () => void;
  readonly templates: TemplatesView;
}

export function builderHeader(form: FormState | null, view: BuilderHeaderView): TemplateResult {
  const typed = (key: "name" | "project" | "experiment") => (event: InputEvent) => {
    view.set(key, (event.target as HTMLInputElement).value.trim());
  };
  return html`<div class="header" ?inert=${view.readOnly}>
      <h1>${view.kind === "draft" ? "New run" : "Run"}</h1>
      ${
        view.kind === "draft"
          ? nothing
          : html`<button
              class="icon-button as-text"
              title="Open as text"
              aria-label="Open as text"
              data-testid="open-as-text"
              @click=${view.openText}
            >
              ${icon("file")}
            </button>`
      }
      <input
        class="input title"
        aria-label="Name"
        placeholder="Name (made up if empty)"
        data-testid="builder-name"
        .value=${shownText(view.values["name"])}
        @input=${typed("name")}
      />
      ${nameCheck(view)}
      <input
        class="input project"
        aria-label="Project"
        title="Project"
        placeholder="default"
        data-testid="builder-project"
        .value=${shownText(view.values["project"])}
        @input=${typed("project")}
      />
      <input
        class="input project"
        aria-label="Experiment"
        title="Experiment: its runs keep their configurations together, over time"
        placeholder="no experiment"
        data-testid="builder-experiment"
        .value=${shownText(view.values["experiment"])}
        @input=${typed("experiment")}
      />
      <select
        class="input"
        aria-label="Recipe"
        data-testid="builder-recipe"
        title=${form?.recipe.description ?? ""}
        @change=${(event: Event) => {
          view.chooseRecipe((event.target as HTMLSelectElement).value);
        }}
      >
        ${form === null ? html`<option value="" selected disabled>Choose a recipe</option>` : nothing}
        ${view.catalogue.recipes.map((recipe) => html`<option value=${recipe.id} .selected=${recipe.id === form?.recipe.id}>${recipe.title}</option>`)}
      </select>
      <span class="presets">${form === null ? nothing : presets(form, view)}${templateMenu(view.templates)}</span>
    </div>
    ${leftOut([...view.catalogue.problems, ...view.templates.list.flatMap(({ problem }) => problem ?? [])])}`;
}

/** The runs of a sweep are named after it, each with its number. */
function nameCheck({ values, transport, set, readOnly }: BuilderHeaderView): TemplateResult | typeof nothing {
  if (values["sweep"] !== undefined || readOnly) return nothing;
  return html`<ty-name-check
    .transport=${transport}
    .name=${shownText(values["name"])}
    .project=${shownText(values["project"])}
    @take-name=${(event: CustomEvent<string>) => {
      set("name", event.detail);
    }}
  ></ty-name-check>`;
}

/** What of the user's own could not be read: it is missing above. */
function leftOut(problems: readonly Problem[]): TemplateResult | typeof nothing {
  if (problems.length === 0) return nothing;
  const what =
    problems.length === 1 ? "One recipe, preset or template of yours is" : `${problems.length} recipes, presets or templates of yours are`;
  return html`<details class="notice left-out" data-testid="recipe-problems">
    <summary>${icon("warning")}${what} left out</summary>
    <ul>
      ${problems.map((each) => html`<li>${each.message}${each.hint === null ? nothing : html` <span class="secondary">${each.hint}</span>`}</li>`)}
    </ul>
  </details>`;
}

function presets(form: FormState, view: BuilderHeaderView): TemplateResult {
  const all = Object.entries(form.recipe.presets);
  const { transport } = view;
  const recipe = form.recipe.id;
  return html`<span class="secondary">Preset</span>${
      all.length === 0
        ? nothing
        : html`<span class="segments" role="radiogroup" aria-label="Preset">
            ${all.map(
              ([id, preset]) =>
                html`<button
                  role="radio"
                  aria-checked=${form.preset === id ? "true" : "false"}
                  title=${preset.file ?? ""}
                  data-testid="preset-${id}"
                  @click=${() => {
                    view.choosePreset(form.preset === id ? null : id);
                  }}
                >
                  ${preset.title}
                </button>`,
            )}
          </span>`
    }<ty-named-menu
      .one=${"preset"}
      folder="trainyard_presets"
      .names=${all.flatMap(([name, { file }]) => (file === undefined ? [] : [name]))}
      .current=${form.preset}
      .save=${(text: string) => {
        const name = slugOf(text) ?? text;
        const title = name === text ? {} : { title: text };
        const python = view.python === null ? {} : { python: view.python };
        return transport.request("savePreset", { body: { recipe, name, values: presetValues(form), ...title, ...python } });
      }}
      .discard=${(name: string) => transport.request("deletePreset", { query: { recipe, name } })}
      @choose-named=${(event: CustomEvent<string>) => {
        view.choosePreset(event.detail);
      }}
      @named-changed=${view.reload}
    ></ty-named-menu>`;
}

export function shownText(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** What stands in the place of the builder when the recipes could not be read. */
export function loadProblem({ message, hint }: TrainyardError, again: () => void): TemplateResult {
  return html`<div class="problem-page" role="alert" data-testid="builder-problem">
    ${icon("error")}<b>${message}</b><span class="secondary">${hint ?? ""}</span><button class="button" @click=${again}>Try again</button>
  </div>`;
}

/** What stands in the place of the form while the document names no recipe that there is. */
export function unknownRecipe(written: JsonValue | undefined): TemplateResult {
  return html`<div class="problem-page" data-testid="unknown-recipe">
    <b
      >${written === undefined || written === "" ? "The document names no recipe yet." : `There is no recipe ${JSON.stringify(written)}.`}</b
    >
    <span class="secondary">Choose one above; the rest of the document stays.</span>
  </div>`;
}

/** Above a form that shows the last good state of a document. */
export function brokenNotice({ problem, range }: PlacedProblem, text: string, openText: () => void): TemplateResult {
  const line = lineAt(text, range?.[0] ?? 0);
  return html`<div class="notice error" role="alert" data-testid="builder-broken">
    ${icon("error")}<span
      >${range === null ? nothing : html`Line ${line}: `}${problem.message}.
      <span class="secondary">The form shows what could last be read and cannot be edited.</span></span
    >
    <button class="button" @click=${openText}>Correct it as text</button>
  </div>`;
}
