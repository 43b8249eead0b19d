/** The REST client: one function, typed by the route table. Used by the CLI, the extension host, webviews and tests. */
import { addressAt } from "./address.ts";
import { ApiError, TrainyardError } from "./errors.ts";
import { joinNames } from "./name-list.ts";
import { routes, type RouteBody, type RouteName, type RouteParams, type RouteQuery, type RouteResponse } from "./routes.ts";

export interface ClientOptions {
  /** Base address, `http://127.0.0.1:43210`. */
  readonly url: string;
  readonly token: string;
  /** ms until a request is given up. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

export interface CallInput<N extends RouteName> {
  params?: RouteParams<N>;
  query?: Partial<RouteQuery<N> & Record<string, unknown>>;
  body?: RouteBody<N>;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface ApiClient {
  /** JSON routes. @throws TrainyardError */
  call<N extends RouteName>(name: N, input?: CallInput<N>): Promise<RouteResponse<N>>;
  /** Routes that answer with bytes. @throws TrainyardError */
  bytes<N extends RouteName>(name: N, input?: CallInput<N>): Promise<Uint8Array>;
  /** The same piece by piece, for answers that are too large to hold. An answer that is cut off throws. @throws TrainyardError */
  pieces<N extends RouteName>(name: N, input?: CallInput<N>): Promise<AsyncIterable<Uint8Array>>;
}

const DEFAULT_TIMEOUT_MS = 30_000;

export function createClient(options: ClientOptions): ApiClient {
  const doFetch = options.fetch ?? globalThis.fetch.bind(globalThis);

  async function send<N extends RouteName>(name: N, input: CallInput<N>): Promise<Response> {
    const route = routes[name];
    const url = addressAt(options.url, fillPath(route.path, input.params ?? {}));
    for (const [key, value] of Object.entries(input.query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(key, queryText(value));
    }
    const timeout = AbortSignal.timeout(input.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const headers: Record<string, string> = { authorization: `Bearer ${options.token}` };
    if (input.body !== undefined) headers["content-type"] = "application/json";
    let response: Response;
    try {
      response = await doFetch(url, {
        method: route.method,
        headers,
        body: input.body === undefined ? null : JSON.stringify(input.body),
        signal: input.signal === undefined ? timeout : AbortSignal.any([input.signal, timeout]),
      });
    } catch (error) {
      if (timeout.aborted)
        throw new TrainyardError(
          "timeout",
          `${route.method} ${route.path} got no answer in time`,
          "Try again; if it stays so, restart the run server.",
          [],
          { cause: error },
        );
      throw new TrainyardError(
        "unavailable",
        `the run server at ${options.url} cannot be reached`,
        "It starts again with the next command.",
        [],
        { cause: error },
      );
    }
    if (!response.ok) throw await readError(response);
    return response;
  }

  return {
    async call<N extends RouteName>(name: N, input: CallInput<N> = {}): Promise<RouteResponse<N>> {
      return (await (await send(name, input)).json()) as RouteResponse<N>;
    },
    async bytes<N extends RouteName>(name: N, input: CallInput<N> = {}): Promise<Uint8Array> {
      return new Uint8Array(await (await send(name, input)).arrayBuffer());
    },
    async pieces<N extends RouteName>(name: N, input: CallInput<N> = {}): Promise<AsyncIterable<Uint8Array>> {
      return readPieces((await send(name, input)).body);
    },
  };
}

async function* readPieces(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } catch (error) {
    throw new TrainyardError("unavailable", "the answer was cut off before its end", "Ask again; the server's log says why.", [], {
      cause: error,
    });
  } finally {
    reader.releaseLock();
  }
}

export function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/:(\w+)/g, (_, key: string) => {
    const value = params[key];
    if (value === undefined) throw new TypeError(`path ${path} needs the parameter ${key}`);
    return encodeURIComponent(value);
  });
}

function queryText(value: unknown): string {
  return Array.isArray(value) ? joinNames(value.map(String)) : String(value);
}

async function readError(response: Response): Promise<TrainyardError> {
  const text = await response.text();
  try {
    return TrainyardError.fromApi(ApiError.parse(JSON.parse(text)));
  } catch {
    return new TrainyardError("internal", `the server answered ${String(response.status)} without a typed error: ${text.slice(0, 200)}`);
  }
}
