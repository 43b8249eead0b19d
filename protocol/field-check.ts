/** Checks one value against its field of a recipe, wherever it is typed: in the form or in the text. Pure. */
import { type OutputUnit, Validator } from "@cfworker/json-schema";
import { counted } from "./counted.ts";
import type { Problem } from "./errors.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { RecipeField } from "./recipe.ts";

/** An error of the schema, or a warning for a value outside the usual range; null when all is well. */
export function checkField(key: string, field: RecipeField, value: JsonValue): Problem | null {
  const message = schemaError(field, value);
  if (message !== null) return problem("error", key, message);
  const usual = field["x-usual-range"];
  if (usual === undefined || typeof value !== "number" || (value >= usual[0] && value <= usual[1])) return null;
  const side = value < usual[0] ? "Below" : "Above";
  return problem(
    "warning",
    key,
    `${side} the usual range, ${shortNumber(usual[0])} to ${shortNumber(usual[1])}. You can still start the run.`,
  );
}

/** Have the fields that this one depends on one of the named values? @param valueOf the effective value of a field */
export function isApplicable(field: RecipeField, valueOf: (key: string) => JsonValue | undefined): boolean {
  return Object.entries(field["x-depends-on"] ?? {}).every(([key, allowed]) => {
    const text = JSON.stringify(valueOf(key) ?? null);
    return allowed.some((value) => JSON.stringify(value) === text);
  });
}

function problem(severity: Problem["severity"], key: string, message: string): Problem {
  return { severity, field: `params.${key}`, message, hint: null };
}

function schemaError(field: RecipeField, value: JsonValue): string | null {
  const schema: JsonObject = {};
  for (const [name, part] of Object.entries(field)) if (!name.startsWith("x-")) schema[name] = part as JsonValue;
  const { valid, errors } = new Validator(schema, "2020-12").validate(value);
  return valid ? null : say(errors, field);
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
    case "minItems":
    case "maxItems":
      return `must have ${itemCount(field)}`;
    case "enum":
      return `must be one of ${(field.enum ?? []).map(String).join(", ")}`;
    default:
      return errors.at(-1)?.error ?? "is not valid";
  }
}

/** How many items a list takes, in words. */
export function itemCount({ minItems, maxItems }: RecipeField): string {
  const items = (count: number): string => counted(count, "item");
  if (minItems !== undefined && minItems === maxItems) return items(minItems);
  return [
    ...(minItems === undefined ? [] : [`at least ${items(minItems)}`]),
    ...(maxItems === undefined ? [] : [`at most ${items(maxItems)}`]),
  ].join(" and ");
}

export function typeName(type: string): string {
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
