/** One field of the form: label and key, widget, note, where the value comes from, and what is wrong with it. */
import { html, nothing, type TemplateResult } from "lit";
import "@vscode-elements/elements/dist/vscode-checkbox/index.js";
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import "@vscode-elements/elements/dist/vscode-textarea/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import type { Problem } from "../../protocol/errors.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { RecipeField, Widget } from "../../protocol/recipe.ts";
import { icon } from "../components/icons.ts";
import { inputText, MISSING, parseInput, type Provenance } from "./form-model.ts";

/** So many choices fit into a row of segments. */
const MOST_SEGMENTS = 5;

export interface FieldView {
  readonly name: string;
  readonly field: RecipeField;
  readonly value: JsonValue | undefined;
  readonly provenance: Provenance;
  readonly presetTitle: string | null;
  readonly problem: Problem | null;
  /** Can the host ask for a path? */
  readonly canPick: boolean;
  /** What was typed last, kept as long as it still means the value: `1.` must not become `1` under the cursor. */
  readonly draft: string | null;
  readonly change: (value: JsonValue | undefined, draft: string | null) => void;
  readonly reset: () => void;
  readonly pick: () => void;
}

export function fieldRow(view: FieldView): TemplateResult {
  const { name, field, problem, provenance } = view;
  const changed = provenance.origin === "changed";
  return html`<div
    class="field ${changed ? "changed" : ""}"
    data-testid="field-${name}"
    data-key=${name}
    @keydown=${(event: KeyboardEvent) => {
      if (event.altKey && event.key === "Backspace") {
        event.preventDefault();
        view.reset();
      }
    }}
  >
    <div class="name" title=${field.description}>
      <label for="input-${name}">${field.title}</label>
      <span class="mono secondary key">${name}</span>
    </div>
    <div class="control">
      ${widget(view)} ${field["x-unit"] === undefined ? nothing : html`<span class="secondary note">${field["x-unit"]}</span>`}
    </div>
    <div class="origin secondary">${origin(view)}</div>
    ${
      problem === null || isMissing(problem)
        ? nothing
        : html`<div
            class="field-problem ${problem.severity}"
            role=${problem.severity === "error" ? "alert" : "status"}
            id="problem-${name}"
          >
            ${icon(problem.severity === "error" ? "error" : "warning")}
            <span><b>${field.title}</b> ${problem.message}${problem.hint === null ? "" : ` ${problem.hint}`}</span>
          </div>`
    }
  </div>`;
}

/** A form that is still empty is not yet wrong: what is missing is said quietly, beside the field. */
function isMissing(problem: Problem | null): boolean {
  return problem?.message === MISSING;
}

function origin({ provenance, presetTitle, name, reset, problem }: FieldView): TemplateResult {
  if (isMissing(problem)) return html`<span class="missing" id="problem-${name}">${MISSING}</span>`;
  switch (provenance.origin) {
    case "changed":
      return html`<button class="link" data-testid="reset-${name}" title="Take the change back (Alt+Backspace)" @click=${reset}>
        ${icon("discard")} changed here · was ${inputText(provenance.was) || "empty"}
      </button>`;
    case "preset":
      return html`preset · ${presetTitle ?? ""}`;
    case "unset":
      return html`not set`;
    default:
      return html`${provenance.origin}`;
  }
}

function widgetOf(field: RecipeField): Widget {
  if (field["x-widget"] !== undefined) return field["x-widget"];
  if (field["x-path"] !== undefined) return "path";
  if (field.enum !== undefined) return field.enum.length <= MOST_SEGMENTS ? "segments" : "select";
  const types = [field.type ?? "string"].flat();
  if (types.includes("boolean")) return "checkbox";
  if (types.includes("array")) return "list";
  if (types.includes("object")) return "json";
  return types.includes("number") || types.includes("integer") ? "number" : "text";
}

function widget(view: FieldView): TemplateResult {
  const { name, field, value, change, problem, draft } = view;
  const invalid = problem?.severity === "error" && !isMissing(problem);
  const text = draft !== null && JSON.stringify(parseInput(field, draft)) === JSON.stringify(value) ? draft : inputText(value);
  const typed = (event: Event): void => {
    const typedText = (event.target as HTMLInputElement).value;
    change(parseInput(field, typedText), typedText);
  };
  switch (widgetOf(field)) {
    case "checkbox":
      return html`<vscode-checkbox
        id="input-${name}"
        aria-label=${field.title}
        label=${field.description}
        ?checked=${value === true}
        .checked=${value === true}
        @change=${(event: Event) => {
          change((event.target as HTMLInputElement).checked, null);
        }}
      ></vscode-checkbox>`;
    case "segments":
      return html`<span class="segments" role="radiogroup" aria-label=${field.title}>
        ${(field.enum ?? []).map(
          (option) =>
            html`<button
              role="radio"
              aria-checked=${JSON.stringify(option) === JSON.stringify(value) ? "true" : "false"}
              @click=${() => {
                change(option, null);
              }}
            >
              ${option === null ? "none" : inputText(option)}
            </button>`,
        )}
      </span>`;
    case "select":
      return html`<vscode-single-select
        id="input-${name}"
        aria-label=${field.title}
        .value=${JSON.stringify(value ?? null)}
        @change=${(event: Event) => {
          change(JSON.parse((event.target as HTMLInputElement).value) as JsonValue, null);
        }}
      >
        ${(field.enum ?? []).map(
          (option) =>
            html`<vscode-option value=${JSON.stringify(option)} ?selected=${JSON.stringify(option) === JSON.stringify(value)}
              >${option === null ? "none" : inputText(option)}</vscode-option
            >`,
        )}
      </vscode-single-select>`;
    case "slider":
      return html`<input
          id="input-${name}"
          type="range"
          aria-label=${field.title}
          min=${field.minimum ?? 0}
          max=${field.maximum ?? 1}
          step="any"
          .value=${text}
          @input=${typed}
        /><span class="note">${text}</span>`;
    case "multiline":
    case "json":
      return html`<vscode-textarea
        id="input-${name}"
        label=${field.title}
        rows="3"
        ?monospace=${field["x-widget"] !== "multiline"}
        placeholder=${field["x-placeholder"] ?? ""}
        .value=${text}
        ?invalid=${invalid}
        @input=${typed}
      ></vscode-textarea>`;
    case "path":
      return html`<vscode-textfield
          id="input-${name}"
          class="wide"
          label=${field.title}
          placeholder=${field["x-placeholder"] ?? ""}
          .value=${text}
          ?invalid=${invalid}
          @input=${typed}
        ></vscode-textfield>
        ${view.canPick ? html`<button class="icon-button" title="Choose…" aria-label="Choose ${field.title}" @click=${view.pick}>${icon("folder-opened")}</button>` : nothing}`;
    case "number":
      return html`<vscode-textfield
        id="input-${name}"
        class="number"
        label=${field.title}
        inputmode="decimal"
        placeholder=${field["x-placeholder"] ?? ""}
        .value=${text}
        ?invalid=${invalid}
        @input=${typed}
      ></vscode-textfield>`;
    case "text":
    case "list":
    case "multiselect":
      return html`<vscode-textfield
        id="input-${name}"
        class="wide"
        label=${field.title}
        placeholder=${field["x-placeholder"] ?? ""}
        .value=${text}
        ?invalid=${invalid}
        @input=${typed}
      ></vscode-textfield>`;
  }
}
