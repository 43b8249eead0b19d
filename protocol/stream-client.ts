/**
 * The WebSocket client, one for the CLI, the extension host and a browser: it keeps subscriptions alive across lost connections.
 * Every subscription remembers where it stands (rows, log bytes, events seen) and goes on from there after a reconnect, so
 * that its handlers see each thing once. Needs nothing of the platform but timers; the socket comes from outside.
 */
import { addressAt } from "./address.ts";
import type { TrainyardError } from "./errors.ts";
import { decodeFrame, type SeriesFrameHeader } from "./frames.ts";
import { ServerMessage, WS_PATH, WS_PROTOCOL, type ClientMessage, type Topic } from "./messages.ts";
import type { ConnectionState } from "./webview.ts";

/** The part of WebSocket that is used; both the browser's and that of the package `ws` fit. */
export interface StreamSocket {
  binaryType: string;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

export interface StreamAddress {
  /** Base address of the server, `http://127.0.0.1:43210`. */
  readonly url: string;
  readonly token: string;
}

export interface StreamStatus {
  readonly state: ConnectionState;
  /** When this state began, ms since the epoch. */
  readonly since: number;
  /** Why it is not connected, for people; null when there is nothing to say. */
  readonly detail: string | null;
}

export interface StreamClientOptions {
  /** Asked before each attempt to connect, so that a server that was started anew is found at its new address. */
  readonly address: () => StreamAddress | Promise<StreamAddress>;
  readonly connect: (url: string, protocols: string[]) => StreamSocket;
  readonly onStatus?: (status: StreamStatus) => void;
  /** First wait after a lost connection, ms; doubles up to `maxBackoffMs`. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** A ping goes out this often; a connection that is silent for twice as long is given up. */
  readonly heartbeatMs?: number;
}

export interface SubscriptionHandlers {
  /** Every message of this subscription except its `error`. Events that were seen before a reconnect are already taken out. */
  readonly onMessage?: (message: ServerMessage) => void;
  /** Points. `body` is an Arrow IPC stream, `frame` the whole of it as it came (for passing on). */
  readonly onFrame?: (header: SeriesFrameHeader, body: Uint8Array, frame: Uint8Array) => void;
  /** The server refused the topic; the subscription is over. */
  readonly onError?: (error: Pick<TrainyardError, "code" | "message">) => void;
}

export interface StreamSubscription {
  readonly id: number;
  /** The topic with the newest cursor or offset. */
  readonly topic: Topic;
  close(): void;
}

export interface StreamClient {
  readonly status: StreamStatus;
  /**
   * Subscribes now, and again after each reconnect, until it is closed or the server ends the topic.
   * @param id chosen by a relay that must keep the ids of another side; otherwise a free one is taken
   */
  subscribe(topic: Topic, handlers: SubscriptionHandlers, id?: number): StreamSubscription;
  /** Connects at once instead of waiting for the next attempt (the user pressed Retry, the machine woke up). */
  retryNow(): void;
  close(): void;
}

interface Entry {
  topic: Topic;
  readonly handlers: SubscriptionHandlers;
  /** Events handed on in all, and those received on this connection: a topic starts again from the first event. */
  eventsSeen: number;
  eventsHere: number;
}

const DEFAULT_MIN_BACKOFF_MS = 250;
const DEFAULT_MAX_BACKOFF_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 15_000;

export function createStreamClient(options: StreamClientOptions): StreamClient {
  const minBackoffMs = options.minBackoffMs ?? DEFAULT_MIN_BACKOFF_MS;
  const maxBackoffMs = options.maxBackoffMs ?? DEFAULT_MAX_BACKOFF_MS;
  const heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
  const entries = new Map<number, Entry>();
  let status: StreamStatus = { state: "connecting", since: Date.now(), detail: null };
  let socket: StreamSocket | null = null;
  let ready = false;
  let closed = false;
  let attempts = 0;
  let nextId = 1;
  let lastHeard = 0;
  let retryTimer: ReturnType<typeof setTimeout> | null = null;
  let heartbeatTimer: ReturnType<typeof setInterval> | null = null;
  /** Counts attempts to connect, so that a late answer of an abandoned one is not taken for the current one. */
  let generation = 0;

  function setStatus(state: ConnectionState, detail: string | null): void {
    if (status.state === state && status.detail === detail) return;
    status = { state, since: status.state === state ? status.since : Date.now(), detail };
    options.onStatus?.(status);
  }

  function send(message: ClientMessage): void {
    if (ready) socket?.send(JSON.stringify(message));
  }

  async function open(): Promise<void> {
    const mine = ++generation;
    let address: StreamAddress;
    try {
      address = await options.address();
    } catch (error) {
      if (mine === generation) lost("failed", error instanceof Error ? error.message : String(error));
      return;
    }
    if (mine !== generation || closed) return;
    const url = addressAt(address.url, WS_PATH);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    let opened: StreamSocket;
    try {
      opened = options.connect(url.href, [WS_PROTOCOL, `bearer.${address.token}`]);
    } catch (error) {
      lost("reconnecting", error instanceof Error ? error.message : String(error));
      return;
    }
    opened.binaryType = "arraybuffer";
    socket = opened;
    opened.addEventListener("open", () => {
      if (mine !== generation) return;
      ready = true;
      attempts = 0;
      lastHeard = Date.now();
      setStatus("connected", null);
      for (const [id, entry] of entries) {
        entry.eventsHere = 0;
        send({ type: "subscribe", id, topic: entry.topic });
      }
      heartbeatTimer = setInterval(heartbeat, heartbeatMs);
    });
    opened.addEventListener("message", (event) => {
      if (mine !== generation) return;
      lastHeard = Date.now();
      if (typeof event.data === "string") receiveText(event.data);
      else if (event.data instanceof ArrayBuffer) receiveFrame(new Uint8Array(event.data));
    });
    // `error` is always followed by `close`; a listener must be there, or `ws` throws.
    opened.addEventListener("error", () => undefined);
    opened.addEventListener("close", () => {
      if (mine === generation) lost("reconnecting", "the connection to the run server was lost");
    });
  }

  function lost(state: ConnectionState, detail: string): void {
    drop();
    if (closed) return;
    setStatus(state, detail);
    const wait = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(attempts++, 16));
    // Spread out, so that many windows do not come back in the same instant.
    retryTimer = setTimeout(reconnect, wait * (0.75 + Math.random() / 2));
  }

