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
/** A change that comes after a quiet moment does not wait for the beat; those that follow it closely do. */
const QUIET_MS = 40;
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

  let ticked = 0;
  let early: NodeJS.Timeout | null = null;

  function tick(): void {
    ticked = performance.now();
    if (early !== null) clearTimeout(early);
    early = null;
    for (const connection of connections) void connection.tick();
  }

  const offRuns = runs.onChange((change) => {
    if (connections.size === 0) return;
    for (const connection of connections) for (const feed of connection.feeds) feed.changed?.(change);
    early ??= setTimeout(tick, Math.max(0, ticked + QUIET_MS - performance.now()));
  });

  /** The beat runs only while somebody listens. */
  function pace(): void {
    if (connections.size > 0 && ticks === null) {
      ticks = setInterval(tick, TICK_MS);
      heartbeats = setInterval(() => {
        for (const connection of connections) connection.heartbeat();
      }, HEARTBEAT_MS);
    } else if (connections.size === 0 && ticks !== null) {
      clearInterval(ticks);
      if (heartbeats !== null) clearInterval(heartbeats);
      if (early !== null) clearTimeout(early);
      early = null;
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
