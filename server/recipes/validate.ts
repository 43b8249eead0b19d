/** Checks resolved params against a recipe's schema and says of each field what is wrong and what would be right. */
import { Validator, type Schema } from "@cfworker/json-schema";
import { statSync } from "node:fs";
import path from "node:path";
import { counted } from "../../protocol/counted.ts";
import type { Problem } from "../../protocol/errors.ts";
import { itemCount } from "../../protocol/field-check.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import { nearest } from "../../protocol/nearest.ts";
import type { Recipe, RecipeField } from "../../protocol/recipe.ts";

/**
 * Errors make the params unusable; a value outside its usual range is a warning.
 * @param baseDir folder that relative paths refer to
 */
export function validateParams(recipe: Recipe, params: JsonObject, baseDir: string): Problem[] {
  const { properties, required } = recipe.schema;
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(params)) {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field === undefined) {
      if (!recipe.schema.additionalProperties) problems.push(unknownField(recipe, name));
      continue;
    }
    const problem = checkValue(name, field, value) ?? checkPath(name, field, value, params, baseDir);
    if (problem !== null) problems.push(problem);
    else problems.push(...checkUsual(name, field, value));
  }
  for (const name of required) {
    const field = properties[name];
    if (field === undefined || !isShown(field, params)) continue;
    const value = params[name];
    if (value === undefined || value === null || value === "")
      problems.push(problem(name, `${field.title} is missing`, field.description === "" ? null : field.description));
  }
  return problems;
}

function problem(name: string, message: string, hint: string | null): Problem {
  return { severity: "error", field: `params.${name}`, message, hint };
}

/** A field that depends on others counts only while they have the named values. */
function isShown(field: RecipeField, params: JsonObject): boolean {
  return Object.entries(field["x-depends-on"] ?? {}).every(([other, values]) => {
    const value = params[other] ?? null;
    return values.some((allowed) => JSON.stringify(allowed) === JSON.stringify(value));
  });
}

function checkValue(name: string, field: RecipeField, value: JsonValue): Problem | null {
  const shown = JSON.stringify(value);
  const types = field.type === undefined ? [] : Array.isArray(field.type) ? field.type : [field.type];
  if (types.length > 0 && !types.some((type) => hasType(value, type))) {
    const asNumber =
      typeof value === "string" && value.trim() !== "" && types.some((t) => t === "number" || t === "integer") && Number(value);
    return problem(
      name,
      `${name} must be ${types.map(typeName).join(" or ")}, not ${shown}`,
      typeof asNumber === "number" && Number.isFinite(asNumber)
        ? `Write it without quotes${/^[+-]?\d+e/i.test(shown.slice(1)) ? " and with a point (1.0e-4): YAML reads 1e-4 as text" : ""}.`
        : null,
    );
  }
  if (field.enum !== undefined && !field.enum.some((allowed) => JSON.stringify(allowed) === shown)) {
    const choices = field.enum.map((choice) => (typeof choice === "string" ? choice : JSON.stringify(choice)));
    const near = typeof value === "string" ? nearest(value, choices) : null;
    return problem(name, `${name} cannot be ${shown}`, near === null ? `Choose one of ${choices.join(", ")}.` : `Did you mean ${near}?`);
  }
  if (typeof value === "number") {
    const { minimum, maximum, exclusiveMinimum } = field;
    const low = (minimum !== undefined && value < minimum) || (exclusiveMinimum !== undefined && value <= exclusiveMinimum);
    const high = maximum !== undefined && value > maximum;
    if (low || high) return problem(name, `${name} is ${shown}, out of its range`, `Choose a value ${rangeText(field)}.`);
  }
  if (Array.isArray(value) && (value.length < (field.minItems ?? 0) || value.length > (field.maxItems ?? Infinity)))
    return problem(name, `${name} has ${counted(value.length, "item")}; it takes ${itemCount(field)}`, null);
  const result = new Validator(pureSchema(field), "2020-12").validate(value);
  if (result.valid) return null;
  const worst = result.errors.at(-1);
  const where = worst === undefined || worst.instanceLocation === "#" ? "" : ` at ${worst.instanceLocation.slice(1)}`;
  return problem(name, `${name} does not fit${where}: ${worst?.error ?? "the recipe's schema refuses it"}`, null);
}

/** The JSON Schema part of a field, without the annotations of the form. */
function pureSchema(field: RecipeField): Schema {
  const entries = Object.entries(field).filter(([key]) => !key.startsWith("x-") && key !== "default");
  return Object.fromEntries(entries);
}

function checkUsual(name: string, field: RecipeField, value: JsonValue): Problem[] {
  const usual = field["x-usual-range"];
  if (usual === undefined || typeof value !== "number" || (value >= usual[0] && value <= usual[1])) return [];
  const message = `${name} is ${value}; ${usual[0]} to ${usual[1]} is usual`;
  return [{ severity: "warning", field: `params.${name}`, message, hint: null }];
}

function checkPath(name: string, field: RecipeField, value: JsonValue, params: JsonObject, baseDir: string): Problem | null {
  const rule = field["x-path"];
  if (rule?.must_exist !== true || !isShown(field, params)) return null;
  for (const entry of Array.isArray(value) ? value : [value]) {
    if (typeof entry !== "string" || entry === "") continue;
    const file = path.resolve(baseDir, entry);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) {
      const hint = path.isAbsolute(entry) ? null : `Relative paths start in ${baseDir}.`;
      return problem(name, `${name}: ${file} does not exist`, hint);
    }
    if (rule.kind === "file" && !stat.isFile()) return problem(name, `${name}: ${file} is not a file`, null);
    if (rule.kind === "folder" && !stat.isDirectory()) return problem(name, `${name}: ${file} is not a folder`, null);
  }
  return null;
}

/** A problem carries no code of its own; a missing path is told by the sentence that `checkPath` writes. */
export function isMissingPath(found: Problem): boolean {
  return found.severity === "error" && found.message.endsWith(" does not exist");
}

function unknownField(recipe: Recipe, name: string): Problem {
  const near = nearest(name, Object.keys(recipe.schema.properties));
  return problem(name, `the recipe ${recipe.id} has no field ${name}`, near === null ? null : `Did you mean ${near}?`);
}

function hasType(value: JsonValue, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    integer: "a whole number",
    number: "a number",
    string: "text",
    boolean: "true or false",
    array: "a list",
    object: "a mapping",
    null: "empty",
  };
  return names[type] ?? type;
}

function rangeText({ minimum, maximum, exclusiveMinimum }: RecipeField): string {
  const low = exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : minimum !== undefined ? `of at least ${minimum}` : "";
  const high = maximum !== undefined ? `of at most ${maximum}` : "";
  return [low, high].filter((part) => part !== "").join(" and ");
}