  function reconnect(): void {
    if (retryTimer !== null) clearTimeout(retryTimer);
    retryTimer = null;
    void open();
  }

  /** Forgets the current socket without any of its later events being heard. */
  function drop(): void {
    generation++;
    ready = false;
    if (heartbeatTimer !== null) clearInterval(heartbeatTimer);
    heartbeatTimer = null;
    socket?.close();
    socket = null;
  }

  function heartbeat(): void {
    if (Date.now() - lastHeard > 2 * heartbeatMs) lost("reconnecting", "the run server stopped answering");
    else send({ type: "ping", id: 0 });
  }

  function receiveText(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return;
    }
    const parsed = ServerMessage.safeParse(json);
    // A kind of message that this version does not know is passed over: newer servers may say more.
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.type === "welcome" || message.type === "pong" || message.id === null) return;
    const entry = entries.get(message.id);
    if (entry === undefined) return;
    switch (message.type) {
      case "error":
        entries.delete(message.id);
        entry.handlers.onError?.({ code: message.code, message: message.message });
        return;
      case "end":
        entries.delete(message.id);
        break;
      case "log":
        if (entry.topic.topic === "log") entry.topic = { ...entry.topic, offset: message.next_offset };
        break;
      case "events": {
        const known = Math.max(0, entry.eventsSeen - entry.eventsHere);
        entry.eventsHere += message.events.length;
        entry.eventsSeen = Math.max(entry.eventsSeen, entry.eventsHere);
        const fresh = message.events.slice(known);
        if (fresh.length > 0) entry.handlers.onMessage?.({ ...message, events: fresh });
        return;
      }
      default:
        break;
    }
    entry.handlers.onMessage?.(message);
  }

  function receiveFrame(frame: Uint8Array): void {
    let decoded: ReturnType<typeof decodeFrame>;
    try {
      decoded = decodeFrame(frame);
    } catch {
      // The cursor did not move: a fresh connection brings the same points again, whole.
      lost("reconnecting", "a damaged frame came from the run server");
      return;
    }
    const { header, body } = decoded;
    const entry = header.id === null ? undefined : entries.get(header.id);
    if (entry?.topic.topic !== "series") return;
    entry.topic = { ...entry.topic, cursor: header.cursor };
    entry.handlers.onFrame?.(header, body, frame);
  }

  reconnect();

  return {
    get status() {
      return status;
    },
    subscribe(topic, handlers, chosenId) {
      while (entries.has(nextId)) nextId++;
      const id = chosenId ?? nextId++;
      const entry: Entry = { topic, handlers, eventsSeen: 0, eventsHere: 0 };
      if (entries.has(id)) send({ type: "unsubscribe", id });
      entries.set(id, entry);
      send({ type: "subscribe", id, topic });
      return {
        id,
        get topic() {
          return entry.topic;
        },
        close() {
          if (entries.get(id) !== entry) return;
          entries.delete(id);
          send({ type: "unsubscribe", id });
        },
      };
    },
    retryNow() {
      if (!ready && !closed) {
        drop();
        attempts = 0;
        reconnect();
      }
    },
    close() {
      closed = true;
      entries.clear();
      if (retryTimer !== null) clearTimeout(retryTimer);
      drop();
    },
  };
}
