/** All WebSockets of the server: changes go in, each connection sends them at the next beat. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { PROTOCOL_VERSION } from "../../../protocol/discovery.ts";
import { WS_PROTOCOL } from "../../../protocol/messages.ts";
import { StreamConnection, type ConnectionOptions } from "./connection.ts";

export interface StreamHub {
  readonly clients: number;
  /** Takes over a request whose right was checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

const TICK_MS = 100;
const HEARTBEAT_MS = 20_000;
/** Subscriptions are small; a list of 10,000 metric names is the largest thing a client says. */
const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;

export function createStreamHub(options: ConnectionOptions & { readonly version: string }): StreamHub {
  const { runs } = options.sources;
  const connections = new Set<StreamConnection>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false, // Loopback: the time is worth more than the bytes.
    handleProtocols: () => WS_PROTOCOL,
  });
  let ticks: NodeJS.Timeout | null = null;
  let heartbeats: NodeJS.Timeout | null = null;

  const offRuns = runs.onChange((change) => {
    for (const connection of connections) for (const feed of connection.feeds) feed.changed?.(change);
  });

  /** The beat runs only while somebody listens. */
  function pace(): void {
    if (connections.size > 0 && ticks === null) {
      ticks = setInterval(() => {
        for (const connection of connections) void connection.tick();
      }, TICK_MS);
      heartbeats = setInterval(() => {
        for (const connection of connections) connection.heartbeat();
      }, HEARTBEAT_MS);
    } else if (connections.size === 0 && ticks !== null) {
      clearInterval(ticks);
      if (heartbeats !== null) clearInterval(heartbeats);
      ticks = null;
      heartbeats = null;
    }
  }

  return {
    get clients() {
      return connections.size;
    },
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = new StreamConnection(webSocket, options);
        connections.add(connection);
        pace();
        webSocket.on("close", () => {
          connection.dispose();
          connections.delete(connection);
          pace();
        });
        connection.message({ type: "welcome", version: options.version, protocol: PROTOCOL_VERSION });
      });
    },
    close() {
      offRuns();
      for (const connection of connections) connection.close();
      // A client that does not answer the closing handshake must not hold the server.
      setTimeout(() => {
        for (const connection of connections) connection.terminate();
      }, 500).unref();
      server.close();
    },
  };
}
