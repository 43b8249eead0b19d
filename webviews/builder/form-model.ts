/** What the builder's form shows of a document, apart from how it is drawn: values, where each comes from, what is wrong, and the edits. */
import type { Problem } from "../../protocol/errors.ts";
import { checkField, isApplicable as applies, shortNumber } from "../../protocol/field-check.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";

export type Origin =
  "recipe default" | "preset" | "project default" | "your script" | "parent run" | "changed" | "unset" | "varied by the sweep";

export interface Provenance {
  readonly origin: Origin;
  /** For a changed value: what it would be without the change. */
  readonly was: JsonValue | undefined;
}

/** A document together with everything that its values come from. Never changed in place: an edit makes a new document. */
export interface FormState {
  readonly recipe: Recipe;
  /** Did the fields come from the user's script? Their defaults are the script's own. */
  readonly scriptFields: ReadonlySet<string>;
  readonly preset: string | null;
  /** What the document says in `params`, fields that the recipe does not know included. */
  readonly params: JsonObject;
  /** Defaults of the project. */
  readonly project: JsonObject;
  /** Effective values of the run that the document was made from; null without one. */
  readonly parent: JsonObject | null;
  /** Params that the document's sweep varies: each run has its own value of them. */
  readonly swept: ReadonlySet<string>;
}

export interface FormSection {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly fields: readonly (readonly [string, RecipeField])[];
}

/** Message of a required field without a value. */
export const MISSING = "needs a value";

/** The values of a document as the form takes them; anything of a wrong shape is left to the text. */
export function formOf(
  recipe: Recipe,
  values: JsonObject,
  origins: Partial<Pick<FormState, "project" | "parent" | "scriptFields">> = {},
): FormState {
  const { params, preset, sweep } = values;
  const varied = typeof sweep === "object" && sweep !== null && !Array.isArray(sweep) ? sweep["params"] : null;
  return {
    recipe,
    scriptFields: origins.scriptFields ?? new Set(),
    preset: typeof preset === "string" ? preset : null,
    params: typeof params === "object" && params !== null && !Array.isArray(params) ? params : {},
    project: origins.project ?? {},
    parent: origins.parent ?? null,
    swept: new Set(typeof varied === "object" && varied !== null ? Object.keys(varied) : []),
  };
}

/** The value without what the document says of the field. */
function inherited(form: FormState, key: string): Provenance & { readonly value: JsonValue | undefined } {
  const found = (origin: Origin, value: JsonValue | undefined) => ({ origin, was: undefined, value });
  if (form.recipe.schema.properties[key] !== undefined && form.project[key] !== undefined)
    return found("project default", form.project[key]);
  const fromPreset = form.preset === null ? undefined : form.recipe.presets[form.preset]?.values[key];
  if (fromPreset !== undefined) return found("preset", fromPreset);
  const value = form.recipe.schema.properties[key]?.default;
  if (value === undefined) return found("unset", value);
  return found(form.scriptFields.has(key) ? "your script" : "recipe default", value);
}

export function valueOf(form: FormState, key: string): JsonValue | undefined {
  return Object.hasOwn(form.params, key) ? form.params[key] : inherited(form, key).value;
}

/** A value that the document shares with the run it was made from is that run's. */
export function provenance(form: FormState, key: string): Provenance {
  if (form.swept.has(key)) return { origin: "varied by the sweep", was: undefined };
  const base = inherited(form, key);
  if (!Object.hasOwn(form.params, key)) return { origin: base.origin, was: undefined };
  const parent = form.parent?.[key];
  if (parent !== undefined && JSON.stringify(parent) === JSON.stringify(form.params[key])) return { origin: "parent run", was: undefined };
  return { origin: "changed", was: parent ?? base.value };
}

/** What a preset made of the document holds: what its own preset and it itself set. */
export function presetValues(form: FormState): JsonObject {
  const base = form.preset === null ? {} : (form.recipe.presets[form.preset]?.values ?? {});
  return { ...base, ...form.params };
}

