/** The state of the builder's form, apart from how it is drawn: values, where each comes from, what is wrong, and the document. */
import { type OutputUnit, Validator } from "@cfworker/json-schema";
import type { Problem } from "../../protocol/errors.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";
import type { RunSpecInput } from "../../protocol/spec.ts";

export type Origin = "recipe default" | "preset" | "parent run" | "changed" | "unset";

export interface Provenance {
  readonly origin: Origin;
  /** For a changed value: what it would be without the change. */
  readonly was: JsonValue | undefined;
}

export interface FormState {
  readonly recipe: Recipe;
  readonly preset: string | null;
  /** Values of the run that this one was cloned from. */
  readonly parent: JsonObject;
  /** What was set in this form. */
  readonly changed: JsonObject;
}

export interface FormSection {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly fields: readonly (readonly [string, RecipeField])[];
}

/** Message of a required field without a value. */
export const MISSING = "needs a value";

export function newForm(recipe: Recipe, parent: JsonObject = {}, preset: string | null = null): FormState {
  return { recipe, preset, parent: onlyKnown(recipe, parent), changed: {} };
}

/** The same choices for another recipe, as far as it knows the fields. */
export function switchRecipe(form: FormState, recipe: Recipe): FormState {
  return { recipe, preset: null, parent: onlyKnown(recipe, form.parent), changed: onlyKnown(recipe, form.changed) };
}

function onlyKnown(recipe: Recipe, values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([key]) => recipe.schema.properties[key] !== undefined));
}

/** The value without what was changed here. */
function inherited(form: FormState, key: string): Provenance & { readonly value: JsonValue | undefined } {
  const fromParent = form.parent[key];
  if (fromParent !== undefined) return { origin: "parent run", was: undefined, value: fromParent };
  const fromPreset = form.preset === null ? undefined : form.recipe.presets[form.preset]?.values[key];
  if (fromPreset !== undefined) return { origin: "preset", was: undefined, value: fromPreset };
  const value = form.recipe.schema.properties[key]?.default;
  return { origin: value === undefined ? "unset" : "recipe default", was: undefined, value };
}

export function valueOf(form: FormState, key: string): JsonValue | undefined {
  return key in form.changed ? form.changed[key] : inherited(form, key).value;
}

export function provenance(form: FormState, key: string): Provenance {
  const base = inherited(form, key);
  return key in form.changed ? { origin: "changed", was: base.value } : { origin: base.origin, was: undefined };
}

/** @param value undefined, or what it is anyway, takes the change back */
export function setValue(form: FormState, key: string, value: JsonValue | undefined): FormState {
  const rest = Object.fromEntries(Object.entries(form.changed).filter(([name]) => name !== key));
  const same = JSON.stringify(value) === JSON.stringify(inherited(form, key).value);
  return { ...form, changed: value === undefined || same ? rest : { ...rest, [key]: value } };
}

/** Are the values it depends on such that the field has a meaning? */
export function isApplicable(form: FormState, field: RecipeField): boolean {
  return Object.entries(field["x-depends-on"] ?? {}).every(([key, allowed]) => {
    const text = JSON.stringify(valueOf(form, key) ?? null);
    return allowed.some((value) => JSON.stringify(value) === text);
  });
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
    .filter(([key]) => !filter.changedOnly || key in form.changed)
    .filter(([key, field]) => filter.advanced || words.length > 0 || field["x-advanced"] !== true || key in form.changed || wrong.has(key))
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
    if (value === undefined || value === "" || value === null) found.set(key, problem("error", key, MISSING, null));
  }
  for (const [key, field] of Object.entries(properties)) {
    const value = params[key];
    if (value === undefined || found.has(key)) continue;
    const message = schemaError(field, value);
    if (message !== null) {
      found.set(key, problem("error", key, message, null));
      continue;
    }
    const usual = field["x-usual-range"];
    if (usual !== undefined && typeof value === "number" && (value < usual[0] || value > usual[1]))
      found.set(
        key,
        problem(
          "warning",
          key,
          `${value < usual[0] ? "Below" : "Above"} the usual range, ${shortNumber(usual[0])} to ${shortNumber(usual[1])}. You can still start the run.`,
          null,
        ),
      );
  }
  return found;
}

function problem(severity: Problem["severity"], key: string, message: string, hint: string | null): Problem {
  return { severity, field: `params.${key}`, message, hint };
}

function schemaError(field: RecipeField, value: JsonValue): string | null {
  const schema = Object.fromEntries(Object.entries(field).filter(([name]) => !name.startsWith("x-")));
  const { valid, errors } = new Validator(schema, "2020-12").validate(value);
  if (valid) return null;
  return say(errors, field);
}

function say(errors: readonly OutputUnit[], field: RecipeField): string {
  const keyword = errors.at(-1)?.keyword;
  switch (keyword) {
    case "type":
      return `must be ${[field.type ?? "another type"].flat().map(typeName).join(" or ")}`;
    case "minimum":
      return `must be at least ${shortNumber(field.minimum ?? 0)}`;
    case "exclusiveMinimum":
      return `must be more than ${shortNumber(field.exclusiveMinimum ?? 0)}`;
    case "maximum":
      return `must be at most ${shortNumber(field.maximum ?? 0)}`;
    case "enum":
      return `must be one of ${(field.enum ?? []).map(String).join(", ")}`;
    default:
      return errors.at(-1)?.error ?? "is not valid";
  }
}

function typeName(type: string): string {
  return (
    {
      integer: "a whole number",
      number: "a number",
      string: "text",
      boolean: "on or off",
      array: "a list",
      object: "a mapping",
      null: "empty",
    }[type] ?? type
  );
}

export function shortNumber(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential().replace("e+", "e") : String(value);
}

export interface SpecHead {
  readonly name: string;
  readonly project: string;
  readonly python: string | null;
  readonly args: readonly string[];
}

/** The run document: only what differs from the recipe and its preset, so that it stays readable. */
export function toSpec(form: FormState, head: SpecHead): RunSpecInput {
  const own: JsonObject = {};
  for (const [key, field] of Object.entries(form.recipe.schema.properties)) {
    const origin = provenance(form, key).origin;
    const value = valueOf(form, key);
    if ((origin === "changed" || origin === "parent run") && value !== undefined && isApplicable(form, field)) own[key] = value;
  }
  return {
    ...(head.name === "" ? {} : { name: head.name }),
    project: head.project === "" ? "default" : head.project,
    recipe: form.recipe.id,
    ...(form.preset === null ? {} : { preset: form.preset }),
    params: own,
    ...(head.args.length === 0 ? {} : { args: [...head.args] }),
    ...(head.python === null || head.python === "" ? {} : { python: head.python }),
  };
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
    const items = trimmed
      .split(/[,\n]/)
      .map((item) => item.trim())
      .filter((item) => item !== "");
    const numeric = field.items?.["type"] === "number" || field.items?.["type"] === "integer";
    return numeric ? items.map((item) => (Number.isFinite(Number(item)) ? Number(item) : item)) : items;
  }
  if (types.includes("object") && !types.includes("string")) return parseJson(trimmed);
  return text;
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
