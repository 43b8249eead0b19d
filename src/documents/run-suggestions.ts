/** Completion and hover in the text of a run document, from the shape of documents and the recipe that this one names. Pure. */
import type { JsonValue } from "../../protocol/json.ts";
import { isApplicable, typeName } from "../../protocol/field-check.ts";
import type { Recipe, RecipeCatalogue, RecipeField } from "../../protocol/recipe.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { LaunchSpec, RunSpec } from "../../protocol/spec.ts";
import type { PathRule } from "../../protocol/webview.ts";

export interface Suggestion {
  readonly label: string;
  readonly kind: "field" | "value";
  readonly detail: string;
  /** Markdown. */
  readonly documentation: string;
  readonly insert: string;
}

export interface Suggestions {
  /** Characters of the line, before the cursor, that a suggestion replaces. */
  readonly replaces: number;
  readonly items: readonly Suggestion[];
  /** A path is meant: those of the workspace belong to the suggestions. */
  readonly paths: PathRule | null;
}

/** Where in the document a line stands: the keys above it, its own key, and whether the cursor is behind the colon. */
interface Cursor {
  readonly path: readonly string[];
  readonly key: string | null;
  readonly typed: string;
}

const KEY_LINE = /^(\s*)(?:- )?([\w.-]+)\s*:(?:\s|$)/;
const NOTHING: Suggestions = { replaces: 0, items: [], paths: null };

/** @param offset of the cursor @param catalogue null while the interpreter has not been asked */
export function suggestions(text: string, offset: number, catalogue: RecipeCatalogue | null): Suggestions {
  const cursor = cursorAt(text, offset);
  if (cursor === null) return NOTHING;
  const recipe = recipeOf(text, catalogue);
  const top = cursor.path[0];
  if (cursor.key !== null) return valueSuggestions(cursor, recipe, catalogue, text);
  const present = new Set(siblings(text, offset, cursor.path));
  const fields =
    top === undefined
      ? Object.entries(RunSpec.shape).map(([key, shape]): Suggestion => fieldSuggestion(key, shape.description ?? "", "", isBlock(key)))
      : top === "params" && cursor.path.length === 1
        ? paramSuggestions(recipe)
        : top === "launch" && cursor.path.length === 1
          ? Object.keys(LaunchSpec.shape).map((key): Suggestion => fieldSuggestion(key, "", "", false))
          : [];
  return { replaces: cursor.typed.length, items: fields.filter((each) => !present.has(each.label)), paths: null };
}

/** Markdown about the key under the cursor; null when there is nothing to say. */
export function explain(text: string, offset: number, catalogue: RecipeCatalogue | null): string | null {
  const line = lineAt(text, offset);
  const match = KEY_LINE.exec(line.text);
  if (match === null) return null;
  const key = match[2] ?? "";
  const path = parents(text, line.start, (match[1] ?? "").length);
  const recipe = recipeOf(text, catalogue);
  if (path.length === 0) {
    const description = Object.hasOwn(RunSpec.shape, key) ? RunSpec.shape[key as keyof typeof RunSpec.shape].description : undefined;
    const about = key === "recipe" && recipe !== null ? `**${recipe.title}**\n\n${recipe.description}` : null;
    return [about, description].filter((part) => part !== null && part !== undefined).join("\n\n") || null;
  }
  const field = path.join(".") === "params" && recipe !== null ? recipe.schema.properties[key] : undefined;
  return field === undefined ? null : `**${field.title}** · \`${key}\`\n\n${fieldText(field)}`;
}