/** The edit that sets a field; none when it has the value anyway. A value that the document already has stays written, even if it is the default. */
export function setValue(form: FormState, key: string, value: JsonValue | undefined): SpecEdit[] {
  if (value === undefined) return resetValue(form, key);
  const same = JSON.stringify(value) === JSON.stringify(valueOf(form, key));
  return same ? [] : [{ path: ["params", key], value }];
}

/** Back to where the value would come from without the change: the parent run, or whatever stands below the document. */
export function resetValue(form: FormState, key: string): SpecEdit[] {
  if (!Object.hasOwn(form.params, key)) return [];
  const parent = form.parent?.[key];
  if (parent !== undefined && JSON.stringify(parent) !== JSON.stringify(inherited(form, key).value))
    return JSON.stringify(parent) === JSON.stringify(form.params[key]) ? [] : [{ path: ["params", key], value: parent }];
  return [{ path: ["params", key] }];
}

/** Another recipe for the same document: what the old one knew and the new one does not goes. */
export function switchRecipe(form: FormState, recipe: Recipe): SpecEdit[] {
  const gone = Object.keys(form.params).filter(
    (key) => form.recipe.schema.properties[key] !== undefined && recipe.schema.properties[key] === undefined,
  );
  return [
    { path: ["recipe"], value: recipe.id },
    ...(form.preset !== null && recipe.presets[form.preset] === undefined ? [{ path: ["preset"] }] : []),
    ...gone.map((key) => ({ path: ["params", key] })),
  ];
}

/** Preset and params of another run in place of the document's own. */
export function takeParams(form: FormState, preset: string | undefined, params: JsonObject): SpecEdit[] {
  const named = (name: string | null | undefined): JsonObject => (name === null || name === undefined ? {} : { preset: name });
  return changesTo({ ...named(form.preset), params: form.params }, { ...named(preset), params });
}

