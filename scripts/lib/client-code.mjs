// TypeScript from the OpenAPI document: a type per shape, and a client with a method per operation. It needs nothing but fetch.

const RUNTIME = `
/** What a method takes: only what the operation has, and only what has no default is required. */
export type Input<N extends keyof Operations> = Omit<Operations[N], "answer"> & { readonly signal?: AbortSignal };

/** One method per operation. Answers that are no JSON alone (files, frames of points) are the response itself. @throws ApiRefusal */
export type Api = {
  readonly [N in keyof Operations]: object extends Input<N>
    ? (input?: Input<N>) => Promise<Operations[N]["answer"]>
    : (input: Input<N>) => Promise<Operations[N]["answer"]>;
};

/** The server's answer when it does not do what was asked: a code for programs, a sentence, and what to do next. */
export class ApiRefusal extends Error {
  /** Of HTTP. */
  readonly status: number;
  readonly code: ApiError["error"]["code"];
  readonly hint: ApiError["error"]["hint"];
  readonly problems: ApiError["error"]["problems"];

  constructor(status: number, { code, message, hint, problems }: ApiError["error"]) {
    super(message);
    this.name = "ApiRefusal";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = problems;
  }
}

interface AnyInput {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @param server as its discovery file describes it */
export function createApi(server: { readonly url: string; readonly token: string; readonly fetch?: typeof globalThis.fetch }): Api {
  const send = server.fetch ?? globalThis.fetch;
  const methods = Object.entries(OPERATIONS).map(([name, [method, template, json]]) => {
    const call = async (input: AnyInput = {}): Promise<unknown> => {
      const path = template.replace(/\\{(\\w+)\\}/g, (_, key: string) => encodeURIComponent(input.path?.[key] ?? ""));
      const url = new URL(path, server.url);
      for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) url.searchParams.set(key, String(value));
      const response = await send(url, {
        method,
        headers: { authorization: \`Bearer \${server.token}\`, ...(input.body !== undefined && { "content-type": "application/json" }) },
        ...(input.body !== undefined && { body: JSON.stringify(input.body) }),
        ...(input.signal !== undefined && { signal: input.signal }),
      });
      if (!response.ok) throw new ApiRefusal(response.status, ((await response.json()) as ApiError).error);
      return json ? response.json() : response;
    };
    return [name, call] as const;
  });
  // Made from the same table as the types of the methods.
  return Object.fromEntries(methods) as unknown as Api;
}
`;

/**
 * @param {any} document OpenAPI 3.1
 * @returns {string} the module's text
 */
export function clientCode(document) {
  const types = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
    schema.$defs === undefined
      ? [`export type ${name} = ${typeOf(schema)};`]
      : Object.entries(schema.$defs).map(([inner, definition]) => `export type ${sharedName(name, inner)} = ${typeOf(definition)};`),
  );
  const operations = Object.entries(document.paths).flatMap(([url, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ url, method: method.toUpperCase(), ...operation })),
  );
  return [
    `// ${document.info.title}: a client. Generated from the OpenAPI document by scripts/generate-schemas.mjs; do not edit.`,
    ...types,
    `export interface Operations {\n${operations.map(operationType).join("\n")}\n}`,
    `/** Method, path and whether the answer is JSON alone. */`,
    `const OPERATIONS: Readonly<Record<keyof Operations, readonly [method: string, path: string, json: boolean]>> = {`,
    ...operations.map((one) => `  ${one.operationId}: [${JSON.stringify(one.method)}, ${JSON.stringify(one.url)}, ${isJson(one)}],`),
    `};`,
    RUNTIME.trimStart(),
  ].join("\n");
}

function operationType(operation) {
  const parts = [];
  for (const place of ["path", "query"]) {
    const parameters = operation.parameters.filter((one) => one.in === place);
    if (parameters.length === 0) continue;
    const members = parameters.map(
      (one) => `${key(one.name)}${one.required ? "" : "?"}: ${typeOf(one.schema)}${one.required ? "" : " | undefined"}`,
    );
    parts.push(`${place}${parameters.some((one) => one.required) ? "" : "?"}: { ${members.join("; ")} }`);
  }
  const body = operation.requestBody;
  if (body !== undefined) parts.push(`body${body.required === true ? "" : "?"}: ${typeOf(body.content["application/json"].schema)}`);
  parts.push(`answer: ${isJson(operation) ? typeOf(successOf(operation).content["application/json"].schema) : "Response"}`);
  const errors = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
  const refused = errors.map(([status, { description }]) => `${status} ${description}`).join("; ");
  return `  /** ${operation.summary}. \`${operation.method} ${operation.url}\`. Refused with ${refused} */\n  ${operation.operationId}: { ${parts.join("; ")} };`;
}

function successOf(operation) {
  const [, success] = Object.entries(operation.responses).find(([status]) => Number(status) < 300);
  return success;
}

function isJson(operation) {
  return Object.keys(successOf(operation).content).join() === "application/json";
}

/** A JSON Schema as a type. Bounds and patterns are the server's to check. */
function typeOf(schema) {
  if (schema.$ref !== undefined) return referenceName(schema.$ref);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return `(${choices.map(typeOf).join(" | ")})`;
  if (schema.allOf !== undefined) return `(${schema.allOf.map(typeOf).join(" & ")})`;
  if (Array.isArray(schema.type)) return `(${schema.type.map((type) => typeOf({ ...schema, type })).join(" | ")})`;
  switch (schema.type) {
    case "object":
      return objectType(schema);
    case "array":
      return schema.prefixItems !== undefined ? `[${schema.prefixItems.map(typeOf).join(", ")}]` : `(${typeOf(schema.items ?? {})})[]`;
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    default:
      return "unknown";
  }
}

function objectType(schema) {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    required.has(name) ? `${key(name)}: ${typeOf(property)}` : `${key(name)}?: ${typeOf(property)} | undefined`,
  );
  const rest = schema.additionalProperties;
  if (typeof rest === "object") members.push(`[key: string]: ${members.length === 0 ? typeOf(rest) : "unknown"}`);
  return members.length === 0 ? "Record<string, unknown>" : `{ ${members.join("; ")} }`;
}

function referenceName(reference) {
  const [name, , inner] = reference.replace("#/components/schemas/", "").split("/");
  return inner === undefined ? name : sharedName(name, inner);
}

function sharedName(name, inner) {
  return `${name}${inner.charAt(0).toUpperCase()}${inner.slice(1)}`;
}

function key(name) {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
