/** The `sweep` section of a document as the form shows it, and the edits that the form makes. Pure; what is wrong with it says the reader. */
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { RecipeField } from "../../protocol/recipe.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import { type FormState, inputText, isApplicable, parseInput, splitList, valueOf } from "./form-model.ts";

export type RangeKind = "values" | "int" | "uniform" | "loguniform";

export interface VariedField {
  readonly key: string;
  /** null for a param that the recipe does not know. */
  readonly field: RecipeField | null;
  readonly kind: RangeKind;
  /** The list of values, or `[low, high]`. */
  readonly values: readonly JsonValue[];
}

export interface SweepForm {
  readonly method: string;
  readonly varied: readonly VariedField[];
  /** Anything else that the section says, by its key. */
  readonly rest: JsonObject;
}

export const KIND_TITLES: Readonly<Record<RangeKind, string>> = {
  values: "Values",
  int: "Whole numbers",
  uniform: "Range",
  loguniform: "Range, logarithmic",
};

const DEFAULT_RUNS = 10;

/** null while the document has no sweep. */
export function sweepForm(values: JsonObject, form: FormState): SweepForm | null {
  const { sweep } = values;
  if (!isObject(sweep)) return null;
  const { method, params, ...rest } = sweep;
  return {
    method: typeof method === "string" ? method : "",
    varied: Object.entries(isObject(params) ? params : {}).map(([key, range]) => ({
      key,
      field: form.recipe.schema.properties[key] ?? null,
      ...rangeOf(range),
    })),
    rest,
  };
}

function rangeOf(range: JsonValue): Pick<VariedField, "kind" | "values"> {
  if (!isObject(range)) return { kind: "values", values: Array.isArray(range) ? range : [range] };
  const kind = (["int", "loguniform"] as const).find((each) => Object.hasOwn(range, each)) ?? "uniform";
  const bounds = range[kind];
  return { kind, values: Array.isArray(bounds) ? bounds : [] };
}

export function beginSweep(): SpecEdit[] {
  return [{ path: ["sweep"], value: { method: "grid", params: {} } }];
}

export function endSweep(): SpecEdit[] {
  return [{ path: ["sweep"] }];
}

/** How values may be given under a method; a grid has no intervals. */
export function kindsOf(method: string, field: RecipeField | null): RangeKind[] {
  const types = [field?.type ?? ["number", "integer"]].flat();
  const whole = types.includes("integer") || types.includes("number");
  if (method === "grid") return whole ? ["values", "int"] : ["values"];
  if (types.includes("number")) return ["values", "uniform", "loguniform", "int"];
  return whole ? ["values", "int"] : ["values"];
}

/** The fields that may be varied besides those that are. */
export function variable(form: FormState, varied: readonly VariedField[]): (readonly [string, RecipeField])[] {
  const taken = new Set(varied.map(({ key }) => key));
  return Object.entries(form.recipe.schema.properties)
    .filter(([key, field]) => !taken.has(key) && isApplicable(form, field))
    .sort(([, a], [, b]) => a["x-order"] - b["x-order"]);
}

/** Varies one more field, beginning with its choices, or with the value that it has. */
export function addVaried(form: FormState, key: string): SpecEdit[] {
  const field = form.recipe.schema.properties[key];
  const value = valueOf(form, key) ?? null;
  const values = field?.enum ?? (field?.type === "boolean" ? [false, true] : [value]);
  return [{ path: ["sweep", "params", key], value: values }];
}

/** Takes a field out; the last one leaves an empty mapping, which says where fields go. */
export function removeVaried({ varied }: SweepForm, key: string): SpecEdit[] {
  if (varied.some((each) => each.key !== key)) return [{ path: ["sweep", "params", key] }];
  return [{ path: ["sweep", "params"], value: {} }];
}

export function setRange(key: string, kind: RangeKind, values: readonly JsonValue[]): SpecEdit[] {
  const value: JsonValue = kind === "values" ? [...values] : { [kind]: [...values] };
  return [{ path: ["sweep", "params", key], value }];
}

/** The same field given in another way, from the numbers that it has. */
export function switchKind({ key, field, values }: VariedField, kind: RangeKind): SpecEdit[] {
  if (kind === "values") return setRange(key, kind, [...new Set(values)]);
  const numbers = values.filter((value) => typeof value === "number");
  const usual = field?.["x-usual-range"];
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
  let [low, high] = numbers.length > 0 && first < last ? [first, last] : (usual ?? (numbers.length > 0 ? [first, first + 1] : [0, 1]));
  if (kind === "int") [low, high] = [Math.ceil(low), Math.floor(high)];
  if (kind === "loguniform" && low <= 0) low = high > 0 ? high / 1000 : 1e-5;
  return setRange(key, kind, [low, high]);
}

/** Another method for the same fields: what it needs is added, what it does not know goes. */
export function switchMethod(sweep: SweepForm, method: string): SpecEdit[] {
  const edits: SpecEdit[] = [{ path: ["sweep", "method"], value: method }];
  const known: ReadonlySet<string> = new Set(OPTIONS[method] ?? []);
  for (const key of Object.keys(sweep.rest)) if (!known.has(key)) edits.push({ path: ["sweep", key] });
  if (method === "grid")
    for (const each of sweep.varied) if (!kindsOf(method, each.field).includes(each.kind)) edits.push(...switchKind(each, "values"));
  for (const [key, value] of [
    ["n", DEFAULT_RUNS],
    ["seed", 1],
  ] as const)
    if (known.has(key) && sweep.rest[key] === undefined) edits.push({ path: ["sweep", key], value });
  return edits;
}

/** What a section of each method may say besides `method` and `params`. */
export const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  grid: ["seeds", "objective", "concurrency"],
  random: ["n", "seed", "seeds", "objective", "concurrency"],
  optuna: ["n", "seed", "sampler", "startup_trials", "pruner", "objective", "concurrency"],
};

/** Text of one of the options; an empty one takes it out. */
export function setOption(path: readonly string[], value: JsonValue | undefined): SpecEdit[] {
  return [{ path: ["sweep", ...path], ...(value === undefined ? {} : { value }) }];
}

/** The objective needs both of its parts: the direction begins with less is better. */
export function setMetric({ rest }: SweepForm, metric: string): SpecEdit[] {
  if (metric === "") return setOption(["objective"], undefined);
  const direction = isObject(rest["objective"]) ? (rest["objective"]["direction"] ?? "min") : "min";
  return setOption(["objective"], { metric, direction });
}

/** `1e-4, 3e-4` or JSON, each value read as the field's own input reads it. */
export function parseValues(field: RecipeField | null, text: string): JsonValue[] {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) {
    try {
      const read = JSON.parse(trimmed) as JsonValue;
      if (Array.isArray(read)) return read;
    } catch {
      // Not JSON after all: taken as words.
    }
  }
  return splitList(trimmed).map((word) => parseValue(field, word));
}

function parseValue(field: RecipeField | null, word: string): JsonValue {
  if (word === "true" || word === "false") return word === "true";
  const types = [field?.type ?? "any"].flat();
  if (field === null || types.includes("any")) return Number.isFinite(Number(word)) ? Number(word) : word;
  if (word === "null" && types.includes("null")) return null;
  return parseInput(field, word) ?? word;
}

/** The values as they are typed. */
export function valuesText(values: readonly JsonValue[]): string {
  const plain = values.every((value) => value !== null && typeof value !== "object" && !/[,[\]\n]/.test(String(value)));
  return plain ? values.map((value) => inputText(value)).join(", ") : JSON.stringify(values);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
