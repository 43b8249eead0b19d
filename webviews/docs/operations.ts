/** What the page needs of the OpenAPI document: its operations, what they take, and the request that a filled form stands for. Pure. */
import { quote } from "../../protocol/shell-command.ts";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

export interface OpenApi {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** null where the operation takes no body. */
  readonly body: Schema | null;
  readonly answers: readonly { readonly status: string; readonly description: string }[];
}

/** The words of its path below `/api`, between which a long one may be broken. */
export function partsOf({ path }: Operation): string[] {
  return path.split("/").slice(2);
}

export function operationsOf({ paths }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, summary, parameters = [], requestBody, responses }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      summary,
      parameters,
      body: requestBody?.content["application/json"].schema ?? null,
      answers: Object.entries(responses).map(([status, { description }]) => ({ status, description })),
    })),
  );
}

/** Those in whose path, name or summary every word stands. */
export function matching(operations: readonly Operation[], search: string): Operation[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return operations.filter(({ id, method, path, summary }) => {
    const text = `${method} ${path} ${id} ${summary}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function resolved(schema: Schema, { components }: OpenApi): Schema {
  const name = schema.$ref?.split("/").pop();
  return (name === undefined ? undefined : components.schemas[name]) ?? schema;
}

/** A body to begin with: what is required and nothing else, empty. */
export function sample(schema: Schema, document: OpenApi, depth = 0): unknown {
  const own = resolved(schema, document);
  if (own.default !== undefined) return own.default;
  if (own.const !== undefined) return own.const;
  if (own.enum !== undefined) return own.enum[0];
  const choice = own.anyOf?.[0] ?? own.oneOf?.[0];
  if (choice !== undefined && depth < 8) return sample(choice, document, depth + 1);
  switch (Array.isArray(own.type) ? (own.type as string[])[0] : own.type) {
    case "object":
      return Object.fromEntries(
        (own.required ?? []).map((name) => [name, depth < 8 ? sample(own.properties?.[name] ?? {}, document, depth + 1) : null]),
      );
    case "array":
      return [];
    case "number":
    case "integer":
      return 0;
    case "boolean":
      return false;
    case "string":
      return "";
    default:
      return null;
  }
}

export interface Filled {
  readonly values: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The address that the form stands for; empty values of a query are left out. @throws Error which names what is missing */
export function addressOf({ path, parameters }: Operation, { values }: Filled): string {
  const query = new URLSearchParams();
  let address = path;
  for (const { name, in: place, required } of parameters) {
    const value = values[name] ?? "";
    if (value === "" && required) throw new Error(`${name} is needed`);
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(name, value);
  }
  return query.size === 0 ? address : `${address}?${query.toString()}`;
}

/** The same request for a shell. The token is not part of it: what is copied ends up in histories and issues. */
export function curlOf(server: string, operation: Operation, filled: Filled): string {
  const parts = ["curl", "-X", operation.method, "-H", `"Authorization: Bearer $TRAINYARD_TOKEN"`];
  if (operation.body !== null && filled.body.trim() !== "") parts.push("--data", quote(filled.body));
  return [...parts, quote(server + addressOf(operation, filled))].join(" ");
}
