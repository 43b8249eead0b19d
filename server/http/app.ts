/** The HTTP application: guards, the routes of protocol/routes.ts bound to their handlers, and the web application beside them. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { TrainyardError } from "../../protocol/errors.ts";
import { parseJson, prototypeKey } from "../../protocol/parse-json.ts";
import type { Route } from "../../protocol/route.ts";
import { routes, type RouteName } from "../../protocol/routes.ts";
import { analysisHandlers } from "./analysis-handlers.ts";
import type { Call, Handler, Handlers, HttpContext } from "./context.ts";
import { dataHandlers } from "./data-handlers.ts";
import { badRequest, errorResponse, toTrainyardError } from "./errors.ts";
import { documentHandlers } from "./document-handlers.ts";
import { draftHandlers } from "./draft-handlers.ts";
import { experimentHandlers } from "./experiment-handlers.ts";
import { exportHandlers } from "./export-handlers.ts";
import { importHandlers } from "./import-handlers.ts";
import { noticeHandlers } from "./notice-handlers.ts";
import { projectHandlers } from "./project-handlers.ts";
import { queueHandlers } from "./queue-handlers.ts";
import { runHandlers } from "./run-handlers.ts";
import { savedHandlers } from "./saved-handlers.ts";
import { checkBearer, checkHostAndOrigin } from "./security.ts";
import { serverHandlers } from "./server-handlers.ts";
import { storeHandlers } from "./store-handlers.ts";
import { sweepHandlers } from "./sweep-handlers.ts";
import { serveStatic } from "./static.ts";
import { trashHandlers } from "./trash-handlers.ts";

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export function createApp(context: HttpContext): Hono {
  const handlers: Handlers = {
    ...serverHandlers(context),
    ...projectHandlers(context),
    ...experimentHandlers(context),
    ...savedHandlers(context),
    ...analysisHandlers(context),
    ...exportHandlers(context),
    ...importHandlers(context),
    ...documentHandlers(context),
    ...sweepHandlers(context),
    ...queueHandlers(context),
    ...draftHandlers(context),
    ...runHandlers(context),
    ...trashHandlers(context),
    ...dataHandlers(context),
    ...noticeHandlers(context),
    ...storeHandlers(context),
  };
  const app = new Hono();

  app.onError((error) => errorResponse(toTrainyardError(error, context.log)));
  app.use(async (c, next) => {
    checkHostAndOrigin(c.req.header("host"), c.req.header("origin"));
    await next();
    // Nobody reads the body of an answer to HEAD: the file behind it is closed here.
    if (c.req.method === "HEAD") await c.res.body?.cancel();
    c.res.headers.set("x-content-type-options", "nosniff");
    c.res.headers.set("referrer-policy", "no-referrer");
    c.res.headers.set("cross-origin-resource-policy", "same-origin");
  });
  app.use("/api/*", async (c, next) => {
    checkBearer(c.req.header("authorization"), context.token);
    await next();
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  });
  app.use(
    "/api/*",
    bodyLimit({
      maxSize: BODY_LIMIT_BYTES,
      onError: () => errorResponse(new TrainyardError("too_large", `a request may hold ${BODY_LIMIT_BYTES} bytes at most`)),
    }),
  );

  for (const name of Object.keys(routes) as RouteName[]) bind(app, context, name, handlers[name]);
  app.all("/api/*", (c) => {
    throw new TrainyardError("not_found", `there is no ${c.req.method} ${c.req.path}`, "GET /api/openapi.json lists what there is.");
  });
  app.get("*", (c) => serveStatic(context.webRoot, c.req.path, c.req.header("host") ?? ""));
  app.notFound((c) => errorResponse(new TrainyardError("not_found", `there is no ${c.req.method} ${c.req.path}`)));
  return app;
}

function bind<N extends RouteName>(app: Hono, context: HttpContext, name: N, handler: Handler<N>): void {
  const route: Route = routes[name];
  app.on(route.method, route.path, async (c) => {
    const call = {
      params: parse(route.params, c.req.param(), "path"),
      query: parse(route.query, c.req.query(), "query"),
      body: route.body instanceof z.ZodUndefined ? undefined : parse(route.body, readJson(await c.req.text()), "body"),
      headers: c.req.raw.headers,
      // The schemas of route `name` made the three values; the compiler cannot follow that through the union of all routes.
    } as Call<N>;
    await context.ready;
    const answer: unknown = await handler(call);
    if (answer instanceof Response) return answer;
    const pretty = ["true", "1"].includes(c.req.query("pretty") ?? "");
    return new Response(JSON.stringify(answer, null, pretty ? 2 : 0), {
      status: route.status,
      headers: { "content-type": "application/json; charset=utf-8" },
    });
  });
}

function parse(schema: z.ZodType, value: unknown, part: string): unknown {
  const result = schema.safeParse(value);
  if (!result.success) throw badRequest(part, result.error);
  return result.data;
}

/** An empty body stands for `{}`: every field of a body that may be left out has a default. */
function readJson(text: string): unknown {
  if (text.trim() === "") return {};
  let body: unknown;
  try {
    body = parseJson(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TrainyardError("bad_request", `the body of the request is not JSON: ${detail}`);
  }
  const field = prototypeKey(body);
  if (field === null) return body;
  const message = "nothing can be named __proto__";
  throw new TrainyardError("bad_request", `${field}: ${message}`, "Choose another name.", [
    { severity: "error", field, message, hint: null },
  ]);
}