/** The edits that lead from one document to another: by field where both have a mapping, and what is new before what goes. */
export function changesTo(now: JsonObject, wanted: JsonObject, above: readonly string[] = []): SpecEdit[] {
  const changed = Object.entries(wanted).flatMap(([key, value]): SpecEdit[] => {
    const [path, old] = [[...above, key], now[key]];
    if (above.length === 0 && isObject(old) && isObject(value)) return changesTo(old, value, path);
    return JSON.stringify(old) === JSON.stringify(value) ? [] : [{ path, value }];
  });
  const gone = Object.keys(now).filter((key) => !Object.hasOwn(wanted, key));
  return [...changed, ...gone.map((key) => ({ path: [...above, key] }))];
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields whose effective value differs from another set of values, in the order of the form. */
export function changesFrom(
  form: FormState,
  base: JsonObject,
): { readonly key: string; readonly was: JsonValue | undefined; readonly now: JsonValue | undefined }[] {
  return Object.entries(form.recipe.schema.properties)
    .filter(([, field]) => isApplicable(form, field))
    .sort(([, a], [, b]) => a["x-order"] - b["x-order"])
    .map(([key]) => ({ key, was: base[key], now: valueOf(form, key) }))
    .filter(({ was, now }) => JSON.stringify(was ?? null) !== JSON.stringify(now ?? null));
}

/** Values as they are without the document: what the recipe, its preset and the project say. */
export function inheritedParams(form: FormState): JsonObject {
  const values: JsonObject = {};
  for (const key of Object.keys(form.recipe.schema.properties)) {
    const { value } = inherited(form, key);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

export function isApplicable(form: FormState, field: RecipeField): boolean {
  return applies(field, (key) => valueOf(form, key));
}

export interface FieldFilter {
  readonly search: string;
  readonly changedOnly: boolean;
  readonly advanced: boolean;
}

/** Sections with their fields in order; those without a field to show are left out. A changed or wrong field is never hidden as advanced. */
export function sections(form: FormState, filter: FieldFilter, wrong: ReadonlySet<string>): FormSection[] {
  const words = filter.search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const shown = Object.entries(form.recipe.schema.properties)
    .filter(([, field]) => isApplicable(form, field))
    .filter(([key]) => !filter.changedOnly || Object.hasOwn(form.params, key))
    .filter(
      ([key, field]) =>
        filter.advanced || words.length > 0 || field["x-advanced"] !== true || Object.hasOwn(form.params, key) || wrong.has(key),
    )
    .filter(([key, field]) => words.every((word) => `${key} ${field.title} ${field.description}`.toLowerCase().includes(word)))
    .sort(([, a], [, b]) => a["x-order"] - b["x-order"]);
  return form.recipe.sections
    .map((section) => ({ ...section, fields: shown.filter(([, field]) => field["x-section"] === section.id) }))
    .filter((section) => section.fields.length > 0);
}

/** What the run will be started with: applicable fields that have a value. */
export function effectiveParams(form: FormState): JsonObject {
  const params: JsonObject = {};
  for (const [key, field] of Object.entries(form.recipe.schema.properties)) {
    const value = valueOf(form, key);
    if (value !== undefined && isApplicable(form, field)) params[key] = value;
  }
  return params;
}

/** Problems by field: errors of the schema, and warnings for values outside the usual range. */
export function problems(form: FormState): Map<string, Problem> {
  const params = effectiveParams(form);
  const found = new Map<string, Problem>();
  const properties = form.recipe.schema.properties;
  const required = form.recipe.schema.required.filter((key) => properties[key] !== undefined && isApplicable(form, properties[key]));
  for (const key of required) {
    const value = params[key];
    if (!form.swept.has(key) && (value === undefined || value === "" || value === null))
      found.set(key, { severity: "error", field: `params.${key}`, message: MISSING, hint: null });
  }
  for (const [key, field] of Object.entries(properties)) {
    const value = params[key];
    if (value === undefined || found.has(key) || form.swept.has(key)) continue;
    const problem = checkField(key, field, value);
    if (problem !== null) found.set(key, problem);
  }
  return found;
}

/** Reads what was typed into a field; text that cannot be read stays text, and the schema says what is wrong with it. */
export function parseInput(field: RecipeField, text: string): JsonValue | undefined {
  const types = [field.type ?? "string"].flat();
  const trimmed = text.trim();
  if (trimmed === "") return types.includes("null") ? null : types.includes("string") ? "" : undefined;
  if (types.includes("number") || types.includes("integer")) {
    const number = Number(trimmed);
    if (Number.isFinite(number)) return number;
    return trimmed;
  }
  if (types.includes("array") && !types.includes("string")) {
    if (trimmed.startsWith("[")) return parseJson(trimmed);
    const items = splitList(trimmed);
    const numeric = field.items?.["type"] === "number" || field.items?.["type"] === "integer";
    return numeric ? items.map((item) => (Number.isFinite(Number(item)) ? Number(item) : item)) : items;
  }
  if (types.includes("object") && !types.includes("string")) return parseJson(trimmed);
  return text;
}

/** The items of a list as it is typed: parted by commas or lines. */
export function splitList(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** What the items of a list may be; empty when anything may. */
export function itemChoices(field: RecipeField): readonly JsonValue[] {
  const choices = field.items?.["enum"];
  return Array.isArray(choices) ? choices : [];
}

export function isChosen(value: JsonValue | undefined, option: JsonValue): boolean {
  return Array.isArray(value) && value.some((item) => JSON.stringify(item) === JSON.stringify(option));
}

/** The list with one choice put in or taken out, in the order of the choices; an empty list is a value like any other. */
export function toggled(field: RecipeField, value: JsonValue | undefined, option: JsonValue): JsonValue[] {
  return itemChoices(field).filter((choice) => isChosen(value, choice) !== (JSON.stringify(choice) === JSON.stringify(option)));
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** A value as its input shows it. */
export function inputText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return shortNumber(value);
  if (Array.isArray(value)) return value.every((item) => typeof item !== "object") ? value.map(String).join(", ") : JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}

/** Splits a line of arguments as a shell would: spaces part, quotes hold together. */
export function splitArguments(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g)].map(([word]) =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'/g,
      (_, double: string | undefined, single: string | undefined) => double?.replace(/\\(.)/g, "$1") ?? single ?? "",
    ),
  );
}
