/** OpenAPI 3.1 from the table of routes. Loaded when somebody asks for it. */
import * as z from "zod";
import { ApiError, HTTP_STATUS, type ErrorCode } from "../../protocol/errors.ts";
import type { Route } from "../../protocol/route.ts";
import { routes, type RouteName } from "../../protocol/routes.ts";
import { FRAME_TYPE } from "./series-answer.ts";

type Json = Record<string, unknown>;

const COMPONENTS = "#/components/schemas/";
/** What every route may answer besides its own errors. */
const EVERYWHERE: readonly ErrorCode[] = ["bad_request", "unauthorized", "forbidden", "too_large", "internal"];

const PRETTY: Json = {
  name: "pretty",
  in: "query",
  required: false,
  description: "Indents the answer.",
  schema: { type: "boolean" },
};

export function openApiDocument(version: string): Json {
  const schemas: Json = {};
  // Bodies as a client may write them (defaults may be missing), answers as the server gives them.
  const bodies = new Map<RouteName, string>();
  const answers = new Map<RouteName, string>();
  const inputs = z.registry<{ id: string }>();
  const outputs = z.registry<{ id: string }>();
  outputs.add(ApiError, { id: "ApiError" });
  for (const [name, route] of entries()) {
    if (hasBody(route)) bodies.set(name, register(inputs, route.body, `${pascal(name)}Body`));
    if (route.produces !== "bytes" && !(route.response instanceof z.ZodAny)) {
      answers.set(name, register(outputs, route.response, `${pascal(name)}Answer`));
    }
  }
  addComponents(schemas, inputs, "input");
  addComponents(schemas, outputs, "output");

  const paths: Record<string, Json> = {};
  for (const [name, route] of entries()) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    const body = bodies.get(name);
    (paths[path] ??= {})[route.method.toLowerCase()] = {
      operationId: name,
      summary: route.summary,
      parameters: [
        ...parameters(route.params, "path"),
        ...parameters(route.query, "query"),
        ...(route.produces === "json" ? [PRETTY] : []),
      ],
      ...(body !== undefined && {
        // An empty body stands for {}.
        requestBody: { required: !route.body.safeParse({}).success, content: jsonContent({ $ref: COMPONENTS + body }) },
      }),
      responses: { [route.status]: { description: route.summary, content: content(route, answers.get(name)) }, ...errorAnswers(route) },
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Trainyard run server",
      version,
      description: "Loopback only. Every request carries the bearer token of the store's discovery file. Live data: docs/api.md.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths,
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } }, schemas },
  };
}

function entries(): [RouteName, Route][] {
  return Object.entries(routes) as [RouteName, Route][];
}

function hasBody(route: Route): boolean {
  return !(route.body instanceof z.ZodUndefined);
}

/** One component per shape, however many routes use it; returns its name. */
function register(registry: z.core.$ZodRegistry<{ id: string }>, schema: z.ZodType, id: string): string {
  const known = registry.get(schema);
  if (known !== undefined) return known.id;
  registry.add(schema, { id });
  return id;
}

function addComponents(schemas: Json, registry: z.core.$ZodRegistry<{ id: string }>, io: "input" | "output"): void {
  const shared = `Shared${pascal(io)}`;
  const made = z.toJSONSchema(registry, {
    io,
    unrepresentable: "any",
    uri: (id) => COMPONENTS + (id === "__shared" ? shared : id),
  }).schemas;
  for (const [id, schema] of Object.entries(made)) {
    // Zod writes the shared definitions as a document of their own; here they are a place in this one.
    const text = JSON.stringify(schema).replaceAll(`${COMPONENTS}${shared}#/`, `${COMPONENTS}${shared}/`);
    const component = JSON.parse(text) as Json;
    delete component["$schema"];
    delete component["$id"];
    schemas[id === "__shared" ? shared : id] = component;
  }
}

function parameters(schema: z.ZodType, place: "path" | "query"): Json[] {
  const made = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(made.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || (made.required ?? []).includes(name),
    ...(typeof property === "object" && property.description !== undefined && { description: property.description }),
    schema: property,
  }));
}

function content(route: Route, answer: string | undefined): Json {
  if (route.produces === "bytes") return { "application/octet-stream": {} };
  const json = jsonContent(answer === undefined ? {} : { $ref: COMPONENTS + answer });
  return route.produces === "arrow" ? { [FRAME_TYPE]: {}, ...json } : json;
}

function errorAnswers(route: Route): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...EVERYWHERE, ...route.errors])) {
    const status = HTTP_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      { description: codes.join(" or "), content: jsonContent({ $ref: `${COMPONENTS}ApiError` }) },
    ]),
  );
}

function jsonContent(schema: Json): Json {
  return { "application/json": { schema } };
}

function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
