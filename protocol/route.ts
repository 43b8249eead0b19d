/** What a route is, and what most routes have in common. The table of them: routes.ts. */
import * as z from "zod";
import type { ErrorCode } from "./errors.ts";
import * as q from "./queries.ts";

export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with `:name` parameters. */
  readonly path: string;
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly response: Response;
  readonly status: 200 | 201 | 202;
  /** JSON, or bytes that the handler streams (Arrow, log, file). */
  readonly produces: "json" | "arrow" | "bytes";
  readonly errors: readonly ErrorCode[];
}

export const none = z.object({});
export const noBody = z.undefined();
export const common = { params: none, query: none, body: noBody, status: 200, produces: "json" } as const;
export const oneProject = { ...common, params: q.ProjectParam } as const;
export const oneRun = { ...common, params: q.RunIdParam } as const;

export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  definition: Route<P, Q, B, R>,
): Route<P, Q, B, R> {
  return definition;
}