function recipeOf(text: string, catalogue: RecipeCatalogue | null): Recipe | null {
  // A document that is being typed is seldom whole: its recipe is read from the line.
  const id = readRunDocument(text).values?.["recipe"] ?? /^recipe:\s*["']?([\w.-]+)/m.exec(text)?.[1];
  return catalogue?.recipes.find((each) => each.id === id) ?? null;
}

function lineAt(text: string, offset: number): { readonly start: number; readonly text: string } {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return { start, text: text.slice(start, end === -1 ? text.length : end) };
}

function cursorAt(text: string, offset: number): Cursor | null {
  const line = lineAt(text, offset);
  const before = text.slice(line.start, offset);
  if (/(^|\s)#/.test(before)) return null;
  const value = /^(\s*)([\w.-]+)\s*:\s+(?:\[\s*|.*,\s*)?(\S*)$/.exec(before);
  if (value !== null) return { path: parents(text, line.start, (value[1] ?? "").length), key: value[2] ?? "", typed: value[3] ?? "" };
  const item = /^(\s*)-\s+(\S*)$/.exec(before);
  if (item !== null) {
    const path = parents(text, line.start, (item[1] ?? "").length, true);
    return { path: path.slice(0, -1), key: path.at(-1) ?? null, typed: item[2] ?? "" };
  }
  const key = /^(\s*)([\w.-]*)$/.exec(before);
  return key === null ? null : { path: parents(text, line.start, (key[1] ?? "").length), key: null, typed: key[2] ?? "" };
}

/** Keys of the mappings around a line, outermost first. @param item a list may stand as far left as its key */
function parents(text: string, lineStart: number, indent: number, item = false): string[] {
  const found: string[] = [];
  let column = indent + (item ? 1 : 0);
  for (const line of text.slice(0, lineStart).split("\n").reverse()) {
    if (column === 0) break;
    const match = KEY_LINE.exec(line.replace(/\r$/, ""));
    const at = (match?.[1] ?? "").length;
    if (match === null || at >= column) continue;
    found.unshift(match[2] ?? "");
    column = at;
  }
  return found;
}

/** Keys that the mapping at `path` has already. */
function siblings(text: string, offset: number, path: readonly string[]): string[] {
  const line = lineAt(text, offset);
  const without = text.slice(0, line.start) + text.slice(line.start + line.text.length);
  let value: JsonValue | undefined = readRunDocument(without).values ?? undefined;
  for (const key of path) value = typeof value === "object" && value !== null && !Array.isArray(value) ? value[key] : undefined;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function isBlock(key: string): boolean {
  return key === "params" || key === "env" || key === "launch";
}

function fieldSuggestion(label: string, documentation: string, detail: string, block: boolean): Suggestion {
  return { label, kind: "field", detail, documentation, insert: block ? `${label}:\n  ` : `${label}: ` };
}

function paramSuggestions(recipe: Recipe | null): Suggestion[] {
  if (recipe === null) return [];
  return Object.entries(recipe.schema.properties)
    .sort(([, a], [, b]) => a["x-order"] - b["x-order"])
    .map(([key, field]) => fieldSuggestion(key, fieldText(field), field.title, false));
}

function valueSuggestions(cursor: Cursor, recipe: Recipe | null, catalogue: RecipeCatalogue | null, text: string): Suggestions {
  const { path, key, typed } = cursor;
  const answer = (items: readonly Suggestion[], paths: PathRule | null = null): Suggestions => ({ replaces: typed.length, items, paths });
  if (path.length === 0) {
    if (key === "recipe") return answer((catalogue?.recipes ?? []).map((each) => valueSuggestion(each.id, each.title, each.description)));
    if (key === "preset") return answer(Object.entries(recipe?.presets ?? {}).map(([id, { title }]) => valueSuggestion(id, title, "")));
    return answer(key === "track" ? booleans() : []);
  }
  const field = path.length === 1 && path[0] === "params" ? recipe?.schema.properties[key ?? ""] : undefined;
  if (field === undefined) return NOTHING;
  const params = readRunDocument(text).values?.["params"];
  const written = typeof params === "object" && params !== null && !Array.isArray(params) ? params : {};
  const unused = isApplicable(field, (other) => written[other] ?? recipe?.schema.properties[other]?.default)
    ? ""
    : "has no effect with the other values";
  return answer(
    choicesOf(field).map((choice) => valueSuggestion(choice, unused, "")),
    field["x-path"] ?? null,
  );
}

function choicesOf(field: RecipeField): string[] {
  const items = field.items?.["enum"];
  const choices = field.enum ?? (Array.isArray(items) ? items : []);
  if (choices.length > 0) return choices.map(valueText);
  if ([field.type ?? ""].flat().includes("boolean")) return ["true", "false"];
  return field.default === undefined || field.default === null || typeof field.default === "object" ? [] : [valueText(field.default)];
}

function booleans(): Suggestion[] {
  return ["true", "false"].map((each) => valueSuggestion(each, "", ""));
}

function valueSuggestion(label: string, detail: string, documentation: string): Suggestion {
  return { label, kind: "value", detail, documentation, insert: label };
}

/** A value as it is written in YAML: text that would be read as something else is quoted. */
function valueText(value: JsonValue): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return /^[A-Za-z_][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value) ? value : JSON.stringify(value);
}

function fieldText(field: RecipeField): string {
  const types = [field.type ?? []].flat().map(typeName);
  const { minimum, maximum, exclusiveMinimum } = field;
  const facts = [
    types.length === 0 ? null : types.join(" or "),
    exclusiveMinimum === undefined ? null : `more than ${String(exclusiveMinimum)}`,
    minimum === undefined ? null : `at least ${String(minimum)}`,
    maximum === undefined ? null : `at most ${String(maximum)}`,
    field["x-unit"] ?? null,
    field.default === undefined ? null : `default \`${JSON.stringify(field.default)}\``,
  ].filter((fact) => fact !== null);
  const choices = field.enum === undefined ? "" : `\n\nOne of ${field.enum.map((each) => `\`${valueText(each)}\``).join(", ")}.`;
  return `${field.description}\n\n${facts.join(" · ")}${choices}`;
}
