/** The top of the builder: name, project, recipe and preset. */
import { html, nothing, type TemplateResult } from "lit";
import type { Recipe } from "../../protocol/recipe.ts";
import type { FormState } from "./form-model.ts";

export interface BuilderHeaderView {
  readonly name: string;
  readonly project: string;
  readonly recipes: readonly Recipe[];
  readonly setName: (name: string) => void;
  readonly setProject: (project: string) => void;
  readonly chooseRecipe: (id: string) => void;
  /** null takes the preset back. */
  readonly choosePreset: (id: string | null) => void;
}

export function builderHeader(form: FormState, view: BuilderHeaderView): TemplateResult {
  const presets = Object.entries(form.recipe.presets);
  const typed = (set: (text: string) => void) => (event: InputEvent) => {
    set((event.target as HTMLInputElement).value.trim());
  };
  return html`<div class="header">
    <h1>New run</h1>
    <input
      class="input title"
      aria-label="Name"
      placeholder="Name (made up if empty)"
      data-testid="builder-name"
      .value=${view.name}
      @input=${typed(view.setName)}
    />
    <input
      class="input project"
      aria-label="Project"
      placeholder="default"
      data-testid="builder-project"
      .value=${view.project}
      @input=${typed(view.setProject)}
    />
    <select
      class="input"
      aria-label="Recipe"
      data-testid="builder-recipe"
      title=${form.recipe.description}
      @change=${(event: Event) => {
        view.chooseRecipe((event.target as HTMLSelectElement).value);
      }}
    >
      ${view.recipes.map((recipe) => html`<option value=${recipe.id} ?selected=${recipe.id === form.recipe.id}>${recipe.title}</option>`)}
    </select>
    ${
      presets.length === 0
        ? nothing
        : html`<span class="presets"
            ><span class="secondary">Preset</span
            ><span class="segments" role="radiogroup" aria-label="Preset">
              ${presets.map(
                ([id, preset]) =>
                  html`<button
                    role="radio"
                    aria-checked=${form.preset === id ? "true" : "false"}
                    data-testid="preset-${id}"
                    @click=${() => {
                      view.choosePreset(form.preset === id ? null : id);
                    }}
                  >
                    ${preset.title}
                  </button>`,
              )}
            </span></span
          >`
    }
  </div>`;
}
