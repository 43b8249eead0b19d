/** One field of the form: label and key, widget, note, where the value comes from, and what is wrong with it. */
import { html, nothing, type TemplateResult } from "lit";
import "@vscode-elements/elements/dist/vscode-checkbox/index.js";
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import "@vscode-elements/elements/dist/vscode-textarea/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import type { Problem } from "../../protocol/errors.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { RecipeField, Widget } from "../../protocol/recipe.ts";
import { icon } from "../components/icons.ts";
import { besideField } from "../components/problem.ts";
import {
  inputText,
  isChosen,
  itemChoices,
  MISSING,
  parseInput,
  splitArguments,
  toggled,
  type FormState,
  type Provenance,
} from "./form-model.ts";

/** So many choices, with so many letters in all, fit into a row of segments. */
const MOST_SEGMENTS = 5;
const MOST_LETTERS = 30;
const MOST_OFFERS = 6;

export interface FieldView {
  readonly name: string;
  readonly field: RecipeField;
  readonly value: JsonValue | undefined;
  readonly provenance: Provenance;
  readonly presetTitle: string | null;
  readonly problem: Problem | null;
  /** Can the host ask for a path? */
  readonly canPick: boolean;
  /** Paths that the host knows for a field of its kind. */
  readonly offers: readonly string[];
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
    ${offers(view)} ${problem === null || isMissing(problem) ? nothing : complaint(view, problem)}
  </div>`;
}

function complaint({ name, field }: FieldView, problem: Problem): TemplateResult {
  const { message, hint } = besideField(problem, name);
  return html`<div class="field-problem ${problem.severity}" role=${problem.severity === "error" ? "alert" : "status"} id="problem-${name}">
    ${icon(problem.severity)}
    <span><b>${field.title}</b> ${message}${hint === null ? "" : ` ${hint}`}</span>
  </div>`;
}

/** Paths to choose by one click: while a value is missing, and where what is typed goes on to one of them. */
function offers({ name, offers: paths, value, change, problem }: FieldView): TemplateResult | typeof nothing {
  const typed = typeof value === "string" ? value.toLowerCase() : "";
  if (paths.some((path) => path === value) || (typed === "" && !isMissing(problem))) return nothing;
  const fitting = paths.filter((path) => path.toLowerCase().includes(typed)).slice(0, MOST_OFFERS);
  if (fitting.length === 0) return nothing;
  return html`<div class="offers" role="group" aria-label="In the workspace" data-testid="offers-${name}">
    ${fitting.map(
      (path) =>
        html`<button
          class="offer truncate"
          title=${path}
          @click=${() => {
            change(path, null);
          }}
        >
          ${path}
        </button>`,
    )}
  </div>`;
}

/** Words for a command line, typed as in a shell. @param draft what was typed last */
export function argsRow(
  value: JsonValue | undefined,
  draft: string | null,
  change: (words: string[], draft: string) => void,
): TemplateResult {
  const words = Array.isArray(value) ? value.map(String) : [];
  const kept = draft !== null && JSON.stringify(splitArguments(draft)) === JSON.stringify(words);
  return html`<div class="field" data-testid="field-args">
    <div class="name"><label for="input-args">Arguments</label><span class="mono secondary key">args</span></div>
    <div class="control">
      <vscode-textfield
        id="input-args"
        class="wide"
        label="Arguments"
        placeholder="--epochs 3"
        .value=${kept ? draft : words.map((word) => (/[\s"']/.test(word) ? JSON.stringify(word) : word)).join(" ")}
        @input=${(event: Event) => {
          const text = (event.target as HTMLInputElement).value;
          change(splitArguments(text), text);
        }}
      ></vscode-textfield>
    </div>
    <div class="origin secondary">passed on as they are</div>
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
  // Without choices there is nothing to tick: then its values are typed.
  if (field["x-widget"] === "multiselect" && itemChoices(field).length === 0) return "list";
  if (field["x-widget"] !== undefined) return field["x-widget"];
  if (field["x-path"] !== undefined) return "path";
  if (field.enum !== undefined)
    return field.enum.length <= MOST_SEGMENTS && field.enum.map(inputText).join("").length <= MOST_LETTERS ? "segments" : "select";
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
    const parsed = parseInput(field, typedText);
    // An emptied input is on the way to another value: the field goes back to what it inherits only when it is left like that.
    if (parsed !== undefined) change(parsed, typedText);
  };
  const left = (event: Event): void => {
    if (parseInput(field, (event.target as HTMLInputElement).value) === undefined) view.reset();
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
        @change=${left}
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
          @change=${left}
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
        @change=${left}
      ></vscode-textfield>`;
    case "multiselect":
      return html`<span class="segments" role="group" aria-label=${field.title}>
        ${itemChoices(field).map(
          (option) =>
            html`<button
              role="checkbox"
              aria-checked=${isChosen(value, option) ? "true" : "false"}
              @click=${() => {
                change(toggled(field, value, option), null);
              }}
            >
              ${inputText(option)}
            </button>`,
        )}
      </span>`;
    case "text":
    case "list":
      return html`<vscode-textfield
        id="input-${name}"
        class="wide"
        label=${field.title}
        placeholder=${field["x-placeholder"] ?? ""}
        .value=${text}
        ?invalid=${invalid}
        @input=${typed}
        @change=${left}
      ></vscode-textfield>`;
  }
}

const TAKES_ARGS: ReadonlySet<unknown> = new Set(["script", "command"]);

/** Does the document have arguments, or could it, beside the fields of its form? */
export function takesArgs(form: FormState | null, values: JsonObject): boolean {
  return values["args"] !== undefined || (TAKES_ARGS.has(form?.recipe.id) && form?.recipe.schema.properties["args"] === undefined);
}
