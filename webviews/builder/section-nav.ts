/** The left column of the builder: the sections with their state, and which fields are shown. */
import { html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { Problem } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { icon } from "../components/icons.ts";
import type { FieldFilter, FormSection, FormState } from "./form-model.ts";
import { templateSteps, type TemplatesView } from "./templates.ts";

export interface SectionNavView {
  readonly shown: readonly FormSection[];
  /** What is wrong, by field. */
  readonly wrong: ReadonlyMap<string, Problem>;
  readonly filter: FieldFilter;
  readonly setFilter: (filter: FieldFilter) => void;
  readonly goTo: (section: string) => void;
  /** Earlier runs of the recipe whose values can be taken over. */
  readonly recent: readonly RunSummary[];
  /** The run whose values were taken. */
  readonly parent: RunId | null;
  readonly startFrom: (run: RunId) => void;
  readonly templates: TemplatesView;
}

/** Icon, tone and note of a section. */
export function sectionState(
  section: FormSection,
  wrong: ReadonlyMap<string, Problem>,
): readonly ["pass" | "warning" | "error", string, string] {
  const found = section.fields.flatMap(([key]) => wrong.get(key) ?? []);
  const errors = found.filter((p) => p.severity === "error").length;
  if (errors > 0) return ["error", "bad", `${String(errors)} to fix`];
  const warnings = found.filter((p) => p.severity === "warning").length;
  if (warnings > 0) return ["warning", "warn", counted(warnings, "warning")];
  return ["pass", "ok", section.description];
}

export function sectionNav(form: FormState, view: SectionNavView): TemplateResult {
  const { shown, wrong, filter, setFilter, goTo } = view;
  const advanced = Object.values(form.recipe.schema.properties).filter((field) => field["x-advanced"] === true).length;
  return html`<div class="steps">
    <nav aria-label="Sections">
      ${shown.map((section, i) => {
        const [symbol, tone, note] = sectionState(section, wrong);
        return html`<button
          class="step"
          data-testid="step-${section.id}"
          aria-keyshortcuts="Alt+${i + 1}"
          @click=${() => {
            goTo(section.id);
          }}
        >
          <span class=${tone}>${icon(symbol)}</span><span>${section.title}</span><span class="note secondary truncate">${note}</span>
        </button>`;
      })}
    </nav>
    <select
      class="input step-select"
      aria-label="Section"
      @change=${(event: Event) => {
        goTo((event.target as HTMLSelectElement).value);
      }}
    >
      ${shown.map((section) => html`<option value=${section.id}>${section.title}</option>`)}
    </select>
    ${view.recent.length + view.templates.list.length === 0 ? nothing : startFrom(view)}
    <div class="show">
      <input
        class="input"
        type="search"
        placeholder="Search fields"
        aria-label="Search fields"
        data-testid="field-search"
        .value=${filter.search}
        @input=${(event: InputEvent) => {
          setFilter({ ...filter, search: (event.target as HTMLInputElement).value });
        }}
      />
      <vscode-checkbox
        label="Only changed values"
        .checked=${filter.changedOnly}
        @change=${(event: Event) => {
          setFilter({ ...filter, changedOnly: (event.target as HTMLInputElement).checked });
        }}
      ></vscode-checkbox>
      ${
        advanced === 0
          ? nothing
          : html`<vscode-checkbox
              label="Advanced fields (${advanced})"
              data-testid="show-advanced"
              .checked=${filter.advanced}
              @change=${(event: Event) => {
                setFilter({ ...filter, advanced: (event.target as HTMLInputElement).checked });
              }}
            ></vscode-checkbox>`
      }
    </div>
  </div>`;
}

function startFrom({ recent, parent, startFrom: choose, templates }: SectionNavView): TemplateResult {
  return html`<div class="start-from" role="group" aria-label="Start from an earlier run or a template" data-testid="start-from">
    <span class="secondary">Start from</span>
    ${recent.map(
      (run) =>
        html`<button
          class="step from"
          aria-pressed=${run.id === parent ? "true" : "false"}
          title="Take over the values of ${run.name}"
          @click=${() => {
            choose(run.id);
          }}
        >
          ${icon(run.id === parent ? "pass" : "history")}<span class="truncate">${run.name}</span>
        </button>`,
    )}
    ${templateSteps(templates)}
  </div>`;
}
