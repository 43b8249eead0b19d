/** Values that a JSON schema asks for, and near misses of them. */
import fc from "fast-check";

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
}

const DEEPEST = 6;

const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    null,
    "",
    -1,
    1e308,
    9007199254740992,
    "\u0000",
    "../../etc/passwd",
    "/dev/zero",
    "\ud800",
    {},
    [],
    "__proto__",
    "1e400",
    "NaN",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/**
 * @param root the document that `$ref` points into
 * @param texts what strings are taken from besides generated ones: ids and names that mean something to the server
 */
export function valuesOf(root: unknown, schema: JsonSchema, texts: readonly string[], depth = 0): fc.Arbitrary<unknown> {
  const well = wellFormed(root, schema, texts, depth);
  // One leaf in eight is not what was asked for; deeper ones less often, so that the whole is nearly right.
  return fc.oneof({ weight: 7 + depth, arbitrary: well }, { weight: 1, arbitrary: junk });
}

function wellFormed(root: unknown, schema: JsonSchema, texts: readonly string[], depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined)
    return fc.constant(null).chain(() => (depth > DEEPEST ? junk : valuesOf(root, resolve(root, schema.$ref!), texts, depth + 1)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices !== undefined && choices.length > 0) return fc.oneof(...choices.map((choice) => valuesOf(root, choice, texts, depth + 1)));
  const type = typeof schema.type === "string" ? schema.type : schema.type?.[0];
  switch (type) {
    case "object":
      return objects(root, schema, texts, depth);
    case "array":
      return depth > DEEPEST ? fc.constant([]) : fc.array(valuesOf(root, schema.items ?? {}, texts, depth + 1), { maxLength: 3 });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "integer":
    case "number": {
      const [min, max] = [Math.max(schema.minimum ?? -1000, -1e9), Math.min(schema.maximum ?? 1000, 1e9)];
      return type === "integer"
        ? fc.integer({ min: Math.ceil(min), max: Math.max(Math.ceil(min), Math.floor(max)) })
        : fc.double({ min, max, noNaN: true });
    }
    case "string":
      return fc.oneof(fc.constantFrom(...texts), fc.string({ maxLength: 20 }), fc.string({ unit: "grapheme", maxLength: 8 }));
    default:
      return junk;
  }
}

function objects(root: unknown, schema: JsonSchema, texts: readonly string[], depth: number): fc.Arbitrary<unknown> {
  if (depth > DEEPEST) return fc.constant({});
  const known = Object.entries(schema.properties ?? {}).map(
    ([name, property]) => [name, valuesOf(root, property, texts, depth + 1)] as const,
  );
  const more = typeof schema.additionalProperties === "object" ? valuesOf(root, schema.additionalProperties, texts, depth + 1) : junk;
  const required = fc.oneof(
    { weight: 6, arbitrary: fc.constant([...(schema.required ?? [])]) },
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
  );
  return required.chain((requiredKeys) =>
    fc
      .tuple(
        fc.record(Object.fromEntries(known), { requiredKeys: [...requiredKeys] }),
        fc.oneof(
          { weight: schema.properties === undefined ? 1 : 6, arbitrary: fc.constant({}) },
          fc.dictionary(fc.constantFrom(...texts), more, { maxKeys: 3 }),
        ),
      )
      .map(([own, others]) => ({ ...others, ...own })),
  );
}

function resolve(root: unknown, reference: string): JsonSchema {
  let node = root;
  for (const key of reference.replace(/^#\//, "").split("/"))
    node = (node as Record<string, unknown> | undefined)?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")];
  if (typeof node !== "object" || node === null) throw new Error(`${reference} leads nowhere`);
  return node;
}
