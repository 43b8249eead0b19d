/** The socket: one HTTP server on loopback, its WebSocket upgrades beside it. */
import { createServer, maxHeaderSize, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WS_PATH, WS_PROTOCOL } from "../../protocol/constants.ts";
import { HTTP_STATUS, TrainyardError } from "../../protocol/trainyard-error.ts";
import { toTrainyardError } from "./errors.ts";
import { checkBearer, checkHostAndOrigin } from "./security.ts";

/** What stands behind the socket. */
export interface Edge {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes over a WebSocket whose right was checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface ListenOptions {
  readonly token: string;
  /** Loads what answers; the same promise each time. Requests wait for it. */
  readonly edge: () => Promise<Edge>;
  readonly log: (text: string) => void;
}

export interface Listening {
  readonly url: string;
  /** When the last request came in, ms since the epoch. */
  lastRequest(): number;
  close(): Promise<void>;
}

/** How long running answers may take to finish when the server closes. */
const CLOSE_WAIT_MS = 1_000;

/**
 * @param port 0 takes any free one
 * @throws TrainyardError conflict when the port is taken
 */
export async function listen(options: ListenOptions, port: number): Promise<Listening> {
  let lastRequest = Date.now();
  const answering = new WeakSet<Duplex>();
  const server = createServer((request, response) => {
    lastRequest = Date.now();
    answering.add(request.socket);
    response.once("close", () => answering.delete(request.socket));
    options
      .edge()
      .then((edge) => edge.answer(request, response))
      .catch((error: unknown) => {
        options.log(`a request could not be answered: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        response.destroy();
      });
  });
  server.on("upgrade", (request, socket, head) => {
    lastRequest = Date.now();
    socket.on("error", () => socket.destroy());
    try {
      authorizeUpgrade(request, options.token);
    } catch (error) {
      refuse(socket, toTrainyardError(error, options.log));
      return;
    }
    options.edge().then(
      (edge) => {
        edge.upgrade(request, socket, head);
      },
      (error: unknown) => {
        refuse(socket, toTrainyardError(error, options.log));
      },
    );
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // A sentence in the midst of an answer would pass for a part of it.
    if (socket.writable && error.code !== "ECONNRESET" && !answering.has(socket))
      refuse(socket, unreadableRequest(error), STATUS_BY_PARSER[error.code ?? ""]);
    else socket.destroy();
  });
  // A request that never ends must not hold a connection for ever; uploads here are 4 MB at most.
  server.requestTimeout = 60_000;
  // Node's five seconds let a client that was busy for as long write into a connection that is just being closed.
  server.keepAliveTimeout = 75_000;
  await start(server, port);
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    lastRequest: () => lastRequest,
    close: () => stop(server),
  };
}

/** The token comes as a subprotocol, `bearer.<token>`: a browser's WebSocket can set no header. */
function authorizeUpgrade(request: IncomingMessage, token: string): void {
  checkHostAndOrigin(request.headers.host, request.headers.origin);
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== WS_PATH) throw new TrainyardError("not_found", `there is no WebSocket at ${path ?? ""}`);
  const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
  const bearer = protocols.find((protocol) => protocol.startsWith("bearer."));
  checkBearer(bearer === undefined ? undefined : `Bearer ${bearer.slice("bearer.".length)}`, token);
  if (!protocols.includes(WS_PROTOCOL)) {
    throw new TrainyardError("bad_request", `the WebSocket must offer the subprotocol ${WS_PROTOCOL}`);
  }
}

/** Where HTTP has a status of its own for what the parser refused. */
const STATUS_BY_PARSER: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What the parser of HTTP could not make a request of: no route has seen it. */
function unreadableRequest(error: NodeJS.ErrnoException): TrainyardError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new TrainyardError(
        "too_large",
        `the address and the headers of a request may hold ${maxHeaderSize} bytes together`,
        "Ask with POST where there is a body for it: POST /api/query takes a filter.",
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new TrainyardError("timeout", "the request did not come to its end in time", "Send it again.");
    default:
      return new TrainyardError("bad_request", `this is no request of HTTP/1.1: ${error.message}`, "See docs/api.md.");
  }
}

/** @param status another than that of the error's code */
function refuse(socket: Duplex, error: TrainyardError, status = HTTP_STATUS[error.code]): void {
  const body = JSON.stringify(error.toApi());
  const head = `HTTP/1.1 ${status} ${error.code}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

async function start(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? new TrainyardError("conflict", `port ${port} cannot be used (${error.code})`, "Leave the port out to take any free one.")
          : error,
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_WAIT_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
